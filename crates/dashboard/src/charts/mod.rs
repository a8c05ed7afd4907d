//! Charts, drawn as SVG on the server.
//!
//! Shapes stretch with the page and all text stands beside them as HTML, so that it is legible at
//! any width. Colours come from classes. Every chart says in words what it shows; where single
//! values matter, the page has them in a table too.

mod assessment;
mod ranks;
mod runs;
mod trend;

pub(crate) use assessment::{Bin, interval, reliability, signed_bar, signed_columns};
pub(crate) use ranks::{name as rank_name, ranks, title as tier_title};
pub(crate) use runs::{Hour, history, hours, spark};
pub(crate) use trend::{Dot, trend};

use crate::markup::{Markup, escape};

/// What stands around a drawing.
struct Frame<'a> {
    /// What it shows, in a sentence, for those who do not see it.
    label: String,
    /// The drawing's own units.
    width: f64,
    height: f64,
    /// Marks of the vertical axis, from the top.
    y: Vec<String>,
    /// Marks of the horizontal axis, from the left.
    x: Vec<String>,
    /// One more class.
    class: &'a str,
    /// Whether it has links in it.
    links: bool,
}

fn frame(frame: &Frame<'_>, shapes: &str) -> Markup {
    let marks = |marks: &[String]| {
        marks.iter().map(|mark| format!("<span>{}</span>", escape(mark))).collect::<String>()
    };
    let role = if frame.links { "group" } else { "img" };
    Markup(format!(
        "<div class=\"plot {}\"><div class=\"y\" aria-hidden=\"true\">{}</div>\
         <svg role=\"{role}\" aria-label=\"{}\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\">{shapes}</svg>\
         <div class=\"x\" aria-hidden=\"true\">{}</div></div>",
        frame.class,
        marks(&frame.y),
        escape(&frame.label),
        frame.width,
        frame.height,
        marks(&frame.x),
    ))
}

/// A number as SVG wants it, short.
fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How much of a budget is used, in three parts.
pub(crate) fn gauge(ours: f64, others: f64, limit: f64, label: &str) -> Markup {
    let share =
        |value: f64| if limit > 0.0 { (value / limit * 100.0).clamp(0.0, 100.0) } else { 0.0 };
    let (ours, others) = (share(ours), share(others));
    let full = if ours + others >= 99.5 { " full" } else { "" };
    Markup(format!(
        "<svg class=\"gauge{full}\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\">\
         <rect class=\"track\" width=\"100\" height=\"8\"/><rect class=\"ours\" width=\"{}\" height=\"8\"/>\
         <rect class=\"others\" x=\"{}\" width=\"{}\" height=\"8\"/></svg>",
        escape(label),
        px(ours),
        px(ours),
        px(others.min(100.0 - ours)),
    ))
}

/// The value below which this share of sorted values lies.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a short list"
    )]
    let index = ((sorted.len() - 1) as f64 * share).round() as usize;
    sorted[index]
}

/// A round number at or above a value: 1, 2 or 5 times a power of ten.
fn nice_ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= value)
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.0, 0.3, 1.0, 7.0, 120.0].map(nice_ceiling), [1.0, 0.5, 1.0, 10.0, 200.0]);
    }

    #[test]
    fn labels_are_escaped() {
        let svg = gauge(1.0, 0.0, 2.0, "<script>");
        assert!(svg.0.contains("&lt;script&gt;") && !svg.0.contains("<script>"));
    }
}

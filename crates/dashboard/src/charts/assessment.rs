//! What an assessment says, drawn: probabilities with their intervals, reasons with their weight.

use super::{Frame, frame, px};
use crate::markup::{Markup, escape};
use crate::words;

/// A probability on a line from 0 to 100 %, with its interval as a bar and the prior as a tick.
pub(crate) fn interval(p: f64, low: f64, high: f64, prior: Option<f64>) -> Markup {
    let x = |p: f64| px(p.clamp(0.0, 1.0) * 1000.0);
    let mut shapes = format!(
        "<path class=\"grid\" d=\"M0 0V40M250 0V40M500 0V40M750 0V40M1000 0V40\"/>\
         <rect class=\"range\" x=\"{}\" y=\"12\" width=\"{}\" height=\"16\" rx=\"3\"/>\
         <path class=\"point\" d=\"M{} 20h.01\"/>",
        x(low),
        px(((high - low) * 1000.0).max(2.0)),
        x(p),
    );
    let mut label = format!(
        "Probability {}, four times in five between {} and {}",
        words::probability(p),
        words::probability(low),
        words::probability(high)
    );
    if let Some(prior) = prior {
        shapes.push_str(&format!("<path class=\"prior\" d=\"M{} 2V38\"/>", x(prior)));
        label.push_str(&format!("; beforehand {}", words::probability(prior)));
    }
    let marks = ["0", "25", "50", "75", "100 %"].map(ToOwned::to_owned);
    frame(
        &Frame {
            label,
            width: 1000.0,
            height: 40.0,
            y: Vec::new(),
            x: marks.to_vec(),
            class: "interval",
            links: false,
        },
        &shapes,
    )
}

/// How strongly one reason speaks, from the middle: to the right for, to the left against.
pub(crate) fn signed_bar(value: f64, largest: f64, label: &str) -> Markup {
    let reach = if largest > 0.0 { (value.abs() / largest).min(1.0) * 50.0 } else { 0.0 };
    let (class, x) = if value >= 0.0 { ("for", 50.0) } else { ("against", 50.0 - reach) };
    Markup(format!(
        "<svg class=\"signed\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">\
         <rect class=\"{class}\" x=\"{}\" y=\"1\" width=\"{}\" height=\"8\"/><path class=\"axis\" d=\"M50 0V10\"/></svg>",
        escape(label),
        px(x),
        px(reach.max(if value == 0.0 { 0.0 } else { 0.4 })),
    ))
}

/// Values around a middle, in order: above it up, below it down. Each with what it is in words.
#[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
pub(crate) fn signed_columns(
    values: &[(f64, String)],
    limit: f64,
    label: &str,
    marks: [&str; 3],
) -> Markup {
    let width = values.len().max(20) as f64 * 10.0;
    let mut shapes = format!(
        "<path class=\"axis\" d=\"M0 50H{width}\"/><path class=\"grid\" d=\"M0 25H{width}M0 75H{width}\"/>"
    );
    for (place, (value, title)) in values.iter().enumerate() {
        let x = place as f64 * 10.0;
        let reach = (value.abs() / limit).min(1.0) * 48.0;
        let (class, y) = if *value >= 0.0 { ("above", 50.0 - reach) } else { ("below", 50.0) };
        shapes.push_str(&format!(
            "<g><title>{}</title><rect class=\"hit\" x=\"{x}\" width=\"10\" height=\"100\"/><rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"7\" height=\"{}\"/></g>",
            escape(title),
            px(x + 1.5),
            px(y),
            px(reach.max(0.8)),
        ));
    }
    frame(
        &Frame {
            label: label.to_owned(),
            width,
            height: 100.0,
            y: marks.map(ToOwned::to_owned).to_vec(),
            x: vec!["older".to_owned(), "newer".to_owned()],
            class: "columns",
            links: false,
        },
        &shapes,
    )
}

/// Assessments of like probability, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bin {
    /// Mean probability that was said.
    pub(crate) predicted: f64,
    /// Share of which it was true.
    pub(crate) observed: f64,
    /// Within which the share would be found four times in five.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// How many.
    pub(crate) count: i64,
}

/// Said against happened: on the line, what is said happens as often as it is said.
pub(crate) fn reliability(bins: &[Bin]) -> Markup {
    let size = 400.0;
    let x = |p: f64| px(p.clamp(0.0, 1.0) * size);
    let y = |p: f64| px(size - p.clamp(0.0, 1.0) * size);
    let mut shapes = format!(
        "<path class=\"grid\" d=\"M0 100H{size}M0 200H{size}M0 300H{size}M100 0V{size}M200 0V{size}M300 0V{size}\"/>\
         <path class=\"ideal\" d=\"M0 {size}L{size} 0\"/>"
    );
    for bin in bins {
        shapes.push_str(&format!(
            "<g><title>said {}, happened {} of {}</title><path class=\"whisker\" d=\"M{} {}V{}\"/><path class=\"dot\" d=\"M{} {}h.01\"/></g>",
            words::probability(bin.predicted),
            words::probability(bin.observed),
            bin.count,
            x(bin.predicted),
            y(bin.low),
            y(bin.high),
            x(bin.predicted),
            y(bin.observed),
        ));
    }
    frame(
        &Frame {
            label: format!(
                "Predicted against happened, in {} groups; on the diagonal both are equal",
                bins.len()
            ),
            width: size,
            height: size,
            y: ["100 %", "50 %", "0"].map(ToOwned::to_owned).to_vec(),
            x: ["0", "said", "100 %"].map(ToOwned::to_owned).to_vec(),
            class: "reliability",
            links: false,
        },
        &shapes,
    )
}

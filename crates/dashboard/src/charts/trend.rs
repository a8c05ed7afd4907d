//! One value for each run, in order, with the band in which such values usually lie.

use super::{Frame, frame, nice_ceiling, px, quantile};
use crate::markup::{Markup, escape};

/// How many earlier values the band is made of.
const WINDOW: usize = 20;

/// Without so many, nothing is usual yet.
const FEWEST: usize = 5;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dot {
    pub(crate) value: f64,
    /// Whether it says what is usual: of a run that ended well.
    pub(crate) normal: bool,
    /// What it is, in words.
    pub(crate) title: String,
    /// Where it leads.
    pub(crate) href: String,
}

/// Dots from the oldest to the newest over their band: the middle 80 of 100 among the last 20 that
/// say what is usual.
#[expect(clippy::cast_precision_loss, reason = "a few hundred dots")]
pub(crate) fn trend(dots: &[Dot], what: &str, say: fn(f64) -> String) -> Markup {
    let height = 100.0;
    let top = nice_ceiling(dots.iter().map(|dot| dot.value).fold(0.0, f64::max));
    let step = 10.0;
    let width = (dots.len().max(30) as f64) * step;
    let offset = width - dots.len() as f64 * step;
    let x = |place: usize| offset + place as f64 * step + step / 2.0;
    let y = |value: f64| height - (value.clamp(0.0, top) / top) * (height - 6.0) - 3.0;

    let mut upper = Vec::new();
    let mut lower = Vec::new();
    let mut middle = Vec::new();
    let mut last = None;
    for place in 0..dots.len() {
        let mut usual: Vec<f64> = dots[..=place]
            .iter()
            .rev()
            .filter(|dot| dot.normal)
            .take(WINDOW)
            .map(|dot| dot.value)
            .collect();
        if usual.len() < FEWEST {
            continue;
        }
        usual.sort_by(f64::total_cmp);
        let (low, mid, high) =
            (quantile(&usual, 0.1), quantile(&usual, 0.5), quantile(&usual, 0.9));
        last = Some((low, mid, high));
        upper.push(format!("{} {}", px(x(place)), px(y(high))));
        lower.push(format!("{} {}", px(x(place)), px(y(low))));
        middle.push(format!("{} {}", px(x(place)), px(y(mid))));
    }
    let mut shapes = format!("<path class=\"grid\" d=\"M0 50H{width}M0 3H{width}\"/>");
    if upper.len() > 1 {
        lower.reverse();
        shapes.push_str(&format!(
            "<path class=\"band\" d=\"M{}L{}z\"/><path class=\"median\" d=\"M{}\"/>",
            upper.join("L"),
            lower.join("L"),
            middle.join("L"),
        ));
    }
    for (place, dot) in dots.iter().enumerate() {
        let class = if dot.normal { "dot" } else { "dot odd" };
        shapes.push_str(&format!(
            "<a href=\"{}\" aria-label=\"{}\" tabindex=\"-1\"><title>{}</title><rect class=\"hit\" x=\"{}\" width=\"{step}\" height=\"{height}\"/><path class=\"{class}\" d=\"M{} {}h.01\"/></a>",
            escape(&dot.href),
            escape(&dot.title),
            escape(&dot.title),
            px(x(place) - step / 2.0),
            px(x(place)),
            px(y(dot.value)),
        ));
    }
    let label = match last {
        Some((low, mid, high)) => format!(
            "{what} of the last {} runs; usually {} to {}, {} at the median",
            dots.len(),
            say(low),
            say(high),
            say(mid)
        ),
        None => format!("{what} of the last {} runs; too few to say what is usual", dots.len()),
    };
    frame(
        &Frame {
            label,
            width,
            height,
            y: vec![say(top), say(top / 2.0), say(0.0)],
            x: vec!["older".to_owned(), "newer".to_owned()],
            class: "trend",
            links: true,
        },
        &shapes,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_needs_five_usual_values() {
        let dot = |value| Dot { value, normal: true, title: String::new(), href: String::new() };
        let few: Vec<Dot> = (1..=4).map(|n| dot(f64::from(n))).collect();
        assert!(!trend(&few, "Duration", |v| v.to_string()).0.contains("band"));
        let enough: Vec<Dot> = (1..=8).map(|n| dot(f64::from(n))).collect();
        let svg = trend(&enough, "Duration", |v| v.to_string()).0;
        assert!(svg.contains("class=\"band\""));
        assert!(svg.contains("usually 2 to 7, 5 at the median"), "{svg}");
    }
}

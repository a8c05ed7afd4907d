//! Runs as bars: of one job, and by the hour.

use chrono::{DateTime, Utc};
use riftwatch_store::run_history::Bar;

use super::{Frame, frame, nice_ceiling, px};
use crate::markup::{Markup, escape};
use crate::words;

/// Height of a drawing of single runs; its last part holds the marks of bad ends.
const HEIGHT: f64 = 40.0;

/// Where bars stand.
const GROUND: f64 = 34.0;

fn word(bar: &Bar) -> String {
    let how = bar.reason.as_deref().filter(|reason| *reason != "completed");
    let how = how.map_or_else(
        || bar.status.clone(),
        |how| format!("{}, {}", bar.status, words::spaced(how)),
    );
    match bar.duration_s() {
        Some(taken) => format!("run {}: {how}, {}", bar.id, words::duration(taken)),
        None => format!("run {}: {how}", bar.id),
    }
}

/// Bars from the oldest to the newest: height is duration (the root of it, so that short runs stay
/// visible), colour the result; a mark below says failed or cancelled without colour.
fn draw(newest_first: &[Bar], slots: usize, links: bool) -> String {
    let longest = newest_first.iter().filter_map(Bar::duration_s).fold(0.001, f64::max);
    let mut shapes = String::new();
    for (place, bar) in newest_first.iter().take(slots).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "at most a few hundred bars")]
        let x = (slots - 1 - place) as f64 * 10.0;
        let share = bar.duration_s().map_or(0.5, |taken| (taken.max(0.0) / longest).sqrt());
        let tall = 5.0 + (GROUND - 6.0) * share;
        let class = match (bar.status.as_str(), bar.reason.as_deref()) {
            ("success", Some("partial" | "rate_limited")) => "partly",
            (status, _) => status,
        };
        let mut shape = format!(
            "<rect class=\"hit\" x=\"{x}\" width=\"10\" height=\"{HEIGHT}\"/><rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"8\" height=\"{}\"/>",
            escape(class),
            px(x + 1.0),
            px(GROUND - tall),
            px(tall),
        );
        match class {
            "failed" => shape.push_str(&format!(
                "<path class=\"failed\" d=\"M{} 39.5l3.5 -4.5l3.5 4.5z\"/>",
                px(x + 1.5)
            )),
            "cancelled" => shape.push_str(&format!(
                "<rect class=\"cancelled\" x=\"{}\" y=\"36.5\" width=\"6\" height=\"1.5\"/>",
                px(x + 2.0)
            )),
            _ => {}
        }
        if links {
            shapes.push_str(&format!(
                "<a href=\"/runs/{}\" aria-label=\"{}\"><title>{}</title>{shape}</a>",
                bar.id,
                escape(&word(bar)),
                escape(&word(bar)),
            ));
        } else {
            shapes.push_str(&format!("<g><title>{}</title>{shape}</g>", escape(&word(bar))));
        }
    }
    shapes
}

fn summary(bars: &[Bar]) -> String {
    let of = |status: &str| bars.iter().filter(|bar| bar.status == status).count();
    if bars.is_empty() {
        return "no runs yet".to_owned();
    }
    let mut text =
        format!("last {} runs: {} succeeded, {} failed", bars.len(), of("success"), of("failed"));
    for (status, word) in
        [("cancelled", "cancelled"), ("running", "running"), ("pending", "waiting")]
    {
        if of(status) > 0 {
            text.push_str(&format!(", {} {word}", of(status)));
        }
    }
    text
}

/// The last 30 runs of a job, small.
pub(crate) fn spark(newest_first: &[Bar]) -> Markup {
    Markup(format!(
        "<svg class=\"spark runs\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 300 {HEIGHT}\" preserveAspectRatio=\"none\">{}</svg>",
        escape(&summary(newest_first)),
        draw(newest_first, 30, false),
    ))
}

/// The last 90 runs of a job, each a link.
pub(crate) fn history(newest_first: &[Bar]) -> Markup {
    let slots = newest_first.len().clamp(30, 90);
    let longest = newest_first.iter().filter_map(Bar::duration_s).fold(0.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "90 at most")]
    let width = slots as f64 * 10.0;
    let at =
        |bar: Option<&Bar>| bar.map_or_else(String::new, |bar| words::absolute(bar.created_at));
    let shown = &newest_first[..newest_first.len().min(slots)];
    frame(
        &Frame {
            label: summary(shown),
            width,
            height: HEIGHT,
            y: vec![words::duration(longest), String::new()],
            x: if shown.len() == slots {
                vec![at(shown.last()), at(shown.first())]
            } else {
                vec![String::new(), at(shown.first())]
            },
            class: "runs",
            links: true,
        },
        &draw(shown, slots, true),
    )
}

/// The runs that became due in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hour {
    pub(crate) start: DateTime<Utc>,
    pub(crate) success: i64,
    pub(crate) failed: i64,
    pub(crate) cancelled: i64,
    pub(crate) unfinished: i64,
}

impl Hour {
    fn parts(&self) -> [(&'static str, i64); 4] {
        [
            ("failed", self.failed),
            ("cancelled", self.cancelled),
            ("running", self.unfinished),
            ("success", self.success),
        ]
    }
}

/// Runs by the hour, stacked by result, bad ends at the bottom where they are compared best.
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
pub(crate) fn hours(hours: &[Hour]) -> Markup {
    let total = |hour: &Hour| hour.parts().iter().map(|(_, count)| count).sum::<i64>();
    let top = nice_ceiling(hours.iter().map(total).max().unwrap_or(0) as f64);
    let height = 100.0;
    let width = hours.len() as f64 * 20.0;
    let mut shapes = format!("<path class=\"grid\" d=\"M0 50H{width}M0 0H{width}\"/>");
    for (place, hour) in hours.iter().enumerate() {
        let x = place as f64 * 20.0;
        let mut ground = height;
        let mut bars = String::new();
        for (class, count) in hour.parts() {
            if count == 0 {
                continue;
            }
            // What happened at all is seen, however many others there were.
            let tall = (count as f64 / top * height).max(1.5);
            ground -= tall;
            bars.push_str(&format!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"16\" height=\"{}\"/>",
                px(x + 2.0),
                px(ground),
                px(tall)
            ));
        }
        shapes.push_str(&format!(
            "<g><title>{}: {} succeeded, {} failed, {} cancelled, {} not ended</title><rect class=\"hit\" x=\"{x}\" width=\"20\" height=\"100\"/>{bars}</g>",
            hour.start.format("%d %b %H:00 UTC"),
            hour.success,
            hour.failed,
            hour.cancelled,
            hour.unfinished,
        ));
    }
    let sum = |of: fn(&Hour) -> i64| hours.iter().map(of).sum::<i64>();
    let label = format!(
        "Runs by the hour over {} hours: {} succeeded, {} failed, {} cancelled",
        hours.len(),
        sum(|hour| hour.success),
        sum(|hour| hour.failed),
        sum(|hour| hour.cancelled),
    );
    let mark = |hour: Option<&Hour>| {
        hour.map_or_else(String::new, |hour| hour.start.format("%H:00").to_string())
    };
    frame(
        &Frame {
            label,
            width,
            height,
            y: vec![words::number(top), words::number(top / 2.0), "0".to_owned()],
            x: vec![mark(hours.first()), mark(hours.get(hours.len() / 2)), mark(hours.last())],
            class: "hours",
            links: false,
        },
        &shapes,
    )
}

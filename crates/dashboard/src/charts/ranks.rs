//! A rank over time.

use riftwatch_domain::rank::{Division, RankSnapshot, Tier};

use super::{Frame, frame, px};
use crate::markup::{Markup, escape};
use crate::words;

/// Points of a division, which everything below the apex has four of.
const DIVISION: i32 = 100;

/// Height on one ladder, in points above Iron IV. Apex tiers share one, above Diamond I.
fn height(snapshot: &RankSnapshot) -> Option<i32> {
    let entry = &snapshot.entry;
    let divisions = entry.divisions()?;
    Some(divisions * DIVISION + entry.league_points)
}

/// `Gold II, 45 LP`.
pub(crate) fn name(snapshot: &RankSnapshot) -> String {
    let entry = &snapshot.entry;
    match (&entry.tier, entry.division) {
        (Some(tier), Some(division)) if !tier.is_apex() => {
            format!("{} {}, {} LP", title(tier), division.as_str(), entry.league_points)
        }
        (Some(tier), _) => format!("{}, {} LP", title(tier), entry.league_points),
        (None, _) => "unranked".to_owned(),
    }
}

/// `Gold`.
pub(crate) fn title(tier: &Tier) -> String {
    let word = tier.as_str().to_lowercase();
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What a height is called, on the axis.
fn mark(height: i32) -> String {
    let divisions = height.div_euclid(DIVISION);
    let (tier, division) = (divisions.div_euclid(4), divisions.rem_euclid(4));
    let tier = usize::try_from(tier).ok().and_then(|tier| Tier::LADDER.get(tier));
    match tier {
        Some(tier) if tier.is_apex() => title(&Tier::LADDER[7]),
        Some(tier) => {
            let division = Division::ALL[usize::try_from(division).unwrap_or(0)];
            format!("{} {}", title(tier), division.as_str())
        }
        None => title(&Tier::LADDER[7]),
    }
}

/// A rank over time, as steps: it holds until another is seen. Oldest first. `None`: fewer than
/// two ranks were seen.
#[expect(clippy::cast_precision_loss, reason = "seconds and points")]
pub(crate) fn ranks(oldest_first: &[RankSnapshot]) -> Option<Markup> {
    let seen: Vec<(f64, i32, &RankSnapshot)> = oldest_first
        .iter()
        .filter_map(|rank| Some((rank.seen_at.timestamp() as f64, height(rank)?, rank)))
        .collect();
    let (first, last) = (seen.first()?, seen.last()?);
    if seen.len() < 2 {
        return None;
    }
    let lowest = seen.iter().map(|(_, height, _)| *height).min()?;
    let highest = seen.iter().map(|(_, height, _)| *height).max()?;
    let bottom = lowest.div_euclid(DIVISION) * DIVISION;
    let top = (highest.div_euclid(DIVISION) + 1) * DIVISION;
    let (width, tall) = (1000.0, 160.0);
    let span = (last.0 - first.0).max(1.0);
    let x = |at: f64| (at - first.0) / span * width;
    let y = |height: i32| tall - f64::from(height - bottom) / f64::from(top - bottom) * tall;

    let mut shapes = String::from("<path class=\"grid\" d=\"");
    let mut line = bottom;
    while line <= top {
        shapes.push_str(&format!("M0 {}H{width}", px(y(line))));
        line += DIVISION;
    }
    shapes.push_str("\"/><path class=\"step\" d=\"");
    for (place, (at, height, _)) in seen.iter().enumerate() {
        if place == 0 {
            shapes.push_str(&format!("M{} {}", px(x(*at)), px(y(*height))));
        } else {
            shapes.push_str(&format!("H{}V{}", px(x(*at)), px(y(*height))));
        }
    }
    shapes.push_str("\"/>");
    for (at, height, rank) in &seen {
        shapes.push_str(&format!(
            "<g><title>{}: {}</title><path class=\"dot\" d=\"M{} {}h.01\"/></g>",
            words::absolute(rank.seen_at),
            escape(&name(rank)),
            px(x(*at)),
            px(y(*height)),
        ));
    }
    let day = |rank: &RankSnapshot| rank.seen_at.format("%d %b %Y").to_string();
    Some(frame(
        &Frame {
            label: format!(
                "Rank over time: {} on {}, {} on {}; {} changes seen",
                name(first.2),
                day(first.2),
                name(last.2),
                day(last.2),
                seen.len() - 1
            ),
            width,
            height: tall,
            y: vec![mark(top), mark(bottom)],
            x: vec![day(first.2), day(last.2)],
            class: "ranks",
            links: false,
        },
        &shapes,
    ))
}

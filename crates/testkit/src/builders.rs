//! Domain values with defaults, so that a test says only what it is about.

mod matches;
mod players;

pub use matches::{GameBuilder, ParticipantBuilder, game, participant};
pub use players::{PlayerBuilder, player};

use chrono::{DateTime, TimeZone, Utc};

/// The moment that built values are dated from: 2026-01-01 12:00 UTC.
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 12, 0, 0).single().expect("a time that exists")
}

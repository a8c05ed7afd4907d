//! Players.

use chrono::{DateTime, Utc};
use riftwatch_domain::player::{Player, Puuid, RiotId};
use riftwatch_domain::routing::Platform;

use super::noon;

/// A player named `name` on EUW, met at [`noon`], not tracked: `player("Fox").tracked().build()`.
/// The puuid is made of the name.
pub fn player(name: &str) -> PlayerBuilder {
    PlayerBuilder(Player {
        puuid: Puuid::new(format!("puuid-of-{name}")),
        platform: Platform::Euw1,
        riot_id: Some(RiotId { game_name: name.to_owned(), tag_line: "EUW".to_owned() }),
        profile_icon_id: Some(1),
        summoner_level: Some(100),
        is_tracked: false,
        is_analyzed: false,
        tracked_at: None,
        last_synced_at: None,
        created_at: noon(),
        updated_at: noon(),
    })
}

/// See [`player`].
#[derive(Debug, Clone)]
pub struct PlayerBuilder(Player);

impl PlayerBuilder {
    /// Tracked since [`noon`].
    #[must_use]
    pub fn tracked(mut self) -> Self {
        self.0.is_tracked = true;
        self.0.tracked_at = Some(noon());
        self
    }

    /// Assessed by the newest evidence.
    #[must_use]
    pub fn analyzed(mut self) -> Self {
        self.0.is_analyzed = true;
        self
    }

    /// Brought current at `at`.
    #[must_use]
    pub fn synced(mut self, at: DateTime<Utc>) -> Self {
        self.0.last_synced_at = Some(at);
        self
    }

    /// On another platform.
    #[must_use]
    pub fn on(mut self, platform: Platform) -> Self {
        self.0.platform = platform;
        self
    }

    /// With this key.
    #[must_use]
    pub fn puuid(mut self, puuid: &str) -> Self {
        self.0.puuid = Puuid::new(puuid);
        self
    }

    /// Account level.
    #[must_use]
    pub fn level(mut self, level: i64) -> Self {
        self.0.summoner_level = Some(level);
        self
    }

    /// The value.
    pub fn build(self) -> Player {
        self.0
    }
}

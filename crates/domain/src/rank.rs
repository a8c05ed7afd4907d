//! Ranks: tier, division, league points.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A tier of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum Tier {
    Iron,
    Bronze,
    Silver,
    Gold,
    Platinum,
    Emerald,
    Diamond,
    Master,
    Grandmaster,
    Challenger,
    /// A tier that this version does not know, as Riot spells it.
    Other(String),
}

impl Tier {
    /// The known tiers, lowest first.
    pub const LADDER: [Self; 10] = [
        Self::Iron,
        Self::Bronze,
        Self::Silver,
        Self::Gold,
        Self::Platinum,
        Self::Emerald,
        Self::Diamond,
        Self::Master,
        Self::Grandmaster,
        Self::Challenger,
    ];

    /// Riot's spelling: `GOLD`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Iron => "IRON",
            Self::Bronze => "BRONZE",
            Self::Silver => "SILVER",
            Self::Gold => "GOLD",
            Self::Platinum => "PLATINUM",
            Self::Emerald => "EMERALD",
            Self::Diamond => "DIAMOND",
            Self::Master => "MASTER",
            Self::Grandmaster => "GRANDMASTER",
            Self::Challenger => "CHALLENGER",
            Self::Other(name) => name,
        }
    }

    /// Place on the ladder, Iron = 0 … Challenger = 9; `None` for an unknown tier.
    pub fn ordinal(&self) -> Option<u8> {
        let place = Self::LADDER.iter().position(|tier| tier == self)?;
        Some(u8::try_from(place).expect("the ladder has ten tiers"))
    }

    /// Master and above: one ladder by league points, without divisions.
    pub fn is_apex(&self) -> bool {
        matches!(self, Self::Master | Self::Grandmaster | Self::Challenger)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = Infallible;

    /// Ignores case. Riot adds tiers: an unknown one is kept as it is.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::LADDER
            .into_iter()
            .find(|tier| tier.as_str().eq_ignore_ascii_case(text))
            .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl From<String> for Tier {
    fn from(text: String) -> Self {
        match text.parse() {
            Ok(tier) => tier,
            Err(never) => match never {},
        }
    }
}

impl From<Tier> for String {
    fn from(tier: Tier) -> Self {
        tier.as_str().to_owned()
    }
}

/// A quarter of a tier below Master; IV is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum Division {
    IV,
    III,
    II,
    I,
}

impl Division {
    /// Lowest first.
    pub const ALL: [Self; 4] = [Self::IV, Self::III, Self::II, Self::I];

    /// Riot's spelling: `IV`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IV => "IV",
            Self::III => "III",
            Self::II => "II",
            Self::I => "I",
        }
    }

    /// IV = 0 … I = 3.
    pub const fn ordinal(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no division.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a division: expected I, II, III or IV")]
pub struct UnknownDivision(pub String);

impl FromStr for Division {
    type Err = UnknownDivision;

    fn from_str(text: &str) -> Result<Self, UnknownDivision> {
        Self::ALL
            .into_iter()
            .find(|division| division.as_str() == text)
            .ok_or_else(|| UnknownDivision(text.to_owned()))
    }
}

/// A player's standing in one ranked queue, as the league endpoint tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankEntry {
    /// Riot's name of the ladder: `RANKED_SOLO_5x5`, `RANKED_FLEX_SR`, … open, since Riot adds some.
    pub queue_type: String,
    /// Absent for ladders without tiers (Arena).
    pub tier: Option<Tier>,
    /// Absent for ladders without tiers. Always `I` from Master upwards.
    pub division: Option<Division>,
    /// 0 to 100 within a division; without upper end from Master upwards.
    pub league_points: i32,
    /// Won this season.
    pub wins: i32,
    /// Lost this season.
    pub losses: i32,
    /// At least three wins in a row.
    pub hot_streak: bool,
    /// A hundred games or more in this league.
    pub veteran: bool,
    /// New to this league.
    pub fresh_blood: bool,
    /// Has not played for long.
    pub inactive: bool,
}

/// The ranked solo ladder.
pub const RANKED_SOLO: &str = "RANKED_SOLO_5x5";

impl RankEntry {
    /// Height on the ladder in divisions: Iron IV = 0, each division 1, each tier 4, Master and
    /// above 28 whatever their points. `None` without a known tier.
    pub fn divisions(&self) -> Option<i32> {
        let tier = self.tier.as_ref()?;
        if tier.is_apex() {
            return Some(28);
        }
        Some(4 * i32::from(tier.ordinal()?) + i32::from(self.division?.ordinal()))
    }

    /// Whether anything that a history of ranks shows differs: tier, division, points, wins, losses.
    pub fn differs(&self, other: &Self) -> bool {
        (&self.tier, self.division, self.league_points, self.wins, self.losses)
            != (&other.tier, other.division, other.league_points, other.wins, other.losses)
    }
}

impl fmt::Display for RankEntry {
    /// `GOLD II, 40 LP`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tier) = &self.tier {
            write!(f, "{tier}")?;
            if let Some(division) = self.division.filter(|_| !tier.is_apex()) {
                write!(f, " {division}")?;
            }
            f.write_str(", ")?;
        }
        write!(f, "{} LP", self.league_points)
    }
}

/// A rank, seen at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankSnapshot {
    /// The standing.
    pub entry: RankEntry,
    /// When it was seen first with these values.
    pub seen_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_read_back_and_unknown_ones_are_kept() {
        for tier in Tier::LADDER {
            assert_eq!(tier.as_str().parse(), Ok(tier));
        }
        assert_eq!("LEGEND".parse(), Ok(Tier::Other("LEGEND".to_owned())));
        assert_eq!(Tier::Other("LEGEND".to_owned()).ordinal(), None);
    }

    #[test]
    fn a_division_is_a_quarter_of_a_tier() {
        let entry = |tier, division| RankEntry {
            queue_type: RANKED_SOLO.to_owned(),
            tier: Some(tier),
            division: Some(division),
            league_points: 0,
            wins: 0,
            losses: 0,
            hot_streak: false,
            veteran: false,
            fresh_blood: false,
            inactive: false,
        };
        assert_eq!(entry(Tier::Iron, Division::IV).divisions(), Some(0));
        assert_eq!(entry(Tier::Bronze, Division::IV).divisions(), Some(4));
        assert_eq!(entry(Tier::Diamond, Division::I).divisions(), Some(27));
        assert_eq!(entry(Tier::Challenger, Division::I).divisions(), Some(28));
    }
}

//! Who plays: ids, names, accounts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::routing::Platform;

/// Riot's id of a player, the key everywhere. Opaque, and encrypted per API key: another key sees
/// another puuid for the same person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Puuid(String);

impl Puuid {
    /// What Riot sends in place of a puuid for a computer-controlled participant.
    pub const BOT: &'static str = "BOT";

    /// The longest text taken for a puuid. Riot's have 78 characters.
    pub const MAX_LEN: usize = 128;

    /// Takes text from a trusted place (an answer of Riot, a row) as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this stands for a computer-controlled participant.
    pub fn is_bot(&self) -> bool {
        self.0 == Self::BOT
    }
}

impl fmt::Display for Puuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be a puuid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a puuid: expected 1 to 128 letters, digits, `-` or `_`")]
pub struct InvalidPuuid;

impl FromStr for Puuid {
    type Err = InvalidPuuid;

    /// Checks text from outside: only the characters that occur in puuids, and not too many.
    fn from_str(text: &str) -> Result<Self, InvalidPuuid> {
        let plausible = !text.is_empty()
            && text.len() <= Self::MAX_LEN
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plausible { Ok(Self(text.to_owned())) } else { Err(InvalidPuuid) }
    }
}

/// What a person types: `Name#TAG`, in any script. It can change; the [`Puuid`] stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RiotId {
    /// The part before `#`, 3 to 16 characters in Riot's rules.
    pub game_name: String,
    /// The part after `#`, 3 to 5 characters in Riot's rules.
    pub tag_line: String,
}

impl fmt::Display for RiotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.game_name, self.tag_line)
    }
}

/// The text is not of the form `Name#TAG`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRiotId {
    /// No `#`.
    #[error("a Riot ID has the form Name#TAG: there is no `#`")]
    NoTag,
    /// The name is empty or longer than any name can be.
    #[error("the name before `#` has {0} characters: expected 1 to 32")]
    Name(usize),
    /// The tag is empty or longer than any tag can be.
    #[error("the tag after `#` has {0} characters: expected 1 to 16")]
    Tag(usize),
    /// A control character or a slash of either sort.
    #[error("a Riot ID has no control characters and no slashes")]
    Character,
}

impl FromStr for RiotId {
    type Err = InvalidRiotId;

    /// Splits at the last `#`, trims the ends, and checks lengths with slack: old names are shorter
    /// and longer than today's rules allow.
    fn from_str(text: &str) -> Result<Self, InvalidRiotId> {
        let (name, tag) = text.rsplit_once('#').ok_or(InvalidRiotId::NoTag)?;
        let (name, tag) = (name.trim(), tag.trim());
        let name_len = name.chars().count();
        if !(1..=32).contains(&name_len) {
            return Err(InvalidRiotId::Name(name_len));
        }
        let tag_len = tag.chars().count();
        if !(1..=16).contains(&tag_len) {
            return Err(InvalidRiotId::Tag(tag_len));
        }
        if text.chars().any(|c| c.is_control() || c == '/' || c == '\\') {
            return Err(InvalidRiotId::Character);
        }
        Ok(Self { game_name: name.to_owned(), tag_line: tag.to_owned() })
    }
}

/// A Riot account as the account endpoint tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The player's key.
    pub puuid: Puuid,
    /// Absent while the name is reset or under review.
    pub riot_id: Option<RiotId>,
}

/// A League profile as the summoner endpoint tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summoner {
    /// The player's key.
    pub puuid: Puuid,
    /// The icon shown beside the name.
    pub profile_icon_id: i32,
    /// Account level, 1 upwards.
    pub level: i64,
    /// When name, level or icon last changed. Not moved by every game.
    pub revised_at: DateTime<Utc>,
}

/// A player whom we know: tracked, or met in a tracked player's match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// The player's key.
    pub puuid: Puuid,
    /// Where the account plays.
    pub platform: Platform,
    /// The current name, if known.
    pub riot_id: Option<RiotId>,
    /// The icon shown beside the name.
    pub profile_icon_id: Option<i32>,
    /// Account level, 1 upwards.
    pub summoner_level: Option<i64>,
    /// Whether we keep the player current.
    pub is_tracked: bool,
    /// Whether the newest evidence has been assessed.
    pub is_analyzed: bool,
    /// When tracking began, while tracked.
    pub tracked_at: Option<DateTime<Utc>>,
    /// When the player was last brought current without a gap.
    pub last_synced_at: Option<DateTime<Utc>>,
    /// When the player was first met.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_riot_ids_panic_and_what_it_takes_reads_back(
            text in prop_oneof!["\\PC{0,40}", "[^#/]{1,20}#[^#/]{1,8}"],
        ) {
            if let Ok(id) = text.parse::<RiotId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn no_text_makes_the_reader_of_puuids_panic_and_what_it_takes_reads_back(
            text in prop_oneof!["\\PC{0,140}", "[A-Za-z0-9_-]{1,130}"],
        ) {
            if let Ok(puuid) = text.parse::<Puuid>() {
                prop_assert_eq!(puuid.as_str(), text.trim());
            }
        }
    }

    #[test]
    fn a_riot_id_keeps_its_script_and_inner_spaces() {
        let id: RiotId = " 夜の 狐 #日本1 ".parse().expect("a valid id");
        assert_eq!((id.game_name.as_str(), id.tag_line.as_str()), ("夜の 狐", "日本1"));
        assert_eq!(id.to_string(), "夜の 狐#日本1");
    }

    #[test]
    fn a_riot_id_that_cannot_be_says_what_is_missing() {
        assert_eq!("Name".parse::<RiotId>(), Err(InvalidRiotId::NoTag));
        assert_eq!("#EUW".parse::<RiotId>(), Err(InvalidRiotId::Name(0)));
        assert_eq!("Name#".parse::<RiotId>(), Err(InvalidRiotId::Tag(0)));
        assert_eq!("../x#EUW".parse::<RiotId>(), Err(InvalidRiotId::Character));
        assert_eq!("Na\u{0}me#EUW".parse::<RiotId>(), Err(InvalidRiotId::Character));
    }

    #[test]
    fn a_puuid_from_outside_has_only_its_own_characters() {
        assert!("aB3-_x".parse::<Puuid>().is_ok());
        assert!("a/b".parse::<Puuid>().is_err());
        assert!("".parse::<Puuid>().is_err());
        assert!("x".repeat(129).parse::<Puuid>().is_err());
    }
}

//! The fourteen stories of an account: what an assessment weighs against each other, and what a
//! simulated world labels its accounts with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One account of how games such as these come about. Ten are innocent, four are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Story {
    /// Plays as well as ever, at the rank that fits.
    Stable,
    /// Gets better, game by game.
    Improving,
    /// An old account after a long pause.
    Returning,
    /// Nearly always the same champion.
    OneTrick,
    /// New to the game, and learning it.
    Newbie,
    /// Long experience in other queues, new to ranked ones.
    NormalsVet,
    /// Plays most games with a stronger friend.
    DuoCarried,
    /// Often placed in a role not their own.
    OffRole,
    /// Changed main role and champion on the way.
    RoleSwap,
    /// A second account in good faith, at the rank that fits.
    AltOk,
    /// A new account of somebody much stronger than its rank.
    Smurf,
    /// An old account, lost down on purpose.
    Deranker,
    /// A levelled account that changed hands.
    Bought,
    /// Two people, one of them much stronger, take turns.
    Shared,
}

impl Story {
    /// All stories, the innocent ones first: the order of every table of stories.
    pub const ALL: [Self; 14] = [
        Self::Stable,
        Self::Improving,
        Self::Returning,
        Self::OneTrick,
        Self::Newbie,
        Self::NormalsVet,
        Self::DuoCarried,
        Self::OffRole,
        Self::RoleSwap,
        Self::AltOk,
        Self::Smurf,
        Self::Deranker,
        Self::Bought,
        Self::Shared,
    ];

    /// How many of [`Story::ALL`] are innocent; those stand first.
    pub const HONEST: usize = 10;

    /// Place in [`Story::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the account's play is its owner's, at the rank it shows.
    pub const fn is_honest(self) -> bool {
        (self as usize) < Self::HONEST
    }

    /// Far better than its rank by its player's doing: smurf, deranker, bought.
    pub const fn is_smurf(self) -> bool {
        matches!(self, Self::Smurf | Self::Deranker | Self::Bought)
    }

    /// More than one person plays on it: shared, bought.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::Bought)
    }

    /// The name in files: `normals_vet`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Improving => "improving",
            Self::Returning => "returning",
            Self::OneTrick => "one_trick",
            Self::Newbie => "newbie",
            Self::NormalsVet => "normals_vet",
            Self::DuoCarried => "duo_carried",
            Self::OffRole => "off_role",
            Self::RoleSwap => "role_swap",
            Self::AltOk => "alt_ok",
            Self::Smurf => "smurf",
            Self::Deranker => "deranker",
            Self::Bought => "bought",
            Self::Shared => "shared",
        }
    }

    /// The story in words that describe play and accuse nobody, fit to follow "compatible with: ".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stable => "a player whose strength has settled",
            Self::Improving => "a player who is getting better",
            Self::Returning => "a player returning after a pause",
            Self::OneTrick => "a player who knows one champion very well",
            Self::Newbie => "a player new to the game",
            Self::NormalsVet => "an experienced player new to ranked games",
            Self::DuoCarried => "a player who queues with a stronger friend",
            Self::OffRole => "a player often placed outside their own role",
            Self::RoleSwap => "a player who changed role",
            Self::AltOk => "a second account at the rank that fits, which Riot allows",
            Self::Smurf => "a new account of an experienced player",
            Self::Deranker => "an account placed below its usual play by lost games",
            Self::Bought => "an account whose player changed early on",
            Self::Shared => "an account played by more than one person",
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The text names no story.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a story")]
pub struct UnknownStory(pub String);

impl FromStr for Story {
    type Err = UnknownStory;

    /// Ignores case, and takes `-` and space for `_`; knows the longer names of three stories.
    fn from_str(text: &str) -> Result<Self, UnknownStory> {
        let name = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let name = match name.as_str() {
            "normals_veteran" => "normals_vet",
            "shared/boosted" | "boosted" | "shared_boosted" => "shared",
            "onetrick" => "one_trick",
            name => name,
        };
        Self::ALL
            .into_iter()
            .find(|story| story.key() == name)
            .ok_or_else(|| UnknownStory(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_reads_back_from_its_key_and_the_honest_ones_stand_first() {
        for (place, story) in Story::ALL.into_iter().enumerate() {
            assert_eq!(story.key().parse(), Ok(story));
            assert_eq!(serde_json::to_string(&story).unwrap(), format!("{:?}", story.key()));
            assert_eq!((story.index(), story.is_honest()), (place, place < Story::HONEST));
        }
        assert_eq!("Normals veteran".parse(), Ok(Story::NormalsVet));
        assert_eq!("cheater".parse::<Story>(), Err(UnknownStory("cheater".to_owned())));
    }
}

//! Who is behind an account, and why it plays as it does: the labels of the simulated world.

use std::fmt;

use serde::Serialize;

/// The story of an account. Labels are for judging a detector: no answer of the Riot endpoints
/// contains them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Story {
    /// Plays as well as ever.
    Stable,
    /// Gets better, game by game.
    Improving,
    /// Comes back after a long pause, with a cold rank.
    Returning,
    /// Nearly always the same champion, and better on it.
    OneTrick,
    /// New to the game, and learning.
    Newbie,
    /// Years of unranked games, new to ranked.
    NormalsVet,
    /// Plays with a far better friend.
    DuoCarried,
    /// Plays any position.
    OffRole,
    /// Changed position and champions.
    RoleSwap,
    /// An honest second account at its proper rank.
    AltOk,
    /// A new account of a far better player.
    Smurf,
    /// An old account that loses on purpose to stay low.
    Deranker,
    /// Levelled by somebody else, then sold.
    Bought,
    /// A better player sits in for the owner at times.
    Shared,
}

impl Story {
    /// Every story.
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

    /// The label.
    pub const fn as_str(self) -> &'static str {
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

    /// Far better than its rank by its owner's doing.
    pub const fn is_smurf(self) -> bool {
        matches!(self, Self::Smurf | Self::Deranker | Self::Bought)
    }

    /// More than one person plays on it.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Shared | Self::Bought)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How common each story is: weights in the order of [`Story::ALL`], of any sum.
#[derive(Debug, Clone, PartialEq)]
pub struct StoryMix(pub [f64; 14]);

impl Default for StoryMix {
    /// About 3 % smurfs, derankers and bought accounts together, 1.2 % shared ones; most of the rest
    /// plain, with enough of every innocent story that looks like one of them.
    fn default() -> Self {
        Self([55.0, 8.0, 4.5, 6.0, 5.0, 3.5, 2.0, 4.0, 2.0, 4.0, 2.2, 0.4, 0.5, 1.2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_to_four_in_a_hundred_are_smurfs() {
        let mix = StoryMix::default();
        let all: f64 = mix.0.iter().sum();
        let smurfs: f64 =
            Story::ALL.iter().zip(mix.0).filter(|(s, _)| s.is_smurf()).map(|(_, w)| w).sum();
        assert!((0.02..=0.04).contains(&(smurfs / all)));
    }

    #[test]
    fn labels_are_what_json_says() {
        for story in Story::ALL {
            assert_eq!(serde_json::to_value(story).expect("a word"), story.as_str());
        }
    }
}

//! Riot's routing values: which host knows a player, and which knows a match.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A platform: where an account plays, and the host of the league and summoner endpoints.
///
/// `PH2` and `TH2` were merged into `SG2` on 2025-01-08: they still occur in match ids, but no
/// account is there any more, so [`Platform::ACTIVE`] leaves them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum Platform {
    Br1,
    Eun1,
    Euw1,
    Jp1,
    Kr,
    La1,
    La2,
    Me1,
    Na1,
    Oc1,
    Pbe1,
    Ph2,
    Ru,
    Sg2,
    Th2,
    Tr1,
    Tw2,
    Vn2,
}

impl Platform {
    /// Every platform that accounts live on, in alphabetical order (the test realm is not one).
    pub const ACTIVE: [Self; 15] = [
        Self::Br1,
        Self::Eun1,
        Self::Euw1,
        Self::Jp1,
        Self::Kr,
        Self::La1,
        Self::La2,
        Self::Me1,
        Self::Na1,
        Self::Oc1,
        Self::Ru,
        Self::Sg2,
        Self::Tr1,
        Self::Tw2,
        Self::Vn2,
    ];

    const ALL: [Self; 18] = [
        Self::Br1,
        Self::Eun1,
        Self::Euw1,
        Self::Jp1,
        Self::Kr,
        Self::La1,
        Self::La2,
        Self::Me1,
        Self::Na1,
        Self::Oc1,
        Self::Pbe1,
        Self::Ph2,
        Self::Ru,
        Self::Sg2,
        Self::Th2,
        Self::Tr1,
        Self::Tw2,
        Self::Vn2,
    ];

    /// The routing value as hosts spell it: `euw1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Br1 => "br1",
            Self::Eun1 => "eun1",
            Self::Euw1 => "euw1",
            Self::Jp1 => "jp1",
            Self::Kr => "kr",
            Self::La1 => "la1",
            Self::La2 => "la2",
            Self::Me1 => "me1",
            Self::Na1 => "na1",
            Self::Oc1 => "oc1",
            Self::Pbe1 => "pbe1",
            Self::Ph2 => "ph2",
            Self::Ru => "ru",
            Self::Sg2 => "sg2",
            Self::Th2 => "th2",
            Self::Tr1 => "tr1",
            Self::Tw2 => "tw2",
            Self::Vn2 => "vn2",
        }
    }

    /// The region whose host knows this platform's matches.
    pub const fn region(self) -> Region {
        match self {
            Self::Br1 | Self::La1 | Self::La2 | Self::Na1 | Self::Pbe1 => Region::Americas,
            Self::Jp1 | Self::Kr => Region::Asia,
            Self::Eun1 | Self::Euw1 | Self::Me1 | Self::Ru | Self::Tr1 => Region::Europe,
            Self::Oc1 | Self::Ph2 | Self::Sg2 | Self::Th2 | Self::Tw2 | Self::Vn2 => Region::Sea,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Platform> for &'static str {
    fn from(platform: Platform) -> Self {
        platform.as_str()
    }
}

/// The text is no platform's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a platform: expected one of br1, eun1, euw1, jp1, kr, la1, la2, me1, na1, oc1, ru, sg2, tr1, tw2, vn2"
)]
pub struct UnknownPlatform(pub String);

impl FromStr for Platform {
    type Err = UnknownPlatform;

    /// Ignores case.
    fn from_str(text: &str) -> Result<Self, UnknownPlatform> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownPlatform(text.to_owned()))
    }
}

impl TryFrom<String> for Platform {
    type Error = UnknownPlatform;

    fn try_from(text: String) -> Result<Self, UnknownPlatform> {
        text.parse()
    }
}

/// A region: the host of the account and match endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Riot's own")]
pub enum Region {
    Americas,
    Asia,
    Europe,
    Sea,
}

impl Region {
    /// Every region.
    pub const ALL: [Self; 4] = [Self::Americas, Self::Asia, Self::Europe, Self::Sea];

    /// The routing value as hosts spell it: `europe`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Americas => "americas",
            Self::Asia => "asia",
            Self::Europe => "europe",
            Self::Sea => "sea",
        }
    }

    /// The region to ask for accounts: `sea` has no account endpoint, any other cluster knows all
    /// accounts, and `asia` is the nearest.
    #[must_use]
    pub const fn for_accounts(self) -> Self {
        match self {
            Self::Sea => Self::Asia,
            other => other,
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A routing value of either sort: one host, and one domain of rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// A platform's host.
    Platform(Platform),
    /// A region's host.
    Region(Region),
}

impl Route {
    /// The routing value as hosts spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform(platform) => platform.as_str(),
            Self::Region(region) => region.as_str(),
        }
    }
}

impl From<Platform> for Route {
    fn from(platform: Platform) -> Self {
        Self::Platform(platform)
    }
}

impl From<Region> for Route {
    fn from(region: Region) -> Self {
        Self::Region(region)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_reads_back_in_any_case() {
        for platform in Platform::ALL {
            assert_eq!(platform.as_str().parse(), Ok(platform));
            assert_eq!(platform.as_str().to_uppercase().parse(), Ok(platform));
        }
    }

    #[test]
    fn an_unknown_platform_lists_the_known_ones() {
        let error = "euw".parse::<Platform>().expect_err("euw is no platform");
        assert!(error.to_string().contains("euw1"), "{error}");
        for platform in Platform::ACTIVE {
            assert!(error.to_string().contains(platform.as_str()), "{platform}");
        }
    }

    #[test]
    fn south_east_asian_accounts_are_asked_for_in_asia() {
        assert_eq!(Platform::Sg2.region(), Region::Sea);
        assert_eq!(Platform::Sg2.region().for_accounts(), Region::Asia);
    }
}

//! Which method of the API a path means.

use percent_encoding::percent_decode_str;
use riftwatch_domain::routing::{Platform, Region, Route};

/// A call, with its parameters as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    AccountByRiotId { game_name: String, tag_line: String },
    AccountByPuuid(String),
    ActiveRegion(String),
    Summoner(String),
    LeagueEntries(String),
    LeaguePage { queue: String, tier: String, division: String, with_apex: bool },
    ApexLeague { tier: &'static str, method: &'static str, queue: String },
    MatchIds(String),
    Match(String),
    Timeline(String),
    Masteries(String),
    TopMasteries(String),
    MasteryOn { puuid: String, champion: String },
    MasteryScore(String),
    CurrentGame(String),
    Challenges(String),
    Status,
}

impl Call {
    /// Riot's name of the method: what limits, statistics and faults go by.
    pub(crate) const fn method(&self) -> &'static str {
        match self {
            Self::AccountByRiotId { .. } => "account-v1.getByRiotId",
            Self::AccountByPuuid(_) => "account-v1.getByPuuid",
            Self::ActiveRegion(_) => "account-v1.getActiveRegion",
            Self::Summoner(_) => "summoner-v4.getByPUUID",
            Self::LeagueEntries(_) => "league-v4.getLeagueEntriesByPUUID",
            Self::LeaguePage { with_apex: false, .. } => "league-v4.getLeagueEntries",
            Self::LeaguePage { with_apex: true, .. } => "league-exp-v4.getLeagueEntries",
            Self::ApexLeague { method, .. } => method,
            Self::MatchIds(_) => "match-v5.getMatchIdsByPUUID",
            Self::Match(_) => "match-v5.getMatch",
            Self::Timeline(_) => "match-v5.getTimeline",
            Self::Masteries(_) => "champion-mastery-v4.getAllChampionMasteriesByPUUID",
            Self::TopMasteries(_) => "champion-mastery-v4.getTopChampionMasteriesByPUUID",
            Self::MasteryOn { .. } => "champion-mastery-v4.getChampionMasteryByPUUID",
            Self::MasteryScore(_) => "champion-mastery-v4.getChampionMasteryScoreByPUUID",
            Self::CurrentGame(_) => "spectator-v5.getCurrentGameInfoByPuuid",
            Self::Challenges(_) => "lol-challenges-v1.getPlayerData",
            Self::Status => "lol-status-v4.getPlatformData",
        }
    }
}

/// A path, cut at its slashes, each part decoded.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect()
}

/// The routing value of a text, in any case.
pub(crate) fn route(text: &str) -> Option<Route> {
    if let Ok(platform) = text.parse::<Platform>() {
        return Some(platform.into());
    }
    Region::ALL.into_iter().find(|r| r.as_str().eq_ignore_ascii_case(text)).map(Route::from)
}

/// The call that the rest of a path means on a route; `None` if that route has no such method.
pub(crate) fn call(route: Route, segments: &[String]) -> Option<Call> {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let own = |text: &str| text.to_owned();
    match route {
        Route::Region(region) => match parts.as_slice() {
            ["riot", "account", "v1", rest @ ..] if region != Region::Sea => match rest {
                ["accounts", "by-riot-id", name, tag] => {
                    Some(Call::AccountByRiotId { game_name: own(name), tag_line: own(tag) })
                }
                ["accounts", "by-puuid", puuid] => Some(Call::AccountByPuuid(own(puuid))),
                ["region", "by-game", "lol", "by-puuid", puuid] => {
                    Some(Call::ActiveRegion(own(puuid)))
                }
                _ => None,
            },
            ["lol", "match", "v5", "matches", rest @ ..] => match rest {
                ["by-puuid", puuid, "ids"] => Some(Call::MatchIds(own(puuid))),
                [id] => Some(Call::Match(own(id))),
                [id, "timeline"] => Some(Call::Timeline(own(id))),
                _ => None,
            },
            _ => None,
        },
        Route::Platform(_) => platform_call(&parts),
    }
}

fn platform_call(parts: &[&str]) -> Option<Call> {
    let own = |text: &str| text.to_owned();
    match parts {
        ["lol", "summoner", "v4", "summoners", "by-puuid", puuid] => {
            Some(Call::Summoner(own(puuid)))
        }
        ["lol", "league", "v4", "entries", "by-puuid", puuid] => {
            Some(Call::LeagueEntries(own(puuid)))
        }
        ["lol", api @ ("league" | "league-exp"), "v4", "entries", queue, tier, division] => {
            Some(Call::LeaguePage {
                queue: own(queue),
                tier: own(tier),
                division: own(division),
                with_apex: *api == "league-exp",
            })
        }
        ["lol", "league", "v4", list, "by-queue", queue] => {
            let (tier, method) = match *list {
                "challengerleagues" => ("CHALLENGER", "league-v4.getChallengerLeague"),
                "grandmasterleagues" => ("GRANDMASTER", "league-v4.getGrandmasterLeague"),
                "masterleagues" => ("MASTER", "league-v4.getMasterLeague"),
                _ => return None,
            };
            Some(Call::ApexLeague { tier, method, queue: own(queue) })
        }
        ["lol", "champion-mastery", "v4", "scores", "by-puuid", puuid] => {
            Some(Call::MasteryScore(own(puuid)))
        }
        ["lol", "champion-mastery", "v4", "champion-masteries", "by-puuid", puuid, rest @ ..] => {
            match rest {
                [] => Some(Call::Masteries(own(puuid))),
                ["top"] => Some(Call::TopMasteries(own(puuid))),
                ["by-champion", champion] => {
                    Some(Call::MasteryOn { puuid: own(puuid), champion: own(champion) })
                }
                _ => None,
            }
        }
        ["lol", "spectator", "v5", "active-games", "by-summoner", puuid] => {
            Some(Call::CurrentGame(own(puuid)))
        }
        ["lol", "challenges", "v1", "player-data", puuid] => Some(Call::Challenges(own(puuid))),
        ["lol", "status", "v4", "platform-data"] => Some(Call::Status),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Option<Call> {
        let segments = segments(path);
        call(route(&segments[0])?, &segments[1..])
    }

    #[test]
    fn paths_mean_methods_in_any_case_of_the_route() {
        let name = parse("/EUROPE/riot/account/v1/accounts/by-riot-id/%E5%A4%9C%E3%81%AE%20x/EUW");
        let wanted = Call::AccountByRiotId { game_name: "夜の x".into(), tag_line: "EUW".into() };
        assert_eq!(name, Some(wanted));
        assert_eq!(
            parse("/europe/lol/match/v5/matches/EUW1_5"),
            Some(Call::Match("EUW1_5".to_owned()))
        );
    }

    #[test]
    fn a_method_is_on_its_own_sort_of_route_only() {
        assert_eq!(parse("/euw1/lol/match/v5/matches/EUW1_5"), None);
        assert_eq!(parse("/europe/lol/summoner/v4/summoners/by-puuid/x"), None);
        assert_eq!(parse("/sea/riot/account/v1/accounts/by-puuid/x"), None);
        assert_eq!(parse("/moon/lol/match/v5/matches/EUW1_5"), None);
    }
}

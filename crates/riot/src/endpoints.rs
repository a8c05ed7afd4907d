//! The endpoints in use: Riot's method ids, paths and queries.

use std::collections::BTreeSet;
use std::sync::Mutex;

use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::{Puuid, RiotId};

use crate::api::MatchIdsQuery;

/// An account by its Riot ID.
pub const ACCOUNT_BY_RIOT_ID: &str = "account-v1.getByRiotId";
/// An account by its puuid.
pub const ACCOUNT_BY_PUUID: &str = "account-v1.getByPuuid";
/// A League profile.
pub const SUMMONER_BY_PUUID: &str = "summoner-v4.getByPUUID";
/// Ranks.
pub const LEAGUE_ENTRIES_BY_PUUID: &str = "league-v4.getLeagueEntriesByPUUID";
/// A player's list of matches.
pub const MATCH_IDS_BY_PUUID: &str = "match-v5.getMatchIdsByPUUID";
/// A match.
pub const MATCH_BY_ID: &str = "match-v5.getMatch";
/// A platform's state: the same for all, so only a bad key is refused it.
pub const PLATFORM_STATUS: &str = "lol-status-v4.getPlatformData";

/// The methods this client knows.
const ALL: [&str; 7] = [
    ACCOUNT_BY_RIOT_ID,
    ACCOUNT_BY_PUUID,
    SUMMONER_BY_PUUID,
    LEAGUE_ENTRIES_BY_PUUID,
    MATCH_IDS_BY_PUUID,
    MATCH_BY_ID,
    PLATFORM_STATUS,
];

/// The method of this name, known here or, where processes of two versions share a key, elsewhere.
pub(crate) fn interned(name: &str) -> &'static str {
    static OTHERS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    if let Some(known) = ALL.into_iter().find(|known| *known == name) {
        return known;
    }
    let mut others = OTHERS.lock().expect("no one panics while holding this lock");
    if let Some(known) = others.get(name) {
        return known;
    }
    // Riot has a few dozen methods, so that this ends.
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    others.insert(name);
    name
}

/// One resource, in words that become an address.
#[derive(Debug, Clone)]
pub(crate) struct Resource<'a> {
    pub(crate) endpoint: &'static str,
    pub(crate) path: Vec<&'a str>,
    pub(crate) query: Vec<(&'static str, String)>,
}

impl<'a> Resource<'a> {
    fn new(endpoint: &'static str, path: Vec<&'a str>) -> Self {
        Self { endpoint, path, query: Vec::new() }
    }

    pub(crate) fn account_by_riot_id(riot_id: &'a RiotId) -> Self {
        let (name, tag) = (riot_id.game_name.as_str(), riot_id.tag_line.as_str());
        let path = vec!["riot", "account", "v1", "accounts", "by-riot-id", name, tag];
        Self::new(ACCOUNT_BY_RIOT_ID, path)
    }

    pub(crate) fn account_by_puuid(puuid: &'a Puuid) -> Self {
        let path = vec!["riot", "account", "v1", "accounts", "by-puuid", puuid.as_str()];
        Self::new(ACCOUNT_BY_PUUID, path)
    }

    pub(crate) fn summoner_by_puuid(puuid: &'a Puuid) -> Self {
        let path = vec!["lol", "summoner", "v4", "summoners", "by-puuid", puuid.as_str()];
        Self::new(SUMMONER_BY_PUUID, path)
    }

    pub(crate) fn league_entries_by_puuid(puuid: &'a Puuid) -> Self {
        let path = vec!["lol", "league", "v4", "entries", "by-puuid", puuid.as_str()];
        Self::new(LEAGUE_ENTRIES_BY_PUUID, path)
    }

    pub(crate) fn match_ids(puuid: &'a Puuid, query: &MatchIdsQuery) -> Self {
        let path = vec!["lol", "match", "v5", "matches", "by-puuid", puuid.as_str(), "ids"];
        let mut resource = Self::new(MATCH_IDS_BY_PUUID, path);
        // Riot counts in whole seconds. A start is rounded down and an end up: a match too many
        // is known by its id, a match too few is a gap.
        if let Some(start) = query.start_time {
            resource.query.push(("startTime", start.timestamp().to_string()));
        }
        if let Some(end) = query.end_time {
            let up = i64::from(end.timestamp_subsec_nanos() > 0);
            resource.query.push(("endTime", (end.timestamp() + up).to_string()));
        }
        if let Some(queue) = query.queue {
            resource.query.push(("queue", queue.to_string()));
        }
        resource.query.push(("start", query.start.to_string()));
        resource.query.push(("count", query.count.to_string()));
        resource
    }

    pub(crate) fn match_by_id(match_id: &'a MatchId) -> Self {
        Self::new(MATCH_BY_ID, vec!["lol", "match", "v5", "matches", match_id.as_str()])
    }

    pub(crate) fn platform_status() -> Self {
        Self::new(PLATFORM_STATUS, vec!["lol", "status", "v4", "platform-data"])
    }

    /// Whether every part of the path can be sent. An address has no way to say an empty part, and
    /// `.` and `..` move about in it; no player's name or id is one of these.
    pub(crate) fn is_sendable(&self) -> bool {
        self.path.iter().all(|part| !matches!(*part, "" | "." | ".."))
    }
}

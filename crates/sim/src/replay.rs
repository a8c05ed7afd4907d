//! Recorded answers in place of a generated world: matches from files, and what follows from them.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::{Platform, Route};
use serde::Deserialize;

use crate::answers::{Answer, MAX_LISTED};
use crate::calls::Call;
use crate::config::SimError;
use crate::id_filter::IdFilter;
use crate::json::Json;
use crate::names;

/// The matches of a folder, indexed.
#[derive(Debug)]
pub(crate) struct Recorded {
    bodies: HashMap<MatchId, Bytes>,
    timelines: HashMap<MatchId, PathBuf>,
    players: HashMap<String, Player>,
    by_name: HashMap<String, String>,
}

#[derive(Debug)]
struct Player {
    riot_id: Option<RiotId>,
    level: i64,
    icon: i64,
    platform: Option<Platform>,
    seen_ms: i64,
    /// Newest first.
    games: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    id: MatchId,
    start_s: i64,
    queue: i32,
}

/// What is needed of a match file; all but the ids may be missing in old or trimmed ones.
#[derive(Deserialize)]
struct File {
    metadata: Metadata,
    info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    match_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(default)]
    game_start_timestamp: i64,
    #[serde(default)]
    game_creation: i64,
    #[serde(default)]
    queue_id: i32,
    #[serde(default)]
    participants: Vec<Participant>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    puuid: Option<String>,
    riot_id_game_name: Option<String>,
    riot_id_tagline: Option<String>,
    #[serde(default)]
    summoner_level: i64,
    #[serde(default)]
    profile_icon: i64,
}

impl Recorded {
    /// Reads `match/*.json` of a folder. A file that is no match is left out, with a warning.
    pub(crate) fn load(folder: &Path) -> Result<Self, SimError> {
        let matches = folder.join("match");
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| SimError::Replay { path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&matches).map_err(fault(&matches))? {
            let path = entry.map_err(fault(&matches))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                paths.push(path);
            }
        }
        paths.sort();
        let mut recorded = Self {
            bodies: HashMap::new(),
            timelines: timelines(folder),
            players: HashMap::new(),
            by_name: HashMap::new(),
        };
        for path in &paths {
            let body = fs::read(path).map_err(fault(path))?;
            match serde_json::from_slice::<File>(&body) {
                Ok(file) => recorded.add(file, body),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "left out a file that is no match");
                }
            }
        }
        if recorded.bodies.is_empty() {
            return Err(SimError::Config(format!("no matches in {}", matches.display())));
        }
        recorded.index();
        Ok(recorded)
    }

    fn add(&mut self, file: File, body: Vec<u8>) {
        let Ok(id) = file.metadata.match_id.parse::<MatchId>() else {
            tracing::warn!(match.id = file.metadata.match_id, "left out a match with a strange id");
            return;
        };
        let start_ms = match file.info.game_start_timestamp {
            0 => file.info.game_creation,
            start_ms => start_ms,
        };
        for participant in file.info.participants {
            let Some(puuid) = participant.puuid.filter(|puuid| puuid != "BOT") else { continue };
            let player = self.players.entry(puuid).or_insert_with(|| Player {
                riot_id: None,
                level: 0,
                icon: 0,
                platform: None,
                seen_ms: i64::MIN,
                games: Vec::new(),
            });
            let queue = file.info.queue_id;
            player.games.push(Listed { id: id.clone(), start_s: start_ms / 1_000, queue });
            if start_ms >= player.seen_ms {
                player.seen_ms = start_ms;
                player.level = participant.summoner_level;
                player.icon = participant.profile_icon;
                player.platform = id.platform();
                if let (Some(game_name), Some(tag_line)) =
                    (participant.riot_id_game_name, participant.riot_id_tagline)
                    && !game_name.is_empty()
                {
                    player.riot_id = Some(RiotId { game_name, tag_line });
                }
            }
        }
        self.bodies.insert(id, Bytes::from(body));
    }

    fn index(&mut self) {
        for (puuid, player) in &mut self.players {
            player.games.sort_by(|a, b| b.start_s.cmp(&a.start_s).then(b.id.cmp(&a.id)));
            player.games.dedup_by(|a, b| a.id == b.id);
            if let Some(id) = &player.riot_id {
                let key = names::lookup_key(&id.game_name, &id.tag_line);
                // Two with one name: the lesser puuid, whatever the order of the map.
                let holder = self.by_name.entry(key).or_insert_with(|| puuid.clone());
                if puuid < holder {
                    holder.clone_from(puuid);
                }
            }
        }
    }

    pub(crate) fn answer(&self, route: Route, call: &Call, query: &str) -> Answer {
        match call {
            Call::AccountByRiotId { game_name, tag_line } => {
                match self.by_name.get(&names::lookup_key(game_name, tag_line)) {
                    Some(puuid) => self.account(puuid),
                    None => Answer::not_found(),
                }
            }
            Call::AccountByPuuid(puuid) => self.account(puuid),
            Call::ActiveRegion(puuid) => self.active_region(puuid),
            Call::Summoner(puuid) => self.summoner(route, puuid),
            // Files of matches say nothing of ranks.
            Call::LeagueEntries(puuid) if self.players.contains_key(puuid) => {
                Answer::ok(b"[]".to_vec())
            }
            Call::LeaguePage { .. } => Answer::ok(b"[]".to_vec()),
            Call::Timeline(id) => self.timeline(route, id),
            Call::LeagueEntries(_)
            | Call::ApexLeague { .. }
            | Call::Masteries(_)
            | Call::TopMasteries(_)
            | Call::MasteryOn { .. }
            | Call::MasteryScore(_)
            | Call::CurrentGame(_)
            | Call::Challenges(_)
            | Call::Status => Answer::not_found(),
            Call::MatchIds(puuid) => self.match_ids(route, puuid, query),
            Call::Match(id) => self.game(route, id),
        }
    }

    fn account(&self, puuid: &str) -> Answer {
        let Some(player) = self.players.get(puuid) else { return unknown(puuid) };
        let mut json = Json::with_capacity(160);
        json.open();
        json.text("puuid", puuid);
        if let Some(id) = &player.riot_id {
            json.text("gameName", &id.game_name);
            json.text("tagLine", &id.tag_line);
        }
        json.close();
        Answer::ok(json.finish())
    }

    fn active_region(&self, puuid: &str) -> Answer {
        let Some(player) = self.players.get(puuid) else { return unknown(puuid) };
        let Some(platform) = player.platform else { return Answer::not_found() };
        let mut json = Json::with_capacity(140);
        json.open();
        json.text("puuid", puuid);
        json.text("game", "lol");
        json.text("region", platform.as_str());
        json.close();
        Answer::ok(json.finish())
    }

    fn summoner(&self, route: Route, puuid: &str) -> Answer {
        let Some(player) = self.players.get(puuid) else { return unknown(puuid) };
        if player.platform.map(Route::from) != Some(route) {
            return Answer::not_found();
        }
        let mut json = Json::with_capacity(180);
        json.open();
        json.text("puuid", puuid);
        json.int("profileIconId", player.icon);
        json.int("revisionDate", player.seen_ms);
        json.int("summonerLevel", player.level);
        json.close();
        Answer::ok(json.finish())
    }

    fn match_ids(&self, route: Route, puuid: &str, query: &str) -> Answer {
        let filter = match IdFilter::read(query) {
            Ok(filter) => filter,
            Err(message) => return Answer::error(400, message),
        };
        let Some(player) = self.players.get(puuid) else { return unknown(puuid) };
        let mut json = Json::with_capacity(400);
        json.open_array();
        let listed = player.games.iter().take(MAX_LISTED);
        let fitting = listed.filter(|game| {
            game.id.region().map(Route::from) == Some(route)
                && filter.takes(game.start_s, game.queue)
        });
        for game in fitting.skip(filter.start).take(filter.count) {
            json.text_element(game.id.as_str());
        }
        json.close_array();
        Answer::ok(json.finish())
    }

    fn game(&self, route: Route, id: &str) -> Answer {
        let Ok(id) = id.parse::<MatchId>() else {
            return Answer::error(400, "Bad Request - Invalid match id");
        };
        match self.bodies.get(&id) {
            Some(body) if id.region().map(Route::from) == Some(route) => {
                Answer { status: 200, body: body.clone() }
            }
            _ => Answer::not_found(),
        }
    }

    fn timeline(&self, route: Route, id: &str) -> Answer {
        let Ok(id) = id.parse::<MatchId>() else {
            return Answer::error(400, "Bad Request - Invalid match id");
        };
        let path = self.timelines.get(&id).filter(|_| id.region().map(Route::from) == Some(route));
        // They are large and rarely asked for: read when they are.
        match path.map(|path| read_timeline(path)) {
            Some(Ok(body)) => Answer::ok(body),
            Some(Err(error)) => Answer::error(500, &error.to_string()),
            None => Answer::not_found(),
        }
    }

    /// Players with a name, by recorded matches, most first.
    pub(crate) fn busiest(&self, n: usize) -> Vec<(RiotId, Platform)> {
        let mut rows: Vec<(&str, &Player)> =
            self.players.iter().map(|(puuid, player)| (puuid.as_str(), player)).collect();
        rows.sort_by(|a, b| b.1.games.len().cmp(&a.1.games.len()).then(a.0.cmp(b.0)));
        let named = rows.into_iter().filter_map(|(puuid, player)| {
            let id = player.riot_id.clone()?;
            let key = names::lookup_key(&id.game_name, &id.tag_line);
            let is_found = self.by_name.get(&key).is_some_and(|holder| holder == puuid);
            is_found.then_some((id, player.platform?))
        });
        named.take(n).collect()
    }
}

/// A timeline's file, packed or not.
fn read_timeline(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut body = fs::read(path)?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        let packed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut body)?;
    }
    Ok(body)
}

/// The timelines of a folder by match, `EUW1_5.json` or `EUW1_5.json.gz`; there need not be any.
fn timelines(folder: &Path) -> HashMap<MatchId, PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("timeline")) else { return HashMap::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let named = paths.filter_map(|path| {
        let id = path.file_name()?.to_str()?.split('.').next()?.parse().ok()?;
        Some((id, path))
    });
    named.collect()
}

/// A puuid of the right shape is merely unknown; any other is of no key.
fn unknown(puuid: &str) -> Answer {
    let is_plausible = puuid.len() == 78
        && puuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_plausible { Answer::not_found() } else { Answer::undecryptable() }
}

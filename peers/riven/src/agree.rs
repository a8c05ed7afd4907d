//! Whether both clients read the same answers alike: accounts, summoners, ranks, lists of matches and
//! matches, field by field, from generated worlds and, where they are at hand, recorded answers.

use std::collections::BTreeMap;
use std::path::Path;

use riftwatch_domain::matches::{Match, MatchId, Participant};
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::{Platform, Region};
use riftwatch_riot::RiotClient;
use riftwatch_riot::api::{Caller, MatchIdsQuery, RiotApi};
use riftwatch_sim::{Limits, SimConfig, Simulator};
use riven::RiotApi as Riven;
use riven::consts::{PlatformRoute, RegionalRoute};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Result;
use crate::load::{ours, riven};

/// Players, and matches of each, that are looked at in a world.
const PLAYERS: usize = 12;
const MATCHES: usize = 15;
/// Of the recorded matches.
const RECORDED_PLAYERS: usize = 400;

#[derive(Debug, Default)]
struct Tally {
    compared: BTreeMap<&'static str, u64>,
    /// Only one of the two could read it.
    unreadable: BTreeMap<String, u64>,
    differences: Vec<String>,
}

impl Tally {
    fn compare(&mut self, what: &'static str, subject: &str, ours: &Value, theirs: &Value) {
        *self.compared.entry(what).or_default() += 1;
        if ours != theirs {
            self.differences.push(format!("{what} {subject}: {}", first_difference(ours, theirs)));
        }
    }
}

/// Where two values differ first, in words.
fn first_difference(ours: &Value, theirs: &Value) -> String {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let name = a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name));
            name.map_or_else(String::new, |name| {
                let of = |map: &serde_json::Map<String, Value>| {
                    map.get(name).cloned().unwrap_or_default()
                };
                format!("{name}.{}", first_difference(&of(a), &of(b)))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let place = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(0);
            format!("{place}.{}", first_difference(&a[place], &b[place]))
        }
        _ => format!("ours {ours}, theirs {theirs}"),
    }
}

pub(crate) async fn run() -> Result<()> {
    let mut tally = Tally::default();
    for (seed, platforms) in [
        (1, vec![Platform::Euw1, Platform::Kr]),
        (2, vec![Platform::Na1, Platform::Sg2]),
        (3, vec![Platform::Br1, Platform::Tr1, Platform::Oc1]),
    ] {
        let config = SimConfig {
            seed,
            players: 120 * platforms.len(),
            days: 20,
            platforms,
            limits: Limits::none(),
            ..SimConfig::default()
        };
        world(config, PLAYERS, MATCHES, &mut tally).await?;
    }
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if recorded.is_dir() {
        let config =
            SimConfig { replay: Some(recorded), limits: Limits::none(), ..SimConfig::default() };
        world(config, RECORDED_PLAYERS, 100, &mut tally).await?;
    } else {
        println!("skipped: there are no recorded matches beside the repository");
    }
    println!("compared: {:?}", tally.compared);
    for (what, count) in &tally.unreadable {
        println!("read by one of the two only: {count} {what}");
    }
    for difference in tally.differences.iter().take(20) {
        println!("DIFFERENT {difference}");
    }
    if tally.differences.is_empty() {
        println!("both read every answer alike that both can read");
        return Ok(());
    }
    Err(format!("{} answers are read differently", tally.differences.len()).into())
}

async fn world(config: SimConfig, players: usize, matches: usize, tally: &mut Tally) -> Result<()> {
    let sim = Simulator::start(config).await?;
    let base_url = sim.base_url();
    let our = ours(&base_url)?;
    let their = Riven::new(riven(base_url.trim_end_matches("/{route}")));
    let mut seen = std::collections::BTreeSet::new();
    for (riot_id, platform) in sim.some_riot_ids(players) {
        player(&our, &their, &riot_id, platform, matches, &mut seen, tally).await?;
    }
    sim.stop().await;
    Ok(())
}

async fn player(
    our: &RiotClient,
    their: &Riven,
    riot_id: &RiotId,
    platform: Platform,
    matches: usize,
    seen: &mut std::collections::BTreeSet<MatchId>,
    tally: &mut Tally,
) -> Result<()> {
    let caller = Caller::default();
    let name = riot_id.to_string();
    let platform_route: PlatformRoute = platform.as_str().to_uppercase().parse()?;
    let account_route = regional(platform.region().for_accounts())?;
    // Riven does not encode path parameters.
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
    let account = our.account_by_riot_id(&caller, platform.region(), riot_id).await?;
    let Some(account) = account else { return Err(format!("{name} is not known").into()) };
    let puuid = account.puuid.as_str();
    let theirs = if is_plain {
        let v1 = their.account_v1();
        v1.get_by_riot_id(account_route, &riot_id.game_name, &riot_id.tag_line).await?
    } else {
        *tally
            .unreadable
            .entry("names: not encoded by riven, looked up by puuid".to_owned())
            .or_default() += 1;
        Some(their.account_v1().get_by_puuid(account_route, puuid).await?)
    };
    let ours_view = json!({
        "puuid": puuid,
        "gameName": account.riot_id.as_ref().map(|id| &id.game_name),
        "tagLine": account.riot_id.as_ref().map(|id| &id.tag_line),
    });
    tally.compare(
        "account",
        &name,
        &ours_view,
        &picked(&theirs, &["puuid", "gameName", "tagLine"])?,
    );

    if let Some(summoner) = our.summoner_by_puuid(&caller, platform, &account.puuid).await? {
        let theirs = their.summoner_v4().get_by_puuid(platform_route, puuid).await?;
        let ours_view = json!({
            "puuid": summoner.puuid.as_str(),
            "profileIconId": summoner.profile_icon_id,
            "summonerLevel": summoner.level,
            "revisionDate": summoner.revised_at.timestamp_millis(),
        });
        let theirs = picked(&theirs, &["puuid", "profileIconId", "summonerLevel", "revisionDate"])?;
        tally.compare("summoner", &name, &ours_view, &theirs);
    }

    let ranks = our.league_entries_by_puuid(&caller, platform, &account.puuid).await?;
    let theirs = their.league_v4().get_league_entries_by_puuid(platform_route, puuid).await?;
    let fields = [
        "queueType",
        "tier",
        "rank",
        "leaguePoints",
        "wins",
        "losses",
        "hotStreak",
        "veteran",
        "freshBlood",
        "inactive",
    ];
    let theirs: Vec<Value> =
        theirs.iter().map(|entry| picked(entry, &fields)).collect::<Result<_>>()?;
    let ours_view: Vec<Value> = ranks
        .iter()
        .map(|rank| {
            json!({
                "queueType": rank.queue_type,
                "tier": rank.tier.as_ref().map(|tier| tier.as_str().to_owned()),
                "rank": rank.division.map(|division| division.as_str()),
                "leaguePoints": rank.league_points,
                "wins": rank.wins,
                "losses": rank.losses,
                "hotStreak": rank.hot_streak,
                "veteran": rank.veteran,
                "freshBlood": rank.fresh_blood,
                "inactive": rank.inactive,
            })
        })
        .collect();
    tally.compare("ranks", &name, &ours_view.into(), &theirs.into());

    let query = MatchIdsQuery { count: 100, ..MatchIdsQuery::default() };
    let ids = our.match_ids(&caller, platform.region(), &account.puuid, &query).await?;
    let ids = ids.unwrap_or_default();
    let theirs = their
        .match_v5()
        .get_match_ids_by_puuid(
            regional(platform.region())?,
            puuid,
            Some(100),
            None,
            None,
            None,
            Some(0),
            None,
        )
        .await?;
    let ours_view: Vec<&str> = ids.iter().map(MatchId::as_str).collect();
    tally.compare("list of matches", &name, &json!(ours_view), &json!(theirs));

    for id in ids.iter().take(matches) {
        if seen.insert(id.clone()) {
            game(our, their, id, tally).await?;
        }
    }
    Ok(())
}

async fn game(our: &RiotClient, their: &Riven, id: &MatchId, tally: &mut Tally) -> Result<()> {
    let route = regional(id.region().ok_or("a match of the public API")?)?;
    let ours = our.match_by_id(&Caller::default(), id).await;
    let theirs = their.match_v5().get_match(route, id.as_str()).await;
    match (ours, theirs) {
        (Ok(Some(ours)), Ok(Some(theirs))) => {
            let theirs = serde_json::to_value(theirs)?;
            let ours = our_view(&ours);
            let theirs = their_view(&theirs, &ours);
            tally.compare("match", id.as_str(), &ours, &theirs);
        }
        (Ok(None), Ok(None)) => *tally.compared.entry("absent match").or_default() += 1,
        (Ok(Some(_)), Err(_)) => {
            *tally.unreadable.entry("matches: by us, not by riven".to_owned()).or_default() += 1;
        }
        (Err(error), Ok(Some(_))) => {
            tally.differences.push(format!("match {id}: riven reads it, we say {error}"));
        }
        (Ok(None), Ok(Some(theirs))) if theirs.info.participants.is_empty() => {
            *tally.compared.entry("aborted match").or_default() += 1;
        }
        (ours, theirs) => {
            tally.differences.push(format!("match {id}: {:?} {:?}", ours.is_ok(), theirs.is_ok()));
        }
    }
    Ok(())
}

fn our_view(game: &Match) -> Value {
    json!({
        "matchId": game.match_id.as_str(),
        "queueId": game.queue_id.0,
        "mapId": game.map_id,
        "gameMode": game.game_mode,
        "gameVersion": game.game_version,
        "gameCreation": game.game_creation.timestamp_millis(),
        "gameStartTimestamp": game.game_start.timestamp_millis(),
        "gameDuration": game.game_duration,
        "endOfGameResult": game.end_of_game_result,
        "teams": game.teams.iter().map(|team| json!({
            "teamId": team.team_id, "win": team.win, "bans": team.bans,
        })).collect::<Vec<_>>(),
        "participants": game.participants.iter().map(our_participant).collect::<Vec<_>>(),
    })
}

fn our_participant(p: &Participant) -> Value {
    json!({
        "participantId": p.participant_id,
        "puuid": p.puuid.as_ref().map(|puuid| puuid.as_str()).unwrap_or_default(),
        "summonerLevel": p.summoner_level,
        "profileIcon": p.profile_icon,
        "teamId": p.team_id,
        "championId": p.champion_id,
        "championName": p.champion_name,
        "champLevel": p.champ_level,
        "teamPosition": p.team_position.as_str(),
        "individualPosition": p.individual_position.as_str(),
        "win": p.win,
        "kills": p.kills,
        "deaths": p.deaths,
        "assists": p.assists,
        "goldEarned": p.gold_earned,
        "totalMinionsKilled": p.total_minions_killed,
        "neutralMinionsKilled": p.neutral_minions_killed,
        "visionScore": p.vision_score,
        "totalDamageDealtToChampions": p.total_damage_dealt_to_champions,
        "damageDealtToObjectives": p.damage_dealt_to_objectives,
        "totalDamageTaken": p.total_damage_taken,
        "wardsPlaced": p.wards_placed,
        "wardsKilled": p.wards_killed,
        "timePlayed": p.time_played,
        "summoner1Id": p.summoner1_id,
        "summoner2Id": p.summoner2_id,
        "gameEndedInEarlySurrender": p.game_ended_in_early_surrender,
        "items": p.details.items,
        "challenges": p.details.challenges.iter().map(|(name, value)| (name.clone(), rounded(*value)))
            .collect::<BTreeMap<_, _>>(),
    })
}

/// Riven keeps most numbers of challenges in 32 bits.
fn rounded(value: f64) -> Value {
    json!(f64::from(value as f32))
}

/// What Riven read, in the shape of ours. Where we keep nothing, as of most challenges, nothing is
/// compared.
fn their_view(game: &Value, ours: &Value) -> Value {
    let info = &game["info"];
    let copy = |of: &Value, fields: &[&str]| {
        fields
            .iter()
            .map(|field| ((*field).to_owned(), of[*field].clone()))
            .collect::<serde_json::Map<_, _>>()
    };
    let mut view = copy(
        info,
        &[
            "queueId",
            "mapId",
            "gameMode",
            "gameVersion",
            "gameCreation",
            "gameStartTimestamp",
            "endOfGameResult",
        ],
    );
    view.insert("matchId".to_owned(), game["metadata"]["matchId"].clone());
    let duration = info["gameDuration"].as_i64().unwrap_or_default();
    // Milliseconds before patch 11.20, when there was no end.
    let duration = if info["gameEndTimestamp"].is_null() { duration / 1000 } else { duration };
    view.insert("gameDuration".to_owned(), duration.into());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let teams = list(&info["teams"])
        .iter()
        .map(|team| {
            let bans: Vec<Value> =
                list(&team["bans"]).iter().map(|ban| ban["championId"].clone()).collect();
            json!({ "teamId": team["teamId"], "win": team["win"], "bans": bans })
        })
        .collect::<Vec<_>>();
    view.insert("teams".to_owned(), teams.into());
    let theirs = list(&info["participants"]);
    let participants = list(&ours["participants"])
        .iter()
        .zip(&theirs)
        .map(|(ours, theirs)| {
            let names: Vec<&str> = ours
                .as_object()
                .into_iter()
                .flat_map(|ours| ours.keys())
                .map(String::as_str)
                .collect();
            let mut p = copy(theirs, &names);
            let items: Vec<Value> =
                (0..7).map(|slot| theirs[format!("item{slot}")].clone()).collect();
            p.insert("items".to_owned(), items.into());
            let kept = ours["challenges"].as_object();
            let challenges = kept.into_iter().flat_map(|kept| kept.keys()).map(|name| {
                let value = theirs["challenges"][name].as_f64();
                (name.clone(), value.map_or(Value::Null, rounded))
            });
            p.insert("challenges".to_owned(), challenges.collect::<serde_json::Map<_, _>>().into());
            Value::Object(p)
        })
        .collect::<Vec<_>>();
    view.insert("participants".to_owned(), participants.into());
    Value::Object(view)
}

/// Some fields of what Riven read; those that it leaves out are null.
fn picked(theirs: &impl Serialize, fields: &[&str]) -> Result<Value> {
    let theirs = serde_json::to_value(theirs)?;
    Ok(fields
        .iter()
        .map(|field| ((*field).to_owned(), theirs[*field].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into())
}

fn regional(region: Region) -> Result<RegionalRoute> {
    Ok(region.as_str().to_uppercase().parse()?)
}

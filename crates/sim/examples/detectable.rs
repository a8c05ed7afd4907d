//! How the default detection model judges the accounts of a simulated world, by story and by what is
//! known of ranks. Shows whether the world and the model mean the same by their stories.
//!
//! `cargo run --release -p riftwatch-sim --example detectable -- [seed] [players] [days]`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, TimeZone, Utc};
use riftwatch_detection::evidence::{Game, RankPoint, Role};
use riftwatch_detection::worlds::{Generator, World};
use riftwatch_detection::{Assessment, Evidence, Model, Priors, Story, Verdict, assess};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::QueueId;
use riftwatch_domain::rank::Tier;
use riftwatch_domain::routing::Platform;
use riftwatch_sim::{Offline, SimConfig, StoryMix, Truth};
use serde::Deserialize;

const KEY: &str = "RGAPI-example";
/// Days before the present on which ranks are looked at.
const LOOKS: i64 = 30;
/// The newest games that an assessment reads.
const GAMES: usize = 100;
/// Accounts with fewer games say little about the world.
const ENOUGH: usize = 30;

/// What is known beside the matches.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: &'static str,
    own: Own,
    others: Others,
    /// Games on a champion are counted from the account's first, where that is known.
    champions: bool,
    /// A companion is there in a tenth of the games at least.
    steady: bool,
}

/// The account's own rank.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Own {
    /// Seen every day.
    Daily,
    /// Seen after the last game.
    Now,
    /// Seen after the last game, and carried back through the results before it.
    CarriedBack,
    /// The same; a young account below its lobbies gained more for a win than it lost.
    Drawn,
}

/// The ranks of the other nine.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Others {
    Daily,
    Now,
    Unknown,
}

const KNOWN: [Known; 10] = {
    const fn known(
        name: &'static str,
        own: Own,
        others: Others,
        champions: bool,
        steady: bool,
    ) -> Known {
        Known { name, own, others, champions, steady }
    }
    [
        known("own daily, others daily", Own::Daily, Others::Daily, false, false),
        known("the same, steady companions", Own::Daily, Others::Daily, false, true),
        known("the same, champions counted", Own::Daily, Others::Daily, true, true),
        known("own daily, others unknown, the rest", Own::Daily, Others::Unknown, true, true),
        known("own carried back, others now, the rest", Own::CarriedBack, Others::Now, true, true),
        known("own drawn back, others now, the rest", Own::Drawn, Others::Now, true, true),
        known("own carried back, others unknown", Own::CarriedBack, Others::Unknown, true, true),
        known("own now, others now, champions", Own::Now, Others::Now, true, true),
        known("own now, others now", Own::Now, Others::Now, false, false),
        known("own now, others unknown", Own::Now, Others::Unknown, false, false),
    ]
};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default| arguments.next().map_or(default, |n| n.expect("a whole number"));
    let (seed, players, days) = (next(1), next(2_000), next(60));
    let end = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).single().expect("a time");
    let clock = Clock::manual(end - Duration::days(LOOKS));
    let config = SimConfig {
        seed,
        players: players as usize,
        days: days as u32,
        origin: Some(end - Duration::days(days as i64)),
        platforms: vec![Platform::Euw1],
        clock: clock.clone(),
        // More of the rare stories, so that there are enough to count.
        stories: StoryMix([40.0, 8.0, 6.0, 6.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 2.0, 2.0, 3.0]),
        ..SimConfig::default()
    };
    let world = Offline::new(&config).expect("a world");
    let mut ranks = Ranks::default();
    for _ in 0..LOOKS {
        look(&world, clock.now(), &mut ranks);
        clock.advance(Duration::days(1));
    }
    look(&world, clock.now(), &mut ranks);
    let games = read_matches(&world);
    println!("{} matches, {} ranked solo", world.matches(), games.len());
    let truth = world.truth(KEY);
    let mut of_player: HashMap<&str, Vec<&Match>> = HashMap::new();
    for game in &games {
        for seat in &game.info.participants {
            of_player.entry(&seat.puuid).or_default().push(game);
        }
    }
    for known in KNOWN {
        let mut rows: BTreeMap<Story, Vec<Assessment>> = BTreeMap::new();
        for account in &truth {
            let Some(games) = of_player.get(account.puuid.as_str()) else { continue };
            let newest = &games[games.len().saturating_sub(GAMES)..];
            if newest.len() < ENOUGH {
                continue;
            }
            let evidence = evidence(account, newest, &ranks, known, &world);
            let priors = Priors::default();
            rows.entry(account.story).or_default().push(assess(
                Model::default_model(),
                &evidence,
                &priors,
            ));
        }
        report(known.name, &rows);
    }
    let generator = Generator::new(World::base(), seed);
    let mut rows: BTreeMap<Story, Vec<Assessment>> = BTreeMap::new();
    for (place, story) in Story::ALL.into_iter().enumerate() {
        for number in 0..60 {
            let evidence = generator.account_of(number + 1_000 * place as u64, story, Some(60));
            rows.entry(story).or_default().push(assess(
                Model::default_model(),
                &evidence,
                &Priors::default(),
            ));
        }
    }
    report("detection's own base world, 60 games", &rows);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    puuid: String,
    tier: Tier,
    rank: String,
    league_points: i32,
    wins: u32,
    losses: u32,
}

/// What was seen of ranks, and of games in the season at the end.
#[derive(Default)]
struct Ranks {
    seen: HashMap<String, Vec<RankPoint>>,
    season: HashMap<String, u32>,
}

/// Notes everybody's rank.
fn look(world: &Offline, at: DateTime<Utc>, ranks: &mut Ranks) {
    for tier in Tier::LADDER {
        for division in ["I", "II", "III", "IV"] {
            for page in 1.. {
                let path = format!(
                    "/euw1/lol/league-exp/v4/entries/RANKED_SOLO_5x5/{}/{division}?page={page}",
                    tier.as_str()
                );
                let (status, body) = world.ask(&path, KEY);
                let entries: Vec<Entry> = match status {
                    200 => serde_json::from_slice(&body).expect("entries"),
                    _ => Vec::new(),
                };
                if entries.is_empty() {
                    break;
                }
                for entry in entries {
                    ranks.season.insert(entry.puuid.clone(), entry.wins + entry.losses);
                    ranks.seen.entry(entry.puuid).or_default().push(RankPoint {
                        at,
                        tier: entry.tier,
                        division: entry.rank.parse().ok(),
                        league_points: entry.league_points,
                    });
                }
            }
        }
    }
}

#[derive(Deserialize)]
struct Match {
    info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    game_start_timestamp: i64,
    game_duration: u32,
    participants: Vec<Seat>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    puuid: String,
    team_id: i32,
    team_position: String,
    champion_id: u32,
    win: bool,
    kills: i32,
    deaths: i32,
    assists: i32,
    total_minions_killed: i32,
    neutral_minions_killed: i32,
    gold_earned: i32,
    total_damage_dealt_to_champions: i32,
    vision_score: i32,
    #[serde(rename = "summoner1Id")]
    summoner1_id: i32,
    game_ended_in_early_surrender: bool,
    challenges: Challenges,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Challenges {
    lane_minions_first10_minutes: f32,
    jungle_cs_before10_minutes: f32,
    solo_kills: f32,
}

/// Every ranked solo match once, oldest first.
fn read_matches(world: &Offline) -> Vec<Match> {
    let mut ids = std::collections::BTreeSet::new();
    for account in world.truth(KEY) {
        for start in (0..1_000).step_by(100) {
            let list = format!(
                "/europe/lol/match/v5/matches/by-puuid/{}/ids?queue=420&count=100&start={start}",
                account.puuid
            );
            let (_, body) = world.ask(&list, KEY);
            let page: Vec<String> = serde_json::from_slice(&body).expect("ids");
            let is_last = page.len() < 100;
            ids.extend(page);
            if is_last {
                break;
            }
        }
    }
    let mut games: Vec<Match> = ids
        .iter()
        .map(|id| world.ask(&format!("/europe/lol/match/v5/matches/{id}"), KEY).1)
        .map(|body| serde_json::from_slice::<Match>(&body).expect("a match"))
        .filter(|game| !game.info.participants[0].game_ended_in_early_surrender)
        .collect();
    games.sort_by_key(|game| game.info.game_start_timestamp);
    games
}

fn at(game: &Match) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(game.info.game_start_timestamp).expect("a time")
}

/// The rank at a time: the last one seen before, else none.
fn rank_at(ranks: &Ranks, puuid: &str, at: DateTime<Utc>) -> Option<f64> {
    let seen = ranks.seen.get(puuid)?;
    seen.iter().rev().find(|rank| rank.at <= at).map(RankPoint::tier_value)
}

fn evidence(
    account: &Truth,
    games: &[&Match],
    ranks: &Ranks,
    known: Known,
    world: &Offline,
) -> Evidence {
    let puuid = account.puuid.as_str();
    let own = ranks.seen.get(puuid).map_or(&[][..], Vec::as_slice);
    let own = if known.own == Own::Daily { own } else { &own[own.len().saturating_sub(1)..] };
    let is_whole = ranks.season.get(puuid) == Some(&(games.len() as u32));
    let carried = carried_back(own, games, puuid);
    let path = format!("/euw1/lol/summoner/v4/summoners/by-puuid/{puuid}");
    let summoner: serde_json::Value =
        serde_json::from_slice(&world.ask(&path, KEY).1).unwrap_or_default();
    let mut together: HashMap<&str, usize> = HashMap::new();
    for game in games {
        for mate in mates(game, puuid) {
            *together.entry(mate).or_default() += 1;
        }
    }
    let companion = together
        .into_iter()
        .filter(|(_, n)| *n >= 4.max(if known.steady { games.len() / 10 } else { 0 }))
        .max_by_key(|(name, n)| (*n, *name));
    let mut before: HashMap<u32, u32> = HashMap::new();
    let mut games: Vec<Game> = games
        .iter()
        .enumerate()
        .filter_map(|(place, game)| {
            let seat = game.info.participants.iter().find(|seat| seat.puuid == puuid)?;
            let played = before.entry(seat.champion_id).or_default();
            *played += 1;
            let others: Vec<f64> = game
                .info
                .participants
                .iter()
                .filter(|other| other.puuid != puuid)
                .filter_map(|other| match known.others {
                    Others::Daily => rank_at(ranks, &other.puuid, at(game)),
                    Others::Now => ranks.seen.get(&other.puuid)?.last().map(RankPoint::tier_value),
                    Others::Unknown => None,
                })
                .collect();
            let lobby = (others.len() >= 3)
                .then(|| (others.iter().sum::<f64>() / others.len() as f64) as f32);
            let stand_in = own
                .first()
                .filter(|rank| at(game) < rank.at && rank.at - at(game) <= Duration::days(30))
                .map(|rank| rank.tier_value() as f32);
            let side = game.info.participants.iter().filter(|s| s.team_id == seat.team_id);
            let kills: i32 = side.map(|s| s.kills).sum();
            Some(Game {
                at: at(game),
                duration_s: game.info.game_duration,
                queue: QueueId::RANKED_SOLO,
                role: role(&seat.team_position)?,
                champion_id: seat.champion_id,
                win: seat.win,
                kills: seat.kills as f32,
                deaths: seat.deaths as f32,
                assists: seat.assists as f32,
                cs: (seat.total_minions_killed + seat.neutral_minions_killed) as f32,
                gold: seat.gold_earned as f32,
                damage_to_champions: seat.total_damage_dealt_to_champions as f32,
                vision_score: Some(seat.vision_score as f32),
                kill_participation: (kills > 0)
                    .then(|| (seat.kills + seat.assists) as f32 / kills as f32),
                cs_at_10: Some(
                    seat.challenges.lane_minions_first10_minutes
                        + seat.challenges.jungle_cs_before10_minutes,
                ),
                solo_kills: Some(seat.challenges.solo_kills),
                flash_slot: Some(if seat.summoner1_id == 4 { 1 } else { 2 }),
                rank_tier_value: match known.own {
                    Own::CarriedBack => carried.get(place).copied(),
                    Own::Daily | Own::Now | Own::Drawn => None,
                },
                lobby_tier_value: lobby.or(stand_in),
                champion_games_before: Some(*played - 1)
                    .filter(|games| *games >= 10 || known.champions && is_whole),
                duo: companion.map(|(name, _)| mates(game, puuid).any(|mate| mate == name)),
            })
        })
        .collect();
    let account_level = summoner["summonerLevel"].as_u64().map(|level| level as u32);
    if known.own == Own::Drawn {
        draw_back(&mut games, own, account_level.is_some_and(|level| level <= 100));
    }
    Evidence {
        account_id: puuid.to_owned(),
        account_level,
        label: Some(account.story.key().to_owned()),
        ranks: own.to_vec(),
        games,
    }
}

/// The rank before each game, from the one seen after the last.
fn carried_back(own: &[RankPoint], games: &[&Match], puuid: &str) -> Vec<f32> {
    let Some(mut height) = own.last().map(RankPoint::tier_value) else { return Vec::new() };
    let mut heights: Vec<f32> = games
        .iter()
        .rev()
        .map(|game| {
            let seat = game.info.participants.iter().find(|seat| seat.puuid == puuid);
            height -= if seat.is_some_and(|seat| seat.win) { 0.055 } else { -0.05 };
            height = height.max(0.0);
            height as f32
        })
        .collect();
    heights.reverse();
    heights
}

/// The same, drawn towards the lobbies where the account is `young`.
fn draw_back(games: &mut [Game], own: &[RankPoint], young: bool) {
    let Some(mut height) = own.last().map(RankPoint::tier_value) else { return };
    let lobbies: Vec<Option<f64>> = (0..games.len())
        .map(|place| {
            let near = &games[place.saturating_sub(5)..(place + 6).min(games.len())];
            let known: Vec<f64> =
                near.iter().filter_map(|game| game.lobby_tier_value.map(f64::from)).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        })
        .collect();
    for (game, lobby) in games.iter_mut().zip(lobbies).rev() {
        let gap = lobby.filter(|_| young).map_or(0.0, |lobby| lobby - height - 0.1);
        let drawn = (0.25 * gap).clamp(0.0, 0.5);
        height += if game.win { -0.055 * (1.0 + drawn) } else { 0.05 * (1.0 - drawn) };
        height = height.max(0.0);
        game.rank_tier_value = Some(height as f32);
    }
}

fn mates<'a>(game: &'a Match, puuid: &'a str) -> impl Iterator<Item = &'a str> {
    let seats = &game.info.participants;
    let side = seats.iter().find(|seat| seat.puuid == puuid).map(|seat| seat.team_id);
    let mates = seats.iter().filter(move |s| Some(s.team_id) == side && s.puuid != puuid);
    mates.map(|seat| seat.puuid.as_str())
}

fn role(position: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| serde_json::to_value(role).is_ok_and(|word| word == position))
}

fn report(name: &str, rows: &BTreeMap<Story, Vec<Assessment>>) {
    println!("\n== {name}");
    println!("{:12} {:>4} {:>8} {:>6}  nats by factor", "story", "n", "unusual", "mean p");
    let mut honest = [0usize; 2];
    for (story, found) in rows {
        let unusual = found.iter().filter(|a| a.verdict == Verdict::UnusualPattern).count();
        let mean = found.iter().map(|a| a.p_any).sum::<f64>() / found.len() as f64;
        if story.is_honest() {
            honest[0] += unusual;
            honest[1] += found.len();
        }
        let nats: Vec<String> = (0..found[0].factors.len())
            .map(|i| {
                let sum: f64 = found.iter().map(|a| a.factors[i].contribution_nats).sum();
                let value: Vec<f64> = found.iter().filter_map(|a| a.factors[i].value).collect();
                let value = value.iter().sum::<f64>() / value.len().max(1) as f64;
                let key: String = found[0].factors[i].key.chars().take(9).collect();
                format!("{key} {:+.1}({value:.2})", sum / found.len() as f64)
            })
            .collect();
        println!(
            "{:12} {:4} {:7.1}% {mean:6.3}  {}",
            story.key(),
            found.len(),
            100.0 * unusual as f64 / found.len() as f64,
            nats.join(" ")
        );
    }
    println!(
        "honest: {} of {} unusual = {:.2} %",
        honest[0],
        honest[1],
        100.0 * honest[0] as f64 / honest[1].max(1) as f64
    );
}

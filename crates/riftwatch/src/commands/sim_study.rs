//! `riftwatch sim-study`: the same simulated week of tracked players under the plain policy and under
//! ours. What a look is worth is reckoned by the job's own code (`riftwatch_app::rhythm`), on virtual
//! time.

mod figures;
mod policies;
mod targets;
mod world;

use chrono::TimeDelta;
use riftwatch_app::rhythm::LookRules;
use riftwatch_jobs::TrackedPlayerUpdaterConfig;
use serde::Serialize;

use self::figures::{Figures, Least, figures, least};
use self::policies::{Policy, Windows, live};
use self::targets::{STALENESS_GAIN, TIMES_LEAST, Targets, targets};
use self::world::{DAY_S, World};
use crate::cli::SimStudyArgs;
use crate::output;
use crate::{Exit, Failure};

/// Days before the week, from which habits are known.
const HISTORY_DAYS: i64 = 28;
const WEEK_DAYS: i64 = 7;

/// What a key may do on the route of matches.
const KEYS: [(&str, Windows); 2] =
    [("development", &[(20, 1.0), (100, 120.0)]), ("production", &[(500, 10.0), (30_000, 600.0)])];

/// The seed's `JOB_TIMEOUT_SECONDS`.
const TIMEOUT_S: i64 = 600;

/// Prices of a look beside the job's own, for who thinks otherwise of requests and delay.
const PRICES_MIN: [f64; 4] = [0.1, 3.0, 20.0, 200.0];

#[derive(Debug, Serialize)]
struct Study {
    seed: u64,
    players: usize,
    days: i64,
    least: Least,
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
struct Key {
    key: &'static str,
    policies: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    week: Figures,
    targets: Targets,
}

pub(crate) fn run(args: &SimStudyArgs) -> Result<Exit, Failure> {
    let world = World::new(args.seed, args.players, HISTORY_DAYS + WEEK_DAYS);
    let (from, until) = (HISTORY_DAYS * DAY_S, (HISTORY_DAYS + WEEK_DAYS) * DAY_S);
    let least = least(&world, from, until);
    let keys = KEYS
        .iter()
        .map(|(key, windows)| {
            let weeks: Vec<Figures> = policies()
                .into_iter()
                .map(|(name, policy)| {
                    let week = live(&world, policy, windows, from, until);
                    figures(name, &world, &week, &least, from, until)
                })
                .collect();
            Key { key, policies: against_plain(weeks) }
        })
        .collect();
    let study = Study { seed: args.seed, players: args.players, days: WEEK_DAYS, least, keys };
    if args.json {
        output::json(&study);
    } else {
        print(&study);
    }
    Ok(Exit::Fine)
}

/// Each week beside the plain ones, which are the first two.
fn against_plain(weeks: Vec<Figures>) -> Vec<Row> {
    let plain =
        weeks.first().zip(weeks.get(1)).map(|(seed, rounds)| [seed.clone(), rounds.clone()]);
    let [seed, rounds] = plain.expect("both plain policies");
    weeks.into_iter().map(|week| Row { targets: targets(&week, &seed, &rounds), week }).collect()
}

/// Plain policies first.
fn policies() -> Vec<(String, Policy)> {
    let config = TrackedPlayerUpdaterConfig::default();
    let rules = LookRules {
        least: TimeDelta::seconds(config.min_look_interval_s.into()),
        longest: TimeDelta::seconds(config.max_look_interval_s.into()),
        worth_min: config.look_worth_min,
    };
    let mut all = vec![
        ("plain, starting over at the time-out".to_owned(), Policy::StartingOver(TIMEOUT_S)),
        ("plain, round and round".to_owned(), Policy::Plain),
        ("by rhythm (the default)".to_owned(), Policy::Rhythm(rules)),
    ];
    all.extend(PRICES_MIN.map(|worth_min| {
        let rules = LookRules { worth_min, ..rules };
        (format!("by rhythm, look_worth_min {worth_min}"), Policy::Rhythm(rules))
    }));
    all
}

fn print(study: &Study) {
    let Study { players, days, least, .. } = study;
    output::line(&format!(
        "{players} tracked players, {days} days: {} matches. The least is {} lookups, {:.2} requests a match.",
        least.matches, least.lookups, least.requests_per_match
    ));
    for key in &study.keys {
        let title = format!("{} key", key.key);
        let header = [
            title.as_str(),
            "delay p50",
            "p95",
            "staleness p50",
            "p95",
            "≤ 30 min",
            "stored",
            "lookups",
            "requests a match",
            "× least",
            "requests",
            "staleness",
        ];
        let rows: Vec<Vec<String>> = key.policies.iter().map(row).collect();
        output::line("");
        output::table(&header, &rows);
        output::line(&format!("Both targets: {}.", both(&key.policies)));
    }
    output::line("\ndelay: from a match's end to its storing");
    output::line("staleness: of who is behind, time since the end of the oldest match not stored");
    output::line(
        "least: one request a match, and the lookups of somebody who knows when matches end",
    );
    output::line(&format!(
        "targets: requests a match, at most {TIMES_LEAST} × the least; staleness p95, {STALENESS_GAIN} × better \
         than the plain policy's, once as it starts over at its time-out, once as it goes round and round"
    ));
}

/// Who meets both targets, against which plain policy.
fn both(rows: &[Row]) -> String {
    let who = |met: fn(&Targets) -> bool| {
        let names = rows.iter().filter(|row| met(&row.targets)).map(|row| row.week.policy.as_str());
        let names: Vec<&str> = names.collect();
        if names.is_empty() { "none".to_owned() } else { names.join("; ") }
    };
    format!(
        "against plain with its time-out, {}; against plain round and round, {}",
        who(|targets| targets.requests_met && targets.staleness_met),
        who(|targets| targets.requests_met && targets.staleness_met_over_rounds)
    )
}

fn row(Row { week, targets }: &Row) -> Vec<String> {
    vec![
        week.policy.clone(),
        minutes(week.delay_p50_min),
        minutes(week.delay_p95_min),
        minutes(week.staleness_p50_min),
        minutes(week.staleness_p95_min),
        format!("{:.1} %", week.within_30_min * 100.0),
        format!("{:.1} %", week.stored * 100.0),
        week.lookups.to_string(),
        format!("{:.2}", week.requests_per_match),
        format!("{:.2}", week.times_least),
        met(targets.requests_met).to_owned(),
        format!(
            "{} ({}), {} ({})",
            met(targets.staleness_met),
            times(targets.staleness_gain),
            met(targets.staleness_met_over_rounds),
            times(targets.staleness_gain_over_rounds)
        ),
    ]
}

fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

fn times(gain: Option<f64>) -> String {
    match gain {
        None => "never behind".to_owned(),
        Some(gain) if gain < 1.0 => format!("{gain:.2} ×"),
        Some(gain) if gain < 10.0 => format!("{gain:.1} ×"),
        Some(gain) => format!("{gain:.0} ×"),
    }
}

/// Minutes, or hours or days where these say more.
fn minutes(minutes: f64) -> String {
    match minutes {
        m if m < 100.0 => format!("{m:.1} min"),
        m if m < 2_880.0 => format!("{:.1} h", m / 60.0),
        m => format!("{:.1} d", m / 1_440.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: i64 = 10 * DAY_S;
    const UNTIL: i64 = 12 * DAY_S;

    fn week(world: &World, policy: Policy, windows: Windows) -> Figures {
        let week = live(world, policy, windows, FROM, UNTIL);
        figures(String::new(), world, &week, &least(world, FROM, UNTIL), FROM, UNTIL)
    }

    #[test]
    fn a_world_is_its_seed_and_plays_as_much_as_its_people_want() {
        let (a, b) = (World::new(1, 60, 12), World::new(1, 60, 12));
        let ends = |world: &World| world.games.iter().map(|game| game.end).collect::<Vec<_>>();
        assert_eq!(ends(&a), ends(&b));
        assert_ne!(ends(&a), ends(&World::new(2, 60, 12)));
        let played: usize = a.of_player.iter().map(Vec::len).sum();
        let per_day = played as f64 / 60.0 / 12.0;
        assert!((1.0..3.5).contains(&per_day), "{per_day} games a day");
    }

    #[test]
    fn the_rhythm_finds_the_same_matches_with_a_fraction_of_the_requests() {
        let world = World::new(1, 60, 12);
        let all = policies();
        let [_, (_, plain), (_, rhythm), ..] = &all[..] else { panic!("three at least") };
        let plain = week(&world, *plain, KEYS[1].1);
        let rhythm = week(&world, *rhythm, KEYS[1].1);
        assert!(plain.stored > 0.99 && plain.delay_p95_min < 2.5, "{plain:?}");
        assert!(rhythm.stored > 0.97 && rhythm.within_30_min > 0.8, "{rhythm:?}");
        assert!(rhythm.requests * 10 < plain.requests, "{} of {}", rhythm.requests, plain.requests);
        assert!(rhythm.rank_requests * 10 < plain.rank_requests, "{rhythm:?}");
    }

    #[test]
    fn a_narrow_key_is_never_overdrawn_and_what_it_allows_is_used() {
        let world = World::new(1, 60, 12);
        let narrow: Windows = &[(1, 60.0)];
        let all = policies();
        let [(_, starting_over), (_, plain), ..] = &all[..] else { panic!("two at least") };
        let allowed = (UNTIL - FROM) as f64 / 60.0;
        for policy in [*plain, Policy::Rhythm(LookRules { worth_min: 0.0, ..rules() })] {
            let used = week(&world, policy, narrow).requests as f64;
            assert!((0.9 * allowed..=allowed + 1.0).contains(&used), "{used} of {allowed}");
        }
        // Its first ten players are all that ten minutes are enough for.
        assert!(week(&world, *starting_over, narrow).stored < 0.5);
    }

    #[test]
    fn each_policy_is_told_which_targets_it_meets_and_against_which_plain_one() {
        let world = World::new(1, 60, 12);
        let thrifty = Policy::Rhythm(LookRules { worth_min: 200.0, ..rules() });
        let lived = [Policy::StartingOver(TIMEOUT_S), Policy::Plain, thrifty];
        let rows = against_plain(lived.map(|policy| week(&world, policy, KEYS[0].1)).to_vec());
        assert_eq!(rows[0].targets.staleness_gain, Some(1.0), "against itself");
        assert_eq!(rows[1].targets.staleness_gain_over_rounds, Some(1.0));
        for row in &rows {
            assert_eq!(row.targets.requests_met, row.week.times_least <= 1.3, "{row:?}");
            let gain = rows[0].week.staleness_p95_min / row.week.staleness_p95_min;
            assert_eq!(row.targets.staleness_met, gain >= 5.0, "{row:?}");
        }
        let thrifty = &rows[2];
        let never = Targets { staleness_gain: None, ..thrifty.targets };
        assert_eq!(times(never.staleness_gain), "never behind");
        assert!(both(&rows).starts_with("against plain with its time-out, "), "{}", both(&rows));
    }

    fn rules() -> LookRules {
        LookRules { least: TimeDelta::minutes(2), longest: TimeDelta::days(1), worth_min: 0.5 }
    }
}

//! Next-fire calculation: simulated years, zones, daylight-saving changes, hostile expressions.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use riftwatch_runner::schedule::{Schedule, ScheduleError, preview};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// The wall clock at each of the next fires.
fn fires(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    preview(cron, zone, at(from), count)
        .expect("a schedule")
        .into_iter()
        .map(|fire| fire.local)
        .collect()
}

#[test]
fn b05_a_fixed_time_that_the_change_skips_fires_once_after_the_gap() {
    // Berlin, 29 March 2026: 02:00 becomes 03:00.
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    );
}

#[test]
fn b05_a_repeating_time_passes_the_gap_over() {
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:29:00Z", 4),
        [
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-29T04:00:00+02:00"
        ]
    );
}

#[test]
fn b05_a_fixed_time_that_the_change_repeats_fires_once_and_a_repeating_one_twice() {
    // Berlin, 25 October 2026: 03:00 becomes 02:00.
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:59:00Z", 5),
        [
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00"
        ]
    );
}

#[test]
fn b05_a_preview_marks_the_changes() {
    let changed: Vec<bool> =
        preview("0 12 * * *", "America/New_York", at("2026-03-06T20:00:00Z"), 4)
            .expect("a schedule")
            .iter()
            .map(|fire| fire.offset_changed)
            .collect();
    assert_eq!(changed, [false, true, false, false]);
}

#[test]
fn b05_leap_days_come_and_impossible_days_are_refused() {
    assert_eq!(
        fires("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2),
        ["2028-02-29T00:00:00+00:00", "2032-02-29T00:00:00+00:00"]
    );
    for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"] {
        assert_eq!(Schedule::cron(never, "UTC").expect_err(never), ScheduleError::NeverFires);
    }
}

#[test]
fn b05_hostile_expressions_cost_nothing() {
    let long = "1,".repeat(100_000);
    let begun = Instant::now();
    for hostile in [
        "1--100000000 * * * *",
        "0-99999999999999999999 * * * *",
        "*/0 * * * *",
        "*/99999999999999999999 * * * *",
        "60 * * * *",
        "* * * * * * *",
        "@every 1ns",
        "",
        "\0 * * * *",
        "٣ * * * *",
        long.as_str(),
    ] {
        assert!(Schedule::cron(hostile, "UTC").is_err(), "{hostile:.40}");
    }
    // Expressions that never fire search the calendar; they have to come to an end.
    for never in ["0 0 30 2 *", "0 0 31 6 *"] {
        assert!(Schedule::cron(never, "Europe/Berlin").is_err());
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    // Half an hour of daylight saving.
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    // Changes at midnight: the day begins at 01:00.
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
];

/// A year of ticks in each zone, walked as the scheduler walks: from each nominal time to the next.
#[test]
fn a_year_of_ticks_in_many_zones_has_neither_double_nor_gap() {
    let begun = Instant::now();
    let from = at("2026-01-01T00:00:00Z");
    let to = at("2027-01-01T00:00:00Z");
    for name in ZONES {
        let zone: Tz = name.parse().expect("a zone");
        for cron in ["0 * * * *", "30 2 * * *", "15 0 * * *", "*/20 1-3 * * *"] {
            let schedule = Schedule::cron(cron, name).expect("a schedule");
            let mut nominal = from;
            let mut days = std::collections::BTreeMap::<_, u32>::new();
            let mut count = 0;
            while let Some(next) = schedule.next_after(nominal, nominal).filter(|next| *next < to) {
                assert!(next > nominal, "{cron} in {name}: {next} after {nominal}");
                assert_eq!(schedule.latest(nominal, next), next, "{cron} in {name}");
                // Whoever looks later, but before the next, finds the same time.
                let later = next + TimeDelta::seconds(59);
                assert_eq!(schedule.latest(next, later), next, "{cron} in {name}");
                *days.entry(next.with_timezone(&zone).date_naive()).or_default() += 1;
                count += 1;
                nominal = next;
            }
            match cron {
                // Once an hour of real time, whatever the clocks do; zones with a half hour of
                // daylight saving lose or gain none of them either.
                "0 * * * *" if name != "Australia/Lord_Howe" => {
                    assert!((8758..=8761).contains(&count), "{name}: {count}");
                }
                // Once a day, on each day.
                "30 2 * * *" | "15 0 * * *" => {
                    assert!(days.values().all(|&fires| fires == 1), "{cron} in {name}: {days:?}");
                    assert!((364..=366).contains(&days.len()), "{cron} in {name}: {}", days.len());
                }
                _ => assert!(count > 300, "{cron} in {name}: {count}"),
            }
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

fn expression() -> impl Strategy<Value = String> {
    let field = |from: u32, to: u32| {
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (from..=to).prop_map(|n| n.to_string()),
            1 => (from..=to, from..=to).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => (1_u32..=30).prop_map(|n| format!("*/{n}")),
        ]
    };
    (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
        .prop_map(|(m, h, d, mo, w)| format!("{m} {h} {d} {mo} {w}"))
}

fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (1_700_000_000_i64..1_900_000_000)
        .prop_map(|s| Utc.timestamp_opt(s, 0).single().expect("a time"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn next_is_later_and_latest_is_not_and_they_agree(
        cron in expression(),
        zone in proptest::sample::select(ZONES.to_vec()),
        now in instant(),
    ) {
        let schedule = Schedule::cron(&cron, zone).expect("days up to 28 always come");
        let next = schedule.next_after(now, now).expect("it fires again");
        prop_assert!(next > now);
        prop_assert_eq!(next.second(), 0);
        prop_assert_eq!(schedule.latest(now - TimeDelta::days(4000), next), next);
        let latest = schedule.latest(DateTime::UNIX_EPOCH, now);
        prop_assert!(latest <= now);
        prop_assert!(schedule.next_after(latest, latest).is_some_and(|after| after > latest));
    }

    #[test]
    fn an_interval_is_a_grid_that_lateness_does_not_move(
        every in 1_i32..200_000,
        anchor in instant(),
        late_s in 0_i64..10_000_000,
    ) {
        let job = crate::schedules::interval_job(every);
        let schedule = Schedule::of(&job, Duration::from_secs(120)).expect("a schedule");
        let now = anchor + TimeDelta::seconds(late_s);
        let latest = schedule.latest(anchor, now);
        let next = schedule.next_after(latest, now).expect("an interval goes on");
        prop_assert!(latest <= now && now < next);
        prop_assert_eq!((next - latest).num_seconds(), i64::from(every));
        prop_assert_eq!((latest - anchor).num_seconds() % i64::from(every), 0);
    }
}

/// A job of that interval; everything else does not matter here.
pub(crate) fn interval_job(every: i32) -> riftwatch_domain::job::JobConfiguration {
    riftwatch_domain::job::JobConfiguration {
        id: riftwatch_domain::job::JobId(1),
        name: "job".to_owned(),
        job_type: "noop".to_owned(),
        interval_seconds: Some(every),
        cron: None,
        time_zone: "UTC".to_owned(),
        manual_only: false,
        jitter_seconds: 0,
        enabled: true,
        config_json: serde_json::json!({}),
        timeout_seconds: None,
        max_instances: 1,
        misfire_policy: riftwatch_domain::job::MisfirePolicy::Once,
        version: 1,
        pause: None,
        next_run_at: None,
        next_nominal_at: None,
        last_run_at: None,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

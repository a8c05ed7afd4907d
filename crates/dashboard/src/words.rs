//! Numbers, times and schedules in words for people.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use croner::parser::{CronParser, Seconds, Year};
use riftwatch_domain::job::JobConfiguration;
use riftwatch_runner::RunnerConfig;

use crate::markup::Markup;

/// 1 234 567, with thin spaces that do not break.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    if number < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number as people read it: at most two decimals, none that say nothing.
pub(crate) fn number(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be small and whole")]
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return count(value as i64);
    }
    let text = format!("{value:.2}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        text => text.replace('-', "−"),
    }
}

/// 12.3 GB.
pub(crate) fn bytes(bytes: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "rounded anyway")]
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") }
}

/// 99.4 %; never 100 % or 0 % when it is not quite.
pub(crate) fn percent(value: f64) -> String {
    if value >= 100.0 || value <= 0.0 {
        return format!("{value:.0} %");
    }
    format!("{:.1} %", value.clamp(0.1, 99.9))
}

/// A probability in percent, as whole numbers say it: `<1 %`, `37 %`, `>99 %`.
pub(crate) fn probability(p: f64) -> String {
    let percent = p * 100.0;
    if percent < 1.0 {
        "<1 %".to_owned()
    } else if percent > 99.0 {
        ">99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// 0.42 s, 12 s, 3 min 05 s, 2 h 10 min, 4 d 3 h.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("−{}", duration(-seconds));
    }
    if seconds < 0.0995 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(clippy::cast_possible_truncation, reason = "durations are far below 2^63 seconds")]
    let whole = seconds.round() as i64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    match whole {
        ..60 => format!("{whole} s"),
        60..3_600 if whole % 60 == 0 => format!("{minutes} min"),
        60..3_600 => format!("{minutes} min {:02} s", whole % 60),
        _ if days == 0 && minutes == 0 => format!("{hours} h"),
        _ if days == 0 => format!("{hours} h {minutes:02} min"),
        _ if hours == 0 => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

/// 45 s, 12 min, 3 h, 5 d: the largest unit alone.
fn rough(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", (seconds + 30) / 60),
        5_400..129_600 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// `3 min ago`, `in 5 min`, `now`.
pub(crate) fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let delta = at - now;
    if delta.num_seconds().abs() < 1 {
        "now".to_owned()
    } else if delta > TimeDelta::zero() {
        format!("in {}", rough(delta))
    } else {
        format!("{} ago", rough(-delta))
    }
}

/// `2026-11-24 10:15:37 UTC`.
pub(crate) fn absolute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A time relative to now, which the script keeps current, with the exact one behind it.
pub(crate) fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    Markup(format!(
        "<time datetime=\"{}\" title=\"{}\" data-relative>{}</time>",
        at.to_rfc3339_opts(SecondsFormat::Millis, true),
        absolute(at),
        relative(at, now),
    ))
}

/// The exact time, of which the script makes one in the reader's zone as a tool tip.
pub(crate) fn exact(at: DateTime<Utc>) -> Markup {
    Markup(format!(
        "<time datetime=\"{}\" data-exact>{}</time>",
        at.to_rfc3339_opts(SecondsFormat::Millis, true),
        absolute(at),
    ))
}

/// `every 2 minutes`, `at 02:30 on Monday (Europe/Berlin)`, `by hand only`.
pub(crate) fn schedule(job: &JobConfiguration, config: &RunnerConfig) -> String {
    if job.manual_only {
        return "by hand only".to_owned();
    }
    if let Some(cron) = &job.cron {
        return format!("{} ({})", cron_words(cron), job.time_zone);
    }
    let seconds =
        job.interval_seconds.map_or(config.default_interval.as_secs(), |s| s.unsigned_abs().into());
    every(seconds)
}

/// `every 2 minutes`.
pub(crate) fn every(seconds: u64) -> String {
    let (number, unit) = match seconds {
        s if s > 0 && s.is_multiple_of(86_400) => (s / 86_400, "day"),
        s if s > 0 && s.is_multiple_of(3_600) => (s / 3_600, "hour"),
        s if s > 0 && s.is_multiple_of(60) => (s / 60, "minute"),
        s => (s, "second"),
    };
    if number == 1 { format!("every {unit}") } else { format!("every {number} {unit}s") }
}

/// A cron expression in words; itself if it cannot be read.
pub(crate) fn cron_words(expression: &str) -> String {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    match parser.parse(expression) {
        Ok(cron) => {
            let words = cron.describe();
            let words = words.trim_end_matches('.');
            let mut chars = words.chars();
            chars
                .next()
                .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
        }
        Err(_) => expression.to_owned(),
    }
}

/// `rate_limited` as people write it.
pub(crate) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(-12), "−12");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(-1.5), "−1.5");
        assert_eq!(number(1234.0), "1\u{202f}234");
        assert_eq!(bytes(12_345_678), "12.3 MB");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(99.99), "99.9 %");
        assert_eq!(percent(100.0), "100 %");
        assert_eq!(percent(0.01), "0.1 %");
        assert_eq!(probability(0.004), "<1 %");
        assert_eq!(probability(0.995), ">99 %");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let said: Vec<String> =
            [0.0421, 4.25, 59.4, 61.0, 3_725.0, 90_061.0].map(duration).to_vec();
        assert_eq!(said, ["42 ms", "4.2 s", "59 s", "1 min 01 s", "1 h 02 min", "1 d 1 h"]);
        assert_eq!([120.0, 7_200.0, 172_800.0].map(duration), ["2 min", "2 h", "2 d"]);
    }

    #[test]
    fn times_are_said_from_now() {
        let now = DateTime::UNIX_EPOCH;
        let said = |seconds| relative(now + TimeDelta::seconds(seconds), now);
        assert_eq!(said(0), "now");
        assert_eq!(said(-45), "45 s ago");
        assert_eq!(said(180), "in 3 min");
        assert_eq!(said(-7_300), "2 h ago");
        assert_eq!(said(3 * 86_400), "in 3 d");
    }

    #[test]
    fn schedules_are_said_in_words() {
        assert_eq!(every(120), "every 2 minutes");
        assert_eq!(every(86_400), "every day");
        assert_eq!(every(90), "every 90 seconds");
        assert_eq!(cron_words("30 2 * * *"), "at 02:30");
        assert_eq!(cron_words("not cron"), "not cron");
    }
}

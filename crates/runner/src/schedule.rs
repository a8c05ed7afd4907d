//! When a job is due: intervals, cron in a time zone, or never by itself.
//!
//! Intervals are a grid: each nominal time is the one before it plus the interval, however late the
//! tick was made. Cron is read on the wall clock of its zone, with these rules where the wall clock
//! jumps (they are croner's, and tested here):
//!
//! * A time that the change skips (02:30 when 02:00 becomes 03:00): an expression with fixed hour
//!   and minute fires once, at the first instant after the gap; one that repeats within the hour
//!   passes the gap over.
//! * A time that the change repeats: an expression with fixed hour and minute fires once, at the
//!   first of the two; one that repeats within the hour fires in both.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, errors::CronError};
use riftwatch_domain::job::JobConfiguration;

/// Longer is no cron expression that a person wrote.
const MAX_CRON_BYTES: usize = 120;

/// When a job is due.
#[derive(Debug, Clone)]
pub struct Schedule {
    kind: Kind,
    jitter: TimeDelta,
}

#[derive(Debug, Clone)]
enum Kind {
    Every(TimeDelta),
    Cron(Box<(Cron, Tz)>),
    Manual,
}

/// Why a schedule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not even one second.
    #[error("the interval must be 1 second or more")]
    Interval,
    /// More bytes than any sensible expression has.
    #[error("the cron expression is longer than {MAX_CRON_BYTES} characters")]
    CronTooLong,
    /// No cron expression.
    #[error(
        "the cron expression cannot be read ({0}): expected five fields (minute hour day month weekday), or six with seconds first"
    )]
    Cron(String),
    /// As 30 February.
    #[error("the cron expression never fires")]
    NeverFires,
    /// No such zone.
    #[error("{0:?} is not a time zone: expected an IANA name such as Europe/Berlin or UTC")]
    TimeZone(String),
    /// A tick would be put off beyond the next.
    #[error("the jitter must be less than the interval")]
    Jitter,
}

impl Schedule {
    /// The schedule of a job; `default_interval` is for those that have none.
    ///
    /// # Errors
    ///
    /// When the row has something that is no schedule.
    pub fn of(
        job: &JobConfiguration,
        default_interval: std::time::Duration,
    ) -> Result<Self, ScheduleError> {
        let default = i64::try_from(default_interval.as_secs()).unwrap_or(i64::MAX);
        let kind = if job.manual_only {
            Kind::Manual
        } else if let Some(cron) = &job.cron {
            return Self::cron(cron, &job.time_zone)
                .map(|schedule| schedule.with_jitter(job.jitter_seconds));
        } else {
            let seconds = job.interval_seconds.map_or(default, i64::from);
            if seconds < 1 {
                return Err(ScheduleError::Interval);
            }
            if i64::from(job.jitter_seconds) >= seconds {
                return Err(ScheduleError::Jitter);
            }
            Kind::Every(TimeDelta::try_seconds(seconds).ok_or(ScheduleError::Interval)?)
        };
        Ok(Self { kind, jitter: TimeDelta::zero() }.with_jitter(job.jitter_seconds))
    }

    /// A cron schedule. Costs well under a millisecond, whatever the text.
    ///
    /// # Errors
    ///
    /// When the expression or the zone cannot be read, or the expression never fires.
    pub fn cron(expression: &str, time_zone: &str) -> Result<Self, ScheduleError> {
        if expression.len() > MAX_CRON_BYTES {
            return Err(ScheduleError::CronTooLong);
        }
        let zone =
            Tz::from_str(time_zone).map_err(|_| ScheduleError::TimeZone(time_zone.to_owned()))?;
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| ScheduleError::Cron(error.to_string()))?;
        // Every date that exists comes within a leap year, which is at most eight years away.
        let start = DateTime::UNIX_EPOCH.with_timezone(&zone);
        match cron.find_next_occurrence(&start, false) {
            Ok(_) => {}
            Err(CronError::TimeSearchLimitExceeded) => return Err(ScheduleError::NeverFires),
            Err(error) => return Err(ScheduleError::Cron(error.to_string())),
        }
        Ok(Self { kind: Kind::Cron(Box::new((cron, zone))), jitter: TimeDelta::zero() })
    }

    fn with_jitter(mut self, seconds: i32) -> Self {
        self.jitter = TimeDelta::seconds(i64::from(seconds));
        self
    }

    /// The first nominal time after `now` on the grid that `anchor` is on.
    pub fn next_after(&self, anchor: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.kind {
            Kind::Every(every) => {
                if anchor > now {
                    return Some(anchor);
                }
                let steps = (now - anchor).num_milliseconds() / every.num_milliseconds() + 1;
                anchor.checked_add_signed(TimeDelta::milliseconds(
                    every.num_milliseconds().checked_mul(steps)?,
                ))
            }
            Kind::Cron(cron) => {
                let (cron, zone) = &**cron;
                let next = cron.find_next_occurrence(&now.with_timezone(zone), false).ok()?;
                Some(next.with_timezone(&Utc))
            }
            Kind::Manual => None,
        }
    }

    /// The last nominal time up to `now`, when `nominal` was due: `nominal` or one missed after it.
    pub fn latest(&self, nominal: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        match &self.kind {
            Kind::Every(every) => {
                let steps = (now - nominal).num_milliseconds() / every.num_milliseconds();
                nominal + TimeDelta::milliseconds(every.num_milliseconds() * steps.max(0))
            }
            Kind::Cron(cron) => {
                let (cron, zone) = &**cron;
                cron.find_previous_occurrence(&now.with_timezone(zone), true)
                    .map_or(nominal, |previous| previous.with_timezone(&Utc).max(nominal))
            }
            Kind::Manual => nominal,
        }
    }

    /// Whether the first tick of a new job is at once: that of an interval. Cron waits for its time.
    pub(crate) fn begins_at_once(&self) -> bool {
        matches!(self.kind, Kind::Every(_))
    }

    /// When the tick of a nominal time is made: late by a fraction of the jitter that is always the
    /// same for this job and this time.
    pub(crate) fn jittered(&self, job_id: i64, nominal: DateTime<Utc>) -> DateTime<Utc> {
        let span = self.jitter.num_milliseconds().unsigned_abs();
        if span == 0 {
            return nominal;
        }
        let seed =
            job_id.cast_unsigned().rotate_left(32) ^ nominal.timestamp_millis().cast_unsigned();
        let late = i64::try_from(mix(seed) % (span + 1)).unwrap_or(0);
        nominal + TimeDelta::milliseconds(late)
    }
}

/// Spreads neighbouring numbers over all numbers (the finishing step of splitmix64).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One fire of a schedule, for a preview.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fire {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The wall clock of the schedule's zone, with its offset.
    pub local: String,
    /// Whether the zone's offset changed since the fire before.
    pub offset_changed: bool,
}

/// The next `count` fires of a cron expression after `now`.
///
/// # Errors
///
/// When the expression or the zone cannot be read, or the expression never fires.
pub fn preview(
    expression: &str,
    time_zone: &str,
    now: DateTime<Utc>,
    count: usize,
) -> Result<Vec<Fire>, ScheduleError> {
    let schedule = Schedule::cron(expression, time_zone)?;
    let zone =
        Tz::from_str(time_zone).map_err(|_| ScheduleError::TimeZone(time_zone.to_owned()))?;
    let mut fires = Vec::with_capacity(count);
    let mut at = now;
    let mut offset = now.with_timezone(&zone).format("%z").to_string();
    while fires.len() < count {
        let Some(next) = schedule.next_after(at, at) else { break };
        let local = next.with_timezone(&zone);
        let new_offset = local.format("%z").to_string();
        fires.push(Fire {
            at: next,
            local: local.to_rfc3339(),
            offset_changed: new_offset != offset,
        });
        offset = new_offset;
        at = next;
    }
    Ok(fires)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn jitter_is_bounded_never_early_and_the_same_each_time(
            job_id in 1_i64..1_000_000,
            seconds in 0_i64..4_000_000_000,
            jitter in 0_i32..86_400,
        ) {
            let kind = Kind::Every(TimeDelta::days(2));
            let schedule = Schedule { kind, jitter: TimeDelta::zero() }.with_jitter(jitter);
            let nominal = DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
            let late = schedule.jittered(job_id, nominal) - nominal;
            prop_assert!(late >= TimeDelta::zero() && late <= TimeDelta::seconds(jitter.into()));
            prop_assert_eq!(schedule.jittered(job_id, nominal) - nominal, late);
        }
    }

    #[test]
    fn jitter_spreads_jobs_over_all_of_it() {
        let kind = Kind::Every(TimeDelta::hours(1));
        let schedule = Schedule { kind, jitter: TimeDelta::zero() }.with_jitter(100);
        let late = |job_id| {
            let at = schedule.jittered(job_id, DateTime::UNIX_EPOCH) - DateTime::UNIX_EPOCH;
            at.num_seconds()
        };
        for tenth in 0..10 {
            let jobs = (1..=1000).filter(|job_id| late(*job_id) / 10 == tenth).count();
            assert!((60..=140).contains(&jobs), "{jobs} of 1000 in tenth {tenth}");
        }
    }
}

//! What the scheduler does with a job that it looks at: a pure function of the row and the time.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::job::{JobConfiguration, MisfirePolicy};
use riftwatch_store::job_configurations::{Advance, Due};

use crate::config::RunnerConfig;
use crate::schedule::{Schedule, ScheduleError};

/// What the scheduler does with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The nominal time to make runs for.
    pub(crate) tick: Option<DateTime<Utc>>,
    /// Whether a tick that is due waits for a free slot.
    pub(crate) waits: bool,
    pub(crate) advance: Advance,
}

/// Decides. `now` must be at or after the row's `next_run_at`.
pub(crate) fn plan(
    due: &Due,
    now: DateTime<Utc>,
    config: &RunnerConfig,
) -> Result<Plan, ScheduleError> {
    let job = &due.job;
    let schedule = Schedule::of(job, config.default_interval)?;
    if job.pause.is_some() {
        // Its end has come. What would have been due in the meantime is not made up for.
        let mut plan = idle(job, first_after(job, &schedule, now), &schedule);
        plan.advance.resume = true;
        return Ok(plan);
    }
    let Some(next_run_at) = job.next_run_at else {
        let next = first(job, &schedule, now);
        if next.is_some_and(|next| next <= now) {
            return Ok(tick(job, now, schedule.next_after(now, now), &schedule));
        }
        return Ok(idle(job, next, &schedule));
    };
    let nominal = job.next_nominal_at.unwrap_or(next_run_at);
    let late_by = |at: DateTime<Utc>| (now - at).to_std().unwrap_or_default();
    Ok(match job.misfire_policy {
        MisfirePolicy::Once => {
            let latest = schedule.latest(nominal, now);
            tick(job, latest, schedule.next_after(latest, now), &schedule)
        }
        MisfirePolicy::Skip => {
            let latest = schedule.latest(nominal, now);
            let next = schedule.next_after(latest, now);
            // Jitter is no lateness.
            let made_at = schedule.jittered(job.id.0, latest);
            if late_by(made_at) <= config.misfire_grace {
                tick(job, latest, next, &schedule)
            } else {
                idle(job, next, &schedule)
            }
        }
        MisfirePolicy::All => {
            let window = TimeDelta::from_std(config.misfire_window).unwrap_or(TimeDelta::MAX);
            let oldest = now.checked_sub_signed(window).unwrap_or(nominal);
            let nominal = if nominal < oldest {
                schedule.next_after(nominal, oldest).unwrap_or(nominal)
            } else {
                nominal
            };
            if due.unfinished >= i64::from(job.max_instances) {
                Plan {
                    tick: None,
                    waits: true,
                    advance: Advance {
                        id: job.id,
                        next_run_at: Some(schedule.jittered(job.id.0, nominal)),
                        next_nominal_at: Some(nominal),
                        last_run_at: None,
                        resume: false,
                    },
                }
            } else {
                tick(job, nominal, schedule.next_after(nominal, nominal), &schedule)
            }
        }
    })
}

/// The next nominal time of a job whose schedule was made or changed just now.
pub(crate) fn first(
    job: &JobConfiguration,
    schedule: &Schedule,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    if job.last_run_at.is_none() && schedule.begins_at_once() {
        return Some(now);
    }
    first_after(job, schedule, now)
}

fn first_after(
    job: &JobConfiguration,
    schedule: &Schedule,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    schedule.next_after(job.last_run_at.unwrap_or(now), now)
}

/// Nominal time and made time of a job's next tick, as the table has them.
pub(crate) fn next_columns(
    job: &JobConfiguration,
    schedule: &Schedule,
    nominal: Option<DateTime<Utc>>,
) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let made_at = nominal.map(|nominal| schedule.jittered(job.id.0, nominal));
    (made_at, nominal.filter(|_| made_at != nominal))
}

fn tick(
    job: &JobConfiguration,
    nominal: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
    schedule: &Schedule,
) -> Plan {
    let mut plan = idle(job, next, schedule);
    plan.tick = Some(nominal);
    plan.advance.last_run_at = Some(nominal);
    plan
}

fn idle(job: &JobConfiguration, next: Option<DateTime<Utc>>, schedule: &Schedule) -> Plan {
    let (next_run_at, next_nominal_at) = next_columns(job, schedule, next);
    Plan {
        tick: None,
        waits: false,
        advance: Advance {
            id: job.id,
            next_run_at,
            next_nominal_at,
            last_run_at: None,
            resume: false,
        },
    }
}

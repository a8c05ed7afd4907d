//! The time, as a value that can be set.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};

/// Where the time comes from.
///
/// Functions take `now`; only what lives long (a server, a client) holds a clock. Schedules use the
/// database's clock instead, so that machines need not agree.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` until [`Clock::advance`] moves it. Clones share the time.
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(now))))
    }

    /// The time, in UTC.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
            Source::System => Utc::now(),
            Source::Manual(now) => *now.lock().expect("no one panics while holding this lock"),
        }
    }

    /// Moves a manual clock on (or back, by a negative duration).
    ///
    /// # Panics
    ///
    /// On the system clock, which cannot be moved.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System => panic!("the system clock cannot be moved"),
            Source::Manual(now) => {
                *now.lock().expect("no one panics while holding this lock") += by;
            }
        }
    }
}

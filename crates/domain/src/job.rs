//! Words of job configurations.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

macro_rules! row_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = $crate::job::InvalidRowId;

            fn from_str(text: &str) -> Result<Self, $crate::job::InvalidRowId> {
                text.parse().map(Self).map_err(|_| $crate::job::InvalidRowId)
            }
        }
    };
}
pub(crate) use row_id;

/// The text is no key of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a whole number")]
pub struct InvalidRowId;

row_id! {
    /// Key of a job configuration.
    JobId
}

/// The text is none of the words of the set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {set}: expected one of {expected}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// Which set of words was asked for.
    pub set: &'static str,
    /// The words of the set.
    pub expected: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $set:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Every word of the set.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word as tables and JSON have it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::job::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::job::UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    $crate::job::UnknownWord {
                        word: text.to_owned(),
                        set: $set,
                        expected: Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What happens to ticks that nobody made in time.
    MisfirePolicy, "misfire policy", {
        /// All missed ticks become one run.
        Once = "once",
        /// Each missed tick within the window becomes a run, with its own nominal time.
        All = "all",
        /// Missed ticks are dropped.
        Skip = "skip",
    }
}

/// A job: what to run, on which schedule, with which settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobConfiguration {
    /// The key.
    pub id: JobId,
    /// What people call it; unique.
    pub name: String,
    /// Which code it runs: the kind of a registered job type.
    pub job_type: String,
    /// Seconds between ticks, 1 upwards. `None` without `cron`: the program's default.
    pub interval_seconds: Option<i32>,
    /// Five fields, or six with seconds first. Never together with `interval_seconds`.
    pub cron: Option<String>,
    /// The IANA zone that `cron` is read in.
    pub time_zone: String,
    /// No schedule at all: it runs when somebody asks.
    pub manual_only: bool,
    /// The most seconds by which a tick is put off, by a fraction fixed for each tick.
    pub jitter_seconds: i32,
    /// Whether its schedule counts.
    pub enabled: bool,
    /// The job type's own settings.
    pub config_json: serde_json::Value,
    /// The most seconds a run may take, 1 upwards. `None`: the program's default.
    pub timeout_seconds: Option<i32>,
    /// How many of its runs may go on side by side, 1 upwards.
    pub max_instances: i32,
    /// What becomes of ticks that nobody made in time.
    pub misfire_policy: MisfirePolicy,
    /// Raised by every edit.
    pub version: i64,
    /// Set while somebody, or the quarantine, holds its schedule back.
    pub pause: Option<Pause>,
    /// The next tick. `None`: never, or not yet computed.
    pub next_run_at: Option<DateTime<Utc>>,
    /// `next_run_at` before jitter, when it differs.
    pub next_nominal_at: Option<DateTime<Utc>>,
    /// Nominal time of the last tick.
    pub last_run_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last edited.
    pub updated_at: DateTime<Utc>,
}

/// A schedule that is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, in somebody's words.
    pub reason: Option<String>,
    /// When it ends by itself. `None`: when somebody resumes it.
    pub until: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_lists_the_known_ones() {
        let error = "never".parse::<MisfirePolicy>().expect_err("no such word");
        assert_eq!(
            error.to_string(),
            r#""never" is not a misfire policy: expected one of once, all, skip"#
        );
    }
}

//! What a run counts, notes and says of its progress.

use std::collections::BTreeMap;
use std::sync::Arc;

use riftwatch_domain::execution::Progress;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::run::Run;

/// A number of a run: whole numbers stay whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A whole number.
    Int(i64),
    /// Any other number; must be finite.
    Float(f64),
}

impl Metric {
    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a.saturating_add(b)),
            (a, b) => Self::Float(a.as_f64() + b.as_f64()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum with a float is a float")]
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(n) => n as f64,
            Self::Float(x) => x,
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Int(n) => n.into(),
            Self::Float(x) => Number::from_f64(x).map_or(Value::Null, Value::Number),
        }
    }
}

macro_rules! metric_from {
    ($($int:ty),*) => {$(
        impl From<$int> for Metric {
            fn from(n: $int) -> Self {
                Self::Int(i64::try_from(n).unwrap_or(i64::MAX))
            }
        }
    )*};
}
metric_from!(i32, i64, u32, u64, usize);

impl From<f64> for Metric {
    fn from(x: f64) -> Self {
        Self::Float(x)
    }
}

/// A run's metrics, notes and progress. Clones write to the same run, so that code below the job
/// can count without knowing of jobs.
#[derive(Debug, Clone)]
pub struct Tally(pub(crate) Arc<Run>);

impl Tally {
    /// Adds to a metric, which begins at 0. A float that is not finite is ignored.
    pub fn increment_metric(&self, key: &str, by: impl Into<Metric>) {
        let by = by.into();
        if !by.as_f64().is_finite() {
            return;
        }
        self.0.edit(|sums| {
            let sum = sums.metrics.get(key).copied().unwrap_or(Metric::Int(0)).add(by);
            sums.metrics.insert(clean_text(key), sum);
        });
    }

    /// Notes a value under a key in `log_data`, in place of an earlier one. A value that is no JSON
    /// is noted as the reason why.
    pub fn log_entry(&self, key: &str, value: impl Serialize) {
        let value = match serde_json::to_value(value) {
            Ok(value) => clean(value),
            Err(error) => Value::String(format!("cannot be written as JSON: {error}")),
        };
        self.0.edit(|sums| {
            sums.notes.insert(clean_text(key), value);
        });
    }

    /// Says that `done` of `total` items are behind it. More than `total` counts as `total`.
    pub fn progress(&self, done: u64, total: u64, message: impl Into<String>) {
        let progress =
            Progress { done: done.min(total), total, message: clean_text(&message.into()) };
        self.0.edit(|sums| sums.progress = Some(progress));
    }
}

/// The state behind a [`Tally`].
#[derive(Debug, Default, Clone)]
pub(crate) struct Sums {
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) notes: Map<String, Value>,
    pub(crate) progress: Option<Progress>,
}

impl Sums {
    pub(crate) fn metrics_json(&self) -> Value {
        self.metrics.iter().map(|(key, metric)| (key.clone(), metric.to_json())).collect()
    }
}

/// PostgreSQL's text and jsonb cannot hold NUL.
pub(crate) fn clean_text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(crate) fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean_text(&text)),
        Value::Array(items) => items.into_iter().map(clean).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| (clean_text(&key), clean(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_and_never_overflow() {
        let sum = Metric::from(2_u32).add(Metric::from(3_usize));
        assert_eq!(sum.to_json().to_string(), "5");
        assert_eq!(Metric::Int(i64::MAX).add(Metric::Int(1)), Metric::Int(i64::MAX));
        assert_eq!(Metric::Int(1).add(Metric::from(0.5)), Metric::Float(1.5));
    }

    #[test]
    fn nul_is_kept_out_of_the_database() {
        let value = serde_json::json!({ "a\0": ["b\0", 1] });
        assert_eq!(clean(value), serde_json::json!({ "a\u{fffd}": ["b\u{fffd}", 1] }));
    }
}

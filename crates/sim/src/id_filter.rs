//! The parameters of a list of match ids.

use std::collections::BTreeMap;

/// Which matches of a player are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IdFilter {
    start_s: Option<i64>,
    end_s: Option<i64>,
    queue: Option<i64>,
    kind: Option<String>,
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl IdFilter {
    /// # Errors
    ///
    /// The message for the caller, where a parameter is out of its range or no number.
    pub(crate) fn read(query: &str) -> Result<Self, &'static str> {
        let pairs = pairs(query);
        let optional = |key: &str| -> Result<Option<i64>, &'static str> {
            match pairs.get(key) {
                None => Ok(None),
                Some(_) => number(&pairs, key, 0).map(Some),
            }
        };
        let kind = pairs.get("type").cloned();
        if kind
            .as_deref()
            .is_some_and(|k| !["ranked", "normal", "tourney", "tutorial"].contains(&k))
        {
            return Err("Bad Request - type: expected ranked, normal, tourney or tutorial");
        }
        let start = number(&pairs, "start", 0)?;
        let count = number(&pairs, "count", 20)?;
        if !(0..=100).contains(&count) {
            return Err("Bad Request - count must be between 0 and 100");
        }
        if start < 0 {
            return Err("Bad Request - start must not be negative");
        }
        Ok(Self {
            start_s: optional("startTime")?,
            end_s: optional("endTime")?,
            queue: optional("queue")?,
            kind,
            start: usize::try_from(start).unwrap_or(usize::MAX),
            count: count as usize,
        })
    }

    /// Whether a match that started at a time (seconds) in a queue is asked for: at or after the
    /// start, before the end.
    pub(crate) fn takes(&self, at_s: i64, queue: i32) -> bool {
        let kind = match queue {
            420 | 440 => "ranked",
            _ => "normal",
        };
        self.start_s.is_none_or(|start_s| at_s >= start_s)
            && self.end_s.is_none_or(|end_s| at_s < end_s)
            && self.queue.is_none_or(|wanted| wanted == i64::from(queue))
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }
}

/// The parameters of a query, as they came.
pub(crate) fn pairs(query: &str) -> BTreeMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// A whole number among them.
pub(crate) fn number(
    pairs: &BTreeMap<String, String>,
    key: &str,
    default: i64,
) -> Result<i64, &'static str> {
    match pairs.get(key) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| "Bad Request - expected a whole number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_its_parameters_and_refuses_what_riot_refuses() {
        let filter = IdFilter::read("startTime=100&endTime=200&queue=420&start=5&count=100")
            .expect("a filter");
        assert_eq!((filter.start, filter.count), (5, 100));
        assert!(filter.takes(100, 420) && filter.takes(199, 420));
        assert!(!filter.takes(99, 420) && !filter.takes(200, 420) && !filter.takes(150, 440));
        let ranked = IdFilter::read("type=ranked").expect("a filter");
        assert!(ranked.takes(0, 440) && !ranked.takes(0, 450));
        for wrong in ["count=101", "count=-1", "count=x", "start=-1", "type=fun", "queue=solo"] {
            assert!(IdFilter::read(wrong).is_err(), "{wrong}");
        }
    }
}

//! Requests that were answered, counted and timed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::text::{Text, number};

/// The upper ends of the buckets, in seconds.
const UPPER_S: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// A method and a path as the route table has it: as many as there are routes, whatever is asked.
type Route = (String, String);

#[derive(Debug, Default)]
struct Counts {
    by_status: BTreeMap<u16, u64>,
    buckets: [u64; UPPER_S.len() + 1],
    sum_seconds: f64,
}

/// All requests since the start.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<Route, Counts>>);

impl Requests {
    /// Counts one. `pattern`: the path of its route, if it has one.
    pub(crate) fn answered(
        &self,
        method: &str,
        pattern: Option<&str>,
        status: u16,
        took: Duration,
    ) {
        // What is no method of ours is anybody's text.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method);
        let method = if known { method } else { "other" };
        let path = pattern.map_or("unmatched", |pattern| pattern.trim_end_matches('/'));
        let seconds = took.as_secs_f64();
        let mut all = self.0.lock().expect("nobody panics while holding this lock");
        let counts = all.entry((method.to_owned(), path.to_owned())).or_default();
        *counts.by_status.entry(status).or_default() += 1;
        counts.buckets[UPPER_S.partition_point(|upper| *upper < seconds)] += 1;
        counts.sum_seconds += seconds;
    }

    pub(super) fn write(&self, text: &mut Text) {
        let all = self.0.lock().expect("nobody panics while holding this lock");
        let name = "riftwatch_http_requests_total";
        text.head(name, "Requests that were answered, by route and status.", "counter");
        for ((method, route), counts) in &*all {
            for (status, count) in &counts.by_status {
                let status = status.to_string();
                let labels = [("method", &**method), ("route", &**route), ("status", &*status)];
                text.sample(name, &labels, number(*count));
            }
        }
        let name = "riftwatch_http_request_duration_seconds";
        text.head(name, "From the head of a request to the head of its answer.", "histogram");
        for ((method, route), counts) in &*all {
            let labels = [("method", &**method), ("route", &**route)];
            text.histogram(name, &labels, &UPPER_S, &counts.buckets, counts.sum_seconds);
        }
    }
}

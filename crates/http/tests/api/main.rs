//! The API as a client sees it: a real server on loopback, a real database, a Riot API in memory.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod assessments;
mod executions;
mod harness;
mod jobs;
mod matches;
mod players;
mod service;
mod table;

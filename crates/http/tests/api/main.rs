//! The API as a client sees it: a real server on loopback, a real database, a Riot API in memory.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod access;
mod assessments;
mod endpoints;
mod events;
mod executions;
mod harness;
mod hostile;
mod jobs;
mod matches;
mod operations;
mod players;
mod service;
mod settings;
mod streaming;
mod table;

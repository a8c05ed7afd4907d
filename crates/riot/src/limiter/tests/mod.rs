//! The limiter against a model of Riot.

mod riot;
mod rules;
mod schedules;
mod sharing;
mod soak;
mod waiting;

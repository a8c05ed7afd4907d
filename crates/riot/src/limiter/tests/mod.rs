//! The limiter against a model of Riot.

mod riot;
mod rules;
mod schedules;
mod soak;
mod waiting;

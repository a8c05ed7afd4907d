//! A client of the Riot Games API that never breaks a rate limit.

pub mod api;
pub mod error;

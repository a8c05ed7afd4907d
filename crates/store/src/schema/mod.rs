//! Diesel's picture of the tables: printed from the database by `tests/schema.rs`, never by hand.

mod game;
mod runtime;

pub use game::*;
pub use runtime::*;

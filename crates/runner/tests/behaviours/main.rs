//! The behaviours that the job runtime promises, one test each, by number.
//!
//! Everything is real: PostgreSQL, processes, signals, broken connections. A test that needs a
//! process of its own runs this very binary again (see `children`).

mod bulk;
mod children;
mod database;
mod death;
mod following;
mod history;
mod managing;
mod running;
mod schedules;
mod shutdown;
mod ticks;
mod toys;
mod upkeep;

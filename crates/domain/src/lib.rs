//! The words of the game and of jobs: plain values that every other crate may use.
//!
//! Nothing here does I/O or waits. Text from outside becomes one of these types once, at the door,
//! by a conversion that says what was wrong; from there on the type is the proof.

pub mod access;
pub mod causes;
pub mod clock;
pub mod execution;
pub mod job;
pub mod matches;
pub mod player;
pub mod rank;
pub mod routing;
pub mod story;

//! The simulator through its door: HTTP on loopback.

mod limits_and_faults;
mod recorded;
mod shape;
mod support;
mod world_over_http;
mod worlds;

//! The simulator through its door: HTTP on loopback.

mod endpoints;
mod faults_on_the_wire;
mod likeness;
mod limits_and_faults;
mod recorded;
mod shape;
mod support;
mod world_over_http;
mod worlds;

//! The HTTP API: what goes in and out, and the table of routes.
//!
//! A request passes `edge` (its id, its host), finds its route in the table of `routes`, is
//! checked by `extract`, and is done by a verb of `riftwatch-app`, a function of the store or of
//! the job runtime. What comes out is a view; what goes wrong is an `error`.

mod access;
mod edge;
mod error;
mod extract;
mod openapi;
mod paging;
mod routes;
mod server;
mod state;
mod views;

pub use openapi::openapi;
pub use routes::{ROUTES, Role, Route};
pub use server::{HttpConfig, server};
pub use state::ApiState;

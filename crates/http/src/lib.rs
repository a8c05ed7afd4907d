//! The HTTP API: what goes in and out, and the table of routes.
//!
//! A request passes `edge` (its id, its host), finds its route in the table of `routes`, is
//! checked by `extract`, and is done by a verb of `riftwatch-app`, a function of the store or of
//! the job runtime. What comes out is a view; what goes wrong is an `error`.

mod access;
mod audit;
mod edge;
mod error;
mod events;
mod extract;
mod flights;
mod job_list;
mod metrics;
mod openapi;
mod paging;
mod riot_key;
mod routes;
mod server;
mod state;
mod table;
mod views;

pub use access::{Access, AccessConfig, AuthMode, Limit, Principal};
pub use audit::Acting;
pub use openapi::openapi;
pub use riot_key::RiotKeySwitch;
pub use routes::ROUTES;
pub use server::{HttpConfig, Listener, Server, ServerHandle, server};
pub use state::ApiState;
#[doc(hidden)]
pub use table::Needs;
pub use table::{Refusal, Refuse, Route, register};

//! The web interface: pages rendered on the server, which work by links and plain forms and gain
//! from one small script.
//!
//! A handler reads what its page needs (at most a handful of short queries), fills a typed template
//! and answers. An action is a form: it does what the API does for the same wish (a function of the
//! job runtime's `manage`, a verb of `riftwatch-app`), and leads on to a page which says what came
//! of it. The address of a page holds all of its state.
//!
//! Nothing inline: the policy that goes out with every page allows our own files only.

mod args;
mod assets;
mod cache;
mod charts;
mod cx;
mod error;
mod form;
mod markup;
mod pages;
mod routes;
mod say;
mod site;
mod words;

pub use routes::{ROUTES, configure, dashboard};
pub use site::Dashboard;

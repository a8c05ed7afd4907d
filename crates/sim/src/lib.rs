//! A Riot Games API on localhost, with a living, generated world: for demonstrations, tests and
//! measurements without a key and without harm.
//!
//! A world is a function of a seed: persons with skill and habits own accounts with stories
//! ([`Story`]), play matches of ten made by rating and position, and climb and fall. Matches go on
//! happening while the simulator runs. Bodies are made when somebody asks, from some 200 bytes a match.
//! Limits are counted like Riot's, and things go wrong as told ([`FaultRule`]).
//!
//! ```
//! # async fn example() -> Result<(), riftwatch_sim::SimError> {
//! use riftwatch_sim::{SimConfig, Simulator};
//!
//! let sim = Simulator::start(SimConfig { seed: 7, ..SimConfig::default() }).await?;
//! println!("ask {} about {:?}", sim.base_url(), sim.some_riot_ids(1));
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod accounts;
mod admin;
mod answers;
mod calls;
mod challenges_json;
mod champions;
mod config;
mod dice;
mod faults;
mod id_filter;
mod json;
mod ladder;
mod limits;
mod lobby;
mod mastery;
mod match_json;
mod names;
mod offline;
mod patches;
mod performance;
mod persons;
mod puuids;
mod realm;
mod replay;
mod reply;
mod server;
mod shapes;
mod spectator;
mod stats;
mod stories;
mod tables;
mod timeline;
mod timeline_json;
mod truth;
mod windows;
mod world;

pub use config::{HeaderStyle, Latency, SimConfig, SimError};
pub use faults::{Fault, FaultRule, FaultScope};
pub use limits::{InvalidLimits, Limit, Limits, MethodLimits};
pub use offline::Offline;
pub use riftwatch_domain::story::Story;
pub use server::{SimHandle, Simulator};
pub use stats::{SimStats, Violations};
pub use stories::StoryMix;
pub use truth::Truth;
pub use windows::{Ban, Utilisation, WindowModel};

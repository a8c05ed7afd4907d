#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod assess;
pub mod baseline;
mod density;
pub mod evaluate;
pub mod evidence;
mod factors;
pub mod fit;
mod index;
mod lanes;
pub mod legacy;
pub mod lines;
mod model;
mod parallel;
mod reading;
pub mod scan;
mod special;
pub mod statistics;
mod stats;
pub mod worlds;

pub use assess::{Assessment, FEWEST_GAMES, FactorReport, InnocentStory, Verdict, assess};
pub use evidence::Evidence;
pub use model::{InvalidModel, Model, Priors, Provenance, RealSource};
use riftwatch_domain::story;
pub use riftwatch_domain::story::{Story, UnknownStory};

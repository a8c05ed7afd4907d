#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod api;
pub mod client;
mod dto;
pub mod endpoints;
pub mod error;
pub mod limiter;
pub mod sharing;
pub mod testing;
pub mod wire;

pub use client::{RiotClient, RiotClientConfig};

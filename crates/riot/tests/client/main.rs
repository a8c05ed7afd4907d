//! The client against a server on loopback: real HTTP, a real clock, no network beyond.

mod keys;
mod recorded;
mod requests;
mod server;
mod together;
mod troubles;

use std::time::Duration;

use riftwatch_riot::{RiotClient, RiotClientConfig};

use crate::server::Server;

const KEY: &str = "RGAPI-the-secret";

fn config(server: &Server) -> RiotClientConfig {
    RiotClientConfig {
        base_url: server.base_url.clone(),
        api_key: Some(KEY.into()),
        timeout: Duration::from_secs(5),
        ..RiotClientConfig::default()
    }
}

fn client(server: &Server) -> RiotClient {
    RiotClient::new(config(server)).expect("a valid configuration")
}

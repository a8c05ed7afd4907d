//! A simulator and a client for it.

use reqwest::{Client, Response};
use riftwatch_sim::{SimConfig, SimHandle, Simulator};
use serde_json::Value;

/// A small world on loopback, and somebody who asks it.
pub(crate) struct Lab {
    pub(crate) sim: SimHandle,
    client: Client,
    key: &'static str,
}

/// Settings of a world that is made in a few milliseconds.
pub(crate) fn small() -> SimConfig {
    SimConfig {
        players: 120,
        days: 12,
        limits: "none".parse().expect("limits"),
        ..SimConfig::default()
    }
}

impl Lab {
    pub(crate) async fn start(config: SimConfig) -> Self {
        // Somebody else in this process may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = Simulator::start(config).await.expect("a simulator");
        let client = Client::builder().gzip(false).no_proxy().build().expect("a client");
        Self { sim, client, key: "RGAPI-test" }
    }

    pub(crate) fn url(&self, route: &str, path: &str) -> String {
        format!("{}{path}", self.sim.base_url().replace("{route}", route))
    }

    pub(crate) async fn get(&self, route: &str, path: &str) -> Response {
        let request = self.client.get(self.url(route, path)).header("X-Riot-Token", self.key);
        request.send().await.expect("an answer")
    }

    /// The JSON of an answer that must be a success.
    pub(crate) async fn json(&self, route: &str, path: &str) -> Value {
        let response = self.get(route, path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.expect("JSON")
    }

    pub(crate) async fn admin(&self, path: &str) -> Value {
        let url = format!("http://{}/sim/{path}", self.sim.addr());
        self.client.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Response {
        let url = format!("http://{}/sim/{path}", self.sim.addr());
        self.client.post(url).body(body.to_owned()).send().await.expect("an answer")
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Puuid, name and tag of the busiest players of a platform.
    pub(crate) async fn players(&self, platform: &str, n: usize) -> Vec<Value> {
        let mut found = Vec::new();
        for (id, home) in self.sim.some_riot_ids(1_000) {
            if home.as_str() == platform && found.len() < n {
                found.push(self.account(&id.game_name, &id.tag_line).await);
            }
        }
        assert_eq!(found.len(), n);
        found
    }

    pub(crate) async fn account(&self, game_name: &str, tag_line: &str) -> Value {
        let mut url: reqwest::Url =
            self.url("europe", "/riot/account/v1/accounts/by-riot-id").parse().expect("a URL");
        url.path_segments_mut().expect("a base").extend([game_name, tag_line]);
        let request = self.client.get(url).header("X-Riot-Token", self.key);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }
}

/// The folder of recorded answers beside the repository, if there is one.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn recorded_data() -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = root.join("../shared/data");
    if data.join("match").is_dir() {
        return Some(data);
    }
    println!("skipped: there are no recorded answers beside the repository");
    None
}

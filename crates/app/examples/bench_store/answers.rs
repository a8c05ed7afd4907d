//! Answers as Riot would give them, and a server that hands them out at next to no cost.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use riftwatch_domain::player::{Account, Puuid};
use riftwatch_domain::routing::Platform;
use riftwatch_sim::{SimConfig, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// What is asked for, as the client asks: in the list of each player are those of their matches that
/// are in nobody's before, and nobody is ranked.
pub(crate) struct Answers {
    pub(crate) players: Vec<(Account, Platform)>,
    /// Bodies of matches.
    pub(crate) matches: Vec<Vec<u8>>,
    by_path: HashMap<String, Vec<u8>>,
}

impl Answers {
    /// So many matches of a simulated world, and the players who played them.
    pub(crate) async fn of(wanted: usize) -> Outcome<Self> {
        let limits = "none".parse()?;
        let sim = Simulator::start(SimConfig { limits, ..SimConfig::default() }).await?;
        let client = reqwest::Client::builder().build()?;
        let get = async |route: &str, path: &str| {
            let url = format!("{}{path}", sim.base_url().replace("{route}", route));
            client.get(url).header("X-Riot-Token", "bench").send().await?.bytes().await
        };
        let mut seen = BTreeSet::new();
        let mut answers =
            Self { players: Vec::new(), matches: Vec::new(), by_path: HashMap::new() };
        for (riot_id, platform) in sim.some_riot_ids(500) {
            let region = platform.region().as_str();
            let name = format!("{}/{}", riot_id.game_name, riot_id.tag_line);
            let account =
                get(region, &format!("/riot/account/v1/accounts/by-riot-id/{name}")).await?;
            let account: serde_json::Value = serde_json::from_slice(&account)?;
            let puuid = account["puuid"].as_str().unwrap_or_default();
            let list = format!("/lol/match/v5/matches/by-puuid/{puuid}/ids");
            let ids = get(region, &format!("{list}?count=100")).await?;
            let mut ids: Vec<String> = serde_json::from_slice(&ids)?;
            ids.retain(|id| seen.len() < wanted && seen.insert(id.clone()));
            for id in &ids {
                let path = format!("/lol/match/v5/matches/{id}");
                let body = get(region, &path).await?.to_vec();
                answers.matches.push(body.clone());
                answers.by_path.insert(path, body);
            }
            answers.by_path.insert(list, serde_json::to_vec(&ids)?);
            let ranks = format!("/lol/league/v4/entries/by-puuid/{puuid}");
            answers.by_path.insert(ranks, b"[]".to_vec());
            answers
                .players
                .push((Account { puuid: Puuid::new(puuid), riot_id: Some(riot_id) }, platform));
            if seen.len() == wanted {
                break;
            }
        }
        sim.stop().await;
        Ok(answers)
    }

    /// Hands them out, with limits that bind nobody, until the program ends. Returns a base URL.
    pub(crate) async fn serve(&self) -> Outcome<String> {
        let by_path = Arc::new(self.by_path.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}/{{route}}", listener.local_addr()?);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, by_path.clone()));
            }
        });
        Ok(base)
    }
}

/// One connection. A request fits into one read: the client's are short and come one at a time.
async fn answer(mut stream: TcpStream, by_path: Arc<HashMap<String, Vec<u8>>>) {
    let _ = stream.set_nodelay(true);
    let mut request = vec![0; 8_192];
    while let Ok(read @ 1..) = stream.read(&mut request).await {
        let head = String::from_utf8_lossy(&request[..read]);
        let target = head.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        // The route stands before the path.
        let path = path.find("/lol/").and_then(|at| path.get(at..)).unwrap_or_default();
        let Some(body) = by_path.get(path) else { return };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             x-app-rate-limit: 1000000:1\r\nx-app-rate-limit-count: 1:1\r\n\
             x-method-rate-limit: 1000000:1\r\nx-method-rate-limit-count: 1:1\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).await.is_err() || stream.write_all(body).await.is_err()
        {
            return;
        }
    }
}

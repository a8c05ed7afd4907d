//! Match answers as Riot would send them, and a server that hands them out at next to no cost.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use riftwatch_domain::matches::MatchId;
use riftwatch_sim::{SimConfig, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// So many bodies of a simulated world.
pub(crate) async fn bodies(wanted: usize) -> Outcome<Vec<Vec<u8>>> {
    let limits = "none".parse()?;
    let sim = Simulator::start(SimConfig { limits, ..SimConfig::default() }).await?;
    let client = reqwest::Client::builder().build()?;
    let get = async |route: &str, path: String| {
        let url = format!("{}{path}", sim.base_url().replace("{route}", route));
        client.get(url).header("X-Riot-Token", "bench").send().await?.bytes().await
    };
    let mut ids = BTreeSet::new();
    let mut found = Vec::new();
    'players: for (riot_id, platform) in sim.some_riot_ids(500) {
        let region = platform.region().as_str();
        let name = format!("{}/{}", riot_id.game_name, riot_id.tag_line);
        let account = get(region, format!("/riot/account/v1/accounts/by-riot-id/{name}")).await?;
        let account: serde_json::Value = serde_json::from_slice(&account)?;
        let puuid = account["puuid"].as_str().unwrap_or_default();
        let list =
            get(region, format!("/lol/match/v5/matches/by-puuid/{puuid}/ids?count=100")).await?;
        let list: Vec<String> = serde_json::from_slice(&list)?;
        for id in list {
            if !ids.insert(id.clone()) {
                continue;
            }
            found.push(get(region, format!("/lol/match/v5/matches/{id}")).await?.to_vec());
            if found.len() == wanted {
                break 'players;
            }
        }
    }
    sim.stop().await;
    Ok(found)
}

/// Serves matches by their ids, whatever comes before them in the path, with limits that bind nobody;
/// until the program ends. Returns a base URL.
pub(crate) async fn serve(ids: &[MatchId], bodies: Vec<Vec<u8>>) -> Outcome<String> {
    let by_id: HashMap<String, Vec<u8>> =
        ids.iter().map(|id| id.as_str().to_owned()).zip(bodies).collect();
    let by_id = Arc::new(by_id);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}/{{route}}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, by_id.clone()));
        }
    });
    Ok(base)
}

/// One connection. A request fits into one read: the client's are short and come one at a time.
async fn answer(mut stream: TcpStream, by_id: Arc<HashMap<String, Vec<u8>>>) {
    let _ = stream.set_nodelay(true);
    let mut request = vec![0; 8_192];
    while let Ok(read @ 1..) = stream.read(&mut request).await {
        let head = String::from_utf8_lossy(&request[..read]);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let id = path.rsplit('/').next().unwrap_or_default();
        let Some(body) = by_id.get(id) else { return };
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

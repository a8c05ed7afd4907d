//! A way to the simulator that takes time, as the way to Riot does. The simulator itself can only
//! answer late; it is the way there, though, that carries a request from one window into the next.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::Result;

/// The least, and the mean of a random part on top.
const BASE_S: f64 = 0.020;
const JITTER_S: f64 = 0.025;
/// One in so many requests takes longer by this.
const SPIKE_EVERY: u64 = 100;
const SPIKE_S: f64 = 0.400;

/// Where to connect instead of `to`.
pub(crate) async fn open(to: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
        while let Ok((stream, _)) = listener.accept().await {
            let seed = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move { carry(stream, to, seed).await });
        }
    });
    Ok(addr)
}

/// Carries one connection. A client sends its next request after the last one's answer, so that each
/// piece that arrives is a request.
async fn carry(stream: TcpStream, to: SocketAddr, seed: u64) -> std::io::Result<()> {
    let _ = stream.set_nodelay(true);
    let upstream = TcpStream::connect(to).await?;
    let _ = upstream.set_nodelay(true);
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_sim, mut to_sim) = upstream.into_split();
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_sim, &mut to_client).await });
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from_client.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        sleep(dice.delay()).await;
        to_sim.write_all(&buffer[..count]).await?;
    }
    drop(to_sim);
    back.await.map_err(std::io::Error::other)??;
    Ok(())
}

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn delay(&mut self) -> Duration {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let spike = if self.next().is_multiple_of(SPIKE_EVERY) { SPIKE_S } else { 0.0 };
        Duration::from_secs_f64(BASE_S - JITTER_S * (1.0 - unit).ln() + spike)
    }
}

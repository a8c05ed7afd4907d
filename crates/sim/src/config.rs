//! What a simulator is told when it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::routing::Platform;

use crate::faults::FaultRule;
use crate::limits::Limits;
use crate::stories::StoryMix;
use crate::windows::{Ban, WindowModel};
use crate::world::MAX_PLAYERS_PER_PLATFORM;

/// How to simulate. `SimConfig { seed: 7, ..SimConfig::default() }`.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Where to listen; a loopback address. Port 0 takes a free one.
    pub bind: SocketAddr,
    /// The same seed, players, days, platforms and origin make the same world.
    pub seed: u64,
    /// Accounts over all platforms.
    pub players: usize,
    /// Days of history before the start, 1 to 730.
    pub days: u32,
    /// Seconds in the world per real second. The world's present is the start of the simulator plus
    /// elapsed time times this: at 1 it is the real present, at 60 it is an hour ahead after a
    /// minute.
    pub speed: f64,
    /// When the world's history begins. `None`: `days` before the start, at midnight UTC, so that a
    /// simulator started again on the same day has the same world.
    pub origin: Option<DateTime<Utc>>,
    /// The world's present at the start. `None`: the clock's. For going on with a world whose
    /// present had run ahead by its speed.
    pub present: Option<DateTime<Utc>>,
    /// Where the time comes from, for the world and the limits.
    pub clock: Clock,
    /// Platforms with accounts.
    pub platforms: Vec<Platform>,
    /// How common each story is.
    pub stories: StoryMix,
    /// How far each patch (a game version every two weeks) moves the levels of each role's statistics,
    /// in deviations, and of the champions that it changes further; 0 to 1. At 0 the levels stay.
    pub patch_shift: f64,
    /// What each key may do on each route.
    pub limits: Limits,
    /// When windows of limits begin and end.
    pub window_model: WindowModel,
    /// When a key that does not heed them is banned; `None` never.
    pub ban: Option<Ban>,
    /// How the limits are told.
    pub headers: HeaderStyle,
    /// The only key that is taken; `None` takes any.
    pub api_key: Option<String>,
    /// Each key sees puuids of its own, as with Riot; else all see the same.
    pub puuids_per_key: bool,
    /// Queues whose matches are listed and answer 403, as Riot does with some: private.
    pub private_queues: Vec<u16>,
    /// How long answers take.
    pub latency: Option<Latency>,
    /// What goes wrong from the start; more can be sent to `/sim/faults`.
    pub faults: Vec<FaultRule>,
    /// Compress answers for clients that ask. Off by default: on one machine it only costs time.
    pub gzip: bool,
    /// Serve the recorded answers of this folder instead of a generated world.
    pub replay: Option<PathBuf>,
    /// Threads that answer.
    pub workers: usize,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 1,
            players: 2_000,
            days: 60,
            speed: 1.0,
            origin: None,
            present: None,
            clock: Clock::system(),
            platforms: vec![Platform::Euw1, Platform::Eun1],
            stories: StoryMix::default(),
            patch_shift: 0.0,
            limits: Limits::default(),
            window_model: WindowModel::default(),
            ban: None,
            headers: HeaderStyle::default(),
            api_key: None,
            puuids_per_key: false,
            private_queues: Vec::new(),
            latency: None,
            faults: Vec::new(),
            gzip: false,
            replay: None,
            workers: 2,
        }
    }
}

impl SimConfig {
    /// Checks what types cannot say.
    pub(crate) fn check(&self) -> Result<(), SimError> {
        if !self.bind.ip().is_loopback() {
            return Err(SimError::NotLoopback(self.bind));
        }
        let fault = |text: &str| Err(SimError::Config(text.to_owned()));
        if self.replay.is_some() {
            return Ok(());
        }
        if !(1..=730).contains(&self.days) {
            return fault("days must be 1 to 730");
        }
        if self.platforms.is_empty() {
            return fault("at least one platform is needed");
        }
        if self.players < 20 * self.platforms.len() {
            return fault("at least 20 players a platform are needed to fill matches");
        }
        if self.players / self.platforms.len() >= MAX_PLAYERS_PER_PLATFORM {
            return fault("too many players: at most 16 million a platform");
        }
        if !(self.speed.is_finite() && self.speed >= 0.0) {
            return fault("speed must be a number from 0 upwards");
        }
        if !(0.0..=1.0).contains(&self.patch_shift) {
            return fault("a patch moves statistics by 0 to 1 deviations");
        }
        let mut platforms = self.platforms.clone();
        platforms.sort();
        if platforms.windows(2).any(|pair| pair[0] == pair[1]) {
            return fault("a platform is given twice");
        }
        if self.stories.0.iter().any(|weight| !weight.is_finite() || *weight < 0.0)
            || self.stories.0.iter().sum::<f64>() <= 0.0
        {
            return fault("story weights must not be negative, and not all zero");
        }
        Ok(())
    }
}

/// How limit headers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeaderStyle {
    /// Windows in the order of the limits.
    #[default]
    InOrder,
    /// Windows backwards, as Riot has been seen to send them.
    Reversed,
    /// Only the first window has a count.
    ShortCount,
    /// Not of the form `calls:seconds`.
    Garbled,
    /// None at all.
    Absent,
}

/// How long answers take: `base`, and at random on top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The least.
    pub base: Duration,
    /// Mean of an exponential part.
    pub jitter: Duration,
    /// Share of answers, `0..=1`, that take `spike` longer.
    pub spike_share: f64,
    /// What a spike adds.
    pub spike: Duration,
}

/// The simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// It answers everybody without asking who it is, so it stays on this machine.
    #[error("the simulator listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
    /// A setting makes no sense.
    #[error("simulator settings: {0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("listening on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Recorded answers cannot be read.
    #[error("reading recorded answers from {path}")]
    Replay {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The server could not be started.
    #[error("starting the simulator")]
    Start(#[source] std::io::Error),
}

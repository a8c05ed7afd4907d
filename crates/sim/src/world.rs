//! All platforms of a world, its clock, and how its accounts are addressed.

use chrono::{DateTime, Utc};
use riftwatch_domain::clock::Clock;
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::RiotId;
use riftwatch_domain::routing::Platform;

use crate::accounts::Window;
use crate::config::SimConfig;
use crate::puuids::PuuidCodec;
use crate::realm::{DAY_MS, Game, Realm};

/// The number of an account in its puuid: platform and place.
pub(crate) fn account_number(platform: Platform, index: u32) -> u32 {
    ((platform as u32) << 24) | index
}

/// The most accounts of a platform: what an account number has room for.
pub(crate) const MAX_PLAYERS_PER_PLATFORM: usize = 1 << 24;

/// A generated world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) realms: Vec<Realm>,
    time: VirtualTime,
    puuids_per_key: bool,
    private_queues: Vec<u16>,
}

/// Time in the world: real time from the start on, faster or slower.
#[derive(Debug)]
pub(crate) struct VirtualTime {
    clock: Clock,
    started_at: DateTime<Utc>,
    present: DateTime<Utc>,
    speed: f64,
}

impl VirtualTime {
    /// Begins at `present`, or at the clock's.
    pub(crate) fn new(clock: Clock, speed: f64, present: Option<DateTime<Utc>>) -> Self {
        let started_at = clock.now();
        Self { started_at, present: present.unwrap_or(started_at), clock, speed }
    }

    /// Milliseconds since 1970 in the world.
    pub(crate) fn now_ms(&self) -> i64 {
        let elapsed_ms = (self.clock.now() - self.started_at).num_milliseconds() as f64;
        self.present.timestamp_millis() + (elapsed_ms * self.speed) as i64
    }
}

impl World {
    /// Generates accounts and history up to now; the platforms side by side.
    pub(crate) fn new(config: &SimConfig) -> Self {
        let time = VirtualTime::new(config.clock.clone(), config.speed, config.present);
        let now_ms = time.now_ms();
        let start_ms = match config.origin {
            Some(origin) => origin.timestamp_millis(),
            None => (now_ms - i64::from(config.days) * DAY_MS).div_euclid(DAY_MS) * DAY_MS,
        };
        let window = Window { start_ms, length_ms: i64::from(config.days.max(1)) * DAY_MS };
        let platforms = config.platforms.len().max(1);
        let realms = std::thread::scope(|scope| {
            let handles: Vec<_> = config
                .platforms
                .iter()
                .enumerate()
                .map(|(i, &platform)| {
                    let extra = usize::from(i < config.players % platforms);
                    let players = config.players / platforms + extra;
                    scope.spawn(move || {
                        let SimConfig { seed, stories, patch_shift, .. } = config;
                        Realm::new(*seed, platform, players, stories, *patch_shift, window, now_ms)
                    })
                })
                .collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, Realm>| {
                handle.join().expect("generating a realm does not panic")
            };
            handles.into_iter().map(join).collect()
        });
        Self {
            seed: config.seed,
            realms,
            time,
            puuids_per_key: config.puuids_per_key,
            private_queues: config.private_queues.clone(),
        }
    }

    /// Milliseconds since 1970 in the world.
    pub(crate) fn now_ms(&self) -> i64 {
        self.time.now_ms()
    }

    /// Whether matches of a queue are nobody's to read.
    pub(crate) fn hides(&self, queue: u16) -> bool {
        self.private_queues.contains(&queue)
    }

    /// The puuids that a key sees.
    pub(crate) fn puuids(&self, key: &str) -> PuuidCodec {
        PuuidCodec::new(self.seed, self.puuids_per_key.then_some(key))
    }

    pub(crate) fn realm(&self, platform: Platform) -> Option<&Realm> {
        self.realms.iter().find(|realm| realm.platform == platform)
    }

    /// The account of a number, if the world has it.
    pub(crate) fn account(&self, number: u32) -> Option<(&Realm, u32)> {
        let index = number & 0x00ff_ffff;
        let realm = self.realms.iter().find(|realm| realm.platform as u32 == number >> 24)?;
        ((index as usize) < realm.accounts.len()).then_some((realm, index))
    }

    pub(crate) fn by_name(&self, game_name: &str, tag_line: &str) -> Option<(&Realm, u32)> {
        let now_ms = self.now_ms();
        self.realms.iter().find_map(|realm| {
            realm.by_name(game_name, tag_line, now_ms).map(|index| (realm, index))
        })
    }

    /// A finished match.
    pub(crate) fn game(&self, id: &MatchId) -> Option<(&Realm, Game)> {
        let realm = self.realm(id.platform()?)?;
        let number = id.as_str().rsplit_once('_')?.1.parse().ok()?;
        let now_ms = self.now_ms();
        realm.advance(now_ms);
        realm.game(number, now_ms).map(|game| (realm, game))
    }

    /// Ranked accounts by games played, most first; over all platforms in turn where equal.
    pub(crate) fn busiest(&self, n: usize) -> Vec<(RiotId, Platform)> {
        let now_ms = self.now_ms();
        let mut rows: Vec<(usize, Platform, u32)> = Vec::new();
        for realm in &self.realms {
            realm.advance(now_ms);
            realm.read(|live| {
                for (index, standing) in live.standings.iter().enumerate() {
                    let account = &realm.accounts[index];
                    let lasts = account.vanishes_ms.is_none() && account.renamed.is_none();
                    if lasts && standing.solo.is_ranked() && standing.games > 0 {
                        rows.push((live.played[index].len(), realm.platform, index as u32));
                    }
                }
            });
        }
        rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        rows.truncate(n);
        rows.into_iter()
            .filter_map(|(_, platform, index)| {
                let account = &self.realm(platform)?.accounts[index as usize];
                Some((account.name_at(now_ms).clone(), platform))
            })
            .collect()
    }
}

//! A Riot API in memory, for tests of what is built on [`RiotApi`]; and records in memory, for tests
//! of what shares a key.

mod records;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use riftwatch_domain::matches::{Match, MatchId};
use riftwatch_domain::player::{Account, Puuid, RiotId, Summoner};
use riftwatch_domain::rank::RankEntry;
use riftwatch_domain::routing::{Platform, Region};

use crate::api::{Caller, MatchIdsQuery, RiotApi};
use crate::client::LONGEST_PAGE;
use crate::endpoints;
use crate::error::RiotError;

pub use self::records::MemoryRecords;

/// Answers from what it was given, and fails when told to. Clones share everything.
///
/// A match is listed for each of its participants. A player is known who has an account, a
/// summoner or a match.
#[derive(Debug, Clone, Default)]
pub struct FakeRiot(Arc<Mutex<World>>);

#[derive(Debug, Default)]
struct World {
    accounts: Vec<Account>,
    summoners: BTreeMap<(Platform, Puuid), Summoner>,
    ranks: BTreeMap<(Platform, Puuid), Vec<RankEntry>>,
    matches: BTreeMap<MatchId, Match>,
    private: BTreeSet<MatchId>,
    failures: BTreeMap<String, VecDeque<RiotError>>,
    calls: Vec<String>,
}

impl FakeRiot {
    /// An empty world.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account, in place of one with the same puuid.
    pub fn add_account(&self, account: Account) {
        let mut world = self.world();
        world.accounts.retain(|known| known.puuid != account.puuid);
        world.accounts.push(account);
    }

    /// Adds a League profile on a platform, in place of the one there.
    pub fn add_summoner(&self, platform: Platform, summoner: Summoner) {
        self.world().summoners.insert((platform, summoner.puuid.clone()), summoner);
    }

    /// Sets a player's ranks.
    pub fn set_ranks(&self, platform: Platform, puuid: &Puuid, ranks: Vec<RankEntry>) {
        self.world().ranks.insert((platform, puuid.clone()), ranks);
    }

    /// Adds a match, in place of one with the same id.
    pub fn add_match(&self, game: Match) {
        self.world().matches.insert(game.match_id.clone(), game);
    }

    /// From now on a match may not be read, though it is listed.
    pub fn make_private(&self, match_id: &MatchId) {
        self.world().private.insert(match_id.clone());
    }

    /// The next call of the method that has no failure in store yet fails. `call`: one of
    /// [`endpoints`], or a whole call as [`Self::calls`] tells it.
    pub fn fail_next(&self, call: impl Into<String>, error: RiotError) {
        self.world().failures.entry(call.into()).or_default().push_back(error);
    }

    /// The calls so far, oldest first: method, a space, and whom or what it was about.
    pub fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no one panics while holding this lock")
    }

    /// Notes a call, and fails if that was ordered.
    fn call(
        &self,
        caller: &Caller,
        method: &'static str,
        subject: &str,
    ) -> Result<MutexGuard<'_, World>, RiotError> {
        caller.count_request();
        let mut world = self.world();
        let call = format!("{method} {subject}");
        world.calls.push(call.clone());
        let failure = [call.as_str(), method]
            .into_iter()
            .find_map(|call| world.failures.get_mut(call).and_then(VecDeque::pop_front));
        match failure {
            Some(error) => Err(error),
            None => Ok(world),
        }
    }
}

#[async_trait]
impl RiotApi for FakeRiot {
    async fn account_by_riot_id(
        &self,
        caller: &Caller,
        _region: Region,
        riot_id: &RiotId,
    ) -> Result<Option<Account>, RiotError> {
        let world = self.call(caller, endpoints::ACCOUNT_BY_RIOT_ID, &riot_id.to_string())?;
        let wanted = riot_id.to_string().to_lowercase();
        let has_name = |account: &&Account| {
            account.riot_id.as_ref().is_some_and(|known| known.to_string().to_lowercase() == wanted)
        };
        Ok(world.accounts.iter().find(has_name).cloned())
    }

    async fn account_by_puuid(
        &self,
        caller: &Caller,
        _region: Region,
        puuid: &Puuid,
    ) -> Result<Option<Account>, RiotError> {
        let world = self.call(caller, endpoints::ACCOUNT_BY_PUUID, puuid.as_str())?;
        Ok(world.accounts.iter().find(|account| account.puuid == *puuid).cloned())
    }

    async fn summoner_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Option<Summoner>, RiotError> {
        let world = self.call(caller, endpoints::SUMMONER_BY_PUUID, puuid.as_str())?;
        Ok(world.summoners.get(&(platform, puuid.clone())).cloned())
    }

    async fn league_entries_by_puuid(
        &self,
        caller: &Caller,
        platform: Platform,
        puuid: &Puuid,
    ) -> Result<Vec<RankEntry>, RiotError> {
        let world = self.call(caller, endpoints::LEAGUE_ENTRIES_BY_PUUID, puuid.as_str())?;
        Ok(world.ranks.get(&(platform, puuid.clone())).cloned().unwrap_or_default())
    }

    async fn match_ids(
        &self,
        caller: &Caller,
        region: Region,
        puuid: &Puuid,
        query: &MatchIdsQuery,
    ) -> Result<Option<Vec<MatchId>>, RiotError> {
        if query.count > LONGEST_PAGE {
            return Err(RiotError::Invalid(format!("more than {LONGEST_PAGE} matches at once")));
        }
        let world = self.call(caller, endpoints::MATCH_IDS_BY_PUUID, puuid.as_str())?;
        let plays =
            |game: &&Match| game.participants.iter().any(|p| p.puuid.as_ref() == Some(puuid));
        let mut played: Vec<&Match> = world.matches.values().filter(plays).collect();
        let is_known = !played.is_empty()
            || world.accounts.iter().any(|account| account.puuid == *puuid)
            || world.summoners.keys().any(|(_, known)| known == puuid);
        if !is_known {
            return Ok(None);
        }
        played.retain(|game| {
            game.match_id.region() == Some(region)
                && query.start_time.is_none_or(|start| game.game_start >= start)
                && query.end_time.is_none_or(|end| game.game_start < end)
                && query.queue.is_none_or(|queue| game.queue_id == queue)
        });
        played.sort_by(|a, b| (b.game_start, &b.match_id).cmp(&(a.game_start, &a.match_id)));
        let page = played.iter().skip(query.start as usize).take(query.count as usize);
        Ok(Some(page.map(|game| game.match_id.clone()).collect()))
    }

    async fn match_by_id(
        &self,
        caller: &Caller,
        match_id: &MatchId,
    ) -> Result<Option<Match>, RiotError> {
        let world = self.call(caller, endpoints::MATCH_BY_ID, match_id.as_str())?;
        if world.private.contains(match_id) {
            return Err(RiotError::PrivateMatch);
        }
        Ok(world.matches.get(match_id).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::CallClass;

    fn account(puuid: &str, riot_id: &str) -> Account {
        Account { puuid: Puuid::new(puuid), riot_id: riot_id.parse().ok() }
    }

    #[tokio::test]
    async fn a_name_is_found_in_any_case_and_the_call_is_counted() {
        let riot = FakeRiot::new();
        riot.add_account(account("p", "Name#EUW"));
        let caller = Caller::new(CallClass::Interactive);
        let id = "nAME#euw".parse().expect("a riot id");
        let found = riot.account_by_riot_id(&caller, Region::Europe, &id).await.expect("an answer");
        assert_eq!(found, Some(account("p", "Name#EUW")));
        assert_eq!(caller.requests_sent(), 1);
        assert_eq!(riot.calls(), ["account-v1.getByRiotId nAME#euw"]);
    }

    #[tokio::test]
    async fn failures_come_in_order_and_of_their_method_only() {
        let riot = FakeRiot::new();
        riot.add_account(account("p", "Name#EUW"));
        riot.fail_next(endpoints::MATCH_IDS_BY_PUUID, RiotError::Unauthorized);
        let (caller, puuid) = (Caller::default(), Puuid::new("p"));
        riot.account_by_puuid(&caller, Region::Europe, &puuid).await.expect("not this method");
        let query = MatchIdsQuery::default();
        let error = riot.match_ids(&caller, Region::Europe, &puuid, &query).await;
        assert!(matches!(error, Err(RiotError::Unauthorized)));
        let ids = riot.match_ids(&caller, Region::Europe, &puuid, &query).await.expect("once only");
        assert_eq!(ids, Some(Vec::new()));
    }
}

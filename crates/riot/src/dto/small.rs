//! Accounts, summoners, ranks and lists of match ids.

use chrono::{DateTime, Utc};
use riftwatch_domain::matches::MatchId;
use riftwatch_domain::player::{Account, Puuid, RiotId, Summoner};
use riftwatch_domain::rank::{RankEntry, Tier};
use serde::Deserialize;
use tracing::warn;

use super::lenient::{OptInt, OptList, OptLong, OptText, OptTruth, Text};
use super::{decode, read};
use crate::error::RiotError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountDto {
    puuid: Text,
    #[serde(default)]
    game_name: OptText,
    #[serde(default)]
    tag_line: OptText,
}

pub(crate) fn account(endpoint: &'static str, body: &[u8]) -> Result<Account, RiotError> {
    let dto: AccountDto = read(endpoint, body)?;
    let riot_id = riot_id(dto.game_name, dto.tag_line);
    Ok(Account { puuid: puuid(endpoint, dto.puuid)?, riot_id })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummonerDto {
    puuid: Text,
    #[serde(default)]
    profile_icon_id: OptInt,
    #[serde(default)]
    summoner_level: OptLong,
    /// Milliseconds.
    #[serde(default)]
    revision_date: OptLong,
}

pub(crate) fn summoner(endpoint: &'static str, body: &[u8]) -> Result<Summoner, RiotError> {
    let dto: SummonerDto = read(endpoint, body)?;
    let Some(revised_at) = time(dto.revision_date.0.unwrap_or(0)) else {
        return Err(decode(endpoint, "revisionDate", "no plausible time"));
    };
    Ok(Summoner {
        puuid: puuid(endpoint, dto.puuid)?,
        profile_icon_id: dto.profile_icon_id.or_zero(),
        level: dto.summoner_level.0.unwrap_or(0),
        revised_at,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeagueEntryDto {
    queue_type: Text,
    #[serde(default)]
    tier: OptText,
    #[serde(default)]
    rank: OptText,
    #[serde(default)]
    league_points: OptInt,
    #[serde(default)]
    wins: OptInt,
    #[serde(default)]
    losses: OptInt,
    #[serde(default)]
    hot_streak: OptTruth,
    #[serde(default)]
    veteran: OptTruth,
    #[serde(default)]
    fresh_blood: OptTruth,
    #[serde(default)]
    inactive: OptTruth,
}

pub(crate) fn league_entries(
    endpoint: &'static str,
    body: &[u8],
) -> Result<Vec<RankEntry>, RiotError> {
    let entries: OptList<LeagueEntryDto> = read(endpoint, body)?;
    Ok(entries.0.into_iter().map(RankEntry::from).collect())
}

impl From<LeagueEntryDto> for RankEntry {
    fn from(dto: LeagueEntryDto) -> Self {
        Self {
            queue_type: dto.queue_type.0,
            tier: dto.tier.non_empty().map(Tier::from),
            division: dto.rank.non_empty().and_then(|rank| rank.parse().ok()),
            league_points: dto.league_points.or_zero(),
            wins: dto.wins.or_zero(),
            losses: dto.losses.or_zero(),
            hot_streak: dto.hot_streak.or_false(),
            veteran: dto.veteran.or_false(),
            fresh_blood: dto.fresh_blood.or_false(),
            inactive: dto.inactive.or_false(),
        }
    }
}

/// Ids that are none are left out: one must not keep the others from being fetched.
pub(crate) fn match_ids(endpoint: &'static str, body: &[u8]) -> Result<Vec<MatchId>, RiotError> {
    let texts: Vec<Text> = read(endpoint, body)?;
    let mut ids = Vec::with_capacity(texts.len());
    for Text(text) in texts {
        match text.parse() {
            Ok(id) => ids.push(id),
            Err(error) => warn!("riot listed a match under {text:?}: {error}"),
        }
    }
    Ok(ids)
}

fn puuid(endpoint: &'static str, text: Text) -> Result<Puuid, RiotError> {
    text.0
        .parse()
        .map_err(|error: riftwatch_domain::player::InvalidPuuid| decode(endpoint, "puuid", error))
}

/// A name without tag, or a tag without name, is none.
pub(super) fn riot_id(game_name: OptText, tag_line: OptText) -> Option<RiotId> {
    Some(RiotId { game_name: game_name.non_empty()?, tag_line: tag_line.non_empty()? })
}

/// Milliseconds since 1970, up to the year 9999: what every part of the system can store.
pub(super) fn time(ms: i64) -> Option<DateTime<Utc>> {
    const LATEST_MS: i64 = 253_402_300_799_999;
    (0..=LATEST_MS).contains(&ms).then(|| DateTime::from_timestamp_millis(ms)).flatten()
}

#[cfg(test)]
mod tests {
    use riftwatch_domain::rank::Division;

    use super::*;

    #[test]
    fn an_account_may_have_no_name() {
        let read = |json: &str| account("test", json.as_bytes()).expect("an account");
        let named = read(r#"{"puuid":"p-1","gameName":"夜の 狐","tagLine":"日本1","new":{}}"#);
        assert_eq!(named.riot_id.expect("a name").to_string(), "夜の 狐#日本1");
        assert_eq!(read(r#"{"puuid":"p-1"}"#).riot_id, None);
        assert_eq!(read(r#"{"puuid":"p-1","gameName":null,"tagLine":"x"}"#).riot_id, None);
    }

    #[test]
    fn an_account_without_puuid_says_where_it_should_be() {
        let error = account("account-v1.getByRiotId", br#"{"puuid":7}"#).expect_err("no puuid");
        assert!(matches!(&error, RiotError::Decode { path, .. } if path == "puuid"), "{error}");
        let error = account("test", br#"{"status":{"status_code":403}}"#).expect_err("no account");
        assert!(matches!(error, RiotError::Decode { .. }));
    }

    #[test]
    fn an_unknown_tier_or_division_does_not_lose_the_rank() {
        let json = br#"[
            {"queueType":"RANKED_SOLO_5x5","tier":"LEGEND","rank":"V","leaguePoints":12.0,"wins":3,
             "losses":4,"hotStreak":true,"veteran":false,"freshBlood":false,"inactive":false},
            {"queueType":"CHERRY","leaguePoints":0,"wins":1,"losses":0}
        ]"#;
        let entries = league_entries("test", json).expect("entries");
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].tier, Some(Tier::Other("LEGEND".to_owned())));
        assert_eq!((entries[0].division, entries[0].league_points), (None, 12));
        assert!(entries[0].hot_streak);
        assert_eq!((entries[1].tier.clone(), entries[1].division), (None, None));
    }

    #[test]
    fn ranks_are_read_as_sent() {
        let json = br#"[{"queueType":"RANKED_FLEX_SR","tier":"GOLD","rank":"II","leaguePoints":75,
            "wins":30,"losses":28,"veteran":true,"inactive":true,"freshBlood":true,
            "hotStreak":false,"miniSeries":{"losses":0}}]"#;
        let expected = RankEntry {
            queue_type: "RANKED_FLEX_SR".to_owned(),
            tier: Some(Tier::Gold),
            division: Some(Division::II),
            league_points: 75,
            wins: 30,
            losses: 28,
            hot_streak: false,
            veteran: true,
            fresh_blood: true,
            inactive: true,
        };
        assert_eq!(league_entries("test", json).expect("entries"), [expected]);
    }

    #[test]
    fn a_strange_match_id_does_not_hide_the_others() {
        let ids = match_ids("test", br#"["EUW1_1","?","KR_2"]"#).expect("ids");
        assert_eq!(ids.iter().map(MatchId::as_str).collect::<Vec<_>>(), ["EUW1_1", "KR_2"]);
    }
}

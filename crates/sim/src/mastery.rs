//! What an account has on each champion, and its challenges.

use crate::champions::CHAMPIONS;
use crate::dice::scramble;
use crate::json::Json;
use crate::realm::Realm;

/// An account on a champion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mastery {
    pub(crate) champion_id: i32,
    pub(crate) points: i64,
    last_played_ms: i64,
}

/// Points at which each level begins, to the fifth; each level after it takes 11,000.
const LEVELS: [i64; 5] = [0, 1_800, 6_000, 12_600, 21_600];
const PER_LEVEL: i64 = 11_000;

impl Mastery {
    /// The level, and the points at which it and the next begin.
    fn level(&self) -> (i64, i64, i64) {
        let top = LEVELS[LEVELS.len() - 1];
        if self.points >= top {
            let above = (self.points - top) / PER_LEVEL;
            let from = top + above * PER_LEVEL;
            return (LEVELS.len() as i64 + above, from, from + PER_LEVEL);
        }
        let next = LEVELS.partition_point(|&from| from <= self.points);
        (next as i64, LEVELS[next - 1], LEVELS[next])
    }

    /// As champion-mastery-v4 tells it.
    pub(crate) fn write(&self, json: &mut Json, puuid: &str) {
        let (level, from, to) = self.level();
        json.open();
        json.text("puuid", puuid);
        json.int("championId", self.champion_id);
        json.int("championLevel", level);
        json.int("championPoints", self.points);
        json.int("lastPlayTime", self.last_played_ms);
        json.int("championPointsSinceLastLevel", self.points - from);
        json.int("championPointsUntilNextLevel", to - self.points);
        json.int("markRequiredForNextLevel", (level / 5).min(2));
        json.int("tokensEarned", 0);
        json.int("championSeasonMilestone", 0);
        json.object("nextSeasonMilestone");
        json.object("requireGradeCounts");
        json.int("A-", 1);
        json.close();
        json.int("rewardMarks", 1);
        json.bool("bonus", false);
        json.int("totalGamesRequires", 1);
        json.close();
        json.close();
    }
}

/// Every champion that the account has played, most points first.
pub(crate) fn of(realm: &Realm, index: u32) -> Vec<Mastery> {
    let account = &realm.accounts[index as usize];
    let mut all: Vec<Mastery> = realm.read(|live| {
        let standing = &live.standings[index as usize];
        let mut games: Vec<(u8, u16)> = standing.practice.clone();
        if !account.is_new {
            // Favourites that were not played since the world began.
            for champion in account.owner.pools[usize::from(account.owner.role)] {
                if games.iter().all(|(known, _)| *known != champion) {
                    let role = account.owner.role;
                    games.push((champion, realm.practice(standing, index, role, champion)));
                }
            }
        }
        let last_played_ms = |champion: u8| {
            let played = live.played[index as usize].iter().rev();
            let mut games = played.map(|&number| &live.games[number as usize]);
            let is_on =
                |seat: &crate::realm::Seat| seat.account == index && seat.champion == champion;
            let last = games.find(|game| game.seats.iter().any(is_on));
            last.map_or(account.opens_ms, |game| game.end_ms())
        };
        games
            .into_iter()
            .filter(|(_, games)| *games > 0)
            .map(|(champion, games)| {
                let per_game = 600 + scramble(u64::from(index) << 8 | u64::from(champion)) % 500;
                Mastery {
                    champion_id: CHAMPIONS[usize::from(champion)].id,
                    points: i64::from(games) * per_game as i64,
                    last_played_ms: last_played_ms(champion),
                }
            })
            .collect()
    });
    all.sort_by(|a, b| b.points.cmp(&a.points).then(a.champion_id.cmp(&b.champion_id)));
    all
}

/// The sum of levels.
pub(crate) fn score(all: &[Mastery]) -> i64 {
    all.iter().map(|mastery| mastery.level().0).sum()
}

/// The body of lol-challenges-v1.getPlayerData: points that grow with the account.
pub(crate) fn challenges(realm: &Realm, index: u32) -> Vec<u8> {
    const GRADES: [(&str, i64); 7] = [
        ("NONE", 0),
        ("IRON", 500),
        ("BRONZE", 1_200),
        ("SILVER", 2_400),
        ("GOLD", 5_000),
        ("PLATINUM", 10_000),
        ("DIAMOND", 18_000),
    ];
    const CATEGORIES: [(&str, i64, i64); 5] = [
        ("COLLECTION", 4_200, 20),
        ("EXPERTISE", 6_715, 28),
        ("IMAGINATION", 4_330, 14),
        ("TEAMWORK", 7_835, 24),
        ("VETERANCY", 5_700, 14),
    ];
    let level = realm.read(|live| live.standings[index as usize].level) as i64;
    let total = (level * 30).min(28_000);
    let mut json = Json::with_capacity(1_500);
    let points = |json: &mut Json, key: &str, current: i64, max: i64| {
        let grade = GRADES.iter().rev().find(|(_, from)| current * 28_780 >= from * max);
        json.object(key);
        json.text("level", grade.map_or("NONE", |(name, _)| name));
        json.int("current", current);
        json.int("max", max);
        json.float("percentile", (1.0 - current as f64 / max as f64).max(0.001));
        json.close();
    };
    json.open();
    points(&mut json, "totalPoints", total, 28_780);
    json.object("categoryPoints");
    for (name, max, share) in CATEGORIES {
        points(&mut json, name, (total * share / 100).min(max), max);
    }
    json.close();
    json.array("challenges");
    for (challenge, per_level) in [(101_000, 2), (203_102, 1), (301_200, 5)] {
        json.open();
        json.int("challengeId", challenge);
        json.float("percentile", 0.5);
        json.text("level", if level > 200 { "GOLD" } else { "BRONZE" });
        json.float("value", (level * per_level) as f64);
        json.int("achievedTime", realm.accounts[index as usize].opens_ms);
        json.close();
    }
    json.close_array();
    json.object("preferences");
    json.text("bannerAccent", "");
    json.text("title", "");
    json.array("challengeIds");
    json.close_array();
    json.close();
    json.close();
    json.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_where_riots_do() {
        let at = |points| Mastery { champion_id: 1, points, last_played_ms: 0 }.level();
        assert_eq!(at(0), (1, 0, 1_800));
        assert_eq!(at(1_799), (1, 0, 1_800));
        assert_eq!(at(12_600), (4, 12_600, 21_600));
        assert_eq!(at(21_600), (5, 21_600, 32_600));
        assert_eq!(at(54_700), (8, 54_600, 65_600));
    }
}

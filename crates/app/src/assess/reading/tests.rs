//! Whole pieces of evidence from whole rows.

use serde_json::{Value, json};

use super::*;

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hour)
}

fn stored(hour: i64) -> EvidenceGame {
    EvidenceGame {
        player: 1,
        game_start: at(hour),
        time_played: 1_800,
        role: "MIDDLE".to_owned(),
        champion_id: 103,
        win: true,
        kills: 9,
        deaths: 2,
        assists: 7,
        cs: 205,
        gold: 13_120,
        damage: 28_110,
        vision: 21,
        team_kills: 32,
        flash_slot: Some(2),
        cs_at_10: Some(84.0),
        solo_kills: Some(3.0),
        mates: vec![11, 12, 13, 14],
        opponents: vec![21, 22, 23, 24, 25],
    }
}

fn seen(hour: i64, tier: &str, points: i32, season_games: i32) -> EvidenceRank {
    EvidenceRank {
        seen_at: at(hour),
        tier: Some(tier.to_owned()),
        division: Some("IV".to_owned()),
        league_points: points,
        season_games,
    }
}

fn player(ranks: Vec<EvidenceRank>, games: Vec<EvidenceGame>) -> PlayerEvidence {
    PlayerEvidence { puuid: "fox".to_owned(), number: 1, summoner_level: Some(250), ranks, games }
}

fn known(heights: &[(i64, i64, &str)]) -> RunMemory {
    RunMemory::with(heights.iter().map(|(number, hour, tier)| {
        (*number, rank(&seen(*hour, tier, 0, 0)).expect("a known tier"))
    }))
}

/// Own rank and lobby of each game.
fn heights(player: &PlayerEvidence, known: &RunMemory) -> Vec<(Option<f32>, Option<f32>)> {
    let (evidence, _) = evidence(player, known);
    evidence.games.iter().map(|game| (game.rank_tier_value, game.lobby_tier_value)).collect()
}

#[test]
fn a_game_is_read_whole_and_what_is_not_known_is_missing() {
    let bare = EvidenceGame {
        team_kills: 0,
        flash_slot: None,
        cs_at_10: None,
        solo_kills: None,
        mates: vec![],
        ..stored(1)
    };
    let ranks = vec![seen(-1, "GOLD", 40, 80)];
    let lobby =
        known(&[(11, 0, "GOLD"), (21, 0, "PLATINUM"), (22, -48, "PLATINUM"), (22, 900, "IRON")]);
    let (read, known_lobbies) = evidence(&player(ranks, vec![stored(0), bare]), &lobby);
    assert_eq!(known_lobbies, 1);
    let mut read: Value = serde_json::to_value(read).unwrap();
    let lobby = read["games"][0]["lobby_tier_value"].take();
    assert!((lobby.as_f64().unwrap() - 11.0 / 3.0).abs() < 1e-6, "{lobby}");
    assert_eq!(
        read,
        json!({
            "account_id": "fox", "account_level": 250,
            "ranks": [{ "at": at(-1), "tier": "GOLD", "division": "IV", "league_points": 40 }],
            "games": [
                { "at": at(0), "duration_s": 1800, "queue": 420, "role": "MIDDLE",
                  "champion_id": 103, "win": true, "kills": 9, "deaths": 2, "assists": 7,
                  "cs": 205, "gold": 13120, "damage_to_champions": 28110, "vision_score": 21,
                  "kill_participation": 0.5, "cs_at_10": 84, "solo_kills": 3, "flash_slot": 2,
                  "lobby_tier_value": null },
                { "at": at(1), "duration_s": 1800, "queue": 420, "role": "MIDDLE",
                  "champion_id": 103, "win": true, "kills": 9, "deaths": 2, "assists": 7,
                  "cs": 205, "gold": 13120, "damage_to_champions": 28110, "vision_score": 21 },
            ],
        })
    );
}

#[test]
fn a_lobby_is_the_mean_of_the_ranks_seen_nearest_and_takes_three() {
    let game = player(vec![], vec![stored(0)]);
    // Bronze is 1, Silver 2, Gold 3; 24's rank is from another season.
    let far = 24 * 61;
    let near = known(&[
        (11, -3, "GOLD"),
        (11, 2, "BRONZE"),
        (21, 5, "SILVER"),
        (22, 50, "GOLD"),
        (24, far, "CHALLENGER"),
        (99, 0, "CHALLENGER"),
    ]);
    assert_eq!(heights(&game, &near), [(None, Some(2.0))]);
    let two = known(&[(11, 0, "GOLD"), (21, 0, "GOLD"), (24, far, "GOLD")]);
    assert_eq!(heights(&game, &two), [(None, None)]);
}

#[test]
fn the_own_rank_lies_on_the_line_between_two_that_were_seen() {
    let games = vec![stored(0), stored(25), stored(50), stored(75), stored(101)];
    // Silver IV 0 LP to Gold IV 0 LP; between the second and the third lies half a year.
    let ranks = vec![
        seen(0, "SILVER", 0, 10),
        seen(100, "GOLD", 0, 14),
        seen(100 + 24 * 180, "IRON", 0, 0),
    ];
    assert_eq!(
        heights(&player(ranks, games), &RunMemory::default()),
        // The last is behind a rank after which nothing was seen for long: the assessment goes on
        // with it by itself.
        [
            (Some(2.0), None),
            (Some(2.25), None),
            (Some(2.5), None),
            (Some(2.75), None),
            (None, None)
        ]
    );
}

#[test]
fn before_the_first_rank_it_belongs_to_the_nearest_games_and_stands_in_for_older_lobbies() {
    let mut games: Vec<EvidenceGame> = (0..6).map(stored).collect();
    games.insert(0, stored(-24 * 29));
    games.insert(0, stored(-24 * 31));
    let ranks = vec![seen(6, "GOLD", 0, 100)];
    let carried = [2.78, 2.835, 2.89, 2.945].map(|height| (Some(height), None));
    let mut expected = vec![(None, None), (None, Some(3.0)), (None, Some(3.0)), (None, Some(3.0))];
    expected.extend(carried);
    assert_eq!(heights(&player(ranks, games), &RunMemory::default()), expected);
}

#[test]
fn a_rank_is_carried_back_through_the_results_where_the_lobby_is_known() {
    let won = [false, true, false, true, true, false];
    let games: Vec<EvidenceGame> = (0..6)
        .map(|hour| EvidenceGame { win: won[hour as usize], ..stored(hour - 24 * 20) })
        .collect();
    let ranks = vec![seen(0, "IRON", 60, 100)];
    let silver = known(&[(11, 0, "SILVER"), (12, 0, "SILVER"), (21, 0, "SILVER")]);
    let read = heights(&player(ranks, games), &silver);
    assert!(read.iter().all(|(_, lobby)| *lobby == Some(2.0)), "{read:?}");
    let own: Vec<f32> = read.iter().map(|(own, _)| own.expect("carried back")).collect();
    // From 0.15 at the end: + .05, - .055, - .055, + .05, - .055, + .05.
    let expected = [0.135, 0.085, 0.14, 0.09, 0.145, 0.2];
    assert!(own.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{own:?}");
}

#[test]
fn a_young_account_below_its_lobbies_is_carried_back_in_bigger_steps() {
    let carried = |level| {
        let won = [true, true, false];
        let games = (0..3)
            .map(|hour| EvidenceGame { win: won[hour as usize], ..stored(hour - 24 * 20) })
            .collect();
        let ranks = vec![seen(0, "SILVER", 0, 3)];
        let player = PlayerEvidence { summoner_level: Some(level), ..player(ranks, games) };
        let gold = known(&[(11, 0, "GOLD"), (12, 0, "GOLD"), (21, 0, "GOLD")]);
        let read = heights(&player, &gold);
        read.into_iter().map(|(own, _)| own.expect("carried back")).collect::<Vec<f32>>()
    };
    let is = |own: &[f32], expected: [f32; 3]| {
        own.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4)
    };
    // From Silver IV, a tier below the lobbies: a quarter of 0.9 more or less for the newest.
    let young = carried(100);
    assert!(is(&young, [1.904_15, 1.971_91, 2.038_75]), "{young:?}");
    let old = carried(101);
    assert!(is(&old, [1.94, 1.995, 2.05]), "{old:?}");
}

#[test]
fn champions_are_counted_from_the_first_game_only_where_all_games_are_there() {
    let counted = |level, season_games| {
        let games = (0..12).map(stored).collect();
        let ranks = vec![seen(20, "GOLD", 0, season_games)];
        let player = PlayerEvidence { summoner_level: Some(level), ..player(ranks, games) };
        let (evidence, _) = evidence(&player, &RunMemory::default());
        evidence.games.iter().map(|game| game.champion_games_before).collect::<Vec<_>>()
    };
    let all: Vec<Option<u32>> = (0..12).map(Some).collect();
    assert_eq!(counted(40, 12), all);
    let mut some = vec![None; 10];
    some.extend([Some(10), Some(11)]);
    // More games than we have, or an account that may have had seasons before this one.
    assert_eq!(counted(40, 13), some);
    assert_eq!(counted(300, 12), some);
}

#[test]
fn a_companion_is_the_team_mate_of_many_games() {
    let duo = |games: i64, together: i64| {
        let games: Vec<EvidenceGame> = (0..games)
            .map(|hour| EvidenceGame {
                mates: if hour < together { vec![7, hour + 100] } else { vec![hour + 100] },
                ..stored(hour)
            })
            .collect();
        let (evidence, _) = evidence(&player(vec![], games), &RunMemory::default());
        evidence.games.iter().filter(|game| game.duo == Some(true)).count()
    };
    assert_eq!((duo(20, 3), duo(20, 4), duo(60, 5), duo(60, 6)), (0, 4, 0, 6));
}

//! Worked examples of `legacy-9`, one for every branch.

use chrono::{DateTime, Duration, Utc};
use riftwatch_domain::rank::Tier;

use super::*;

fn start() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn game(kills: f32, deaths: f32, assists: f32, win: bool) -> Game {
    Game {
        at: start(),
        duration_s: 1800,
        queue: QueueId::RANKED_SOLO,
        role: Role::Middle,
        champion_id: 103,
        win,
        kills,
        deaths,
        assists,
        cs: 200.0,
        gold: 12_000.0,
        damage_to_champions: 20_000.0,
        vision_score: Some(25.0),
        kill_participation: None,
        cs_at_10: None,
        solo_kills: None,
        flash_slot: None,
        rank_tier_value: None,
        lobby_tier_value: None,
        champion_games_before: None,
        duo: None,
    }
}

fn rank(day: i64, tier: Tier, division: Division, league_points: i32) -> RankPoint {
    RankPoint { at: start() + Duration::days(day), tier, division: Some(division), league_points }
}

/// Thirty games with the given number of wins, oldest games won first.
fn thirty(wins: usize) -> Vec<Game> {
    (0..30).map(|place| game(4.0, 4.0, 4.0, place < wins)).collect()
}

fn refs(games: &[Game]) -> Vec<&Game> {
    games.iter().collect()
}

#[track_caller]
fn assert_near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-6, "{left} is not {right}");
}

#[test]
fn the_weights_add_to_one_and_the_score_is_their_sum() {
    let all = LegacyFactors {
        rank_discrepancy: 1.0,
        win_rate: 1.0,
        performance_trends: 1.0,
        win_rate_trend: 1.0,
        role_performance: 1.0,
        rank_progression: 1.0,
        account_level: 1.0,
        performance_consistency: 1.0,
        kda: 1.0,
    };
    assert_near(all.score(), 1.0);
    let some = LegacyFactors { win_rate: 0.5, account_level: 0.15, ..Default::default() };
    assert_near(some.score(), 0.18 * 0.5 + 0.08 * 0.15);
}

#[test]
fn bands_begin_at_their_thresholds() {
    let bands = [0.8, 0.79, 0.6, 0.59, 0.4, 0.39].map(LegacyBand::of);
    use LegacyBand::{High, Low, Medium, None};
    assert_eq!(bands, [High, Medium, Medium, Low, Low, None]);
}

#[test]
fn fewer_than_thirty_ranked_solo_games_have_no_score() {
    let mut evidence = Evidence {
        account_id: "a".to_owned(),
        account_level: Some(50),
        label: None,
        ranks: vec![],
        games: thirty(30),
    };
    assert!(factors(&evidence).is_some());
    evidence.games[3].queue = QueueId::RANKED_FLEX;
    assert_eq!(factors(&evidence), None);
}

#[test]
fn only_the_newest_thirty_games_are_read() {
    let mut games = vec![game(0.0, 9.0, 0.0, false); 40];
    games.extend(thirty(30));
    let evidence = Evidence {
        account_id: "a".to_owned(),
        account_level: None,
        label: None,
        ranks: vec![],
        games,
    };
    assert_near(factors(&evidence).unwrap().win_rate, 1.0);
}

#[test]
fn win_rate_begins_at_65_percent_and_ends_at_75() {
    assert_near(win_rate(&refs(&thirty(19))), 0.0);
    // 20 of 30: .5 + 5 · (.66667 − .65)
    assert_near(win_rate(&refs(&thirty(20))), 0.5 + 5.0 * (20.0 / 30.0 - 0.65));
    assert_near(win_rate(&refs(&thirty(23))), 1.0);
}

#[test]
fn account_level_counts_up_to_50() {
    assert_eq!([Some(50), Some(51), None].map(account_level), [0.15, 0.0, 0.0]);
}

#[test]
fn an_average_silver_player_has_the_full_rank_discrepancy_and_a_diamond_player_none() {
    // KDA 2.0 in Silver: 3 · .6 · (2.0 − 1.5) = .9; half the games won adds nothing.
    let games = thirty(15);
    assert_near(rank_discrepancy(&refs(&games), Some(2)), 0.9);
    // 18 of 30 won: + 3 · .4 · (.6 − .5)
    assert_near(rank_discrepancy(&refs(&thirty(18)), Some(2)), 1.0);
    assert_near(rank_discrepancy(&refs(&games), Some(0)), 1.0);
    assert_near(rank_discrepancy(&refs(&games), Some(6)), 0.0);
    assert_near(rank_discrepancy(&refs(&games), None), 0.0);
}

#[test]
fn grandmaster_and_challenger_are_expected_to_play_like_gold() {
    let games: Vec<Game> = (0..30).map(|place| game(5.0, 4.0, 5.0, place < 15)).collect();
    assert_near(rank_discrepancy(&refs(&games), Some(7)), 0.0);
    assert_near(rank_discrepancy(&refs(&games), Some(8)), 0.9);
    assert_near(rank_discrepancy(&refs(&games), Some(9)), 0.9);
}

#[test]
fn the_current_tier_is_the_newest_seen_or_else_that_of_the_newest_game() {
    let mut evidence = Evidence {
        account_id: "a".to_owned(),
        account_level: None,
        label: None,
        ranks: vec![rank(0, Tier::Iron, Division::I, 0), rank(1, Tier::Gold, Division::IV, 0)],
        games: thirty(15),
    };
    evidence.games[10].rank_tier_value = Some(5.9);
    assert_eq!(current_tier(&evidence), Some(3));
    evidence.ranks.clear();
    assert_eq!(current_tier(&evidence), Some(5));
    evidence.games[10].rank_tier_value = None;
    assert_eq!(current_tier(&evidence), None);
}

#[test]
fn rank_progression_is_points_a_day_when_every_rank_is_a_division_one() {
    // Gold I 10 → Platinum I 30 in four days: 120 points, 30 a day.
    let climb = [rank(0, Tier::Gold, Division::I, 10), rank(4, Tier::Platinum, Division::I, 30)];
    assert_near(rank_progression(&climb), 0.3);
    let fall = [rank(0, Tier::Platinum, Division::I, 30), rank(4, Tier::Gold, Division::I, 10)];
    assert_near(rank_progression(&fall), 0.0);
    let fast = [rank(0, Tier::Iron, Division::I, 0), rank(1, Tier::Gold, Division::I, 0)];
    assert_near(rank_progression(&fast), 1.0);
    assert_near(rank_progression(&climb[..1]), 0.0);
    assert_near(rank_progression(&[climb[0].clone(), climb[0].clone()]), 0.0);
}

#[test]
fn one_division_that_is_not_one_silences_rank_progression() {
    let mut climb: Vec<RankPoint> =
        (0..7).map(|day| rank(day, Tier::Gold, Division::I, 10 * day as i32)).collect();
    // The newest five: 60 − 20 points in four days.
    assert_near(rank_progression(&climb), 0.1);
    climb[3].division = Some(Division::II);
    assert_near(rank_progression(&climb), 0.0);
}

#[test]
fn the_old_ladder_scale_stands_on_its_head_between_tiers() {
    assert_near(ladder_score(&rank(0, Tier::Silver, Division::I, 99)), 399.0);
    assert_near(ladder_score(&rank(0, Tier::Gold, Division::IV, 0)), 325.0);
}

#[test]
fn consistency_wants_an_even_kda_of_three_and_a_half() {
    let even: Vec<Game> = (0..30).map(|_| game(8.0, 2.0, 8.0, true)).collect();
    assert_near(performance_consistency(&refs(&even)), 1.0);
    let low: Vec<Game> = (0..30).map(|_| game(3.0, 2.0, 3.0, true)).collect();
    assert_near(performance_consistency(&refs(&low)), 0.0);
    // Mean 8, half at 2 and half at 14: the spread takes it away.
    let uneven: Vec<Game> = (0..30)
        .map(|place| game(if place % 2 == 0 { 2.0 } else { 14.0 }, 1.0, 0.0, true))
        .collect();
    assert_near(performance_consistency(&refs(&uneven)), 0.0);
    assert_near(consistency(&[]), 0.0);
}

#[test]
fn games_without_kda_or_cs_are_left_out_of_consistency() {
    let mut games: Vec<Game> = (0..30).map(|_| game(8.0, 2.0, 8.0, true)).collect();
    games[0] = Game { cs: 0.0, ..game(0.0, 5.0, 0.0, false) };
    assert_near(performance_consistency(&refs(&games)), 1.0);
}

#[test]
fn a_win_rate_trend_counts_in_either_direction() {
    // All 15 oldest won, none of the newest: −1 → min(1, 2).
    assert_near(win_rate_trend(&refs(&thirty(15))), 1.0);
    let mut games = thirty(3);
    assert_near(win_rate_trend(&refs(&games)), 0.4);
    games.reverse();
    assert_near(win_rate_trend(&refs(&games)), 0.6);
    assert_near(win_rate_trend(&refs(&thirty(1))), 0.0);
}

#[test]
fn performance_trends_count_in_either_direction() {
    let change = |oldest: f32, newest: f32| {
        let mut games: Vec<Game> = (0..30).map(|_| game(4.0, 4.0, 0.0, true)).collect();
        games[..5].fill(game(oldest, 4.0, 0.0, true));
        games[25..].fill(game(newest, 4.0, 0.0, true));
        performance_trends(&refs(&games))
    };
    // .6 · (2.0 − 1.5) = .3, twice; spread keeps the stability rule out.
    assert_near(change(6.0, 8.0), 0.6);
    // −.3 · 1.5
    assert_near(change(8.0, 6.0), 0.45);
    assert_near(change(2.0, 8.0), 1.0);
}

#[test]
fn a_suspiciously_stable_performance_scores_at_least_four_fifths() {
    // .6 · 2 + .3 + .05 = 1.55 in every game.
    assert_near(performance_trends(&refs(&thirty(15))), 0.8);
    let weak: Vec<Game> = (0..30).map(|_| game(0.0, 4.0, 1.0, true)).collect();
    assert_near(performance_trends(&refs(&weak)), 0.0);
}

#[test]
fn role_performance_wants_three_roles_of_three_games() {
    let mut games: Vec<Game> = (0..30).map(|_| game(8.0, 2.0, 8.0, true)).collect();
    assert_near(role_performance(&refs(&games)), 0.0);
    for place in 0..3 {
        games[place].role = Role::Top;
        games[place + 3].role = Role::Utility;
    }
    assert_near(role_performance(&refs(&games)), 1.0);
    for bad in &mut games[..3] {
        *bad = Game { role: Role::Top, ..game(1.0, 4.0, 1.0, false) };
    }
    assert_near(role_performance(&refs(&games)), 2.0 / 3.0);
    games[3].role = Role::Middle;
    assert_near(role_performance(&refs(&games)), 0.0);
}

#[test]
fn kda_is_all_or_nothing_at_three_and_a_half() {
    let with = |kills: f32| (0..30).map(|_| game(kills, 2.0, 0.0, true)).collect::<Vec<_>>();
    assert_near(kda(&refs(&with(7.0))), 1.0);
    assert_near(kda(&refs(&with(6.0))), 0.0);
}

#[test]
fn a_game_without_deaths_counts_kills_and_assists() {
    assert_near(game_kda(&game(3.0, 0.0, 4.0, true)), 7.0);
    assert_near(game_kda(&game(3.0, 2.0, 4.0, true)), 3.5);
    assert_near(overall_kda(&[&game(3.0, 0.0, 4.0, true)]), 7.0);
}

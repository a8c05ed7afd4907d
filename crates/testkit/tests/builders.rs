//! Built values are plausible without a word from the test.

use riftwatch_domain::matches::Position;
use riftwatch_testkit::{game, participant, player};

#[test]
fn a_game_has_two_sides_of_five_by_default() {
    let game = game().build();
    assert_eq!(game.match_id.as_str(), "EUW1_1");
    assert_eq!(game.participants.len(), 10);
    assert_eq!(game.participants.iter().filter(|p| p.team_id == 100 && p.win).count(), 5);
    assert_eq!(game.participants[9].participant_id, 10);
    assert_eq!(game.participants[9].team_position, Position::Utility);
    assert_eq!(
        game.teams.iter().map(|team| (team.team_id, team.win)).collect::<Vec<_>>(),
        [(100, true), (200, false)]
    );
    assert_eq!((game.game_end - game.game_start).num_seconds(), i64::from(game.game_duration));
}

#[test]
fn a_participant_is_the_player_of_the_same_name() {
    let fox = player("Fox").tracked().build();
    let game = game().with_participants([
        participant("Fox").kda(9, 0, 3).position(Position::Jungle),
        participant("Hare").won(false),
    ]);
    let game = game.build();
    assert!(fox.is_tracked && fox.tracked_at.is_some());
    assert_eq!(game.participants[0].puuid, Some(fox.puuid));
    assert_eq!(game.participants[0].kda(), 12.0);
    assert_eq!(game.participants[0].team_position, Position::Jungle);
    assert_eq!(game.participants[1].team_id, 200);
}

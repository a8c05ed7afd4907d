//! Matches and who played in them.

use chrono::{DateTime, TimeDelta, Utc};
use riftwatch_domain::matches::{
    Match, MatchId, Participant, ParticipantDetails, Position, QueueId, Team,
};
use riftwatch_domain::player::{Puuid, RiotId};

use super::noon;

/// Seconds that a built game lasts unless told otherwise.
const DURATION_S: i32 = 1_800;

/// A ranked solo game of half an hour on EUW, begun at noon, of ten players `p1` to `p10`, won by
/// the first five.
pub fn game() -> GameBuilder {
    GameBuilder {
        number: 1,
        platform: String::from("EUW1"),
        queue_id: QueueId::RANKED_SOLO,
        start: noon(),
        duration_s: DURATION_S,
        participants: None,
    }
}

/// See [`game`].
#[derive(Debug, Clone)]
pub struct GameBuilder {
    number: u64,
    platform: String,
    queue_id: QueueId,
    start: DateTime<Utc>,
    duration_s: i32,
    participants: Option<Vec<Participant>>,
}

impl GameBuilder {
    /// The number in the match's id.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// The platform in the match's id: `KR`.
    #[must_use]
    pub fn on(mut self, platform: &str) -> Self {
        platform.clone_into(&mut self.platform);
        self
    }

    /// Another queue.
    #[must_use]
    pub fn queue(mut self, queue_id: QueueId) -> Self {
        self.queue_id = queue_id;
        self
    }

    /// When the game began.
    #[must_use]
    pub fn started(mut self, start: DateTime<Utc>) -> Self {
        self.start = start;
        self
    }

    /// How many seconds it lasted.
    #[must_use]
    pub fn lasting(mut self, duration_s: i32) -> Self {
        self.duration_s = duration_s;
        self
    }

    /// Who played. Their numbers are given in order, from 1, and the first half is team 100 if they
    /// all are (as [`participant`] makes them).
    #[must_use]
    pub fn with_participants(
        mut self,
        participants: impl IntoIterator<Item = ParticipantBuilder>,
    ) -> Self {
        self.participants = Some(participants.into_iter().map(ParticipantBuilder::build).collect());
        self
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// When platform and number make no match id.
    pub fn build(self) -> Match {
        let match_id: MatchId =
            format!("{}_{}", self.platform, self.number).parse().expect("a match id");
        let participants = seat(self.participants.unwrap_or_else(ten), self.duration_s);
        Match {
            match_id,
            queue_id: self.queue_id,
            map_id: 11,
            game_mode: String::from("CLASSIC"),
            game_type: Some(String::from("MATCHED_GAME")),
            game_version: String::from("16.1.700.1000"),
            game_creation: self.start - TimeDelta::seconds(90),
            game_start: self.start,
            game_end: self.start + TimeDelta::seconds(self.duration_s.into()),
            game_duration: self.duration_s,
            end_of_game_result: Some(String::from("GameComplete")),
            teams: teams_of(&participants),
            participants,
        }
    }
}

fn ten() -> Vec<Participant> {
    (1..=10).map(|n| participant(&format!("p{n}")).won(n <= 5).build()).collect()
}

/// Numbers, sides and places, which depend on the others in the game.
fn seat(mut participants: Vec<Participant>, duration_s: i32) -> Vec<Participant> {
    let half = participants.len().div_ceil(2);
    let one_side = participants.iter().all(|p| p.team_id == 100);
    for (index, participant) in participants.iter_mut().enumerate() {
        participant.participant_id = i32::try_from(index + 1).expect("few participants");
        participant.time_played = duration_s;
        if one_side && index >= half {
            participant.team_id = 200;
        }
        if participant.team_position == Position::default() {
            let place = Position::ALL[(index % half.max(1)) % Position::ALL.len()].clone();
            participant.individual_position = place.clone();
            participant.team_position = place;
        }
    }
    participants
}

fn teams_of(participants: &[Participant]) -> Vec<Team> {
    let mut teams: Vec<Team> = Vec::new();
    for participant in participants {
        match teams.iter_mut().find(|team| team.team_id == participant.team_id) {
            Some(team) => team.win |= participant.win,
            None => teams.push(Team {
                team_id: participant.team_id,
                win: participant.win,
                bans: Vec::new(),
            }),
        }
    }
    teams
}

/// A participant with the puuid and name of [`super::player`]`(name)`, who won with 5/3/7.
pub fn participant(name: &str) -> ParticipantBuilder {
    ParticipantBuilder(Participant {
        participant_id: 0,
        puuid: Some(Puuid::new(format!("puuid-of-{name}"))),
        riot_id: Some(RiotId { game_name: name.to_owned(), tag_line: "EUW".to_owned() }),
        summoner_level: 100,
        profile_icon: 1,
        team_id: 100,
        champion_id: 103,
        champion_name: String::from("Ahri"),
        champ_level: 16,
        team_position: Position::default(),
        individual_position: Position::default(),
        win: true,
        kills: 5,
        deaths: 3,
        assists: 7,
        gold_earned: 12_000,
        total_minions_killed: 180,
        neutral_minions_killed: 12,
        vision_score: 20,
        total_damage_dealt_to_champions: 20_000,
        damage_dealt_to_objectives: 6_000,
        total_damage_taken: 18_000,
        wards_placed: 9,
        wards_killed: 3,
        time_played: DURATION_S,
        summoner1_id: 4,
        summoner2_id: 14,
        game_ended_in_early_surrender: false,
        placement: None,
        details: ParticipantDetails::default(),
    })
}

/// See [`participant`].
#[derive(Debug, Clone)]
pub struct ParticipantBuilder(Participant);

impl ParticipantBuilder {
    /// Whether the participant's side won.
    #[must_use]
    pub fn won(mut self, win: bool) -> Self {
        self.0.win = win;
        self
    }

    /// 100 or 200.
    #[must_use]
    pub fn team(mut self, team_id: i32) -> Self {
        self.0.team_id = team_id;
        self
    }

    /// Kills, deaths, assists.
    #[must_use]
    pub fn kda(mut self, kills: i32, deaths: i32, assists: i32) -> Self {
        (self.0.kills, self.0.deaths, self.0.assists) = (kills, deaths, assists);
        self
    }

    /// Lane minions and jungle monsters.
    #[must_use]
    pub fn cs(mut self, minions: i32, monsters: i32) -> Self {
        (self.0.total_minions_killed, self.0.neutral_minions_killed) = (minions, monsters);
        self
    }

    /// Where the participant played.
    #[must_use]
    pub fn position(mut self, position: Position) -> Self {
        self.0.individual_position = position.clone();
        self.0.team_position = position;
        self
    }

    /// The champion.
    #[must_use]
    pub fn champion(mut self, id: i32, name: &str) -> Self {
        self.0.champion_id = id;
        name.clone_into(&mut self.0.champion_name);
        self
    }

    /// Another puuid; `None` for a hidden player.
    #[must_use]
    pub fn puuid(mut self, puuid: Option<&str>) -> Self {
        self.0.puuid = puuid.map(Puuid::new);
        self
    }

    /// Anything else: `.with(|p| p.vision_score = 0)`.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Participant)) -> Self {
        change(&mut self.0);
        self
    }

    /// The value; its number and side are given by the game.
    pub fn build(self) -> Participant {
        self.0
    }
}

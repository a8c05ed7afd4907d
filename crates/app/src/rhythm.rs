//! When somebody plays, and so when it is worth a request to ask for their matches. Pure: times go
//! in, times come out; the job and `riftwatch sim-study` use the same functions.
//!
//! Two things are read from a player's last games. *Sessions*: how many begin in a day, lately, and
//! at which hours. *Turns*: how likely a game is followed by another, and how long from the end of
//! one to the end of the next. Together they give the rate at which matches end that nobody has seen.
//!
//! A look is worth what it ends: the minutes that unseen matches are expected to have waited. With
//! one price for all players, that sum is the smallest that the same number of requests can buy: a
//! player in a session is looked at when the next game should be over, one who comes on most
//! evenings about hourly in the evening, and one who has not come for a month once a day.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use riftwatch_store::looks::PlayedSpan;

/// Games further apart than this are in different sessions.
const SESSION_GAP_MIN: f64 = 60.0;
/// What happened so many days ago counts for a third.
const MEMORY_D: f64 = 7.0;
/// Before anything is known: sessions, and the days without any that they are spread over.
const PRIOR_SESSIONS: f64 = 0.004;
const PRIOR_DAYS: f64 = 1.0;
/// How many sessions it takes to believe in hours of the day.
const PRIOR_HOURS: f64 = 1.0;
/// Before anything is known: six of ten games are followed by another, within 38 minutes from end
/// to end, give or take ten.
const PRIOR_GOES_ON: f64 = 0.6;
const PRIOR_TURN_MIN: f64 = 38.0;
const PRIOR_TURN_SD_MIN: f64 = 10.0;
/// How many games it takes to move half-way from that.
const PRIOR_TURNS: f64 = 3.0;
/// From the beginning of a session to the end of its first game.
const FIRST_END_MIN: i64 = 30;
/// A start spreads over its neighbouring hours: people are not clocks.
const SPREAD: [(i64, f64); 5] = [(-2, 0.1), (-1, 0.22), (0, 0.36), (1, 0.22), (2, 0.1)];
/// Games that end later than this in our future were not played by our clock.
const CLOCK_SLACK_MIN: i64 = 5;

/// How dense looks may be and how much one has to be worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookRules {
    /// Never sooner after the last look.
    pub least: TimeDelta,
    /// Never later after the last look.
    pub longest: TimeDelta,
    /// The price: unseen matches times the minutes that they are expected to have waited.
    pub worth_min: f64,
}

/// A player's habits, as far as stored games show them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    sessions_per_day: f64,
    /// Shares of the hours of the day (UTC) in them; they add up to 1.
    hours: [f64; 24],
    goes_on: f64,
    turn_min: f64,
    turn_sd_min: f64,
    last_end: Option<DateTime<Utc>>,
    /// Games lie in our future: two clocks disagree, and nothing is known of when.
    clocks_disagree: bool,
}

impl Rhythm {
    /// Reads the habits from a player's newest games, newest first.
    pub fn of(games: &[PlayedSpan], now: DateTime<Utc>) -> Self {
        let days_ago = |at: DateTime<Utc>| (minutes(now - at) / 1440.0).max(0.0);
        let mut sessions = 0.0;
        let mut hours = [PRIOR_HOURS / 24.0; 24];
        let (mut turns, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (index, game) in games.iter().enumerate() {
            let earlier = games.get(index + 1);
            let gap = earlier.map(|earlier| minutes(game.start - earlier.end));
            if let (Some(gap), Some(earlier)) = (gap, earlier)
                && gap <= SESSION_GAP_MIN
            {
                let turn = minutes(game.end - earlier.end).max(1.0);
                turns += 1.0;
                sum += turn;
                squares += turn * turn;
                continue;
            }
            let weight = (-days_ago(game.start) / MEMORY_D).exp();
            sessions += weight;
            for (offset, share) in SPREAD {
                let hour = (i64::from(game.start.hour()) + offset).rem_euclid(24) as usize;
                hours[hour] += weight * share;
            }
        }
        let reach = games.last().map_or(0.0, |oldest| days_ago(oldest.start));
        let days = MEMORY_D * (1.0 - (-reach / MEMORY_D).exp());
        let all: f64 = hours.iter().sum();
        let turn_min = (sum + PRIOR_TURNS * PRIOR_TURN_MIN) / (turns + PRIOR_TURNS);
        let spread = squares - 2.0 * turn_min * sum + turns * turn_min * turn_min;
        let variance = (spread + PRIOR_TURNS * PRIOR_TURN_SD_MIN.powi(2)) / (turns + PRIOR_TURNS);
        Self {
            sessions_per_day: (sessions + PRIOR_SESSIONS) / (days + PRIOR_DAYS),
            hours: hours.map(|hour| hour / all),
            goes_on: (turns + PRIOR_TURNS * PRIOR_GOES_ON) / (games.len() as f64 + PRIOR_TURNS),
            turn_min,
            turn_sd_min: variance.sqrt(),
            last_end: games.first().map(|game| game.end),
            clocks_disagree: games
                .first()
                .is_some_and(|game| game.end > now + TimeDelta::minutes(CLOCK_SLACK_MIN)),
        }
    }

    /// What a look at `now` is worth, after one at `looked_at` saw all there was: the minutes that
    /// unseen matches are expected to have waited.
    pub fn worth_min(&self, looked_at: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
        let mut walk = Walk::new(self, looked_at);
        while walk.at < now {
            walk.step();
        }
        walk.waited_min
    }

    /// When to look again after a look at `looked_at` that saw all there was.
    pub fn next_look(&self, looked_at: DateTime<Utc>, rules: &LookRules) -> DateTime<Utc> {
        let earliest = looked_at + rules.least;
        if self.clocks_disagree {
            return earliest;
        }
        let latest = looked_at + rules.longest.max(rules.least);
        let mut walk = Walk::new(self, looked_at);
        while walk.at < latest && walk.waited_min < rules.worth_min {
            walk.step();
        }
        walk.at.clamp(earliest, latest)
    }

    /// Matches that end in a minute at `at`, by the hours of the day.
    fn first_ends_per_min(&self, at: DateTime<Utc>) -> f64 {
        let begun = at - TimeDelta::minutes(FIRST_END_MIN);
        self.sessions_per_day * self.hours[begun.hour() as usize] / 60.0
    }

    /// The probability that the session goes on and its next game has ended by `at`.
    fn next_has_ended(&self, at: DateTime<Utc>) -> f64 {
        let Some(end) = self.last_end else { return 0.0 };
        let since_min = minutes(at - end);
        if since_min < 0.0 {
            return 0.0;
        }
        // A logistic curve has this scale for a deviation of one.
        let scale = self.turn_sd_min * 0.55;
        self.goes_on / (1.0 + ((self.turn_min - since_min) / scale).exp())
    }
}

/// Time going by after a look, and what is expected to have gathered.
struct Walk<'a> {
    rhythm: &'a Rhythm,
    at: DateTime<Utc>,
    /// When the session must be over if nothing came: from then on a step is cheaper.
    session_until: DateTime<Utc>,
    ended: f64,
    /// The probability at the look that the session's next game had not ended.
    open: f64,
    unseen: f64,
    waited_min: f64,
}

impl<'a> Walk<'a> {
    fn new(rhythm: &'a Rhythm, looked_at: DateTime<Utc>) -> Self {
        let ended = rhythm.next_has_ended(looked_at);
        let over_min = (rhythm.turn_min + 4.0 * rhythm.turn_sd_min).ceil() as i64;
        let session_until =
            rhythm.last_end.map_or(looked_at, |end| end + TimeDelta::minutes(over_min));
        Self {
            rhythm,
            at: looked_at,
            session_until,
            ended,
            open: (1.0 - ended).max(0.01),
            unseen: 0.0,
            waited_min: 0.0,
        }
    }

    fn step(&mut self) {
        let in_session = self.at < self.session_until;
        let step_min = if in_session { 1 } else { 5 };
        self.at += TimeDelta::minutes(step_min);
        self.waited_min += self.unseen * step_min as f64;
        if in_session {
            let ended = self.rhythm.next_has_ended(self.at);
            self.unseen += (ended - self.ended) / self.open;
            self.ended = ended;
        }
        self.unseen += self.rhythm.first_ends_per_min(self.at) * step_min as f64;
    }
}

fn minutes(span: TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 60_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: LookRules =
        LookRules { least: TimeDelta::minutes(2), longest: TimeDelta::days(1), worth_min: 2.0 };

    fn at(day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
        let date = chrono::NaiveDate::from_ymd_opt(2026, 6, day).expect("a day of June");
        date.and_hms_opt(hour, minute, 0).expect("a time of day").and_utc()
    }

    fn game(start: DateTime<Utc>) -> PlayedSpan {
        PlayedSpan { start, end: start + TimeDelta::minutes(30) }
    }

    /// Three games an evening from 19:00 on, on the days before the 20th.
    fn evenings() -> Vec<PlayedSpan> {
        let days = (1..20).rev();
        days.flat_map(|day| [at(day, 20, 10), at(day, 19, 35), at(day, 19, 0)]).map(game).collect()
    }

    #[test]
    fn nobody_known_is_looked_at_about_once_a_day() {
        let rhythm = Rhythm::of(&[], at(20, 12, 0));
        let next = rhythm.next_look(at(20, 12, 0), &RULES);
        assert!(next >= at(20, 22, 0) && next <= at(21, 12, 0), "{next}");
    }

    #[test]
    fn who_has_not_played_for_a_month_is_looked_at_about_once_a_day() {
        let now = at(20, 12, 0) + TimeDelta::days(40);
        let pause = Rhythm::of(&evenings(), now).next_look(now, &RULES) - now;
        assert!(pause >= TimeDelta::hours(20) && pause <= TimeDelta::days(1), "{pause}");
    }

    #[test]
    fn in_a_session_the_next_look_is_when_the_next_game_should_be_over() {
        let mut games = evenings();
        games.insert(0, game(at(20, 19, 0)));
        let looked_at = at(20, 19, 33);
        let next = Rhythm::of(&games, looked_at).next_look(looked_at, &RULES);
        assert!(next >= at(20, 19, 50) && next <= at(20, 20, 15), "{next}");
    }

    #[test]
    fn hours_of_play_are_looked_at_more_often_than_others() {
        let rhythm = Rhythm::of(&evenings(), at(20, 0, 0));
        let pause = |from| rhythm.next_look(from, &RULES) - from;
        let (evening, night) = (pause(at(20, 19, 30)), pause(at(20, 3, 0)));
        assert!(evening * 3 < night, "{evening} in the evening, {night} at night");
        assert!(evening <= TimeDelta::minutes(60), "{evening}");
    }

    #[test]
    fn a_higher_price_buys_fewer_looks_and_limits_hold() {
        let rhythm = Rhythm::of(&evenings(), at(20, 0, 0));
        let dear = LookRules { worth_min: 20.0, ..RULES };
        let from = at(20, 19, 30);
        assert!(rhythm.next_look(from, &dear) > rhythm.next_look(from, &RULES));
        let free = LookRules { worth_min: 0.0, ..RULES };
        assert_eq!(rhythm.next_look(from, &free), from + RULES.least);
        let short = LookRules { longest: TimeDelta::minutes(10), worth_min: 1e9, ..RULES };
        assert_eq!(rhythm.next_look(from, &short), from + short.longest);
    }

    #[test]
    fn a_world_whose_clock_runs_ahead_is_looked_at_as_often_as_allowed() {
        let games = evenings();
        let long_before = at(10, 12, 0);
        let next = Rhythm::of(&games, long_before).next_look(long_before, &RULES);
        assert_eq!(next, long_before + RULES.least);
    }

    #[test]
    fn a_look_is_worth_more_the_longer_nobody_looked() {
        let rhythm = Rhythm::of(&evenings(), at(20, 0, 0));
        let worth =
            |hours| rhythm.worth_min(at(20, 12, 0), at(20, 12, 0) + TimeDelta::hours(hours));
        assert!(worth(0) == 0.0 && worth(2) < worth(8) && worth(8) < worth(12));
    }
}

//! Notifications between runners: a hint to look now instead of at the next poll.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use riftwatch_store::Db;

use crate::control::Control;
use crate::follow::Board;
use crate::listener::{self, Ear};
use crate::outbox::{WISHES, Word};
use crate::run::Stop;

/// What a runner does with what it hears: its own work, and a look for those who follow runs here.
struct RunnerEar {
    control: Arc<Control>,
    board: Arc<Board>,
}

/// Listens until the runner has ended.
pub(crate) async fn run(db: Db, control: Arc<Control>, board: Arc<Board>) {
    let ear = RunnerEar { control, board };
    let control = &ear.control;
    listener::listen(db.url(), control.config.probe, &control.ended, &ear).await;
}

impl Ear for RunnerEar {
    fn listening(&self, yes: bool) {
        self.control.listening.store(yes, Ordering::Release);
        self.board.listening(yes);
        if yes {
            // What was said while nobody listened.
            self.control.look_for_runs.notify_one();
            self.control.look_for_ticks.notify_one();
        }
    }

    fn heard(&self, channel: &str, payload: &str) {
        self.board.heard(channel, payload);
        if channel != WISHES {
            return;
        }
        match payload.split_once(':') {
            None if payload == "due" => self.control.look_for_runs.notify_one(),
            None if payload == "jobs" => self.control.look_for_ticks.notify_one(),
            Some(("cancel", ids)) => {
                for id in ids.split(',').filter_map(|id| id.parse().ok()) {
                    self.control.stop_run(id, Stop::Cancelled);
                }
            }
            // Somebody else's probe, or a newer version's word.
            _ => {}
        }
    }

    async fn to_say(&self) -> Vec<Word> {
        self.control.outbox.next().await
    }
}

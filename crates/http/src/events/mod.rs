//! Server-sent events: runs, as they happen.
//!
//! One `feed` a process reads what changes about runs, over one connection however many listen,
//! renders each event once, and hands it to the `stream` of every listener. A listener that comes
//! back with `Last-Event-ID`, to this process or another, and one that read too slowly, is told by
//! the same feed what it missed, and joins the others exactly where they are.

mod cursor;
mod feed;
mod stream;
mod telling;

pub(crate) use feed::Feed;
pub(crate) use stream::{EVENT_STREAM, Scope, listen};

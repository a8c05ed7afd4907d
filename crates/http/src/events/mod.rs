//! Server-sent events: runs, as they happen.
//!
//! One `reader` a process reads what changes about runs, over one connection however many listen,
//! renders each event once, and hands it to the `stream` of every listener. A listener that comes
//! back with `Last-Event-ID`, to this process or another, and one that read too slowly, is told by
//! the same reader what it missed (`catch_up`), and joins the others exactly where they are.

mod catch_up;
mod cursor;
mod feed;
mod reader;
mod stream;
mod telling;

pub(crate) use feed::Feed;
pub(crate) use stream::{EVENT_STREAM, Scope, listen};

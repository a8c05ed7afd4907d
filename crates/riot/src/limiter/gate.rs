//! Whether a process may spend from a budget that it shares with others.
//!
//! What may be spent is written down before it is spent: a process that has the turn may send so
//! many requests, until such a time. Whoever follows a process that died counts them as sent.

use tokio::time::Instant;

/// The door of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// The budget is this process's own.
    Open,
    /// So many requests more, and none from `until` on.
    Shared {
        allowance: u32,
        until: Option<Instant>,
        /// Since the last page was begun.
        spent: u32,
    },
}

impl Gate {
    /// It is not this process's turn.
    pub(super) const SHUT: Self = Self::Shared { allowance: 0, until: None, spent: 0 };

    pub(super) fn is_open(&self, now: Instant) -> bool {
        match self {
            Self::Open => true,
            Self::Shared { allowance, until, .. } => {
                *allowance > 0 && until.is_some_and(|until| now < until)
            }
        }
    }

    /// Whether what was taken may still be sent.
    pub(super) fn may_send(&self, now: Instant) -> bool {
        match self {
            Self::Open => true,
            Self::Shared { until, .. } => until.is_some_and(|until| now < until),
        }
    }

    pub(super) fn spend(&mut self) {
        if let Self::Shared { allowance, spent, .. } = self {
            *allowance -= 1;
            *spent += 1;
        }
    }

    /// A turn begins, or a page was written: it allows so many requests, of which some may have been
    /// sent since it was begun.
    pub(super) fn allow(&mut self, reserved: u32, until: Instant) {
        let spent = match self {
            Self::Open => return,
            Self::Shared { spent, .. } => *spent,
        };
        let allowance = reserved.saturating_sub(spent);
        *self = Self::Shared { allowance, until: Some(until), spent };
    }

    /// A page is begun that will allow so many requests. Until it is known whether it was written, no
    /// more are sent than both it and the last one allow.
    pub(super) fn begin_page(&mut self, reserved: u32) {
        if let Self::Shared { allowance, spent, .. } = self {
            *allowance = reserved.min(*allowance);
            *spent = 0;
        }
    }

    /// Nobody else may go; what was granted may still be sent.
    pub(super) fn stop_granting(&mut self) {
        if let Self::Shared { allowance, .. } = self {
            *allowance = 0;
        }
    }

    /// What is left to spend.
    pub(super) fn allowance(&self) -> u32 {
        match self {
            Self::Open => u32::MAX,
            Self::Shared { allowance, .. } => *allowance,
        }
    }
}

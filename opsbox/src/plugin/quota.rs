//! Quotas on what a plugin may say unasked, so that a flood costs the plugin and nobody else.

use std::time::{Duration, Instant};

use opsbox_protocol::limits;

/// Log records and stderr lines that are shown in each period; the rest is counted.
const LOG_LINES: u32 = 1_000;
/// Answers without a call, requests for unknown methods and unreadable notifications that are borne in each period.
const STRAYS: u32 = 1_000;
const PERIOD: Duration = Duration::from_secs(limits::NOISE_PERIOD_SECONDS);

/// Counts the lines of one plugin that are not messages.
#[derive(Debug, Default)]
pub(crate) struct NoiseQuota {
    lines: u32,
    bytes: u64,
    since: Option<Instant>,
    ready: bool,
}

impl NoiseQuota {
    /// Starts the count anew, with the budget that holds after the handshake.
    pub(crate) fn handshake_done(&mut self) {
        *self = Self {
            ready: true,
            ..Self::default()
        };
    }

    /// Counts a line; returns false where the budget is used up.
    pub(crate) fn allows(&mut self, bytes: usize) -> bool {
        let now = Instant::now();
        if self.ready && self.since.is_none_or(|since| now - since > PERIOD) {
            *self = Self {
                ready: true,
                since: Some(now),
                ..Self::default()
            };
        }
        self.lines += 1;
        self.bytes += bytes as u64;
        if self.ready {
            self.lines <= limits::NOISE_LINES
        } else {
            self.lines <= limits::NOISE_LINES_HANDSHAKE && self.bytes <= limits::NOISE_BYTES_HANDSHAKE
        }
    }
}

impl NoiseQuota {
    /// Counts a message that nobody asked for; returns false where there are too many in a period.
    pub(crate) fn allows_strays(&mut self) -> bool {
        self.ready = true;
        let _lines = self.allows(0);
        self.lines <= STRAYS
    }
}

/// Thins out a flood of log records.
#[derive(Debug, Default)]
pub(crate) struct LogQuota {
    shown: u32,
    left_out: u64,
    since: Option<Instant>,
}

/// What to do with a log record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Show it.
    Show,
    /// Show it, and say first that so many were left out.
    ShowAfter(u64),
    /// Leave it out; it is the first that is.
    FirstLeftOut,
    /// Leave it out.
    LeaveOut,
}

impl LogQuota {
    /// Counts a record.
    pub(crate) fn judge(&mut self) -> Verdict {
        let now = Instant::now();
        if self.since.is_none_or(|since| now - since > PERIOD) {
            let left_out = std::mem::take(&mut self.left_out);
            self.since = Some(now);
            self.shown = 1;
            return if left_out > 0 {
                Verdict::ShowAfter(left_out)
            } else {
                Verdict::Show
            };
        }
        if self.shown < LOG_LINES {
            self.shown += 1;
            return Verdict::Show;
        }
        self.left_out += 1;
        if self.left_out == 1 {
            Verdict::FirstLeftOut
        } else {
            Verdict::LeaveOut
        }
    }

    /// Returns how many records were left out and not yet spoken of.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }
}

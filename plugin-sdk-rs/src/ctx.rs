//! What a hook may tell the host while it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opsbox_protocol::message::{
    GapParams, InitializeParams, LogLevel, LogParams, OutputParams, ProgressParams, StepStatus, Stream,
};

use serde_json::Number;
use serde_json::value::RawValue;

use crate::asking::Answer;
use crate::error::{Cancelled, Result};
use crate::host::HostError;
use crate::wire::Wire;

/// The context of one call. It is cheap to clone and may be used from other threads.
#[derive(Clone)]
pub struct Ctx {
    id: u64,
    wire: Arc<Wire>,
    session: Arc<InitializeParams>,
    cancelled: Arc<AtomicBool>,
    notes: Arc<Mutex<Notes>>,
    steps: Arc<[StepStatus]>,
    private: bool,
}

/// What the call remembers of what it told.
#[derive(Default)]
struct Notes {
    last_progress: Option<Instant>,
    untold_gap: Option<String>,
}

/// Progress that comes faster than people can read is left out.
const PROGRESS_PERIOD: Duration = Duration::from_millis(100);

/// The feature by which outputs are told how the checks ended.
pub(crate) const STEPS: &str = "steps";
/// The feature by which outputs are told that a Result holds a secret.
pub(crate) const PRIVATE: &str = "private";

impl Ctx {
    pub(crate) fn new(
        id: u64,
        wire: Arc<Wire>,
        session: Arc<InitializeParams>,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        Self {
            id,
            wire,
            session,
            cancelled,
            notes: Arc::default(),
            steps: Arc::default(),
            private: false,
        }
    }

    /// Returns the same call's context with what the host told of the run's checks; nothing where that was not agreed on.
    pub(crate) fn with_steps(&self, steps: Vec<StepStatus>) -> Self {
        let mut ctx = self.clone();
        if self.host_knows(STEPS) {
            ctx.steps = steps.into();
        }
        ctx
    }

    /// Returns the same call's context with whether what it writes is the user's alone.
    pub(crate) fn with_private(mut self, private: bool) -> Self {
        self.private = private && self.host_knows(PRIVATE);
        self
    }

    /// Returns the first gap that the host has no ears for.
    pub(crate) fn untold_gap(&self) -> Option<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .untold_gap
            .take()
    }

    fn host_knows(&self, feature: &str) -> bool {
        self.session.features.iter().any(|known| known == feature)
    }

    /// Returns the number of the call.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Asks the host during this call, and waits for its answer.
    pub(crate) fn ask(&self, method: &str, params: &RawValue) -> Result<Box<RawValue>> {
        let (id, answer) = self.wire.asking.begin(self.id);
        if self.is_cancelled() {
            self.wire.asking.answered(&format!("\"{id}\""), Answer::Cancelled);
            return Err(Cancelled.into());
        }
        if let Err(error) = self.wire.request(&id, method, params.get()) {
            self.wire.asking.answered(&format!("\"{id}\""), Answer::Cancelled);
            return Err(error.into());
        }
        match answer.recv() {
            Ok(Answer::Result(result)) => Ok(result),
            Ok(Answer::Error(body)) => Err(HostError::new(body).into()),
            Ok(Answer::Cancelled) | Err(_) => Err(Cancelled.into()),
        }
    }

    /// Returns what the host said of itself, the terminal, the working directory and the limits.
    pub fn session(&self) -> &InitializeParams {
        &self.session
    }

    /// Returns how each check of the run ended, in the order of the pipeline; for outputs, and empty with a host that does
    /// not tell. Only where all of them are [whole](crate::Status::is_whole) do Results without findings mean that there are none.
    pub fn steps(&self) -> &[StepStatus] {
        &self.steps
    }

    /// Returns whether a Result holds a secret, so that every file that an output makes of the Results must be the user's alone (0600).
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Tells how far the call has come. A plugin that calls this often enough sets [`crate::Plugin::REPORTS_PROGRESS`],
    /// and is then stopped when it has been silent for too long instead of when it takes long.
    /// What comes within a tenth of a second of the last one is left out, unless it is the end.
    pub fn progress(&self, done: f64, total: Option<f64>, unit: &str, message: &str) {
        if !self.host_knows("progress")
            || !self.is_time_for_progress(total.is_some_and(|total| done >= total))
        {
            return;
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        // What is no number at all is nothing that could be told.
        let Some(done) = number(done) else { return };
        let params = ProgressParams {
            id: self.id,
            done,
            total: total.and_then(number),
            unit: text(unit),
            message: text(message),
        };
        self.wire.notify("progress", &params);
    }

    fn is_time_for_progress(&self, is_end: bool) -> bool {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = is_end
            || notes
                .last_progress
                .is_none_or(|last| last.elapsed() >= PROGRESS_PERIOD);
        if is_time {
            notes.last_progress = Some(Instant::now());
        }
        is_time
    }

    /// Logs a text; one over the limit of the session is cut.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.log_fields(level, message, None);
    }

    /// Logs a text with further facts.
    pub fn log_fields(
        &self,
        level: LogLevel,
        message: impl Into<String>,
        fields: Option<serde_json::Map<String, serde_json::Value>>,
    ) {
        if level < self.session.log_level {
            return;
        }
        let mut message = message.into();
        let limit = self.session.limits.log_bytes as usize;
        if message.len() > limit {
            let mut end = limit.saturating_sub('…'.len_utf8());
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
            message.push('…');
        }
        self.wire.notify(
            "log",
            &LogParams {
                level,
                message,
                fields,
            },
        );
    }

    /// Logs something for users who ask.
    pub fn info(&self, message: impl Into<String>) {
        self.log(LogLevel::Info, message);
    }

    /// Logs something odd.
    pub fn warn(&self, message: impl Into<String>) {
        self.log(LogLevel::Warn, message);
    }

    /// Reports that part of what this call should have looked at could not be looked at. Every check that needs that part
    /// is then incomplete, never clean. Towards a host that knows no gaps the call fails with the first one.
    pub fn gap(&self, gap: Gap) {
        let Gap {
            section,
            what,
            why,
            remedy,
        } = gap;
        if !self.host_knows("gap") {
            let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes
                .untold_gap
                .get_or_insert_with(|| format!("cannot look at {what}: {why}"));
            return;
        }
        self.wire.notify(
            "gap",
            &GapParams {
                id: self.id,
                section,
                what,
                why,
                remedy,
            },
        );
    }

    /// Shows text on the user's standard output (outputs only; the text has its own line ends).
    pub fn output(&self, text: impl Into<String>) {
        let text = text.into();
        if text.is_empty() {
            return;
        }
        if self.host_knows("output") {
            self.wire.notify(
                "output",
                &OutputParams {
                    text,
                    stream: Stream::Stdout,
                },
            );
        }
    }

    /// Returns whether the call was cancelled, or the host is gone.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.wire.is_broken()
    }

    /// Ends a hook early with `?` where the call was cancelled.
    ///
    /// # Errors
    /// [`Cancelled`], which the host takes as the call's answer.
    pub fn check_cancelled(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx")
            .field("id", &self.id)
            .field("plugin", &self.session.plugin)
            .finish_non_exhaustive()
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    section: Option<String>,
    what: String,
    why: String,
    remedy: Option<String>,
}

impl Gap {
    /// Makes a gap that concerns all of the call's data: what could not be looked at, and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            section: None,
            what: what.into(),
            why: why.into(),
            remedy: None,
        }
    }

    /// Limits the gap to one top-level key of the data.
    #[must_use]
    pub fn section(mut self, key: impl Into<String>) -> Self {
        self.section = Some(key.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Returns a number as JSON has it, whole ones without a fraction; `None` for what is none, such as `NaN`.
fn number(value: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        // Within these bounds the cast loses nothing.
        #[allow(clippy::cast_possible_truncation)]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

//! Live lines on a terminal: one for each step that runs, gone when it ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use opsbox_protocol::message::ProgressParams;

use super::text;

const REDRAW: Duration = Duration::from_millis(200);

/// The live part of the terminal.
pub struct Live {
    lines: MultiProgress,
    bars: Mutex<HashMap<usize, ProgressBar>>,
}

impl Live {
    /// Makes an empty live part on stderr.
    pub fn new() -> Self {
        Self {
            lines: MultiProgress::new(),
            bars: Mutex::new(HashMap::new()),
        }
    }

    fn bars(&self) -> MutexGuard<'_, HashMap<usize, ProgressBar>> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what a step does now.
    pub fn shows(&self, step: usize, plugin: &str, doing: &str) {
        let mut bars = self.bars();
        let bar = bars.entry(step).or_insert_with(|| {
            let bar = self.lines.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {prefix} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_prefix(text::clean(plugin));
            bar.enable_steady_tick(REDRAW);
            bar
        });
        bar.set_message(text::clean(doing));
    }

    /// Shows how far a step is.
    pub fn progressed(&self, step: usize, progress: &ProgressParams) {
        if let Some(bar) = self.bars().get(&step) {
            bar.set_message(describe(progress));
        }
    }

    /// Takes a step's line away.
    pub fn ended(&self, step: usize) {
        if let Some(bar) = self.bars().remove(&step) {
            bar.finish_and_clear();
            self.lines.remove(&bar);
        }
    }

    /// Takes the live part off the screen while something else is written.
    pub fn suspended<T>(&self, write: impl FnOnce() -> T) -> T {
        self.lines.suspend(write)
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns progress in words, for example `3 of 12 regions: eu-west-1`.
pub fn describe(progress: &ProgressParams) -> String {
    let unit = progress
        .unit
        .as_deref()
        .map(|unit| format!(" {unit}"))
        .unwrap_or_default();
    let amount = match &progress.total {
        Some(total) => format!("{} of {total}{unit}", progress.done),
        None => format!("{}{unit}", progress.done),
    };
    let message = progress
        .message
        .as_deref()
        .map(|message| format!(": {message}"))
        .unwrap_or_default();
    text::clean(&format!("{amount}{message}"))
}

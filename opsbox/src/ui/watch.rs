//! Shows a run while it goes on.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opsbox_protocol::message::{LogLevel, Stream};
use serde_json::json;

use crate::plugin::Event;
use crate::report::record::GapRecord;
use crate::report::summary::cause_of;
use crate::report::{Role, RunRecord, Status, StepRecord, summary};
use crate::run::Observer;

use super::lane::Lane;
use super::screen::Progress;
use super::{Ui, text};

/// The view of one run.
pub struct RunWatch {
    ui: Arc<Ui>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was said already, so that the summary need not.
    warned: Vec<String>,
    names: Vec<String>,
    /// Gaps that were shown already: a provider's are those of its checks, too.
    gaps: HashSet<GapRecord>,
    lane: Lane,
    /// Steps with text that stdout did not take, and why.
    unwritten: BTreeMap<usize, String>,
}

impl RunWatch {
    /// Makes a view on this terminal.
    pub fn new(ui: Arc<Ui>) -> Self {
        Self {
            ui,
            state: Mutex::new(State::default()),
        }
    }

    /// Shows the summary.
    pub fn summary(&self, record: &RunRecord) {
        let warned = self.state().warned.clone();
        for warning in record.warnings.iter().filter(|warning| !warned.contains(warning)) {
            self.ui.warn(warning);
        }
        let lines = summary::lines(record, self.ui.options().verbose > 0);
        for line in &lines {
            self.ui.keep(LogLevel::Info, None, line);
        }
        if self.ui.is_json() {
            self.ui.event(&json!({"event": "summary", "lines": lines}));
        } else if !self.ui.options().quiet || record.exit_code != 0 {
            for line in &lines {
                self.ui.line(&text::clean(line));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes text of an output to stdout.
    fn write(&self, state: &mut State, step: usize, text: &str) {
        if let Err(why) = self.ui.output(text) {
            state.unwritten.insert(step, why);
        }
    }

    fn name(&self, step: usize) -> String {
        self.state().names.get(step).cloned().unwrap_or_default()
    }

    /// Shows the gaps of a step, where its line could only count them; each once, though many checks may share it.
    fn gaps(&self, record: &StepRecord) {
        let new: Vec<&GapRecord> = {
            let mut state = self.state();
            let is_new = |gap: &&GapRecord| state.gaps.insert((*gap).clone());
            record.gaps.iter().filter(is_new).collect()
        };
        if record.gaps.len() > 1 {
            for gap in new {
                let line = format!("could not look at {}", gap.line());
                self.ui.log(LogLevel::Info, Some(&record.plugin), &line);
            }
        }
    }

    fn settled_line(record: &StepRecord) -> String {
        let amount = match (record.role, record.findings) {
            (Role::Check, Some(findings)) if findings > 0 => format!(" ({findings})"),
            _ => String::new(),
        };
        let why = if matches!(record.status, Status::Clean | Status::Findings) {
            String::new()
        } else {
            format!(": {}", cause_of(record))
        };
        let time = text::seconds(record.seconds);
        let from = match &record.from_run {
            Some(run) => format!("of run {run}"),
            None => time,
        };
        text::clean(&format!(
            "{:10} {}{amount}, {from}{why}",
            record.status.word(),
            record.plugin
        ))
    }
}

impl Observer for RunWatch {
    fn planned(&self, steps: &[StepRecord]) {
        let outputs = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.role == Role::Output);
        let mut state = self.state();
        state.lane = Lane::new(outputs.map(|(index, _)| index).collect());
        state.names = steps.iter().map(|step| step.plugin.clone()).collect();
    }

    fn started(&self, step: usize, hook: &str) {
        let name = self.name(step);
        if let Some(live) = &self.ui.live {
            live.shows(step, &name, hook);
        } else if self.ui.is_json() {
            self.ui
                .event(&json!({"event": "started", "plugin": name, "hook": hook}));
        }
    }

    fn said(&self, step: usize, plugin: &str, event: Event) {
        match event {
            Event::Progress(progress) => {
                if let Some(live) = &self.ui.live {
                    live.progressed(step, &progress);
                } else if self.ui.is_json() {
                    let event = json!({"event": "progress", "plugin": plugin, "progress": progress});
                    self.ui.event(&event);
                } else {
                    self.ui.said(plugin, Event::Progress(progress));
                }
            }
            Event::Output {
                text,
                stream: Stream::Stderr,
            } => {
                for line in text.lines() {
                    self.ui.line(line);
                }
            }
            Event::Output {
                text,
                stream: Stream::Stdout,
            } => {
                // Two threads tell what happens; the lock keeps the order of the lane on stdout as well.
                let mut state = self.state();
                if let Some(text) = state.lane.push(step, text) {
                    self.write(&mut state, step, &text);
                }
            }
            other => self.ui.said(plugin, other),
        }
    }

    fn settled(&self, step: usize, record: &StepRecord) {
        if let Some(live) = &self.ui.live {
            live.ended(step);
        }
        if record.role == Role::Output {
            let mut state = self.state();
            for (step, text) in state.lane.end(step) {
                self.write(&mut state, step, &text);
            }
        }
        let options = self.ui.options();
        let level = match record.is_whole() {
            true => LogLevel::Info,
            false => LogLevel::Error,
        };
        self.ui
            .keep(level, Some(&record.plugin), &Self::settled_line(record));
        if self.ui.is_json() {
            return self.ui.event(&json!({"event": "settled", "step": record}));
        }
        let plain = self.ui.live.is_none() && options.progress != Progress::None;
        let shown = options.verbose > 0 || plain || !record.is_whole();
        if shown && !options.quiet {
            self.ui.line(&Self::settled_line(record));
        }
        self.gaps(record);
        for error in &record.errors {
            if let Some(traceback) = &error.traceback {
                self.ui.log(LogLevel::Info, Some(&record.plugin), traceback);
            }
        }
    }

    fn prints(&self, step: usize) -> bool {
        let state = self.state();
        state.lane.holds(step) || state.unwritten.contains_key(&step)
    }

    fn print(&self, step: usize) -> Result<(), String> {
        let mut state = self.state();
        let text = state.lane.take(step);
        self.write(&mut state, step, &text);
        state.unwritten.remove(&step).map_or(Ok(()), Err)
    }

    fn warned(&self, message: &str) {
        self.state().warned.push(message.to_owned());
        self.ui.warn(message);
    }
}

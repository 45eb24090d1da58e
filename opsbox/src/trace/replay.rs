//! Playing the host's side of a trace to a plugin, and what its answers are now.

mod stage;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Map, Value};

use super::compare::{Difference, Leniency};
use super::read::Recorded;
use super::shape::Side;
use super::show::Said;
use crate::config::SECRET;
use crate::error::Fault;
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::plugin::process::{Pipes, Process, describe};
use crate::plugin::{PluginError, SessionContext};
use stage::Stage;

/// How long a plugin may take to end when its input has ended.
const END: Duration = Duration::from_secs(10);

/// What is played, and how.
pub struct Play<'a> {
    /// The trace.
    pub trace: &'a Recorded,
    /// How the plugin is started.
    pub spec: SessionSpec,
    /// What its session would share.
    pub ctx: &'a SessionContext,
    /// How long an answer may take.
    pub limit: Duration,
    /// Values for the secrets that the trace does not hold.
    pub fills: Map<String, Value>,
    /// What may differ.
    pub leniency: Leniency,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Played {
    /// Every request of the host, and every request of the plugin.
    pub calls: Vec<Call>,
    /// How the process ended, if that is another than in the trace.
    pub end: Option<(String, String)>,
    /// Why the play stopped before its end.
    pub stopped: Option<String>,
    /// Secret fields that were set then, and were sent as `<secret>` now.
    pub unfilled: Vec<String>,
    /// The last lines on standard error, where something differs.
    pub stderr: Vec<String>,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The id in the trace, as JSON.
    pub id: String,
    /// The method.
    pub method: String,
    /// How long the answer took in the trace, in milliseconds.
    pub then_ms: Option<f64>,
    /// How long it took now.
    pub now_ms: Option<f64>,
    /// Where the answers differ.
    pub differences: Vec<Difference>,
}

impl Played {
    /// Returns whether everything is as it was.
    pub fn is_same(&self) -> bool {
        let differs = self.calls.iter().any(|call| !call.differences.is_empty());
        !differs && self.end.is_none() && self.stopped.is_none()
    }
}

/// Plays a trace.
///
/// # Errors
/// A fault where the trace cannot be played or the plugin not be started.
pub async fn play(play: Play<'_>, sink: Sink) -> Result<Played, Fault> {
    check(play.trace)?;
    let name = play.spec.name.clone();
    let failed = |error: PluginError| error.fault(&name);
    let spawned = Process::spawn(&play.spec.process, &sink, play.ctx.guardian.as_ref());
    let (process, Pipes { stdin, stdout }) = spawned.map_err(failed)?;
    let mut stage = Stage::open(stdin, stdout, play.limit);
    let mut played = Played {
        unfilled: play.unfilled(),
        ..Played::default()
    };
    if let Err(why) = stage.perform(&play, &mut played).await {
        played.stopped = Some(why);
    }
    stage.close();
    let end = process.ended(END).await;
    let how = end.map_or_else(
        || format!("still ran {} s after the end of its input", END.as_secs()),
        |end| describe(end).0,
    );
    process.signal(Signal::KILL);
    drop(stage);
    played.end = recorded_end(play.trace)
        .filter(|then| *then != how)
        .map(|then| (then, how));
    if !played.is_same() {
        played.stderr = process.stderr_tail().await;
    }
    Ok(played)
}

/// Refuses a trace of which the host's side is not whole.
fn check(trace: &Recorded) -> Result<(), Fault> {
    let cut = trace
        .lines
        .iter()
        .position(|line| line.from == Side::Host && !line.is_whole());
    let Some(index) = cut else { return Ok(()) };
    let bytes = trace.lines[index].bytes;
    Err(Fault::new(format!(
        "line {} of the trace, which the host sent, was cut: it had {bytes} bytes, and lines of up to {} were kept whole",
        index + 2,
        trace.head.whole_bytes
    ))
    .hint(format!("trace the run again with `--trace-line {bytes}`")))
}

/// Returns how the process ended in the trace, where it ended by itself.
fn recorded_end(trace: &Recorded) -> Option<String> {
    let last = trace.lines.iter().rev().find(|line| line.from == Side::Process)?;
    let ended = ["exited ", "crashed ", "aborted ", "was ended "];
    ended
        .iter()
        .any(|word| last.line.starts_with(word))
        .then(|| last.line.clone())
}

impl Call {
    fn new(id: &Value, method: String) -> Self {
        Self {
            id: id.to_string(),
            method,
            then_ms: None,
            now_ms: None,
            differences: Vec::new(),
        }
    }
}

impl Play<'_> {
    /// Returns the fields of the trace's configuration whose value is a secret that nobody gave, in order.
    fn unfilled(&self) -> Vec<String> {
        let sent = self.trace.lines.iter().filter(|line| line.from == Side::Host);
        let set = sent.filter_map(|line| match Said::of(line) {
            Said::Request(_, method, params) if method == "set_data" => params["config"].as_object().cloned(),
            _ => None,
        });
        let mut fields: Vec<String> = set
            .flatten()
            .filter(|(name, value)| value.to_string().contains(SECRET) && !self.fills.contains_key(name))
            .map(|(name, _)| name)
            .collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// Returns a request of the host as it is sent now: with this host's process and folder, and with the secrets that were given.
    fn dressed(&self, line: &str) -> String {
        let is = |method: &str| line.contains(&format!("\"method\":\"{method}\""));
        let is_changed = is("initialize") || (is("set_data") && line.contains(SECRET));
        if !is_changed {
            return line.to_owned();
        }
        let Ok(mut message) = serde_json::from_str::<Value>(line) else {
            return line.to_owned();
        };
        if let Some(pid) = message.pointer_mut("/params/host/pid") {
            *pid = std::process::id().into();
        }
        if let Some(cwd) = message.pointer_mut("/params/cwd") {
            *cwd = self.ctx.cwd.display().to_string().into();
        }
        let config = message
            .pointer_mut("/params/config")
            .and_then(Value::as_object_mut);
        for (name, value) in config.into_iter().flatten() {
            if let Some(fill) = self.fills.get(name) {
                *value = fill.clone();
            }
        }
        message.to_string()
    }
}

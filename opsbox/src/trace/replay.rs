//! Playing the host's side of a trace to a plugin, and what its answers are now.

mod heard;
mod stage;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use opsbox_protocol::limits;
use serde_json::{Map, Value};

use super::compare::{Difference, Leniency};
use super::read::Recorded;
use super::said::Said;
use super::shape::Side;
use crate::config::SECRET;
use crate::error::Fault;
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::plugin::process::{Pipes, Process, describe};
use crate::plugin::{PluginError, SessionContext};
use crate::redact::Redactor;
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

    /// Takes secrets out of all that the plugin has said.
    pub fn hide(&mut self, secrets: &Redactor) {
        let hide = |text: &mut String| {
            if let Cow::Owned(shown) = secrets.text(text.as_str()) {
                *text = shown;
            }
        };
        for call in &mut self.calls {
            hide(&mut call.id);
            hide(&mut call.method);
            for found in &mut call.differences {
                hide(&mut found.path);
                for value in [&mut found.then, &mut found.now].into_iter().flatten() {
                    *value = secrets.value(value);
                }
            }
        }
        let end = self.end.iter_mut().map(|(_, now)| now);
        self.stopped
            .iter_mut()
            .chain(end)
            .chain(&mut self.stderr)
            .for_each(hide);
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
    let mut stage = Stage::open(stdin, stdout, play.limit, longest_line(play.trace));
    let mut played = Played {
        unfilled: play.unfilled(),
        ..Played::default()
    };
    if let Err(why) = stage.perform(&play, &mut played).await {
        played.stopped = Some(why);
    }
    let end = stage.close(&process, END, &mut played).await;
    let how = end.map_or_else(
        || format!("still ran {} s after the end of its input", END.as_secs()),
        |end| describe(end).0,
    );
    let then = recorded_end(play.trace);
    // Where the host broke off, the plugin may go on now.
    let is_all = played.stopped.is_none()
        && !play.trace.torn
        && then.as_ref().is_some_and(|then| !then.starts_with("was ended "));
    if is_all || played.stopped.is_some() {
        stage.rest(&play.leniency, is_all, &mut played);
    }
    drop(stage);
    played.end = then.filter(|then| *then != how).map(|then| (then, how));
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

/// Returns the longest line that the host took from the plugin, as it said when it began.
fn longest_line(trace: &Recorded) -> u64 {
    let mut sent = trace.lines.iter().filter(|line| line.from == Side::Host);
    let told = sent.find_map(|line| match Said::of(line) {
        Said::Request(_, method, params) if method == "initialize" => params["limits"]["line_bytes"].as_u64(),
        _ => None,
    });
    told.unwrap_or(limits::LINE_BYTES)
}

/// Returns the schema that the plugin gave for its configuration, where the trace has one.
pub fn schema(trace: &Recorded) -> Option<Value> {
    let mut asked = None;
    trace
        .lines
        .iter()
        .find_map(|line| match (line.from, Said::of(line)) {
            (Side::Host, Said::Request(id, method, _)) if method == "grab_config" => {
                asked = Some(id);
                None
            }
            (Side::Plugin, Said::Answer(id, Ok(schema))) if asked.as_ref() == Some(&id) => Some(schema),
            _ => None,
        })
}

/// Returns the fields whose values in the trace's configuration are secrets, or hold one.
pub fn secret_fields(trace: &Recorded) -> BTreeSet<String> {
    let sent = trace.lines.iter().filter(|line| line.from == Side::Host);
    let set = sent.filter_map(|line| match Said::of(line) {
        Said::Request(_, method, params) if method == "set_data" => params["config"].as_object().cloned(),
        _ => None,
    });
    set.flatten()
        .filter(|(_, value)| value.to_string().contains(SECRET))
        .map(|(name, _)| name)
        .collect()
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
    fn new(id: &str, method: String) -> Self {
        Self {
            id: id.to_owned(),
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
        let fields = secret_fields(self.trace).into_iter();
        fields.filter(|name| !self.fills.contains_key(name)).collect()
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

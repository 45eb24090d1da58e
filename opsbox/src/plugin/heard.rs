//! What one plugin says, line by line: answers, requests, notifications, noise and damage.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use opsbox_protocol::message::{GapParams, LogParams, OutputParams, ProgressParams};
use opsbox_protocol::{
    ErrorBody, Incoming, LineFault, Outcome, code, handler, limits, outgoing, parse_line, recover_id,
};
use serde_json::Value;
use serde_json::value::RawValue;

use super::asked::{self, HostRequest};
use super::broken::Broken;
use super::call::{Gap, Reply};
use super::error::PluginError;
use super::event::Event;
use super::peer::Shared;
use super::quota::Verdict;
use super::reader::depth_fault;

const SHOWN_CHARS: usize = 200;
/// More than so many characters can take, in bytes.
const MOST_SHOWN: usize = 4 * SHOWN_CHARS + 4;

impl Shared {
    /// Takes one line, without its `\n`.
    pub(crate) fn handle_line(self: &Arc<Self>, line: &Bytes, depth: u32) {
        self.traced(line);
        let Ok(text) = std::str::from_utf8(line) else {
            let lossy = String::from_utf8_lossy(line);
            if lossy.contains("\"jsonrpc\"") {
                self.broken(Broken::damaged(recover_id(&lossy)), "a line that is not UTF-8");
            } else {
                self.noise(&lossy);
            }
            return;
        };
        if text.trim_matches(['\u{feff}', ' ', '\t', '\r']).is_empty() {
            return;
        }
        if let Some(why) = depth_fault(depth) {
            return self.too_deep(text, &why);
        }
        let expect = |id: &str| {
            self.state()
                .pending
                .get(&id.parse().ok()?)
                .map(|pending| pending.expect)
        };
        match parse_line(text, &expect) {
            Ok(Incoming::Response { id, outcome }) => self.answer(line, id, outcome),
            Ok(Incoming::Notification { method, params }) => self.notified(&method, params),
            Ok(Incoming::Request { id, method, params }) => self.requested(line, id, &method, params),
            Err(LineFault::Noise) => self.noise(text),
            Err(LineFault::Damaged { id, why, answer }) => {
                // Whoever waits for an answer that came in a batch would wait in vain.
                let batched = || recover_id(text.trim_start_matches(['\u{feff}', ' ', '[']));
                let id = id.or_else(batched);
                self.broken(Broken { id, answer }, &why);
            }
        }
    }

    fn answer(&self, line: &Bytes, id: &str, outcome: Outcome<'_>) {
        let Some(pending) = id
            .parse()
            .ok()
            .and_then(|id: u64| self.state().pending.remove(&id))
        else {
            return self.stray(format!(
                "answered with id {}, which no call waits for",
                self.shown(id)
            ));
        };
        let method = pending.method;
        let answer = match outcome {
            Outcome::Result(payload) => {
                Reply::cut(line, payload).map_err(|why| PluginError::Shape { method, why })
            }
            Outcome::Error(body) if body.code == code::CANCELLED => Err(PluginError::Cancelled { method }),
            Outcome::Error(mut body) => {
                body.message = self.readable(body.message);
                if let Some(Value::String(hint)) = body.data.as_mut().and_then(|data| data.get_mut("hint")) {
                    *hint = self.readable(std::mem::take(hint));
                }
                Err(PluginError::Answered {
                    method,
                    body: Box::new(body),
                })
            }
        };
        // A caller that has given up does not mind.
        let _sent = pending.answer.send(answer);
    }

    fn requested(self: &Arc<Self>, line: &Bytes, id: &str, method: &str, params: Option<&RawValue>) {
        let ready = self.state().ready;
        let error = if !ready {
            ErrorBody::new(code::NOT_READY, "a request before the answer to `initialize`")
        } else if method.starts_with(handler::PREFIX) {
            match self.asked(line, id, method, params) {
                Ok(()) => return,
                Err(error) => error,
            }
        } else {
            let message = format!("this host offers no method {}", self.shown(method));
            ErrorBody::new(code::METHOD_NOT_FOUND, message)
        };
        if !self.state().strays.allows_strays() {
            let why = "too many requests that this host refuses";
            return self.fail_all(&PluginError::protocol(why));
        }
        self.state()
            .send(vec![Bytes::from(outgoing::error_line(id, &error))]);
    }

    /// Hands a request on to whoever made the call that it belongs to.
    fn asked(
        self: &Arc<Self>,
        line: &Bytes,
        id: &str,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<(), ErrorBody> {
        let (call, ask) = asked::read(method, params, line)?;
        let refused = |why: String| ErrorBody::new(code::INVALID_REQUEST, format!("`{method}`: {why}"));
        let desk = {
            let mut state = self.state();
            let n_asked = state.n_asked;
            let Some(pending) = state.pending.get_mut(&call) else {
                let why = format!("call {call} is not open; only while it serves a call may a handler ask");
                return Err(refused(why));
            };
            let Some(desk) = pending.desk.clone() else {
                let of = &pending.method;
                return Err(refused(format!(
                    "only handlers may ask, and only while they serve a plugin; call {call} is `{of}`"
                )));
            };
            if n_asked >= limits::IN_FLIGHT {
                let why = format!("{n_asked} requests are open already, which is the most");
                return Err(refused(why));
            }
            pending.asking += 1;
            state.n_asked += 1;
            desk
        };
        // Where nobody listens any more, the request comes back and is refused as it is dropped.
        let _sent = desk.send(HostRequest::new(ask, Arc::clone(self), call, id));
        Ok(())
    }

    fn notified(&self, method: &str, params: Option<&RawValue>) {
        let text = params.map_or("null", RawValue::get);
        let read = match method {
            "log" => serde_json::from_str(text).map(|log| self.logged(log)),
            "progress" => serde_json::from_str(text).map(|progress| self.progressed(progress)),
            "output" => serde_json::from_str(text).map(|OutputParams { text, stream }| {
                (self.sink)(Event::Output { text, stream });
            }),
            "gap" => serde_json::from_str(text).map(|gap| self.lacking(gap)),
            _ => return,
        };
        if let Err(error) = read {
            if method == "gap" {
                self.unreadable_gap(&error.to_string());
            }
            self.stray(format!("sent a `{method}` that cannot be read: {error}"));
        }
    }

    pub(super) fn unreadable_gap(&self, why: &str) {
        self.lacking(GapParams {
            id: 0,
            section: None,
            what: "something that the plugin could not look at".into(),
            why: format!("its `gap` cannot be read: {why}"),
            remedy: None,
        });
    }

    /// Keeps a gap for the call that it names; one that names no open call counts for the call that is open, or the next.
    fn lacking(&self, gap: Gap) {
        let gap = Gap {
            what: self.readable(gap.what),
            why: self.readable(gap.why),
            remedy: gap.remedy.map(|remedy| self.readable(remedy)),
            section: gap.section.map(|section| self.readable(section)),
            ..gap
        };
        let mut state = self.state();
        let is_open = state.pending.contains_key(&gap.id);
        state.gaps.add(is_open, gap);
    }

    /// Shows a warning, of a flood only the first ones.
    pub(super) fn warn(&self, message: String) {
        let verdict = self.state().logs.judge();
        match verdict {
            Verdict::Show => (self.sink)(Event::Warning(message)),
            Verdict::ShowAfter(n) => {
                (self.sink)(Event::Warning(format!("{n} log records were left out")));
                (self.sink)(Event::Warning(message));
            }
            Verdict::FirstLeftOut => {
                (self.sink)(Event::Warning("floods the log; records are left out".into()))
            }
            Verdict::LeaveOut => {}
        }
    }

    /// Bears a message that nobody asked for, up to a number in each period.
    fn stray(&self, message: String) {
        self.warn(message);
        if !self.state().strays.allows_strays() {
            self.fail_all(&PluginError::protocol("too many messages that nobody asked for"));
        }
    }

    fn logged(&self, log: LogParams) {
        let verdict = self.state().logs.judge();
        match verdict {
            Verdict::Show => {}
            Verdict::ShowAfter(n) => (self.sink)(Event::Warning(format!("{n} log records were left out"))),
            Verdict::FirstLeftOut => {
                return (self.sink)(Event::Warning("floods the log; records are left out".into()));
            }
            Verdict::LeaveOut => return,
        }
        let message = self.readable(log.message);
        (self.sink)(Event::Log {
            level: log.level,
            message,
        });
    }

    fn progressed(&self, mut progress: ProgressParams) {
        for text in [&mut progress.message, &mut progress.unit].into_iter().flatten() {
            *text = self.readable(std::mem::take(text));
        }
        let known = match self.state().pending.get_mut(&progress.id) {
            Some(pending) => {
                pending.last_sign = Instant::now();
                true
            }
            None => false,
        };
        if known {
            (self.sink)(Event::Progress(progress));
        }
    }

    pub(super) fn noise(&self, text: &str) {
        if self.state().noise.allows(text.len()) {
            self.warn(format!(
                "wrote to stdout, which belongs to the protocol: {}",
                self.shown(text)
            ));
        } else {
            self.fail_all(&PluginError::protocol("too much noise on stdout"));
        }
    }

    /// Returns a text for people without secrets, and no longer than a log record may be.
    fn readable(&self, text: String) -> String {
        // A secret that is cut would not be found any more.
        let mut text = self.secrets.text(text).into_owned();
        if text.len() > limits::LOG_BYTES as usize {
            text.truncate(text.floor_char_boundary(limits::LOG_BYTES as usize));
            text.push('…');
        }
        text
    }

    /// Returns the beginning of a text that a plugin wrote, without secrets.
    fn shown(&self, text: &str) -> String {
        let beginning = self.secrets.cut(text.as_bytes(), MOST_SHOWN);
        let text = String::from_utf8_lossy(&beginning);
        let clean: String = text
            .chars()
            .take(SHOWN_CHARS)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().count() > SHOWN_CHARS {
            format!("`{clean}…`")
        } else {
            format!("`{clean}`")
        }
    }
}

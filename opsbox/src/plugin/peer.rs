//! The host's side of the wire to one plugin: calls out, answers, notifications and requests in.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use jsonrpsee_types::{ErrorCode, ErrorObject};
use opsbox_protocol::message::{GapParams, LogParams, OutputParams, ProgressParams};
use opsbox_protocol::{Expect, Incoming, LineFault, Outcome, code, limits, outgoing, parse_line, recover_id};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::call::{Gap, Reply};
use super::error::PluginError;
use super::event::{Event, Sink};
use super::quota::{LogQuota, NoiseQuota, Verdict};
use super::reader::depth_fault;

const SHOWN_CHARS: usize = 200;
/// Of more gaps than this only their number would tell anything.
const MAX_GAPS: usize = 1_000;
/// The code of the protocol in the width of JSON-RPC's own.
const NOT_READY: i32 = code::NOT_READY as i32;

type Answer = Result<Reply, PluginError>;
/// A message, in pieces that are written one after the other.
pub(crate) type Pieces = Vec<Bytes>;

/// What the reader, the writer and the callers of one plugin share.
pub(crate) struct Shared {
    state: Mutex<State>,
    sink: Sink,
    line_cap: AtomicU64,
}

#[derive(Default)]
struct State {
    next_id: u64,
    pending: HashMap<u64, Pending>,
    gaps: HashMap<u64, Vec<Gap>>,
    stray_gaps: Vec<Gap>,
    n_gaps: usize,
    strays: NoiseQuota,
    lane: Option<mpsc::UnboundedSender<Pieces>>,
    dead: Option<PluginError>,
    noise: NoiseQuota,
    logs: LogQuota,
    damaged: u32,
    ready: bool,
}

struct Pending {
    method: String,
    expect: Expect,
    answer: oneshot::Sender<Answer>,
    last_sign: Instant,
}

/// An open call.
pub(crate) struct Open {
    pub(crate) id: u64,
    pub(crate) answer: oneshot::Receiver<Answer>,
}

impl Shared {
    pub(crate) fn new(sink: Sink) -> (Arc<Self>, mpsc::UnboundedReceiver<Pieces>) {
        let (lane, rx) = mpsc::unbounded_channel();
        let state = State {
            lane: Some(lane),
            ..State::default()
        };
        let line_cap = AtomicU64::new(limits::HANDSHAKE_LINE_BYTES);
        (
            Arc::new(Self {
                state: Mutex::new(state),
                sink,
                line_cap,
            }),
            rx,
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request. A dead plugin answers at once with what it died of.
    pub(crate) fn open(&self, method: &str, expect: Expect, params: Pieces) -> Open {
        let (tx, answer) = oneshot::channel();
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        if let Some(dead) = &state.dead {
            // The receiver is in our hands, so the send cannot fail.
            let _sent = tx.send(Err(dead.clone()));
            return Open { id, answer };
        }
        let pending = Pending {
            method: method.to_owned(),
            expect,
            answer: tx,
            last_sign: Instant::now(),
        };
        state.pending.insert(id, pending);
        let mut pieces = vec![Bytes::from(outgoing::request_head(id, method))];
        pieces.extend(params);
        pieces.push(Bytes::from_static(outgoing::TAIL.as_bytes()));
        state.send(pieces);
        Open { id, answer }
    }

    /// Gives a call up: a late answer is then a stray one.
    pub(crate) fn close(&self, id: u64) {
        self.state().pending.remove(&id);
    }

    pub(crate) fn cancel(&self, id: u64) {
        let params = opsbox_protocol::message::CancelParams { id };
        if let Ok(line) = outgoing::notification_line("$/cancel", &params) {
            self.state().send(vec![Bytes::from(line)]);
        }
    }

    /// Returns the gaps that call `id` reported, once, and those that could be booked on no other call.
    pub(crate) fn take_gaps(&self, id: u64) -> Vec<Gap> {
        let mut state = self.state();
        let mut gaps = state.gaps.remove(&id).unwrap_or_default();
        gaps.append(&mut state.stray_gaps);
        gaps
    }

    /// Returns when the call last showed a sign of life.
    pub(crate) fn last_sign(&self, id: u64) -> Option<Instant> {
        self.state().pending.get(&id).map(|pending| pending.last_sign)
    }

    pub(crate) fn handshake_done(&self, line_cap: u64) {
        self.line_cap.store(line_cap, Ordering::Relaxed);
        let mut state = self.state();
        state.noise.handshake_done();
        state.ready = true;
    }

    pub(crate) fn line_cap(&self) -> u64 {
        self.line_cap.load(Ordering::Relaxed)
    }

    pub(crate) fn close_stdin(&self) {
        self.state().lane = None;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead.is_some()
    }

    /// Returns the methods in flight, for messages.
    pub(crate) fn in_flight(&self) -> Option<String> {
        let state = self.state();
        state
            .pending
            .iter()
            .max_by_key(|(id, _)| **id)
            .map(|(_, pending)| pending.method.clone())
    }

    /// The plugin has failed: every waiter gets the first cause, and so does every later call.
    pub(crate) fn fail_all(&self, error: &PluginError) {
        let mut state = self.state();
        let error = state.dead.get_or_insert_with(|| error.clone()).clone();
        for (_, pending) in state.pending.drain() {
            // A caller that has given up does not mind.
            let _sent = pending.answer.send(Err(error.clone()));
        }
    }

    pub(crate) fn fail_too_large(&self, id: Option<String>) {
        let limit = self.line_cap();
        let pending = id
            .and_then(|id| id.parse().ok())
            .and_then(|id: u64| self.state().pending.remove(&id));
        match pending {
            Some(pending) => {
                let error = PluginError::TooLarge {
                    method: pending.method,
                    limit,
                };
                let _sent = pending.answer.send(Err(error));
            }
            None => self.damage(None, &format!("a line of more than {limit} bytes")),
        }
    }

    /// Takes one line, without its `\n`.
    pub(crate) fn handle_line(&self, line: &Bytes, depth: u32) {
        let Ok(text) = std::str::from_utf8(line) else {
            let lossy = String::from_utf8_lossy(line);
            if lossy.contains("\"jsonrpc\"") {
                self.damage(recover_id(&lossy), "a line that is not UTF-8");
            } else {
                self.noise(&lossy);
            }
            return;
        };
        if text.trim_matches(['\u{feff}', ' ', '\t', '\r']).is_empty() {
            return;
        }
        if let Some(why) = depth_fault(depth) {
            return if text.contains("\"jsonrpc\"") {
                self.damage(recover_id(text), &why);
            } else {
                self.noise(text);
            };
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
            Ok(Incoming::Request { id, method, .. }) => self.requested(id, &method),
            Err(LineFault::Noise) => self.noise(text),
            Err(LineFault::Damaged { id, why, answer }) => {
                if let Some((id, code)) = id.as_deref().zip(answer) {
                    self.refuse(id, code, &why);
                }
                self.damage(id, &why);
            }
        }
    }

    fn answer(&self, line: &Bytes, id: &str, outcome: Outcome<'_>) {
        let Some(pending) = id
            .parse()
            .ok()
            .and_then(|id: u64| self.state().pending.remove(&id))
        else {
            return self.stray(format!("answered with id {}, which no call waits for", shown(id)));
        };
        let method = pending.method;
        let answer = match outcome {
            Outcome::Result(payload) => {
                Reply::cut(line, payload).map_err(|why| PluginError::Shape { method, why })
            }
            Outcome::Error(body) if body.code == code::CANCELLED => Err(PluginError::Cancelled { method }),
            Outcome::Error(body) => Err(PluginError::Answered {
                method,
                body: Box::new(body),
            }),
        };
        // A caller that has given up does not mind.
        let _sent = pending.answer.send(answer);
    }

    /// Answers a request that cannot be read.
    fn refuse(&self, id: &str, code: i64, why: &str) {
        let code = i32::try_from(code).unwrap_or_else(|_| ErrorCode::InternalError.code());
        let error = ErrorObject::owned(code, why, None::<()>);
        self.state()
            .send(vec![Bytes::from(outgoing::error_line(id, &error))]);
    }

    fn requested(&self, id: &str, method: &str) {
        if !self.state().strays.allows_strays() {
            let why = "too many requests for methods that this host does not offer".into();
            return self.fail_all(&PluginError::Protocol { why });
        }
        let state = self.state();
        let error = if state.ready {
            let message = format!("this host offers no method {}", shown(method));
            ErrorObject::owned(ErrorCode::MethodNotFound.code(), message, None::<()>)
        } else {
            let message = "a request before the answer to `initialize`";
            ErrorObject::owned(NOT_READY, message, None::<()>)
        };
        state.send(vec![Bytes::from(outgoing::error_line(id, &error))]);
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
                self.lacking(GapParams {
                    id: 0,
                    section: None,
                    what: "something that the plugin could not look at".into(),
                    why: format!("its `gap` cannot be read: {error}"),
                    remedy: None,
                });
            }
            self.stray(format!("sent a `{method}` that cannot be read: {error}"));
        }
    }

    /// Keeps a gap for the call that it names; one that names no open call counts for the call that is open, or the next.
    fn lacking(&self, gap: Gap) {
        let mut state = self.state();
        state.n_gaps += 1;
        if state.n_gaps > MAX_GAPS {
            return;
        }
        let gap = if state.n_gaps == MAX_GAPS {
            let what = format!("more than {MAX_GAPS} things");
            Gap {
                what,
                section: None,
                remedy: None,
                ..gap
            }
        } else {
            gap
        };
        if state.pending.contains_key(&gap.id) {
            state.gaps.entry(gap.id).or_default().push(gap);
        } else {
            state.stray_gaps.push(gap);
        }
    }

    /// Shows a warning, of a flood only the first ones.
    fn warn(&self, message: String) {
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
            self.fail_all(&PluginError::Protocol {
                why: "too many messages that nobody asked for".into(),
            });
        }
    }

    fn logged(&self, log: LogParams) {
        let verdict = self.state().logs.judge();
        let mut message = log.message;
        if message.len() > limits::LOG_BYTES as usize {
            message.truncate(message.floor_char_boundary(limits::LOG_BYTES as usize));
            message.push('…');
        }
        match verdict {
            Verdict::Show => {}
            Verdict::ShowAfter(n) => (self.sink)(Event::Warning(format!("{n} log records were left out"))),
            Verdict::FirstLeftOut => {
                return (self.sink)(Event::Warning("floods the log; records are left out".into()));
            }
            Verdict::LeaveOut => return,
        }
        (self.sink)(Event::Log {
            level: log.level,
            message,
        });
    }

    fn progressed(&self, progress: ProgressParams) {
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

    fn noise(&self, text: &str) {
        if self.state().noise.allows(text.len()) {
            self.warn(format!(
                "wrote to stdout, which belongs to the protocol: {}",
                shown(text)
            ));
        } else {
            self.fail_all(&PluginError::Protocol {
                why: "too much noise on stdout".into(),
            });
        }
    }

    fn damage(&self, id: Option<String>, why: &str) {
        self.warn(format!("sent a damaged message: {why}"));
        let pending = id
            .and_then(|id| id.parse().ok())
            .and_then(|id: u64| self.state().pending.remove(&id));
        if let Some(pending) = pending {
            // The call fails, the plugin may go on: its next line may be whole.
            let why = format!("in the answer to `{}`: {why}", pending.method);
            let _sent = pending.answer.send(Err(PluginError::Shape {
                method: pending.method,
                why,
            }));
        }
        let damaged = {
            let mut state = self.state();
            state.damaged += 1;
            state.damaged
        };
        if damaged >= limits::DAMAGED_LINES {
            self.fail_all(&PluginError::Protocol {
                why: format!("{damaged} damaged messages, the last: {why}"),
            });
        }
    }
}

impl State {
    fn send(&self, pieces: Pieces) {
        if let Some(lane) = &self.lane {
            // The writer is gone only where the plugin is, and then every call fails on its own.
            let _sent = lane.send(pieces);
        }
    }
}

fn shown(text: &str) -> String {
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

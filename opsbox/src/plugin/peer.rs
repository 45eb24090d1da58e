//! The host's side of the wire to one plugin: its open calls, and what is sent. What it says is read in `heard`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use opsbox_protocol::{Expect, limits, outgoing};
use tokio::sync::{mpsc, oneshot};

use crate::redact::Secrets;

use super::asked::Desk;
use super::broken::Broken;
use super::call::{Gap, Reply};
use super::error::PluginError;
use super::event::Sink;
use super::gaps::Gaps;
use super::quota::{LogQuota, NoiseQuota};
use crate::trace::Tracer;

type Answer = Result<Reply, PluginError>;
/// A message, in pieces that are written one after the other.
pub(crate) type Pieces = Vec<Bytes>;

/// What the reader, the writer and the callers of one plugin share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(super) sink: Sink,
    pub(super) secrets: Secrets,
    line_cap: AtomicU64,
    trace: Option<Arc<Tracer>>,
}

#[derive(Default)]
pub(super) struct State {
    next_id: u64,
    pub(super) pending: HashMap<u64, Pending>,
    pub(super) gaps: Gaps,
    pub(super) strays: NoiseQuota,
    lane: Option<mpsc::UnboundedSender<Pieces>>,
    dead: Option<PluginError>,
    pub(super) noise: NoiseQuota,
    pub(super) logs: LogQuota,
    pub(super) damaged: u32,
    pub(super) ready: bool,
    /// Requests of the plugin that are not answered yet.
    pub(super) n_asked: u32,
}

pub(super) struct Pending {
    pub(super) method: String,
    pub(super) expect: Expect,
    pub(super) answer: oneshot::Sender<Answer>,
    pub(super) last_sign: Instant,
    /// Where requests go that the plugin makes during this call; `None` where it may make none.
    pub(super) desk: Option<Desk>,
    /// Such requests that are not answered yet.
    pub(super) asking: u32,
}

/// A call that is to be made.
pub(crate) struct Order<'a> {
    pub(crate) method: &'a str,
    pub(crate) expect: Expect,
    pub(crate) params: Pieces,
    pub(crate) desk: Option<Desk>,
}

/// An open call.
pub(crate) struct Open {
    pub(crate) id: u64,
    pub(crate) answer: oneshot::Receiver<Answer>,
}

impl Shared {
    pub(crate) fn new(
        sink: Sink,
        secrets: Secrets,
        trace: Option<Arc<Tracer>>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Pieces>) {
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
                secrets,
                line_cap,
                trace,
            }),
            rx,
        )
    }

    /// Notes a line of the plugin where its wire is traced.
    pub(super) fn traced(&self, line: &[u8]) {
        if let Some(trace) = &self.trace {
            trace.heard(line);
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request. A dead plugin answers at once with what it died of.
    pub(crate) fn open(&self, order: Order<'_>) -> Open {
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
            method: order.method.to_owned(),
            expect: order.expect,
            answer: tx,
            last_sign: Instant::now(),
            desk: order.desk,
            asking: 0,
        };
        state.pending.insert(id, pending);
        let mut pieces = vec![Bytes::from(outgoing::request_head(id, order.method))];
        pieces.extend(order.params);
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
        self.state().gaps.take(id)
    }

    /// Returns when the call last showed a sign of life. One that waits for an answer of the host shows it all the time.
    pub(crate) fn last_sign(&self, id: u64) -> Option<Instant> {
        self.state().pending.get(&id).map(|pending| {
            if pending.asking > 0 {
                Instant::now()
            } else {
                pending.last_sign
            }
        })
    }

    /// Sends the answer to a request that the plugin made during one of its calls.
    pub(super) fn answer_request(&self, call: u64, pieces: Pieces) {
        let mut state = self.state();
        state.n_asked = state.n_asked.saturating_sub(1);
        if let Some(pending) = state.pending.get_mut(&call) {
            pending.asking = pending.asking.saturating_sub(1);
            pending.last_sign = Instant::now();
        }
        state.send(pieces);
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

    pub(crate) fn died_of(&self) -> Option<PluginError> {
        self.state().dead.clone()
    }

    /// Returns the methods in flight, for messages.
    pub(crate) fn in_flight(&self) -> Option<String> {
        self.state().in_flight().map(str::to_owned)
    }

    /// Returns what the plugin is doing, for messages: ``during `process` ``, or `between calls`.
    pub(crate) fn now(&self) -> String {
        self.in_flight().map_or_else(
            || "between calls".to_owned(),
            |method| format!("during `{method}`"),
        )
    }

    /// The plugin has failed: every waiter gets the first cause, and so does every later call.
    pub(crate) fn fail_all(&self, error: &PluginError) {
        let mut state = self.state();
        let error = error.clone().during(state.in_flight());
        let error = state.dead.get_or_insert(error).clone();
        for (_, pending) in state.pending.drain() {
            // A caller that has given up does not mind.
            let _sent = pending.answer.send(Err(error.clone()));
        }
    }

    pub(crate) fn fail_too_large(&self, id: Option<String>) {
        let limit = self.line_cap();
        let pending = id
            .as_ref()
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
            None => self.broken(Broken::damaged(id), &format!("a line of more than {limit} bytes")),
        }
    }
}

impl State {
    fn in_flight(&self) -> Option<&str> {
        let latest = self.pending.iter().max_by_key(|(id, _)| **id);
        latest.map(|(_, pending)| pending.method.as_str())
    }

    pub(super) fn send(&self, pieces: Pieces) {
        if let Some(lane) = &self.lane {
            // The writer is gone only where the plugin is, and then every call fails on its own.
            let _sent = lane.send(pieces);
        }
    }
}

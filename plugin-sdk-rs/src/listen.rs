//! The reader's side of a session: sorts what the host says, and always listens.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use opsbox_protocol::message::{CancelParams, LogLevel, LogParams};
use opsbox_protocol::{
    ErrorBody, FrameError, Hook, Incoming, LineFault, LineReader, Outcome, Payload, code, parse_line,
};

use crate::asking::Answer;
use crate::error::Place;
use crate::wire::Wire;

/// A request that waits for its turn. Its parameters stay in the line they came in.
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) raw_id: String,
    pub(crate) method: Method,
    line: String,
    params: Option<Range<usize>>,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// What is asked of the plugin.
pub(crate) enum Method {
    Known(Hook),
    /// A hook of the plugin's own type.
    Own(&'static str),
}

impl Method {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Known(hook) => hook.method(),
            Self::Own(name) => name,
        }
    }

    pub(crate) fn is(&self, hook: Hook) -> bool {
        matches!(self, Self::Known(known) if *known == hook)
    }
}

impl Call {
    pub(crate) fn params(&self) -> &str {
        self.params.clone().map_or("{}", |range| &self.line[range])
    }
}

pub(crate) type Flags = Arc<Mutex<HashMap<u64, Arc<AtomicBool>>>>;

pub(crate) struct Listener {
    pub(crate) wire: Arc<Wire>,
    pub(crate) flags: Flags,
    pub(crate) calls: mpsc::Sender<Call>,
    /// The plugin's hooks that are not the protocol's.
    pub(crate) own: &'static [&'static str],
}

impl Listener {
    pub(crate) fn listen(&self, reader: impl Read) {
        let mut lines = LineReader::new(BufReader::with_capacity(64 * 1024, reader));
        loop {
            match lines.next_line() {
                Ok(Some(line)) => self.receive(line),
                Ok(None) | Err(FrameError::Io(_)) => break,
                Err(FrameError::NotUtf8 { id: Some(id) }) => {
                    let error = ErrorBody::new(code::PARSE, "a line is not UTF-8");
                    self.wire.refuse(&id, &error);
                }
                Err(error) => {
                    let message = format!("a message of the host was passed over: {error}");
                    self.wire.notify(
                        "log",
                        &LogParams {
                            level: LogLevel::Warn,
                            message,
                            fields: None,
                        },
                    );
                }
            }
        }
    }

    pub(crate) fn cancel_all(&self) {
        for flag in self.flags.lock().unwrap_or_else(PoisonError::into_inner).values() {
            flag.store(true, Ordering::Relaxed);
        }
        self.wire.asking.cancel(None);
    }

    fn cancel(&self, id: u64) {
        let flag = self
            .flags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(flag) = flag {
            flag.store(true, Ordering::Relaxed);
            self.wire.asking.cancel(Some(id));
        }
    }

    fn method(&self, name: &str) -> Option<Method> {
        let own = self
            .own
            .iter()
            .find(|own| **own == name)
            .map(|own| Method::Own(own));
        own.or_else(|| Hook::from_method(name).map(Method::Known))
    }

    fn receive(&self, line: String) {
        let (id, raw_id, method, params) = match parse_line(&line, &|_| None) {
            Ok(Incoming::Request { id, method, params }) => {
                let place = Place {
                    plugin: "",
                    hook: &method,
                };
                let Ok(number) = id.parse::<u64>() else {
                    let error = place.sdk(code::INVALID_REQUEST, "the host's ids are integers from 1");
                    return self.wire.refuse(id, &error);
                };
                let Some(known) = self.method(&method) else {
                    let error = place.sdk(code::METHOD_NOT_FOUND, format!("unknown method `{method}`"));
                    return self.wire.refuse(id, &error);
                };
                let range = params.map(|params| {
                    let start = params.get().as_ptr() as usize - line.as_ptr() as usize;
                    start..start + params.get().len()
                });
                (number, id.to_owned(), known, range)
            }
            Ok(Incoming::Notification { method, params }) => {
                if method == "$/cancel"
                    && let Some(params) = params
                    && let Ok(CancelParams { id }) = serde_json::from_str(params.get())
                {
                    self.cancel(id);
                }
                return;
            }
            Err(LineFault::Damaged {
                id: Some(id), why, ..
            }) => {
                let code = if why.starts_with("not valid JSON") {
                    code::PARSE
                } else {
                    code::INVALID_REQUEST
                };
                return self.wire.refuse(&id, &ErrorBody::new(code, why));
            }
            Ok(Incoming::Response { id, outcome }) => {
                let answer = match outcome {
                    Outcome::Error(body) => Answer::Error(body),
                    Outcome::Result(Payload::Raw(raw)) => Answer::Result(raw.to_owned()),
                    // Only where a shape was asked for, which nobody does here.
                    Outcome::Result(_) => Answer::Cancelled,
                };
                return self.wire.asking.answered(id, answer);
            }
            // No message at all.
            Err(_) => return,
        };
        let cancelled = Arc::new(AtomicBool::new(false));
        self.flags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&cancelled));
        // The worker only goes away together with the session.
        drop(self.calls.send(Call {
            id,
            raw_id,
            method,
            line,
            params,
            cancelled,
        }));
    }
}

//! Requests to the host that wait for their answers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use opsbox_protocol::ErrorBody;
use serde_json::value::RawValue;

/// What became of a request.
pub(crate) enum Answer {
    Result(Box<RawValue>),
    Error(ErrorBody),
    /// The call that it belongs to was cancelled, or the host is gone.
    Cancelled,
}

/// The open requests, by id.
#[derive(Default)]
pub(crate) struct Asking {
    last: AtomicU64,
    open: Mutex<HashMap<String, Open>>,
}

struct Open {
    call: u64,
    answer: mpsc::Sender<Answer>,
}

impl Asking {
    /// Begins a request of a call; returns its id and where its answer comes.
    pub(crate) fn begin(&self, call: u64) -> (String, mpsc::Receiver<Answer>) {
        let id = format!("h{}", self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let (answer, waits) = mpsc::channel();
        self.open().insert(id.clone(), Open { call, answer });
        (id, waits)
    }

    /// Hands an answer to whoever waits for it. One that nobody waits for any more is dropped.
    pub(crate) fn answered(&self, raw_id: &str, answer: Answer) {
        let Ok(id) = serde_json::from_str::<String>(raw_id) else {
            return;
        };
        if let Some(open) = self.open().remove(&id) {
            // Whoever asked may have been cancelled meanwhile.
            drop(open.answer.send(answer));
        }
    }

    /// Wakes whoever waits during a call that was cancelled; of all calls without one.
    pub(crate) fn cancel(&self, call: Option<u64>) {
        self.open().retain(|_, open| {
            let ends = call.is_none_or(|call| open.call == call);
            if ends {
                drop(open.answer.send(Answer::Cancelled));
            }
            !ends
        });
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

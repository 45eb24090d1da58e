//! What a plugin says while a trace is played to it: read within bounds, and kept until it is asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::ChildStdout;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::trace::said::Said;

/// So many lines may be read ahead.
const AHEAD: usize = 4;

/// A line, or that one is too long.
type Line = Result<String, TooLong>;

struct TooLong;

async fn read(stdout: ChildStdout, cap: u64, tell: mpsc::Sender<Line>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    let most = cap.saturating_add(1);
    while matches!((&mut reader).take(most).read_until(b'\n', &mut line).await, Ok(length) if length > 0) {
        let is_ended = line.last() == Some(&b'\n');
        if is_ended {
            line.pop();
        }
        let is_too_long = line.len() as u64 > cap;
        let said = match is_too_long {
            true => Err(TooLong),
            false => Ok(String::from_utf8_lossy(&line).into_owned()),
        };
        if tell.send(said).await.is_err() || is_too_long {
            return;
        }
        line.clear();
    }
}

/// What is said beside calls.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Gaps and output since the last answer.
    pub(super) told: Vec<Value>,
    /// Answers that nobody waits for, and broken messages.
    pub(super) strays: Vec<Value>,
}

pub(super) struct Heard {
    lines: mpsc::Receiver<Line>,
    reader: JoinHandle<()>,
    /// The longest line, and the most of what nobody has asked for, in bytes.
    cap: u64,
    kept: u64,
    is_over: bool,
    awaited: BTreeSet<String>,
    pub(super) answers: BTreeMap<String, (Instant, Result<Value, Value>)>,
    /// Requests of the plugin: id, method, parameters.
    pub(super) requests: VecDeque<(String, String, Value)>,
    pub(super) beside: Beside,
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Heard {
    /// Begins to listen; no line may be longer than `cap`.
    pub(super) fn open(stdout: ChildStdout, cap: u64) -> Self {
        let (tell, lines) = mpsc::channel(AHEAD);
        Self {
            lines,
            reader: tokio::spawn(read(stdout, cap, tell)),
            cap,
            kept: 0,
            is_over: false,
            awaited: BTreeSet::new(),
            answers: BTreeMap::new(),
            requests: VecDeque::new(),
            beside: Beside::default(),
        }
    }

    /// From here on an answer with this id is waited for.
    pub(super) fn expect(&mut self, id: &str) {
        self.awaited.insert(id.to_owned());
    }

    /// Returns whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the next line; does nothing at the end. It may be dropped while it waits.
    ///
    /// # Errors
    /// Where the plugin says more than is kept.
    pub(super) async fn next(&mut self) -> Result<(), String> {
        let line = self.lines.recv().await;
        let taken = match line {
            None => {
                self.is_over = true;
                return Ok(());
            }
            Some(Err(TooLong)) => Err(format!("it wrote a line of more than {} bytes", self.cap)),
            Some(Ok(line)) => self.take(&line),
        };
        if taken.is_err() {
            self.is_over = true;
            self.lines.close();
        }
        taken
    }

    /// Forgets how much was kept: somebody has asked for it.
    pub(super) fn settled(&mut self) {
        self.kept = 0;
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        match Said::of_text(line) {
            Said::Answer(id, outcome) if self.awaited.remove(&id) => {
                self.answers.insert(id, (Instant::now(), outcome));
                return Ok(());
            }
            Said::Broken(Some(id)) if self.awaited.remove(&id) => {
                self.answers.insert(id, (Instant::now(), Err(line.into())));
                return Ok(());
            }
            Said::Request(id, method, params) => self.requests.push_back((id, method, params)),
            Said::Notification(method, params) => match telling(&method, params) {
                Some(told) => self.beside.told.push(told),
                None => return Ok(()),
            },
            Said::Answer(id, outcome) => self.beside.strays.push(stray(&id, outcome)),
            Said::Broken(_) => self.beside.strays.push(line.into()),
            Said::Other => return Ok(()),
        }
        self.kept += line.len() as u64;
        if self.kept > self.cap {
            return Err(format!("it says more than {} bytes beside its answers", self.cap));
        }
        Ok(())
    }
}

/// Returns what of a notification is compared: gaps and output. Logs and progress are about the way, not the answer.
pub(super) fn telling(method: &str, mut params: Value) -> Option<Value> {
    match method {
        "gap" | "output" => {
            // The id is that of the call, which is the same in both.
            params.as_object_mut()?.remove("id");
            Some(params)
        }
        _ => None,
    }
}

/// Returns an answer that nobody waits for.
pub(super) fn stray(id: &str, outcome: Result<Value, Value>) -> Value {
    match outcome {
        Ok(result) => json!({"id": id, "result": result}),
        Err(error) => json!({"id": id, "error": error}),
    }
}

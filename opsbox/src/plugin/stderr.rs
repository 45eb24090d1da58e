//! A process's stderr: always drained, shown line by line, its last lines kept for the account of its end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opsbox_protocol::limits;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::watch;

use crate::redact::Secrets;

use super::event::{Event, Sink};
use super::process::ProcessSpec;
use super::quota::{LogQuota, Verdict};
use crate::trace::Tracer;

const TAIL_LINES: usize = 5;
const TAIL_CHARS: usize = 300;

/// The last lines that a process wrote.
#[derive(Debug)]
pub(super) struct Tail {
    lines: Arc<Mutex<VecDeque<String>>>,
    done: watch::Receiver<bool>,
}

impl Tail {
    /// Begins to drain a process's stderr.
    pub(super) fn of(stderr: ChildStderr, sink: &Sink, spec: &ProcessSpec) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (tx, done) = watch::channel(false);
        let heard = Heard {
            tail: Arc::clone(&lines),
            sink: Arc::clone(sink),
            secrets: spec.secrets.clone(),
            trace: spec.trace.clone(),
            quota: LogQuota::default(),
        };
        let drained = drain(stderr, heard);
        tokio::spawn(async move {
            drained.await;
            tx.send_replace(true);
        });
        Self { lines, done }
    }

    /// Returns the last lines, after what is on its way has arrived.
    pub(super) async fn lines(&self) -> Vec<String> {
        let mut done = self.done.clone();
        let drained = async move { done.wait_for(|done| *done).await.is_ok() };
        // A grandchild may hold stderr open for ever; what came so far has to do then.
        let _in_time = tokio::time::timeout(Duration::from_millis(200), drained).await;
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

/// What becomes of the lines.
struct Heard {
    tail: Arc<Mutex<VecDeque<String>>>,
    sink: Sink,
    secrets: Secrets,
    trace: Option<Arc<Tracer>>,
    quota: LogQuota,
}

async fn drain(mut stderr: ChildStderr, mut heard: Heard) {
    let mut chunk = vec![0; 8 * 1024];
    let mut line = Vec::new();
    loop {
        let read = match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        // A secret that begins before the limit is kept whole, or it would not be found.
        let most = limits::STDERR_LINE_BYTES as usize + heard.secrets.longest();
        for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
            let room = most.saturating_sub(line.len());
            line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                heard.line(&std::mem::take(&mut line));
            }
        }
    }
    if !line.is_empty() {
        heard.line(&line);
    }
    if heard.quota.left_out() > 0 {
        (heard.sink)(Event::Warning(format!(
            "{} further lines on stderr were left out",
            heard.quota.left_out()
        )));
    }
}

impl Heard {
    fn line(&mut self, line: &[u8]) {
        if let Some(trace) = &self.trace {
            trace.cried(line.strip_suffix(b"\n").unwrap_or(line));
        }
        let line = self.secrets.cut(line, limits::STDERR_LINE_BYTES as usize);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        let mut kept = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == TAIL_LINES {
            kept.pop_front();
        }
        kept.push_back(text.chars().take(TAIL_CHARS).collect());
        drop(kept);
        let sink = &self.sink;
        match self.quota.judge() {
            Verdict::Show => sink(Event::Stderr(text.to_owned())),
            Verdict::ShowAfter(left_out) => {
                sink(Event::Warning(format!(
                    "{left_out} lines on stderr were left out"
                )));
                sink(Event::Stderr(text.to_owned()));
            }
            Verdict::FirstLeftOut => sink(Event::Warning("floods stderr; lines are left out".into())),
            Verdict::LeaveOut => {}
        }
    }
}

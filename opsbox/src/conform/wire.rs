//! The raw wire to one process: any bytes go out, every line that comes in is kept with its time. Nothing is judged here.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opsbox_protocol::scan::{LineScan, Scanned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use crate::halt::{Halt, HaltSeen};
use crate::plugin::PluginError;
use crate::plugin::event::{Event, Sink};
use crate::plugin::guardian::Guardian;
use crate::plugin::process::{self, End, Pipes, Process, ProcessSpec};

use super::line::Line;
use super::scene::{Entry, Missed, What};

/// Of more lines than this nobody could tell anything.
const MOST_LINES: usize = 50_000;
/// So many bytes of all lines together are kept.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// So much of a sent line is kept for the report.
const SENT_KEPT: usize = 4 * 1024;
/// How often a process is looked at that may have been stopped by the kernel.
const STOP_CHECK: Duration = Duration::from_secs(1);
/// So long what is on its way is waited for, once the process has ended.
const AFTER_END: Duration = Duration::from_secs(1);

/// What the reader hands on.
enum Heard {
    Line(Instant, Line),
    Flood,
}

/// A process and both ends of its wire.
pub(super) struct Wire {
    pub(super) process: Process,
    stdin: Option<ChildStdin>,
    heard: mpsc::UnboundedReceiver<Heard>,
    start: Instant,
    halt: HaltSeen,
    flooded: bool,
    /// Which pipe its stdout is.
    pub(super) stdout_inode: Option<u64>,
    pub(super) stderr: Arc<Mutex<Vec<String>>>,
}

/// What came next.
pub(super) enum Next {
    /// A line.
    Line(Entry),
    /// Nothing more will come.
    Nothing(Missed),
}

impl Wire {
    /// Starts the process.
    ///
    /// # Errors
    /// As the operating system says.
    pub(super) fn open(
        spec: &ProcessSpec,
        cap: u64,
        halt: HaltSeen,
        guardian: Option<&Arc<Guardian>>,
    ) -> Result<Self, PluginError> {
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&stderr);
        let sink: Sink = Arc::new(move |event| {
            if let Event::Stderr(line) = event {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let start = Instant::now();
        let (process, Pipes { stdin, stdout }) = Process::spawn(spec, &sink, guardian)?;
        let stdout_inode = rustix::fs::fstat(stdout.as_fd()).ok().map(|stat| stat.st_ino);
        let (tx, heard) = mpsc::unbounded_channel();
        tokio::spawn(read_all(stdout, tx, cap));
        Ok(Self {
            process,
            stdin: Some(stdin),
            heard,
            start,
            halt,
            flooded: false,
            stdout_inode,
            stderr,
        })
    }

    /// Returns what is kept of bytes that are about to be sent.
    pub(super) fn sending(&self, pieces: &[&[u8]]) -> Entry {
        let mut shown: Vec<u8> = pieces.concat();
        shown.truncate(SENT_KEPT);
        self.entry(What::Sent(shown.into()))
    }

    /// Writes bytes in pieces, each flushed before the next.
    ///
    /// # Errors
    /// Where the plugin does not take them.
    pub(super) async fn send(&mut self, pieces: &[&[u8]], limit: Duration) -> Result<(), Missed> {
        let Some(stdin) = self.stdin.as_mut() else {
            return Ok(());
        };
        for piece in pieces {
            let written = async {
                stdin.write_all(piece).await?;
                stdin.flush().await
            };
            let mut halt = self.halt.clone();
            let written = tokio::select! {
                written = tokio::time::timeout(limit, written) => written,
                () = crate::halt::reached(&mut halt, Halt::Abort) => return Err(Missed::Late(limit)),
            };
            match written {
                Ok(Ok(())) => {}
                // It closed its stdin or is gone; what it said before still counts.
                Ok(Err(_)) => break,
                Err(_) => return Err(Missed::Stalled(limit)),
            }
        }
        Ok(())
    }

    /// Closes its stdin.
    pub(super) fn close(&mut self) -> Entry {
        drop(self.stdin.take());
        self.entry(What::Closed)
    }

    fn entry(&self, what: What) -> Entry {
        Entry {
            at: self.start.elapsed(),
            what,
        }
    }

    /// Waits for the next line, until this moment.
    pub(super) async fn next(&mut self, until: Instant, limit: Duration) -> Next {
        loop {
            if self.flooded {
                return Next::Nothing(Missed::Flooded);
            }
            let mut halt = self.halt.clone();
            let wake = until.min(Instant::now() + STOP_CHECK);
            let heard = tokio::select! {
                biased;
                heard = self.heard.recv() => heard,
                () = crate::halt::reached(&mut halt, Halt::Abort) => return Next::Nothing(Missed::Late(limit)),
                () = tokio::time::sleep_until(wake.into()) => {
                    if self.process.stopped().is_some() {
                        return Next::Nothing(Missed::Stopped);
                    }
                    if Instant::now() < until {
                        continue;
                    }
                    // What is readable already came in time: a busy machine is not the plugin's fault.
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                    match self.heard.try_recv() {
                        Ok(heard) => Some(heard),
                        Err(_) => return Next::Nothing(Missed::Late(limit)),
                    }
                }
            };
            match heard {
                Some(Heard::Line(at, line)) => {
                    return Next::Line(Entry {
                        at: at.duration_since(self.start),
                        what: What::Got(line),
                    });
                }
                Some(Heard::Flood) => self.flooded = true,
                None => {
                    let ended = self.process.ended(AFTER_END).await;
                    return Next::Nothing(match ended {
                        Some(end) => Missed::Ended(process::describe(end).0),
                        None => Missed::ClosedStdout,
                    });
                }
            }
        }
    }

    /// Takes a line that is there already, without waiting.
    pub(super) fn ready(&mut self) -> Option<Entry> {
        match self.heard.try_recv().ok()? {
            Heard::Line(at, line) => Some(Entry {
                at: at.duration_since(self.start),
                what: What::Got(line),
            }),
            Heard::Flood => {
                self.flooded = true;
                None
            }
        }
    }

    /// Waits until the process has ended; `None` where it still lives after this time.
    pub(super) async fn ended(&self, limit: Duration) -> Option<End> {
        let mut halt = self.halt.clone();
        tokio::select! {
            end = self.process.ended(limit) => end,
            () = crate::halt::reached(&mut halt, Halt::Abort) => None,
        }
    }
}

/// Reads lines to the end of the stream. A line over `cap` is kept up to there, and its length is counted on.
async fn read_all(mut stdout: ChildStdout, tx: mpsc::UnboundedSender<Heard>, cap: u64) {
    let mut chunk = vec![0; 64 * 1024];
    let mut open = Open::default();
    let (mut n_lines, mut n_bytes) = (0, 0);
    loop {
        let n_read = match stdout.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(n_read) => n_read,
        };
        let now = Instant::now();
        n_bytes += n_read as u64;
        let mut rest = &chunk[..n_read];
        while let Some(at) = memchr::memchr(b'\n', rest) {
            open.take(&rest[..=at], cap);
            rest = &rest[at + 1..];
            n_lines += 1;
            if tx.send(Heard::Line(now, open.finish(true))).is_err() {
                return;
            }
        }
        open.take(rest, cap);
        if n_lines > MOST_LINES || n_bytes > MOST_BYTES.max(cap.saturating_mul(2)) {
            // Nobody listens any more where the scene is over.
            let _told = tx.send(Heard::Flood);
            return;
        }
    }
    if open.length > 0 {
        let _told = tx.send(Heard::Line(Instant::now(), open.finish(false)));
    }
}

#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    length: u64,
    scan: LineScan,
    depth: u32,
}

impl Open {
    fn take(&mut self, piece: &[u8], cap: u64) {
        let room = usize::try_from(cap.saturating_sub(self.bytes.len() as u64)).unwrap_or(usize::MAX);
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        self.length += piece.len() as u64;
        self.depth = match self.scan.feed(piece) {
            Scanned::Open => self.scan.max_depth(),
            Scanned::Ended { max_depth, .. } => max_depth,
        };
    }

    fn finish(&mut self, ended: bool) -> Line {
        let open = std::mem::take(self);
        let mut bytes = open.bytes;
        let mut length = open.length;
        if ended {
            length -= 1;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
        }
        Line::read(bytes.into(), length, ended, open.depth)
    }
}

/// Returns bytes for a line that is no text.
pub(super) fn line(text: impl Into<Vec<u8>>) -> Bytes {
    let mut bytes = text.into();
    bytes.push(b'\n');
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_over_the_cap_is_kept_to_there_and_counted_to_its_end() {
        let mut open = Open::default();
        open.take(b"[[1],", 4);
        open.take(b"2]\n", 4);
        let line = open.finish(true);
        assert_eq!(
            (line.bytes.as_ref(), line.length, line.depth),
            (&b"[[1]"[..], 7, 2)
        );
        open.take(b"x\n", 4);
        let line = open.finish(true);
        assert_eq!((line.bytes.as_ref(), line.length), (&b"x"[..], 1));
    }
}

//! The way out: one writer behind a lock, one line per message, each within the limits.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opsbox_protocol::scan::LineScan;
use opsbox_protocol::{ErrorBody, limits, outgoing};
use serde::Serialize;

use crate::result::OpsResult;

/// What a hook answers.
pub(crate) enum Reply {
    Empty,
    Json(String),
    One(OpsResult),
    Many(Vec<OpsResult>),
}

impl Reply {
    fn write_json(&self, mut writer: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Empty => writer.write_all(b"{}"),
            Self::Json(text) => writer.write_all(text.as_bytes()),
            Self::One(result) => result.write_json(&mut writer),
            Self::Many(results) => {
                writer.write_all(b"[")?;
                for (index, result) in results.iter().enumerate() {
                    if index > 0 {
                        writer.write_all(b",")?;
                    }
                    result.write_json(&mut writer)?;
                }
                writer.write_all(b"]")
            }
        }
    }
}

/// Why a reply cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("the result of `{hook}` is {bytes} bytes long, {limit} are allowed")]
    TooLong {
        hook: &'static str,
        bytes: u64,
        limit: u64,
    },
    #[error("the result of `{hook}` nests {depth} levels deep, {limit} are allowed", limit = limits::DEPTH)]
    TooDeep { hook: &'static str, depth: u32 },
}

pub(crate) struct Wire {
    writer: Mutex<Box<dyn Write + Send>>,
    line_bytes: AtomicU64,
    broken: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Mutex::new(Box::new(writer)),
            line_bytes: AtomicU64::new(limits::HANDSHAKE_LINE_BYTES),
            broken: Arc::default(),
        }
    }

    pub(crate) fn set_line_bytes(&self, bytes: u64) {
        self.line_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Returns whether the host can no longer be reached.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn respond(&self, hook: &'static str, raw_id: &str, reply: &Reply) -> Result<(), Unsendable> {
        let head = outgoing::response_head(raw_id);
        let mut measure = Measure::default();
        // Measuring writes to memory nowhere, so it cannot fail.
        drop(
            measure
                .write_all(head.as_bytes())
                .and_then(|()| reply.write_json(&mut measure)),
        );
        let limit = self.line_bytes.load(Ordering::Relaxed);
        if measure.bytes + 1 > limit {
            return Err(Unsendable::TooLong {
                hook,
                bytes: measure.bytes + 1,
                limit,
            });
        }
        let depth = measure.scan.max_depth();
        if depth > limits::DEPTH {
            return Err(Unsendable::TooDeep { hook, depth });
        }
        self.write(|writer| {
            let mut buffered = io::BufWriter::with_capacity(64 * 1024, writer);
            buffered.write_all(head.as_bytes())?;
            reply.write_json(&mut OneLine(&mut buffered))?;
            buffered.write_all(outgoing::TAIL.as_bytes())?;
            buffered.flush()
        });
        Ok(())
    }

    pub(crate) fn refuse(&self, raw_id: &str, error: &ErrorBody) {
        self.send(&outgoing::error_line(raw_id, error));
    }

    pub(crate) fn notify(&self, method: &str, params: &impl Serialize) {
        if let Ok(line) = outgoing::notification_line(method, params) {
            self.send(&line);
        }
    }

    fn send(&self, line: &str) {
        self.write(|writer| writer.write_all(line.as_bytes()).and_then(|()| writer.flush()));
    }

    /// A failed write means that the host is gone, which stdin tells too: it is remembered, not reported.
    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if write(&mut **writer).is_err() {
            self.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[derive(Default)]
struct Measure {
    bytes: u64,
    scan: LineScan,
}

impl Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        // The scan ends a line at `\n`; here one only stands between tokens and the depth goes on.
        for piece in bytes.split(|byte| *byte == b'\n') {
            self.scan.feed(piece);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Turns line ends into blanks: inside JSON text they stand between tokens only, and a message is one line.
struct OneLine<'a, W: Write>(&'a mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (index, piece) in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
            if index > 0 {
                self.0.write_all(b" ")?;
            }
            self.0.write_all(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_between_tokens_become_blanks_and_depth_is_counted_across_them() {
        let mut line = Vec::new();
        OneLine(&mut line)
            .write_all(b"{\r\n\"a\":\n[1]}")
            .expect("written");
        assert_eq!(line, b"{  \"a\": [1]}");
        let mut measure = Measure::default();
        measure.write_all(b"[\n[\n[]]]").expect("measured");
        assert_eq!((measure.bytes, measure.scan.max_depth()), (8, 3));
    }
}

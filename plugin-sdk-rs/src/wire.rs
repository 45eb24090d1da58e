//! The way out: one writer behind a lock, one line per message, each within the limits.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opsbox_protocol::scan::LineScan;
use opsbox_protocol::{ErrorBody, limits, outgoing};
use serde::Serialize;

use crate::asking::Asking;
use crate::result::OpsResult;

/// What a hook answers.
pub(crate) enum Reply {
    Empty,
    Json(String),
    One(OpsResult),
    Many(Vec<OpsResult>),
}

impl Reply {
    /// Returns the JSON text in pieces, so that it can be measured and then written while it is made only once.
    fn pieces(&self) -> Vec<Cow<'_, str>> {
        let mut pieces = Vec::new();
        match self {
            Self::Empty => pieces.push("{}".into()),
            Self::Json(text) => pieces.push(text.into()),
            Self::One(result) => result.pieces(&mut pieces),
            Self::Many(results) => {
                pieces.push("[".into());
                for (index, result) in results.iter().enumerate() {
                    if index > 0 {
                        pieces.push(",".into());
                    }
                    result.pieces(&mut pieces);
                }
                pieces.push("]".into());
            }
        }
        pieces
    }
}

/// Why a reply cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("the result of `{hook}` is {bytes} bytes long, {limit} are allowed")]
    TooLong { hook: String, bytes: u64, limit: u64 },
    #[error("the result of `{hook}` nests {depth} levels deep, {limit} are allowed", limit = limits::DEPTH)]
    TooDeep { hook: String, depth: u32 },
    #[error("`{method}` is {bytes} bytes long, {limit} are allowed")]
    RequestTooLong { method: String, bytes: u64, limit: u64 },
}

pub(crate) struct Wire {
    /// What was asked of the host.
    pub(crate) asking: Asking,
    writer: Mutex<Box<dyn Write + Send>>,
    line_bytes: AtomicU64,
    broken: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            asking: Asking::default(),
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

    pub(crate) fn respond(&self, hook: &str, raw_id: &str, reply: &Reply) -> Result<(), Unsendable> {
        let head = outgoing::response_head(raw_id);
        let pieces = reply.pieces();
        let mut measure = Measure::default();
        measure.add(&head);
        for piece in &pieces {
            measure.add(piece);
        }
        let limit = self.line_bytes.load(Ordering::Relaxed);
        if measure.bytes + 1 > limit {
            return Err(Unsendable::TooLong {
                hook: hook.to_owned(),
                bytes: measure.bytes + 1,
                limit,
            });
        }
        let depth = measure.scan.max_depth();
        if depth > limits::DEPTH {
            return Err(Unsendable::TooDeep {
                hook: hook.to_owned(),
                depth,
            });
        }
        self.write(|writer| {
            let mut buffered = io::BufWriter::with_capacity(64 * 1024, writer);
            buffered.write_all(head.as_bytes())?;
            for piece in &pieces {
                write_on_one_line(&mut buffered, piece)?;
            }
            buffered.write_all(outgoing::TAIL.as_bytes())?;
            buffered.flush()
        });
        Ok(())
    }

    /// Asks the host; `params` is JSON.
    pub(crate) fn request(&self, id: &str, method: &str, params: &str) -> Result<(), Unsendable> {
        let head = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"{method}\",\"params\":");
        let bytes = (head.len() + params.len() + outgoing::TAIL.len()) as u64;
        let limit = self.line_bytes.load(Ordering::Relaxed);
        if bytes > limit {
            return Err(Unsendable::RequestTooLong {
                method: method.to_owned(),
                bytes,
                limit,
            });
        }
        self.write(|writer| {
            let mut buffered = io::BufWriter::with_capacity(64 * 1024, writer);
            buffered.write_all(head.as_bytes())?;
            write_on_one_line(&mut buffered, params)?;
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

impl Measure {
    fn add(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        // The scan ends a line at `\n`; here one only stands between tokens and the depth goes on.
        for piece in text.as_bytes().split(|byte| *byte == b'\n') {
            self.scan.feed(piece);
        }
    }
}

/// Turns line ends into blanks: inside JSON text they stand between tokens only, and a message is one line.
fn write_on_one_line(writer: &mut impl Write, text: &str) -> io::Result<()> {
    for (index, piece) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            writer.write_all(b" ")?;
        }
        writer.write_all(piece.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_between_tokens_become_blanks_and_depth_is_counted_across_them() {
        let mut line = Vec::new();
        write_on_one_line(&mut line, "{\r\n\"a\":\n[1]}").expect("written");
        assert_eq!(line, b"{  \"a\": [1]}");
        let mut measure = Measure::default();
        measure.add("[\n[\n[]]]");
        assert_eq!((measure.bytes, measure.scan.max_depth()), (8, 3));
    }

    #[test]
    fn a_large_payload_is_borrowed_not_copied() {
        let details = serde_json::value::RawValue::from_string("[1,2]".into()).expect("JSON");
        let reply = Reply::Many(vec![
            OpsResult::new("a", "b\"").raw_details(details),
            OpsResult::new("a", "c"),
        ]);
        let pieces = reply.pieces();
        assert!(matches!(pieces[2], Cow::Borrowed("[1,2]")), "{pieces:?}");
        assert_eq!(
            pieces.concat(),
            concat!(
                r#"[{"relates_to":"a","result_name":"b\"","result_description":"","details":[1,2],"formatted":""},"#,
                r#"{"relates_to":"a","result_name":"c","result_description":"","details":{},"formatted":""}]"#
            )
        );
    }
}

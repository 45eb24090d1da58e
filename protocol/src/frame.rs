//! Framing over a blocking reader: one line at a time. A reader with a cap on size judges depth too.

use std::io::{self, BufRead};

use crate::limits;
use crate::recover::recover_id;
use crate::scan::{LineScan, Scanned};

/// Why no further line could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream broke.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// A line is over the cap; the rest of it was passed over.
    #[error("a line of more than {limit} bytes")]
    TooLong {
        /// The cap in bytes.
        limit: u64,
    },
    /// A line nests too deep; it was passed over. Only a reader with a cap judges this.
    #[error("a line nests {depth} levels deep, {limit} are allowed", limit = limits::DEPTH)]
    TooDeep {
        /// The depth that was seen.
        depth: u32,
    },
    /// A line is not UTF-8; it was passed over.
    #[error("a line is not UTF-8")]
    NotUtf8 {
        /// The id's JSON text where the line was meant as a message and one can be read: its sender may wait.
        id: Option<String>,
    },
}

/// How much of a line that is not UTF-8 is looked at for its id, in bytes.
const HEAD_BYTES: usize = 8 * 1024;

/// Reads lines from a blocking reader. After every error but [`FrameError::Io`] the next line can be read.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    cap: Option<u64>,
}

impl<R: BufRead> LineReader<R> {
    /// Makes a reader that judges neither size nor depth: lines of the host are made of accepted ones, so a Result that was accepted at
    /// the greatest depth comes back a level or two deeper.
    pub fn new(reader: R) -> Self {
        Self { reader, cap: None }
    }

    /// Makes a reader with a cap in bytes before the `\n`, and the protocol's limit of depth.
    pub fn with_cap(reader: R, cap: u64) -> Self {
        Self {
            reader,
            cap: Some(cap),
        }
    }

    /// Reads the next line that is not blank, without its line end and a leading BOM. `None` at the end of the stream; a last line without
    /// newline counts.
    ///
    /// # Errors
    /// [`FrameError`], as its variants say.
    pub fn next_line(&mut self) -> Result<Option<String>, FrameError> {
        loop {
            let mut line = Vec::new();
            let mut scan = LineScan::default();
            let (depth, length, at_end) = self.fill(&mut line, &mut scan)?;
            if let Some(limit) = self.cap
                && length > limit
            {
                return Err(FrameError::TooLong { limit });
            }
            if self.cap.is_some() && depth > limits::DEPTH {
                return Err(FrameError::TooDeep { depth });
            }
            let mut text = String::from_utf8(line).map_err(|error| FrameError::NotUtf8 {
                id: id_in(error.as_bytes()),
            })?;
            // In place: a line may be hundreds of megabytes, and a copy would double them.
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            if let Some(rest) = text.strip_prefix('\u{feff}') {
                text = rest.to_owned();
            }
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
            if at_end {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self, line: &mut Vec<u8>, scan: &mut LineScan) -> io::Result<(u32, u64, bool)> {
        loop {
            let chunk = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if chunk.is_empty() {
                return Ok((scan.max_depth(), scan.line_bytes(), true));
            }
            let scanned = scan.feed(chunk);
            let (taken, end) = match scanned {
                Scanned::Open => (chunk.len(), None),
                Scanned::Ended {
                    newline,
                    max_depth,
                    line_bytes,
                } => (newline + 1, Some((max_depth, line_bytes, false))),
            };
            // Past the cap nothing is kept, so that a line without end cannot fill the memory.
            if self.cap.is_none_or(|cap| (line.len() as u64) <= cap) {
                line.extend_from_slice(&chunk[..taken]);
            }
            self.reader.consume(taken);
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }
}

/// Returns the id of a damaged line, unless it does not look like a message at all.
fn id_in(line: &[u8]) -> Option<String> {
    memchr::memmem::find(line, b"\"jsonrpc\"")?;
    let start = memchr::memchr(b'{', line)?;
    let end = line.len().min(start + HEAD_BYTES);
    // From the very start: a `[` before the brace means that there is no id.
    recover_id(&String::from_utf8_lossy(&line[..end]))
}

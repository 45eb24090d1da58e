//! The reader of one plugin's stdout. It never waits for anybody who writes to the same plugin.

use std::sync::Arc;

use bytes::Bytes;
use opsbox_protocol::scan::{LineScan, Scanned};
use opsbox_protocol::{limits, recover_id};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;

use super::error::PluginError;
use super::peer::Shared;

const FIRST_BYTES: usize = 8 * 1024;
const HEAD_BYTES: usize = 4 * 1024;

/// Reads until the end of the stream or until the plugin has failed.
pub(crate) async fn read_all(mut stdout: ChildStdout, shared: Arc<Shared>) {
    let mut lines = Lines::default();
    loop {
        if lines.buffer.capacity() == lines.buffer.len() {
            lines.buffer.reserve(lines.buffer.len().max(FIRST_BYTES));
        }
        match stdout.read_buf(&mut lines.buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if lines.take_new(&shared).is_err() {
            return;
        }
    }
    if !lines.buffer.is_empty() && lines.discarding.is_none() {
        let line = Bytes::from(std::mem::take(&mut lines.buffer));
        let depth = lines.scan.max_depth();
        shared.handle_line(&line, depth);
    }
}

/// The bytes of the open line, and what is known of it.
#[derive(Default)]
struct Lines {
    buffer: Vec<u8>,
    scanned: usize,
    scan: LineScan,
    /// Bytes of an overlong line that were thrown away.
    discarding: Option<u64>,
}

/// The plugin has failed and nothing more is read.
struct Failed;

impl Lines {
    /// Hands on every line that the new bytes complete.
    fn take_new(&mut self, shared: &Arc<Shared>) -> Result<(), Failed> {
        let mut ends = Vec::new();
        while self.scanned < self.buffer.len() {
            match self.scan.feed(&self.buffer[self.scanned..]) {
                Scanned::Open => self.scanned = self.buffer.len(),
                Scanned::Ended {
                    newline, max_depth, ..
                } => {
                    self.scanned += newline + 1;
                    ends.push((self.scanned - 1, max_depth));
                }
            }
        }
        if let Some((last, _)) = ends.last().copied() {
            let rest = self.buffer[last + 1..].to_vec();
            let bytes = Bytes::from(std::mem::replace(&mut self.buffer, rest));
            self.scanned = self.buffer.len();
            let mut start = 0;
            for (end, depth) in ends {
                if self.discarding.take().is_none() {
                    let line = bytes.slice(start..end);
                    if line.len() as u64 > shared.line_cap() {
                        shared.traced(&line);
                        shared.fail_too_large(recover_id(&head(&line)));
                    } else {
                        shared.handle_line(&line, depth);
                    }
                }
                start = end + 1;
            }
        }
        self.bound_open_line(shared)
    }

    fn bound_open_line(&mut self, shared: &Shared) -> Result<(), Failed> {
        let cap = shared.line_cap();
        if let Some(discarded) = &mut self.discarding {
            *discarded += self.buffer.len() as u64;
            self.forget();
            if self.discarding.is_some_and(|discarded| discarded > cap) {
                shared.fail_all(&PluginError::protocol(format!(
                    "a line without end: more than twice the limit of {cap} bytes"
                )));
                return Err(Failed);
            }
        } else if self.buffer.len() as u64 > cap {
            shared.traced(&self.buffer);
            shared.fail_too_large(recover_id(&head(&self.buffer)));
            self.discarding = Some(0);
            self.forget();
        }
        if shared.is_dead() { Err(Failed) } else { Ok(()) }
    }

    fn forget(&mut self) {
        self.buffer = Vec::new();
        self.scanned = 0;
    }
}

fn head(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).into_owned()
}

/// Returns the depth fault of a line, if it has one.
pub(crate) fn depth_fault(depth: u32) -> Option<String> {
    (depth > limits::DEPTH)
        .then(|| format!("a line nests {depth} levels deep, {} are allowed", limits::DEPTH))
}

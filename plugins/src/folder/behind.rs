//! A file written by a thread of its own, while the next piece of its text is made.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// A text of fewer bytes is written in one go, without a thread.
const PIECE_BYTES: usize = 1 << 20;
/// So many pieces wait at most.
const WAITING: usize = 2;

/// Writes pieces of a text in their order.
pub(super) struct Behind {
    file: File,
    thread: Option<(SyncSender<String>, JoinHandle<io::Result<()>>)>,
    failed: Option<io::Error>,
}

impl Behind {
    pub(super) fn new(file: File) -> Self {
        Self {
            file,
            thread: None,
            failed: None,
        }
    }

    /// Takes the text, and leaves none, where there is enough of it to be written.
    pub(super) fn take(&mut self, text: &mut String) {
        if text.len() < PIECE_BYTES {
            return;
        }
        if self.thread.is_none() {
            self.thread = self.start().ok();
        }
        match &self.thread {
            Some((pieces, _)) => {
                let next = String::with_capacity(PIECE_BYTES + PIECE_BYTES / 8);
                // Nobody takes it where writing has failed, which is told at the end.
                let _ = pieces.send(std::mem::replace(text, next));
            }
            // No further thread can be had.
            None => {
                self.failed = self.failed.take().or(self.file.write_all(text.as_bytes()).err());
                text.clear();
            }
        }
    }

    fn start(&self) -> io::Result<(SyncSender<String>, JoinHandle<io::Result<()>>)> {
        let (pieces, written) = sync_channel::<String>(WAITING);
        let mut file = self.file.try_clone()?;
        let write = move || {
            written
                .iter()
                .try_for_each(|piece| file.write_all(piece.as_bytes()))
        };
        Ok((pieces, thread::Builder::new().name("file".into()).spawn(write)?))
    }

    /// Writes the rest.
    ///
    /// # Errors
    /// The first failure of all.
    pub(super) fn finish(mut self, rest: &str) -> io::Result<()> {
        if let Some((pieces, thread)) = self.thread.take() {
            drop(pieces);
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread that writes broke")))?;
        }
        match self.failed {
            Some(error) => Err(error),
            None => self.file.write_all(rest.as_bytes()),
        }
    }
}

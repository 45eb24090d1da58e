//! The socket between host and warm parent: one request at a time, each with one line for an answer.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::REAP;
use crate::plugin::guardian::Guardian;

/// How long it may take to import, and to fork: as long as a handshake.
const READY: Duration = Duration::from_secs(30);
const ANSWER_BYTES: u64 = 64 * 1024;

/// What a warm parent is asked for.
pub(super) enum Command {
    /// A process for a plugin, with these as its stdin, stdout and stderr.
    Fork {
        frame: Vec<u8>,
        ends: [OwnedFd; 3],
        /// The process, or why it has to be started cold.
        answer: oneshot::Sender<Result<Pid, String>>,
    },
    /// The status of a process that has ended; its number is free afterwards.
    Reap {
        pid: Pid,
        answer: oneshot::Sender<ExitStatus>,
    },
}

/// Serves the commands until nobody can send any more.
///
/// # Errors
/// Why the warm parent is of no use, or of no use any more.
pub(super) async fn serve(
    stream: UnixStream,
    planned: Vec<u8>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    ready: watch::Sender<bool>,
    guardian: Option<&Guardian>,
) -> io::Result<()> {
    let mut wire = Wire(BufReader::new(stream));
    let (word, text) = wire.ask(b'p', &planned, &[], READY).await?;
    if word != "ready" {
        return Err(io::Error::other(text));
    }
    tracing::debug!("the warm Python parent is ready {text}");
    ready.send_replace(true);
    while let Some(command) = commands.recv().await {
        match command {
            Command::Fork { frame, ends, answer } => {
                let fds = ends.each_ref().map(AsFd::as_fd);
                let (word, text) = wire.ask(b'f', &frame, &fds, READY).await?;
                // From here on only the child holds them, so that its end is seen.
                drop(ends);
                let Some(pid) = (word == "forked").then(|| pid_of(&text)).flatten() else {
                    let _told = answer.send(Err(text));
                    continue;
                };
                if let Some(guardian) = guardian {
                    guardian.watch(pid);
                }
                if answer.send(Ok(pid)).is_err() {
                    // Whoever wanted it was interrupted.
                    let _gone = kill_process_group(pid, Signal::KILL);
                    if let Some(guardian) = guardian {
                        guardian.forget(pid);
                    }
                    wire.reap(pid).await?;
                }
            }
            Command::Reap { pid, answer } => {
                if let Some(status) = wire.reap(pid).await? {
                    // Whoever asked may have lost patience.
                    let _told = answer.send(status);
                }
            }
        }
    }
    Ok(())
}

fn pid_of(text: &str) -> Option<Pid> {
    // A signal to "group 1" would go to everybody.
    text.parse().ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)
}

struct Wire(BufReader<UnixStream>);

impl Wire {
    /// Returns how a dead process ended; `None` where the warm parent does not know it.
    async fn reap(&mut self, pid: Pid) -> io::Result<Option<ExitStatus>> {
        let number = pid.as_raw_nonzero().to_string();
        let (word, text) = self.ask(b'r', number.as_bytes(), &[], REAP).await?;
        let raw = (word == "ended").then(|| text.parse().ok()).flatten();
        Ok(raw.map(ExitStatus::from_raw))
    }

    /// Sends a frame, with descriptors, and returns the answer's first word and the rest.
    async fn ask(
        &mut self,
        kind: u8,
        frame: &[u8],
        fds: &[BorrowedFd<'_>],
        limit: Duration,
    ) -> io::Result<(String, String)> {
        let exchange = async {
            self.send(kind, frame, fds).await?;
            let mut line = String::new();
            (&mut self.0).take(ANSWER_BYTES).read_line(&mut line).await?;
            let Some(line) = line.strip_suffix('\n') else {
                return Err(io::Error::other("it ended"));
            };
            let (word, text) = line.split_once(' ').unwrap_or((line, ""));
            Ok((word.to_owned(), text.to_owned()))
        };
        tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or_else(|_| Err(io::Error::other(format!("no answer within {limit:?}"))))
    }

    async fn send(&mut self, kind: u8, frame: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        let mut bytes = vec![kind];
        bytes.extend(length.to_be_bytes());
        bytes.extend(frame);
        let stream = self.0.get_mut();
        // The descriptors go with the first byte.
        let sent = stream
            .async_io(Interest::WRITABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
                    return Err(io::Error::other("too many descriptors"));
                }
                Ok(sendmsg(
                    &*stream,
                    &[IoSlice::new(&bytes)],
                    &mut control,
                    SendFlags::NOSIGNAL,
                )?)
            })
            .await?;
        stream.write_all(&bytes[sent..]).await
    }
}

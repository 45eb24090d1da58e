//! The end of a forked process: seen by the host itself, its status told by the warm parent.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot, watch};

use super::REAP;
use super::wire::Command;
use crate::plugin::guardian::Guardian;
use crate::plugin::process::{End, Life};

/// What is needed after a forked process's death.
pub(super) struct Grave {
    pub(super) pid: Pid,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) guardian: Option<Arc<Guardian>>,
}

impl Grave {
    /// Waits for the death in the background; returns where the process's life is seen.
    ///
    /// # Errors
    /// As the system says where it cannot be watched; it is ended then.
    pub(super) async fn watch(self) -> io::Result<watch::Receiver<Life>> {
        let (tx, life) = watch::channel(Life::Alive);
        match pidfd(self.pid).and_then(Receiver::from_owned_fd_unchecked) {
            Ok(fd) => {
                tokio::spawn(async move {
                    // A pidfd is no pipe, but waited for like one: it is readable from the death on.
                    let _dead = fd.readable().await;
                    self.bury(&tx).await;
                });
                Ok(life)
            }
            Err(error) => {
                self.bury(&tx).await;
                Err(error)
            }
        }
    }

    /// Ends what is left of the group, and learns the status. The number stays the process's own until it is reaped.
    async fn bury(self, life: &watch::Sender<Life>) {
        let _gone = kill_process_group(self.pid, Signal::KILL);
        if let Some(guardian) = &self.guardian {
            guardian.forget(self.pid);
        }
        life.send_replace(Life::Dead);
        let (answer, answered) = oneshot::channel();
        // Without a warm parent nobody knows the status; the receiver then hears nothing.
        let _sent = self.commands.send(Command::Reap {
            pid: self.pid,
            answer,
        });
        let end = match tokio::time::timeout(REAP, answered).await {
            Ok(Ok(status)) => End::Status(status),
            _ => End::Unknown,
        };
        life.send_replace(Life::Ended(end));
    }
}

/// Returns a descriptor that tells of a process's death.
#[cfg(target_os = "linux")]
pub(super) fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(
        pid,
        rustix::process::PidfdFlags::empty(),
    )?)
}

/// Returns that there is no such descriptor here.
#[cfg(not(target_os = "linux"))]
pub(super) fn pidfd(_: Pid) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

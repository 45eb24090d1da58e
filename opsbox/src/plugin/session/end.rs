//! The end of a session: in good order where the plugin lets us, else at once.

use std::time::Duration;

use opsbox_protocol::Hook;
use rustix::process::Signal;
use serde_json::Map;

use super::Session;
use crate::halt::Halt;

/// How long the answer to `shutdown` is waited for.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(5);
/// How long the end is waited for once stdin is closed.
pub(crate) const AFTER_EOF: Duration = Duration::from_secs(2);
/// How long the end is waited for after SIGTERM.
pub(crate) const AFTER_TERM: Duration = Duration::from_secs(3);

impl Session {
    /// Ends the plugin in good order: `shutdown`, end of stdin, SIGTERM, SIGKILL, each with its own patience.
    pub async fn stop(mut self) {
        // A run that is being cancelled still ends its plugins in good order.
        self.cancel_at = Halt::Abort;
        let mut halt = self.halt.clone();
        let ended = tokio::select! {
            ended = self.descend() => ended,
            () = crate::halt::reached(&mut halt, Halt::Abort) => false,
        };
        if !ended {
            self.kill().await;
        }
    }

    /// Goes down the rungs before SIGKILL; returns whether the process has ended.
    async fn descend(&mut self) -> bool {
        if !self.is_dead() {
            let nothing = Map::new();
            let asked = self.simple(Hook::Shutdown, &nothing, None, "shutdown");
            // Whatever it answers, the next rung follows.
            let _answer = tokio::time::timeout(SHUTDOWN, asked).await;
        }
        self.shared.close_stdin();
        tracing::trace!("`{}`: end of its stdin", self.name);
        let patience = if self.is_dead() { Duration::ZERO } else { AFTER_EOF };
        if self.process.ended(patience).await.is_some() {
            return true;
        }
        self.process.signal(Signal::TERM);
        self.process.ended(AFTER_TERM).await.is_some()
    }

    /// Ends the plugin and its group at once.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        // A process in an uninterruptible wait cannot be reaped now; it is not waited for.
        let _status = self.process.ended(AFTER_TERM).await;
    }
}

impl Drop for Session {
    /// Ends the writer, which holds the plugin's stdin and waits for more to write; the process ends with the last who holds it.
    fn drop(&mut self) {
        self.writer.abort();
    }
}

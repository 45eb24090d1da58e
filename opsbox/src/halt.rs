//! The signal that ends a run early, seen by everything that waits.

use tokio::sync::watch;

/// How far a run is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Halt {
    /// Go on.
    Go,
    /// Cancel what runs, deliver what was gathered.
    Cancel,
    /// End everything now.
    Abort,
}

/// Where a halt is seen.
pub type HaltSeen = watch::Receiver<Halt>;

/// Returns a sender and a receiver of the signal, at [`Halt::Go`].
pub fn channel() -> (watch::Sender<Halt>, HaltSeen) {
    watch::channel(Halt::Go)
}

/// Waits until the signal is at least this far.
pub async fn reached(seen: &mut HaltSeen, least: Halt) {
    if seen.wait_for(|halt| *halt >= least).await.is_err() {
        // The sender is gone, so no halt can come any more.
        std::future::pending::<()>().await;
    }
}

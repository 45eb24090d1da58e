//! What holds one call of a chain: it is cancelled with the run, with the call above it, or when whoever made it wants so.

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::halt::{self, Halt, HaltSeen};

/// The hold on one call. Dropping it lets go of those below: they are cancelled, since nobody waits for them any more.
pub(crate) struct Leash {
    tx: watch::Sender<Halt>,
    rx: HaltSeen,
    following: JoinHandle<()>,
}

impl Leash {
    /// Makes a leash that is pulled when `above` reaches `at`.
    pub(crate) fn under(above: HaltSeen, at: Halt) -> Self {
        let (tx, rx) = halt::channel();
        let following = tokio::spawn(follow(above, at, tx.clone()));
        Self { tx, rx, following }
    }

    /// Returns where the call sees what it has to do.
    pub(crate) fn seen(&self) -> HaltSeen {
        self.rx.clone()
    }

    /// Cancels the calls below.
    pub(crate) fn pull(&self) {
        raise(&self.tx, Halt::Cancel);
    }

    /// Returns whether the call is to end.
    #[cfg(test)]
    pub(crate) fn is_pulled(&self) -> bool {
        *self.rx.borrow() >= Halt::Cancel
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.pull();
        self.following.abort();
    }
}

async fn follow(mut above: HaltSeen, at: Halt, tx: watch::Sender<Halt>) {
    halt::reached(&mut above, at).await;
    raise(&tx, Halt::Cancel);
    halt::reached(&mut above, Halt::Abort).await;
    raise(&tx, Halt::Abort);
}

fn raise(tx: &watch::Sender<Halt>, to: Halt) {
    tx.send_if_modified(|halt| {
        let rises = *halt < to;
        *halt = (*halt).max(to);
        rises
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_leash_is_pulled_with_the_one_above_and_when_it_is_dropped() {
        let (run, seen) = halt::channel();
        let above = Leash::under(seen, Halt::Cancel);
        let below = Leash::under(above.seen(), Halt::Cancel);
        let mut lowest = Leash::under(below.seen(), Halt::Cancel).seen();
        assert!(!below.is_pulled());
        // Nobody holds the lowest any more.
        halt::reached(&mut lowest, Halt::Cancel).await;
        let mut below_seen = below.seen();
        run.send_replace(Halt::Abort);
        halt::reached(&mut below_seen, Halt::Abort).await;
        assert!(above.is_pulled());
    }

    #[tokio::test]
    async fn a_leash_of_an_output_holds_through_the_first_interrupt() {
        let (run, seen) = halt::channel();
        let above = Leash::under(seen, Halt::Abort);
        run.send_replace(Halt::Cancel);
        tokio::task::yield_now().await;
        assert!(!above.is_pulled());
        run.send_replace(Halt::Abort);
        halt::reached(&mut above.seen(), Halt::Abort).await;
    }
}

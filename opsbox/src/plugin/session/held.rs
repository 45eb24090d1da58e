//! Calls on a leash: of a handler, which may ask the host meanwhile, and of the plugins that a handler calls.

use std::sync::Arc;
use std::time::Duration;

use opsbox_protocol::handler;
use rustix::process::Signal;

use crate::plugin::leash::Leash;
use crate::plugin::peer::Order;
use crate::plugin::process::Process;

use super::wait::Deadlines;
use super::{CallOutcome, Session};

/// Ends a plugin's process while somebody else waits for its answer.
pub(crate) struct Killer(Arc<Process>);

impl Killer {
    /// Kills the process and its group; every open call fails with it.
    pub(crate) fn kill(&self) {
        self.0.signal(Signal::KILL);
    }
}

impl Session {
    /// Calls a hook that somebody holds by a leash, under the clocks of a hook.
    pub(crate) async fn call_on(&mut self, leash: &Leash, order: Order<'_>) -> CallOutcome {
        self.work(order, self.clocks.hook_total, Some(leash)).await
    }

    pub(super) async fn work(
        &mut self,
        order: Order<'_>,
        total: Option<Duration>,
        leash: Option<&Leash>,
    ) -> CallOutcome {
        let reports = self.knows("progress");
        let deadlines = Deadlines {
            total: total.map(|limit| (limit, "hook_total")),
            idle: if reports { self.clocks.hook_idle } else { None },
        };
        let mut outcome = self.wait_for(order, deadlines, leash).await;
        if let Err(error) = &mut outcome.answer {
            self.caps.explain(error);
        }
        outcome.gaps.splice(0..0, std::mem::take(&mut self.carried));
        outcome
    }

    /// Returns whether the plugin has a hook of this name, of the protocol or its own.
    pub(crate) fn may_have(&self, hook: &str) -> bool {
        self.hello
            .hooks
            .iter()
            .any(|name| name == hook || name == handler::ANY_HOOK)
    }

    /// Returns what ends the process whoever holds the session.
    pub(crate) fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.process))
    }
}

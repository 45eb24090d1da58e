//! Waiting for an answer: under two clocks, through a halt, and never for a plugin that cannot answer.

use std::time::{Duration, Instant};

use opsbox_protocol::message::Cancel;
use rustix::process::Signal;

use crate::halt::Halt;
use crate::plugin::error::PluginError;
use crate::plugin::leash::Leash;
use crate::plugin::peer::Order;

use super::{CallOutcome, Session};

/// How often a process is looked at that may have been stopped by the kernel.
const STOP_CHECK: Duration = Duration::from_secs(1);

/// The clocks of one call; `None` is no deadline.
pub(super) struct Deadlines {
    pub(super) total: Option<(Duration, &'static str)>,
    pub(super) idle: Option<Duration>,
}

impl Session {
    pub(super) async fn wait_for(
        &mut self,
        order: Order<'_>,
        deadlines: Deadlines,
        leash: Option<&Leash>,
    ) -> CallOutcome {
        let start = Instant::now();
        let method = order.method;
        let (mut halt, cancel_at) = match leash {
            Some(leash) => (leash.seen(), Halt::Cancel),
            None => (self.halt.clone(), self.cancel_at),
        };
        let mut open = self.shared.open(order);
        let id = open.id;
        let mut cancelled_at = None;
        let mut late: Option<PluginError> = None;
        let answer = loop {
            let wake = self.next_wake(id, start, &deadlines, cancelled_at);
            tokio::select! {
                biased;
                answer = &mut open.answer => {
                    let answer = answer.unwrap_or(Err(PluginError::Cancelled { method: method.to_owned() }));
                    // An answer within the grace saves the plugin, not the call.
                    break late.map_or(answer, Err);
                }
                () = crate::halt::reached(&mut halt, if cancelled_at.is_some() { Halt::Abort } else { cancel_at }) => {
                    if *halt.borrow() == Halt::Abort {
                        break Err(PluginError::Cancelled { method: method.to_owned() });
                    }
                    cancelled_at = Some(Instant::now());
                    self.shared.cancel(id);
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    if let Some(error) = self.overdue(id, method, start, &deadlines, cancelled_at) {
                        // What is readable already counts as an answer in time.
                        for _ in 0..3 {
                            tokio::task::yield_now().await;
                        }
                        if let Ok(answer) = open.answer.try_recv() {
                            break late.map_or(answer, Err);
                        }
                        if cancelled_at.is_none() && self.listens_to_cancel(&error) {
                            cancelled_at = Some(Instant::now());
                            late = Some(error);
                            self.shared.cancel(id);
                            if let Some(leash) = leash {
                                leash.pull();
                            }
                            continue;
                        }
                        let error = late.unwrap_or(error);
                        self.shared.fail_all(&error);
                        self.process.signal(Signal::KILL);
                        break Err(error);
                    }
                }
            }
        };
        self.shared.close(id);
        tracing::debug!(
            "`{}` answered `{method}` after {:.1?}",
            self.name,
            start.elapsed()
        );
        CallOutcome {
            answer,
            gaps: self.shared.take_gaps(id),
        }
    }

    /// Returns whether a call over its deadline is cancelled first, instead of ending the plugin at once.
    fn listens_to_cancel(&self, error: &PluginError) -> bool {
        matches!(error, PluginError::Timeout { .. }) && self.hello.cancel != Cancel::None
    }

    fn next_wake(
        &self,
        id: u64,
        start: Instant,
        deadlines: &Deadlines,
        cancelled_at: Option<Instant>,
    ) -> Instant {
        let clocks = match cancelled_at {
            Some(at) => [self.clocks.cancel_grace.map(|grace| at + grace), None],
            None => [
                deadlines.total.map(|(limit, _)| start + limit),
                deadlines
                    .idle
                    .map(|limit| self.shared.last_sign(id).unwrap_or(start) + limit),
            ],
        };
        clocks
            .into_iter()
            .flatten()
            .fold(Instant::now() + STOP_CHECK, Instant::min)
    }

    fn overdue(
        &self,
        id: u64,
        method: &str,
        start: Instant,
        deadlines: &Deadlines,
        cancelled_at: Option<Instant>,
    ) -> Option<PluginError> {
        let now = Instant::now();
        if let Some(at) = cancelled_at {
            // Without a grace there is no limit to the patience; a second interrupt still ends it.
            let grace = self.clocks.cancel_grace?;
            return (now >= at + grace).then(|| PluginError::Cancelled {
                method: method.to_owned(),
            });
        }
        let timeout = |limit, idle, key| PluginError::Timeout {
            method: method.to_owned(),
            limit,
            idle,
            key,
        };
        if let Some((limit, key)) = deadlines.total
            && now >= start + limit
        {
            return Some(timeout(limit, "", key));
        }
        if let Some(limit) = deadlines.idle
            && now >= self.shared.last_sign(id).unwrap_or(start) + limit
        {
            return Some(timeout(limit, " without progress", "hook_idle"));
        }
        self.process.stopped().map(|by| PluginError::Stopped {
            when: format!("during `{method}`"),
            by,
        })
    }
}

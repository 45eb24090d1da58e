//! Plugins that crash: started again where their hook only gathers or computes, within a budget, and given up for the run after it.
//!
//! Only a process that died counts. One that was ended because it was late, used too much or broke the protocol would most likely do the
//! same again, and would take as long again; one that answered an error lives. What delivers, and what a handler does, is never repeated.

use std::time::{Duration, Instant};

use opsbox_protocol::Hook;

use crate::halt::{self, Halt};
use crate::manifest::{Manifest, Restart};
use crate::plugin::peer::Pieces;
use crate::plugin::{CallOutcome, Event, PluginError, SessionContext};

use super::Shared;
use super::member::{self, Live, Member, State};

/// How long a hook may take in all where nobody says, as for a single call.
const HOOK_TOTAL: Duration = Duration::from_secs(3600);

/// How often a plugin may still be started in this run.
pub(crate) struct Lives {
    started: u32,
    times: u32,
    pause: Duration,
    /// No further start after this.
    until: Option<Instant>,
}

impl Lives {
    pub(crate) fn of(manifest: &Manifest, ctx: &SessionContext) -> Self {
        let total = ctx
            .hook_total
            .or(manifest.timeouts.hook_total)
            .unwrap_or(HOOK_TOTAL);
        Self {
            started: 1,
            times: ctx.restarts.or(manifest.restart.times).unwrap_or(Restart::TIMES),
            pause: manifest
                .restart
                .backoff
                .unwrap_or(Restart::BACKOFF)
                .min(Restart::LONGEST),
            // All starts together get the time of one call, so that a crash cannot multiply it.
            until: (!total.is_zero()).then(|| Instant::now() + total),
        }
    }

    /// Lets them count for the whole run, however long that takes: no call is repeated.
    pub(super) fn for_run(self) -> Self {
        Self { until: None, ..self }
    }

    fn are_left(&self) -> bool {
        self.started <= self.times && self.until.is_none_or(|until| Instant::now() < until)
    }

    /// Waits until a plugin that died of this may be started again.
    ///
    /// # Errors
    /// Why it is not.
    pub(super) async fn outlive(
        &mut self,
        shared: &Shared,
        member: usize,
        error: PluginError,
    ) -> Result<(), PluginError> {
        if !matches!(error, PluginError::Exited { .. }) || shared.is_halted() {
            return Err(error);
        }
        if !self.are_left() {
            let started = self.started;
            return Err(match started {
                1 => error,
                _ => PluginError::GivenUp {
                    started,
                    last: Box::new(error),
                },
            });
        }
        let (number, times) = (self.started, self.times);
        let text = format!("{error}; it is started again ({number} of {times})");
        shared.sink(member)(Event::Warning(text));
        self.started += 1;
        let pause = self.pause;
        self.pause = (pause * 2).min(Restart::LONGEST);
        let mut halt = shared.halt.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = halt::reached(&mut halt, Halt::Cancel) => Err(error),
        }
    }
}

impl Member {
    /// Calls a hook that gathers or computes, and sends the plugin down; `None`: it has no code. A crash is outlived as far as the budget goes.
    pub(crate) async fn compute(
        &mut self,
        shared: &Shared,
        hook: Hook,
        mut params: Pieces,
    ) -> Option<CallOutcome> {
        let failed = |error| {
            let (answer, gaps) = (Err(error), Vec::new());
            Some(CallOutcome { answer, gaps })
        };
        let mut lives = Lives::of(&self.manifest, &shared.ctx);
        let is_hopeless = matches!(self.state, State::Failed(_));
        let mut live = match self.wake(shared).await {
            Ok(live) => live?,
            Err(error) if is_hopeless => return failed(error),
            Err(error) => match self.revive(shared, &mut lives, error).await {
                Ok(live) => live,
                Err(error) => return failed(error),
            },
        };
        loop {
            shared.board.started(self.step, hook.method());
            let given = if lives.are_left() {
                params.clone()
            } else {
                std::mem::take(&mut params)
            };
            let mut outcome = live.session.call(hook, given).await;
            member::retire(shared, live).await;
            // What a process that died could not look at, the next one looks at anew.
            let Err(error) = outcome.answer else {
                return Some(outcome);
            };
            match self.revive(shared, &mut lives, error).await {
                Ok(again) => live = again,
                Err(error) => {
                    outcome.answer = Err(error);
                    return Some(outcome);
                }
            }
        }
    }

    /// Starts a plugin again that ended its call like this, as often as its budget allows.
    ///
    /// # Errors
    /// How it ended where it did not crash or is not started again.
    pub(crate) async fn revive(
        &mut self,
        shared: &Shared,
        lives: &mut Lives,
        mut error: PluginError,
    ) -> Result<Live, PluginError> {
        loop {
            lives.outlive(shared, self.step, error.clone()).await?;
            self.state = State::Cold;
            match self.wake(shared).await {
                Ok(Some(live)) => return Ok(live),
                Ok(None) => return Err(error),
                Err(again) => error = again,
            }
        }
    }
}

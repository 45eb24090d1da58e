//! The code that a Rego check may have beside its policy: `inject_data` before it, `report_findings` after it, both repeatable after a crash.

use opsbox_protocol::Hook;

use super::Verdict;
use super::inject::{self, Injected};
use crate::plugin::{Gap, PluginError, ResultSlice};
use crate::run::lives::Lives;
use crate::run::member::{self, Live, Member};
use crate::run::{Shared, params};

/// A check's plugin; it has no session where the check is a policy alone.
pub(super) struct Code<'a> {
    shared: &'a Shared,
    member: Member,
    lives: Lives,
    live: Option<Live>,
}

impl<'a> Code<'a> {
    /// Takes the check's session, or starts it.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn wake(shared: &'a Shared, mut member: Member) -> Result<Self, PluginError> {
        let mut lives = Lives::of(&member.manifest, &shared.ctx);
        let is_cold = matches!(member.state, member::State::Cold);
        let live = match member.wake(shared).await {
            Err(error) if is_cold => Some(member.revive(shared, &mut lives, error).await?),
            woken => woken?,
        };
        Ok(Self {
            shared,
            member,
            lives,
            live,
        })
    }

    pub(super) fn has(&self, hook: Hook) -> bool {
        self.live.as_ref().is_some_and(|live| live.session.has(hook))
    }

    /// Has the plugin say what it adds to the data, see [`inject::inject`].
    pub(super) async fn inject(
        &mut self,
        kept: &ResultSlice,
        gaps: &mut Vec<Gap>,
    ) -> Result<Injected, PluginError> {
        let n_gaps = gaps.len();
        loop {
            let injected =
                inject::inject(self.shared, self.member.step, self.live.as_mut(), kept, gaps).await;
            match injected {
                Err(error) => self.outlive(error).await?,
                injected => return injected,
            }
            gaps.truncate(n_gaps);
        }
    }

    /// Has the plugin change the data, see [`inject::with_data`].
    pub(super) async fn with_data(
        &mut self,
        kept: &ResultSlice,
        gaps: &mut Vec<Gap>,
    ) -> Result<Injected, PluginError> {
        let n_gaps = gaps.len();
        loop {
            let injected =
                inject::with_data(self.shared, self.member.step, self.live.as_mut(), kept, gaps).await;
            match injected {
                Err(error) => self.outlive(error).await?,
                injected => return injected,
            }
            gaps.truncate(n_gaps);
        }
    }

    /// Has the plugin make Results of what the policy found; `None`: the check does not apply.
    pub(super) async fn report(
        &mut self,
        verdict: Verdict,
        gaps: &mut Vec<Gap>,
    ) -> Result<Option<(Vec<ResultSlice>, u64)>, PluginError> {
        let Some(result) = verdict.result else {
            return Ok(None);
        };
        let n_gaps = gaps.len();
        loop {
            let Some(live) = self
                .live
                .as_mut()
                .filter(|live| live.session.has(Hook::ReportFindings))
            else {
                return Ok(Some((vec![result], verdict.findings)));
            };
            let turn = self.shared.turn().await;
            self.shared
                .board
                .started(self.member.step, Hook::ReportFindings.method());
            let outcome = live
                .session
                .call(Hook::ReportFindings, params::one(&result))
                .await;
            drop(turn);
            gaps.extend(outcome.gaps);
            match outcome.answer {
                Ok(reply) => {
                    let results = reply.into_results();
                    // What the plugin made of the policy's findings is what counts.
                    let findings = results.iter().map(|result| result.count_findings() as u64).sum();
                    return Ok(Some((results, findings)));
                }
                Err(error) => self.outlive(error).await?,
            }
            gaps.truncate(n_gaps);
        }
    }

    /// Starts the plugin again where it crashed and may be.
    async fn outlive(&mut self, error: PluginError) -> Result<(), PluginError> {
        if let Some(dead) = self.live.take() {
            member::retire(self.shared, dead).await;
        }
        self.live = Some(self.member.revive(self.shared, &mut self.lives, error).await?);
        Ok(())
    }

    /// Sends the plugin down in the background.
    pub(super) async fn retire(self) {
        if let Some(live) = self.live {
            member::retire(self.shared, live).await;
        }
    }
}

//! Hands the Results to every output, side by side. An output is never called twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use opsbox_protocol::Hook;
use opsbox_protocol::message::StepStatus;
use tokio::task::JoinSet;

use crate::halt::Halt;
use crate::plugin::{PluginError, ResultSlice};
use crate::report::summary::cause_of;
use crate::report::{Role, SkipReason, Status, StepRecord, hands_on};

use super::board::Ending;
use super::handle::Switchboard;
use super::member::{self, Member};
use super::{Shared, hollow, params};

/// Delivers to every output. After a first interrupt what was gathered is still delivered; after `--fail-fast` stopped the run, nothing is.
pub(crate) async fn run_all(
    shared: &Arc<Shared>,
    switchboard: &Arc<Switchboard>,
    outputs: Vec<Member>,
    results: Vec<ResultSlice>,
) {
    let stop = if shared.options.fail_fast && shared.board.has_failed() {
        Some("`--fail-fast` stopped the run")
    } else if *shared.halt.borrow() == Halt::Abort {
        Some("the run was stopped")
    } else if results.is_empty() && nobody_looked(shared) {
        Some("no check brought a result, so there is nothing to deliver")
    } else {
        None
    };
    if let Some(private) = shared.prior_private {
        shared
            .board
            .look_through(&shared.plan.pipeline, &results, private);
    }
    let hollow = Arc::new(hollow::places(&steps(shared), &results));
    let results = Arc::new(results);
    let private = shared.board.holds_secrets().await;
    let mut delivering = JoinSet::new();
    for mut member in outputs {
        if let Some(taken) = member.taken() {
            shared.board.settle_taken(member.step, &taken);
            continue;
        }
        if let Some(why) = stop {
            shared.board.settle(member.step, None, Ending::blocked(why));
            member.dismiss(shared).await;
            continue;
        }
        let results = Arc::clone(&results);
        if shared.plan.is_served(member.step) {
            delivering.spawn(handled(
                Arc::clone(shared),
                Arc::clone(switchboard),
                member,
                results,
            ));
        } else {
            let given = Given {
                results,
                hollow: Arc::clone(&hollow),
                private,
            };
            delivering.spawn(deliver(Arc::clone(shared), member, given));
        }
    }
    drop(results);
    while delivering.join_next().await.is_some() {}
}

/// Returns the steps of this run, after those whose Results it only hands on.
fn steps(shared: &Shared) -> Vec<StepRecord> {
    let mut steps = shared.prior.clone();
    steps.extend(shared.board.records());
    steps
}

/// Returns whether every check failed, could not look or was held up, so that an empty list would look like "nothing found".
fn nobody_looked(shared: &Shared) -> bool {
    let steps = steps(shared);
    let mut checks = steps.iter().filter(|step| step.role == Role::Check).peekable();
    checks.peek().is_some()
        && checks.all(|step| {
            matches!(step.status, Status::Failed | Status::Unknown)
                || (step.status == Status::Skipped && !step.is_whole())
        })
}

/// Returns how every check ended, so that an output does not take "nothing there" for "nothing found".
fn statuses(shared: &Shared) -> Vec<StepStatus> {
    let steps = steps(shared);
    let checks = steps.iter().filter(|step| step.role == Role::Check);
    checks
        .map(|step| StepStatus {
            why: (!step.is_whole() || matches!(step.skipped, Some(SkipReason::ByChoice { .. })))
                .then(|| cause_of(step)),
            data: hands_on(&steps, step),
            plugin: step.plugin.clone(),
            status: step.status,
            results: step.made.clone(),
        })
        .collect()
}

/// Delivers through a handler. What it answers is not asked for.
async fn handled(
    shared: Arc<Shared>,
    switchboard: Arc<Switchboard>,
    member: Member,
    results: Arc<Vec<ResultSlice>>,
) {
    let since = Instant::now();
    if switchboard.can_run(member.step) {
        shared.board.begun(member.step).await;
    }
    let ending = match switchboard.step(&member, &results, &[], Halt::Abort).await {
        Ok((_, gaps)) => Ending::delivered(&[], None, gaps),
        Err(ending) => ending,
    };
    shared.board.settle(member.step, Some(since), ending);
}

/// What outputs are given.
struct Given {
    results: Arc<Vec<ResultSlice>>,
    /// The places of Results for those only that are told how the checks ended.
    hollow: Arc<BTreeSet<usize>>,
    /// Whether a Result holds a secret.
    private: bool,
}

impl Given {
    /// Returns the Results for an output that is not told how the checks ended; `None` where there were some, and all are hollow.
    fn untold(&self, shared: &Shared, output: &str) -> Option<Arc<Vec<ResultSlice>>> {
        if self.hollow.is_empty() {
            return Some(Arc::clone(&self.results));
        }
        let names: Vec<_> = self
            .hollow
            .iter()
            .map(|place| self.results[*place].name())
            .collect();
        shared.board.warn(&hollow::warning(output, &names));
        let left = hollow::without(&self.results, &self.hollow);
        (!left.is_empty()).then(|| Arc::new(left))
    }
}

async fn deliver(shared: Arc<Shared>, mut member: Member, given: Given) {
    let since = Instant::now();
    let live = match member.wake(&shared).await {
        Ok(Some(live)) => Ok(live),
        Ok(None) => Err(PluginError::NotFound {
            program: member.manifest.name.clone(),
            looked_in: "its manifest, which names no program".into(),
        }),
        Err(error) => Err(error),
    };
    let mut live = match live {
        Ok(live) => live,
        Err(error) => {
            return shared
                .board
                .settle(member.step, Some(since), Ending::failed(&error));
        }
    };
    let statuses = live.session.knows("steps").then(|| statuses(&shared));
    let results = match &statuses {
        Some(_) => Some(Arc::clone(&given.results)),
        None => given.untold(&shared, &member.manifest.name),
    };
    let Some(results) = results else {
        member::retire(&shared, live).await;
        let why = "what there is for it comes from checks that saw only part and found nothing".into();
        let ending = Ending::skipped(SkipReason::ByChoice { why });
        return shared.board.settle(member.step, Some(since), ending);
    };
    shared.board.started(member.step, Hook::ProcessResults.method());
    let private = given.private && live.session.knows("private");
    drop(given);
    let given = params::results_of(statuses.as_deref(), private, &results);
    drop(results);
    // Whoever reads the kept run later must not send twice what may have arrived.
    shared.board.begun(member.step).await;
    let outcome = live.session.call(Hook::ProcessResults, given).await;
    member::retire(&shared, live).await;
    let ending = match outcome.answer {
        Ok(_) => Ending::delivered(&[], None, outcome.gaps),
        Err(error) => Ending::failed(&error).with_gaps(outcome.gaps),
    };
    shared.board.settle(member.step, Some(since), ending);
}

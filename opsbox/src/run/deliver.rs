//! Hands the Results to every output, side by side. An output is never called twice.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use opsbox_protocol::Hook;
use opsbox_protocol::message::StepStatus;
use tokio::sync::oneshot;
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
    let steps = steps(shared);
    let stop = if shared.options.fail_fast && shared.board.has_failed() {
        Some("`--fail-fast` stopped the run")
    } else if *shared.halt.borrow() == Halt::Abort {
        Some("the run was stopped")
    } else if results.is_empty() && nobody_looked(&steps) {
        Some("no check brought a result, so there is nothing to deliver")
    } else {
        None
    };
    if let Some(private) = shared.prior_private {
        shared
            .board
            .look_through(&shared.plan.pipeline, &results, private);
    }
    let given = Arc::new(Given {
        hollow: hollow::places(&results),
        results: Arc::new(results),
        private: shared.board.holds_secrets().await,
        steps,
    });
    let mut delivering = JoinSet::new();
    let mut before = None;
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
        let given = Arc::clone(&given);
        let (done, next) = oneshot::channel();
        let turn = Turn {
            before: before.replace(next),
            _done: done,
        };
        if shared.plan.is_served(member.step) {
            let switchboard = Arc::clone(switchboard);
            delivering.spawn(handled(Arc::clone(shared), switchboard, member, given, turn));
        } else {
            delivering.spawn(deliver(Arc::clone(shared), member, given, turn));
        }
    }
    drop(given);
    while delivering.join_next().await.is_some() {}
}

/// Returns the steps of this run, after those whose Results it only hands on.
fn steps(shared: &Shared) -> Vec<StepRecord> {
    let mut steps = shared.prior.clone();
    steps.extend(shared.board.records());
    steps
}

/// Returns whether every check failed, could not look or was held up, so that an empty list would look like "nothing found".
fn nobody_looked(steps: &[StepRecord]) -> bool {
    let mut checks = steps.iter().filter(|step| step.role == Role::Check).peekable();
    checks.peek().is_some()
        && checks.all(|step| {
            matches!(step.status, Status::Failed | Status::Unknown)
                || (step.status == Status::Skipped && !step.is_whole())
        })
}

/// Returns how every check ended, so that an output does not take "nothing there" for "nothing found".
fn statuses(steps: &[StepRecord]) -> Vec<StepStatus> {
    let checks = steps.iter().filter(|step| step.role == Role::Check);
    checks
        .map(|step| StepStatus {
            why: (!step.is_whole() || matches!(step.skipped, Some(SkipReason::ByChoice { .. })))
                .then(|| cause_of(step)),
            data: hands_on(steps, step),
            plugin: step.plugin.clone(),
            status: step.status,
            results: step.made.clone(),
        })
        .collect()
}

/// What outputs are given.
struct Given {
    results: Arc<Vec<ResultSlice>>,
    /// The places of Results for those only that are told how the checks ended.
    hollow: BTreeSet<usize>,
    /// Whether a Result holds a secret.
    private: bool,
    /// The steps whose Results these are.
    steps: Vec<StepRecord>,
}

impl Given {
    /// Returns the Results for an output that is told this of the checks, or nothing; `None` where there were some, and all are hollow.
    fn without_hollow(
        &self,
        told: Option<&[StepStatus]>,
        shared: &Shared,
        output: &str,
    ) -> Option<Arc<Vec<ResultSlice>>> {
        if self.hollow.is_empty() {
            return Some(Arc::clone(&self.results));
        }
        let told: BTreeSet<_> = told
            .iter()
            .flat_map(|steps| *steps)
            .flat_map(|step| &step.results)
            .collect();
        let name = |place: &usize| self.results[*place].name();
        // A record names the first Results of a check only, so an output that reads it would take the others for whole.
        let hidden = self.hollow.iter().filter(|place| !told.contains(&name(place)));
        let hidden: BTreeSet<usize> = hidden.copied().collect();
        if hidden.is_empty() {
            return Some(Arc::clone(&self.results));
        }
        let names: Vec<_> = hidden.iter().map(name).collect();
        shared.board.warn(&hollow::warning(output, &names));
        let left = hollow::without(&self.results, &hidden);
        (!left.is_empty()).then(|| Arc::new(left))
    }
}

/// Returns how an output ends for which only hollow Results are left.
fn nothing_for_it() -> Ending {
    let why = "what there is for it comes from checks that saw only part and found nothing".into();
    Ending::skipped(SkipReason::ByChoice { why })
}

/// The place of an output among those that are delivered to: on stdout they come in the order of the pipeline.
struct Turn {
    /// Ends when all outputs before this one have ended.
    before: Option<oneshot::Receiver<Infallible>>,
    _done: oneshot::Sender<Infallible>,
}

impl Turn {
    async fn comes(&mut self) {
        if let Some(before) = self.before.take() {
            let _ended = before.await;
        }
    }

    /// Writes down how the output ended, once what it printed is written.
    async fn settle(mut self, shared: &Shared, step: usize, since: Instant, ending: Ending) {
        let worked = Some(since.elapsed());
        let mut ending = Ending { worked, ..ending };
        if shared.board.prints(step) {
            self.comes().await;
            ending = shared.board.print(step, ending);
        }
        shared.board.settle(step, Some(since), ending);
        self.comes().await;
    }
}

/// Delivers through a handler, of which is not known what it tells the output. What it answers is not asked for.
async fn handled(
    shared: Arc<Shared>,
    switchboard: Arc<Switchboard>,
    member: Member,
    given: Arc<Given>,
    turn: Turn,
) {
    let since = Instant::now();
    let Some(results) = given.without_hollow(None, &shared, &member.manifest.name) else {
        shared.board.settle(member.step, Some(since), nothing_for_it());
        return member.dismiss(&shared).await;
    };
    drop(given);
    if switchboard.can_run(member.step) {
        shared.board.begun(member.step).await;
    }
    let ending = match switchboard.step(&member, &results, &[], Halt::Abort).await {
        Ok((_, gaps)) => Ending::delivered(&[], None, gaps),
        Err(ending) => ending,
    };
    turn.settle(&shared, member.step, since, ending).await;
}

async fn deliver(shared: Arc<Shared>, mut member: Member, given: Arc<Given>, turn: Turn) {
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
    let statuses = live.session.knows("steps").then(|| statuses(&given.steps));
    let results = given.without_hollow(statuses.as_deref(), &shared, &member.manifest.name);
    let Some(results) = results else {
        member::retire(&shared, live).await;
        return shared.board.settle(member.step, Some(since), nothing_for_it());
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
    turn.settle(&shared, member.step, since, ending).await;
}

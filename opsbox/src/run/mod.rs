//! Walks a plan over sessions: configure, gather, check, assist, deliver.
//!
//! A failed plugin fails its own step; what depends on it becomes `unknown` or `skipped`, and the rest goes on.

mod assist;
mod board;
mod check;
mod configure;
mod deliver;
mod gather;
mod handle;
pub(crate) mod hollow;
mod leaks;
mod lives;
mod member;
mod params;
pub mod rego;
mod room;
mod taken;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;

use crate::config::Settings;
use crate::error::Failure;
use crate::halt::{self, Halt, HaltSeen};
use crate::plan::Plan;
use crate::plugin::zygote::Zygotes;
use crate::plugin::{Event, SessionContext, Sink};
use crate::report::record::{RECORD_VERSION, exit_code_of, outcome_of};
use crate::report::{Role, RunRecord, Status, StepRecord};
use crate::store::{Keeper, Keeping};

pub use assist::flow;
use board::Board;
use handle::Switchboard;
use room::Room;
pub use taken::{Redelivery, Taken};

/// How a run is to behave.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Most checks at the same time.
    pub jobs: usize,
    /// Whether the first step that fails or cannot look stops the run.
    pub fail_fast: bool,
    /// Whether a check whose data has gaps is left out by choice, as `demo` does.
    pub leave_out_gapped: bool,
}

/// Sees what happens during a run. It must not block.
pub trait Observer: Send + Sync {
    /// The steps there will be, in order; a step's index is its name from now on.
    fn planned(&self, steps: &[StepRecord]);
    /// A step calls a hook.
    fn started(&self, step: usize, hook: &str);
    /// A step's plugin says something.
    fn said(&self, step: usize, plugin: &str, event: Event);
    /// Whether text of an output waits for its turn on stdout, or could not be written there.
    fn prints(&self, _step: usize) -> bool {
        false
    }
    /// Writes such text; the outputs before it have written theirs.
    ///
    /// # Errors
    /// Why stdout did not take it, or what was written before of it.
    fn print(&self, _step: usize) -> Result<(), String> {
        Ok(())
    }
    /// A step has ended.
    fn settled(&self, step: usize, record: &StepRecord);
    /// Something of the run is lost for later, though not for the run itself.
    fn warned(&self, message: &str);
}

/// All that a run needs.
pub struct Run {
    /// What to run.
    pub plan: Plan,
    /// What sessions share.
    pub ctx: SessionContext,
    /// The configuration, by layers.
    pub settings: Settings,
    /// How to behave.
    pub options: RunOptions,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// The signal to end early.
    pub halt: HaltSeen,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// How the run is kept; `None`: it is not.
    pub keeping: Option<Keeping>,
    /// The steps that are taken from a kept run, by index.
    pub taken: BTreeMap<usize, Taken>,
    /// What a kept run hands to the outputs, where the plan has nothing but outputs.
    pub redelivery: Option<Redelivery>,
}

/// A run that came to its end.
pub struct Ended {
    /// What it did.
    pub record: RunRecord,
    /// Who keeps it, and still waits for the record.
    pub keeper: Option<Arc<Keeper>>,
}

/// What all steps of a run share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) ctx: SessionContext,
    pub(crate) options: RunOptions,
    pub(crate) board: Board,
    pub(crate) halt: HaltSeen,
    /// How the steps ended whose Results are only handed to outputs again.
    pub(crate) prior: Vec<StepRecord>,
    /// Of a delivery of a kept run: whether that had found a secret in its Results.
    pub(crate) prior_private: Option<bool>,
    pub(crate) jobs: Semaphore,
    /// Room for the plugin processes that may live at the same time.
    pub(crate) room: Room,
    /// The step that each handler serves now, or first.
    serving: Vec<Arc<AtomicUsize>>,
    /// Sessions on their way down.
    pub(crate) stopping: tokio::sync::Mutex<JoinSet<()>>,
}

impl Shared {
    /// Returns whether nothing new may be started.
    pub(crate) fn is_halted(&self) -> bool {
        *self.halt.borrow() >= Halt::Cancel
    }

    /// Returns where the events of a member's plugin go.
    pub(crate) fn sink(&self, member: usize) -> Sink {
        match member.checked_sub(self.plan.n_steps()) {
            None => self.board.sink(member),
            Some(handler) => {
                let name = self.plan.handlers[handler].manifest.name.clone();
                let step = self.serving.get(handler).map(Arc::clone).unwrap_or_default();
                self.board.sink_following(step, name)
            }
        }
    }

    /// Notes the step that a handler works for from now on.
    pub(crate) fn serve(&self, handler: usize, step: usize) {
        if let Some(serving) = self.serving.get(handler) {
            serving.store(step, Ordering::Relaxed);
        }
    }

    /// Waits for a turn among the `--jobs` checks that may work at the same time.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there is always a turn to come.
        self.jobs.acquire().await.ok()
    }
}

impl Run {
    /// Runs the plan to its end and returns the record.
    ///
    /// # Errors
    /// Where the configuration is wrong; nothing has run then.
    pub async fn execute(mut self) -> Result<Ended, Failure> {
        let plugins = self.plan.plugins();
        let zygotes = Zygotes::start(plugins.iter().map(|manifest| &**manifest), &self.ctx);
        self.ctx.zygotes.clone_from(&zygotes);
        let record = self.walk().await;
        if let Some(zygotes) = zygotes {
            zygotes.end().await;
        }
        record
    }

    async fn walk(self) -> Result<Ended, Failure> {
        let clock = Instant::now();
        let (halt_tx, halt) = halt::channel();
        let forwarding = tokio::spawn(forward(self.halt.clone(), halt_tx.clone()));
        let fail_fast = self.options.fail_fast.then_some(halt_tx);
        let board = Board::new(&self.plan, self.observer, fail_fast, self.ctx.secrets.clone());
        let shared = Arc::new(Shared {
            jobs: Semaphore::new(self.options.jobs),
            room: Room::new(self.options.jobs),
            stopping: tokio::sync::Mutex::new(JoinSet::new()),
            serving: first_served(&self.plan),
            plan: self.plan,
            ctx: self.ctx,
            options: self.options,
            board,
            halt,
            prior: self
                .redelivery
                .as_ref()
                .map_or_else(Vec::new, |prior| prior.steps.clone()),
            prior_private: self.redelivery.as_ref().map(|prior| prior.private),
        });
        let origins = self.keeping.as_ref().map(|keeping| keeping.run.clone());
        let configure::Configured {
            mut members,
            opa_url,
            mut warnings,
        } = configure::configure(&shared, &self.settings, self.taken, self.keeping).await?;
        let switchboard = Switchboard::new(&shared, &mut members.0);
        let (providers, checks, assistants, outputs) = members.split(&shared.plan);
        let data = gather::start(&shared, providers);
        let switchboard = Arc::new(switchboard.with_data(&data));
        let results = check::run_all(&shared, &switchboard, checks, data, opa_url).await;
        let results = assist::run_all(&shared, &switchboard, assistants, results).await;
        let (results, delivery_of) = match self.redelivery {
            Some(redelivery) => (redelivery.results, Some(redelivery.run)),
            None => (results, None),
        };
        deliver::run_all(&shared, &switchboard, outputs, results).await;
        switchboard.close().await;
        while shared.stopping.lock().await.join_next().await.is_some() {}
        forwarding.abort();
        let interrupted = *self.halt.borrow() >= Halt::Cancel;
        let stopped = shared.options.fail_fast && shared.board.has_failed();
        let keeper = shared.board.kept().await;
        let _reported = shared.board.holds_secrets().await;
        let mut steps = shared.prior.clone();
        steps.extend(shared.board.records());
        mark_stale(&mut steps);
        warnings.extend(shared.plan.warnings.iter().cloned());
        warnings.extend(shared.board.leaks());
        if let Some(redactor) = shared.ctx.secrets.get() {
            steps.iter_mut().for_each(|step| redactor.names(step));
        }
        let outcome = outcome_of(&steps, interrupted, stopped);
        let (lost, deliverable) = keeper
            .as_ref()
            .map_or((true, false), |keeper| (keeper.lost(), keeper.has_results()));
        let record = RunRecord {
            record: RECORD_VERSION,
            run: shared.ctx.run_id.clone(),
            opsbox: env!("CARGO_PKG_VERSION").into(),
            pipeline: shared.plan.pipeline.clone(),
            started: self.started,
            seconds: clock.elapsed().as_secs_f64(),
            outcome,
            exit_code: exit_code_of(outcome, &steps),
            steps,
            warnings,
            kept: !lost,
            deliverable: !lost && deliverable,
            resumed_from: origins.as_ref().and_then(|run| run.resumed_from.clone()),
            replayed_from: origins.and_then(|run| run.replayed_from),
            delivery_of,
        };
        Ok(Ended { record, keeper })
    }
}

/// Returns, for each handler, the first step that it serves.
fn first_served(plan: &Plan) -> Vec<Arc<AtomicUsize>> {
    let first = |handler: &crate::plan::Planned| {
        let name = Some(handler.manifest.name.as_str());
        let step = plan.members().position(|planned| planned.served_by() == name);
        Arc::new(AtomicUsize::new(step.unwrap_or_default()))
    };
    plan.handlers.iter().map(first).collect()
}

/// Hands the user's signal on to the run's own, which `--fail-fast` can raise as well.
async fn forward(mut from: HaltSeen, to: watch::Sender<Halt>) {
    while from.changed().await.is_ok() {
        let asked = *from.borrow();
        to.send_modify(|halt| *halt = (*halt).max(asked));
    }
    // Whoever waits for a halt must not take the end of this task for one.
    to.closed().await;
}

/// Marks the checks of which the outputs hold what an earlier run said: they got nothing new, or could not deliver it.
fn mark_stale(steps: &mut [StepRecord]) {
    let mut outputs = steps.iter().filter(|step| step.role == Role::Output).peekable();
    if outputs.peek().is_none() {
        return;
    }
    let delivered = outputs.all(|step| matches!(step.status, Status::Clean | Status::Incomplete));
    for step in steps.iter_mut().filter(|step| step.role == Role::Check) {
        let said_something = match step.status {
            Status::Findings | Status::Clean => true,
            // What is empty and was only looked for in part is kept from outputs, and makes no file.
            Status::Incomplete => step.findings != Some(0),
            _ => false,
        };
        step.stale = !said_something || !delivered;
    }
}

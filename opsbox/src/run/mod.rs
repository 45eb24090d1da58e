//! Walks a plan over sessions: configure, gather, check, assist, deliver.
//!
//! A failed plugin fails its own step; what depends on it becomes `unknown` or `skipped`, and the rest goes on.

mod assist;
mod board;
mod check;
mod configure;
mod deliver;
mod gather;
mod member;
mod params;
pub mod rego;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::config::Settings;
use crate::error::Failure;
use crate::halt::{Halt, HaltSeen};
use crate::plan::Plan;
use crate::plugin::{Event, SessionContext};
use crate::report::record::{RECORD_VERSION, outcome_of};
use crate::report::{Role, RunRecord, StepRecord};

pub use board::Board;

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
    /// A step has ended.
    fn settled(&self, step: usize, record: &StepRecord);
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
}

/// What all steps of a run share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) ctx: SessionContext,
    pub(crate) options: RunOptions,
    pub(crate) board: Board,
    pub(crate) halt: HaltSeen,
    pub(crate) jobs: Semaphore,
    /// One permit for each plugin process that may live at the same time.
    pub(crate) slots: Arc<Semaphore>,
    /// Sessions on their way down.
    pub(crate) stopping: tokio::sync::Mutex<JoinSet<()>>,
}

impl Shared {
    /// Returns whether nothing new may be started.
    pub(crate) fn is_halted(&self) -> bool {
        *self.halt.borrow() >= Halt::Cancel || (self.options.fail_fast && self.board.has_failed())
    }
}

impl Run {
    /// Runs the plan to its end and returns the record.
    ///
    /// # Errors
    /// Where the configuration is wrong; nothing has run then.
    pub async fn execute(self) -> Result<RunRecord, Failure> {
        let clock = Instant::now();
        let board = Board::new(&self.plan, self.observer);
        let n_slots = (2 * self.options.jobs).max(8);
        let shared = Arc::new(Shared {
            jobs: Semaphore::new(self.options.jobs),
            slots: Arc::new(Semaphore::new(n_slots)),
            stopping: tokio::sync::Mutex::new(JoinSet::new()),
            plan: self.plan,
            ctx: self.ctx,
            options: self.options,
            board,
            halt: self.halt,
        });
        let (members, mut warnings) = configure::configure(&shared, &self.settings).await?;
        let (providers, checks, assistants, outputs) = members.split(&shared.plan);
        let data = gather::start(&shared, providers);
        let results = check::run_all(&shared, checks, data).await;
        let results = assist::run_all(&shared, assistants, results).await;
        deliver::run_all(&shared, outputs, results).await;
        while shared.stopping.lock().await.join_next().await.is_some() {}
        let interrupted = *shared.halt.borrow() >= Halt::Cancel;
        let stopped = shared.options.fail_fast && shared.board.has_failed();
        let mut steps = shared.board.records();
        let has_output = steps.iter().any(|step| step.role == Role::Output);
        for step in &mut steps {
            step.stale = has_output && step.role == Role::Check && step.results == 0;
        }
        warnings.extend(shared.plan.warnings.iter().cloned());
        let outcome = outcome_of(&steps, interrupted, stopped);
        Ok(RunRecord {
            record: RECORD_VERSION,
            run: shared.ctx.run_id.clone(),
            opsbox: env!("CARGO_PKG_VERSION").into(),
            pipeline: shared.plan.pipeline.clone(),
            started: self.started,
            seconds: clock.elapsed().as_secs_f64(),
            outcome,
            exit_code: outcome.exit_code(),
            steps,
            warnings,
        })
    }
}

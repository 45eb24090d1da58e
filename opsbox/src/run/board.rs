//! The records of a run's steps while it goes on; every step is settled exactly once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use crate::halt::Halt;
use crate::plan::Plan;
use crate::plugin::event::Sink;
use crate::plugin::{Event, Gap, Origin, PluginError, ResultSlice};
use crate::redact::{Redactor, Secrets};
use crate::report::{ErrorRecord, Role, SkipReason, Status, StepRecord};
use crate::store::{Keeper, Keeping, Notices};

use super::leaks::Leaks;
use super::{Observer, Taken};

/// A record is for people and programs to read; of more Results than this only the first are named.
const MAX_NAMES: usize = 1_000;

/// The steps of a run, by index: providers, checks, assistants, outputs.
pub(crate) struct Board {
    steps: Arc<Mutex<Vec<StepRecord>>>,
    observer: Arc<dyn Observer>,
    /// Where the first failure is told that stops the run.
    fail_fast: Option<watch::Sender<Halt>>,
    /// Set once the configuration is resolved; no plugin knows a secret before.
    secrets: Secrets,
    /// Whether what the steps returned holds a secret.
    leaks: Leaks,
    /// Set once the configuration is resolved, where the run is kept; from then on it is what reports that a step has ended.
    keeper: OnceLock<Arc<Keeper>>,
}

/// How a step ended, before it is written down.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) status: Option<Status>,
    pub(crate) skipped: Option<SkipReason>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) errors: Vec<ErrorRecord>,
    pub(crate) findings: Option<u64>,
    pub(crate) results: u64,
    pub(crate) made: Vec<String>,
    pub(crate) bytes: u64,
    /// What the step returned, for the store.
    pub(crate) returned: Vec<Bytes>,
    /// How long the step worked, where that is not all the time since it began: the rest it waited for its turn.
    pub(crate) worked: Option<Duration>,
}

impl Ending {
    pub(crate) fn failed(error: &PluginError) -> Self {
        let cancelled = matches!(error, PluginError::Cancelled { .. });
        let status = if cancelled {
            Status::Unknown
        } else {
            Status::Failed
        };
        Self {
            status: Some(status),
            errors: vec![error.into()],
            ..Self::default()
        }
    }

    /// Makes the ending of a step that could not look because of gaps.
    pub(crate) fn blind(error: &PluginError, gaps: Vec<Gap>) -> Self {
        Self {
            status: Some(Status::Unknown),
            errors: vec![error.into()],
            gaps,
            ..Self::default()
        }
    }

    pub(crate) fn after(mut self, worked: Duration) -> Self {
        self.worked = Some(worked);
        self
    }

    pub(crate) fn with_gaps(mut self, gaps: Vec<Gap>) -> Self {
        self.gaps = gaps;
        self
    }

    pub(crate) fn unknown(message: String, hints: Vec<String>) -> Self {
        let error = ErrorRecord {
            code: opsbox_protocol::code::NOT_READY,
            message,
            origin: Origin::Run,
            hints,
            traceback: None,
        };
        Self {
            status: Some(Status::Unknown),
            errors: vec![error],
            ..Self::default()
        }
    }

    pub(crate) fn skipped(reason: SkipReason) -> Self {
        Self {
            status: Some(Status::Skipped),
            skipped: Some(reason),
            ..Self::default()
        }
    }

    pub(crate) fn blocked(why: impl Into<String>) -> Self {
        Self::skipped(SkipReason::Blocked { why: why.into() })
    }

    /// Makes the ending of a step that returned Results. `findings` is `None` for steps that make none.
    pub(crate) fn delivered(results: &[ResultSlice], findings: Option<u64>, gaps: Vec<Gap>) -> Self {
        let status = match findings {
            _ if !gaps.is_empty() => Status::Incomplete,
            Some(findings) if findings > 0 => Status::Findings,
            _ => Status::Clean,
        };
        Self {
            status: Some(status),
            gaps,
            findings,
            results: results.len() as u64,
            made: results.iter().take(MAX_NAMES).map(ResultSlice::name).collect(),
            bytes: results.iter().map(|result| result.bytes.len() as u64).sum(),
            returned: results.iter().map(|result| result.bytes.clone()).collect(),
            ..Self::default()
        }
    }
}

impl Board {
    /// Makes the board of a plan.
    pub(crate) fn new(
        plan: &Plan,
        observer: Arc<dyn Observer>,
        fail_fast: Option<watch::Sender<Halt>>,
        secrets: Secrets,
    ) -> Self {
        let roles = [
            (Role::Provider, &plan.providers),
            (Role::Check, &plan.checks),
            (Role::Assistant, &plan.assistants),
            (Role::Output, &plan.outputs),
        ];
        let steps: Vec<_> = roles
            .into_iter()
            .flat_map(|(role, planned)| {
                planned
                    .iter()
                    .map(move |planned| StepRecord::new(&planned.manifest.name, role))
            })
            .collect();
        observer.planned(&steps);
        Self {
            steps: Arc::new(Mutex::new(steps)),
            observer,
            fail_fast,
            leaks: Leaks::new(secrets.clone()),
            secrets,
            keeper: OnceLock::new(),
        }
    }

    fn steps(&self) -> MutexGuard<'_, Vec<StepRecord>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the events of a step's plugin go. What a plugin other than an output prints is a log record.
    pub(crate) fn sink(&self, step: usize) -> Sink {
        let name = self.steps()[step].plugin.clone();
        self.sink_of(step, name)
    }

    /// Returns where the events of a process go that serves this step under another name.
    pub(crate) fn sink_of(&self, step: usize, plugin: String) -> Sink {
        self.sink_following(Arc::new(AtomicUsize::new(step)), plugin)
    }

    /// Returns where the events of a process go that serves one step after the other: always to the one that it serves now.
    pub(crate) fn sink_following(&self, step: Arc<AtomicUsize>, plugin: String) -> Sink {
        let observer = Arc::clone(&self.observer);
        let secrets = self.secrets.clone();
        let roles: Vec<_> = self.steps().iter().map(|step| step.role).collect();
        Arc::new(move |event| {
            let step = step.load(Ordering::Relaxed);
            let is_output = roles.get(step) == Some(&Role::Output);
            let event = match event {
                Event::Output { text, .. } if !is_output => Event::Log {
                    level: opsbox_protocol::message::LogLevel::Info,
                    message: text.trim_end().to_owned(),
                },
                other => other,
            };
            let event = match secrets.get() {
                Some(redactor) => redactor.event(event),
                None => event,
            };
            observer.said(step, &plugin, event);
        })
    }

    /// From here on the values of secret fields are replaced in all that plugins say.
    pub(crate) fn redact(&self, redactor: Redactor) {
        self.secrets.set(redactor);
    }

    /// From here on a step is reported when it is on disk.
    pub(crate) fn keep(&self, keeping: Keeping) {
        let (settled, warned) = (Arc::clone(&self.observer), Arc::clone(&self.observer));
        let notices = Notices {
            settled: Box::new(move |step, record| settled.settled(step, record)),
            warned: Box::new(move |message| warned.warned(message)),
        };
        match Keeper::start(keeping, notices) {
            // Configuration is resolved once in a run.
            Ok(keeper) => drop(self.keeper.set(Arc::new(keeper))),
            Err(error) => self.observer.warned(&format!(
                "this run is not kept: there can be no thread for it: {error}"
            )),
        }
    }

    /// Notes that an output is about to deliver, and waits until that is on disk.
    pub(crate) async fn begun(&self, step: usize) {
        if let Some(keeper) = self.keeper.get() {
            keeper.begun(step).await;
        }
    }

    /// Waits until every step that was settled is reported, and returns the keeper.
    pub(crate) async fn kept(&self) -> Option<Arc<Keeper>> {
        let keeper = self.keeper.get()?;
        keeper.flush().await;
        Some(Arc::clone(keeper))
    }

    /// Tells that a step calls a hook; handlers have no step.
    pub(crate) fn started(&self, step: usize, hook: &str) {
        if step < self.steps().len() {
            self.observer.started(step, hook);
        }
    }

    /// Returns whether text of an output waits for its turn on stdout, or could not be written there.
    pub(crate) fn prints(&self, step: usize) -> bool {
        self.observer.prints(step)
    }

    /// Writes such text, and returns how the output ends: what stdout did not take was not delivered.
    pub(crate) fn print(&self, step: usize, ending: Ending) -> Ending {
        match self.observer.print(step) {
            Ok(()) => ending,
            Err(why) => Ending {
                status: Some(Status::Failed),
                errors: vec![ErrorRecord {
                    code: opsbox_protocol::code::HOOK_FAILED,
                    message: format!("cannot write to stdout: {why}"),
                    origin: Origin::Setup,
                    hints: vec!["make room there, or send stdout somewhere else".into()],
                    traceback: None,
                }],
                ..ending
            },
        }
    }

    /// Writes down how a step ended.
    pub(crate) fn settle(&self, step: usize, since: Option<Instant>, ending: Ending) {
        let mut record = {
            let mut steps = self.steps();
            let record = &mut steps[step];
            record.status = ending.status.unwrap_or(Status::Failed);
            record.skipped = ending.skipped;
            record.gaps = ending.gaps.iter().map(Into::into).collect();
            record.errors = ending.errors;
            if let Some(redactor) = self.secrets.get() {
                redactor.step(record);
            }
            record.findings = ending.findings;
            record.results = ending.results;
            if record.role == Role::Check {
                record.made = ending.made;
            }
            record.bytes = ending.bytes;
            let worked = ending.worked.or_else(|| since.map(|since| since.elapsed()));
            record.seconds = worked.unwrap_or_default().as_secs_f64();
            record.clone()
        };
        self.leaks.look(&of_step(&record), &ending.returned);
        if let Some(redactor) = self.secrets.get() {
            redactor.names(&mut record);
        }
        self.report(step, record, ending.returned);
        if let Some(halt) = self.fail_fast.as_ref().filter(|_| self.has_failed()) {
            halt.send_if_modified(|halt| std::mem::replace(halt, (*halt).max(Halt::Cancel)) < Halt::Cancel);
        }
    }

    /// Writes down a step that is taken from a kept run, as it ended there.
    pub(crate) fn settle_taken(&self, step: usize, taken: &Taken) {
        self.steps()[step] = taken.record.clone();
        let returned: Vec<_> = taken.results.iter().map(|result| result.bytes.clone()).collect();
        self.leaks.look(&of_step(&taken.record), &returned);
        self.report(step, taken.record.clone(), returned);
    }

    /// Looks whether Results that an earlier run brought hold a secret; that run may have seen so already.
    pub(crate) fn look_through(&self, run: &str, results: &[ResultSlice], known: bool) {
        if known {
            self.leaks.know();
        }
        let results: Vec<_> = results.iter().map(|result| result.bytes.clone()).collect();
        self.leaks.look(&format!("run `{run}`"), &results);
    }

    /// Waits until all that was returned so far is looked through, warns of what was found, and returns whether there was anything in the
    /// run.
    pub(crate) async fn holds_secrets(&self) -> bool {
        for warning in self.leaks.found().await {
            self.observer.warned(&warning);
        }
        let any = self.leaks.any();
        if any && let Some(keeper) = self.keeper.get() {
            keeper.secret().await;
        }
        any
    }

    /// Tells of something odd.
    pub(crate) fn warn(&self, message: &str) {
        self.observer.warned(message);
    }

    /// Returns all such warnings.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.leaks.warnings()
    }

    fn report(&self, step: usize, record: StepRecord, returned: Vec<Bytes>) {
        match self.keeper.get() {
            Some(keeper) => keeper.step(step, record, returned),
            None => self.observer.settled(step, &record),
        }
    }

    /// Returns whether a step has failed or could not look.
    pub(crate) fn has_failed(&self) -> bool {
        self.steps()
            .iter()
            .any(|step| matches!(step.status, Status::Failed | Status::Unknown))
    }

    pub(crate) fn records(&self) -> Vec<StepRecord> {
        self.steps().clone()
    }
}

fn of_step(record: &StepRecord) -> String {
    let role = match record.role {
        Role::Provider => "provider",
        Role::Check => "check",
        Role::Assistant => "assistant",
        Role::Output => "output",
    };
    format!("{role} `{}`", record.plugin)
}

//! `opsbox run`: plan, run, summary, record.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::host::{self, Own, Places, Talk};
use crate::config::{Assignment, Given, Grammar, Project, Settings};
use crate::discover::Catalog;
use crate::error::{Failure, Fault};
use crate::halt::{self, Halt};
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::report::RunRecord;
use crate::run::{Run, RunOptions};
use crate::ui::{RunWatch, Ui};

/// Everything that `run` was asked.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// A pipeline string, or the name of one in `opsbox.toml`.
    pub pipeline: String,
    /// Where plugins are looked for.
    pub places: Places,
    /// How plugins are talked to.
    pub talk: Talk,
    /// Fields set by flags.
    pub assignments: Vec<Assignment>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Which command line is spoken.
    pub grammar: Grammar,
    /// Most checks at the same time; `None`: as many as there are processors.
    pub jobs: Option<usize>,
    /// Whether the first step that is not whole stops the run.
    pub fail_fast: bool,
    /// Where the record goes.
    pub record: Option<PathBuf>,
    /// Whether the record is written to stdout.
    pub record_to_stdout: bool,
    /// Whether checks whose data has gaps are left out by choice.
    pub leave_out_gapped: bool,
}

/// A pipeline with the project and the configuration that go with it.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The configuration, by layers.
    pub settings: Settings,
    /// The plugins.
    pub catalog: Catalog,
}

/// Reads the project, finds the plugins and makes the plan.
///
/// # Errors
/// What is wrong with the pipeline, its plugins or the sources of configuration.
pub fn prepare(own: &Own, request: &RunRequest) -> Result<Prepared, Failure> {
    let environ = &own.environ;
    let project = Project::find(&environ.cwd)?;
    let named = project
        .as_ref()
        .and_then(|project| project.pipelines.get(&request.pipeline));
    let text = named.map_or(request.pipeline.as_str(), |named| named.pipeline.as_str());
    let pipeline = Pipeline::parse(text)?;
    let catalog = host::catalog(own, &request.places)?;
    let plan = Plan::make(&pipeline, &catalog)?;
    let given = Given {
        assignments: &request.assignments,
        config: request.config.as_ref().map(|path| environ.absolute(path)),
        project: project.as_ref(),
        named: named.map(|_| request.pipeline.as_str()),
        grammar: request.grammar,
    };
    let settings = Settings::load(environ, &given)?;
    Ok(Prepared {
        plan,
        settings,
        catalog,
    })
}

/// Runs a pipeline and returns the exit code.
///
/// # Errors
/// What kept it from running at all, or from keeping its record.
pub async fn run(own: &Own, ui: &Arc<Ui>, request: &RunRequest) -> Result<u8, Failure> {
    let Prepared {
        plan,
        settings,
        catalog,
    } = prepare(own, request)?;
    for warning in &catalog.warnings {
        ui.warn(warning);
    }
    let ctx = host::session_context(own, ui, &catalog, &request.talk);
    let (halt_tx, halt) = halt::channel();
    let signals = tokio::spawn(watch_signals(halt_tx, Arc::clone(ui)));
    let watch = Arc::new(RunWatch::new(Arc::clone(ui)));
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let run = Run {
        plan,
        ctx,
        settings,
        options: RunOptions {
            jobs: request.jobs.unwrap_or(processors).max(1),
            fail_fast: request.fail_fast,
            leave_out_gapped: request.leave_out_gapped,
        },
        observer: Arc::clone(&watch) as _,
        halt,
        started: own.environ.now.timestamp().to_string(),
    };
    let outcome = run.execute().await;
    signals.abort();
    let record = outcome?;
    keep(ui, request, &record)?;
    watch.summary(&record);
    if let Some(error) = ui.stdout_error() {
        return Err(Failure::run(Fault::new(format!(
            "cannot write to stdout: {error}"
        ))));
    }
    Ok(record.exit_code)
}

fn keep(ui: &Ui, request: &RunRequest, record: &RunRecord) -> Result<(), Failure> {
    if request.record.is_none() && !request.record_to_stdout {
        return Ok(());
    }
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| Failure::run(Fault::new(format!("cannot write the record: {error}"))))?;
    if let Some(path) = &request.record {
        host::write_atomically(path, &(text.clone() + "\n")).map_err(Failure::run)?;
    }
    if request.record_to_stdout {
        ui.results(&(text + "\n"));
    }
    Ok(())
}

/// The first signal cancels, the second ends everything.
async fn watch_signals(halt: watch::Sender<Halt>, ui: Arc<Ui>) {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let Ok([mut interrupt, mut terminate, mut hangup]) = <[_; 3]>::try_from(
        kinds
            .into_iter()
            .filter_map(|kind| signal(kind).ok())
            .collect::<Vec<_>>(),
    ) else {
        return ui.warn("signals cannot be watched; an interrupt ends the run without a summary");
    };
    for next in [Halt::Cancel, Halt::Abort] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        ui.note(match next {
            Halt::Abort => "interrupted again: ending everything now",
            _ => "interrupted: cancelling what runs, delivering what was gathered; once more ends everything",
        });
        halt.send_replace(next);
    }
}

//! `opsbox run`: plan, run, summary, record.

use std::sync::Arc;

use crate::cli::host::{self, Own};
use crate::cli::keep;
use crate::cli::request::RunFlags;
use crate::cli::signals::{self, OF_A_RUN};
use crate::config::{Given, Project, Settings};
use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind};
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::report::{Outcome, RunRecord};
use crate::run::{Run, RunOptions};
use crate::ui::{RunWatch, Ui};

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
pub fn prepare(own: &Own, flags: &RunFlags) -> Result<Prepared, Failure> {
    let environ = &own.environ;
    let project = Project::find(&environ.cwd)?;
    let named = project
        .as_ref()
        .and_then(|project| project.pipelines.get(&flags.pipeline));
    let text = named.map_or(flags.pipeline.as_str(), |named| named.pipeline.as_str());
    let pipeline = Pipeline::parse(text)?;
    let catalog = host::catalog(own, flags)?;
    let plan = Plan::make(&pipeline, &catalog)?;
    let settings = load(
        own,
        flags,
        project.as_ref(),
        named.map(|_| flags.pipeline.as_str()),
    )?;
    Ok(Prepared {
        plan,
        settings,
        catalog,
    })
}

/// Reads the sources of configuration, for commands without a pipeline.
///
/// # Errors
/// What is wrong with the sources.
pub fn settings(own: &Own, flags: &RunFlags) -> Result<Settings, Failure> {
    let project = Project::find(&own.environ.cwd)?;
    load(own, flags, project.as_ref(), None)
}

fn load(
    own: &Own,
    flags: &RunFlags,
    project: Option<&Project>,
    named: Option<&str>,
) -> Result<Settings, Failure> {
    let given = Given {
        assignments: &flags.assignments,
        config: flags.config.as_ref().map(|path| own.environ.absolute(path)),
        project,
        named,
        grammar: flags.grammar,
    };
    Settings::load(&own.environ, &given)
}

/// Runs a pipeline and returns the exit code. With `leave_out_gapped` checks whose data has gaps are left out by choice.
///
/// # Errors
/// What kept it from running at all, or from keeping its record.
pub async fn run(own: &Own, ui: &Arc<Ui>, flags: &RunFlags, leave_out_gapped: bool) -> Result<u8, Failure> {
    let Prepared {
        plan,
        settings,
        catalog,
    } = prepare(own, flags)?;
    for warning in &catalog.warnings {
        ui.warn(warning);
    }
    if let Some(path) = &flags.record {
        keep::check_writable(path).map_err(Failure::usage)?;
    }
    let ctx = host::session_context(own, ui, &catalog, flags);
    let (ctx, interrupts) = signals::guarded(&ctx, ui, OF_A_RUN);
    let watch = Arc::new(RunWatch::new(Arc::clone(ui)));
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let run = Run {
        plan,
        ctx,
        settings,
        options: RunOptions {
            jobs: flags.jobs.unwrap_or(processors).max(1),
            fail_fast: flags.fail_fast,
            leave_out_gapped,
        },
        observer: Arc::clone(&watch) as _,
        halt: interrupts.halt(),
        started: own.environ.now.timestamp().to_string(),
    };
    let outcome = run.execute().await;
    // Nothing runs any more that a signal could cancel.
    drop(interrupts);
    finish(ui, &watch, flags, outcome?)
}

/// Shows the summary, keeps the record and returns the exit code; what cannot be written takes nothing from the rest.
fn finish(ui: &Ui, watch: &RunWatch, flags: &RunFlags, mut record: RunRecord) -> Result<u8, Failure> {
    let text = |record: &RunRecord| {
        serde_json::to_string_pretty(record)
            .map(|text| text + "\n")
            .map_err(|error| Fault::new(format!("cannot write the record: {error}")))
    };
    let mut faults = Vec::new();
    if flags.record_to_stdout {
        match text(&record) {
            Ok(text) => ui.results(&text),
            Err(fault) => faults.push(fault),
        }
    }
    let unwritten = host::stdout_fault(ui);
    if unwritten.is_some() {
        record.outcome = Outcome::Failed;
        record.exit_code = Outcome::Failed.exit_code();
    }
    watch.summary(&record);
    if let Some(fault) = unwritten {
        record.warnings.push(fault.message.clone());
        faults.push(fault);
    }
    if let Some(path) = &flags.record {
        let kept = text(&record).and_then(|text| keep::write(path, &text));
        faults.extend(kept.err());
    }
    if faults.is_empty() {
        return Ok(record.exit_code);
    }
    Err(Failure {
        kind: Kind::Run,
        faults,
    })
}

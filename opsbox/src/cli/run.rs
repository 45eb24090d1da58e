//! `opsbox run`: plan, run, summary, record.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::host::{self, Own};
use crate::cli::request::RunFlags;
use crate::config::{Given, Project, Settings};
use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind};
use crate::halt::{self, Halt};
use crate::pipeline::Pipeline;
use crate::plan::{Handler, Plan};
use crate::plugin::guardian::Guardian;
use crate::report::RunRecord;
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
    refuse_handlers(&plan)?;
    if let Some(path) = &flags.record {
        host::check_writable(path).map_err(Failure::usage)?;
    }
    let mut ctx = host::session_context(own, ui, &catalog, flags);
    match Guardian::start(&ctx.executable, &ctx.run_id) {
        Ok(guardian) => ctx.guardian = Some(Arc::new(guardian)),
        Err(error) => ui.warn(&format!(
            "plugins may outlive a killed host: no guardian: {error}"
        )),
    }
    let (halt_tx, halt) = halt::channel();
    let signals = tokio::spawn(watch_signals(halt_tx, Arc::clone(ui)));
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
        halt,
        started: own.environ.now.timestamp().to_string(),
    };
    let outcome = run.execute().await;
    signals.abort();
    let record = outcome?;
    keep(ui, flags, &record)?;
    watch.summary(&record);
    if let Some(error) = ui.stdout_error() {
        return Err(Failure::run(Fault::new(format!(
            "cannot write to stdout: {error}"
        ))));
    }
    Ok(record.exit_code)
}

/// Handler plugins have their place in plan and protocol, but this release does not run them.
fn refuse_handlers(plan: &Plan) -> Result<(), Failure> {
    let served = plan.checks.iter().chain(&plan.assistants).chain(&plan.outputs);
    let faults: Vec<_> = served
        .filter_map(|planned| match &planned.handler {
            Handler::Plugin(handler) => Some(
                Fault::new(format!(
                    "plugin `{}` of type `{}` is served by the handler plugin `{handler}`, which this release cannot run",
                    planned.manifest.name, planned.manifest.kind
                ))
                .hint("leave it out of the pipeline; `opsbox plan` shows what it would be"),
            ),
            _ => None,
        })
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure {
            kind: Kind::Usage,
            faults,
        })
    }
}

fn keep(ui: &Ui, flags: &RunFlags, record: &RunRecord) -> Result<(), Failure> {
    if flags.record.is_none() && !flags.record_to_stdout {
        return Ok(());
    }
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| Failure::run(Fault::new(format!("cannot write the record: {error}"))))?;
    if let Some(path) = &flags.record {
        host::write_atomically(path, &(text.clone() + "\n")).map_err(Failure::run)?;
    }
    if flags.record_to_stdout {
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

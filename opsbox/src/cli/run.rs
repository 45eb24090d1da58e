//! `opsbox run`: plan, run, summary, record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cli::earlier::{Earlier, Taking};
use crate::cli::host::{self, Own};
use crate::cli::keep;
use crate::cli::request::RunFlags;
use crate::cli::signals::{self, OF_A_RUN};
use crate::config::{Given, Project, Settings};
use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::plugin::SessionContext;
use crate::report::{Outcome, RunRecord};
use crate::run::{Ended, Redelivery, Run, RunOptions, Taken};
use crate::store::shape::{STORE_VERSION, StoredRun};
use crate::store::{Keeping, Limits, Store};
use crate::ui::{RunWatch, Ui};

/// A pipeline with the project and the configuration that go with it.
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// The configuration, by layers.
    pub settings: Settings,
    /// The plugins.
    pub catalog: Catalog,
    /// The project's file, where there is one.
    pub project: Option<Project>,
    /// The name under `[pipelines]`, where the pipeline was named so.
    pub name: Option<String>,
}

impl Prepared {
    /// Returns what is stored of the run before its configuration is resolved.
    pub(super) fn stored(&self, own: &Own, run_id: &str, limits: &Limits, flags: &RunFlags) -> StoredRun {
        let environ = &own.environ;
        StoredRun {
            store: STORE_VERSION,
            run: run_id.to_owned(),
            opsbox: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: environ.now.timestamp().to_string(),
            pipeline: self.plan.pipeline.clone(),
            name: self.name.clone(),
            project: self.project.as_ref().map(|project| project.path.clone()),
            plugin_dirs: flags
                .plugin_dirs
                .iter()
                .map(|folder| environ.absolute(folder))
                .collect(),
            leave_out_gapped: false,
            keep_seconds: limits.keep.value.as_secs(),
            resumed_from: None,
            replayed_from: None,
            steps: Vec::new(),
            config: Vec::new(),
            secret_variables: BTreeSet::new(),
        }
    }
}

/// Reads the project, finds the plugins and makes the plan.
///
/// # Errors
/// What is wrong with the pipeline, its plugins or the sources of configuration.
pub fn prepare(own: &Own, flags: &RunFlags) -> Result<Prepared, Failure> {
    prepare_with(own, flags, Vec::new())
}

/// As [`prepare`], with manifests that stand in for plugins that are not there.
fn prepare_with(own: &Own, flags: &RunFlags, stand_ins: Vec<Manifest>) -> Result<Prepared, Failure> {
    let environ = &own.environ;
    let project = Project::find(&environ.cwd)?;
    let named = project
        .as_ref()
        .and_then(|project| project.pipelines.get(&flags.pipeline));
    let text = named.map_or(flags.pipeline.as_str(), |named| named.pipeline.as_str());
    let pipeline = Pipeline::parse(text)?;
    let mut catalog = host::catalog(own, flags)?;
    for stand_in in stand_ins {
        if catalog.names(None).all(|name| name != stand_in.name) {
            catalog.plugins.push(Arc::new(stand_in));
        }
    }
    let plan = Plan::make(&pipeline, &catalog)?;
    let name = named.map(|_| flags.pipeline.clone());
    let settings = load(own, flags, project.as_ref(), name.as_deref())?;
    Ok(Prepared {
        plan,
        settings,
        catalog,
        project,
        name,
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

pub(super) fn load(
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
    let earlier = Earlier::of(own, flags)?;
    let flags = &earlier
        .as_ref()
        .map_or_else(|| flags.clone(), |earlier| earlier.flags(flags));
    let leave_out_gapped = leave_out_gapped || earlier.as_ref().is_some_and(Earlier::leaves_out_gapped);
    let stand_ins = earlier.as_ref().map_or_else(Vec::new, Earlier::stand_ins);
    let mut prepared = prepare_with(own, flags, stand_ins)?;
    prepared.settings.hide(earlier.iter().flat_map(Earlier::secrets));
    for warning in &prepared.catalog.warnings {
        ui.warn(warning);
    }
    if let Some(path) = &flags.record {
        keep::check_writable(path).map_err(Failure::usage)?;
    }
    let limits = Limits::of(&own.environ, prepared.project.as_ref())?;
    let ctx = host::session_context(own, ui, &prepared.catalog, flags);
    let store = Store::at(&own.environ.state_dir);
    let mut stored = prepared.stored(own, &ctx.run_id, &limits, flags);
    stored.leave_out_gapped = leave_out_gapped;
    let mut taking = Taking::default();
    if let Some(earlier) = &earlier {
        taking = earlier.take(own, ui, &ctx, &prepared).await?;
        earlier.mark(&mut stored);
    }
    let keeping = (!flags.no_keep)
        .then(|| Keeping::of(store.clone(), &limits, stored))
        .flatten()
        .map(|keeping| Keeping {
            taken: taking.files,
            ..keeping
        });
    let project = prepared.project.as_ref().map(|project| project.path.clone());
    let running = Running {
        leave_out_gapped,
        keeping,
        taken: taking.steps,
        redelivery: None,
    };
    let keeps = running.keeping.is_some();
    let walked = walk(own, ui, flags, prepared, ctx, running).await?;
    if keeps {
        store.prune_after(&limits, project.as_deref(), walked.n_bytes);
    }
    walked.code
}

/// What sets one kind of run apart from the others.
pub(super) struct Running {
    pub(super) leave_out_gapped: bool,
    pub(super) keeping: Option<Keeping>,
    pub(super) taken: BTreeMap<usize, Taken>,
    pub(super) redelivery: Option<Redelivery>,
}

/// A plan that was walked to its end.
pub(super) struct Walked {
    /// The exit code, or what could not be written.
    pub(super) code: Result<u8, Failure>,
    /// How much the steps returned.
    n_bytes: u64,
}

/// Walks a plan to its end and shows what happens.
pub(super) async fn walk(
    own: &Own,
    ui: &Arc<Ui>,
    flags: &RunFlags,
    prepared: Prepared,
    ctx: SessionContext,
    running: Running,
) -> Result<Walked, Failure> {
    let (mut ctx, interrupts) = signals::guarded(&ctx, ui, OF_A_RUN);
    ctx.traces = host::traces(own, &ctx, flags, &prepared.settings)?;
    let watch = Arc::new(RunWatch::new(Arc::clone(ui)));
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let run = Run {
        plan: prepared.plan,
        ctx,
        settings: prepared.settings,
        options: RunOptions {
            jobs: flags.jobs.unwrap_or(processors).max(1),
            fail_fast: flags.fail_fast,
            leave_out_gapped: running.leave_out_gapped,
        },
        observer: Arc::clone(&watch) as _,
        halt: interrupts.halt(),
        started: own.environ.now.timestamp().to_string(),
        keeping: running.keeping,
        taken: running.taken,
        redelivery: running.redelivery,
    };
    let outcome = run.execute().await;
    // Nothing runs any more that a signal could cancel.
    drop(interrupts);
    let ended = outcome?;
    let n_bytes = ended.record.steps.iter().map(|step| step.bytes).sum();
    let code = finish(ui, &watch, flags, ended);
    Ok(Walked { code, n_bytes })
}

/// Shows the summary, keeps the record and returns the exit code; what cannot be written takes nothing from the rest.
fn finish(ui: &Ui, watch: &RunWatch, flags: &RunFlags, ended: Ended) -> Result<u8, Failure> {
    let Ended { mut record, keeper } = ended;
    if let Some(keeper) = &keeper {
        record.warnings.extend(keeper.warnings());
    }
    let text = |record: &RunRecord| {
        serde_json::to_string_pretty(record)
            .map(|text| text + "\n")
            .map_err(|error| Fault::new(format!("cannot write the record: {error}")))
    };
    let mut faults = Vec::new();
    if flags.record_to_stdout {
        match text(&record) {
            Ok(text) => ui.json(&text),
            Err(fault) => faults.push(fault),
        }
    }
    let unwritten = host::stdout_fault(ui);
    if unwritten.is_some() {
        record.outcome = Outcome::Failed;
        record.exit_code = Outcome::Failed.exit_code();
    }
    if let Some(keeper) = keeper {
        for lost in keeper.end(&record) {
            if !record.warnings.contains(&lost) {
                record.warnings.push(lost);
            }
        }
    }
    watch.summary(&record);
    // Where an output's text was lost, its step says so already.
    let told = |fault: &Fault| {
        let mut errors = record.steps.iter().flat_map(|step| &step.errors);
        errors.any(|error| error.message == fault.message)
    };
    if let Some(fault) = unwritten.filter(|fault| !told(fault)) {
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

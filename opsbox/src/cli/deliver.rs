//! `opsbox deliver`: what a kept run gathered goes to outputs again, without gathering.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::host::{self, Own};
use crate::cli::keep;
use crate::cli::request::{Delivering, RunFlags};
use crate::cli::run::{self, Prepared, Running};
use crate::config::Project;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Flow;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::plugin::Origin;
use crate::report::record::{ErrorRecord, outcome_of};
use crate::report::{Role, Status, StepRecord};
use crate::run::{Redelivery, flow, hollow};
use crate::store::shape::{StoredField, StoredRun};
use crate::store::{Keeping, Kept, Limits, Place, Sent, Store};
use crate::ui::Ui;

/// Delivers the Results of a kept run and returns the exit code, which the steps of that run decide as well.
///
/// # Errors
/// What kept it from delivering at all.
pub async fn deliver(own: &Own, ui: &Arc<Ui>, query: &Delivering) -> Result<u8, Failure> {
    let kept = Store::at(&own.environ.state_dir)
        .find(&query.run)
        .map_err(Failure::usage)?;
    let _claim = kept.claim().map_err(Failure::usage)?;
    let id = &kept.run.run;
    let mut steps: Vec<_> = kept
        .steps
        .iter()
        .filter(|step| step.plan.role != Role::Output)
        .map(|step| step.record().cloned().unwrap_or_else(|| unfinished(&kept, step)))
        .collect();
    let outputs = outputs(&kept, query)?;
    if outputs.is_empty() {
        let delivered = kept.steps.iter().filter(|step| step.plan.role == Role::Output);
        steps.extend(delivered.map(|step| StepRecord {
            status: Status::Clean,
            ..StepRecord::new(&step.plan.plugin, Role::Output)
        }));
        ui.note(&format!(
            "every output of run {id} has delivered; `--to OUTPUT --again` delivers once more"
        ));
        return Ok(outcome_of(&steps, false, false).exit_code());
    }
    let results = results(&kept).map_err(Failure::run)?;
    for damage in &kept.damage {
        ui.warn(&format!("{damage}; the run is delivered without it"));
    }
    if kept.record.is_none() && kept.damage.is_empty() {
        ui.warn(&format!(
            "run {id} had not come to its end, so something may be missing; `opsbox run --resume {id}` goes on with it"
        ));
    }
    let flags = RunFlags {
        pipeline: kept.run.pipeline.clone(),
        plugin_dirs: if query.flags.plugin_dirs.is_empty() {
            kept.run.plugin_dirs.clone()
        } else {
            query.flags.plugin_dirs.clone()
        },
        ..query.flags.clone()
    };
    if let Some(path) = &flags.record {
        keep::check_writable(path).map_err(Failure::usage)?;
    }
    let prepared = prepare(own, ui, &flags, &kept, outputs)?;
    let limits = Limits::of(&own.environ, prepared.project.as_ref())?;
    let ctx = host::session_context(own, ui, &prepared.catalog, &flags);
    let keeping = Keeping {
        place: Place::Delivery(kept.next_delivery()),
        run: StoredRun {
            pipeline: kept.run.pipeline.clone(),
            ..prepared.stored(own, &ctx.run_id, &limits, &flags)
        },
        max_bytes: limits.max_size.value,
        taken: BTreeMap::new(),
    };
    let running = Running {
        leave_out_gapped: false,
        keeping: Some(keeping),
        taken: BTreeMap::new(),
        redelivery: Some(Redelivery {
            run: id.clone(),
            private: kept.holds_secrets().unwrap_or_else(|fault| {
                ui.warn(&format!(
                    "{}; a Result may hold a secret of the configuration, so outputs are told to make private files",
                    fault.message
                ));
                true
            }),
            results,
            steps,
        }),
    };
    run::walk(own, ui, &flags, prepared, ctx, running).await?.code
}

/// Makes the plan of the outputs alone, with the configuration that the run's pipeline would get.
fn prepare(
    own: &Own,
    ui: &Ui,
    flags: &RunFlags,
    kept: &Kept,
    outputs: Vec<String>,
) -> Result<Prepared, Failure> {
    let project = Project::find(&own.environ.cwd)?;
    let known = |name: &&String| {
        project
            .as_ref()
            .is_some_and(|project| project.pipelines.contains_key(*name))
    };
    let name = kept.run.name.as_ref().filter(known).cloned();
    let catalog = host::catalog(own, flags)?;
    for warning in &catalog.warnings {
        ui.warn(warning);
    }
    let pipeline = Pipeline {
        text: kept.run.pipeline.clone(),
        first: Vec::new(),
        assistants: Vec::new(),
        outputs,
    };
    let plan = Plan::make(&pipeline, &catalog)?;
    let mut settings = run::load(own, flags, project.as_ref(), name.as_deref())?;
    settings.hide(secrets_of(&kept.run.config));
    Ok(Prepared {
        plan,
        settings,
        catalog,
        project,
        name,
    })
}

/// Returns the fields that were secrets in a kept run.
pub(super) fn secrets_of(config: &[StoredField]) -> impl Iterator<Item = &str> {
    config
        .iter()
        .filter(|field| field.secret)
        .map(|field| field.field.as_str())
}

/// Returns the outputs to deliver to.
fn outputs(kept: &Kept, query: &Delivering) -> Result<Vec<String>, Failure> {
    let id = &kept.run.run;
    if query.to.is_empty() {
        let own = kept.steps.iter().filter(|step| step.plan.role == Role::Output);
        let names: Vec<_> = own.map(|step| step.plan.plugin.clone()).collect();
        let unclear: Vec<_> = names
            .iter()
            .filter(|name| matches!(kept.sent(name), Sent::Unclear | Sent::Partly))
            .cloned()
            .collect();
        let left: Vec<_> = names
            .into_iter()
            .filter(|name| matches!(kept.sent(name), Sent::No | Sent::Failed))
            .collect();
        if left.is_empty() && !unclear.is_empty() {
            let names = unclear.join("`, `");
            let fault = Fault::new(format!(
                "`{names}` may have what run `{id}` sent, or part of it: it delivered incompletely, or it or the host ended while it was delivering"
            ));
            let to = unclear.join(",");
            return Err(Failure::usage(
                fault.hint(format!("`opsbox deliver {id} --to {to}` delivers in any case")),
            ));
        }
        return Ok(left);
    }
    let mut faults = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for name in query.to.iter().map(|name| name.trim()) {
        if name.is_empty() {
            faults.push(Fault::new("`--to` names an empty output").hint("write `--to a,b`"));
        } else if kept.sent(name) == Sent::Yes && !query.again {
            faults.push(
                Fault::new(format!("`{name}` has delivered run `{id}` already")).hint(format!(
                    "`opsbox deliver {id} --to {name} --again` delivers it once more"
                )),
            );
        } else if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if faults.is_empty() {
        return Ok(names);
    }
    Err(Failure {
        kind: Kind::Usage,
        faults,
    })
}

/// Returns what the outputs of the run got, or would have got.
fn results(kept: &Kept) -> Result<Vec<crate::plugin::ResultSlice>, Fault> {
    let mut base = Vec::new();
    let mut answers = Vec::new();
    for step in &kept.steps {
        let looked = step.record().is_some_and(|record| {
            matches!(
                record.status,
                Status::Findings | Status::Clean | Status::Incomplete
            )
        });
        if let Some(why) = &step.damage
            && step.plan.role != Role::Provider
            && step.plan.role != Role::Output
        {
            return Err(Fault::new(format!(
                "the kept file `{}` is damaged: {why}",
                step.file.display()
            ))
            .hint(format!(
                "`opsbox run --resume {}` runs `{}` again",
                kept.run.run, step.plan.plugin
            )));
        }
        match step.plan.role {
            Role::Check if looked => {
                let results = kept.results(step)?;
                base.extend(match step.record() {
                    Some(record) => hollow::marked(results, record),
                    None => results,
                });
            }
            Role::Assistant if looked => {
                let flow = if step.plan.appends {
                    Flow::Append
                } else {
                    Flow::Replace
                };
                answers.push((flow, kept.results(step)?));
            }
            _ => {}
        }
    }
    Ok(flow(base, answers))
}

/// Returns the record of a step that had not ended.
fn unfinished(kept: &Kept, step: &crate::store::Stored) -> StepRecord {
    let message = match &step.damage {
        Some(why) => format!("what is kept of it is damaged: {why}"),
        None => "the run was killed before it ended".to_owned(),
    };
    StepRecord {
        status: Status::Unknown,
        errors: vec![ErrorRecord {
            code: opsbox_protocol::code::NOT_READY,
            message,
            origin: Origin::Run,
            hints: vec![format!("`opsbox run --resume {}` goes on", kept.run.run)],
            traceback: None,
        }],
        ..StepRecord::new(&step.plan.plugin, step.plan.role)
    }
}

//! `--resume`: what had ended whole is taken, and no output gets twice what it has.

use std::collections::BTreeSet;

use super::{Earlier, Taking};
use crate::cli::host::Own;
use crate::cli::request::RunFlags;
use crate::cli::run::Prepared;
use crate::config::Project;
use crate::error::{Failure, Fault};
use crate::report::{Role, SkipReason, Status, StepRecord};
use crate::store::shape::{StoredPlan, StoredRun};
use crate::store::{Kept, Sent, Standing, Stored};
use crate::ui::Ui;

/// Looks whether there is something to go on with, and whether that is what is asked for.
pub(super) fn check(kept: &Kept, own: &Own, flags: &RunFlags) -> Result<(), Failure> {
    let StoredRun {
        run,
        pipeline,
        name,
        project,
        ..
    } = &kept.run;
    if let (Some(name), Some(file)) = (name, project) {
        let here = Project::find(&own.environ.cwd)?;
        if here.is_none_or(|here| here.path != *file) {
            let what = format!(
                "run `{run}` was of the pipeline `{name}` in `{}`, which is not this folder's",
                file.display()
            );
            let folder = file.parent().unwrap_or(file).display();
            return Err(Failure::usage(
                Fault::new(what).hint(format!("change to `{folder}`")),
            ));
        }
    }
    let same =
        flags.pipeline.is_empty() || flags.pipeline == *pipeline || Some(&flags.pipeline) == name.as_ref();
    if !same {
        let fault = Fault::new(format!(
            "run `{run}` is of the pipeline `{pipeline}`, not of `{}`",
            flags.pipeline
        ));
        return Err(Failure::usage(
            fault.hint(format!("leave the pipeline out: `opsbox run --resume {run}`")),
        ));
    }
    let whole = |step: &Stored| step.record().is_some_and(StepRecord::is_whole);
    if kept.record.is_some() && kept.steps.iter().all(whole) {
        let fault = Fault::new(format!("run `{run}` is whole, so there is nothing to go on with"));
        return Err(Failure::usage(fault.hint(format!(
            "`opsbox deliver {run} --to OUTPUT --again` delivers it once more"
        ))));
    }
    Ok(())
}

impl Earlier {
    /// What had ended whole, and rests on nothing that is run again.
    pub(super) fn resumed(
        &self,
        ui: &Ui,
        prepared: &Prepared,
        now: &[StoredPlan],
        new_run: &str,
    ) -> Result<Taking, Failure> {
        let mut taking = Taking::default();
        let Some(kept) = self.kept() else {
            return Ok(taking);
        };
        let changed = self.changed(kept, prepared, now)?;
        let whole = |index: usize, plan: &StoredPlan| {
            // A handler calls the plugins that it serves, so those must be there.
            let fixed = !changed.contains(&index) && !prepared.plan.is_partner(index);
            let stored = self.stored(plan).filter(|_| fixed)?;
            let record = stored.record().filter(|record| record.is_whole())?;
            match kept.results(stored) {
                Ok(results) => Some((self.marked(record), results, Some(stored.file.clone()))),
                Err(fault) => {
                    ui.warn(&format!("`{}` is run again: {}", plan.plugin, fault.message));
                    None
                }
            }
        };
        let of = |role: Role| now.iter().enumerate().filter(move |(_, plan)| plan.role == role);
        let is_changed = |name: &String| {
            of(Role::Provider).any(|(index, plan)| plan.plugin == *name && changed.contains(&index))
        };
        let mut needed = BTreeSet::new();
        for (index, plan) in of(Role::Check) {
            match whole(index, plan).filter(|_| !plan.providers.iter().any(is_changed)) {
                Some((record, results, file)) => taking.add(index, record, results, file),
                None => needed.extend(plan.providers.iter().cloned()),
            }
        }
        for (index, plan) in of(Role::Provider) {
            let is_needed = needed.contains(&plan.plugin);
            // What a provider could not look at is looked at again where a check needs it.
            let usable =
                whole(index, plan).filter(|(record, ..)| !is_needed || record.status == Status::Clean);
            match usable {
                Some((record, results, file)) => taking.add(index, record, results, file),
                None if is_needed => {}
                None => taking.hold(index, self.unneeded(plan), None),
            }
        }
        let mut same = of(Role::Check).all(|(index, _)| taking.steps.contains_key(&index));
        for (index, plan) in of(Role::Assistant) {
            match whole(index, plan).filter(|_| same) {
                Some((record, results, file)) => taking.add(index, record, results, file),
                None => same = false,
            }
        }
        for (index, plan) in of(Role::Output) {
            if let Some((record, standing)) = self.output(plan, same, new_run) {
                taking.hold(index, record, Some(standing));
            }
        }
        Ok(taking)
    }

    /// Returns how an output ends that is not called, and what it has: none is sent twice what it had, and whether it gets what is new is for
    /// the user to say. What it has stays with the new run, so that going on once more sends nothing either.
    fn output(&self, plan: &StoredPlan, same: bool, new_run: &str) -> Option<(StepRecord, Standing)> {
        let name = &plan.plugin;
        let attempt = self.kept()?.attempt(name)?;
        let record = attempt.record();
        let standing = attempt.plan.standing.as_ref();
        let of_record = record.and_then(|record| record.from_run.as_deref());
        let run = standing.map(|standing| standing.run.as_str()).or(of_record);
        let run = run.unwrap_or_else(|| self.id()).to_owned();
        let blocked = |why: String| StepRecord {
            skipped: Some(SkipReason::Blocked { why }),
            ..StepRecord::new(name, Role::Output)
        };
        let delivered = |sent: Sent| {
            let status = match sent {
                Sent::Yes => Status::Clean,
                _ => Status::Incomplete,
            };
            record.filter(|record| record.status == status)
        };
        let (sent, record) = match attempt.sent() {
            Sent::Failed | Sent::No => return None,
            Sent::Unclear => {
                let why = format!(
                    "it was delivering when run {run} was killed, or when it failed there, so it may have it; `opsbox deliver {new_run} --to {name}` delivers in any case"
                );
                (Sent::Unclear, blocked(why))
            }
            sent if same && delivered(sent).is_some() => (sent, delivered(sent)?.clone()),
            Sent::Yes if same => {
                let clean = StepRecord {
                    status: Status::Clean,
                    ..StepRecord::new(name, Role::Output)
                };
                (Sent::Yes, clean)
            }
            Sent::Yes | Sent::Partly => {
                let why = format!(
                    "it has what run {run} brought, and is not sent it twice; `opsbox deliver {new_run} --to {name}` delivers all"
                );
                (Sent::Partly, blocked(why))
            }
        };
        let mut record = record;
        if sent > Sent::Unclear {
            record.from_run = Some(run.clone());
        }
        Some((record, Standing { run, sent }))
    }

    fn unneeded(&self, plan: &StoredPlan) -> StepRecord {
        let known = self
            .stored(plan)
            .and_then(Stored::record)
            .map(|record| self.marked(record));
        known.unwrap_or_else(|| StepRecord {
            skipped: Some(SkipReason::ByChoice {
                why: "no check that is run needs it".into(),
            }),
            ..StepRecord::new(&plan.plugin, Role::Provider)
        })
    }
}

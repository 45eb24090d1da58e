//! `--resume` and `--replay`: which steps of a kept run take the place of this run's.

mod differences;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::host::Own;
use crate::cli::request::RunFlags;
use crate::cli::run::Prepared;
use crate::config::Project;
use crate::error::{Failure, Fault, Kind};
use crate::plugin::SessionContext;
use crate::report::{Role, SkipReason, Status, StepRecord};
use crate::run::Taken;
use crate::store::shape::{StoredPlan, StoredRun};
use crate::store::{Kept, Sent, Standing, Store, Stored};
use crate::ui::Ui;

/// A kept run that a new one builds on.
pub(super) struct Earlier {
    kept: Kept,
    way: Way,
    force: bool,
    /// Keeps the run from being pruned or delivered meanwhile.
    _claim: File,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Resume,
    Replay,
}

/// The steps that are taken, by index.
#[derive(Default)]
pub(super) struct Taking {
    pub(super) steps: BTreeMap<usize, Taken>,
    /// Their files, which the new run's folder takes over.
    pub(super) files: BTreeMap<usize, PathBuf>,
}

impl Earlier {
    /// Finds the run that the flags name; `None` where they name none.
    pub(super) fn of(own: &Own, flags: &RunFlags) -> Result<Option<Self>, Failure> {
        let (name, way) = match (&flags.resume, &flags.replay) {
            (Some(name), _) => (name, Way::Resume),
            (None, Some(name)) => (name, Way::Replay),
            (None, None) => return Ok(None),
        };
        let kept = Store::at(&own.environ.state_dir)
            .find(name)
            .map_err(Failure::usage)?;
        let claim = kept.claim().map_err(Failure::usage)?;
        let earlier = Self {
            kept,
            way,
            force: flags.force,
            _claim: claim,
        };
        if way == Way::Resume {
            earlier.check_resumable(own, flags)?;
        }
        Ok(Some(earlier))
    }

    fn check_resumable(&self, own: &Own, flags: &RunFlags) -> Result<(), Failure> {
        let StoredRun {
            run,
            pipeline,
            name,
            project,
            ..
        } = &self.kept.run;
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
        let same = flags.pipeline.is_empty()
            || flags.pipeline == *pipeline
            || Some(&flags.pipeline) == name.as_ref();
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
        if self.kept.record.is_some() && self.kept.steps.iter().all(whole) {
            let fault = Fault::new(format!("run `{run}` is whole, so there is nothing to go on with"));
            return Err(Failure::usage(fault.hint(format!(
                "`opsbox deliver {run} --to OUTPUT --again` delivers it once more"
            ))));
        }
        Ok(())
    }

    /// Returns the flags of the new run: what they do not say is as it was.
    pub(super) fn flags(&self, flags: &RunFlags) -> RunFlags {
        let run = &self.kept.run;
        let mut flags = flags.clone();
        if flags.pipeline.is_empty() {
            flags.pipeline = run.name.clone().unwrap_or_else(|| run.pipeline.clone());
        }
        if flags.plugin_dirs.is_empty() {
            flags.plugin_dirs.clone_from(&run.plugin_dirs);
        }
        flags
    }

    pub(super) fn leaves_out_gapped(&self) -> bool {
        self.kept.run.leave_out_gapped
    }

    /// Notes in the new run's plan what it builds on.
    pub(super) fn mark(&self, run: &mut StoredRun) {
        let id = Some(self.kept.run.run.clone());
        match self.way {
            Way::Resume => run.resumed_from = id,
            Way::Replay => run.replayed_from = id,
        }
    }

    /// Decides which steps are taken, and reads what they returned.
    pub(super) async fn take(
        &self,
        own: &Own,
        ui: &Arc<Ui>,
        ctx: &SessionContext,
        prepared: &Prepared,
    ) -> Result<Taking, Failure> {
        let now = StoredPlan::all(&prepared.plan);
        let taking = match self.way {
            Way::Resume => self.resumed(ui, prepared, &now, &ctx.run_id)?,
            Way::Replay => self.replayed(&now)?,
        };
        self.compare_configuration(own, ui, ctx, prepared, &taking)
            .await?;
        Ok(taking)
    }

    fn id(&self) -> &str {
        &self.kept.run.run
    }

    fn stored(&self, plan: &StoredPlan) -> Option<&Stored> {
        let mut steps = self.kept.steps.iter();
        steps.find(|stored| stored.plan.plugin == plan.plugin && stored.plan.role == plan.role)
    }

    /// Providers only, whatever they brought.
    fn replayed(&self, now: &[StoredPlan]) -> Result<Taking, Failure> {
        let mut taking = Taking::default();
        let mut faults = Vec::new();
        for (index, plan) in now
            .iter()
            .enumerate()
            .filter(|(_, plan)| plan.role == Role::Provider)
        {
            let Some((stored, record)) = self
                .stored(plan)
                .and_then(|stored| Some((stored, stored.record()?)))
            else {
                let what = format!(
                    "run `{}` has nothing of the provider `{}`",
                    self.id(),
                    plan.plugin
                );
                faults.push(Fault::new(what).hint("see what it has with `opsbox runs show`"));
                continue;
            };
            match self.kept.results(stored) {
                Ok(results) => taking.add(index, self.marked(record), results, stored),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            return Ok(taking);
        }
        Err(Failure {
            kind: Kind::Usage,
            faults,
        })
    }

    /// What had ended whole, and rests on nothing that is run again.
    fn resumed(
        &self,
        ui: &Ui,
        prepared: &Prepared,
        now: &[StoredPlan],
        new_run: &str,
    ) -> Result<Taking, Failure> {
        let changed = self.changed(prepared, now)?;
        let mut taking = Taking::default();
        let whole = |index: usize, plan: &StoredPlan| {
            // A handler calls the plugins that it serves, so those must be there.
            let fixed = !changed.contains(&index) && !prepared.plan.is_partner(index);
            let stored = self.stored(plan).filter(|_| fixed)?;
            let record = stored.record().filter(|record| record.is_whole())?;
            match self.kept.results(stored) {
                Ok(results) => Some((self.marked(record), results, stored)),
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
                Some((record, results, stored)) => taking.add(index, record, results, stored),
                None => needed.extend(plan.providers.iter().cloned()),
            }
        }
        for (index, plan) in of(Role::Provider) {
            let is_needed = needed.contains(&plan.plugin);
            // What a provider could not look at is looked at again where a check needs it.
            let usable =
                whole(index, plan).filter(|(record, ..)| !is_needed || record.status == Status::Clean);
            match usable {
                Some((record, results, stored)) => taking.add(index, record, results, stored),
                None if is_needed => {}
                None => taking.hold(index, self.unneeded(plan), None),
            }
        }
        let mut same = of(Role::Check).all(|(index, _)| taking.steps.contains_key(&index));
        for (index, plan) in of(Role::Assistant) {
            match whole(index, plan).filter(|_| same) {
                Some((record, results, stored)) => taking.add(index, record, results, stored),
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
        let attempt = self.kept.attempt(name)?;
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

    fn marked(&self, record: &StepRecord) -> StepRecord {
        let mut record = record.clone();
        // One that was itself taken is from where it was run.
        record.from_run.get_or_insert_with(|| self.id().to_owned());
        record
    }
}

impl Taking {
    fn add(
        &mut self,
        index: usize,
        record: StepRecord,
        results: Vec<crate::plugin::ResultSlice>,
        stored: &Stored,
    ) {
        let standing = None;
        let taken = Taken {
            record,
            results,
            standing,
        };
        self.steps.insert(index, taken);
        self.files.insert(index, stored.file.clone());
    }

    /// Settles a step as it is, without Results.
    fn hold(&mut self, index: usize, record: StepRecord, standing: Option<Standing>) {
        let taken = Taken {
            record,
            results: Vec::new(),
            standing,
        };
        self.steps.insert(index, taken);
    }
}

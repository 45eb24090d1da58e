//! `--resume` and `--replay`: which steps of a kept run, or of one that was exported, take the place of this run's.

mod differences;
mod replay;
mod resume;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::deliver::secrets_of;
use crate::cli::host::Own;
use crate::cli::request::RunFlags;
use crate::cli::run::Prepared;
use crate::error::Failure;
use crate::plugin::{ResultSlice, SessionContext};
use crate::report::StepRecord;
use crate::run::Taken;
use crate::store::shape::{StoredField, StoredPlan, StoredRun};
use crate::store::{Exported, Kept, Standing, Store, Stored};
use crate::ui::Ui;

/// An earlier run that a new one builds on.
pub(super) struct Earlier {
    source: Source,
    way: Way,
    force: bool,
}

/// Where the earlier run is.
enum Source {
    Kept {
        kept: Box<Kept>,
        /// Keeps the run from being pruned or delivered meanwhile.
        _claim: File,
    },
    /// In a folder of its own, with nothing but its providers.
    Exported(Box<Exported>),
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
        let force = flags.force;
        let folder = own.environ.absolute(Path::new(name));
        // No id has a slash, and `last` is always the newest run.
        if way == Way::Replay && (name.contains('/') || (name != "last" && Exported::is_at(&folder))) {
            let exported = Exported::open(&folder).map_err(Failure::usage)?;
            let source = Source::Exported(Box::new(exported));
            return Ok(Some(Self { source, way, force }));
        }
        let kept = Store::at(&own.environ.state_dir)
            .find(name)
            .map_err(Failure::usage)?;
        let claim = kept.claim().map_err(Failure::usage)?;
        if way == Way::Resume {
            resume::check(&kept, own, flags)?;
        }
        let source = Source::Kept {
            kept: Box::new(kept),
            _claim: claim,
        };
        Ok(Some(Self { source, way, force }))
    }

    /// Returns the flags of the new run: what they do not say is as it was.
    pub(super) fn flags(&self, flags: &RunFlags) -> RunFlags {
        let mut flags = flags.clone();
        let (pipeline, plugin_dirs) = match &self.source {
            Source::Kept { kept, .. } => {
                let run = &kept.run;
                (
                    run.name.as_ref().unwrap_or(&run.pipeline),
                    run.plugin_dirs.as_slice(),
                )
            }
            Source::Exported(exported) => (&exported.index.pipeline, [].as_slice()),
        };
        if flags.pipeline.is_empty() {
            flags.pipeline.clone_from(pipeline);
        }
        if flags.plugin_dirs.is_empty() {
            flags.plugin_dirs = plugin_dirs.to_vec();
        }
        flags
    }

    pub(super) fn leaves_out_gapped(&self) -> bool {
        self.kept().is_some_and(|kept| kept.run.leave_out_gapped)
    }

    /// Notes in the new run's plan what it builds on.
    pub(super) fn mark(&self, run: &mut StoredRun) {
        let id = Some(self.id().to_owned());
        match self.way {
            Way::Resume => run.resumed_from = id,
            Way::Replay => run.replayed_from = id,
        }
        run.config = self.config().to_vec();
        if let Some(kept) = self.kept() {
            run.secret_variables.clone_from(&kept.run.secret_variables);
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
        for damage in self.kept().into_iter().flat_map(|kept| &kept.damage) {
            ui.warn(&format!("{damage}; the run is gone on with without it"));
        }
        let mut taking = match self.way {
            Way::Resume => self.resumed(ui, prepared, &now, &ctx.run_id)?,
            Way::Replay => self.replayed(&now)?,
        };
        self.compare_configuration(own, ui, ctx, prepared, &mut taking)
            .await?;
        Ok(taking)
    }

    fn kept(&self) -> Option<&Kept> {
        match &self.source {
            Source::Kept { kept, .. } => Some(kept),
            Source::Exported(_) => None,
        }
    }

    fn id(&self) -> &str {
        match &self.source {
            Source::Kept { kept, .. } => &kept.run.run,
            Source::Exported(exported) => &exported.index.run,
        }
    }

    /// Returns what somebody had set of the configuration.
    fn config(&self) -> &[StoredField] {
        match &self.source {
            Source::Kept { kept, .. } => &kept.run.config,
            Source::Exported(exported) => &exported.index.config,
        }
    }

    /// Returns the fields that were secrets.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        secrets_of(self.config())
    }

    fn stored(&self, plan: &StoredPlan) -> Option<&Stored> {
        let mut steps = self.kept()?.steps.iter();
        steps.find(|stored| stored.plan.plugin == plan.plugin && stored.plan.role == plan.role)
    }

    fn marked(&self, record: &StepRecord) -> StepRecord {
        let mut record = record.clone();
        // One that was itself taken is from where it was run.
        record.from_run.get_or_insert_with(|| self.id().to_owned());
        record
    }
}

impl Taking {
    fn add(&mut self, index: usize, record: StepRecord, results: Vec<ResultSlice>, file: Option<PathBuf>) {
        let standing = None;
        let taken = Taken {
            record,
            results,
            standing,
            schema: None,
        };
        self.steps.insert(index, taken);
        self.files.extend(file.map(|file| (index, file)));
    }

    /// Settles a step as it is, without Results.
    fn hold(&mut self, index: usize, record: StepRecord, standing: Option<Standing>) {
        let taken = Taken {
            record,
            results: Vec::new(),
            standing,
            schema: None,
        };
        self.steps.insert(index, taken);
    }
}

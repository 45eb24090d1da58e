//! `--replay`: the providers' data of a kept run, or of one that was exported to a folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Earlier, Source, Taking, Way};
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;
use crate::plugin::ResultSlice;
use crate::report::{Role, StepRecord};
use crate::store::shape::StoredPlan;
use crate::store::{Exported, Kept};

/// How a step ended, what it returned, and the file that holds both.
type Brought = (StepRecord, Vec<ResultSlice>, Option<PathBuf>);

impl Earlier {
    /// Returns manifests for the providers whose data is replayed: where they are not installed any more, their data is still there.
    pub(in crate::cli) fn stand_ins(&self) -> Vec<Manifest> {
        let (names, place): (Vec<&str>, _) = match &self.source {
            _ if self.way == Way::Resume => return Vec::new(),
            Source::Kept { kept, .. } => {
                let steps = kept.steps.iter().map(|step| &step.plan);
                let providers = steps.filter(|plan| plan.role == Role::Provider);
                (
                    providers.map(|plan| plan.plugin.as_str()).collect(),
                    kept.path().join("run.json"),
                )
            }
            Source::Exported(exported) => {
                let providers = exported.index.providers.iter();
                (
                    providers.map(|one| one.plugin.as_str()).collect(),
                    exported.index_path(),
                )
            }
        };
        names
            .into_iter()
            .filter_map(|name| stand_in(name, &place))
            .collect()
    }

    /// Providers only, whatever they brought.
    pub(super) fn replayed(&self, now: &[StoredPlan]) -> Result<Taking, Failure> {
        let mut taking = Taking::default();
        let mut faults = Vec::new();
        for (index, plan) in now
            .iter()
            .enumerate()
            .filter(|(_, plan)| plan.role == Role::Provider)
        {
            let taken = match &self.source {
                Source::Kept { kept, .. } => self.of_kept(kept, plan),
                Source::Exported(exported) => self.of_exported(exported, plan),
            };
            match taken {
                Ok((record, results, file)) => taking.add(index, record, results, file),
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

    fn of_kept(&self, kept: &Kept, plan: &StoredPlan) -> Result<Brought, Fault> {
        let stored = self.stored(plan);
        let Some((stored, record)) = stored.and_then(|stored| Some((stored, stored.record()?))) else {
            return Err(self
                .nothing_of(plan)
                .hint("see what it has with `opsbox runs show`"));
        };
        let results = kept.results(stored)?;
        Ok((self.marked(record), results, Some(stored.file.clone())))
    }

    fn of_exported(&self, exported: &Exported, plan: &StoredPlan) -> Result<Brought, Fault> {
        let provider = exported.provider(&plan.plugin);
        let Some((provider, record)) =
            provider.and_then(|provider| Some((provider, provider.step.as_ref()?)))
        else {
            let has: Vec<_> = exported
                .index
                .providers
                .iter()
                .map(|one| one.plugin.as_str())
                .collect();
            return Err(self
                .nothing_of(plan)
                .hint(format!("what was exported is of {}", has.join(", "))));
        };
        if let Some(why) = &provider.missing {
            return Err(self.nothing_of(plan).hint(format!("it was not exported: {why}")));
        }
        // What the index says of a step's place is not what this run has it do.
        let record = StepRecord {
            plugin: plan.plugin.clone(),
            role: plan.role,
            ..self.marked(record)
        };
        Ok((record, exported.results(provider)?, None))
    }

    fn nothing_of(&self, plan: &StoredPlan) -> Fault {
        Fault::new(format!(
            "run `{}` has nothing of the provider `{}`",
            self.id(),
            plan.plugin
        ))
    }
}

fn stand_in(name: &str, place: &Path) -> Option<Manifest> {
    let name = Value::from(name);
    // Nothing is started where a step is taken.
    let text = format!("[info]\nname = {name}\ntype = \"provider\"\n[run]\ncommand = [\"false\"]\n");
    let mut manifest = Manifest::from_text(place, &text).ok()?;
    manifest.config_schema = Some(Value::Bool(true));
    Some(manifest)
}

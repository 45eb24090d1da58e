//! Steps that are not run, because a kept run has what they would bring.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::Manifest;
use crate::plugin::{Gap, ResultSlice};
use crate::redact::is_secret_variable;
use crate::report::{Status, StepRecord};
use crate::store::shape::{StoredField, StoredPlan, StoredRun};
use crate::store::{Keeping, Standing};

use super::Shared;
use crate::config::Resolution;

/// A step of a kept run, in the place of one of this run.
#[derive(Debug, Clone)]
pub struct Taken {
    /// How it ended there; says itself which run it is from.
    pub record: StepRecord,
    /// What it returned there.
    pub results: Vec<ResultSlice>,
    /// What an output had that is not called.
    pub standing: Option<Standing>,
    /// The schema of its configuration, where the manifest does not tell it: its secrets must be known though it is not started.
    pub schema: Option<Value>,
}

/// What a kept run hands to outputs again.
#[derive(Debug, Clone)]
pub struct Redelivery {
    /// The run's id.
    pub run: String,
    /// Whether a secret was found in its Results when they were gathered.
    pub private: bool,
    /// What its outputs got, or would have got.
    pub results: Vec<ResultSlice>,
    /// How its steps before the outputs ended.
    pub steps: Vec<StepRecord>,
}

impl Taken {
    /// Returns the schema of a step's configuration, without fields that must be set: nobody gets them. `None` where it is not known.
    pub(crate) fn schema(&self, manifest: &Manifest) -> Option<Value> {
        let mut schema = manifest.config_schema.clone().or_else(|| self.schema.clone())?;
        if let Some(members) = schema.as_object_mut() {
            members.remove("required");
        }
        Some(schema)
    }

    /// Returns what the step could not look at.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let gap = |gap: &crate::report::record::GapRecord| Gap {
            // The call that it was about is long over.
            id: 0,
            section: gap.section.clone(),
            what: gap.what.clone(),
            why: gap.why.clone(),
            remedy: gap.remedy.clone(),
        };
        self.record.gaps.iter().map(gap).collect()
    }

    /// Returns whether the step brought something, were it only an empty list.
    pub(crate) fn looked(&self) -> bool {
        matches!(
            self.record.status,
            Status::Findings | Status::Clean | Status::Incomplete
        )
    }
}

/// Completes what is stored of the plan, now that the configuration is resolved.
pub(crate) fn complete(
    mut keeping: Keeping,
    shared: &Shared,
    resolution: &Resolution,
    variables: &BTreeMap<String, String>,
    taken: &BTreeMap<usize, Taken>,
) -> Keeping {
    keeping.run.steps = StoredPlan::all(&shared.plan);
    for (step, planned) in keeping.run.steps.iter_mut().enumerate() {
        if let Some(taken) = taken.get(&step) {
            planned.from_run.clone_from(&taken.record.from_run);
            planned.standing.clone_from(&taken.standing);
        }
    }
    let mut config = StoredRun::fields(&resolution.plugins);
    // A plugin that is not started does not say what its fields are; what it was run with is known from then.
    let is_taken = |plugin: &str| taken.values().any(|taken| taken.record.plugin == plugin);
    for field in std::mem::take(&mut keeping.run.config) {
        let known = |other: &StoredField| other.plugin == field.plugin && other.field == field.field;
        if is_taken(&field.plugin) && !config.iter().any(known) {
            config.push(field);
        }
    }
    keeping.run.config = config;
    if taken.is_empty() {
        keeping.run.secret_variables.clear();
    }
    let secret = variables
        .iter()
        .filter(|(name, value)| is_secret_variable(name, value));
    keeping
        .run
        .secret_variables
        .extend(secret.map(|(name, _)| name.clone()));
    keeping
}

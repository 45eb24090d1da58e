//! Steps that are not run, because a kept run has what they would bring.

use std::collections::BTreeMap;

use crate::plugin::{Gap, ResultSlice};
use crate::report::{Status, StepRecord};
use crate::store::shape::{StoredPlan, StoredRun};
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
    taken: &BTreeMap<usize, Taken>,
) -> Keeping {
    keeping.run.steps = StoredPlan::all(&shared.plan);
    for (step, planned) in keeping.run.steps.iter_mut().enumerate() {
        if let Some(taken) = taken.get(&step) {
            planned.from_run.clone_from(&taken.record.from_run);
            planned.standing.clone_from(&taken.standing);
        }
    }
    keeping.run.config = StoredRun::fields(&resolution.plugins);
    keeping
}

//! What is known of an output: whether it has what a run brought.

use opsbox_protocol::code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kept::{Kept, Stored};
use crate::report::{Role, Status, StepRecord};

/// What is known of an output; the further down, the less may be sent to it unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// It was not called.
    No,
    /// It said that it failed.
    Failed,
    /// It had begun to deliver and never said how that ended, so nobody knows.
    Unclear,
    /// It has delivered part of it.
    Partly,
    /// It has delivered.
    Yes,
}

impl Sent {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
            Self::Partly => "partly",
            Self::Yes => "yes",
        }
    }
}

/// What an output had of an earlier run, for which it is not called in this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// The run that it had it of.
    pub run: String,
    /// What it has of all that there is in this run.
    pub sent: Sent,
}

impl Stored {
    /// Returns what this attempt says of an output.
    pub fn sent(&self) -> Sent {
        let ended = match self.record() {
            None if self.begun => Sent::Unclear,
            None => Sent::No,
            Some(record) => match record.status {
                Status::Clean | Status::Findings => Sent::Yes,
                Status::Incomplete => Sent::Partly,
                Status::Failed if self.begun && !answered(record) => Sent::Unclear,
                Status::Failed => Sent::Failed,
                Status::Unknown if self.begun => Sent::Unclear,
                Status::Unknown | Status::Skipped => Sent::No,
            },
        };
        let earlier = self.plan.standing.as_ref().map(|standing| standing.sent);
        earlier.map_or(ended, |earlier| earlier.max(ended))
    }
}

impl Kept {
    /// Returns the attempt of an output that says most, over the run and all later deliveries; `None` where there was none.
    pub fn attempt(&self, output: &str) -> Option<&Stored> {
        let later = self.deliveries.iter().flat_map(|delivery| &delivery.steps);
        let attempts = self.steps.iter().chain(later);
        attempts
            .filter(|step| step.plan.role == Role::Output && step.plan.plugin == output)
            .reduce(|best, step| if step.sent() > best.sent() { step } else { best })
    }

    /// Returns what is known of an output, over the run and all later deliveries: what has arrived stays there, whatever failed later.
    pub fn sent(&self, output: &str) -> Sent {
        self.attempt(output).map_or(Sent::No, Stored::sent)
    }
}

/// Returns whether an output that failed said so itself. One that died, was given up or could not be understood may have delivered before.
fn answered(record: &StepRecord) -> bool {
    let silent = [code::EXITED, code::TIMEOUT, code::PROTOCOL_FAULT, code::TOO_LARGE];
    record.errors.iter().all(|error| !silent.contains(&error.code))
}

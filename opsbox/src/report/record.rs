//! The record of a run, written as JSON; its schema is published (`crate::published`) as `docs/schema/run-record.json`.

use opsbox_protocol::code;
use opsbox_protocol::message::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Kind;
use crate::plugin::{Gap, Origin, PluginError};

/// The version of the record's shape; it grows only when a reader of the old shape would be misled.
pub const RECORD_VERSION: u32 = 1;

/// The record of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The version of this shape, now 1.
    pub record: u32,
    /// The run's id.
    pub run: String,
    /// The release of the host.
    pub opsbox: String,
    /// The pipeline as it was given.
    pub pipeline: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Every step: providers, then checks and inputs, assistants and outputs, each in the order of the pipeline.
    pub steps: Vec<StepRecord>,
    /// What the host noticed beside the steps.
    pub warnings: Vec<String>,
    /// Whether the run is kept, so that `opsbox deliver` and `--resume` know it.
    #[serde(default)]
    pub kept: bool,
    /// Whether all that outputs get is kept with it, so that `opsbox deliver` can send it again.
    #[serde(default)]
    pub deliverable: bool,
    /// The run that this one went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<String>,
    /// The run whose providers' data this one used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_from: Option<String>,
    /// The run whose Results `opsbox deliver` sent again; the steps before the outputs are that run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_of: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every step is whole.
    Done,
    /// No output delivered anything, or `--fail-fast` stopped the run.
    Failed,
    /// Some step is not whole; what there was has been delivered.
    Partial,
    /// The user ended the run.
    Interrupted,
}

/// What a step does in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Gathers data.
    Provider,
    /// Makes Results: an input, a Rego check, or a provider whose data goes on as it is.
    Check,
    /// Transforms Results.
    Assistant,
    /// Delivers Results.
    Output,
}

/// Why a step was not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum SkipReason {
    /// A rule of the check says that there is nothing here to check.
    NotApplicable,
    /// Somebody chose so.
    ByChoice {
        /// Who, and why.
        why: String,
    },
    /// What it needs did not come about.
    Blocked {
        /// What was missing.
        why: String,
    },
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// The plugin's name.
    pub plugin: String,
    /// What it does in the pipeline.
    pub role: Role,
    /// How it ended.
    pub status: Status,
    /// Why it was not run; only with the status `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipReason>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The size of what it returned, in bytes.
    pub bytes: u64,
    /// How many Results it returned.
    pub results: u64,
    /// The Results of a check, each as `relates_to/result_name`; of very many only the first 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
    /// How many findings it made; null for a step that makes none.
    #[serde(default)]
    pub findings: Option<u64>,
    /// What could not be looked at.
    #[serde(default)]
    pub gaps: Vec<GapRecord>,
    /// What went wrong.
    #[serde(default)]
    pub errors: Vec<ErrorRecord>,
    /// Whether outputs got nothing of this step, so that what they hold of it is from an earlier run.
    #[serde(default)]
    pub stale: bool,
    /// The kept run that the step was taken from, instead of being run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_run: Option<String>,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct GapRecord {
    /// The top-level key of the data that it concerns; null: all of it.
    pub section: Option<String>,
    /// What could not be looked at.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl GapRecord {
    /// Returns it as a part of a sentence: what, why, and what to do.
    pub fn line(&self) -> String {
        let remedy = self.remedy.as_ref().map(|remedy| format!(" ({remedy})"));
        format!("{}: {}{}", self.what, self.why, remedy.unwrap_or_default())
    }
}

impl From<&Gap> for GapRecord {
    fn from(gap: &Gap) -> Self {
        Self {
            section: gap.section.clone(),
            what: gap.what.clone(),
            why: gap.why.clone(),
            remedy: gap.remedy.clone(),
        }
    }
}

/// An error of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorRecord {
    /// The code of the protocol.
    pub code: i64,
    /// One sentence that names the hook.
    pub message: String,
    /// Whose fault it is.
    #[serde(default)]
    pub origin: Origin,
    /// What to do about it.
    pub hints: Vec<String>,
    /// The plugin's traceback, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
}

/// Of a longer traceback only so many bytes are kept: its last lines, where the cause stands.
const TRACEBACK_BYTES: usize = 16 * 1024;

fn end_of(traceback: String) -> String {
    let Some(cut) = traceback.len().checked_sub(TRACEBACK_BYTES) else {
        return traceback;
    };
    let kept = &traceback[traceback.ceil_char_boundary(cut)..];
    // Whole lines only: what is hidden is looked for afterwards, line by line.
    let lines = kept.split_once('\n').map_or("", |(_, lines)| lines);
    format!("…\n{lines}")
}

impl From<&PluginError> for ErrorRecord {
    fn from(error: &PluginError) -> Self {
        let traceback = match error {
            PluginError::Answered { body, .. } => body.data().traceback.map(end_of),
            _ => None,
        };
        Self {
            code: error.code(),
            message: error.to_string(),
            origin: error.origin(),
            hints: error.hints(),
            traceback,
        }
    }
}

impl StepRecord {
    /// Makes the record of a step that has not run.
    pub fn new(plugin: &str, role: Role) -> Self {
        Self {
            plugin: plugin.to_owned(),
            role,
            status: Status::Skipped,
            skipped: None,
            seconds: 0.0,
            bytes: 0,
            results: 0,
            made: Vec::new(),
            findings: None,
            gaps: Vec::new(),
            errors: Vec::new(),
            stale: false,
            from_run: None,
        }
    }

    /// Returns whether nothing is missing of the step.
    ///
    /// The gaps of a provider count in the checks that read what is missing, not in the provider itself: whoever checks the disks
    /// alone misses nothing where the passwords may not be read.
    pub fn is_whole(&self) -> bool {
        match self.status {
            Status::Incomplete if self.role == Role::Provider => true,
            Status::Findings | Status::Clean => true,
            Status::Skipped => {
                matches!(
                    self.skipped,
                    Some(SkipReason::NotApplicable | SkipReason::ByChoice { .. })
                )
            }
            Status::Incomplete | Status::Unknown | Status::Failed => false,
        }
    }
}

/// Returns whether a step of the first stage is a provider that is handed on: it makes data, and no findings.
pub fn hands_on(steps: &[StepRecord], step: &StepRecord) -> bool {
    let gathers = |other: &StepRecord| other.role == Role::Provider && other.plugin == step.plugin;
    step.role == Role::Check && steps.iter().any(gathers)
}

/// Returns how a run ended, from its steps.
pub fn outcome_of(steps: &[StepRecord], interrupted: bool, stopped: bool) -> Outcome {
    let mut outputs = steps.iter().filter(|step| step.role == Role::Output).peekable();
    let has_outputs = outputs.peek().is_some();
    // What an earlier run delivered is not nothing, although it was less than what there is now.
    let delivered = outputs
        .any(|step| step.from_run.is_some() || matches!(step.status, Status::Clean | Status::Incomplete));
    if interrupted {
        Outcome::Interrupted
    } else if stopped || (has_outputs && !delivered) {
        Outcome::Failed
    } else if steps.iter().all(StepRecord::is_whole) {
        Outcome::Done
    } else {
        Outcome::Partial
    }
}

/// Returns the exit code of a run: that of its outcome, but 2 where nothing came about because plugins refused their configuration.
pub fn exit_code_of(outcome: Outcome, steps: &[StepRecord]) -> u8 {
    let is_refusal = |error: &ErrorRecord| error.code == code::CONFIG_INVALID;
    let mut failed = steps
        .iter()
        .filter(|step| step.status == Status::Failed)
        .peekable();
    let refused = failed.peek().is_some() && failed.all(|step| step.errors.first().is_some_and(is_refusal));
    match outcome {
        Outcome::Failed if refused => Kind::Usage.exit_code(),
        _ => outcome.exit_code(),
    }
}

impl Outcome {
    /// Returns the exit code of a run that ended so.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Partial => 4,
            Self::Interrupted => 130,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(role: Role, status: Status) -> StepRecord {
        StepRecord {
            status,
            ..StepRecord::new("x", role)
        }
    }

    #[test]
    fn only_clean_and_findings_and_chosen_skips_are_whole() {
        for status in [
            Status::Incomplete,
            Status::Unknown,
            Status::Failed,
            Status::Skipped,
        ] {
            let steps = [step(Role::Check, status), step(Role::Output, Status::Clean)];
            assert_eq!(outcome_of(&steps, false, false).exit_code(), 4, "{status:?}");
        }
        let mut skipped = step(Role::Check, Status::Skipped);
        skipped.skipped = Some(SkipReason::NotApplicable);
        let steps = [
            skipped,
            step(Role::Check, Status::Findings),
            step(Role::Output, Status::Clean),
        ];
        assert_eq!(outcome_of(&steps, false, false).exit_code(), 0);
    }

    #[test]
    fn a_run_that_came_to_nothing_by_refused_configurations_ends_as_one_with_wrong_fields() {
        let failed = |code: i64| StepRecord {
            errors: vec![ErrorRecord {
                code,
                message: String::new(),
                origin: Origin::Setup,
                hints: Vec::new(),
                traceback: None,
            }],
            ..step(Role::Check, Status::Failed)
        };
        let check = |codes: &[i64], output: Status| {
            let mut steps: Vec<_> = codes.iter().map(|code| failed(*code)).collect();
            steps.push(step(Role::Output, output));
            exit_code_of(outcome_of(&steps, false, false), &steps)
        };
        let refused = code::CONFIG_INVALID;
        assert_eq!(check(&[refused, refused], Status::Skipped), 2);
        assert_eq!(check(&[refused, code::EXITED], Status::Skipped), 1);
        assert_eq!(check(&[refused], Status::Clean), 4, "the others were delivered");
        assert_eq!(check(&[], Status::Skipped), 1);
    }

    #[test]
    fn a_run_that_delivers_nothing_has_failed() {
        let steps = [
            step(Role::Check, Status::Clean),
            step(Role::Output, Status::Failed),
        ];
        assert_eq!(outcome_of(&steps, false, false).exit_code(), 1);
        let one_of_two = [
            step(Role::Output, Status::Clean),
            step(Role::Output, Status::Failed),
        ];
        assert_eq!(outcome_of(&one_of_two, false, false).exit_code(), 4);
        assert_eq!(outcome_of(&one_of_two, true, false).exit_code(), 130);
        assert_eq!(outcome_of(&one_of_two, false, true).exit_code(), 1);
    }
}

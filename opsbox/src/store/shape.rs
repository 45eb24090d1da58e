//! What is stored of a run, as JSON; the schemas are published as `docs/schema/stored-run.json` and `docs/schema/stored-step.json`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::standing::Standing;
use crate::report::{Role, StepRecord};

/// The version of the stored files; a folder of another version is listed, and not read further.
pub const STORE_VERSION: u32 = 1;

/// `run.json`: the plan of a run, written before any of its steps ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredRun {
    /// The version of the stored files, now 1.
    pub store: u32,
    /// The run's id, which is the name of its folder.
    pub run: String,
    /// The release of the host.
    pub opsbox: String,
    /// The process of the host.
    pub pid: u32,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The pipeline's text.
    pub pipeline: String,
    /// The name under `[pipelines]` by which it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The project's file, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "one_path")]
    pub project: Option<PathBuf>,
    /// The folders of plugins that flags or variables named.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "all_paths")]
    pub plugin_dirs: Vec<PathBuf>,
    /// Whether checks whose data has gaps were left out by choice, as `demo` does.
    #[serde(default)]
    pub leave_out_gapped: bool,
    /// How long the run is kept, in seconds.
    pub keep_seconds: u64,
    /// The run that this one went on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<String>,
    /// The run whose providers' data this one used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_from: Option<String>,
    /// Every step, in the order of the record: providers, checks, assistants, outputs.
    pub steps: Vec<StoredPlan>,
    /// What somebody set of the plugins' configuration.
    pub config: Vec<StoredField>,
    /// The names of the variables that plugins saw and that hold a secret; no value is ever stored.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secret_variables: BTreeSet<String>,
}

/// A step as it was planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredPlan {
    /// The plugin's name.
    pub plugin: String,
    /// What it does in the pipeline.
    pub role: Role,
    /// The plugin's version, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the plugin came from, for people.
    pub origin: String,
    /// Changes when the manifest, the policy or, of what is built in, the release of the host changes.
    pub fingerprint: String,
    /// The providers whose data it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Whether it only hands its provider's data on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub passes_on: bool,
    /// Whether an assistant's answer is added to the list of Results rather than taking its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub appends: bool,
    /// The run that the step was taken from, where it was not run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_run: Option<String>,
    /// What an output that is not called has of an earlier run; it still has it when this one is gone on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// A field that somebody set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredField {
    /// The plugin.
    pub plugin: String,
    /// The field.
    pub field: String,
    /// The value; null for a secret, which is never stored.
    pub value: Option<Value>,
    /// Whether it is a secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Where the value came from.
    pub origin: Option<String>,
}

/// The first line of `steps/NNN-PLUGIN.jsonl`: how the step ended. Its Results follow, one on each line, in the bytes that the plugin wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoredStep {
    /// The version of the stored files, now 1.
    pub store: u32,
    /// When the step ended, RFC 3339 in UTC.
    pub ended: String,
    /// What follows.
    pub data: StoredData,
    /// How the step ended.
    pub step: StepRecord,
}

/// Where the Results of a step are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "where", rename_all = "snake_case")]
pub enum StoredData {
    /// On the lines that follow.
    Here {
        /// How many Results.
        results: u64,
        /// The size of all that follows, with the ends of lines, in bytes.
        bytes: u64,
    },
    /// In the files of its providers: it only handed their data on.
    Providers,
    /// Nowhere.
    LeftOut {
        /// Why not.
        why: String,
    },
}

/// Writes paths with U+FFFD for what of them is no text: JSON knows no other, and a run is worth more than the way back to its folders.
fn all_paths<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// As [`all_paths`], of one.
fn one_path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = path.as_ref().map(|path| path.to_string_lossy());
    text.serialize(serializer)
}

/// Returns a short text that changes when one of these parts changes; no protection against somebody who wants two to be alike.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    // FNV-1a: the standard library's hasher may change from one release to the next, and these texts stay on disk.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        (part.len() as u64).to_le_bytes().into_iter().for_each(&mut eat);
        part.iter().copied().for_each(&mut eat);
    }
    format!("{hash:016x}")
}

//! Parameters and results of every message of wire v1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// The additions to the protocol that version 1 has; one is used only if both sides list it in the handshake.
pub const FEATURES: [&str; 5] = ["progress", "gap", "output", "steps", "private"];

/// Parameters of `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InitializeParams {
    /// The versions of the protocol that the host speaks.
    pub protocol: VersionRange,
    /// Who the host is.
    pub host: HostInfo,
    /// The plugin's name as its manifest gives it.
    pub plugin: String,
    /// The limits that the plugin must keep to.
    pub limits: Limits,
    /// Additions to the protocol that the host knows; each is used only if both sides list it.
    pub features: Vec<String>,
    /// The least level of `log` messages that somebody will see.
    pub log_level: LogLevel,
    /// The working directory of the user, absolute.
    pub cwd: String,
    /// The user's terminal; null where there is none.
    pub terminal: Option<Terminal>,
}

/// An inclusive range of protocol versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionRange {
    /// The lowest version.
    pub min: u32,
    /// The highest version.
    pub max: u32,
}

/// Who the host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostInfo {
    /// `opsbox`, or the name of another host.
    pub name: String,
    /// The host's release.
    pub version: String,
    /// The host's process id.
    pub pid: u32,
}

/// The limits of a session, in bytes unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Longest line from the plugin.
    pub line_bytes: u64,
    /// Deepest nesting of a line, in levels.
    pub depth: u32,
    /// Most calls open at once.
    pub in_flight: u32,
    /// Longest text of a `log` message.
    pub log_bytes: u32,
    /// Longest line on stderr.
    pub stderr_line_bytes: u32,
}

impl Limits {
    /// Returns the limits of wire v1 with this cap for a line.
    pub fn with_line_bytes(line_bytes: u64) -> Self {
        use crate::limits;
        Self {
            line_bytes,
            depth: limits::DEPTH,
            in_flight: limits::IN_FLIGHT,
            log_bytes: limits::LOG_BYTES,
            stderr_line_bytes: limits::STDERR_LINE_BYTES,
        }
    }
}

/// The user's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Terminal {
    /// Its width in characters.
    pub columns: u16,
    /// Whether color may be used.
    pub color: bool,
}

/// The level of a log message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Finest detail.
    Trace,
    /// For authors.
    Debug,
    /// For users who ask.
    #[default]
    Info,
    /// Something is odd.
    Warn,
    /// Something is wrong.
    Error,
}

/// Result of `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InitializeResult {
    /// The chosen protocol version.
    pub protocol: u32,
    /// Who the plugin is.
    pub plugin: PluginInfo,
    /// The hooks it implements, by method name; a hook that is not listed is never called.
    pub hooks: Vec<String>,
    /// The additions to the protocol that it knows.
    #[serde(default)]
    pub features: Vec<String>,
    /// What it does with `$/cancel`.
    #[serde(default)]
    pub cancel: Cancel,
}

/// Who a plugin is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its release; may be empty.
    #[serde(default)]
    pub version: String,
}

/// What a plugin does with `$/cancel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cancel {
    /// Nothing: the call goes on.
    #[default]
    None,
    /// The hook is told and may end early.
    Cooperative,
    /// The hook is stopped.
    Hard,
}

/// Parameters of `set_data`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetDataParams {
    /// The plugin's own declared fields that somebody set, validated against its schema.
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// How a check of the run ended: one item of `steps` in the parameters of `process_results`, with the feature `steps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepStatus {
    /// The check's name.
    pub plugin: String,
    /// How it ended.
    pub status: Status,
    /// Whether it is a provider that is handed on: its Results are data, in which nobody looked for findings. Left out where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data: bool,
    /// The Results that it made, each as `relates_to/result_name`; may be empty.
    #[serde(default)]
    pub results: Vec<String>,
    /// One sentence on why it is not whole, with what to do about it; absent for `findings` and `clean`, and for a
    /// check that was skipped because it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The one status in which a step of a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It looked at everything and found something.
    Findings,
    /// It looked at everything and found nothing.
    Clean,
    /// It looked at part; what it found is kept.
    Incomplete,
    /// It could not look.
    Unknown,
    /// It broke.
    Failed,
    /// It was not run.
    Skipped,
}

impl Status {
    /// Returns whether the step looked at everything.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Findings | Self::Clean)
    }

    /// Returns the word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Findings => "findings",
            Self::Clean => "clean",
            Self::Incomplete => "incomplete",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Parameters of the notification `$/cancel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelParams {
    /// The id of the call to cancel.
    pub id: u64,
}

/// Parameters of the notification `log`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogParams {
    /// How important it is.
    #[serde(default)]
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Further facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Parameters of the notification `progress`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressParams {
    /// The id of the call it is about.
    pub id: u64,
    /// How much is done, in `unit`.
    #[schemars(with = "f64")]
    pub done: Number,
    /// How much there is to do, where known.
    #[schemars(with = "Option<f64>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Number>,
    /// What is counted, for example `regions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What is being done now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Parameters of the notification `output`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputParams {
    /// The text, with its line ends.
    pub text: String,
    /// Where it goes.
    #[serde(default)]
    pub stream: Stream,
}

/// A stream of the user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output: results.
    #[default]
    Stdout,
    /// Standard error: everything else.
    Stderr,
}

/// Parameters of the notification `gap`: part of what a call should have looked at could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapParams {
    /// The id of the call it is about.
    pub id: u64,
    /// The top-level key of the data that it concerns; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// What could not be looked at.
    pub what: String,
    /// Why not.
    pub why: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

//! What a plugin says about itself: its manifest, read from TOML into types, without starting or importing anything.

mod code;
mod fields;
mod parse;
mod pins;
mod policy;
mod read;
pub mod shape;
mod tables;
pub mod units;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Fault;
use crate::python::Interpreter;
#[cfg(test)]
pub(crate) use fields::json as toml_as_json;
pub use parse::MAX_MANIFEST_BYTES;
pub(crate) use parse::read;

/// What a plugin does in a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Gathers data that checks rely on.
    Provider,
    /// Makes results, from providers' data or by itself.
    Input,
    /// Makes results by a Rego policy over one provider's data.
    Rego,
    /// Changes the list of results.
    Assistant,
    /// Delivers results.
    Output,
    /// Runs plugins of the types it lists.
    Handler,
    /// A type that some handler plugin serves.
    Other(String),
}

impl Kind {
    /// The types that the host knows, as manifests spell them.
    pub const NAMES: [&str; 6] = ["provider", "input", "rego", "assistant", "output", "handler"];

    /// Returns the type that a manifest spells like this.
    pub fn from_name(name: &str) -> Self {
        match name {
            "provider" => Self::Provider,
            "input" => Self::Input,
            "rego" => Self::Rego,
            "assistant" => Self::Assistant,
            "output" => Self::Output,
            "handler" => Self::Handler,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Returns the spelling of the manifest.
    pub fn name(&self) -> &str {
        match self {
            Self::Provider => "provider",
            Self::Input => "input",
            Self::Rego => "rego",
            Self::Assistant => "assistant",
            Self::Output => "output",
            Self::Handler => "handler",
            Self::Other(name) => name,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a plugin came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Part of this binary.
    Bundled,
    /// A manifest found in a plugin folder.
    Folder {
        /// The manifest file.
        manifest: PathBuf,
    },
    /// An entry point of an installed Python distribution.
    EntryPoint {
        /// The manifest file beside the module.
        manifest: PathBuf,
        /// The distribution that declares the entry point.
        distribution: String,
        /// The distribution's version; empty where its metadata names none.
        version: String,
        /// The entry point's value, `module:Class`.
        value: String,
        /// The interpreter whose environment it is in, and which runs it.
        interpreter: Arc<Interpreter>,
    },
}

impl Origin {
    /// Returns the interpreter that the plugin belongs to; `None` for one that any interpreter may run, or none.
    pub fn interpreter(&self) -> Option<&Arc<Interpreter>> {
        match self {
            Self::EntryPoint { interpreter, .. } => Some(interpreter),
            Self::Bundled | Self::Folder { .. } => None,
        }
    }

    /// Returns the manifest file; `None` for what is part of this binary.
    pub fn manifest(&self) -> Option<&std::path::Path> {
        match self {
            Self::Bundled => None,
            Self::Folder { manifest } | Self::EntryPoint { manifest, .. } => Some(manifest),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => f.write_str("built in"),
            Self::Folder { manifest } => write!(f, "{}", manifest.display()),
            Self::EntryPoint {
                manifest,
                distribution,
                version,
                ..
            } => {
                let space = if version.is_empty() { "" } else { " " };
                write!(
                    f,
                    "package {distribution}{space}{version} ({})",
                    manifest.display()
                )
            }
        }
    }
}

/// How a plugin's process is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Launch {
    /// By this same binary: `opsbox __serve plugin NAME`.
    Bundled,
    /// By a command, found in the manifest's folder or on `PATH`.
    Command {
        /// Program and arguments; never empty.
        argv: Vec<String>,
    },
    /// By the Python bridge.
    Python {
        /// The module, dotted: of the environment for an entry point, else its last part is a file of the folder.
        module: String,
        /// The class in it.
        class_name: String,
        /// Whether the module is imported from the environment.
        entry_point: bool,
    },
    /// Not at all: a Rego check without code of its own.
    Nothing,
}

/// A word of `[run] command` that names a file, with the hash that the file must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The word, as the command spells it.
    pub word: String,
    /// The SHA-256 of the file, as 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// Where the text of a Rego policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// In this binary.
    Embedded(&'static str),
    /// In a file.
    File(PathBuf),
}

/// The `[rego]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoCheck {
    /// The policy's file name, for messages.
    pub file: String,
    /// The policy.
    pub policy: Policy,
    /// The version of the language: 1, or 0 for old policies; `None`: 1, or 0 where the text is old. Only checks of the original may leave
    /// it open.
    pub version: Option<u8>,
    /// The rule that holds the findings.
    pub rule: String,
    /// Whether an error of a built-in function fails the check.
    pub strict: bool,
    /// What the check looks for; becomes `result_description`.
    pub description: Option<String>,
}

/// How bad a finding is, from the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Can wait.
    Low,
    /// Should be looked at.
    Medium,
    /// Should be looked at soon.
    High,
    /// Should be looked at now.
    Critical,
}

impl Severity {
    /// All names, from the least to the worst.
    pub const NAMES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

    /// Returns the severity of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "info" => Some(Self::Info),
            "low" => Some(Self::Low),
            "medium" => Some(Self::Medium),
            "high" => Some(Self::High),
            "critical" => Some(Self::Critical),
            _ => None,
        }
    }

    /// Returns the name that manifests and findings use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The `[check]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckFacts {
    /// How bad its findings are.
    pub severity: Option<Severity>,
    /// What to do about a finding.
    pub remediation: Option<String>,
    /// Sections of the provider's data that it looks at; empty: all of them.
    pub reads: Vec<String>,
}

/// What an assistant receives, and what becomes of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It receives the current list, and its answer takes the list's place.
    Replace,
    /// It receives the earlier assistants' results and then the inputs'.
    Append,
}

/// The `[timeouts]` table; `None`: the default, zero: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the answer to `initialize`.
    pub handshake: Option<Duration>,
    /// Until the answer to `grab_config`.
    pub grab_config: Option<Duration>,
    /// Until the answer to `set_data`.
    pub set_data: Option<Duration>,
    /// Until the answer to `activate`.
    pub activate: Option<Duration>,
    /// Since the last progress of a hook.
    pub hook_idle: Option<Duration>,
    /// A whole hook.
    pub hook_total: Option<Duration>,
    /// Between a cancellation and the answer.
    pub cancel_grace: Option<Duration>,
    /// A write to the plugin that does not move.
    pub stdin_stall: Option<Duration>,
}

/// What a plugin's processes may use, as `[limits]` says; `None`: as much as the system gives, zero: the same, whatever else is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caps {
    /// Processor time of each of its processes.
    pub cpu: Option<Duration>,
    /// Memory of all its processes together, in bytes.
    pub memory: Option<u64>,
    /// Processes at the same time.
    pub processes: Option<u64>,
    /// Open files of each of its processes.
    pub open_files: Option<u64>,
}

/// The `[restart]` table; `None`: the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restart {
    /// How often a plugin that crashed is started again in a run.
    pub times: Option<u32>,
    /// How long to wait before the first time; twice as long before each further one.
    pub backoff: Option<Duration>,
}

impl Restart {
    /// How often where nobody says: once for what happens by chance, once more for what needs a moment to pass.
    pub const TIMES: u32 = 2;
    /// The wait before the first time where nobody says.
    pub const BACKOFF: Duration = Duration::from_millis(200);
    /// The longest wait.
    pub const LONGEST: Duration = Duration::from_secs(30);
}

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The name that pipelines use.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// One sentence for people.
    pub description: Option<String>,
    /// The plugin's version: of the manifest, or of the distribution that brings it.
    pub version: Option<String>,
    /// Names of the plugins it relies on.
    pub uses: Vec<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The manifest's folder; empty for what is part of this binary.
    pub home: PathBuf,
    /// How it is started.
    pub launch: Launch,
    /// Files of its command that must be what they were.
    pub pins: Vec<Pin>,
    /// Least and greatest protocol version it speaks.
    pub protocol: (u32, u32),
    /// Patterns of the environment variables it may see beside the common ones.
    pub env: Vec<String>,
    /// Its own deadlines.
    pub timeouts: Timeouts,
    /// The longest line it may send, in bytes.
    pub max_line: Option<u64>,
    /// What its processes may use.
    pub caps: Caps,
    /// Whether and when it is started again after a crash.
    pub restart: Restart,
    /// Severity, remediation and what it reads.
    pub check: CheckFacts,
    /// Its policy, for the type `rego`.
    pub rego: Option<RegoCheck>,
    /// The JSON Schema of its configuration, where the manifest declares one.
    pub config_schema: Option<Value>,
    /// For assistants.
    pub flow: Flow,
    /// For handlers: the types it serves.
    pub handles: Vec<String>,
    /// Every table other than `[info]`, as JSON: what a handler plugin is told of it.
    pub extra: Map<String, Value>,
    /// Whether it is a plugin for the Python bridge, with the rights and ways of the original.
    pub legacy: bool,
    /// What is odd about the manifest but does not keep it from being used.
    pub warnings: Vec<String>,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadManifest {
    /// The plugin's name, where it could be read.
    pub name: Option<String>,
    /// All faults, in the order of their lines.
    pub faults: Vec<Fault>,
}

/// What an entry point says about the manifest beside its module.
#[derive(Debug, Clone, Copy)]
pub struct EntryPointFacts<'a> {
    /// The distribution that declares it.
    pub distribution: &'a str,
    /// The distribution's version, or an empty string.
    pub version: &'a str,
    /// The value, `module:Class`.
    pub value: &'a str,
    /// The interpreter whose environment it is in.
    pub interpreter: &'a Arc<Interpreter>,
}

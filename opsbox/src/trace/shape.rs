//! The lines of a trace, as JSON; the schema is published as `docs/schema/trace.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the shape of traces.
pub const TRACE_VERSION: u32 = 1;

/// The first line of a trace: whose wire it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceHead {
    /// The version of this shape, now 1.
    pub trace: u32,
    /// The release of the host.
    pub opsbox: String,
    /// The version of the plugin protocol.
    pub protocol: u32,
    /// The run's id.
    pub run: String,
    /// The plugin.
    pub plugin: String,
    /// The process id of the host, which `initialize` tells as well.
    pub host_pid: u32,
    /// The working directory of the host and of the plugin.
    pub cwd: String,
    /// When the process was started, RFC 3339 in UTC.
    pub started: String,
    /// Lines of up to this many bytes are kept whole; of longer ones beginning and end.
    pub whole_bytes: u64,
}

/// Every further line of a trace: one line of the wire, or what became of the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceLine {
    /// When, in milliseconds since the process was started.
    pub ms: f64,
    /// Who wrote it.
    pub from: Side,
    /// The size of the line on the wire, in bytes before its `\n`.
    pub bytes: u64,
    /// The line, secrets replaced by `<secret>`; of one that was cut its beginning.
    pub line: String,
    /// Of a line that was cut: its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<String>,
    /// Of a line that was cut: the SHA-256 of the whole line, after secrets were replaced, as hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether a secret was replaced.
    #[serde(default, skip_serializing_if = "is_false")]
    pub redacted: bool,
    /// Whether bytes that are no UTF-8 were replaced by U+FFFD.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lossy: bool,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The host, to the plugin's standard input.
    Host,
    /// The plugin, on its standard output.
    Plugin,
    /// The plugin, on its standard error.
    Stderr,
    /// Nobody: the host notes what became of the process.
    Process,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl TraceLine {
    /// Returns whether the line is there in full.
    pub fn is_whole(&self) -> bool {
        self.tail.is_none()
    }
}

/// One line of a trace, for the schema.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is wanted")]
enum Trace {
    Head(TraceHead),
    Line(TraceLine),
}

/// Returns the JSON Schema (2020-12) of a line of a trace.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Trace>();
    schema.insert("title".into(), "A line of an Opsbox trace, version 1".into());
    schema.to_value()
}

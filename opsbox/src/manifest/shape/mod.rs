//! What a manifest may hold, table by table, as it is written: the types that its published JSON Schema is made of.
//!
//! The host reads TOML by hand (`parse` and its kin), so that each fault has a line; a test holds that both say the same.

mod field;
mod rules;
mod units;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use field::Field;
use units::{Duration, Size};

/// The version of the form of manifests.
pub const MANIFEST_VERSION: u32 = 1;

/// The manifest of an Opsbox plugin: a TOML file that says what the plugin is and how it is started. PROTOCOL.md, section 16, has all the keys.
#[derive(Debug, JsonSchema)]
#[schemars(title = "Opsbox plugin manifest, version 1")]
pub struct ManifestFile {
    /// Where an editor finds the schema of this file. The host does not look at it. The comment `#:schema PATH` at the top of the file does the same.
    #[schemars(rename = "$schema")]
    pub schema: Option<String>,
    /// Who the plugin is and what it relies on.
    pub info: Info,
    /// How the plugin's process is started. With it the plugin speaks the protocol by itself; without it `module` and `class_name` are run by the Python bridge.
    pub run: Option<Run>,
    /// How long the host waits. A duration is a text such as "30s" or "1h30m", or a number of seconds; 0 is no limit.
    pub timeouts: Option<Timeouts>,
    /// What the plugin may use. 0 is no limit.
    pub limits: Option<Limits>,
    /// Whether and when the plugin is started again after a crash.
    pub restart: Option<Restart>,
    /// What lists and findings say of a check: a Rego check or an input.
    pub check: Option<Check>,
    /// The policy of a plugin of type `rego`.
    pub rego: Option<Rego>,
    /// The plugin's configuration: one table for each field, `[config.FIELD]`. Names of fields have no blanks, no control characters and no `=`.
    #[schemars(extend("propertyNames" = {"minLength": 1, "pattern": "^[^\\s=\\u0000-\\u001f\\u007f-\\u009f]*$"}))]
    pub config: Option<BTreeMap<String, Field>>,
    /// How an assistant takes part in a pipeline.
    pub assistant: Option<Assistant>,
    /// What a handler serves.
    pub handler: Option<Handler>,
}

/// The `[info]` table.
#[derive(Debug, JsonSchema)]
pub struct Info {
    /// What pipelines call the plugin. At most 128 bytes; no `-` `,` `/` `\`, no blanks or control characters, no dot at its start. Letters, digits and `_` are a good choice.
    #[schemars(length(max = 128), extend("pattern" = units::NAME))]
    pub name: String,
    /// What the plugin does: one of the six types of the host, or a type that some handler serves.
    #[schemars(extend("pattern" = "\\S"))]
    pub r#type: Type,
    /// Names of the plugins it relies on: providers, and a handler where it wants a certain one. Followed transitively.
    #[schemars(extend("default" = []))]
    pub uses: Option<Vec<String>>,
    /// One sentence for lists.
    pub description: Option<String>,
    /// The plugin's release, shown in lists and reports.
    pub version: Option<String>,
    /// Of a Pluggy plugin in Python: its module, whose file lies beside the manifest. Not used with `[run]`.
    pub module: Option<String>,
    /// Of a Pluggy plugin in Python: the class in its module. Not used with `[run]`.
    pub class_name: Option<String>,
}

/// What a plugin does.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Type {
    /// A type of the host.
    Known(KnownType),
    /// A type that a handler plugin lists in `[handler] handles`.
    Other(String),
}

/// The types that the host runs itself.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum KnownType {
    /// Gathers data that checks rely on.
    Provider,
    /// Makes Results, from the data of the providers it uses or by itself.
    Input,
    /// A check whose findings a Rego policy makes.
    Rego,
    /// Changes the list of Results.
    Assistant,
    /// Delivers Results.
    Output,
    /// Runs plugins of a type of its own.
    Handler,
}

/// The `[run]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Run {
    /// Program and arguments, started without a shell. The program is looked for in the manifest's folder, then in `PATH`; a further word that begins with `./` and names a file of the folder is replaced by its absolute path.
    #[schemars(length(min = 1), extend("prefixItems" = [{"type": "string", "pattern": "\\S"}]))]
    pub command: Vec<String>,
    /// Lowest and highest version of the protocol that the plugin speaks.
    #[schemars(extend("default" = [1, 1]))]
    pub protocol: Option<[u32; 2]>,
    /// Further variables of the environment that the plugin may see: names, or beginnings of names with a `*` at the end.
    #[schemars(extend("default" = []), inner(length(min = 1), regex(pattern = "^[A-Za-z0-9_]*\\*?$")))]
    pub env: Option<Vec<String>>,
    /// The SHA-256 of the one file of the folder that `command` names, or, by words of `command`, those of several; compared before every start.
    pub sha256: Option<Pins>,
}

/// Hashes of files.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Pins {
    /// Of the one file that `command` names: 64 hexadecimal digits.
    One(#[schemars(extend("pattern" = units::SHA256))] String),
    /// Of several: words of `command`, each with 64 hexadecimal digits.
    Many(
        #[schemars(extend("additionalProperties" = {"type": "string", "pattern": units::SHA256}))]
        BTreeMap<String, String>,
    ),
}

/// The `[timeouts]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Timeouts {
    /// From the start of the process to the answer of `initialize`.
    #[schemars(extend("default" = "30s"))]
    pub handshake: Option<Duration>,
    /// For the answer of `grab_config`. For a plugin of the Python Opsbox it is 60 s, since its first call waits for its imports.
    #[schemars(extend("default" = "10s"))]
    pub grab_config: Option<Duration>,
    /// For the answer of `set_data`. For a plugin of the Python Opsbox it is 60 s, since its first call waits for its imports.
    #[schemars(extend("default" = "10s"))]
    pub set_data: Option<Duration>,
    /// For the answer of `activate`.
    #[schemars(extend("default" = "60s"))]
    pub activate: Option<Duration>,
    /// For a hook call since its start or its last `progress`; only of plugins that list the feature `progress`.
    #[schemars(extend("default" = "300s"))]
    pub hook_idle: Option<Duration>,
    /// For a whole hook call.
    #[schemars(extend("default" = "3600s"))]
    pub hook_total: Option<Duration>,
    /// From `$/cancel` to the answer.
    #[schemars(extend("default" = "5s"))]
    pub cancel_grace: Option<Duration>,
    /// For a write to the plugin that does not move.
    #[schemars(extend("default" = "10s"))]
    pub stdin_stall: Option<Duration>,
}

/// The `[limits]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// The longest line from the plugin, in bytes or as a text such as "512MiB".
    #[schemars(extend("default" = "256MiB"))]
    pub line: Option<Size>,
    /// Processor time of each of its processes, in whole seconds; the kernel ends what goes on.
    pub cpu: Option<Duration>,
    /// Memory of all its processes together, in bytes or as a text such as "2GiB"; looked at about ten times a second.
    pub memory: Option<Size>,
    /// Processes of its group at the same time.
    pub processes: Option<u64>,
    /// Open files of each of its processes; beyond it, its own calls to the system fail.
    pub open_files: Option<u64>,
}

/// The `[restart]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Restart {
    /// How often the plugin is started again after a crash; 0: never.
    #[schemars(extend("default" = 2))]
    pub times: Option<u64>,
    /// The wait before the first further start; twice as long before each next, 30 s at most.
    #[schemars(extend("default" = "200ms"))]
    pub backoff: Option<Duration>,
}

/// The `[check]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Check {
    /// How bad its findings are. Added to each finding of a Rego check that has none.
    pub severity: Option<Severity>,
    /// What to do about a finding. Added to each finding of a Rego check that has none.
    pub remediation: Option<String>,
    /// The sections of the provider's data that the check looks at: gaps in others do not touch it. Empty: all.
    #[schemars(extend("default" = []))]
    pub reads: Option<Vec<String>>,
}

/// How bad a finding is.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
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

/// The `[rego]` table.
#[derive(Debug, JsonSchema)]
pub struct Rego {
    /// The policy, relative to the manifest, in its folder or below. Required of type `rego`.
    #[schemars(extend("pattern" = "\\S", "not" = {"pattern": "^/|(^|/)\\.\\.(/|$)"}))]
    pub rego_file: Option<String>,
    /// What the check looks for; becomes `result_description`.
    pub description: Option<String>,
    /// The version of the Rego language; 0 for policies from before OPA 1.0. With `module` and `class_name` and without this key a policy that is not valid as 1 is tried as 0.
    #[schemars(range(min = 0, max = 1), extend("default" = 1))]
    pub version: Option<u32>,
    /// The rule of the policy's package that holds the findings. Undefined is an error, never "no findings".
    #[schemars(extend("default" = "details"))]
    pub rule: Option<String>,
    /// Whether an error of a built-in function fails the check. True where this key is missing, false with a Python class.
    pub strict: Option<bool>,
    /// Accepted from old manifests and ignored.
    #[schemars(extend("deprecated" = true))]
    pub gather_from: Option<Value>,
}

/// The `[assistant]` table.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Assistant {
    /// What the assistant receives, and what becomes of its answer. Without this key: `replace`, and without `[run]` `append`.
    pub flow: Option<Flow>,
}

/// What becomes of an assistant's answer.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Flow {
    /// It receives the current list, and its answer takes the list's place.
    Replace,
    /// It receives the earlier assistants' results and then the inputs', and its answer is added to the assistants' results.
    Append,
}

/// The `[handler]` table.
#[derive(Debug, JsonSchema)]
pub struct Handler {
    /// The types that this handler serves.
    #[schemars(extend("default" = []))]
    pub handles: Option<Vec<String>>,
}

/// Returns the JSON Schema (2020-12) of a manifest, for editors and for whoever wants to check one without this host.
///
/// Nothing in it refers to another place of it, since some editors follow no references, and nothing may be null, which TOML does not know.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = Value::from(settings.into_generator().into_root_schema_for::<ManifestFile>());
    rules::without_null(&mut schema);
    schema["allOf"] = json!(rules::between_tables(&schema));
    schema
}

//! Messages between the host and handler plugins: what a handler is told of a plugin, and what it may ask while it serves one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::result::OpsResult;

/// What every method begins with that a plugin may ask of the host.
pub const PREFIX: &str = "host/";
/// Lists the plugins of the run.
pub const ACTIVE_PLUGINS: &str = "host/active_plugins";
/// Calls a hook of a plugin of the run.
pub const CALL_HOOK: &str = "host/call_hook";
/// In a plugin's `hooks`: it may have further hooks than it lists, and answers "unknown method" for those that it has not.
pub const ANY_HOOK: &str = "*";

/// What a handler is told of a plugin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PluginFacts {
    /// Its name.
    pub name: String,
    /// Its type, as the manifest has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The plugins that its manifest's `uses` names.
    #[serde(default)]
    pub uses: Vec<String>,
    /// The hooks that it lists, by method name.
    #[serde(default)]
    pub hooks: Vec<String>,
    /// Its place in the run: `provider`, `check` (the first stage), `assistant`, `output`, or `handler`, which has no step.
    #[serde(default)]
    pub stage: String,
    /// The handler plugin that runs it; absent where the host does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
    /// For a handler: the types that it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<String>,
    /// The module of a Pluggy plugin in Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The class in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// The manifest file, absolute; absent for what is part of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toml_path: Option<String>,
    /// Its fields of configuration that somebody set. Secret ones are left out.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// The JSON Schema of its configuration, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub config_schema: Option<Value>,
    /// The manifest's tables other than `[info]`, as JSON; dates are texts.
    #[serde(default)]
    pub extra: Map<String, Value>,
}

/// Parameters of `process_plugin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessPluginParams {
    /// The plugin to run.
    pub plugin: PluginFacts,
    /// What came before it: nothing in the first stage; what an assistant or an output of its place would get.
    pub prior_results: Vec<OpsResult>,
}

/// Parameters of `host/active_plugins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivePluginsParams {
    /// The id of the host's request that the handler is serving.
    pub id: u64,
}

/// Result of `host/active_plugins`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActivePluginsResult {
    /// The plugins of the run: checks, assistants, outputs, in the order of the pipeline, then providers, then handlers.
    pub plugins: Vec<PluginFacts>,
}

/// Parameters of `host/call_hook`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallHookParams {
    /// The id of the host's request that the handler is serving.
    pub id: u64,
    /// The plugin to call.
    pub plugin: String,
    /// One of its hooks.
    pub hook: String,
    /// The hook's parameters, passed on byte for byte; left out: `{}`.
    #[serde(default)]
    pub params: Map<String, Value>,
}

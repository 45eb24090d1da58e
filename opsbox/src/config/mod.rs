//! Configuration of plugins: layers that remember where a value came from, and the plugin's schema that decides its type.
//!
//! What is deliberately absent: nothing of the environment reaches a plugin that it does not declare, and no default is sent.

pub(crate) mod convert;
pub(crate) mod dates;
mod durations;
pub(crate) mod files;
mod given;
mod layers;
pub mod own;
mod project;
mod references;
mod report;
mod resolve;
pub(crate) mod shape;
pub(crate) mod validate;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Zoned;
use serde_json::{Map, Value};

use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::suggest::nearest;
use layers::Layer;
use resolve::References;

pub(crate) use resolve::is_secret_name;

pub use given::of_flags;
pub use project::{NamedPipeline, Project, RunsTable};

/// Reads a file that must hold one object: JSON, or TOML where its name ends in `.toml`.
///
/// # Errors
/// A fault that names file and line.
pub fn object_of(path: &std::path::Path) -> Result<Map<String, Value>, Fault> {
    files::read(path).map(|file| file.values)
}

/// Returns what is wrong with single fields of a configuration, by the field's name; fields that are missing are not among them.
///
/// # Errors
/// Why the schema itself cannot be used.
pub fn faults_of(
    schema: &Value,
    values: &Map<String, Value>,
) -> Result<std::collections::BTreeMap<String, String>, String> {
    validate::validate(schema, values, &|_| true).map(|verdict| verdict.fields)
}

/// The host's own settings in the legacy grammar, as arguments and in files; every other argument there is a field of a plugin.
pub const SETTINGS: [&str; 9] = [
    "modules",
    "config",
    "plugin_dir",
    "log_level",
    "log_file",
    "see_all",
    "verbose",
    "help",
    "init_debug",
];

/// What stands for a secret's value everywhere.
pub const SECRET: &str = "<secret>";

/// A value as somebody gave it, before the schema decides its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    /// Text of a flag or variable.
    Text(String),
    /// Several values after one legacy flag.
    List(Vec<String>),
    /// A legacy flag without a value.
    Bare,
    /// A value of a file.
    Json(Value),
}

/// One field set on the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The plugin it is for; `None`: every plugin that declares the field.
    pub plugin: Option<String>,
    /// The field.
    pub field: String,
    /// The value.
    pub raw: Raw,
}

impl Assignment {
    /// Reads `field=value` or `plugin.field=value`; the value may hold `=`.
    ///
    /// # Errors
    /// A fault that shows how to write it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Fault::new(format!("`--set {text}` has no `=`")).hint("write `--set field=value`"));
        };
        let (plugin, field) = match name.split_once('.') {
            Some((plugin, field)) => (Some(plugin.trim().to_owned()), field.trim()),
            None => (None, name.trim()),
        };
        if field.is_empty() || plugin.as_deref() == Some("") {
            // The value may be a secret, so only the name is shown.
            return Err(
                Fault::new(format!("`--set {name}=…` names no field")).hint("write `--set field=value`")
            );
        }
        Ok(Self {
            plugin,
            field: field.to_owned(),
            raw: Raw::Text(value.to_owned()),
        })
    }
}

/// Which command line is spoken: decides how fields are named in hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grammar {
    /// `--set field=value`.
    #[default]
    Modern,
    /// `--field value`.
    Legacy,
}

impl Grammar {
    /// Returns a hint for a field that looks like one of the legacy grammar's own settings.
    fn setting(self, field: &str) -> Option<String> {
        if self == Self::Legacy && field == "python" {
            return Some("name the interpreter by the variable OPSBOX_PYTHON".to_owned());
        }
        let near = nearest(field, SETTINGS).filter(|_| self == Self::Legacy)?;
        Some(format!("did you mean `--{near}`?"))
    }

    fn flag(self, field: &str) -> String {
        match self {
            Self::Modern => format!("--set {field}=…"),
            Self::Legacy => format!("--{field} …"),
        }
    }
}

/// What the command line says about configuration.
#[derive(Debug, Clone, Default)]
pub struct Given<'a> {
    /// Fields set by flags, in order; the last of one name wins.
    pub assignments: &'a [Assignment],
    /// The file of `--config`, absolute.
    pub config: Option<PathBuf>,
    /// The project's file.
    pub project: Option<&'a Project>,
    /// The pipeline of the project that runs, for its `set`.
    pub named: Option<&'a str>,
    /// Which command line is spoken.
    pub grammar: Grammar,
}

/// All sources of configuration, read and in order of precedence.
#[derive(Debug, Clone)]
pub struct Settings {
    layers: Vec<Layer>,
    assignments: Vec<Assignment>,
    grammar: Grammar,
    now: Zoned,
    environ: Environ,
    /// Fields that are secrets whatever the wanted plugins say.
    secrets: BTreeSet<String>,
    /// What was odd about the sources, such as a home file that is not JSON.
    pub warnings: Vec<String>,
}

/// A plugin whose configuration is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name.
    pub plugin: &'a str,
    /// The JSON Schema of its configuration; `{}` or `null` where it has none, `true` where the plugin could not be asked.
    pub schema: &'a Value,
    /// Whether it is an old plugin, whose secrets are known by name.
    pub legacy: bool,
}

/// The configuration of all wanted plugins, and everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolution {
    /// One for each wanted plugin, in order.
    pub plugins: Vec<PluginConfig>,
    /// Missing, wrong and unknown fields; empty if everything fits.
    pub faults: Vec<Fault>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// The configuration of one plugin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PluginConfig {
    /// What somebody set, typed; defaults are the plugin's own.
    pub values: Map<String, Value>,
    /// Every declared field, in the schema's order.
    pub fields: Vec<FieldReport>,
}

/// One declared field, as `plan` and `config` show it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldReport {
    /// The field.
    pub name: String,
    /// The plugin that declares it.
    pub plugin: String,
    /// Its type in words.
    pub kind: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether the plugin cannot do without.
    pub required: bool,
    /// The plugin's default, where its schema tells one.
    pub default: Option<Value>,
    /// The value, where somebody set one; it may be a secret, so show it by `shown`.
    pub value: Option<Value>,
    /// Where the value came from.
    pub origin: Option<String>,
    /// Whether the value is never shown: this plugin says so, or another one that is configured with it and has a field of this name.
    pub secret: bool,
    /// Where a file says that the secret is, `env:NAME` or `file:PATH`; it is no secret itself, and is shown.
    pub reference: Option<String>,
}

/// One place that was asked for a field, as `config explain` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The place: a flag, a variable, a file.
    pub origin: String,
    /// What it says, redacted; `None`: nothing.
    pub value: Option<String>,
    /// Whether this is the value that counts.
    pub wins: bool,
}

/// Returns the fields that a schema declares, in its order; no value is set.
pub fn fields_of(wanted: Wanted<'_>) -> Vec<FieldReport> {
    resolve::declared(wanted)
        .into_iter()
        .map(|(report, _)| report)
        .collect()
}

impl Settings {
    /// Reads all sources.
    ///
    /// # Errors
    /// A usage failure where the file of `--config` cannot be read or is no object.
    pub fn load(environ: &Environ, given: &Given<'_>) -> Result<Self, Failure> {
        let mut warnings = Vec::new();
        let layers = layers::all(environ, given, &mut warnings)?;
        let assignments = given.assignments.to_vec();
        Ok(Self {
            layers,
            assignments,
            grammar: given.grammar,
            now: environ.now.clone(),
            environ: environ.clone(),
            secrets: BTreeSet::new(),
            warnings,
        })
    }

    /// Makes fields secrets that were some in an earlier run, where a plugin may have said so that is not wanted now.
    pub fn hide<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) {
        self.secrets.extend(fields.into_iter().map(str::to_owned));
    }

    /// Returns every value that somebody gave, whatever it is for, but for the variables of the system.
    pub fn given(&self) -> Vec<Value> {
        self.layers.iter().flat_map(Layer::given).collect()
    }

    /// Gives every wanted plugin its fields, typed and validated, with all faults at once. What secret fields refer to is read.
    pub fn resolve(&self, wanted: &[Wanted<'_>]) -> Resolution {
        resolve::resolve(self, wanted, References::Read)
    }

    /// As [`Self::resolve`], for whoever only shows it: what secret fields refer to is not read, and shown as it is written.
    pub fn survey(&self, wanted: &[Wanted<'_>]) -> Resolution {
        resolve::resolve(self, wanted, References::Keep)
    }

    /// Says what each place says about a field of a resolution, in order of precedence.
    pub fn explain(&self, report: &FieldReport) -> Vec<Asked> {
        resolve::explain(self, report)
    }
}

//! The sources of configuration in order of precedence; each says what it knows of a field, and its own name.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::files;
use super::{Assignment, Given, Grammar, Raw};
use crate::environ::{Environ, is_reserved};
use crate::error::Failure;
use crate::trust::{self, Concern, Trust};

/// One source.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// Flags; the last one wins.
    Flags(Vec<Assignment>, Grammar),
    /// `OPSBOX_SET_<FIELD>`.
    Set(Vec<(String, String)>),
    /// A declared field's own variable.
    Own(Vec<(String, String)>),
    /// A file, or one table of it.
    File(FileLayer),
}

/// A file, or one table of it.
#[derive(Debug, Clone)]
pub(super) struct FileLayer {
    /// The file with the table, for people.
    pub(super) origin: String,
    /// The file.
    pub(super) path: PathBuf,
    /// Whether others may read it.
    pub(super) open: bool,
    /// Whether others than the user and root may write it.
    pub(super) foreign: bool,
    /// The plugin it is for; `None`: all.
    pub(super) plugin: Option<String>,
    /// The fields.
    pub(super) values: Map<String, Value>,
    /// Whether it is meant for this pipeline or plugin alone, so that a field nobody declares is a mistake.
    pub(super) strict: bool,
}

/// What a source says of a field.
pub(super) struct Found<'a> {
    pub(super) raw: Raw,
    pub(super) origin: String,
    /// The file that it stands in.
    pub(super) file: Option<&'a FileLayer>,
    /// Whether it is a flag, which everybody sees who lists processes.
    pub(super) is_flag: bool,
}

impl Layer {
    /// Returns what this source says of a field of a plugin.
    pub(super) fn get(&self, plugin: &str, field: &str) -> Option<Found<'_>> {
        let variable = |vars: &[(String, String)], name: &str| {
            let (_, text) = vars.iter().find(|(known, _)| known == name)?;
            Some(Raw::Text(text.clone()))
        };
        let raw = match self {
            Self::Flags(assignments, _) => {
                let mine = |assignment: &&Assignment| {
                    assignment.field == field
                        && assignment.plugin.as_deref().is_none_or(|name| name == plugin)
                };
                // A flag for this plugin alone wins over one for all, whichever comes last.
                let own = assignments
                    .iter()
                    .rev()
                    .filter(mine)
                    .find(|assignment| assignment.plugin.is_some());
                own.or_else(|| assignments.iter().rev().find(mine))
                    .map(|assignment| assignment.raw.clone())
            }
            Self::Set(vars) => variable(vars, &field.to_uppercase()),
            Self::Own(_) if is_reserved(field) => None,
            Self::Own(vars) => variable(vars, &field.to_uppercase()),
            Self::File(file) if file.plugin.as_deref().is_some_and(|name| name != plugin) => None,
            Self::File(file) => file.values.get(field).map(|value| Raw::Json(value.clone())),
        }?;
        let file = match self {
            Self::File(file) => Some(file),
            _ => None,
        };
        Some(Found {
            raw,
            origin: self.origin(field),
            file,
            is_flag: matches!(self, Self::Flags(..)),
        })
    }

    /// Returns every value of this source.
    pub(super) fn given(&self) -> Vec<Value> {
        let of = |raw: &Raw| match raw {
            Raw::Text(text) => Value::from(text.as_str()),
            Raw::List(texts) => Value::from(texts.clone()),
            Raw::Bare => Value::Null,
            Raw::Json(value) => value.clone(),
        };
        match self {
            Self::Flags(assignments, _) => assignments.iter().map(|set| of(&set.raw)).collect(),
            Self::Set(vars) => vars.iter().map(|(_, text)| text.as_str().into()).collect(),
            Self::Own(vars) => {
                let fields = vars.iter().filter(|(name, _)| !is_reserved(name));
                fields.map(|(_, text)| text.as_str().into()).collect()
            }
            Self::File(file) => file.values.values().cloned().collect(),
        }
    }

    /// Returns whether this source could say anything of a plugin.
    pub(super) fn concerns(&self, plugin: &str) -> bool {
        !matches!(self, Self::File(file) if file.plugin.as_deref().is_some_and(|name| name != plugin))
    }

    /// Returns the source's name for a field.
    pub(super) fn origin(&self, field: &str) -> String {
        match self {
            Self::Flags(_, Grammar::Modern) => format!("--set {field}"),
            Self::Flags(_, Grammar::Legacy) => format!("--{field}"),
            Self::Set(_) => format!("OPSBOX_SET_{}", field.to_uppercase()),
            Self::Own(_) => field.to_uppercase(),
            Self::File(file) => file.origin.clone(),
        }
    }
}

/// Reads all sources, the strongest first.
pub(super) fn all(
    environ: &Environ,
    given: &Given<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Layer>, Failure> {
    let vars = || {
        environ
            .vars()
            .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
    };
    let set = vars()
        .filter_map(|(name, value)| {
            Some((name.strip_prefix("OPSBOX_SET_")?.to_uppercase(), value.to_owned()))
        })
        .collect();
    // An empty variable is how CI systems write "not set".
    let own = vars()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let trust = Trust::of_user(environ.filled(trust::VARIABLE));
    let mut layers = vec![
        Layer::Flags(given.assignments.to_vec(), given.grammar),
        Layer::Set(set),
        Layer::Own(own),
    ];
    if let Some(path) = &given.config {
        trusted(trust, path, warnings)?;
        let file = files::read(path).map_err(Failure::usage)?;
        let origin = path.display().to_string();
        layers.push(Layer::File(FileLayer {
            origin,
            path: path.clone(),
            open: file.open,
            foreign: file.foreign,
            plugin: None,
            values: file.values,
            strict: false,
        }));
    }
    if let Some(project) = given.project {
        trusted(trust, &project.path, warnings)?;
        let path = project.path.display();
        let layer = |origin: String, plugin: Option<&String>, values: &Map<String, Value>, strict: bool| {
            Layer::File(FileLayer {
                origin,
                path: project.path.clone(),
                open: project.open,
                foreign: project.foreign,
                plugin: plugin.cloned(),
                values: values.clone(),
                strict,
            })
        };
        if let Some((name, pipeline)) = given.named.and_then(|name| project.pipelines.get_key_value(name)) {
            layers.push(layer(
                format!("{path} [pipelines.{name}]"),
                None,
                &pipeline.set,
                true,
            ));
        }
        for (name, fields) in &project.plugins {
            layers.push(layer(
                format!("{path} [plugins.{name}]"),
                Some(name),
                fields,
                true,
            ));
        }
        layers.push(layer(format!("{path} [config]"), None, &project.config, false));
    }
    if let Some(home) = &environ.home {
        let path = home.join(".opsbox.json");
        if path.exists() {
            match trusted(trust, &path, warnings).and_then(|()| files::read(&path).map_err(Failure::usage)) {
                Ok(file) => layers.push(Layer::File(FileLayer {
                    origin: "~/.opsbox.json".to_owned(),
                    path,
                    open: file.open,
                    foreign: file.foreign,
                    plugin: None,
                    values: file.values,
                    strict: false,
                })),
                // The original ignored it with a warning, and other programs' runs must not break on it.
                Err(failure) => warnings.extend(
                    failure
                        .faults
                        .iter()
                        .map(|fault| format!("{}; it is ignored", fault.message)),
                ),
            }
        }
    }
    Ok(layers)
}

/// Refuses a file that anyone may change: its fields decide where plugins look and what they write.
fn trusted(trust: Trust, path: &Path, warnings: &mut Vec<String>) -> Result<(), Failure> {
    match trust.concern(path) {
        Some(Concern::Refused(fault)) => Err(Failure::usage(fault)),
        Some(Concern::Warned(warning)) => {
            warnings.push(warning);
            Ok(())
        }
        None => Ok(()),
    }
}

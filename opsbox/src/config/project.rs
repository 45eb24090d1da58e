//! `opsbox.toml`: named pipelines and fields of a project, searched upward from the working directory.
//!
//! It names no command and no folder of plugins: a file that lies in a foreign folder must not decide what is started.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::files;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::units;
use crate::suggest::did_you_mean;

const FILE: &str = "opsbox.toml";

/// The project's file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    /// The file.
    pub path: PathBuf,
    /// `[pipelines]`, by name.
    pub pipelines: BTreeMap<String, NamedPipeline>,
    /// `[config]`: fields for every plugin that declares them.
    pub config: Map<String, Value>,
    /// `[plugins.NAME]`: fields for one plugin; they win over `[config]`.
    pub plugins: BTreeMap<String, Map<String, Value>>,
    /// `[runs]`: how the runs of this project are kept.
    pub runs: RunsTable,
    pub(super) open: bool,
    pub(super) foreign: bool,
}

/// `[runs]`; `None`: the file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunsTable {
    /// How long a run is kept; zero: not at all.
    pub keep: Option<Duration>,
    /// How many bytes the kept runs of the project may take together.
    pub max_size: Option<u64>,
}

/// One entry of `[pipelines]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NamedPipeline {
    /// The pipeline string.
    pub pipeline: String,
    /// Fields that this pipeline sets.
    pub set: Map<String, Value>,
}

impl Project {
    /// Finds and reads the nearest `opsbox.toml` of the folder and those above it.
    ///
    /// # Errors
    /// A usage failure with all faults of the file.
    pub fn find(cwd: &Path) -> Result<Option<Self>, Failure> {
        match cwd
            .ancestors()
            .map(|folder| folder.join(FILE))
            .find(|path| path.is_file())
        {
            Some(path) => Self::read(&path).map(Some),
            None => Ok(None),
        }
    }

    /// Reads one file.
    ///
    /// # Errors
    /// A usage failure with all faults of the file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let file = files::read(path).map_err(Failure::usage)?;
        let mut project = Self {
            path: path.to_owned(),
            open: file.open,
            foreign: file.foreign,
            ..Self::default()
        };
        let mut faults = Vec::new();
        for (name, value) in file.values {
            let known = ["pipelines", "config", "plugins", "runs"];
            match (name.as_str(), value) {
                ("pipelines", Value::Object(table)) => project.pipelines(table, &mut faults),
                ("config", Value::Object(table)) => project.config = table,
                ("plugins", Value::Object(table)) => project.plugins(table, &mut faults),
                ("runs", Value::Object(table)) => project.runs(table, &mut faults),
                (name, _) if known.contains(&name) => {
                    faults.push(project.fault(format!("`{name}` must be a table, such as `[{name}]`")));
                }
                (name, _) => {
                    let mut fault = project.fault(format!("unknown table `[{name}]`"));
                    let hint = did_you_mean(name, known);
                    fault.hints.push(hint.unwrap_or_else(|| {
                        format!("known are `[pipelines]`, `[config]`, `[plugins.NAME]`, `[runs]`; put fields under `[config]`: `{name} = …`")
                    }));
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() {
            Ok(project)
        } else {
            Err(Failure {
                kind: Kind::Usage,
                faults,
            })
        }
    }

    fn pipelines(&mut self, table: Map<String, Value>, faults: &mut Vec<Fault>) {
        for (name, value) in table {
            let named = match value {
                Value::String(pipeline) => Some(NamedPipeline {
                    pipeline,
                    set: Map::new(),
                }),
                Value::Object(mut entry) => self.entry(&name, &mut entry, faults),
                _ => None,
            };
            match named {
                Some(named) => drop(self.pipelines.insert(name, named)),
                None => faults.push(
                    self.fault(format!(
                        "pipeline `{name}` is not a string, and no table with `pipeline` and `set`"
                    ))
                    .hint(format!("write `{name} = \"input-output\"` under `[pipelines]`")),
                ),
            }
        }
    }

    fn entry(
        &self,
        name: &str,
        entry: &mut Map<String, Value>,
        faults: &mut Vec<Fault>,
    ) -> Option<NamedPipeline> {
        let pipeline = entry.remove("pipeline");
        let set = entry.remove("set").unwrap_or_else(|| Value::Object(Map::new()));
        for key in entry.keys() {
            let mut fault = self.fault(format!("unknown key `{key}` in pipeline `{name}`"));
            fault.hints.push(
                did_you_mean(key, ["pipeline", "set"])
                    .unwrap_or_else(|| "known are `pipeline` and `set`".to_owned()),
            );
            faults.push(fault);
        }
        match (pipeline, set) {
            (Some(Value::String(pipeline)), Value::Object(set)) => Some(NamedPipeline { pipeline, set }),
            _ => None,
        }
    }

    fn plugins(&mut self, table: Map<String, Value>, faults: &mut Vec<Fault>) {
        for (name, value) in table {
            match value {
                Value::Object(fields) => drop(self.plugins.insert(name, fields)),
                _ => faults.push(
                    self.fault(format!("`plugins.{name}` must be a table"))
                        .hint(format!("write `[plugins.{name}]` and below it `field = value`")),
                ),
            }
        }
    }

    fn runs(&mut self, table: Map<String, Value>, faults: &mut Vec<Fault>) {
        for (key, value) in table {
            let text = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let wrong = |wanted: String| self.fault(format!("`runs.{key}` must be {wanted}"));
            match key.as_str() {
                "keep" => match units::duration(&text) {
                    Ok(keep) => self.runs.keep = Some(keep),
                    Err(wanted) => faults.push(wrong(wanted)),
                },
                "max_size" => match units::size(&text) {
                    Ok(size) => self.runs.max_size = Some(size),
                    Err(wanted) => faults.push(wrong(wanted)),
                },
                _ => {
                    let mut fault = self.fault(format!("unknown key `{key}` in `[runs]`"));
                    fault.hints.push(
                        did_you_mean(&key, ["keep", "max_size"])
                            .unwrap_or_else(|| "known are `keep` and `max_size`".to_owned()),
                    );
                    faults.push(fault);
                }
            }
        }
    }

    fn fault(&self, message: String) -> Fault {
        Fault::new(format!("`{}`: {message}", self.path.display()))
    }
}

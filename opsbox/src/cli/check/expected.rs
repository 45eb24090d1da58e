//! `NAME.expected.json`: what a check is to say of the data in `NAME.input.json`, and the configuration that it is asked with.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::Fault;
use crate::redact;
use crate::store::exported::write_file;

/// How the names of such files end.
pub(super) const ENDING: &str = ".expected.json";

/// What is expected of a check.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Expected {
    /// The fields that are set for this case; others have their defaults.
    pub(super) config: Map<String, Value>,
    /// What the check is to say.
    pub(super) outcome: Outcome,
}

/// What a check says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Outcome {
    /// Nobody wrote it down yet.
    #[default]
    Open,
    /// These findings, as the Result's `details` has them.
    Findings(Value),
    /// That it does not apply.
    NotApplicable,
    /// An error whose message holds this text.
    Error(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    findings: Option<Value>,
    #[serde(default)]
    applies: Option<bool>,
    #[serde(default)]
    error: Option<String>,
}

impl Expected {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        let file: File = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let outcome = match (file.findings, file.applies, file.error) {
            (Some(findings), None | Some(true), None) => Outcome::Findings(findings),
            (None, Some(false), None) => Outcome::NotApplicable,
            (None, None, Some(error)) => Outcome::Error(error),
            (None, None, None) if !file.config.is_empty() => Outcome::Open,
            _ => {
                return Err(
                    "one of `\"findings\": […]`, `\"applies\": false` and `\"error\": \"…\"` is expected"
                        .into(),
                );
            }
        };
        Ok(Some(Self {
            config: file.config,
            outcome,
        }))
    }

    /// Writes what a check says now into a file, with the configuration that it was asked with; `None`: it does not apply.
    ///
    /// # Errors
    /// A fault that names the file.
    pub(super) fn write(
        path: &Path,
        config: &Map<String, Value>,
        findings: Option<&RawValue>,
    ) -> Result<(), Fault> {
        let said = findings.map_or("\"applies\":false".to_owned(), |findings| {
            format!("\"findings\":{}", findings.get())
        });
        let text = if config.is_empty() {
            format!("{{{said}}}")
        } else {
            format!("{{\"config\":{},{said}}}", Value::from(config.clone()))
        };
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| write_file(path, &redact::json(&text, None, &[]).text, false));
        written.map_err(|error| Fault::new(format!("cannot write `{}`: {error}", path.display())))
    }
}

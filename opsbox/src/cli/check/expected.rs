//! `NAME.expected.json`: what a check is to say of the data in `NAME.input.json`, and the configuration that it is asked with.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::bounded::{MOST_DATA, read_text};
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
    /// Whether it is to say it of a part of the data.
    pub(super) incomplete: bool,
}

/// What a check says now.
pub(super) struct Said<'a> {
    /// The configuration that it was asked with.
    pub(super) config: &'a Map<String, Value>,
    /// Whether it saw only part of the data.
    pub(super) incomplete: bool,
    /// What it found; `None`: it does not apply.
    pub(super) findings: Option<&'a RawValue>,
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
    #[serde(default)]
    incomplete: bool,
}

impl Expected {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        if fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let (text, _) = read_text(path, MOST_DATA).map_err(|why| format!("cannot be read: {why}"))?;
        let file: File = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let outcome = match (file.findings, file.applies, file.error) {
            (Some(findings), None | Some(true), None) => Outcome::Findings(findings),
            (None, Some(false), None) => Outcome::NotApplicable,
            (None, None, Some(error)) if error.trim().is_empty() => {
                return Err(
                    "`error` is empty, and every message holds that: write a part of the one that is meant"
                        .into(),
                );
            }
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
            incomplete: file.incomplete,
        }))
    }
}

impl Said<'_> {
    /// Writes it into a file, as what is expected.
    ///
    /// # Errors
    /// A fault that names the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), Fault> {
        let mut members = Vec::new();
        if !self.config.is_empty() {
            members.push(format!("\"config\":{}", Value::from(self.config.clone())));
        }
        if self.incomplete {
            members.push("\"incomplete\":true".to_owned());
        }
        members.push(match self.findings {
            Some(findings) => format!("\"findings\":{}", findings.get()),
            None => "\"applies\":false".to_owned(),
        });
        let text = format!("{{{}}}", members.join(","));
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| write_file(path, &redact::json(&text, None, &[]).text, false));
        written.map_err(|error| Fault::new(format!("cannot write `{}`: {error}", path.display())))
    }
}

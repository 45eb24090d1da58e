//! Configuration files: JSON or TOML objects, with faults that name file and line.

use std::path::Path;

use serde_json::{Map, Value};

use crate::bounded;
use crate::error::Fault;

/// The greatest configuration file that is read.
const MAX_BYTES: u64 = 16 << 20;

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReadFile {
    pub(super) values: Map<String, Value>,
    /// Whether others than the owner may read it.
    pub(super) open: bool,
    /// Whether others than the user and root may write it.
    pub(super) foreign: bool,
}

/// Reads a JSON object, or TOML where the name ends in `.toml`.
pub(super) fn read(path: &Path) -> Result<ReadFile, Fault> {
    let cannot =
        |cause: String| Fault::new(format!("cannot read configuration `{}`: {cause}", path.display()));
    let (text, metadata) = bounded::read_text(path, MAX_BYTES).map_err(cannot)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let values = match path.extension().is_some_and(|ending| ending == "toml") {
        true => toml_object(path, text)?,
        false => json_object(path, text)?,
    };
    Ok(ReadFile {
        values,
        open: is_open(&metadata),
        foreign: is_foreign(&metadata),
    })
}

pub(crate) fn json_object(path: &Path, text: &str) -> Result<Map<String, Value>, Fault> {
    let shown = path.display();
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => Ok(values),
        Ok(other) => {
            let found = match other {
                Value::Array(_) => "a list",
                Value::String(_) => "a string",
                Value::Number(_) => "a number",
                _ => "a single value",
            };
            Err(Fault::new(format!(
                "configuration `{shown}` must be an object, found {found}"
            ))
            .hint("write it as `{\"field\": \"value\"}`"))
        }
        Err(err) => {
            let fault = Fault::new(format!(
                "configuration `{shown}`, line {}: not valid JSON: {}",
                err.line(),
                cause(&err)
            ));
            Err(fault.hint("a file in TOML must have a name that ends in `.toml`"))
        }
    }
}

pub(crate) fn toml_object(path: &Path, text: &str) -> Result<Map<String, Value>, Fault> {
    let table: toml::Table = toml::from_str(text).map_err(|err| {
        let at = err.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let cause = err.message().replace('\n', ", ");
        Fault::new(format!(
            "configuration `{}`, line {line}: not valid TOML: {cause}",
            path.display()
        ))
    })?;
    Ok(table
        .into_iter()
        .map(|(key, value)| (key, json_of(value)))
        .collect())
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(value) => Value::from(value),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, json_of(value)))
                .collect(),
        ),
    }
}

/// Returns serde_json's text without its position, which the message already has.
fn cause(err: &serde_json::Error) -> String {
    let text = err.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.clone(), |(cause, _)| cause.to_owned())
}

#[cfg(unix)]
pub(super) fn is_open(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
pub(super) fn is_open(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn is_foreign(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = [0, rustix::process::geteuid().as_raw()];
    metadata.mode() & 0o002 != 0 || !own.contains(&metadata.uid())
}

#[cfg(not(unix))]
fn is_foreign(_metadata: &std::fs::Metadata) -> bool {
    false
}

//! `env:NAME` and `file:PATH`: in a file, the place of a secret instead of the secret. They are read when a run needs them, not before.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::layers::{FileLayer, Found};
use super::{FieldReport, Raw};
use crate::environ::Environ;

/// What makes a text of it that begins like a reference.
const LITERAL: &str = "text:";
const VARIABLE: &str = "env:";
const FILE: &str = "file:";
/// The greatest file that a secret is read from.
const MAX_BYTES: u64 = 64 * 1024;

/// A value of a secret field whose references were read.
#[derive(Debug)]
struct Known {
    raw: Raw,
    /// The files among them that every user may read.
    open: Vec<PathBuf>,
}

/// Reads what a secret field refers to, and warns of a secret that others can see.
///
/// # Errors
/// Why what it refers to cannot be read.
pub(super) fn take(
    environ: &Environ,
    report: &FieldReport,
    found: &mut Found<'_>,
    told: &mut Vec<String>,
) -> Result<(), String> {
    let mut warnings = Vec::new();
    let open = |path: &Path| {
        let path = path.display();
        format!(
            "`{path}` holds the secret `{}` and can be read by every user: run `chmod 600 {path}`",
            report.name
        )
    };
    match (&found.raw, found.file) {
        (Raw::Json(value), Some(layer)) if refers(found, report.secret) => {
            let read = read(value, layer, environ)?;
            warnings.extend(read.open.iter().map(|path| open(path)));
            found.raw = read.raw;
        }
        (_, Some(layer)) if report.secret && layer.open => warnings.push(open(&layer.path)),
        (Raw::Json(Value::String(text)), Some(layer))
            if !report.secret && text.strip_prefix("env:").is_some_and(is_variable) =>
        {
            warnings.push(format!(
                "`{}` of plugin `{}` is no secret, so `{text}` in {} is taken as it is written: set the variable `OPSBOX_SET_{}` instead",
                report.name,
                report.plugin,
                layer.origin,
                report.name.to_uppercase()
            ));
        }
        (_, None) if report.secret && found.is_flag => warnings.push(format!(
            "the secret `{}` is given as a flag, where everybody who lists processes can read it: set the variable \
             `OPSBOX_SET_{}`, or write `env:NAME` or `file:PATH` for it in a file for `--config`",
            report.name,
            report.name.to_uppercase()
        )),
        _ => {}
    }
    for warning in warnings {
        if !told.contains(&warning) {
            told.push(warning);
        }
    }
    Ok(())
}

/// Returns whether a value holds something that stands for another one. Only secrets of files do: any other text is what it always was.
pub(super) fn refers(found: &Found<'_>, secret: bool) -> bool {
    secret && found.file.is_some() && matches!(&found.raw, Raw::Json(value) if concerns(value))
}

/// Returns the reference that a secret field has for its value.
pub(super) fn shown(found: &Found<'_>, secret: bool) -> Option<String> {
    match &found.raw {
        Raw::Json(Value::String(text)) if refers(found, secret) && is_reference(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns whether a text says where a value is.
fn is_reference(text: &str) -> bool {
    text.starts_with(VARIABLE) || text.starts_with(FILE)
}

/// Returns whether a value is or holds a reference, or a text that only looks like one.
fn concerns(value: &Value) -> bool {
    match value {
        Value::String(text) => is_reference(text) || literal(text).is_some(),
        Value::Array(items) => items.iter().any(concerns),
        Value::Object(members) => members.values().any(concerns),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Reads what a secret field's value in a file refers to.
///
/// # Errors
/// Why it cannot be read, to be read after the field and the file; the value is not in it.
fn read(value: &Value, layer: &FileLayer, environ: &Environ) -> Result<Known, String> {
    let mut open = Vec::new();
    let raw = match value {
        // As the text of a variable: the declared type decides what it is.
        Value::String(text) if is_reference(text) => Raw::Text(one(text, layer, environ, &mut open)?),
        other => Raw::Json(within(other, layer, environ, &mut open)?),
    };
    Ok(Known { raw, open })
}

fn within(
    value: &Value,
    layer: &FileLayer,
    environ: &Environ,
    open: &mut Vec<PathBuf>,
) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if is_reference(text) => Value::String(one(text, layer, environ, open)?),
        Value::String(text) => Value::from(literal(text).unwrap_or(text)),
        Value::Array(items) => items
            .iter()
            .map(|item| within(item, layer, environ, open))
            .collect::<Result<Value, _>>()?,
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, member)| Ok((name.clone(), within(member, layer, environ, open)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// Returns the text that `text:…` stands for; `None` where nothing is to be taken from it.
fn literal(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(LITERAL)?;
    (is_reference(rest) || rest.starts_with(LITERAL)).then_some(rest)
}

fn one(text: &str, layer: &FileLayer, environ: &Environ, open: &mut Vec<PathBuf>) -> Result<String, String> {
    // Whoever may write such a file could have the user's files and variables sent away.
    if layer.foreign {
        return Err("others than you may write to that file, so nothing is read for it".to_owned());
    }
    if let Some(name) = text.strip_prefix(VARIABLE) {
        return match environ.filled(name) {
            Some(value) => Ok(value.to_owned()),
            None if environ.var_os(name).is_some_and(|value| !value.is_empty()) => {
                Err(format!("the variable `{name}` is not UTF-8"))
            }
            None => Err(format!("the variable `{name}` is not set")),
        };
    }
    let path = text.strip_prefix(FILE).unwrap_or(text);
    let path = match (Path::new(path).strip_prefix("~"), &environ.home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => layer.path.parent().unwrap_or(Path::new("/")).join(path),
    };
    let (text, is_open) = file(&path).map_err(|why| format!("cannot read `{}`: {why}", path.display()))?;
    if is_open {
        open.push(path);
    }
    Ok(text)
}

/// Reads a file's text without its last line end, and whether every user may read it.
fn file(path: &Path) -> Result<(String, bool), String> {
    let (text, metadata) = crate::bounded::read_text(path, MAX_BYTES)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok((text.to_owned(), super::files::is_open(&metadata)))
}

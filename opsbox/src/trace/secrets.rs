//! What a trace may not hold, and how it is taken out of a line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::Value;

use super::shape::Side;
use crate::config::{PluginConfig, SECRET};
use crate::environ::is_reserved;
use crate::redact::{Redactor, is_secret_variable};

/// The secrets of a run, as far as they are known.
#[derive(Debug, Default)]
pub struct Hidden {
    redactor: Redactor,
    /// The secret fields of each plugin, which are taken out of `set_data` whatever their values are.
    fields: BTreeMap<String, Vec<String>>,
    /// Whether the configuration is not resolved yet: the host has told no secret then, and its own lines are shown.
    early: bool,
}

impl Hidden {
    /// Returns what is taken for a secret before the plugins have said which of their fields are: every value that somebody set.
    pub fn early(given: impl IntoIterator<Item = Value>, variables: &BTreeMap<OsString, OsString>) -> Self {
        let of_variables = named(variables).filter(|(name, value)| {
            (!is_reserved(name) && is_telling(value)) || is_secret_variable(name, value)
        });
        let texts = given.into_iter().flat_map(texts).filter(|text| is_telling(text));
        let texts: Vec<_> = texts
            .chain(of_variables.map(|(_, value)| value.to_owned()))
            .collect();
        Self {
            redactor: Redactor::of_texts(texts.iter().map(String::as_str)),
            fields: BTreeMap::new(),
            early: true,
        }
    }

    /// Returns the secrets of a resolved configuration, and of all variables.
    pub fn of(plugins: &[PluginConfig], variables: &BTreeMap<OsString, OsString>) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in plugins
            .iter()
            .flat_map(|plugin| &plugin.fields)
            .filter(|field| field.secret)
        {
            fields
                .entry(field.plugin.clone())
                .or_default()
                .push(field.name.clone());
        }
        Self {
            redactor: Redactor::of_run(plugins, named(variables)),
            fields,
            early: false,
        }
    }

    /// Returns a line without the secrets.
    pub(super) fn line<'a>(&self, plugin: &str, from: Side, line: Cow<'a, str>) -> Cow<'a, str> {
        if self.early && matches!(from, Side::Host | Side::Process) {
            return line;
        }
        let line = match self.fields.get(plugin) {
            Some(fields) if line.contains("\"method\":\"set_data\"") => Cow::Owned(configured(&line, fields)),
            _ => line,
        };
        self.redactor.line(line)
    }
}

/// Returns a `set_data` whose secret fields are replaced; one that cannot be read is not shown at all.
fn configured(line: &str, fields: &[String]) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(line) else {
        return SECRET.to_owned();
    };
    let config = message
        .pointer_mut("/params/config")
        .and_then(Value::as_object_mut);
    for (name, value) in config.into_iter().flatten() {
        if fields.contains(name) {
            *value = SECRET.into();
        }
    }
    message.to_string()
}

/// Returns whether a text says something by itself: words such as `true` are part of every message.
fn is_telling(text: &str) -> bool {
    text.len() >= 6 && serde_json::from_str::<Value>(text).is_err()
}

/// Returns the texts in a value, however deep they are.
fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.into_iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .into_iter()
            .flat_map(|(_, member)| texts(member))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Returns the variables that are texts.
fn named(variables: &BTreeMap<OsString, OsString>) -> impl Iterator<Item = (&str, &str)> {
    let texts = variables.iter();
    texts.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
}

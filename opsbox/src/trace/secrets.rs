//! What a trace may not hold, and how it is taken out of a line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::Value;

use super::shape::Side;
use crate::config::{FieldReport, PluginConfig, SECRET};
use crate::environ::is_reserved;
use crate::redact::Redactor;

/// Variables with one of these in their names are taken for secrets: a plugin may be allowed to see them.
const TELLING: [&str; 6] = ["SECRET", "TOKEN", "PASSW", "CREDENTIAL", "API_KEY", "PRIVATE_KEY"];

/// The secrets of a run, as far as they are known.
#[derive(Debug, Default)]
pub struct Hidden {
    redactor: Redactor,
    of_variables: Redactor,
    /// The secret fields of each plugin, which are taken out of `set_data` whatever their values are.
    fields: BTreeMap<String, Vec<String>>,
    /// Whether the configuration is not resolved yet: the host has told no secret then, and its own lines are shown.
    early: bool,
}

impl Hidden {
    /// Returns what is taken for a secret before the plugins have said which of their fields are: every value that somebody set.
    pub fn early(given: impl IntoIterator<Item = Value>, variables: &BTreeMap<OsString, OsString>) -> Self {
        let texts = given.into_iter().flat_map(texts);
        let of_variables = variables.iter().filter_map(|(name, value)| {
            let (name, value) = (name.to_str()?, value.to_str()?);
            (!is_reserved(name)).then(|| Value::from(value))
        });
        Self {
            redactor: redactor(texts.chain(of_variables).filter(is_telling)),
            of_variables: secret_variables(variables),
            fields: BTreeMap::new(),
            early: true,
        }
    }

    /// Returns the secrets of a resolved configuration.
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
            redactor: Redactor::of(plugins),
            of_variables: secret_variables(variables),
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
        let shown = self.redactor.text(line).into_owned();
        Cow::Owned(self.of_variables.text(shown).into_owned())
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

/// Returns whether a value is a text that says something by itself: words such as `true` are part of every message.
fn is_telling(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() >= 6 && serde_json::from_str::<Value>(text).is_err(),
        _ => false,
    }
}

/// Returns the texts in a value, however deep they are.
fn texts(value: Value) -> Vec<Value> {
    match value {
        Value::String(_) => vec![value],
        Value::Array(items) => items.into_iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .into_iter()
            .flat_map(|(_, member)| texts(member))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn secret_variables(variables: &BTreeMap<OsString, OsString>) -> Redactor {
    let is_secret = |name: &str| TELLING.iter().any(|word| name.to_uppercase().contains(word));
    redactor(variables.iter().filter_map(|(name, value)| {
        let value = is_secret(name.to_str()?).then(|| value.to_str())??;
        Some(Value::from(value)).filter(is_telling)
    }))
}

/// Returns a redactor that takes all of these for secrets.
fn redactor(values: impl Iterator<Item = Value>) -> Redactor {
    let fields = values.map(|value| FieldReport {
        name: String::new(),
        plugin: String::new(),
        kind: String::new(),
        description: None,
        required: false,
        default: None,
        value: Some(value),
        origin: None,
        secret: true,
        reference: None,
    });
    Redactor::of(&[PluginConfig {
        values: serde_json::Map::new(),
        fields: fields.collect(),
    }])
}

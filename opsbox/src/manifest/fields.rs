//! `[config.FIELD]` tables: a plugin's configuration declared in its manifest, as one JSON Schema object.

use serde_json::{Map, Value};
use toml::de::DeValue;

use super::read::{Report, Table};
use crate::suggest::nearest;

const TYPES: [&str; 7] = [
    "string", "integer", "number", "boolean", "array", "object", "null",
];

/// Keywords whose misspelling would silently change what a field accepts.
const KEYWORDS: [&str; 24] = [
    "type",
    "title",
    "description",
    "default",
    "enum",
    "const",
    "format",
    "required",
    "examples",
    "writeOnly",
    "readOnly",
    "deprecated",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
];

/// Returns the schema of all `[config.FIELD]` tables; fields keep the order of the file.
pub(super) fn schema(report: &mut Report<'_>, config: &Table<'_>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, _, at) in config.entries() {
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '=') {
            report.fault(
                at,
                format!("`{name}` cannot be the name of a configuration field"),
            );
            continue;
        }
        let Some(field) = config.table(report, name) else {
            continue;
        };
        let (property, must) = property(report, &field);
        if must {
            required.push(Value::from(name));
        }
        properties.insert(name.to_owned(), Value::Object(property));
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".into(), Value::Array(required));
    }
    Value::Object(schema)
}

/// Returns the schema of one field, and whether it must be set.
fn property(report: &mut Report<'_>, field: &Table<'_>) -> (Map<String, Value>, bool) {
    let mut property = Map::new();
    let mut must = false;
    for (key, value, at) in field.entries() {
        match (key, value) {
            // JSON Schema keeps a list of required names in the object; a manifest says it at the field.
            ("required", DeValue::Boolean(value)) => must = *value,
            ("required", DeValue::Array(_)) => drop(property.insert(key.to_owned(), json(value))),
            ("required", _) => {
                report.fault(
                    at,
                    format!("`required` in `[{}]` must be true or false", field.name),
                );
            }
            ("type", _) => {
                check_type(report, field, value, at);
                property.insert(key.to_owned(), json(value));
            }
            _ => {
                if let (false, Some(known)) = (KEYWORDS.contains(&key), nearest(key, KEYWORDS)) {
                    report
                        .fault(at, format!("unknown key `{key}` in `[{}]`", field.name))
                        .hints
                        .push(format!("did you mean `{known}`?"));
                }
                property.insert(key.to_owned(), json(value));
            }
        }
    }
    check_default(report, field, &property);
    (property, must)
}

/// A default of another type than the field's would reach the plugin as it is: nobody checks what nobody set.
fn check_default(report: &mut Report<'_>, field: &Table<'_>, property: &Map<String, Value>) {
    let (Some(default), Some(declared)) = (property.get("default"), property.get("type")) else {
        return;
    };
    let names: Vec<&str> = match declared {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    };
    let known = names.iter().all(|name| TYPES.contains(name));
    if known && !names.is_empty() && !names.iter().any(|name| is_of(name, default)) {
        let message = format!(
            "`default` in `[{}]` is {default}, which is not of its type, {}",
            field.name,
            names.join(" or ")
        );
        report.fault(field.offset("default"), message);
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => value.is_null(),
    }
}

fn check_type(report: &mut Report<'_>, field: &Table<'_>, value: &DeValue<'_>, at: usize) {
    let names: Vec<Option<&str>> = match value {
        DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str()).collect(),
        other => vec![other.as_str()],
    };
    for name in names {
        if name.is_some_and(|name| TYPES.contains(&name)) {
            continue;
        }
        let shown = name.map_or("not a string".to_owned(), |name| format!("`{name}`"));
        let message = format!(
            "`type` in `[{}]` is {shown}, which is none of {}",
            field.name,
            TYPES.join(", ")
        );
        let fault = report.fault(at, message);
        fault
            .hints
            .extend(name.and_then(|name| crate::suggest::did_you_mean(name, TYPES)));
    }
}

/// Turns a TOML value into JSON; a date becomes its text.
pub(super) fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .unwrap_or_else(|_| Value::from(number.as_str())),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map(Value::from)
            .unwrap_or(Value::Null),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(entries) => {
            let mut ordered: Vec<_> = entries.iter().collect();
            ordered.sort_by_key(|(key, _)| key.span().start);
            Value::Object(
                ordered
                    .into_iter()
                    .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
                    .collect(),
            )
        }
    }
}

//! `[config.FIELD]` tables: a plugin's configuration declared in its manifest, as one JSON Schema object.

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::read::{Report, Table, describe};
use crate::suggest::nearest;

const TYPES: [&str; 7] = [
    "string", "integer", "number", "boolean", "array", "object", "null",
];

/// What a keyword's value must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Whatever there is: its own rule, or none.
    Any,
    Text,
    Flag,
    Number,
    Count,
    List,
    Table,
    Tables,
}

/// Keywords whose misspelling, or a value of another kind, would silently change what a field accepts.
const KEYWORDS: [(&str, Form); 27] = [
    ("type", Form::Any),
    ("title", Form::Text),
    ("description", Form::Text),
    ("default", Form::Any),
    ("enum", Form::List),
    ("const", Form::Any),
    ("format", Form::Text),
    ("required", Form::Any),
    ("examples", Form::List),
    ("writeOnly", Form::Flag),
    ("readOnly", Form::Flag),
    ("deprecated", Form::Flag),
    ("minimum", Form::Number),
    ("maximum", Form::Number),
    ("exclusiveMinimum", Form::Number),
    ("exclusiveMaximum", Form::Number),
    ("multipleOf", Form::Number),
    ("minLength", Form::Count),
    ("maxLength", Form::Count),
    ("pattern", Form::Text),
    ("items", Form::Table),
    ("minItems", Form::Count),
    ("maxItems", Form::Count),
    ("uniqueItems", Form::Flag),
    ("anyOf", Form::Tables),
    ("oneOf", Form::Tables),
    ("allOf", Form::Tables),
];

/// No keywords of JSON Schema, but what other tools call a secret: whoever writes one believes that the value is hidden.
pub(super) const NO_KEYWORDS_OF_A_SECRET: [&str; 5] =
    ["secret", "is_secret", "isSecret", "sensitive", "password"];
/// The same of formats.
pub(super) const NO_FORMATS_OF_A_SECRET: [&str; 4] = ["passwd", "pwd", "secret", "sensitive"];

impl Form {
    /// Returns what is wanted in words, where the value is something else.
    fn wants(self, value: &DeValue<'_>) -> Option<&'static str> {
        let (fits, words) = match self {
            Self::Any => return None,
            Self::Text => (matches!(value, DeValue::String(_)), "a string"),
            Self::Flag => (matches!(value, DeValue::Boolean(_)), "true or false"),
            Self::Number => (
                matches!(value, DeValue::Integer(_) | DeValue::Float(_)),
                "a number",
            ),
            Self::Count => (
                matches!(value, DeValue::Integer(number) if !number.as_str().starts_with('-')),
                "a whole number, 0 or greater",
            ),
            Self::List => (matches!(value, DeValue::Array(_)), "a list"),
            Self::Table => (matches!(value, DeValue::Table(_)), "a table"),
            Self::Tables => {
                let table = |item: &Spanned<DeValue<'_>>| matches!(item.get_ref(), DeValue::Table(_));
                let fits = matches!(value, DeValue::Array(items) if items.iter().all(table));
                (fits, "a list of tables")
            }
        };
        (!fits).then_some(words)
    }
}

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
                check_keyword(report, field, key, value, at);
                property.insert(key.to_owned(), json(value));
            }
        }
    }
    check_default(report, field, &property);
    (property, must)
}

fn check_keyword(report: &mut Report<'_>, field: &Table<'_>, key: &str, value: &DeValue<'_>, at: usize) {
    if let Some((_, form)) = KEYWORDS.iter().find(|(known, _)| *known == key) {
        if let Some(wanted) = form.wants(value) {
            let found = describe(value);
            let message = format!("`{key}` in `[{}]` must be {wanted}, found {found}", field.name);
            report.fault(at, message);
        } else if let ("format", DeValue::String(text)) = (key, value) {
            check_format(report, field, text, at);
        }
    } else if NO_KEYWORDS_OF_A_SECRET.contains(&key) {
        report
            .fault(at, format!("unknown key `{key}` in `[{}]`", field.name))
            .hints
            .push("did you mean `writeOnly`? `writeOnly = true` makes the field a secret".to_owned());
    } else if let Some(known) = nearest(key, KEYWORDS.map(|(known, _)| known)) {
        report
            .fault(at, format!("unknown key `{key}` in `[{}]`", field.name))
            .hints
            .push(format!("did you mean `{known}`?"));
    }
}

/// Other formats are the plugin's to look at, but what is nearly `password` would leave a secret in the open.
fn check_format(report: &mut Report<'_>, field: &Table<'_>, format: &str, at: usize) {
    if NO_FORMATS_OF_A_SECRET.contains(&format) || nearest(format, ["password"]).is_some() {
        let message = format!(
            "`format` in `[{}]` is `{format}`, which makes no secret",
            field.name
        );
        report
            .fault(at, message)
            .hints
            .push("did you mean `password`? `writeOnly = true` makes any field a secret".to_owned());
    }
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
    if names.is_empty() {
        let message = format!(
            "`type` in `[{}]` is an empty list: no value could be right",
            field.name
        );
        report.fault(at, message);
    }
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
pub(crate) fn json(value: &DeValue<'_>) -> Value {
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

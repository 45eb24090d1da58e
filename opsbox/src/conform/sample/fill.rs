//! Values for the fields of a configuration's schema.

use serde_json::{Map, Value, json};

use crate::config;

/// How deep references and alternatives of a schema are followed.
const MOST_LEVELS: usize = 8;

/// Makes values for the required fields of a schema that have none yet; returns the names of those for which none was found.
pub(crate) fn fill(schema: &Value, values: &mut Map<String, Value>, all: bool) -> Vec<String> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut missing = Vec::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if values.contains_key(name) {
            continue;
        }
        let wanted = required.contains(&name.as_str());
        match property.get("default") {
            Some(default) if all && !default.is_null() => {
                values.insert(name.clone(), default.clone());
            }
            _ if wanted => match value_of(property, schema, 0).filter(|value| fits(schema, name, value)) {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => missing.push(name.clone()),
            },
            _ => {}
        }
    }
    missing
}

/// Returns whether a value fits the schema of a field.
pub(crate) fn fits(schema: &Value, field: &str, value: &Value) -> bool {
    let alone = Map::from_iter([(field.to_owned(), value.clone())]);
    config::faults_of(schema, &alone).is_ok_and(|faults| !faults.contains_key(field))
}

fn value_of(schema: &Value, root: &Value, level: usize) -> Option<Value> {
    if level > MOST_LEVELS {
        return None;
    }
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key).filter(|value| !value.is_null()) {
            return Some(value.clone());
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|choices| choices.first()) {
        return Some(first.clone());
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.strip_prefix('#')?)?;
        return value_of(target, root, level + 1);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for choice in schema[key].as_array().into_iter().flatten() {
            let value = value_of(choice, root, level + 1).filter(|value| !value.is_null());
            if value.is_some() {
                return value;
            }
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")?,
        Value::String(kind) => kind,
        _ => "string",
    };
    Some(match kind {
        "string" => text_of(schema).into(),
        "integer" => whole_of(schema),
        "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1.5)),
        "boolean" => json!(true),
        "array" => {
            let n_items = schema["minItems"].as_u64().unwrap_or(1).clamp(1, 16);
            let item = value_of(&schema["items"], root, level + 1)?;
            Value::Array(vec![item; usize::try_from(n_items).unwrap_or(1)])
        }
        "object" => {
            let mut values = Map::new();
            let names = schema["required"].as_array().into_iter().flatten();
            for name in names.filter_map(Value::as_str) {
                values.insert(
                    name.to_owned(),
                    value_of(&schema["properties"][name], root, level + 1)?,
                );
            }
            Value::Object(values)
        }
        _ => Value::Null,
    })
}

fn text_of(schema: &Value) -> String {
    let text = match schema["format"].as_str() {
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("date") => "2026-01-01",
        Some("time") => "12:00:00Z",
        Some("email") => "sample@example.invalid",
        Some("uri" | "url") => "https://example.invalid/",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => "sample",
    };
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0)).unwrap_or(0);
    let most = usize::try_from(schema["maxLength"].as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let filled = text
        .chars()
        .chain(std::iter::repeat('x'))
        .take(text.len().max(least.min(4096)));
    filled.take(most).collect()
}

fn whole_of(schema: &Value) -> Value {
    let above = |key: &str| schema[key].as_f64();
    let least = above("minimum").or_else(|| above("exclusiveMinimum").map(|bound| bound + 1.0));
    let most = above("maximum").or_else(|| above("exclusiveMaximum").map(|bound| bound - 1.0));
    let wanted = least
        .map_or(1.0, f64::ceil)
        .min(most.map_or(f64::MAX, f64::floor));
    // Bounds of fields are small; what does not fit is found out when the value is checked.
    json!(wanted as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(property: Value, wanted: Value) {
        let schema = json!({"type": "object", "required": ["f"], "properties": {"f": property},
            "$defs": {"Size": {"enum": ["small", "large"]}}});
        let mut values = Map::new();
        let missing = fill(&schema, &mut values, false);
        assert_eq!(
            (Value::Object(values), missing),
            (json!({"f": wanted}), Vec::new()),
            "{schema}"
        );
    }

    #[test]
    fn required_fields_get_values_that_fit() {
        check(json!({"type": "string"}), json!("sample"));
        check(json!({"type": "string", "minLength": 8}), json!("samplexx"));
        check(json!({"type": "string", "maxLength": 3}), json!("sam"));
        check(
            json!({"type": "string", "format": "date-time"}),
            json!("2026-01-01T00:00:00Z"),
        );
        check(json!({"type": "integer", "minimum": 5}), json!(5));
        check(json!({"type": "integer", "exclusiveMinimum": 5}), json!(6));
        check(json!({"type": "integer", "maximum": 0}), json!(0));
        check(json!({"type": ["null", "boolean"]}), json!(true));
        check(
            json!({"type": "array", "items": {"$ref": "#/$defs/Size"}, "minItems": 2}),
            json!(["small", "small"]),
        );
        check(
            json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}),
            json!(1),
        );
        check(
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}}),
            json!({"a": true}),
        );
    }

    #[test]
    fn a_field_for_which_no_value_is_found_is_named() {
        let schema = json!({"type": "object", "required": ["f"], "properties": {"f": {"type": "string", "pattern": "^[0-9]{4}$"}}});
        let mut values = Map::new();
        assert_eq!(fill(&schema, &mut values, false), ["f"]);
        values.insert("f".into(), json!("1234"));
        assert!(fill(&schema, &mut values, false).is_empty());
    }
}

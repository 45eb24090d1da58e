//! What the schema of a manifest says between its tables, beyond the type of each key.

use serde_json::{Value, json};

/// Returns what depends on whether the plugin has a program of its own, a Python class, or a policy alone.
pub(super) fn between_tables(schema: &Value) -> Vec<Value> {
    let keys = |table: &Value| -> Vec<String> {
        let properties = table["properties"].as_object();
        properties.map_or_else(Vec::new, |properties| properties.keys().cloned().collect())
    };
    let table = |name: &str| keys(&schema["properties"][name]);
    let has_code_keys = json!({"anyOf": [{"required": ["module"]}, {"required": ["class_name"]}]});
    let is_rego = json!({"properties": {"type": {"const": "rego"}}, "required": ["type"]});
    let python = json!({
        "required": ["module", "class_name"],
        "properties": {
            "module": {"allOf": [{"pattern": "\\S"}, {"pattern": "(^|\\.)[^./\\\\\\u0000]+$"}]},
            "class_name": {"pattern": "\\S"},
        },
    });
    let policy_alone = json!({"allOf": [is_rego, {"not": has_code_keys}]});
    let says_what_to_start = json!({
        "if": {"required": ["run"]},
        "then": {"properties": {"info": {"propertyNames": {"enum": table("info")}}}},
        "else": {"properties": {"info": {
            "$comment": "without `[run]`: `module` and `class_name`, or a policy alone",
            "anyOf": [python, policy_alone],
        }}},
    });
    let only_known_tables = json!({
        "$comment": "manifests of Pluggy plugins may have tables of their own",
        "if": {"not": {"required": ["run"]}, "properties": {"info": has_code_keys}},
        "else": {
            "propertyNames": {"enum": keys(schema)},
            "properties": {
                "rego": {"propertyNames": {"enum": table("rego")}},
                "handler": {"propertyNames": {"enum": table("handler")}},
            },
        },
    });
    let rego_has_a_policy = json!({
        "if": {"properties": {"info": is_rego}},
        "then": {"required": ["rego"], "properties": {"rego": {"required": ["rego_file"]}}},
    });
    vec![says_what_to_start, only_known_tables, rego_has_a_policy]
}

/// Takes `null` out of a schema and all that is in it: an optional key is left out, never null.
pub(super) fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                if let [Value::Object(only)] = &mut choices[..] {
                    let mut only = std::mem::take(only);
                    members.remove("anyOf");
                    only.extend(std::mem::take(members));
                    *members = only;
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

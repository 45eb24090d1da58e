//! Data to try a plugin with: configuration made from its schema, Results made for its type, or what the author's own file says.

use std::path::Path;

use opsbox_protocol::{Hook, ResultView};
use serde_json::{Map, Value, json};

use crate::config;
use crate::error::Fault;
use crate::manifest::{Kind, Manifest};

/// How deep references and alternatives of a schema are followed.
const MOST_LEVELS: usize = 8;
/// What no generated Result may lose on its way through an assistant: a number beyond 2^53, and a member that nobody knows.
pub(crate) const GREAT_NUMBER: &str = "12345678901234567890";
/// The member that nobody knows.
pub(crate) const UNKNOWN_MEMBER: &str = "x_conformance";

/// A hook call that makes the plugin do its work.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Work {
    /// The method.
    pub(crate) hook: String,
    /// The parameters' JSON text, an object.
    pub(crate) params: String,
    /// The Results among the parameters, each as its JSON text.
    pub(crate) results: Vec<String>,
    /// The key under which they stand; empty where there are none.
    pub(crate) key: &'static str,
}

/// What `--sample` names, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample {
    /// Results, each as its JSON text.
    Results(Vec<String>),
    /// A hook with its parameters' JSON text.
    Call(String, String),
}

impl Sample {
    /// Reads the file: a Result, a list of Results, or `{"hook":…,"params":{…}}`.
    ///
    /// # Errors
    /// What is wrong with it, and what it may hold.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Fault::new(format!("cannot read the sample `{shown}`: {error}")))?;
        let bad = |why: String| {
            Fault::new(format!("the sample `{shown}` {why}"))
                .hint("it holds a Result, a list of Results, or an object with `hook` and `params`")
        };
        let value: Value =
            serde_json::from_str(&text).map_err(|error| bad(format!("is not JSON: {error}")))?;
        if let Some(hook) = value.get("hook").and_then(Value::as_str) {
            let params = value.get("params").cloned().unwrap_or_else(|| json!({}));
            if !params.is_object() {
                return Err(bad("has `params` that are no object".into()));
            }
            return Ok(Self::Call(hook.to_owned(), params.to_string()));
        }
        let items = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        let texts: Vec<String> = items.iter().map(Value::to_string).collect();
        for (index, text) in texts.iter().enumerate() {
            ResultView::parse(text).map_err(|why| bad(format!("is no Result at place {index}: {why}")))?;
        }
        Ok(Self::Results(texts))
    }
}

/// Returns the calls that make a plugin of this manifest do its work, of the hooks that it lists; none where nobody can know them.
pub(crate) fn works(manifest: &Manifest, hooks: &[String], sample: Option<&Sample>) -> Vec<Work> {
    if let Some(Sample::Call(hook, params)) = sample {
        return vec![Work {
            hook: hook.clone(),
            params: params.clone(),
            results: Vec::new(),
            key: "",
        }];
    }
    let own = match sample {
        Some(Sample::Results(results)) => Some(results.clone()),
        _ => None,
    };
    let list = |hook: Hook, key: &'static str, results: Vec<String>| Work {
        hook: hook.method().to_owned(),
        params: format!("{{\"{key}\":[{}]}}", results.join(",")),
        results,
        key,
    };
    let one = |hook: Hook, result: String| Work {
        hook: hook.method().to_owned(),
        params: format!("{{\"data\":{result}}}"),
        results: vec![result],
        key: "data",
    };
    let all = match &manifest.kind {
        Kind::Provider => vec![Work {
            hook: Hook::GatherData.method().into(),
            params: "{}".into(),
            results: Vec::new(),
            key: "",
        }],
        Kind::Input => vec![list(
            Hook::Process,
            "data",
            own.unwrap_or_else(|| provided(manifest)),
        )],
        Kind::Rego => {
            let first = own.as_ref().and_then(|own| own.first().cloned());
            let given = first.clone().unwrap_or_else(|| data_of("host"));
            let found = first.unwrap_or_else(|| finding_of("host", &manifest.name));
            vec![one(Hook::InjectData, given), one(Hook::ReportFindings, found)]
        }
        Kind::Assistant => vec![list(Hook::ProcessInput, "input", own.unwrap_or_else(results))],
        Kind::Output => vec![list(Hook::ProcessResults, "results", own.unwrap_or_else(results))],
        Kind::Handler => vec![handled(manifest, own.unwrap_or_default())],
        Kind::Other(_) => Vec::new(),
    };
    all.into_iter()
        .filter(|work| hooks.contains(&work.hook))
        .collect()
}

fn provided(manifest: &Manifest) -> Vec<String> {
    let providers = manifest
        .uses
        .iter()
        .filter(|name| !["general", "rego"].contains(&name.as_str()));
    providers.map(|name| data_of(name)).collect()
}

fn data_of(provider: &str) -> String {
    let name = Value::from(provider);
    format!(
        "{{\"relates_to\":{name},\"result_name\":{name},\"result_description\":\"sample data\",\
         \"details\":{{\"items\":[{{\"name\":\"a\",\"size\":1}}]}},\"formatted\":\"1 item\"}}"
    )
}

fn finding_of(about: &str, name: &str) -> String {
    let (about, name) = (Value::from(about), Value::from(name));
    format!(
        "{{\"relates_to\":{about},\"result_name\":{name},\"result_description\":\"sample findings\",\
         \"details\":[{{\"resource\":\"a\",\"severity\":\"low\",\"message\":\"a sample\"}}],\"formatted\":\"a: a sample\"}}"
    )
}

/// Returns Results as they may come: a list of findings, an empty one, a report with sections; with what must not be lost.
fn results() -> Vec<String> {
    vec![
        format!(
            "{{\"relates_to\":\"ec2\",\"result_name\":\"stray_volumes\",\"result_description\":\"volumes that nothing uses\",\
             \"details\":[{{\"resource\":\"vol-0a1\",\"bytes\":{GREAT_NUMBER},\"share\":1.50,\"severity\":\"high\"}},\
             {{\"resource\":\"vol-0a2 – é\",\"severity\":\"low\"}}],\"formatted\":\"vol-0a1\\nvol-0a2\",\"{UNKNOWN_MEMBER}\":\"kept\"}}"
        ),
        "{\"relates_to\":\"host\",\"result_name\":\"zombies\",\"result_description\":\"processes that nobody waits for\",\
         \"details\":[],\"formatted\":\"\"}"
            .to_owned(),
        "{\"relates_to\":\"host\",\"result_name\":\"users\",\"result_description\":\"accounts\",\
         \"details\":{\"old\":[{\"resource\":\"bob\",\"severity\":\"medium\"}],\"new\":[]},\"formatted\":\"bob\"}"
            .to_owned(),
    ]
}

/// Returns Results whose texts want to be file names and commands of a terminal; `absolute` is a path that does not exist.
pub(crate) fn hostile_results(absolute: &str) -> Vec<String> {
    let texts = [
        ("../../../conformance_above", "above"),
        ("here", "../../../../conformance_below"),
        (absolute, "absolute"),
        ("with/a/slash", "x\u{1b}[31mred\u{1b}]0;title\u{7}\nline"),
        ("..", "."),
    ];
    let result = |(about, name): &(&str, &str)| {
        json!({
            "relates_to": about, "result_name": name, "result_description": "\u{1b}[2Jcleared",
            "details": [{"resource": "\u{1b}[31mred", "message": "\u{9b}31mred\rover", "severity": "high"}],
            "formatted": "\u{1b}[31mred\u{1b}[0m",
        })
        .to_string()
    };
    texts.iter().map(result).collect()
}

/// Returns a Result that nests as deep as it may in an answer that is a list.
pub(crate) fn deep_result() -> String {
    // The envelope, the list and the Result are three levels, `details` with its list of objects the next.
    let levels = opsbox_protocol::limits::DEPTH as usize - 5;
    format!(
        "{{\"relates_to\":\"deep\",\"result_name\":\"deep\",\"result_description\":\"as deep as it may be\",\
         \"details\":[{{\"deep\":{}{}}}],\"formatted\":\"\"}}",
        "[".repeat(levels),
        "]".repeat(levels)
    )
}

fn handled(manifest: &Manifest, prior: Vec<String>) -> Work {
    let facts = served(manifest);
    Work {
        hook: Hook::ProcessPlugin.method().into(),
        params: format!("{{\"plugin\":{facts},\"prior_results\":[{}]}}", prior.join(",")),
        results: prior,
        key: "prior_results",
    }
}

/// Returns the facts of a plugin that a handler of this manifest serves.
pub(crate) fn served(manifest: &Manifest) -> Value {
    let kind = manifest.handles.first().map_or("input", String::as_str);
    json!({
        "name": "sample_plugin", "type": kind, "uses": [manifest.name], "hooks": ["process", "scan", "*"], "stage": "check",
        "served_by": manifest.name, "toml_path": "/nowhere/sample_plugin/manifest.toml", "config": {},
        "extra": {"run": {"command": ["sample_plugin"]}},
    })
}

/// Returns what the host answers a handler that calls a hook of the sample plugin.
pub(crate) fn served_answer() -> String {
    format!("[{}]", finding_of("sample", "sample_plugin"))
}

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

    #[test]
    fn the_deep_result_is_as_deep_as_an_answer_may_be() {
        let mut scan = opsbox_protocol::scan::LineScan::default();
        scan.feed(format!("{{\"result\":[{}]}}", deep_result()).as_bytes());
        assert_eq!(scan.max_depth(), opsbox_protocol::limits::DEPTH);
        ResultView::parse(&deep_result()).unwrap();
    }
}

//! Methods, members, codes, words and features: PROTOCOL.md, the schema of messages and the code name the same.

use std::collections::BTreeSet;

use opsbox_protocol::code::{self, Maker};
use opsbox_protocol::message::{LogLevel, Status};
use opsbox_protocol::schema::{METHODS, Method, Writer, part};
use opsbox_protocol::{Hook, handler};
use serde_json::Value;

use super::Published;
use super::document::{self, blocks, rule, section, table, type_differs, words};
use crate::manifest::{Kind, Severity};

fn schema() -> Value {
    Published::named("messages").unwrap().schema()
}

/// Follows references until there is something else.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap();
            resolved(
                root,
                root.pointer(pointer).unwrap_or_else(|| panic!("no {reference}")),
            )
        }
        None => schema,
    }
}

/// Returns a copy without references, in lists and choices neither.
fn whole(root: &Value, schema: &Value) -> Value {
    match resolved(root, schema) {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "properties")
            .map(|(key, value)| (key.clone(), whole(root, value)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| whole(root, item)).collect(),
        other => other.clone(),
    }
}

fn set(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

#[test]
fn the_methods_of_the_document_are_those_of_the_code_and_of_the_schema() {
    let document = document::text();
    let headings = |of: &str| -> BTreeSet<String> {
        let text = section(&document, of);
        let headings = text.lines().filter(|line| line.starts_with("### "));
        // What a heading says in brackets is about the feature or the type.
        headings
            .flat_map(|line| words(line.split(" (").next().unwrap_or_default()))
            .collect()
    };
    let handlers = table(&section(&document, "## 17 "), "Method");
    let served = handlers.rows.iter().map(|row| words(&row[0]).remove(0));
    let (to_plugins, to_host): (Vec<_>, Vec<_>) = served.partition(|name| !name.starts_with(handler::PREFIX));

    let named = |wanted: &dyn Fn(&Method) -> bool| set(METHODS.iter().filter(|m| wanted(m)).map(|m| m.name));
    let mut requests = headings("## 8 ");
    requests.extend(to_plugins);
    let of_the_host = named(&|m| m.from == Writer::Host && !m.is_notification());
    assert_eq!(requests, of_the_host);
    assert_eq!(set(Hook::ALL.map(Hook::method)), of_the_host);
    assert_eq!(
        set(to_host),
        named(&|m| m.from == Writer::Plugin && !m.is_notification())
    );
    assert_eq!(headings("## 10 "), named(&|m| m.is_notification()));

    let schema = schema();
    for method in METHODS {
        let has = |name: &str| schema["$defs"].get(part(method.name, name)).is_some();
        assert!(has("params"), "{}", method.name);
        assert_eq!(has("result"), !method.is_notification(), "{}", method.name);
    }
}

#[test]
fn the_hooks_that_initialize_may_list_and_the_types_are_those_of_the_code() {
    let document = document::text();
    let initialize = section(&document, "### 8.1 ");
    let results = table(&initialize, "Result");
    let hooks = results.rows.iter().find(|row| row[0] == "`hooks`").unwrap();
    let listed = Hook::ALL
        .into_iter()
        .filter(|hook| !matches!(hook, Hook::Initialize | Hook::Shutdown));
    assert_eq!(set(words(&hooks[2])), set(listed.map(Hook::method)));
    let types = table(&section(&document, "## 1 "), "Type");
    assert_eq!(set(types.rows.iter().map(|row| row[0].clone())), set(Kind::NAMES));
}

/// Where a table of members stands, the head of its first column, and the type in the schema.
const MEMBERS: [(&str, &str, &str); 10] = [
    ("## 4 ", "Member", "Limits"),
    ("### 8.1 ", "Params", "InitializeParams"),
    ("### 8.1 ", "Result", "InitializeResult"),
    ("### 8.9 ", "Params", "ProcessResultsParams"),
    ("## 9 ", "Member", "OpsResult"),
    ("### 10.2 ", "Params", "LogParams"),
    ("### 10.3 ", "Params", "ProgressParams"),
    ("### 10.4 ", "Params", "OutputParams"),
    ("### 10.5 ", "Params", "GapParams"),
    ("## 17 ", "Member", "PluginFacts"),
];

/// Returns the names of a row: `a.b`, `.c` is `a.b` and `a.c`.
fn names(cell: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for word in words(cell) {
        match (word.strip_prefix('.'), names.last()) {
            (Some(rest), Some(before)) => {
                let (head, _) = before.rsplit_once('.').unwrap();
                names.push(format!("{head}.{rest}"));
            }
            _ => names.push(word),
        }
    }
    names
}

/// Returns the schema of a member such as `steps[].why`, and whether it must be there.
fn member<'a>(root: &'a Value, object: &'a Value, path: &str) -> Option<(&'a Value, bool)> {
    let mut object = resolved(root, object);
    let mut parts = path.split('.').peekable();
    loop {
        let name = parts.next()?;
        let plain = name.trim_end_matches("[]");
        let found = object["properties"].get(plain)?;
        if parts.peek().is_none() {
            let required = object["required"].as_array();
            let must = required.is_some_and(|names| names.iter().any(|name| name == plain));
            return Some((found, must));
        }
        object = resolved(root, if name == plain { found } else { &found["items"] });
    }
}

/// Returns every member of an object that stands below one of these paths' heads, in the document's spelling.
fn spelt(root: &Value, object: &Value, documented: &BTreeSet<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (name, property) in resolved(root, object)["properties"].as_object().unwrap() {
        let deeper = |prefix: &str, inner: &Value| -> Vec<String> {
            let below = resolved(root, inner)["properties"].as_object();
            let names = below
                .into_iter()
                .flatten()
                .map(|(inner, _)| format!("{prefix}{inner}"));
            names.collect()
        };
        let inside = documented
            .iter()
            .any(|path| path.starts_with(&format!("{name}.")));
        let items = documented
            .iter()
            .any(|path| path.starts_with(&format!("{name}[].")));
        if inside {
            all.extend(deeper(&format!("{name}."), property));
        } else {
            all.insert(name.clone());
        }
        if items {
            all.extend(deeper(&format!("{name}[]."), &property["items"]));
        }
    }
    all
}

#[test]
fn the_members_of_the_documents_tables_are_those_of_the_types() {
    let (document, schema) = (document::text(), schema());
    let mut different = Vec::new();
    for (heading, head, def) in MEMBERS {
        let object = &schema["$defs"][def];
        let table = table(&section(&document, heading), head);
        let documented: BTreeSet<String> = table.rows.iter().flat_map(|row| names(&row[0])).collect();
        let of_the_type = spelt(&schema, object, &documented);
        if documented != of_the_type {
            different.push(format!("{def}: {documented:?} is not {of_the_type:?}"));
        }
        for row in &table.rows {
            for name in names(&row[0]) {
                let Some((property, must)) = member(&schema, object, &name) else {
                    continue;
                };
                let unit_column = head == "Member" && def == "Limits";
                let differs = type_differs(&row[1], &whole(&schema, property)).filter(|_| !unit_column);
                different.extend(differs.map(|why| format!("{def}.{name}: {why}")));
                let text = row[1..].join(" ");
                let optional = ["optional", "left out"].iter().any(|word| text.contains(word));
                if optional && must {
                    different.push(format!("{def}.{name} may be left out, and the type wants it"));
                }
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn the_error_codes_of_the_document_the_code_and_the_schema_are_the_same() {
    let document = document::text();
    let table = table(&section(&document, "## 15 "), "Code");
    let told: Vec<(String, String, String)> = table
        .rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
        .collect();
    let maker = |code: &code::Code| match code.maker {
        Maker::Both => "both",
        Maker::Plugin => "plugin",
        Maker::Host if code.number == code::CALL_CYCLE => "host only, to handlers",
        Maker::Host => "host only",
    };
    let known = code::ALL.iter();
    let known: Vec<_> = known
        .map(|code| {
            (
                code.number.to_string(),
                code.meaning.to_owned(),
                maker(code).to_owned(),
            )
        })
        .collect();
    assert_eq!(told, known);

    let numbers = |text: &str| -> BTreeSet<i64> {
        let found = text.split(|c: char| !c.is_ascii_digit() && c != '-');
        found
            .filter_map(|word| word.parse().ok())
            .filter(|n| *n < -32000)
            .collect()
    };
    let kept_for_the_host = rule(&document, "ERR-2");
    let (_, listed) = kept_for_the_host.split_once("(of ").unwrap();
    let of_the_host = code::ALL.iter().filter(|code| code.maker == Maker::Host);
    assert_eq!(
        numbers(listed.split(')').next().unwrap()),
        of_the_host.map(|code| code.number).collect()
    );

    let schema = schema();
    let choices = schema["$defs"]["ErrorBody"]["properties"]["code"]["anyOf"]
        .as_array()
        .unwrap();
    let published: BTreeSet<i64> = choices
        .iter()
        .filter_map(|choice| choice["const"].as_i64())
        .collect();
    assert_eq!(published, code::ALL.iter().map(|code| code.number).collect());
}

#[test]
fn statuses_levels_and_severities_of_the_document_are_those_of_the_code() {
    let (document, schema) = (document::text(), schema());
    let told = blocks(&document);
    let statuses = told
        .iter()
        .find(|block| block.contains("ends in exactly one status"))
        .unwrap();
    let known: [Status; 6] = [
        Status::Findings,
        Status::Clean,
        Status::Incomplete,
        Status::Unknown,
        Status::Failed,
        Status::Skipped,
    ];
    let mut listed = words(statuses);
    assert_eq!(
        listed.pop().as_deref(),
        Some("steps"),
        "the feature that the paragraph ends with"
    );
    assert_eq!(listed, known.map(Status::word));
    let of_the_type = document::constants(&schema["$defs"]["Status"]);
    assert_eq!(of_the_type, set(known.map(Status::word)));

    let levels = document::constants(&schema["$defs"]["LogLevel"]);
    for level in &levels {
        assert!(serde_json::from_value::<LogLevel>(level.as_str().into()).is_ok());
    }
    let row = table(&section(&document, "### 10.2 "), "Params").rows.remove(0);
    assert_eq!(set(words(&row[1])), levels);

    let finding = rule(&document, "RES-5");
    let (_, listed) = finding.split_once('(').unwrap();
    assert_eq!(words(listed.split(')').next().unwrap()), Severity::NAMES);
}

#[test]
fn the_features_of_the_document_are_those_of_the_code() {
    let document = document::text();
    let text = rule(&document, "VER-3");
    let (_, listed) = text.split_once("Version 1 has").unwrap();
    let listed = words(listed.split(';').next().unwrap());
    assert_eq!(listed, opsbox_protocol::message::FEATURES);
    for line in section(&document, "## 10 ")
        .lines()
        .filter(|line| line.starts_with("### "))
    {
        for feature in line
            .split_once("(feature ")
            .map(|(_, rest)| words(rest))
            .unwrap_or_default()
        {
            assert!(listed.contains(&feature), "{line}");
        }
    }
    let example = document
        .lines()
        .find(|line| line.contains("\"method\":\"initialize\""))
        .unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    for feature in example["params"]["features"].as_array().unwrap() {
        assert!(listed.iter().any(|known| feature == known), "{feature}");
    }
}

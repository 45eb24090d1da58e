//! Every key of a manifest: the tables of PROTOCOL.md, the schema and the parser know the same, with the same types and defaults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Published;
use super::document::{self, section, table, tables, type_differs, words};
use super::manifest_shapes::{faults_of, valid_with};

/// What the document says of a key.
struct Told {
    types: String,
    default: String,
}

fn schema() -> Value {
    Published::named("manifest").unwrap().schema()
}

/// Returns table → key → what is said of it, as section 16 has it.
fn told() -> BTreeMap<String, BTreeMap<String, Told>> {
    let document = document::text();
    let manifest = section(&document, "## 16 ");
    let mut all = BTreeMap::new();
    for line in manifest.lines().filter(|line| line.starts_with("### ")) {
        let name = words(line).remove(0).trim_matches(['[', ']']).to_owned();
        let text = section(&manifest, line);
        let mut keys = BTreeMap::new();
        for row in tables(&text).iter().flat_map(|table| &table.rows) {
            for key in words(&row[0]) {
                let (types, default) = (row[1].clone(), row[2].clone());
                keys.insert(key, Told { types, default });
            }
        }
        if name == "timeouts" {
            // Their defaults stand in section 13.
            for row in table(&section(&document, "## 13 "), "Key").rows {
                let default = format!("`\"{}\"`", row[1].replace(' ', ""));
                for key in words(&row[0]) {
                    let (types, default) = ("duration".to_owned(), default.clone());
                    keys.insert(key, Told { types, default });
                }
            }
            let listed = text.lines().skip(1).collect::<Vec<_>>().join(" ");
            let listed = words(listed.split("(section 13)").next().unwrap());
            assert_eq!(
                listed,
                section_13_keys(),
                "the list of `[timeouts]` is that of section 13"
            );
        }
        all.insert(name, keys);
    }
    all
}

fn section_13_keys() -> Vec<String> {
    let rows = table(&section(&document::text(), "## 13 "), "Key").rows;
    rows.iter().flat_map(|row| words(&row[0])).collect()
}

#[test]
fn the_document_and_the_schema_know_the_same_tables_and_keys() {
    let schema = schema();
    let mut told = told();
    let fields = told.remove("config.FIELD").unwrap();
    assert!(
        fields.is_empty(),
        "a field is a JSON Schema property: it has no table of keys"
    );
    let mut published: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, shape) in schema["properties"].as_object().unwrap() {
        let keys = shape["properties"].as_object().into_iter().flatten();
        published.insert(table.clone(), keys.map(|(key, _)| key.clone()).collect());
    }
    assert_eq!(published.remove("config"), Some(BTreeSet::new()));
    assert_eq!(published.remove("$schema"), Some(BTreeSet::new()));
    let told: BTreeMap<String, BTreeSet<String>> = told
        .into_iter()
        .map(|(table, keys)| (table, keys.into_keys().collect()))
        .collect();
    assert_eq!(told, published);
}

#[test]
fn types_and_defaults_of_the_document_are_those_of_the_schema() {
    let schema = schema();
    let mut different = Vec::new();
    for (table, keys) in told() {
        let shape = &schema["properties"][&table];
        for (key, told) in keys {
            let property = &shape["properties"][&key];
            let place = format!("[{table}] {key}");
            different.extend(type_differs(&told.types, property).map(|why| format!("{place}: {why}")));
            let required = shape["required"]
                .as_array()
                .is_some_and(|all| all.contains(&Value::from(key.as_str())));
            let default = told.default.as_str();
            let agrees = match (&property["default"], required) {
                (Value::Null, true) => default.starts_with("required"),
                // A default that depends on another key is told in words, and by its description.
                (Value::Null, false) => {
                    let by_type = key == "rego_file" && default == "required";
                    default == "none" || default.contains(';') || by_type
                }
                (set, _) => words(default)
                    .first()
                    .is_some_and(|word| *word == set.to_string().replace(',', ", ")),
            };
            if !agrees {
                different.push(format!("{place}: `{default}` is not {}", property["default"]));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn the_parser_knows_every_key_of_the_schema_and_refuses_all_others() {
    let schema = schema();
    for (table, shape) in schema["properties"].as_object().unwrap() {
        for key in shape["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            // A date is wrong nearly everywhere, so the key is seen; what counts is that it is not called unknown.
            let said = faults_of(&valid_with(table, key, "1979-05-27"));
            let unknown: Vec<&String> = said.iter().filter(|fault| fault.contains("unknown")).collect();
            assert!(unknown.is_empty(), "[{table}] {key}: {unknown:?}");
        }
        if !["config", "$schema"].contains(&table.as_str()) {
            let said = faults_of(&valid_with(table, "brand_new", "1"));
            let words = format!("unknown key `brand_new` in `[{table}]`");
            assert!(
                said.iter().any(|fault| fault.contains(&words)),
                "[{table}]: {said:?}"
            );
        }
    }
}

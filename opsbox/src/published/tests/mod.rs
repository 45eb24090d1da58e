//! What is published agrees: the files with the types, the text of PROTOCOL.md with both, and today's readers with yesterday's lines.

mod document;
mod golden;
mod golden_files;
mod manifest_files;
mod manifest_keys;
mod manifest_shapes;
mod messages;
mod numbers;
mod rules;
mod seal;

use std::collections::BTreeSet;
use std::path::PathBuf;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use super::{ALL, Published};

fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A schema that values are held against.
struct Validator {
    schemas: Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    /// Takes a schema, or the part of it that a JSON Pointer names.
    fn of(schema: &Value, pointer: &str) -> Self {
        let id = schema["$id"].as_str().unwrap();
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource(id, schema.clone()).unwrap();
        let index = compiler.compile(&format!("{id}#{pointer}"), &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{id}: {error:#}"));
        Self { schemas, index }
    }

    fn named(name: &str) -> Self {
        Self::of(&Published::named(name).unwrap().schema(), "")
    }

    /// Returns why a value is refused, if it is.
    fn refuses(&self, value: &Value) -> Option<String> {
        let verdict = self.schemas.validate(value, self.index);
        verdict.err().map(|error| format!("{error:#}"))
    }
}

#[test]
fn every_published_schema_is_that_of_the_types() {
    let mut stale = Vec::new();
    for published in ALL {
        let path = repository().join(published.file);
        if std::env::var_os("OPSBOX_BLESS").is_some() {
            std::fs::write(&path, published.text()).unwrap();
        }
        if std::fs::read_to_string(&path).unwrap_or_default() != published.text() {
            stale.push(published.file);
        }
    }
    assert!(
        stale.is_empty(),
        "run the test once with OPSBOX_BLESS=1 and commit {stale:?}"
    );
}

#[test]
fn no_schema_is_published_that_is_not_in_the_list() {
    let listed: BTreeSet<String> = ALL.iter().map(|published| published.file.to_owned()).collect();
    let mut found = BTreeSet::new();
    for folder in ["docs/schema", "protocol/schema"] {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            found.insert(format!("{folder}/{}", entry.unwrap().file_name().display()));
        }
    }
    assert_eq!(found, listed);
}

#[test]
fn every_schema_has_an_id_with_its_version_and_is_itself_valid() {
    let mut ids = BTreeSet::new();
    for published in ALL {
        let schema = published.schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let id = schema["$id"].as_str().unwrap().to_owned();
        assert_eq!(id, format!("urn:opsbox:{}:{}", published.name, published.version));
        assert!(ids.insert(id), "{}", published.name);
        let _compiled = Validator::of(&schema, "");
    }
}

/// Asserts that each property of a schema says what it is for: an editor shows that.
#[track_caller]
fn described(schema: &Value, place: &str, silent: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{name}");
        // In the envelope of a message the names speak for themselves.
        let known = ["jsonrpc", "id", "method", "params", "result", "error"];
        let is_envelope = property.is_boolean() || known.contains(&name.as_str());
        if property["description"].as_str().is_none_or(str::is_empty) && !is_envelope {
            silent.push(place.clone());
        }
        described(property, &place, silent);
        described(&property["additionalProperties"], &place, silent);
    }
}

#[test]
fn every_key_and_member_has_a_description() {
    for published in ALL {
        let schema = published.schema();
        let mut silent = Vec::new();
        described(&schema, published.name, &mut silent);
        for (name, def) in schema["$defs"].as_object().into_iter().flatten() {
            if !name.ends_with(".result") {
                described(def, &format!("{}.{name}", published.name), &mut silent);
            }
        }
        assert_eq!(silent, [] as [&str; 0]);
    }
}

#[test]
fn a_schema_refuses_what_is_of_another_kind() {
    for published in ALL {
        let validator = Validator::of(&published.schema(), "");
        for wrong in [json!([]), json!("text"), json!({}), json!({"jsonrpc": "1.0"})] {
            assert!(validator.refuses(&wrong).is_some(), "{}: {wrong}", published.name);
        }
    }
}

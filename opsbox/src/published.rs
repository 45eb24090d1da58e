//! Every published JSON Schema: what it is of, where it lies in the repository, and how it is made from the types.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value};

use crate::manifest::shape;
use crate::report::record::{self, RunRecord};
use crate::store::exported::{EXPORT_VERSION, ExportedRun};
use crate::store::shape::{STORE_VERSION, StoredRun, StoredStep};
use crate::trace::shape as trace;

/// A published schema.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its name, which is also that of its file, without `.json`.
    pub name: &'static str,
    /// The version of what it describes; a form that old readers cannot read gets the next.
    pub version: u32,
    /// What it describes, in a phrase.
    pub of: &'static str,
    /// Where its file lies in the repository.
    pub file: &'static str,
    make: fn() -> Value,
}

/// All of them.
pub const ALL: [Published; 7] = [
    Published {
        name: "manifest",
        version: shape::MANIFEST_VERSION,
        of: "a plugin's manifest, for editors",
        file: "docs/schema/manifest.json",
        make: shape::schema,
    },
    Published {
        name: "messages",
        version: opsbox_protocol::VERSION,
        of: "a line of the plugin protocol",
        file: "protocol/schema/messages.json",
        make: opsbox_protocol::schema::messages,
    },
    Published {
        name: "run-record",
        version: record::RECORD_VERSION,
        of: "the record of a run, `-o FILE`",
        file: "docs/schema/run-record.json",
        make: of::<RunRecord>,
    },
    Published {
        name: "trace",
        version: trace::TRACE_VERSION,
        of: "a line of a trace, `--trace DIR`",
        file: "docs/schema/trace.json",
        make: trace::schema,
    },
    Published {
        name: "stored-run",
        version: STORE_VERSION,
        of: "`run.json` of a kept run",
        file: "docs/schema/stored-run.json",
        make: of::<StoredRun>,
    },
    Published {
        name: "stored-step",
        version: STORE_VERSION,
        of: "the first line of a step of a kept run",
        file: "docs/schema/stored-step.json",
        make: of::<StoredStep>,
    },
    Published {
        name: "exported-run",
        version: EXPORT_VERSION,
        of: "the index of an exported run",
        file: "docs/schema/exported-run.json",
        make: of::<ExportedRun>,
    },
];

impl PartialEq for Published {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Published {
    /// Returns the schema of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|published| published.name == name)
    }

    /// Returns its `$id`, which ends in the version.
    pub fn id(&self) -> String {
        format!("urn:opsbox:{}:{}", self.name, self.version)
    }

    /// Returns the schema, `$schema` and `$id` first.
    pub fn schema(&self) -> Value {
        let mut schema = Map::new();
        schema.insert(
            "$schema".into(),
            "https://json-schema.org/draft/2020-12/schema".into(),
        );
        schema.insert("$id".into(), self.id().into());
        if let Value::Object(made) = (self.make)() {
            for (key, value) in made {
                schema.entry(key).or_insert(value);
            }
        }
        Value::Object(schema)
    }

    /// Returns the text of its file.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.schema())
    }
}

fn of<T: JsonSchema>() -> Value {
    schema_for!(T).into()
}

#[cfg(test)]
mod tests;

//! JSON Schemas of the messages, generated from the types.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::error::ErrorBody;
use crate::handler;
use crate::message;
use crate::result::OpsResult;

/// Returns one JSON Schema (2020-12) whose `$defs` holds every message part of wire v1 by its type's name.
pub fn messages() -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    fn add<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    add::<message::InitializeParams>(&mut generator);
    add::<message::InitializeResult>(&mut generator);
    add::<message::SetDataParams>(&mut generator);
    add::<message::StepStatus>(&mut generator);
    add::<message::CancelParams>(&mut generator);
    add::<message::LogParams>(&mut generator);
    add::<message::ProgressParams>(&mut generator);
    add::<message::OutputParams>(&mut generator);
    add::<message::GapParams>(&mut generator);
    add::<handler::PluginFacts>(&mut generator);
    add::<handler::ProcessPluginParams>(&mut generator);
    add::<handler::ActivePluginsParams>(&mut generator);
    add::<handler::ActivePluginsResult>(&mut generator);
    add::<handler::CallHookParams>(&mut generator);
    add::<OpsResult>(&mut generator);
    add::<ErrorBody>(&mut generator);
    let mut root = Map::new();
    root.insert(
        "$schema".into(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    root.insert("title".into(), "Opsbox plugin protocol, version 1".into());
    root.insert("$defs".into(), Value::Object(generator.take_definitions(true)));
    Value::Object(root)
}

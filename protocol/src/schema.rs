//! The JSON Schema of the messages, generated from the types, and the list of all methods that it is made of.

pub mod work;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::error::{ErrorBody, ErrorData};
use crate::handler::{self, ActivePluginsParams, ActivePluginsResult, CallHookParams, ProcessPluginParams};
use crate::hook::Hook;
use crate::message::{
    CancelParams, GapParams, InitializeParams, InitializeResult, LogParams, OutputParams, ProgressParams,
    SetDataParams,
};
use crate::result::OpsResult;
use work::{
    InjectDataParams, NoParams, ProcessInputParams, ProcessParams, ProcessResultsParams, ReportFindingsParams,
};

/// The schema's `$id`; its last part is the version of the protocol.
pub const ID: &str = "urn:opsbox:messages:1";

/// Who writes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The host, to a plugin.
    Host,
    /// A plugin, to the host.
    Plugin,
}

type Make = fn(&mut SchemaGenerator) -> Schema;

/// A method of the protocol, with the shape of its parameters and of its result.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Its name on the wire.
    pub name: &'static str,
    /// Who sends it.
    pub from: Writer,
    params: Make,
    result: Option<Make>,
}

impl Method {
    /// Returns whether it is a notification, which is never answered.
    pub fn is_notification(&self) -> bool {
        self.result.is_none()
    }
}

const fn request(hook: Hook, params: Make, result: Make) -> Method {
    Method {
        name: hook.method(),
        from: Writer::Host,
        params,
        result: Some(result),
    }
}

const fn asked(name: &'static str, params: Make, result: Make) -> Method {
    Method {
        name,
        from: Writer::Plugin,
        params,
        result: Some(result),
    }
}

const fn notification(name: &'static str, from: Writer, params: Make) -> Method {
    Method {
        name,
        from,
        params,
        result: None,
    }
}

/// Every method of version 1: the requests of the host in the order of the life cycle, those of handlers, the notifications.
pub const METHODS: [Method; 19] = [
    request(Hook::Initialize, of::<InitializeParams>, of::<InitializeResult>),
    request(Hook::GrabConfig, of::<NoParams>, config_schema),
    request(Hook::SetData, of::<SetDataParams>, nothing),
    request(Hook::Activate, of::<NoParams>, nothing),
    request(Hook::GatherData, of::<NoParams>, of::<OpsResult>),
    request(Hook::Process, of::<ProcessParams>, of::<Vec<OpsResult>>),
    request(Hook::InjectData, of::<InjectDataParams>, of::<OpsResult>),
    request(Hook::ReportFindings, of::<ReportFindingsParams>, one_or_many),
    request(Hook::ProcessInput, of::<ProcessInputParams>, of::<Vec<OpsResult>>),
    request(Hook::ProcessResults, of::<ProcessResultsParams>, nothing),
    request(Hook::ProcessPlugin, of::<ProcessPluginParams>, results_or_any),
    request(Hook::Shutdown, of::<NoParams>, nothing),
    asked(
        handler::ACTIVE_PLUGINS,
        of::<ActivePluginsParams>,
        of::<ActivePluginsResult>,
    ),
    asked(handler::CALL_HOOK, of::<CallHookParams>, anything),
    notification("$/cancel", Writer::Host, of::<CancelParams>),
    notification("log", Writer::Plugin, of::<LogParams>),
    notification("progress", Writer::Plugin, of::<ProgressParams>),
    notification("output", Writer::Plugin, of::<OutputParams>),
    notification("gap", Writer::Plugin, of::<GapParams>),
];

/// Returns the JSON Schema (2020-12) of one line of the protocol.
///
/// Its `$defs` hold every type by its name, and the parameters and results of each method as `METHOD.params` and `METHOD.result`.
pub fn messages() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut parts = Map::new();
    for method in METHODS {
        parts.insert(
            part(method.name, "params"),
            (method.params)(&mut generator).into(),
        );
        if let Some(result) = method.result {
            parts.insert(part(method.name, "result"), result(&mut generator).into());
        }
    }
    let error = of::<ErrorBody>(&mut generator);
    of::<ErrorData>(&mut generator);
    let mut defs = generator.take_definitions(true);
    for schema in defs.values_mut() {
        without_null(schema);
    }
    defs.append(&mut parts);
    let (requests, notifications): (Vec<Method>, Vec<Method>) =
        METHODS.into_iter().partition(|method| !method.is_notification());
    let mut all = envelopes(&requests, &notifications, &error.into());
    all.append(&mut defs);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Opsbox plugin protocol, version 1",
        "description": "One line between the host and a plugin. `METHOD.params` and `METHOD.result` in `$defs` are the parts of each method.",
        "anyOf": [{"$ref": "#/$defs/Request"}, {"$ref": "#/$defs/Notification"}, {"$ref": "#/$defs/Response"}],
        "$defs": all,
    })
}

/// Returns the name in `$defs` of a method's `params` or `result`.
pub fn part(method: &str, part: &str) -> String {
    format!("{method}.{part}")
}

/// Returns a reference to a definition; `/` in a name is written as a JSON Pointer wants it.
fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1"))})
}

/// Makes the three classes of messages. A member that makes a line another class, or a fault, is refused.
fn envelopes(requests: &[Method], notifications: &[Method], error: &Value) -> Map<String, Value> {
    let params_of = |methods: &[Method]| -> Vec<Value> {
        let one = |method: &Method| {
            let params = reference(&part(method.name, "params"));
            json!({
                "if": {"properties": {"method": {"const": method.name}}},
                "then": {"properties": {"params": params}},
            })
        };
        methods.iter().map(one).collect()
    };
    let request = json!({
        "description": "Must be answered. An unknown method is answered with the error -32601.",
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"}, "id": {"$ref": "#/$defs/Id"}, "method": {"type": "string"},
            "params": {"type": "object"}, "result": false, "error": false,
        },
        "required": ["jsonrpc", "id", "method"],
        "allOf": params_of(requests),
    });
    let notification = json!({
        "description": "Is never answered. One with an unknown method is ignored.",
        "type": "object",
        "properties": {
            "jsonrpc": {"const": "2.0"}, "method": {"type": "string"}, "params": {"type": "object"},
            "id": false, "result": false, "error": false,
        },
        "required": ["jsonrpc", "method"],
        "allOf": params_of(notifications),
    });
    let response = json!({
        "description": "The answer to the request with that id. What `result` holds is said by the request: see `METHOD.result`.",
        "type": "object",
        "properties": {"jsonrpc": {"const": "2.0"}, "id": {"$ref": "#/$defs/Id"}, "error": error, "method": false},
        "required": ["jsonrpc", "id"],
        "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
    });
    let id = json!({
        "description": "The host's ids are integers from 1 to 2^53 - 1, a plugin's are strings.",
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": (1_u64 << 53) - 1}, {"type": "string"}],
    });
    Map::from_iter([
        ("Request".to_owned(), request),
        ("Notification".to_owned(), notification),
        ("Response".to_owned(), response),
        ("Id".to_owned(), id),
    ])
}

/// Takes `null` from members whose description does not speak of it [MSG-11]; those that may be null are always there.
fn without_null(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let mut always = Vec::new();
    for (name, property) in properties {
        let described = property["description"].as_str().unwrap_or_default();
        if described.contains("null") {
            always.push(Value::from(name.as_str()));
            continue;
        }
        if let Some(types) = property.get_mut("type").and_then(Value::as_array_mut) {
            types.retain(|name| name != "null");
            if let [only] = &types[..] {
                property["type"] = only.clone();
            }
        }
        if let Some(choices) = property.get_mut("anyOf").and_then(Value::as_array_mut) {
            choices.retain(|choice| choice["type"] != "null");
        }
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        always.retain(|name| !required.contains(name));
        required.append(&mut always);
    }
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn config_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "The JSON Schema (2020-12) of the plugin's configuration: of one object with a property for each field.",
        "type": "object",
        "properties": {
            "type": {"const": "object"},
            "properties": {"type": "object", "additionalProperties": {"type": ["object", "boolean"]}},
            "required": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["type", "properties"],
    })
}

fn nothing(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"description": "An empty object; what members it has are ignored.", "type": "object"})
}

fn one_or_many(generator: &mut SchemaGenerator) -> Schema {
    let (one, many) = (of::<OpsResult>(generator), of::<Vec<OpsResult>>(generator));
    json_schema!({"anyOf": [one, many]})
}

fn results_or_any(generator: &mut SchemaGenerator) -> Schema {
    let many = of::<Vec<OpsResult>>(generator);
    json_schema!({
        "description": "A list of Results; where the plugin that was run is an output, anything: it is not looked at.",
        "anyOf": [many, true],
    })
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"description": "What the called hook answered, as it is."})
}

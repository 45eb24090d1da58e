//! Error objects and codes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The error codes of JSON-RPC and of this protocol.
pub mod code {
    /// The line was not JSON.
    pub const PARSE: i64 = -32700;
    /// The object was not a request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The method is not known to the receiver.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters have the wrong shape.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Something broke inside the receiver.
    pub const INTERNAL: i64 = -32603;
    /// No common protocol version.
    pub const UNSUPPORTED_PROTOCOL: i64 = -33001;
    /// A hook was called before the plugin was ready for it.
    pub const NOT_READY: i64 = -33002;
    /// The plugin's process ended (made by the host only).
    pub const EXITED: i64 = -33003;
    /// The call was cancelled.
    pub const CANCELLED: i64 = -33004;
    /// A deadline passed (made by the host only).
    pub const TIMEOUT: i64 = -33005;
    /// The configuration is not valid.
    pub const CONFIG_INVALID: i64 = -33006;
    /// The plugin's hook failed.
    pub const HOOK_FAILED: i64 = -33008;
    /// The plugin broke the protocol (made by the host only).
    pub const PROTOCOL_FAULT: i64 = -33009;
    /// A message was over the line cap (made by the host only).
    pub const TOO_LARGE: i64 = -33010;
    /// A call would enter a plugin that is already on the chain of calls.
    pub const CALL_CYCLE: i64 = -33012;
    /// The plugin could not be started (made by the host only).
    pub const SPAWN_FAILED: i64 = -33015;

    /// Who may make an error with a code.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Maker {
        /// Host and plugin.
        Both,
        /// The plugin alone.
        Plugin,
        /// The host alone.
        Host,
    }

    /// A code of this protocol.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Code {
        /// The number on the wire.
        pub number: i64,
        /// What it means.
        pub meaning: &'static str,
        /// Who may make it.
        pub maker: Maker,
    }

    const fn code(number: i64, maker: Maker, meaning: &'static str) -> Code {
        Code {
            number,
            meaning,
            maker,
        }
    }

    /// Every code of version 1, as PROTOCOL.md lists them.
    pub const ALL: [Code; 16] = [
        code(PARSE, Maker::Both, "the line is damaged"),
        code(INVALID_REQUEST, Maker::Both, "not a valid request"),
        code(METHOD_NOT_FOUND, Maker::Both, "unknown method"),
        code(INVALID_PARAMS, Maker::Both, "`params` of the wrong shape"),
        code(
            INTERNAL,
            Maker::Both,
            "something broke inside, not in the author's code",
        ),
        code(UNSUPPORTED_PROTOCOL, Maker::Plugin, "no common protocol version"),
        code(NOT_READY, Maker::Both, "not ready: too early for this request"),
        code(EXITED, Maker::Host, "the plugin's process ended"),
        code(CANCELLED, Maker::Both, "cancelled"),
        code(TIMEOUT, Maker::Host, "a deadline passed"),
        code(CONFIG_INVALID, Maker::Plugin, "configuration invalid"),
        code(
            HOOK_FAILED,
            Maker::Plugin,
            "the hook failed: the author's code raised an error",
        ),
        code(PROTOCOL_FAULT, Maker::Host, "the plugin broke this protocol"),
        code(TOO_LARGE, Maker::Host, "a message over the limit"),
        code(
            CALL_CYCLE,
            Maker::Host,
            "the call could only end after itself: a circle of calls",
        ),
        code(SPAWN_FAILED, Maker::Host, "the plugin could not be started"),
    ];

    /// Returns the code under which the host keeps an error that a plugin sent.
    ///
    /// A plugin that sends one of the codes that only the host makes has it mapped to [`HOOK_FAILED`].
    pub fn from_plugin(code: i64) -> i64 {
        let of_the_host = |known: &Code| known.number == code && known.maker == Maker::Host;
        if ALL.iter().any(of_the_host) {
            HOOK_FAILED
        } else {
            code
        }
    }
}

/// The `error` member of a response. Unknown members are ignored, since peers may be newer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// What kind of error it is: a code of this protocol, or any positive one of the plugin's own.
    #[schemars(schema_with = "codes")]
    pub code: i64,
    /// One sentence for people, which names the cause. It holds no secret.
    #[serde(default)]
    pub message: String,
    /// Facts about the error: any JSON. In an object the members of `ErrorData` are understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "facts")]
    pub data: Option<Value>,
}

fn codes(_: &mut SchemaGenerator) -> Schema {
    let known = code::ALL.iter();
    let known = known.map(|code| json!({"const": code.number, "description": code.meaning}));
    let choices: Vec<Value> = known.chain([json!({"type": "integer"})]).collect();
    json_schema!({"type": "integer", "anyOf": choices})
}

fn facts(generator: &mut SchemaGenerator) -> Schema {
    let understood = generator.subschema_for::<ErrorData>();
    json_schema!({"if": {"type": "object"}, "then": understood})
}

impl ErrorBody {
    /// Makes an error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Makes an error that carries data.
    pub fn with_data(code: i64, message: impl Into<String>, data: &ErrorData) -> Self {
        Self {
            code,
            message: message.into(),
            data: serde_json::to_value(data).ok(),
        }
    }

    /// Returns the understood members of `data`; absent or odd ones are `None`.
    pub fn data(&self) -> ErrorData {
        let text = |key: &str| {
            self.data
                .as_ref()
                .and_then(|data| data.get(key))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        ErrorData {
            origin: text("origin"),
            plugin: text("plugin"),
            hook: text("hook"),
            hint: text("hint"),
            traceback: text("traceback"),
            fields: self.data.as_ref().and_then(|data| data.get("fields")).cloned(),
        }
    }
}

/// The members of an error's `data` that the host understands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// Who made the error: `plugin`, `sdk` or `host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The plugin's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The hook that was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exception's traceback, for logs at a verbose level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// With the code -33006: a list of `{"field": …, "message": …}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Value>,
}

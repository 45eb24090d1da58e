//! Fields that the host itself declares, where a pipeline needs them: those of the built-in handler of Rego checks.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{PluginConfig, Wanted};

/// Whose the fields are: the handler's, which was a plugin of this name in the original.
const HANDLER: &str = "rego";

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "type": "object",
        "properties": {
            "opa_url": {
                "type": ["string", "null"],
                "pattern": "^https?://[^/?#]",
                "default": null,
                "description": "the OPA server that evaluates the policies of Rego checks, as http://HOST:8181; without it they are evaluated here",
            },
        },
    })
});

/// Returns the configuration of the handler of Rego checks, to be resolved like a plugin's.
pub fn of_rego_checks() -> Wanted<'static> {
    Wanted {
        plugin: HANDLER,
        schema: &SCHEMA,
        legacy: false,
    }
}

/// Returns the OPA server's URL; `None` where policies are evaluated here.
pub fn opa_url(config: &PluginConfig) -> Option<&str> {
    config.values.get("opa_url")?.as_str()
}

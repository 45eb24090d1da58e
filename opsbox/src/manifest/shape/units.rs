//! Durations, sizes and names as JSON Schema says them: the same texts that `manifest/units` reads.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A plugin's name: nothing that splits pipelines or paths, acts on a terminal or hides a file.
pub(super) const NAME: &str = "^[^-\\s,/\\\\.\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]\
    [^-\\s,/\\\\\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]*$";

/// A SHA-256.
pub(super) const SHA256: &str = "^\\s*[0-9A-Fa-f]{64}\\s*$";

/// A number of seconds, or numbers with units.
const DURATION: &str = "^\\s*(\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?|(([0-9]+\\.?[0-9]*|\\.[0-9]+)(ms|sec|s|min|m|h|d)\\s*)+)\\s*$";

/// A number of bytes, or a number with a unit.
const SIZE: &str = "^\\s*[0-9]+\\s*([bB]|[kKmMgG]([iI]?[bB])?)?\\s*$";

/// The longest duration, a year, in seconds.
const LONGEST_SECONDS: u32 = 31_536_000;

/// A duration: a text of numbers with units, or a number of seconds.
#[derive(Debug)]
pub struct Duration;

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "string", "pattern": DURATION},
                {"type": "number", "minimum": 0, "maximum": LONGEST_SECONDS},
            ],
            "examples": ["250ms", "30s", "5m", "1h30m", 0],
        })
    }
}

/// A size: a text of a number with a unit, or a number of bytes.
#[derive(Debug)]
pub struct Size;

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "string", "pattern": SIZE}, {"type": "integer", "minimum": 0}],
            "examples": ["64KiB", "512MiB", "2GiB", 0],
        })
    }
}

//! One `[config.FIELD]` table as JSON Schema says it: a JSON Schema property, and `required`.

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::manifest::fields::{NO_FORMATS_OF_A_SECRET, NO_KEYWORDS_OF_A_SECRET};

/// One field of the plugin's configuration: a JSON Schema property, written in TOML. `required = true` says that somebody must set it.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", transform = rules)]
pub struct Field {
    /// What the value is; a list where it may be one of several.
    pub r#type: Option<Types>,
    /// A name for people.
    pub title: Option<String>,
    /// What the field is for, with its unit: shown to whoever configures the plugin.
    pub description: Option<String>,
    /// The value where nobody sets one. The host shows it; a plugin with a program applies it itself.
    pub default: Option<Value>,
    /// Whether somebody must set it. For a field of type object: the names of its members that must be there.
    #[schemars(extend("default" = false))]
    pub required: Option<Required>,
    /// True for a secret: the host shows it nowhere.
    #[schemars(extend("default" = false))]
    pub write_only: Option<bool>,
    /// The values that are allowed.
    pub r#enum: Option<Vec<Value>>,
    /// The one value that is allowed.
    pub r#const: Option<Value>,
    /// What the text is: `password` is a secret, `date-time` takes "90 days ago", too.
    pub format: Option<String>,
    /// Values to show as examples.
    pub examples: Option<Vec<Value>>,
    /// Whether the plugin only tells it.
    pub read_only: Option<bool>,
    /// Whether it should not be used any more.
    pub deprecated: Option<bool>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// A number must be greater than this.
    pub exclusive_minimum: Option<f64>,
    /// A number must be less than this.
    pub exclusive_maximum: Option<f64>,
    /// A number must be a multiple of this.
    pub multiple_of: Option<f64>,
    /// The least length of a text, in characters.
    pub min_length: Option<u64>,
    /// The greatest length of a text, in characters.
    pub max_length: Option<u64>,
    /// A regular expression that a text must match somewhere.
    pub pattern: Option<String>,
    /// The schema of each item of a list.
    pub items: Option<Map<String, Value>>,
    /// The least number of items.
    pub min_items: Option<u64>,
    /// The greatest number of items.
    pub max_items: Option<u64>,
    /// Whether no item may be there twice.
    pub unique_items: Option<bool>,
    /// Schemas of which one or more must fit.
    pub any_of: Option<Vec<Map<String, Value>>>,
    /// Schemas of which exactly one must fit.
    pub one_of: Option<Vec<Map<String, Value>>>,
    /// Schemas that must all fit.
    pub all_of: Option<Vec<Map<String, Value>>>,
}

/// What values a field may have.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Types {
    /// One type.
    One(TypeName),
    /// Any of several.
    Several(#[schemars(length(min = 1))] Vec<TypeName>),
}

/// A type of JSON Schema.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum TypeName {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// A table.
    Object,
    /// Nothing.
    Null,
}

/// Whether something must be set.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Required {
    /// The field itself.
    Field(bool),
    /// Members of an object.
    Members(Vec<Value>),
}

/// Says that a default must be of the field's type, since nobody checks what nobody set, and that nothing else than `writeOnly` and the format
/// `password` is meant to make a secret.
fn rules(schema: &mut Schema) {
    let of = |name: &str, allowed: &[&str]| {
        let choices: Vec<Value> = allowed
            .iter()
            .flat_map(|allowed| {
                let one = json!({"const": allowed});
                [one.clone(), json!({"type": "array", "contains": one})]
            })
            .collect();
        json!({
            "if": {"required": ["type", "default"], "properties": {"default": {"type": name}}},
            "then": {"properties": {"type": {"anyOf": choices}}},
        })
    };
    let mut fraction = of("number", &["number"]);
    fraction["if"]["properties"]["default"]["not"] = json!({"type": "integer"});
    let rules = json!([
        of("string", &["string"]),
        of("boolean", &["boolean"]),
        of("array", &["array"]),
        of("object", &["object"]),
        of("integer", &["integer", "number"]),
        fraction,
        {"not": {"anyOf": NO_KEYWORDS_OF_A_SECRET.map(|key| json!({"required": [key]}))}},
        {"properties": {"format": {"not": {"enum": NO_FORMATS_OF_A_SECRET}}}},
    ]);
    schema.insert("allOf".to_owned(), rules);
}

//! What a field's JSON Schema allows, with `$ref`, `anyOf`, `oneOf`, `allOf` and lists of types resolved.

use serde_json::{Map, Value};

use super::wording::article;

/// Schemas deeper than this are taken as "anything": a reference that leads back to itself is legal.
const MAX_DEPTH: usize = 16;

/// What values a field takes, as far as converting a text needs to know.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape {
    /// Plain text.
    pub(super) text: bool,
    /// Text that is a moment.
    pub(super) moment: bool,
    /// Text that is a day.
    pub(super) day: bool,
    /// Text that is a length of time.
    pub(super) duration: bool,
    /// Text that is a time of the day.
    pub(super) clock: bool,
    pub(super) integer: bool,
    pub(super) number: bool,
    pub(super) boolean: bool,
    pub(super) null: bool,
    pub(super) object: bool,
    /// A list, with the shape of its items.
    pub(super) list: Option<Box<Shape>>,
    /// The shapes of a list's first items, where each place has its own.
    pub(super) places: Vec<Shape>,
    /// Nothing is said about the type.
    pub(super) anything: bool,
    /// The few values that are allowed, where the schema lists them.
    pub(super) choices: Vec<Value>,
    /// Marked `writeOnly` or `format: password`.
    pub(super) secret: bool,
}

impl Shape {
    /// Returns the shape of a property within its whole schema.
    pub(crate) fn of(property: &Value, root: &Value) -> Self {
        let mut shape = Self::default();
        shape.add(property, root, 0);
        let typed = shape.text
            || shape.moment
            || shape.day
            || shape.duration
            || shape.clock
            || shape.integer
            || shape.number
            || shape.boolean
            || shape.object
            || shape.list.is_some();
        shape.anything |= !typed && !shape.null;
        shape
    }

    /// Returns whether a JSON string may stand as it is.
    pub(super) fn takes_text(&self) -> bool {
        self.text || self.anything
    }

    /// Returns the shape of one item of a list; `None` where no list is taken.
    pub(super) fn item(&self, place: usize) -> Option<&Shape> {
        self.list
            .as_deref()
            .map(|items| self.places.get(place).unwrap_or(items))
    }

    /// Returns whether a plain number counts seconds and becomes a text.
    pub(super) fn takes_seconds(&self) -> bool {
        (self.moment || self.duration || self.clock) && !self.integer && !self.number
    }

    /// Says the type as people write it: `integer`, `list of string`, `date and time or null`.
    pub(crate) fn words(&self) -> String {
        self.nouns().join(" or ")
    }

    /// Says it as a part of a sentence: `an integer`, `a list of string`, `one of a, b`.
    pub(crate) fn noun(&self) -> String {
        let nouns = self.nouns().into_iter();
        let whole = |noun: String| match noun.starts_with("one of ") || noun == "any" {
            true => noun,
            false => article(&noun),
        };
        nouns.map(whole).collect::<Vec<_>>().join(" or ")
    }

    fn nouns(&self) -> Vec<String> {
        if self.anything {
            return vec!["any".to_owned()];
        }
        let mut words: Vec<String> = Vec::new();
        if !self.choices.is_empty() && self.choices.len() <= 8 {
            let shown: Vec<String> = self.choices.iter().map(plain).collect();
            words.push(format!("one of {}", shown.join(", ")));
        } else {
            let simple = [
                (self.text, "string"),
                (self.moment, "date and time"),
                (self.day, "date"),
                (self.duration, "duration"),
                (self.clock, "time of day"),
                (self.integer, "integer"),
                (self.number, "number"),
                (self.boolean, "boolean"),
                (self.object, "object"),
            ];
            words.extend(
                simple
                    .iter()
                    .filter(|(is, _)| *is)
                    .map(|(_, word)| (*word).to_owned()),
            );
            words.extend(self.list.as_ref().map(|items| {
                let places: Vec<String> = self.places.iter().map(Self::words).collect();
                match (places.is_empty(), items.anything) {
                    (false, _) => format!("list of {}", places.join(", ")),
                    (true, true) => "list".to_owned(),
                    (true, false) => format!("list of {}", items.words()),
                }
            }));
        }
        if self.null {
            words.push("null".to_owned());
        }
        words
    }

    fn add(&mut self, schema: &Value, root: &Value, depth: usize) {
        let Value::Object(schema) = schema else {
            self.anything = true;
            return;
        };
        if depth > MAX_DEPTH {
            self.anything = true;
            return;
        }
        self.secret |= is_secret(schema);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            match target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                Some(target) => self.add(target, root, depth + 1),
                None => self.anything = true,
            }
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.add(part, root, depth + 1);
            }
        }
        let listed = schema.get("enum").and_then(Value::as_array).cloned();
        let choices = listed.or_else(|| schema.get("const").map(|only| vec![only.clone()]));
        match (schema.get("type"), &choices) {
            (Some(Value::String(name)), _) => self.add_type(name, schema, root, depth),
            (Some(Value::Array(names)), _) => {
                for name in names.iter().filter_map(Value::as_str) {
                    self.add_type(name, schema, root, depth);
                }
            }
            (_, Some(choices)) => choices.iter().for_each(|choice| self.add_type_of(choice)),
            _ if ["$ref", "anyOf", "oneOf", "allOf"]
                .iter()
                .any(|key| schema.contains_key(*key)) => {}
            _ if schema.contains_key("properties") => self.object = true,
            _ => self.anything = true,
        }
        self.choices.extend(choices.into_iter().flatten());
    }

    fn add_type(&mut self, name: &str, schema: &Map<String, Value>, root: &Value, depth: usize) {
        match name {
            "string" => match schema.get("format").and_then(Value::as_str) {
                Some("date-time") => self.moment = true,
                Some("date") => self.day = true,
                Some("duration") => self.duration = true,
                Some("time") => self.clock = true,
                _ => self.text = true,
            },
            "integer" => self.integer = true,
            "number" => self.number = true,
            "boolean" => self.boolean = true,
            "null" => self.null = true,
            "object" => self.object = true,
            "array" => {
                let mut items = Self::default();
                match schema.get("items") {
                    Some(item) => items.add(item, root, depth + 1),
                    None => items.anything = true,
                }
                let places = schema.get("prefixItems").and_then(Value::as_array);
                for place in places.into_iter().flatten() {
                    let mut shape = Self::default();
                    shape.add(place, root, depth + 1);
                    self.secret |= shape.secret;
                    self.places.push(shape);
                }
                self.secret |= items.secret;
                self.list = Some(Box::new(items));
            }
            _ => self.anything = true,
        }
    }

    fn add_type_of(&mut self, choice: &Value) {
        match choice {
            Value::String(_) => self.text = true,
            Value::Number(number) if number.is_f64() => self.number = true,
            Value::Number(_) => self.integer = true,
            Value::Bool(_) => self.boolean = true,
            Value::Null => self.null = true,
            Value::Array(_) => {
                self.list = Some(Box::new(Self {
                    anything: true,
                    ..Self::default()
                }))
            }
            Value::Object(_) => self.object = true,
        }
    }
}

/// Shows a value as a person would type it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_secret(schema: &Map<String, Value>) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema.get("format").and_then(Value::as_str) == Some("password")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(property: Value, words: &str) {
        let root = json!({"$defs": {
            "Size": {"type": "string", "enum": ["small", "large"]},
            "Loop": {"anyOf": [{"$ref": "#/$defs/Loop"}, {"type": "integer"}]},
        }});
        assert_eq!(Shape::of(&property, &root).words(), words, "{property}");
    }

    #[test]
    fn types_are_found_through_references_and_alternatives() {
        check(json!({"type": "integer"}), "integer");
        check(json!({"type": ["string", "null"]}), "string or null");
        check(
            json!({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}),
            "date and time or null",
        );
        check(json!({"$ref": "#/$defs/Size"}), "one of small, large");
        check(
            json!({"allOf": [{"$ref": "#/$defs/Size"}], "default": "small"}),
            "one of small, large",
        );
        check(
            json!({"type": "array", "items": {"type": "string"}}),
            "list of string",
        );
        check(json!({"type": "array"}), "list");
        check(
            json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}),
            "list of integer, string",
        );
        check(json!({"type": "string", "format": "duration"}), "duration");
        check(json!({"type": "string", "format": "time"}), "time of day");
        check(json!({"enum": [1, 2]}), "one of 1, 2");
        check(json!({}), "any");
        check(json!(true), "any");
        check(json!({"$ref": "#/$defs/Missing"}), "any");
        check(json!({"$ref": "#/$defs/Loop"}), "any");
    }

    #[test]
    fn secrets_are_found_in_alternatives() {
        let root = json!({});
        let optional =
            json!({"anyOf": [{"type": "string", "format": "password", "writeOnly": true}, {"type": "null"}]});
        assert!(Shape::of(&optional, &root).secret);
        assert!(!Shape::of(&json!({"type": "string"}), &root).secret);
    }
}

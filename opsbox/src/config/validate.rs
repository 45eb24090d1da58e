//! A whole object against its JSON Schema: which fields do not fit, and why, without showing a secret.

use std::collections::BTreeMap;

use boon::{CompileError, Compiler, ErrorKind, InstanceToken, Schemas, ValidationError};
use serde_json::{Map, Value};

use super::wording::demand;

/// Where the schema is known to the validator; nothing is ever fetched.
const PLACE: &str = "https://opsbox.invalid/config.json";

/// What the validator says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Field → what is wrong, to be read after the field's name; missing fields are not among them.
    pub(crate) fields: BTreeMap<String, String>,
    /// What concerns no single field.
    pub(crate) whole: Vec<String>,
}

/// Validates what somebody set; fields named in `hidden` get messages without their value.
///
/// # Errors
/// Why the schema itself cannot be used.
pub(crate) fn validate(
    schema: &Value,
    values: &Map<String, Value>,
    hidden: &dyn Fn(&str) -> bool,
) -> Result<Verdict, String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler
        .add_resource(PLACE, schema.clone())
        .map_err(|err| err.to_string())?;
    let index = compiler
        .compile(PLACE, &mut schemas)
        .map_err(|err| refusal(&err))?;
    let object = Value::Object(values.clone());
    let mut verdict = Verdict::default();
    if let Err(error) = schemas.validate(&object, index) {
        verdict.collect(&error, hidden);
    }
    Ok(verdict)
}

/// Says where in a schema the fault is, and what it is.
fn refusal(error: &CompileError) -> String {
    let CompileError::ValidationError { src, .. } = error else {
        return error.to_string().replace(PLACE, "");
    };
    let mut innermost = src;
    while let Some(cause) = innermost.causes.first() {
        innermost = cause;
    }
    let place: Vec<_> = innermost.instance_location.tokens.iter().map(token).collect();
    let place = match place.as_slice() {
        [first, field, rest @ ..] if first == "properties" => {
            let rest = if rest.is_empty() {
                "it".to_owned()
            } else {
                format!("`{}`", rest.join("."))
            };
            format!("field `{field}`: {rest}")
        }
        _ => format!("`{}`", place.join(".")),
    };
    format!("{place} {}", demand(&innermost.kind))
}

impl Verdict {
    fn collect(&mut self, error: &ValidationError<'_, '_>, hidden: &dyn Fn(&str) -> bool) {
        let field = error.instance_location.tokens.first().map(token);
        if let Some(field) = field {
            let text = if hidden(&field) {
                "does not fit what the plugin asks of it".to_owned()
            } else {
                reason(error)
            };
            self.fields.entry(field).or_insert(text);
            return;
        }
        match &error.kind {
            // Missing fields are found by name, so that each can say where to set it.
            ErrorKind::Required { .. } => {}
            ErrorKind::AdditionalProperties { .. } => {}
            _ if !error.causes.is_empty() => {
                error.causes.iter().for_each(|cause| self.collect(cause, hidden))
            }
            kind => self.whole.push(demand(kind)),
        }
    }
}

/// Returns the reason that helps most: of alternatives all, of a chain the last.
fn reason(error: &ValidationError<'_, '_>) -> String {
    if error.causes.is_empty() {
        let within = error
            .instance_location
            .tokens
            .iter()
            .skip(1)
            .map(token)
            .collect::<Vec<_>>();
        let demand = demand(&error.kind);
        return match within.as_slice() {
            [] => demand,
            within => format!("does not fit at `{}`, which {demand}", within.join(".")),
        };
    }
    let reasons: Vec<String> = error.causes.iter().map(reason).collect();
    match error.kind {
        ErrorKind::AnyOf | ErrorKind::OneOf(_) => reasons.join(", or "),
        _ => reasons.into_iter().next().unwrap_or_default(),
    }
}

fn token(token: &InstanceToken<'_>) -> String {
    match token {
        InstanceToken::Prop(name) => name.to_string(),
        InstanceToken::Item(index) => index.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_is_none_is_refused_by_field_and_keyword() {
        let refused = |property: Value| {
            let schema = json!({"type": "object", "properties": {"x": property}});
            validate(&schema, &Map::new(), &|_| false).unwrap_err()
        };
        assert_eq!(
            refused(json!({"type": "string", "pattern": "("})),
            "field `x`: `pattern` must be a valid regex"
        );
        assert!(refused(json!({"type": 7})).starts_with("field `x`: `type` must be"));
        assert!(refused(json!([])).starts_with("field `x`: it must be"));
    }
}

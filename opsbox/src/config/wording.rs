//! What a JSON Schema asks of a value, in words that stand after the name of what is wrong: `must be at least 1`.

use boon::ErrorKind;
use serde_json::Value;

use super::shape::plain;

/// Returns what the value must be, without showing it.
pub(super) fn demand(kind: &ErrorKind<'_, '_>) -> String {
    let items = |n: &usize| counted(*n, "item");
    let members = |n: &usize| counted(*n, "member");
    match kind {
        ErrorKind::Type { got, want } => {
            let wanted: Vec<_> = want.iter().map(|kind| article(&kind.to_string())).collect();
            format!(
                "must be {}, not {}",
                wanted.join(" or "),
                article(&got.to_string())
            )
        }
        ErrorKind::Enum { want } => match want.as_slice() {
            [only] => format!("must be `{}`", plain(only)),
            choices => format!("must be one of {}", listed(choices)),
        },
        ErrorKind::Const { want } => format!("must be `{}`", plain(want)),
        ErrorKind::Format { want, .. } => format!("must be a valid {want}"),
        ErrorKind::Pattern { want, .. } => format!("must match the pattern `{want}`"),
        ErrorKind::MinLength { want: 1, .. } => "must not be empty".to_owned(),
        ErrorKind::MinLength { want, .. } => format!("must have at least {}", counted(*want, "character")),
        ErrorKind::MaxLength { want, .. } => format!("must have at most {}", counted(*want, "character")),
        ErrorKind::Minimum { want, .. } => format!("must be at least {want}"),
        ErrorKind::Maximum { want, .. } => format!("must be at most {want}"),
        ErrorKind::ExclusiveMinimum { want, .. } => format!("must be more than {want}"),
        ErrorKind::ExclusiveMaximum { want, .. } => format!("must be less than {want}"),
        ErrorKind::MultipleOf { want, .. } => format!("must be a multiple of {want}"),
        ErrorKind::MinItems { want: 1, .. } => "must not be empty".to_owned(),
        ErrorKind::MinItems { want, .. } => format!("must have at least {}", items(want)),
        ErrorKind::MaxItems { want, .. } => format!("must have at most {}", items(want)),
        ErrorKind::UniqueItems { got: [first, second] } => {
            format!("must have no item twice, and items {first} and {second} are equal")
        }
        ErrorKind::MinProperties { want, .. } => format!("must have at least {}", members(want)),
        ErrorKind::MaxProperties { want, .. } => format!("must have at most {}", members(want)),
        ErrorKind::Required { want } => format!("must have {}", named(want)),
        ErrorKind::AdditionalProperties { got } => format!("must not have {}", named(got)),
        ErrorKind::Not | ErrorKind::FalseSchema => "must be another value".to_owned(),
        other => format!("must fit its schema: {other}"),
    }
}

/// Returns the name of a type with its article.
pub(super) fn article(noun: &str) -> String {
    let article = match noun.chars().next() {
        _ if noun == "null" => return noun.to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => "an",
        _ => "a",
    };
    format!("{article} {noun}")
}

fn counted(n: usize, thing: &str) -> String {
    let end = if n == 1 { "" } else { "s" };
    format!("{n} {thing}{end}")
}

fn listed(values: &[Value]) -> String {
    values.iter().map(plain).collect::<Vec<_>>().join(", ")
}

fn named<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use boon::{Compiler, Schemas};
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Value, value: Value, wanted: &str) {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("x:s.json", schema).unwrap();
        let index = compiler.compile("x:s.json", &mut schemas).unwrap();
        let error = schemas.validate(&value, index).unwrap_err();
        assert_eq!(demand(&error.causes[0].kind), wanted);
    }

    #[test]
    fn what_a_schema_asks_is_told_in_words() {
        check(
            json!({"type": "string"}),
            json!(7),
            "must be a string, not a number",
        );
        check(
            json!({"type": ["integer", "null"]}),
            json!("x"),
            "must be null or an integer, not a string",
        );
        check(json!({"enum": ["a", 1]}), json!("b"), "must be one of a, 1");
        check(json!({"const": "a"}), json!("b"), "must be `a`");
        check(
            json!({"pattern": "^a"}),
            json!("b"),
            "must match the pattern `^a`",
        );
        check(json!({"format": "date"}), json!("b"), "must be a valid date");
        check(json!({"minLength": 1}), json!(""), "must not be empty");
        check(
            json!({"minLength": 2}),
            json!(""),
            "must have at least 2 characters",
        );
        check(
            json!({"maxLength": 1}),
            json!("ab"),
            "must have at most 1 character",
        );
        check(json!({"minimum": 1}), json!(0), "must be at least 1");
        check(json!({"maximum": 1.5}), json!(2), "must be at most 1.5");
        check(json!({"exclusiveMinimum": 1}), json!(1), "must be more than 1");
        check(json!({"exclusiveMaximum": 1}), json!(1), "must be less than 1");
        check(json!({"multipleOf": 2}), json!(1), "must be a multiple of 2");
        check(json!({"minItems": 1}), json!([]), "must not be empty");
        check(json!({"minItems": 2}), json!([]), "must have at least 2 items");
        check(json!({"maxItems": 0}), json!([1]), "must have at most 0 items");
        check(
            json!({"uniqueItems": true}),
            json!([1, 1]),
            "must have no item twice, and items 0 and 1 are equal",
        );
        check(json!({"required": ["a", "b"]}), json!({}), "must have `a`, `b`");
        check(
            json!({"additionalProperties": false}),
            json!({"a": 1}),
            "must not have `a`",
        );
        check(json!({"not": {}}), json!(1), "must be another value");
    }
}

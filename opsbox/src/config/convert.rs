//! What somebody typed → a value of the type that the field declares; nothing is guessed.

use jiff::Zoned;
use serde_json::{Number, Value};

use super::Raw;
use super::dates;
use super::durations;
use super::shape::Shape;

/// How texts become values.
pub(crate) struct Converter<'a> {
    /// The time that "90 days ago" counts from.
    pub(crate) now: &'a Zoned,
    /// Whether moments lose their offset, as old plugins expect.
    pub(crate) naive: bool,
}

impl Converter<'_> {
    /// Converts a raw value to what the shape allows.
    ///
    /// # Errors
    /// What the value must be, to be read after "must be".
    pub(crate) fn convert(&self, raw: &Raw, shape: &Shape) -> Result<Value, String> {
        match raw {
            Raw::Text(text) => self.text(text, shape),
            Raw::List(texts) => self.list(texts, shape),
            Raw::Bare if shape.boolean || shape.anything => Ok(Value::Bool(true)),
            Raw::Bare => Err(format!("{}, so the flag needs a value", shape.noun())),
            Raw::Json(value) => self.json(value, shape),
        }
    }

    fn text(&self, text: &str, shape: &Shape) -> Result<Value, String> {
        let choice = shape
            .choices
            .iter()
            .find(|choice| super::shape::plain(choice) == text);
        if let Some(choice) = choice {
            return Ok(choice.clone());
        }
        if shape.takes_text() {
            return Ok(Value::from(text));
        }
        let trimmed = text.trim();
        let moment = || dates::moment(text, self.now, self.naive).map(Value::from);
        let day = || dates::day(text, self.now).map(Value::from);
        let duration = || durations::duration(text).map(Value::from);
        let clock = || durations::clock(text).map(Value::from);
        let found = None
            .or_else(|| if shape.integer { integer(trimmed) } else { None })
            .or_else(|| if shape.number { number(trimmed) } else { None })
            .or_else(|| if shape.boolean { boolean(trimmed) } else { None })
            .or_else(|| if shape.moment { moment() } else { None })
            .or_else(|| if shape.day { day() } else { None })
            .or_else(|| if shape.duration { duration() } else { None })
            .or_else(|| if shape.clock { clock() } else { None })
            .or_else(|| if shape.null { null(trimmed) } else { None })
            .or_else(|| {
                if shape.object {
                    json_of(trimmed).filter(Value::is_object)
                } else {
                    None
                }
            });
        match (found, &shape.list) {
            (Some(value), _) => Ok(value),
            (None, Some(_)) => self.split(trimmed, shape).map_err(|_| shape.noun()),
            (None, None) => Err(explained(shape)),
        }
    }

    fn list(&self, texts: &[String], shape: &Shape) -> Result<Value, String> {
        if shape.list.is_none() {
            if shape.anything {
                return Ok(texts.iter().map(|text| Value::from(text.as_str())).collect());
            }
            // `--since 90 days ago`: a shell has made three words of one date.
            if shape.moment || shape.day || shape.duration {
                return self.text(&texts.join(" "), shape);
            }
            return Err(format!("one value ({}), not {}", shape.words(), texts.len()));
        }
        self.items(texts.iter().map(String::as_str), shape)
            .map_err(|_| shape.noun())
    }

    /// Converts the items of a list, each by the shape of its place.
    fn items<'a>(&self, texts: impl Iterator<Item = &'a str>, shape: &Shape) -> Result<Value, String> {
        texts
            .enumerate()
            .map(|(place, text)| match shape.item(place) {
                Some(item) => self.text(text, item),
                None => Ok(Value::from(text)),
            })
            .collect()
    }

    /// Reads one text as a list: a JSON array, or parts between commas.
    fn split(&self, text: &str, shape: &Shape) -> Result<Value, String> {
        if text.starts_with('[')
            && let Some(value @ Value::Array(_)) = json_of(text)
        {
            return Ok(value);
        }
        if text.is_empty() {
            return Ok(Value::Array(Vec::new()));
        }
        self.items(text.split(',').map(str::trim), shape)
    }

    /// Converts texts inside a value of a file where the field takes no text; the rest is left to the schema.
    fn json(&self, value: &Value, shape: &Shape) -> Result<Value, String> {
        match (value, &shape.list) {
            (Value::String(text), _) if !shape.takes_text() => self.text(text, shape),
            (Value::Number(seconds), _) if shape.takes_seconds() => self.text(&seconds.to_string(), shape),
            (Value::Array(values), Some(items)) => values
                .iter()
                .enumerate()
                .map(|(place, value)| self.json(value, shape.item(place).unwrap_or(items)))
                .collect::<Result<Value, _>>(),
            _ => Ok(value.clone()),
        }
    }
}

fn explained(shape: &Shape) -> String {
    match shape.moment || shape.day {
        true => format!("{} such as `2026-01-31` or `90 days ago`", shape.noun()),
        false if shape.duration => format!("{} {}", shape.noun(), durations::DURATIONS),
        false if shape.clock => format!("{} {}", shape.noun(), durations::TIMES),
        false if shape.boolean => format!("{} (true or false)", shape.noun()),
        false => shape.noun(),
    }
}

fn integer(text: &str) -> Option<Value> {
    let plain = text.strip_prefix('+').unwrap_or(text);
    // `1_000` is how Python writes it; an underscore elsewhere is a typing error.
    let fine = !plain.starts_with('_') && !plain.ends_with('_') && !plain.contains("__");
    let digits: String = plain.chars().filter(|c| *c != '_').collect();
    if !fine {
        return None;
    }
    digits
        .parse::<i64>()
        .map(Value::from)
        .or_else(|_| digits.parse::<u64>().map(Value::from))
        .ok()
        .or_else(|| whole(plain))
}

/// Reads `100.0` and `1e3`, which are whole numbers in a float's dress.
fn whole(text: &str) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float: f64 = text
        .contains(|c: char| c.is_ascii_digit())
        .then(|| text.parse().ok())??;
    // Within these bounds a float holds every whole number, so the cast loses nothing.
    #[allow(clippy::cast_possible_truncation)]
    (float.fract() == 0.0 && float.abs() <= EXACT).then(|| Value::from(float as i64))
}

fn number(text: &str) -> Option<Value> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-_".contains(&byte))
    };
    integer(text)
        // A float stays a float, as it was written.
        .filter(|_| digits(text))
        .or_else(|| {
            text.parse::<f64>()
                .ok()
                .and_then(Number::from_f64)
                .map(Value::Number)
        })
}

fn boolean(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" => Some(Value::Bool(true)),
        "false" | "no" | "off" | "0" | "n" | "f" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn null(text: &str) -> Option<Value> {
    matches!(text.to_ascii_lowercase().as_str(), "" | "null" | "none").then_some(Value::Null)
}

fn json_of(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn convert(raw: Raw, property: Value) -> Result<Value, String> {
        let now = "2026-03-31T12:00:00+00:00[+00:00]".parse().unwrap();
        let shape = Shape::of(&property, &json!({}));
        Converter {
            now: &now,
            naive: true,
        }
        .convert(&raw, &shape)
    }

    fn text(text: &str, property: Value) -> Result<Value, String> {
        convert(Raw::Text(text.to_owned()), property)
    }

    #[test]
    fn text_stays_text_where_text_is_allowed() {
        for given in ["sa-east-1", "12", "true", "90 days ago", ""] {
            assert_eq!(text(given, json!({"type": "string"})), Ok(json!(given)));
            assert_eq!(
                text(given, json!({"type": ["integer", "string"]})),
                Ok(json!(given))
            );
            assert_eq!(text(given, json!({})), Ok(json!(given)));
        }
    }

    #[test]
    fn text_becomes_the_declared_type() {
        let integer = json!({"type": "integer"});
        assert_eq!(text("007", integer.clone()), Ok(json!(7)));
        assert_eq!(text("1_000", integer.clone()), Ok(json!(1000)));
        assert_eq!(text("100.0", integer.clone()), Ok(json!(100)));
        assert_eq!(text("-1e3", integer.clone()), Ok(json!(-1000)));
        assert_eq!(text("1.0", json!({"type": "number"})), Ok(json!(1.0)));
        assert_eq!(text("18446744073709551615", integer.clone()), Ok(json!(u64::MAX)));
        assert_eq!(text("1.5", json!({"type": "number"})), Ok(json!(1.5)));
        assert_eq!(text("3", json!({"type": "number"})), Ok(json!(3)));
        assert_eq!(text("Yes", json!({"type": "boolean"})), Ok(json!(true)));
        assert_eq!(
            text("none", json!({"type": ["integer", "null"]})),
            Ok(Value::Null)
        );
        assert_eq!(
            text("a, b", json!({"type": "array", "items": {"type": "string"}})),
            Ok(json!(["a", "b"]))
        );
        assert_eq!(
            text("[1,2]", json!({"type": "array", "items": integer})),
            Ok(json!([1, 2]))
        );
        assert_eq!(text(r#"{"a":1}"#, json!({"type": "object"})), Ok(json!({"a": 1})));
        assert_eq!(text("2", json!({"enum": [1, 2]})), Ok(json!(2)));
        let moment = json!({"type": "string", "format": "date-time"});
        assert_eq!(
            text("90 days ago", moment.clone()),
            Ok(json!("2025-12-31T12:00:00"))
        );
        assert_eq!(text("1717200000", moment), Ok(json!("2024-06-01T00:00:00Z")));
    }

    #[test]
    fn text_that_does_not_fit_says_what_would() {
        for given in ["abc", "1.5", "1e300", "inf", "", "1_.0"] {
            assert_eq!(
                text(given, json!({"type": "integer"})),
                Err("an integer".into()),
                "{given}"
            );
        }
        assert_eq!(text("nan", json!({"type": "number"})), Err("a number".into()));
        assert_eq!(
            text("maybe", json!({"type": "boolean"})),
            Err("a boolean (true or false)".into())
        );
        let moment = json!({"type": "string", "format": "date-time"});
        let wanted = "a date and time such as `2026-01-31` or `90 days ago`";
        assert_eq!(text("soon", moment), Err(wanted.into()));
        assert_eq!(
            text("1,x", json!({"type": "array", "items": {"type": "integer"}})),
            Err("a list of integer".into())
        );
    }

    #[test]
    fn several_values_and_none_are_for_lists_and_booleans() {
        let list = json!({"type": "array", "items": {"type": "integer"}});
        assert_eq!(
            convert(Raw::List(vec!["1".into(), "2".into()]), list),
            Ok(json!([1, 2]))
        );
        assert_eq!(
            convert(
                Raw::List(vec!["1".into(), "2".into()]),
                json!({"type": "integer"})
            ),
            Err("one value (integer), not 2".into())
        );
        let moment = json!({"type": "string", "format": "date-time"});
        assert_eq!(
            convert(Raw::List(vec!["90".into(), "days".into(), "ago".into()]), moment),
            Ok(json!("2025-12-31T12:00:00"))
        );
        assert_eq!(convert(Raw::Bare, json!({"type": "boolean"})), Ok(json!(true)));
        assert!(convert(Raw::Bare, json!({"type": "string"})).is_err());
    }

    #[test]
    fn seconds_and_tuples_are_taken_from_flags_and_files_alike() {
        let duration = json!({"anyOf": [{"type": "string", "format": "duration"}, {"type": "null"}]});
        let clock = json!({"type": "string", "format": "time"});
        let pair = json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]});
        assert_eq!(text("3600", duration.clone()), Ok(json!("PT3600S")));
        assert_eq!(
            convert(Raw::Json(json!(1.5)), duration.clone()),
            Ok(json!("PT1.5S"))
        );
        assert_eq!(
            convert(Raw::List(vec!["1".into(), "hour".into()]), duration.clone()),
            Ok(json!("PT1H"))
        );
        assert_eq!(
            text("nonsense", duration),
            Err("a duration or null such as `PT1H`, `1h 30m`, `01:30:00`, or a number of seconds".into())
        );
        assert_eq!(convert(Raw::Json(json!(36000)), clock), Ok(json!("10:00:00Z")));
        let both = vec!["3".into(), "4".into()];
        assert_eq!(convert(Raw::List(both), pair.clone()), Ok(json!([3, "4"])));
        assert_eq!(text("3,4", pair.clone()), Ok(json!([3, "4"])));
        assert_eq!(
            convert(Raw::Json(json!(["3", "b"])), pair.clone()),
            Ok(json!([3, "b"]))
        );
        assert_eq!(text("x,b", pair), Err("a list of integer, string".into()));
    }

    #[test]
    fn values_of_files_keep_their_type_unless_only_text_could_be_meant() {
        assert_eq!(
            convert(Raw::Json(json!("7")), json!({"type": "integer"})),
            Ok(json!(7))
        );
        assert_eq!(
            convert(Raw::Json(json!(7)), json!({"type": "string"})),
            Ok(json!(7)),
            "refused by the schema later"
        );
        let list = json!({"type": "array", "items": {"type": "integer"}});
        assert_eq!(convert(Raw::Json(json!(["1", 2])), list), Ok(json!([1, 2])));
        let moment = json!({"type": "string", "format": "date-time"});
        assert_eq!(
            convert(Raw::Json(json!(1_717_200_000.5)), moment),
            Ok(json!("2024-06-01T00:00:00.5Z")),
            "seconds since 1970, as the original took them"
        );
    }
}

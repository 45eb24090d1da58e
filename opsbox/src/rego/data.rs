//! JSON text into Rego values, without another tree in between.

use std::borrow::Cow;
use std::collections::BTreeMap;

use opsbox_bulk::tree;
use regorus::Value;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::RegoError;

/// Decimal digits of the largest integer that the JSON parser keeps exactly are 20; a run that long may be a larger one.
const WIDE_DIGITS: usize = 20;

/// Parses JSON text.
///
/// Integers of any size stay exact. `what` names the data in the error.
///
/// # Errors
/// [`RegoError::Data`] where the text is not JSON or holds a number out of range.
pub fn parse(what: &'static str, json: &str) -> Result<Value, RegoError> {
    let parsed = if may_hold_wide_integer(json.as_bytes()) {
        parse_wide(json)
    } else {
        tree::of_json(json).map_err(|error| error.to_string())
    };
    parsed.map_err(|why| RegoError::Data { what, why })
}

/// Reads a whole line in one pass: of the largest messages each one costs.
///
/// `None` where it cannot be read so: then [`parse`] reads its parts, or says why nobody can.
pub fn message(line: &str) -> Option<Value> {
    if may_hold_wide_integer(line.as_bytes()) {
        return None;
    }
    tree::of_json(line).ok()
}

/// What a policy sees as `input`.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its value.
    pub value: Value,
    /// Whether it is the member `input` of the details, rather than the details themselves.
    is_member: bool,
}

impl Input {
    /// Takes it out of a Result's details: `details.input` where there is one, else the details.
    pub fn of(details: Value) -> Self {
        let member = details
            .as_object()
            .ok()
            .and_then(|fields| fields.get(&Value::from("input")).cloned());
        Self {
            is_member: member.is_some(),
            value: member.unwrap_or(details),
        }
    }

    /// Returns the input with these keys set, as a plugin would set them in `details["input"]`; the other parts are shared, not copied.
    ///
    /// # Errors
    /// [`RegoError::NoInput`] where the details have no `input` that is an object.
    pub fn with(&self, patch: &Value) -> Result<Value, RegoError> {
        let mut value = self.value.clone();
        match (value.as_object_mut(), patch.as_object()) {
            (Ok(fields), Ok(set)) if self.is_member => {
                for (key, item) in set.iter() {
                    fields.insert(key.clone(), item.clone());
                }
            }
            _ => return Err(RegoError::NoInput),
        }
        Ok(value)
    }
}

/// A run of n digits covers an index that is a multiple of n, so only those need to be looked at.
fn may_hold_wide_integer(json: &[u8]) -> bool {
    let is_digit = |at: &usize| json[*at].is_ascii_digit();
    (0..json.len()).step_by(WIDE_DIGITS).filter(is_digit).any(|at| {
        let before = json[..at]
            .iter()
            .rev()
            .take(WIDE_DIGITS)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let after = json[at..]
            .iter()
            .take(WIDE_DIGITS)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        before + after >= WIDE_DIGITS
    })
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Parses level by level, since only the text of a number tells whether it is an integer of many digits.
fn parse_wide(json: &str) -> Result<Value, String> {
    let json = json.trim();
    let text = |error: serde_json::Error| error.to_string();
    match json.as_bytes().first() {
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).map_err(text)?;
            let items = items.into_iter().map(|item| parse_wide(item.get()));
            Ok(Value::from(items.collect::<Result<Vec<Value>, _>>()?))
        }
        Some(b'{') => {
            let fields: BTreeMap<Key<'_>, &RawValue> = serde_json::from_str(json).map_err(text)?;
            let fields = fields
                .into_iter()
                .map(|(Key(key), item)| Ok((Value::from(key.as_ref()), parse_wide(item.get())?)));
            Ok(Value::from(
                fields.collect::<Result<BTreeMap<Value, Value>, String>>()?,
            ))
        }
        Some(b'-' | b'0'..=b'9')
            if json.len() >= WIDE_DIGITS
                && json.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) =>
        {
            // Only whole JSON numbers come here: the level above was parsed.
            serde_json::from_str::<&RawValue>(json).map_err(text)?;
            Value::from_numeric_string(json).map_err(|error| error.to_string())
        }
        _ => Value::from_json_str(json).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rego::spell::Speller;

    #[test]
    fn integers_of_any_size_stay_exact() {
        let json = r#"{"a":[123456789012345678901234567890,-9223372036854775809],"b":{"c":18446744073709551616},"d":"123456789012345678901234567890","e":1.5}"#;
        assert_eq!(Speller::default().text(&parse("data", json).unwrap()), json);
    }

    #[test]
    fn a_run_of_twenty_digits_is_found_at_every_offset() {
        for offset in 0..45 {
            let json = format!("{}{}", "x".repeat(offset), "1".repeat(20));
            assert!(may_hold_wide_integer(json.as_bytes()), "offset {offset}");
            assert!(
                !may_hold_wide_integer(&json.as_bytes()[..json.len() - 1]),
                "offset {offset}"
            );
        }
    }

    #[test]
    fn a_number_out_of_range_is_an_error() {
        let error = parse("the provider's data", r#"{"a":1e400}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot read the provider's data: "),
            "{error}"
        );
    }

    #[test]
    fn input_is_the_member_of_that_name_or_the_whole() {
        let text = |json: &str| Speller::default().text(&Input::of(parse("data", json).unwrap()).value);
        assert_eq!(text(r#"{"input":{"a":1},"b":2}"#), r#"{"a":1}"#);
        assert_eq!(text(r#"{"b":2}"#), r#"{"b":2}"#);
        assert_eq!(text(r#"[{"input":1}]"#), r#"[{"input":1}]"#);
    }

    #[test]
    fn a_patch_sets_keys_of_the_member_and_leaves_the_kept_input_as_it_was() {
        let input = Input::of(parse("data", r#"{"input":{"a":1,"b":[2]},"c":3}"#).unwrap());
        let patch = parse("patch", r#"{"b":1e21,"z":{"y":123456789012345678901}}"#).unwrap();
        let patched = Speller::default().text(&input.with(&patch).unwrap());
        assert_eq!(patched, r#"{"a":1,"b":1e+21,"z":{"y":123456789012345678901}}"#);
        assert_eq!(Speller::default().text(&input.value), r#"{"a":1,"b":[2]}"#);
    }

    #[test]
    fn without_a_member_that_is_an_object_there_is_nothing_to_patch() {
        let patch = parse("patch", r#"{"a":1}"#).unwrap();
        for json in [
            "{}",
            r#"{"a":2}"#,
            r#"{"input":[1]}"#,
            r#"{"input":null}"#,
            r#"[{"input":{}}]"#,
        ] {
            let input = Input::of(parse("data", json).unwrap());
            assert_eq!(input.with(&patch).unwrap_err(), RegoError::NoInput, "{json}");
        }
    }

    #[test]
    fn a_fraction_is_read_as_the_nearest_number_to_its_last_digit() {
        for (text, nearest) in [
            ("0.33333333333333333334", "0.3333333333333333"),
            ("122.416294033786585", "122.41629403378658"),
            ("8.988465674311582e307", "8.988465674311582e+307"),
            (
                "0.000000000000000000000000000000000000012345678901234567",
                "1.2345678901234567e-38",
            ),
        ] {
            assert_eq!(
                Speller::default().text(&parse("data", text).unwrap()),
                nearest,
                "{text}"
            );
        }
        // Every one of these has 17 digits, the most that a double can need.
        let mut bits = 0x3fd5_5555_5555_5555_u64;
        for _ in 0..10_000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(bits >> 2);
            let text = format!("[{number:.16e}]");
            let read = Speller::default().text(&parse("data", &text).unwrap());
            let read: [f64; 1] = serde_json::from_str(&read).unwrap();
            assert_eq!(read[0].to_bits(), number.to_bits(), "{text}");
        }
    }
}

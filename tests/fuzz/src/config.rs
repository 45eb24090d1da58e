//! Configuration: files read as their formats say, values of the declared type and never guessed, dates that mean themselves.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Zoned};
use opsbox::config::{Assignment, Raw, Wanted, fields_of};
use opsbox::fuzzing;
use opsbox::manifest::units;
use serde_json::{Map, Value};

/// The first byte says what the rest is: a JSON file, a TOML file, a date or a size, or a schema and a value with a NUL between them.
pub fn check(data: &[u8]) {
    let [kind, rest @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match kind % 4 {
        0 => {
            let wanted = serde_json::from_str::<Map<String, Value>>(text);
            assert_eq!(fuzzing::json_object(text).ok(), wanted.ok());
        }
        1 => {
            let read = fuzzing::toml_object(text);
            assert_eq!(read.is_ok(), toml::from_str::<toml::Table>(text).is_ok());
        }
        2 => check_units(text),
        _ => {
            if let Some((schema, value)) = text.split_once('\0')
                && let Ok(schema) = serde_json::from_str(schema)
            {
                check_field(&schema, value);
            }
        }
    }
}

fn now() -> Zoned {
    "2026-03-31T12:00:00.75+00:00[+00:00]".parse().expect("a moment")
}

fn check_units(text: &str) {
    for legacy in [false, true] {
        if let Some(moment) = fuzzing::moment(text, &now(), legacy) {
            assert!(
                moment.starts_with(|c: char| c.is_ascii_digit()),
                "{text:?} became {moment:?}"
            );
            let whole = moment.parse::<Timestamp>().is_ok();
            assert!(
                whole || (legacy && moment.parse::<DateTime>().is_ok()),
                "{text:?} became {moment:?}"
            );
            assert_eq!(fuzzing::moment(&moment, &now(), legacy), Some(moment));
        }
    }
    if let Some(day) = fuzzing::day(text, &now()) {
        assert!(day.parse::<Date>().is_ok(), "{text:?} became {day:?}");
        assert_eq!(fuzzing::day(&day, &now()), Some(day));
    }
    if let Ok(time) = units::duration(text) {
        assert!(time.as_secs() <= 31_536_000);
        let _words = units::words(time);
    }
    if let Ok(size) = units::size(text) {
        assert_eq!(units::size(&size.to_string()), Ok(size));
    }
    if let Ok(set) = Assignment::parse(text) {
        let Raw::Text(value) = &set.raw else {
            panic!("a text became something else")
        };
        assert!(text.ends_with(&format!("={value}")) && !set.field.is_empty());
    }
}

fn check_field(schema: &Value, value: &str) {
    let list = Raw::List(value.split(' ').map(str::to_owned).collect());
    let mut given = vec![Raw::Text(value.to_owned()), list, Raw::Bare];
    given.extend(serde_json::from_str(value).ok().map(Raw::Json));
    for raw in given {
        if let Ok(found) = fuzzing::convert(schema, &raw, &now(), true) {
            check_type(schema, &raw, &found);
            let again = fuzzing::convert(schema, &Raw::Json(found.clone()), &now(), true);
            assert_eq!(
                again,
                Ok(found),
                "what was converted is converted again, {schema}"
            );
        }
    }
    let _words = fuzzing::words(schema);
    let fields = fields_of(Wanted {
        plugin: "fuzz",
        schema,
        legacy: true,
    });
    assert!(fields.iter().all(|field| field.plugin == "fuzz"));
    if let Ok(Value::Object(values)) = serde_json::from_str(value) {
        let _verdict = fuzzing::validate(schema, &values);
    }
}

/// A text becomes what a plain type says, or nothing.
fn check_type(schema: &Value, raw: &Raw, found: &Value) {
    let plain = schema.as_object().is_some_and(|schema| schema.len() == 1);
    if !plain || matches!(raw, Raw::Json(_)) {
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("string") => found.is_string(),
        Some("integer") => found.is_i64() || found.is_u64(),
        Some("number") => found.is_number(),
        Some("boolean") => found.is_boolean(),
        Some("object") => found.is_object(),
        Some("array") => found.is_array(),
        Some("null") => found.is_null(),
        _ => true,
    };
    assert!(fits, "{raw:?} became {found} for {schema}");
}

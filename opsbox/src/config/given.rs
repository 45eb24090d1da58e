//! What flags alone give one plugin, for whoever asks no file and no variable.

use jiff::Zoned;
use serde_json::{Map, Value};

use super::convert::Converter;
use super::layers::Layer;
use super::resolve::declared;
use super::{Assignment, Grammar, Raw, Wanted};
use crate::error::Fault;

/// Returns the fields that flags set of a plugin, each of the type that the schema declares; of what it does not declare, JSON is read, and
/// any other text is one. The last of several flags for a field counts, as in a run.
///
/// # Errors
/// A fault for each value that does not fit.
pub fn of_flags(
    wanted: Wanted<'_>,
    flags: &[Assignment],
    now: &Zoned,
) -> Result<Map<String, Value>, Vec<Fault>> {
    let converter = Converter {
        now,
        naive: wanted.legacy,
    };
    let declared = declared(wanted);
    let layer = Layer::Flags(flags.to_vec(), Grammar::Modern);
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for flag in flags {
        let Some(found) = layer.get(wanted.plugin, &flag.field) else {
            continue;
        };
        let known = declared.iter().find(|(report, _)| report.name == flag.field);
        let value = match known {
            Some((report, shape)) => converter.convert(&found.raw, shape).map_err(|must| {
                let text = match &found.raw {
                    Raw::Text(text) => Some(text.as_str()),
                    _ => None,
                };
                report.wrong(text, &found.origin, &format!("must be {must}"), Grammar::Modern)
            }),
            None => Ok(undeclared(found.raw)),
        };
        match value {
            Ok(value) => {
                values.insert(flag.field.clone(), value);
            }
            Err(fault) if !faults.contains(&fault) => faults.push(fault),
            Err(_) => {}
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(faults)
    }
}

fn undeclared(raw: Raw) -> Value {
    match raw {
        Raw::Text(text) => serde_json::from_str(&text).unwrap_or_else(|_| text.into()),
        Raw::List(texts) => texts.into(),
        Raw::Bare => true.into(),
        Raw::Json(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flags_have_the_types_of_the_schema_and_without_one_those_of_json() {
        let schema = json!({"properties": {
            "pin": {"type": "integer"}, "code": {"type": "string"},
            "hosts": {"type": "array", "items": {"type": "string"}}
        }});
        let of = |texts: &[&str]| {
            let flags: Vec<_> = texts
                .iter()
                .map(|text| Assignment::parse(text).unwrap())
                .collect();
            let wanted = Wanted {
                plugin: "talk",
                schema: &schema,
                legacy: false,
            };
            of_flags(wanted, &flags, &Zoned::now())
        };
        let given = [
            "pin=73519246",
            "code=007",
            "hosts=a",
            "hosts=a,b",
            "more=[1]",
            "word=on",
            "other.pin=1",
        ];
        assert_eq!(
            Value::Object(of(&given).unwrap()),
            json!({"pin": 73519246, "code": "007", "hosts": ["a", "b"], "more": [1], "word": "on"})
        );
        let faults = of(&["pin=x"]).unwrap_err();
        assert!(
            faults[0].message.contains("`pin` must be an integer"),
            "{faults:?}"
        );
    }
}

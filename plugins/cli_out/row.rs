//! One finding as a row: how bad, which check, and one line of text that names the resource.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::json;
use crate::severity::{self, Severity};
use crate::text::shown;

/// A finding, ready to be shown.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) severity: Severity,
    pub(super) source: String,
    pub(super) text: String,
}

impl Row {
    pub(super) fn new(source: &str, finding: &RawValue) -> Self {
        Self {
            severity: severity::of_finding(finding),
            source: shown(source),
            text: shown(&text_of(finding)),
        }
    }
}

/// Keys that name a resource, the surest first.
const NAMES: [&str; 9] = [
    "resource", "name", "id", "arn", "path", "mount", "user", "host", "key",
];

fn text_of(finding: &RawValue) -> String {
    let Some(members) = json::members(finding.get()) else {
        return scalar(finding).unwrap_or_default();
    };
    let value_of = |wanted: &str| {
        members
            .iter()
            .find(|(key, _)| *key == wanted)
            .and_then(|(_, value)| scalar(value))
            .filter(|text| !text.is_empty())
    };
    let name = NAMES
        .iter()
        .find_map(|key| value_of(key).map(|value| ((*key).to_owned(), value)))
        .or_else(|| {
            let ends = |key: &str| {
                ["_id", "_name", "Id", "Name", "_arn"]
                    .iter()
                    .any(|end| key.ends_with(end))
            };
            members
                .iter()
                .find(|(key, _)| ends(key))
                .and_then(|(key, value)| Some((key.to_string(), scalar(value)?)))
        })
        .or_else(|| {
            members
                .iter()
                .find_map(|(key, value)| Some((key.to_string(), scalar(value)?)))
        });
    let message = ["message", "summary", "title", "reason"]
        .iter()
        .find_map(|key| value_of(key));
    match (name, message) {
        (Some((_, name)), Some(message)) if !message.contains(&name) => format!("{name}: {message}"),
        (_, Some(message)) => message,
        (Some((name_key, name)), None) => {
            let rest = members
                .iter()
                .filter(|(key, _)| *key != name_key && *key != "severity" && *key != "remediation");
            let facts: Vec<_> = rest
                .filter_map(|(key, value)| Some(format!("{key}={}", scalar(value)?)))
                .collect();
            if facts.is_empty() {
                name
            } else {
                format!("{name}: {}", facts.join(" "))
            }
        }
        (None, None) => finding.get().to_owned(),
    }
}

/// Returns a text, number or boolean as people write it; `None` for what is nested or null.
fn scalar(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<Value>(value.get())
            .ok()?
            .as_str()
            .map(str::to_owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_the_resource_whatever_the_findings_keys() {
        for (finding, text) in [
            (r#"{"resource":"/var","message":"/var is full"}"#, "/var is full"),
            (
                r#"{"resource":"web","message":"is old","severity":"low"}"#,
                "web: is old",
            ),
            (
                r#"{"state":"on","volume_id":"vol-1","size":8.0,"tags":[]}"#,
                "vol-1: state=on size=8.0",
            ),
            (r#"{"count":3}"#, "3"),
            (r#"{"a":{}}"#, r#"{"a":{}}"#),
            (r#""plain""#, "plain"),
        ] {
            assert_eq!(
                Row::new("c", serde_json::from_str(finding).expect("JSON")).text,
                text,
                "{finding}"
            );
        }
    }
}

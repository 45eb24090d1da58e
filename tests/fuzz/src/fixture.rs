//! A Result without a secret: still JSON, nothing else changed, and the secret in none of its texts and names.

use opsbox::fuzzing;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Shorter secrets are hidden as whole words only.
const ANYWHERE_CHARS: usize = 8;

const OF_A_RESULT: [&str; 5] = [
    "relates_to",
    "result_name",
    "result_description",
    "details",
    "formatted",
];

/// The first line is the secret, the rest the JSON text.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some((secret, json)) = text.split_once('\n') else {
        return;
    };
    // What stands in the place of a secret is no secret.
    let is_marker = secret.contains(['<', '>']) || secret.contains("secret") || "secret".contains(secret);
    // The names of a Result's own members stay.
    let is_member = OF_A_RESULT.iter().any(|name| name.contains(secret));
    if is_marker || is_member || serde_json::from_str::<IgnoredAny>(json).is_err() {
        return;
    }
    let (shown, n_hidden) = fuzzing::without_secret(secret, json);
    assert!(serde_json::from_str::<IgnoredAny>(&shown).is_ok(), "{shown}");
    if n_hidden == 0 {
        assert_eq!(fuzzing::compact(&shown), fuzzing::compact(json));
    }
    if secret.chars().count() < ANYWHERE_CHARS {
        return;
    }
    let value =
        serde_json::from_str::<Value>(&shown).or_else(|_| serde_json::from_str(&without_halves(&shown)));
    if let Ok(value) = value {
        lacks(&value, secret);
    }
}

/// Returns a JSON text with U+FFFD for every escaped half of a surrogate pair: what remains can be read as text.
fn without_halves(json: &str) -> String {
    let mut whole = String::new();
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        let is_half = rest.get(at + 1..at + 4).is_some_and(|start| {
            let start = start.to_lowercase();
            ["ud8", "ud9", "uda", "udb", "udc", "udd", "ude", "udf"].contains(&start.as_str())
        });
        let length = if is_half { 6 } else { 2 };
        whole.push_str(if is_half { "\\ufffd" } else { &rest[at..at + 2] });
        rest = &rest[at + length..];
    }
    whole + rest
}

fn lacks(value: &Value, secret: &str) {
    match value {
        Value::String(text) => assert!(!text.contains(secret), "{text}"),
        Value::Array(items) => items.iter().for_each(|item| lacks(item, secret)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            assert!(!name.contains(secret), "{name}");
            lacks(member, secret);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

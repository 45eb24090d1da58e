//! A Result without a secret: still JSON, nothing else changed, and the secret in none of its texts and names.

use opsbox::fuzzing;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Shorter secrets are hidden as whole words only.
const ANYWHERE_CHARS: usize = 8;

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
    if is_marker || serde_json::from_str::<IgnoredAny>(json).is_err() {
        return;
    }
    let (shown, n_hidden) = fuzzing::without_secret(secret, json);
    assert!(serde_json::from_str::<IgnoredAny>(&shown).is_ok(), "{shown}");
    if n_hidden == 0 {
        assert_eq!(fuzzing::compact(&shown), fuzzing::compact(json));
    }
    if secret.chars().count() >= ANYWHERE_CHARS
        && let Ok(value) = serde_json::from_str::<Value>(&shown)
    {
        lacks(&value, secret);
    }
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

//! Name and password in URLs: hidden where a URL is shown, and told where it is configured.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::config::SECRET;

/// What stands alone before the `@` of a URL is taken for a token from this length on, and for a name below it.
const MIN_TOKEN: usize = 12;

/// Returns a text with `<secret>` for name and password of every URL in it: `https://<secret>@host`.
pub fn userinfo(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut done = 0;
    for found in userinfos(text) {
        shown.push_str(&text[done..found.start]);
        shown.push_str(SECRET);
        done = found.end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

/// Returns a value without name and password of the URLs in its texts, however deep they are.
pub fn userinfo_within(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(userinfo(text).into_owned()),
        Value::Array(items) => items.iter().map(userinfo_within).collect(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, member)| (userinfo(name).into_owned(), userinfo_within(member)));
            Value::Object(members.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Returns the passwords in the URLs of a text, as they are written and as they are meant. What stands alone before the `@` is a token
/// where it is longer than names are.
pub(super) fn passwords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for userinfo in userinfos(text).into_iter().map(|range| &text[range]) {
        let password = userinfo.split_once(':').map(|(_, password)| password);
        let token = (userinfo.len() >= MIN_TOKEN).then_some(userinfo);
        for part in password.into_iter().chain(token) {
            found.push(part.to_owned());
            found.push(percent_decoded(part));
        }
    }
    found
}

/// Returns where the URLs of a text have name and password, in order.
fn userinfos(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(scheme) = text[from..].find("://") {
        let start = from + scheme + "://".len();
        let is_end = |c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace();
        let end = text[start..].find(is_end).map_or(text.len(), |at| start + at);
        from = start;
        if let Some(at) = text[start..end].rfind('@') {
            found.push(start..start + at);
            from = start + at;
        }
    }
    found
}

/// Returns the text that a part of a URL stands for.
fn percent_decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part;
    while let Some(first) = rest.bytes().next() {
        let code = rest.get(1..3).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code.filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            None => {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                bytes.extend_from_slice(&rest.as_bytes()[..length]);
                rest = &rest[length..];
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn name_and_password_of_a_url_are_not_shown() {
        for (text, shown) in [
            ("http://u:p@host:1/x@y", "http://<secret>@host:1/x@y"),
            ("https://token@host", "https://<secret>@host"),
            ("http://u:p@ss@host/", "http://<secret>@host/"),
            ("http://host/a@b", "http://host/a@b"),
            ("me@host", "me@host"),
            (
                "http://a:b@x/,http://c:d@y",
                "http://<secret>@x/,http://<secret>@y",
            ),
            (
                "http://a:b@x,http://c:d@y/",
                "http://<secret>@x,http://<secret>@y/",
            ),
            ("http://host and me@there", "http://host and me@there"),
            ("", ""),
        ] {
            assert_eq!(userinfo(text), shown);
        }
    }

    #[test]
    fn passwords_are_told_as_written_and_as_meant_and_long_tokens_too() {
        assert_eq!(passwords("http://bob:p%40ss@host/x"), ["p%40ss", "p@ss"]);
        let token = "ghp-0123456789";
        assert_eq!(passwords("https://ghp-0123456789@host"), [token, token]);
        assert!(passwords("ssh://git@host").is_empty());
    }

    #[test]
    fn urls_are_cleaned_however_deep_they_are() {
        let value = json!({"mirrors": ["http://bob:p%40ss-word@host/x"], "one": "https://ghp-0123456789@host", "n": 1});
        assert_eq!(
            userinfo_within(&value),
            json!({"mirrors": ["http://<secret>@host/x"], "one": "https://<secret>@host", "n": 1})
        );
    }
}

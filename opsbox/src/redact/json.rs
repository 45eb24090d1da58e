//! A JSON text without secrets that is still JSON, laid out for people; every other token stays as its writer spelt it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::Redactor;
use crate::config::SECRET;

/// Of a secret only so much is looked for, so that a longer text that holds one is hidden whole.
const LOOKED_AT: usize = 64 * 1024;
/// How the names of fields end that hold secrets of others, which no configuration tells.
const TELLING: [&str; 11] = [
    "token",
    "secret",
    "password",
    "passwd",
    "access_key_id",
    "private_key",
    "privatekey",
    "secret_key",
    "secretkey",
    "api_key",
    "apikey",
];

/// A JSON text without secrets, and what it holds no more.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The text, laid out with two blanks for each level.
    pub text: String,
    /// The fields that held a secret, such as `details.users[].token`, and how often; a secret in a name is not shown.
    pub hidden: BTreeMap<String, u64>,
    /// Texts that are left as they are, though the name of their field says that it is a secret's.
    pub telling: BTreeMap<String, u64>,
}

/// Takes the secrets out of a valid JSON text, and the fields `hide` whatever they hold.
pub fn json(text: &str, secrets: Option<&Redactor>, hide: &[String]) -> Redacted {
    let bytes = text.as_bytes();
    let mut crossing: Vec<_> = secrets
        .into_iter()
        .flat_map(|redactor| redactor.whole(bytes))
        .filter(|range| text[range.clone()].contains(['"', ',', '{', '}', '[', ']']))
        .collect();
    crossing.sort_unstable_by_key(|range| range.start);
    let mut writer = Writer {
        secrets,
        hide,
        crossing,
        passed: 0,
        levels: Vec::new(),
        done: Redacted::default(),
    };
    let mut at = 0;
    while at < bytes.len() {
        at = writer.token(text, at);
    }
    writer.done
}

/// One level of the text on the way to the present token.
struct Level {
    is_object: bool,
    key: String,
    in_value: bool,
    is_empty: bool,
    hidden_keys: usize,
}

struct Writer<'a> {
    secrets: Option<&'a Redactor>,
    hide: &'a [String],
    /// Where a secret stands that may be longer than one token: a part of the JSON text itself.
    crossing: Vec<Range<usize>>,
    passed: usize,
    levels: Vec<Level>,
    done: Redacted,
}

impl Writer<'_> {
    /// Writes the token that begins here, and returns where the next one does.
    fn token(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => at + 1,
            open @ (b'{' | b'[') => {
                self.begin();
                if self.is_hidden() {
                    self.hidden_value();
                    return end_of_value(bytes, at);
                }
                self.done.text.push(char::from(open));
                self.levels.push(Level {
                    is_object: open == b'{',
                    key: String::new(),
                    in_value: false,
                    is_empty: true,
                    hidden_keys: 0,
                });
                at + 1
            }
            close @ (b'}' | b']') => {
                let level = self.levels.pop();
                if level.is_some_and(|level| !level.is_empty) {
                    self.new_line();
                }
                self.done.text.push(char::from(close));
                self.end();
                at + 1
            }
            b',' => {
                self.done.text.push(',');
                if let Some(level) = self.levels.last_mut() {
                    level.in_value = false;
                }
                at + 1
            }
            b':' => {
                self.done.text.push_str(": ");
                if let Some(level) = self.levels.last_mut() {
                    level.in_value = true;
                }
                at + 1
            }
            _ => {
                let end = end_of_scalar(bytes, at);
                self.scalar(&text[at..end], at..end);
                end
            }
        }
    }

    /// Begins an item: in a list and before a key on a line of its own.
    fn begin(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            if level.in_value {
                return;
            }
            level.is_empty = false;
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.done.text.push('\n');
        self.done.text.push_str(&"  ".repeat(self.levels.len()));
    }

    fn end(&mut self) {
        if self.levels.is_empty() {
            self.done.text.push('\n');
        }
    }

    fn scalar(&mut self, token: &str, range: Range<usize>) {
        let is_key = self
            .levels
            .last()
            .is_some_and(|level| level.is_object && !level.in_value);
        self.begin();
        if is_key {
            self.key(token, &range);
            return;
        }
        if self.is_hidden() || self.is_crossed(&range) {
            self.hidden_value();
            return;
        }
        match self.cleaned(token) {
            Some(cleaned) => {
                self.note_hidden();
                self.done.text.push_str(&cleaned);
            }
            None => {
                if token.len() > 2 && token.starts_with('"') && self.is_telling() {
                    let path = self.path();
                    *self.done.telling.entry(path).or_default() += 1;
                }
                self.done.text.push_str(token);
            }
        }
        self.end();
    }

    fn key(&mut self, token: &str, range: &Range<usize>) {
        let crossed = self.is_crossed(range).then(|| quoted(SECRET));
        let cleaned = crossed.or_else(|| self.cleaned(token));
        let shown: Cow<'_, str> = match (cleaned, self.levels.last_mut()) {
            (None, _) | (_, None) => token.into(),
            (Some(cleaned), Some(level)) => {
                level.hidden_keys += 1;
                // Names that are alike without their secrets must stay apart.
                match level.hidden_keys {
                    1 => cleaned.into(),
                    n => format!("{}#{n}\"", &cleaned[..cleaned.len() - 1]).into(),
                }
            }
        };
        if let Some(level) = self.levels.last_mut() {
            level.key = shown[1..shown.len() - 1].to_owned();
        }
        if matches!(shown, Cow::Owned(_)) {
            self.note_hidden();
        }
        self.done.text.push_str(&shown);
    }

    /// Returns a token without its secrets; `None` where it holds none.
    fn cleaned(&self, token: &str) -> Option<String> {
        let redactor = self.secrets?;
        let Some(inner) = token.strip_prefix('"').and_then(|token| token.strip_suffix('"')) else {
            return matches!(redactor.text(token), Cow::Owned(_)).then(|| quoted(SECRET));
        };
        let cleaned = if inner.contains('\\')
            && let Ok(meant) = serde_json::from_str::<String>(token)
            && let Cow::Owned(shown) = redactor.text(meant.as_str())
        {
            quoted(&shown)
        } else {
            let Cow::Owned(shown) = redactor.text(inner) else {
                return None;
            };
            let shown = format!("\"{shown}\"");
            match serde_json::from_str::<IgnoredAny>(&shown) {
                Ok(_) => shown,
                // An escape was cut.
                Err(_) => quoted(SECRET),
            }
        };
        Some(if inner.len() > LOOKED_AT {
            quoted(SECRET)
        } else {
            cleaned
        })
    }

    /// Returns whether a secret stands on both sides of an end of this token.
    fn is_crossed(&mut self, token: &Range<usize>) -> bool {
        let is_past = |range: &Range<usize>| range.end <= token.start;
        while self.crossing.get(self.passed).is_some_and(is_past) {
            self.passed += 1;
        }
        self.crossing[self.passed..]
            .iter()
            .take_while(|range| range.start < token.end)
            .any(|range| range.end > token.start && (range.start < token.start || range.end > token.end))
    }

    fn is_hidden(&self) -> bool {
        !self.hide.is_empty() && self.hide.contains(&self.path())
    }

    fn is_telling(&self) -> bool {
        let key = self.levels.iter().rev().find(|level| level.is_object);
        key.is_some_and(|level| {
            let key = level.key.to_lowercase();
            TELLING.iter().any(|ending| key.ends_with(ending))
        })
    }

    fn hidden_value(&mut self) {
        self.note_hidden();
        self.done.text.push_str(&quoted(SECRET));
        self.end();
    }

    fn note_hidden(&mut self) {
        let path = self.path();
        *self.done.hidden.entry(path).or_default() += 1;
    }

    /// Returns the path of the present value, the same for all items of a list.
    fn path(&self) -> String {
        let mut path = String::new();
        for level in &self.levels {
            if !level.is_object {
                path.push_str("[]");
                continue;
            }
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&level.key);
        }
        path
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns where a string, a number or a word of JSON ends.
fn end_of_scalar(bytes: &[u8], start: usize) -> usize {
    let end = if bytes[start] == b'"' {
        super::held::end_of_string(bytes, start) + 1
    } else {
        let is_end = |byte: &u8| b" \t\r\n,:]}".contains(byte);
        bytes[start..]
            .iter()
            .position(is_end)
            .map_or(bytes.len(), |length| start + length.max(1))
    };
    end.min(bytes.len())
}

/// Returns where the list or object ends that begins here.
fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => at = super::held::end_of_string(bytes, at),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    fn of(text: &str, known: &[&str], hide: &[&str]) -> Redacted {
        let redactor = Redactor::of_texts(known.iter().copied());
        let hide: Vec<_> = hide.iter().map(|field| (*field).to_owned()).collect();
        let done = json(text, Some(&redactor), &hide);
        assert!(
            serde_json::from_str::<IgnoredAny>(&done.text).is_ok(),
            "{}",
            done.text
        );
        done
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is_spelt() {
        let done = of(
            r#"{"a" :[1.50,1e3, {}, []],"b":{"c\u00e9":null}}"#,
            &["not-in-it"],
            &[],
        );
        let wanted = "{\n  \"a\": [\n    1.50,\n    1e3,\n    {},\n    []\n  ],\n  \"b\": {\n    \"c\\u00e9\": null\n  }\n}\n";
        assert_eq!(done.text, wanted);
        assert!(done.hidden.is_empty());
        assert_eq!(of("3", &[], &[]).text, "3\n");
    }

    #[test]
    fn a_secret_goes_from_texts_numbers_and_names_and_the_text_stays_json() {
        let text = r#"{"u":[{"t":"a s3cret-value b"},{"t":"s3cret-value"}],"n":[12345678],"s3cret-value":1,"x-s3cret-value":2}"#;
        let done = of(text, &["s3cret-value", "12345678"], &[]);
        assert!(
            !done.text.contains("s3cret") && !done.text.contains("12345678"),
            "{}",
            done.text
        );
        let value: Value = serde_json::from_str(&done.text).unwrap();
        assert_eq!(value["u"][0]["t"], "a <secret> b");
        assert_eq!(value["n"][0], "<secret>");
        assert_eq!(value["<secret>"], 1);
        assert_eq!(value["x-<secret>#2"], 2);
        let hidden: Vec<_> = done.hidden.iter().map(|(path, n)| (path.as_str(), *n)).collect();
        assert_eq!(
            hidden,
            [("<secret>", 1), ("n[]", 1), ("u[].t", 2), ("x-<secret>#2", 1)]
        );
    }

    #[test]
    fn any_escape_of_json_is_seen_through_and_none_is_cut() {
        for spelt in [
            r#""\u0073\u0033cret-value""#,
            r#""s3cret\u002Dvalue""#,
            r#""s3cret-val\u0075e!""#,
        ] {
            let done = of(&format!("[{spelt}]"), &["s3cret-value"], &[]);
            assert!(done.text.contains("<secret>"), "{}", done.text);
        }
        // The digits of an escape are no text.
        let done = of(r#"["\u00e9e0e9e1ab"]"#, &["00e9e0e9e1ab"], &[]);
        assert_eq!(done.text, "[\n  \"<secret>\"\n]\n");
    }

    #[test]
    fn a_secret_that_is_a_part_of_the_json_text_hides_all_that_it_touches() {
        let secret = r#"{"id":"abc","with":[77]}"#;
        let done = of(
            &format!(r#"{{"account":{secret},"other":"kept"}}"#),
            &[secret],
            &[],
        );
        assert!(
            !done.text.contains("abc") && !done.text.contains("77"),
            "{}",
            done.text
        );
        assert!(done.text.contains("kept"), "{}", done.text);
    }

    #[test]
    fn texts_of_a_secret_that_is_json_are_secrets_too() {
        let secret = r#"{"type":"x","private_key":"first-line-of-key\nsecond-line-of-key"}"#;
        let done = of(
            r#"{"key":"first-line-of-key\nsecond-line-of-key"}"#,
            &[secret],
            &[],
        );
        assert_eq!(done.text, "{\n  \"key\": \"<secret>\"\n}\n");
    }

    #[test]
    fn fields_are_hidden_by_name_and_names_that_tell_of_secrets_are_told() {
        let text =
            r#"{"u":[{"Password":"x"},{"Password":""},{"data":{"a":[1]}}],"api_key":null,"Key":"Name"}"#;
        let done = of(text, &[], &["u[].data"]);
        assert!(done.text.contains("\"data\": \"<secret>\""), "{}", done.text);
        let telling: Vec<_> = done.telling.keys().collect();
        assert_eq!(telling, ["u[].Password"]);
    }

    #[test]
    fn a_long_text_that_holds_a_secret_is_hidden_whole() {
        let long = format!("s3cret-value{}", "x".repeat(LOOKED_AT));
        let done = of(&format!("[\"{long}\"]"), &["s3cret-value"], &[]);
        assert_eq!(done.text, "[\n  \"<secret>\"\n]\n");
    }
}

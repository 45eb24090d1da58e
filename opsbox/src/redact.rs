//! Values of secret fields, replaced wherever a plugin's own words are shown or kept.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::config::{PluginConfig, SECRET};
use crate::plugin::Event;
use crate::report::StepRecord;

/// Shorter values are too common to be looked for inside other words.
const MIN_CHARS: usize = 4;
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

/// The secrets of one run.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Every spelling that is looked for, the longest first.
    spellings: Vec<String>,
}

impl Redactor {
    /// Takes the values of all secret fields, and the passwords in the URLs of all others.
    pub fn of(plugins: &[PluginConfig]) -> Self {
        let mut spellings: Vec<String> = Vec::new();
        for field in plugins.iter().flat_map(|plugin| &plugin.fields) {
            match &field.value {
                Some(value) if field.secret => collect(value, &mut spellings),
                Some(value) => passwords(value, &mut spellings),
                None => {}
            }
        }
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        Self { spellings }
    }

    /// Returns the text with `<secret>` for every secret in it.
    pub fn text(&self, text: String) -> String {
        self.spellings.iter().fold(text, |text, secret| {
            if text.contains(secret.as_str()) {
                text.replace(secret.as_str(), SECRET)
            } else {
                text
            }
        })
    }

    /// Returns an event without secrets. What an output wants the user to see is its own, and stays.
    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Log { level, message } => Event::Log {
                level,
                message: self.text(message),
            },
            Event::Stderr(line) => Event::Stderr(self.text(line)),
            Event::Warning(message) => Event::Warning(self.text(message)),
            Event::Progress(mut progress) => {
                progress.message = progress.message.map(|message| self.text(message));
                Event::Progress(progress)
            }
            other @ Event::Output { .. } => other,
        }
    }

    /// Takes the secrets out of a step's errors and gaps.
    pub fn step(&self, step: &mut StepRecord) {
        let errors = step.errors.iter_mut().flat_map(|error| {
            std::iter::once(&mut error.message)
                .chain(&mut error.hints)
                .chain(&mut error.traceback)
        });
        let gaps = step
            .gaps
            .iter_mut()
            .flat_map(|gap| [&mut gap.what, &mut gap.why].into_iter().chain(&mut gap.remedy));
        for text in errors.chain(gaps) {
            *text = self.text(std::mem::take(text));
        }
    }
}

/// Takes the passwords out of the URLs in a value that is no secret otherwise. What stands alone before the `@` is a token where it is
/// longer than names are.
fn passwords(value: &Value, spellings: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for userinfo in userinfos(text).into_iter().map(|range| &text[range]) {
                let password = userinfo.split_once(':').map(|(_, password)| password);
                let token = (userinfo.len() >= MIN_TOKEN).then_some(userinfo);
                for part in password.into_iter().chain(token) {
                    collect(&Value::from(part), spellings);
                    collect(&Value::from(percent_decoded(part)), spellings);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| passwords(item, spellings)),
        Value::Object(members) => members.values().for_each(|member| passwords(member, spellings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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

fn collect(value: &Value, spellings: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            // A secret of several lines is mostly shown line by line.
            for part in std::iter::once(text.as_str()).chain(text.lines()) {
                if part.chars().count() >= MIN_CHARS {
                    spellings.push(part.to_owned());
                    let escaped = Value::from(part).to_string();
                    spellings.push(escaped[1..escaped.len() - 1].to_owned());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, spellings)),
        Value::Object(members) => members.values().for_each(|member| collect(member, spellings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_and_the_escaped_spelling_of_a_secret_are_replaced() {
        let mut spellings = Vec::new();
        collect(&json!(["first line\nsecond\"line", "abc"]), &mut spellings);
        let redactor = Redactor { spellings };
        let shown = redactor.text("got first line, second\"line and second\\\"line; abc stays".into());
        assert_eq!(shown, "got <secret>, <secret> and <secret>; abc stays");
    }

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
    fn passwords_of_urls_are_found_in_any_field_however_deep() {
        let mut spellings = Vec::new();
        let value = json!({"mirrors": ["http://bob:p%40ss-word@host/x"], "one": "https://ghp-0123456789@host", "n": 1});
        passwords(&value, &mut spellings);
        let redactor = Redactor { spellings };
        let shown = redactor.text("bob logs in with p%40ss-word, p@ss-word and ghp-0123456789".into());
        assert_eq!(shown, "bob logs in with <secret>, <secret> and <secret>");
        assert_eq!(
            userinfo_within(&value),
            json!({"mirrors": ["http://<secret>@host/x"], "one": "https://<secret>@host", "n": 1})
        );
    }
}

//! Values of secret fields, replaced wherever a plugin's own words are shown or kept.

use std::borrow::Cow;

use serde_json::Value;

use crate::config::{PluginConfig, SECRET};
use crate::plugin::Event;
use crate::report::StepRecord;

/// Shorter values are too common to be looked for inside other words.
const MIN_CHARS: usize = 4;

/// Returns a text with `<secret>` for name and password of a URL in it: `https://<secret>@host`.
pub fn userinfo(text: &str) -> Cow<'_, str> {
    let Some(start) = text.find("://").map(|at| at + "://".len()) else {
        return Cow::Borrowed(text);
    };
    let end = text[start..]
        .find(['/', '?', '#'])
        .map_or(text.len(), |at| start + at);
    match text[start..end].rfind('@') {
        Some(at) => Cow::Owned(format!("{}{SECRET}{}", &text[..start], &text[start + at..])),
        None => Cow::Borrowed(text),
    }
}

/// The secrets of one run.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Every spelling that is looked for, the longest first.
    spellings: Vec<String>,
}

impl Redactor {
    /// Takes the values of all secret fields.
    pub fn of(plugins: &[PluginConfig]) -> Self {
        let mut spellings: Vec<String> = Vec::new();
        let fields = plugins
            .iter()
            .flat_map(|plugin| &plugin.fields)
            .filter(|field| field.secret);
        for value in fields.filter_map(|field| field.value.as_ref()) {
            collect(value, &mut spellings);
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
            ("", ""),
        ] {
            assert_eq!(userinfo(text), shown);
        }
    }
}

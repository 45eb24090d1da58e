//! What is said about fields: missing, wrong, unknown; never with the value of a secret.

use serde_json::Value;

use super::shape::plain;
use super::{FieldReport, Grammar, SECRET};
use crate::error::Fault;

impl FieldReport {
    /// Returns the value as it may be shown; `None` where nobody set one.
    pub fn shown(&self) -> Option<String> {
        self.reference
            .clone()
            .or_else(|| self.value.as_ref().map(|value| show(value, self.secret)))
    }

    /// Returns the default as it may be shown.
    pub fn shown_default(&self) -> Option<String> {
        self.default
            .as_ref()
            .filter(|value| !value.is_null())
            .map(|value| show(value, self.secret))
    }

    /// Says that the field must be set.
    pub(super) fn missing(&self, grammar: Grammar) -> Fault {
        let Self {
            name, plugin, kind, ..
        } = self;
        let about = self
            .description
            .as_ref()
            .map_or(String::new(), |text| format!(": {}", one_line(text)));
        Fault::new(format!("plugin `{plugin}` needs `{name}` ({kind}){about}"))
            .hint(self.where_to_set(grammar))
    }

    /// Says that the field has a value that does not fit.
    pub(super) fn wrong(&self, found: Option<&str>, origin: &str, wanted: &str, grammar: Grammar) -> Fault {
        let Self { name, plugin, .. } = self;
        let found = match found {
            _ if self.secret => SECRET.to_owned(),
            Some(text) => format!("`{}`", cut(text)),
            None => "no value".to_owned(),
        };
        let fault = Fault::new(format!(
            "plugin `{plugin}`: `{name}` {wanted}; found {found} in {origin}"
        ));
        let about = self
            .description
            .as_ref()
            .map(|text| format!("`{name}` is: {}", one_line(text)));
        let mut fault = fault.hint(format!(
            "correct it there, or set it with `{}`",
            grammar.flag(name)
        ));
        fault.hints.extend(about);
        fault
    }

    /// Says that what the field refers to cannot be read.
    pub(super) fn unread(&self, origin: &str, why: &str) -> Fault {
        let Self { name, plugin, .. } = self;
        let shown = self.reference.as_deref().unwrap_or("what it refers to");
        let fault = Fault::new(format!(
            "plugin `{plugin}`: `{name}` is `{shown}` in {origin}: {why}"
        ));
        fault.hint(format!("if `{shown}` is the value itself, write `text:{shown}`"))
    }

    fn where_to_set(&self, grammar: Grammar) -> String {
        let Self { name, plugin, .. } = self;
        let upper = name.to_uppercase();
        match self.secret {
            // A secret on the command line is seen by everybody who lists processes.
            true => format!(
                "set the variable `OPSBOX_SET_{upper}`, or `{name}` in a file for `--config` that only you can read, as itself, `env:NAME` or `file:PATH`"
            ),
            false => format!(
                "set it with `{}`, the variable `OPSBOX_SET_{upper}`, or `{name} = …` under `[plugins.{plugin}]` in opsbox.toml",
                grammar.flag(name)
            ),
        }
    }
}

/// Shows a value, or that it is a secret.
pub(super) fn show(value: &Value, secret: bool) -> String {
    if secret {
        SECRET.to_owned()
    } else {
        crate::redact::userinfo(&plain(value)).into_owned()
    }
}

/// Returns a text on one line, without control characters.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).collect()
}

fn cut(text: &str) -> String {
    let text = crate::redact::userinfo(&one_line(text)).into_owned();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

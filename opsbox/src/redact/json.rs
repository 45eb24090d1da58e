//! A JSON text without secrets that is still JSON, laid out for people; every other token stays as its writer spelt it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memchr2;

use super::Redactor;
use super::meant::{is_plain, meant, quoted};
use super::tokens::{Places, end_of_scalar, end_of_value};
use crate::config::SECRET;

/// Of a secret only so much is looked for, so that a longer text that holds one is hidden whole.
const LOOKED_AT: usize = 64 * 1024;
/// The members of a Result itself. Everybody knows their names, and without them it is none.
const OF_A_RESULT: [&str; 5] = [
    "\"relates_to\"",
    "\"result_name\"",
    "\"result_description\"",
    "\"details\"",
    "\"formatted\"",
];
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

/// The members that a message of the protocol is made of.
const ENVELOPE: [&str; 6] = [
    "\"jsonrpc\"",
    "\"id\"",
    "\"method\"",
    "\"params\"",
    "\"result\"",
    "\"error\"",
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

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Laid out for people.
    LaidOut,
    /// As it was.
    AsItWas,
    /// As it was, a message of the protocol: that it is one, and to whom, stays readable.
    Message,
}

/// Takes the secrets out of a valid JSON text, and the fields `hide` whatever they hold. The names of a Result's own members stay.
pub fn json(text: &str, secrets: Option<&Redactor>, hide: &[String]) -> Redacted {
    write(text, secrets, hide, Form::LaidOut)
}

/// Returns a valid JSON text without secrets, laid out as it was.
pub(super) fn compact(text: &str, secrets: &Redactor) -> String {
    write(text, Some(secrets), &[], Form::AsItWas).text
}

/// Returns a message of the protocol, valid JSON, without secrets.
pub(super) fn message(text: &str, secrets: &Redactor) -> String {
    write(text, Some(secrets), &[], Form::Message).text
}

fn write(text: &str, secrets: Option<&Redactor>, hide: &[String], form: Form) -> Redacted {
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
        form,
        crossing: Places::of(crossing),
        found: Places::of(secrets.map_or_else(Vec::new, |redactor| redactor.find(bytes))),
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
    /// The name as it is meant, however its writer spelt it.
    key: String,
    in_value: bool,
    is_empty: bool,
    hidden_keys: usize,
}

struct Writer<'a> {
    secrets: Option<&'a Redactor>,
    hide: &'a [String],
    form: Form,
    /// Where a secret stands that may be longer than one token: a part of the JSON text itself.
    crossing: Places,
    /// Where a secret can be seen.
    found: Places,
    levels: Vec<Level>,
    done: Redacted,
}

impl Writer<'_> {
    /// Writes the token that begins here, and returns where the next one does.
    fn token(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        match bytes[at] {
            blank @ (b' ' | b'\t' | b'\n' | b'\r') => {
                if self.form != Form::LaidOut {
                    self.done.text.push(char::from(blank));
                }
                at + 1
            }
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
                self.done.text.push(':');
                if self.form == Form::LaidOut {
                    self.done.text.push(' ');
                }
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
        if self.form != Form::LaidOut {
            return;
        }
        self.done.text.push('\n');
        self.done.text.push_str(&"  ".repeat(self.levels.len()));
    }

    fn end(&mut self) {
        if self.levels.is_empty() && self.form == Form::LaidOut {
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
        if self.form == Form::Message && self.is_envelope(token) {
            self.done.text.push_str(token);
            return;
        }
        match self.cleaned(token, &range) {
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
        let stays = self.levels.len() == 1
            && (OF_A_RESULT.contains(&token) || (self.form == Form::Message && ENVELOPE.contains(&token)));
        let cleaned = match crossed {
            _ if stays => None,
            None => self.cleaned(token, range),
            crossed => crossed,
        };
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
            level.key = meant(&shown).map_or_else(|| shown.to_string(), Cow::into_owned);
        }
        if matches!(shown, Cow::Owned(_)) {
            self.note_hidden();
        }
        self.done.text.push_str(&shown);
    }

    /// Returns a token without its secrets; `None` where it holds none.
    fn cleaned(&mut self, token: &str, range: &Range<usize>) -> Option<String> {
        let redactor = self.secrets?;
        let is_seen = self.found.touching(range).next().is_some();
        if !token.starts_with('"') {
            let is_secret = is_seen && matches!(redactor.text(token), Cow::Owned(_));
            return is_secret.then(|| quoted(SECRET));
        }
        // Only beside an ellipsis a part of a secret may count that is not among what was found.
        if !is_seen && is_plain(token) && memchr2(b'.', 0xe2, token.as_bytes()).is_none() {
            return None;
        }
        let cleaned = redactor.string(token)?;
        let is_long = self.form == Form::LaidOut && token.len() > LOOKED_AT;
        Some(if is_long { quoted(SECRET) } else { cleaned })
    }

    /// Returns whether a value is the version or the number of a message.
    fn is_envelope(&self, token: &str) -> bool {
        let [level] = self.levels.as_slice() else {
            return false;
        };
        match level.key.as_str() {
            "id" => token.bytes().all(|byte| byte.is_ascii_digit()),
            "jsonrpc" => token == "\"2.0\"",
            _ => false,
        }
    }

    /// Returns whether a secret stands on both sides of an end of this token.
    fn is_crossed(&mut self, token: &Range<usize>) -> bool {
        self.crossing
            .touching(token)
            .any(|range| range.start < token.start || range.end > token.end)
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

#[cfg(test)]
mod tests;

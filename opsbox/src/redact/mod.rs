//! Values of secret fields, replaced wherever a plugin's own words are shown or kept, before anything is cut.
//!
//! What is deliberately absent: Results of a run. They are never altered; `held` tells where one holds a secret. `json` makes a copy of one
//! without, for whoever takes it elsewhere.

mod held;
mod json;
mod meant;
mod part;
mod spellings;
mod tokens;
mod urls;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::config::{PluginConfig, SECRET, is_secret_name};
use crate::error::Fault;
use crate::plugin::Event;
use crate::report::StepRecord;
use part::Parts;
use spellings::Spellings;

pub use json::{Redacted, json};
pub use urls::{userinfo, userinfo_within};

/// So many bytes around a short secret decide whether it is a word of its own.
const NEARBY: usize = 16;
/// A shorter value of a variable is not taken for a secret.
const LEAST_OF_VARIABLE: usize = 8;
/// Variables with one of these in their names hold secrets, or the path of a file that does.
const TELLING_VARIABLES: [&str; 6] = ["SECRET", "TOKEN", "PASSW", "CREDENTIAL", "API_KEY", "PRIVATE_KEY"];

/// The secrets of a run, for everybody who shows or keeps what was said; empty until the configuration is resolved. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Arc<OnceLock<Redactor>>);

impl Secrets {
    /// From here on these are the secrets. They are told once in a run.
    pub fn set(&self, redactor: Redactor) {
        let _first = self.0.set(redactor);
    }

    /// Returns what replaces them; `None` while nobody was told one.
    pub fn get(&self) -> Option<&Redactor> {
        self.0.get().filter(|redactor| redactor.searcher.is_some())
    }

    /// Returns a text with `<secret>` for every secret in it.
    pub fn text<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        match self.get() {
            Some(redactor) => redactor.text(text),
            None => text,
        }
    }

    /// Returns bytes, such as a line of the protocol, with `<secret>` for every secret in them.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.get()
            .map_or(Cow::Borrowed(bytes), |redactor| redactor.bytes(bytes))
    }

    /// Returns the first `limit` bytes with `<secret>` for every secret that begins in them; a secret is never cut.
    ///
    /// `bytes` should go on for [`Self::longest`] bytes after the limit, where there are so many.
    pub fn cut<'a>(&self, bytes: &'a [u8], limit: usize) -> Cow<'a, [u8]> {
        match self.get() {
            Some(redactor) => redactor.cut(bytes, limit),
            None => Cow::Borrowed(&bytes[..bytes.len().min(limit)]),
        }
    }

    /// Returns an event without secrets, as [`Redactor::event`].
    pub fn event(&self, event: Event) -> Event {
        match self.get() {
            Some(redactor) => redactor.event(event),
            None => event,
        }
    }

    /// Returns a fault without secrets.
    pub fn fault(&self, fault: Fault) -> Fault {
        let text = |text: String| self.text(text).into_owned();
        Fault {
            message: text(fault.message),
            hints: fault.hints.into_iter().map(text).collect(),
        }
    }

    /// Returns the length of the longest spelling, in bytes.
    pub fn longest(&self) -> usize {
        self.get().map_or(0, |redactor| redactor.longest)
    }
}

/// Finds the secrets of one run in texts of any size, in one pass.
#[derive(Debug, Default)]
pub struct Redactor {
    searcher: Option<AhoCorasick>,
    /// The spellings from this number on are replaced as whole words only.
    first_word: usize,
    longest: usize,
    parts: Parts,
}

impl Redactor {
    /// Takes the values of all secret fields, the passwords in the URLs of all others, and the same of the variables that plugins see, where
    /// a name says that it is a secret's.
    pub fn of_run<'a>(plugins: &[PluginConfig], variables: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut spellings = Spellings::default();
        for (name, value) in variables {
            if names_a_secret(name, value) {
                spellings.add(value);
            }
            for password in urls::passwords(value) {
                spellings.add(&password);
            }
        }
        for field in plugins.iter().flat_map(|plugin| &plugin.fields) {
            match &field.value {
                Some(value) if field.secret => spellings.add_value(value),
                Some(value) => add_passwords(value, &mut spellings),
                None => {}
            }
        }
        Self::new(spellings)
    }

    /// Takes every one of these texts for a secret.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut spellings = Spellings::default();
        texts.into_iter().for_each(|text| spellings.add(text));
        Self::new(spellings)
    }

    /// Takes every text and number in these values for a secret.
    pub fn of_values<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut spellings = Spellings::default();
        values.into_iter().for_each(|value| spellings.add_value(value));
        Self::new(spellings)
    }

    fn new(spellings: Spellings) -> Self {
        let Spellings { anywhere, words } = spellings;
        let first_word = anywhere.len();
        let longest = anywhere.iter().chain(&words).map(String::len).max();
        let parts = Parts::of(anywhere.iter());
        // It cannot fail: what is looked for is bounded far below the number of states that there may be.
        let searcher = longest.and_then(|_| AhoCorasick::new(anywhere.iter().chain(&words)).ok());
        Self {
            searcher,
            first_word,
            longest: longest.unwrap_or_default(),
            parts,
        }
    }

    /// Returns where whole secrets stand, by their ends.
    fn whole<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let searcher = self.searcher.iter();
        searcher
            .flat_map(move |searcher| searcher.find_overlapping_iter(bytes))
            .filter(|one| one.pattern().as_usize() < self.first_word || is_word(bytes, &one.range()))
            .map(|one| one.range())
    }

    /// Returns whether a text holds a secret that is replaced wherever it stands.
    fn stands_in(&self, text: &str) -> bool {
        let mut found = self
            .searcher
            .iter()
            .flat_map(|searcher| searcher.find_overlapping_iter(text));
        found.any(|one| one.pattern().as_usize() < self.first_word)
    }

    /// Returns where secrets and parts of them stand, in order; what overlaps is one.
    fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self.whole(bytes).collect();
        found.extend(self.parts.find(bytes));
        found.sort_unstable_by_key(|range| range.start);
        let mut whole: Vec<Range<usize>> = Vec::with_capacity(found.len());
        for range in found {
            match whole.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => whole.push(range),
            }
        }
        whole
    }

    /// Returns a text with `<secret>` for every secret in it.
    pub fn text<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        let shown = match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => None,
            // Whole spellings, which are texts, were taken out of a text.
            Cow::Owned(shown) => Some(String::from_utf8_lossy(&shown).into_owned()),
        };
        shown.map_or(text, Cow::Owned)
    }

    /// Returns a line of the protocol without secrets: JSON still where it was, any other text as [`Self::text`] does.
    pub fn line<'a>(&self, line: Cow<'a, str>) -> Cow<'a, str> {
        let is_clean = || {
            memchr::memchr(b'\\', line.as_bytes()).is_none()
                && self.find(line.as_bytes()).is_empty()
                && !self.is_broken(&line)
        };
        if self.searcher.is_none() || is_clean() {
            return line;
        }
        if serde_json::from_str::<IgnoredAny>(&line).is_err() {
            return self.text(line);
        }
        Cow::Owned(json::message(&line, self))
    }

    /// Returns a value without secrets, those in names included.
    pub fn value(&self, value: &Value) -> Value {
        let shown = json::compact(&value.to_string(), self);
        serde_json::from_str(&shown).unwrap_or_else(|_| SECRET.into())
    }

    /// Returns bytes with `<secret>` for every secret in them.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        self.cut(bytes, bytes.len())
    }

    /// Returns the first `limit` bytes with `<secret>` for every secret that begins in them; a secret is never cut.
    pub fn cut<'a>(&self, bytes: &'a [u8], limit: usize) -> Cow<'a, [u8]> {
        let limit = limit.min(bytes.len());
        let mut shown = Vec::new();
        let mut done = 0;
        for found in self
            .find(bytes)
            .into_iter()
            .take_while(|found| found.start < limit)
        {
            shown.extend_from_slice(&bytes[done..found.start]);
            shown.extend_from_slice(SECRET.as_bytes());
            done = found.end;
        }
        if done == 0 {
            return Cow::Borrowed(&bytes[..limit]);
        }
        shown.extend_from_slice(&bytes[done.min(limit)..limit]);
        Cow::Owned(shown)
    }

    /// Returns an event without secrets. What an output wants the user to see is its own, and stays.
    pub fn event(&self, event: Event) -> Event {
        match event {
            Event::Log { level, message } => Event::Log {
                level,
                message: self.text(message).into_owned(),
            },
            Event::Stderr(line) => Event::Stderr(self.text(line).into_owned()),
            Event::Warning(message) => Event::Warning(self.text(message).into_owned()),
            Event::Progress(mut progress) => {
                for text in [&mut progress.message, &mut progress.unit].into_iter().flatten() {
                    *text = self.text(std::mem::take(text)).into_owned();
                }
                Event::Progress(progress)
            }
            other @ Event::Output { .. } => other,
        }
    }

    /// Takes the secrets out of the names of a step's Results, as a record tells them.
    pub fn names(&self, step: &mut StepRecord) {
        for name in &mut step.made {
            if let Cow::Owned(shown) = self.text(name.as_str()) {
                *name = shown;
            }
        }
    }

    /// Takes the secrets out of a step's errors and gaps.
    pub fn step(&self, step: &mut StepRecord) {
        let errors = step.errors.iter_mut().flat_map(|error| {
            std::iter::once(&mut error.message)
                .chain(&mut error.hints)
                .chain(&mut error.traceback)
        });
        let gaps = step.gaps.iter_mut().flat_map(|gap| {
            let texts = [&mut gap.what, &mut gap.why].into_iter();
            texts.chain(&mut gap.section).chain(&mut gap.remedy)
        });
        for text in errors.chain(gaps) {
            if let Cow::Owned(shown) = self.text(text.as_str()) {
                *text = shown;
            }
        }
    }
}

/// Returns whether a variable that a plugin sees is, or holds, a secret.
pub fn is_secret_variable(name: &str, value: &str) -> bool {
    names_a_secret(name, value) || !urls::passwords(value).is_empty()
}

/// Returns whether a secret of this value can be found in a text, as far as it says anything at all.
pub fn can_be_found(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty() || text.chars().nth(spellings::LEAST_CHARS - 1).is_some(),
        Value::Number(number) => number.to_string().len() >= spellings::LEAST_CHARS,
        Value::Array(items) => items.iter().all(can_be_found),
        Value::Object(members) => members.values().all(can_be_found),
        Value::Null | Value::Bool(_) => true,
    }
}

/// Nobody declared a variable to be a secret, so its name must say it, and what could be any word or place is not taken for it.
fn names_a_secret(name: &str, value: &str) -> bool {
    let upper = name.to_uppercase();
    let telling = || TELLING_VARIABLES.iter().any(|word| upper.contains(word)) && !value.starts_with('/');
    value.len() >= LEAST_OF_VARIABLE && (is_secret_name(name) || telling())
}

/// Takes the passwords out of the URLs in a value that is no secret otherwise.
fn add_passwords(value: &Value, spellings: &mut Spellings) {
    match value {
        Value::String(text) => urls::passwords(text)
            .iter()
            .for_each(|password| spellings.add(password)),
        Value::Array(items) => items.iter().for_each(|item| add_passwords(item, spellings)),
        Value::Object(members) => members
            .values()
            .for_each(|member| add_passwords(member, spellings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns whether what stands there is a word of its own.
fn is_word(bytes: &[u8], range: &Range<usize>) -> bool {
    let before = &bytes[range.start.saturating_sub(NEARBY)..range.start];
    let after = &bytes[range.end..bytes.len().min(range.end + 4)];
    let after = after
        .utf8_chunks()
        .next()
        .and_then(|chunk| chunk.valid().chars().next());
    !after.is_some_and(is_part_of_word) && begins_word(before)
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns whether a word begins after these bytes: after what is no letter, or after an escape that ends with one.
fn begins_word(before: &[u8]) -> bool {
    let last = before.utf8_chunks().last();
    let letter = last
        .filter(|chunk| chunk.invalid().is_empty())
        .and_then(|chunk| chunk.valid().chars().next_back())
        .is_some_and(is_part_of_word);
    if !letter {
        return true;
    }
    let hex = |from: usize| {
        let digits = before.len().checked_sub(from).map(|at| &before[at..]);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let ends_in_escape = before.len() >= 2
        && before[before.len() - 2] == b'\\'
        && b"nrtbf0".contains(&before[before.len() - 1]);
    let ends_in_code = (before.len() >= 3 && before[before.len() - 3] == b'%' && hex(2))
        || (before.len() >= 6 && before[..before.len() - 4].ends_with(b"\\u") && hex(4))
        || (before.len() >= 4 && before[..before.len() - 2].ends_with(b"\\x") && hex(2));
    // The colors of a terminal: ESC [ 31 m.
    let ends_in_color = before.ends_with(b"m")
        && before.iter().rposition(|byte| *byte == 0x1b).is_some_and(|at| {
            let inner = &before[at + 1..before.len() - 1];
            inner.first() == Some(&b'[')
                && inner[1..]
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b';')
        });
    ends_in_escape || ends_in_code || ends_in_color
}

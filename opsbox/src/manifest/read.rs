//! Typed access to the tables of a TOML document that notes every fault with file, table, key and line.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::units;
use crate::error::Fault;
use crate::suggest::did_you_mean;

/// Faults and warnings of one document, each with the offset it belongs to.
pub(super) struct Report<'t> {
    place: String,
    text: &'t str,
    faults: Vec<(usize, Fault)>,
    warnings: Vec<(usize, String)>,
}

impl<'t> Report<'t> {
    pub(super) fn new(place: String, text: &'t str) -> Self {
        Self {
            place,
            text,
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Notes a fault at an offset of the document.
    pub(super) fn fault(&mut self, at: usize, message: impl std::fmt::Display) -> &mut Fault {
        let fault = Fault::new(format!("{}: {message}", self.at(at)));
        self.faults.push((at, fault));
        let last = self.faults.len() - 1;
        &mut self.faults[last].1
    }

    /// Notes a warning at an offset of the document.
    pub(super) fn warn(&mut self, at: usize, message: impl std::fmt::Display) {
        let text = format!("{}: {message}", self.at(at));
        self.warnings.push((at, text));
    }

    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// Returns faults and warnings in the order of the lines.
    pub(super) fn finish(mut self) -> (Vec<Fault>, Vec<String>) {
        self.faults.sort_by_key(|(at, _)| *at);
        self.warnings.sort_by_key(|(at, _)| *at);
        (
            self.faults.into_iter().map(|(_, fault)| fault).collect(),
            self.warnings.into_iter().map(|(_, text)| text).collect(),
        )
    }

    fn at(&self, offset: usize) -> String {
        let end = offset.min(self.text.len());
        let line = self.text.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        format!("manifest `{}`, line {line}", self.place)
    }
}

/// One table of the document, with its name as a person would look for it.
pub(super) struct Table<'a> {
    /// The name as in the file, without brackets: `info`, `config.max_open`.
    pub(super) name: String,
    /// Where the table begins.
    pub(super) start: usize,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn root(entries: &'a DeTable<'a>) -> Self {
        Self {
            name: String::new(),
            start: 0,
            entries,
        }
    }

    /// Returns key, value and the key's offset, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(&'a str, &'a DeValue<'a>, usize)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), value.get_ref(), key.span().start))
            .collect();
        entries.sort_by_key(|(_, _, at)| *at);
        entries
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Returns the offset of a key, or of the table where the key is missing.
    pub(super) fn offset(&self, key: &str) -> usize {
        self.entry(key).map_or(self.start, |(at, _)| at.start)
    }

    /// Returns a table inside this one; notes a fault where the key holds something else.
    pub(super) fn table(&self, report: &mut Report<'_>, key: &str) -> Option<Table<'a>> {
        let (at, value) = self.entry(key)?;
        let name = if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        };
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table {
                name,
                start: at.start,
                entries,
            }),
            other => {
                report
                    .fault(
                        at.start,
                        format!("`{name}` must be a table, found {}", describe(other)),
                    )
                    .hints
                    .push(format!("write it as a heading: `[{name}]`"));
                None
            }
        }
    }

    /// Returns a string; a wrong type is noted and reads as missing.
    pub(super) fn string(&self, report: &mut Report<'_>, key: &str) -> Option<String> {
        match self.value(key)? {
            DeValue::String(text) => Some(text.to_string()),
            other => self.wrong(report, key, other, "a string", &format!("{key} = \"…\"")),
        }
    }

    /// Returns a string that must be there and not be blank.
    pub(super) fn required(&self, report: &mut Report<'_>, key: &str, example: &str) -> Option<String> {
        if !self.has(key) {
            report
                .fault(self.start, format!("`[{}]` has no `{key}`", self.name))
                .hints
                .push(format!("add `{key} = \"{example}\"` to `[{}]`", self.name));
            return None;
        }
        let text = self.string(report, key)?;
        if text.trim().is_empty() {
            report.fault(self.offset(key), format!("`{key}` in `[{}]` is empty", self.name));
            return None;
        }
        Some(text)
    }

    /// Returns a list of strings.
    pub(super) fn strings(&self, report: &mut Report<'_>, key: &str) -> Option<Vec<String>> {
        let example = format!("{key} = [\"…\"]");
        let DeValue::Array(items) = self.value(key)? else {
            return self.wrong(report, key, self.value(key)?, "a list of strings", &example);
        };
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => texts.push(text.to_string()),
                other => return self.wrong(report, key, other, "a list of strings", &example),
            }
        }
        Some(texts)
    }

    pub(super) fn boolean(&self, report: &mut Report<'_>, key: &str) -> Option<bool> {
        match self.value(key)? {
            DeValue::Boolean(value) => Some(*value),
            other => self.wrong(report, key, other, "true or false", &format!("{key} = true")),
        }
    }

    /// Returns one of a few words.
    pub(super) fn choice(&self, report: &mut Report<'_>, key: &str, words: &[&str]) -> Option<String> {
        let text = self.string(report, key)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let all = words.join(", ");
        let fault = report.fault(
            self.offset(key),
            format!("`{key}` in `[{}]` is `{text}`, which is none of {all}", self.name),
        );
        fault.hints.extend(did_you_mean(&text, words.iter().copied()));
        None
    }

    pub(super) fn duration(&self, report: &mut Report<'_>, key: &str) -> Option<Duration> {
        self.unit(report, key, units::duration)
    }

    pub(super) fn size(&self, report: &mut Report<'_>, key: &str) -> Option<u64> {
        self.unit(report, key, units::size)
    }

    /// Returns a whole number that is not negative.
    pub(super) fn count(&self, report: &mut Report<'_>, key: &str) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value {
            DeValue::Integer(text) => u64::from_str_radix(text.as_str(), text.radix()).ok(),
            _ => None,
        };
        let example = format!("{key} = 100");
        number.or_else(|| self.wrong(report, key, value, "a whole number, 0 or greater", &example))
    }

    /// Returns the whole numbers of a list.
    pub(super) fn integers(&self, report: &mut Report<'_>, key: &str, example: &str) -> Option<Vec<u32>> {
        let value = self.value(key)?;
        let number = |value: &DeValue<'_>| match value {
            DeValue::Integer(text) => u32::from_str_radix(text.as_str(), text.radix()).ok(),
            _ => None,
        };
        let numbers: Option<Vec<u32>> = match value {
            DeValue::Array(items) => items.iter().map(|item| number(item.get_ref())).collect(),
            _ => None,
        };
        numbers.or_else(|| self.wrong(report, key, value, "a list of whole numbers", example))
    }

    /// Warns of keys that are none of `known` and look like one of them; others may stand.
    pub(super) fn without_near_misses(&self, report: &mut Report<'_>, known: &[&str]) {
        let is_fine = |key: &str| did_you_mean(key, known.iter().copied()).is_none();
        let keys = self.entries().into_iter().map(|(key, _, _)| key);
        let others: Vec<&str> = keys.filter(|key| is_fine(key)).collect();
        self.only(report, &[known, &others].concat(), false);
    }

    /// Notes every key that is none of `known`: as a fault, or as a warning where old manifests may have any.
    pub(super) fn only(&self, report: &mut Report<'_>, known: &[&str], strict: bool) {
        for (key, _, at) in self.entries() {
            if known.contains(&key) {
                continue;
            }
            let message = if self.name.is_empty() {
                format!("unknown table `[{key}]`")
            } else {
                format!("unknown key `{key}` in `[{}]`", self.name)
            };
            let hint = did_you_mean(key, known.iter().copied());
            if strict {
                let hint = hint.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
                report.fault(at, message).hints.push(hint);
            } else {
                report.warn(
                    at,
                    hint.map_or(message.clone(), |hint| format!("{message}; {hint}")),
                );
            }
        }
    }

    fn unit<T>(&self, report: &mut Report<'_>, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.value(key)?;
        let text = match value {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            _ => String::new(),
        };
        match parse(&text) {
            Ok(parsed) => Some(parsed),
            Err(wanted) => {
                let found = describe(value);
                report.fault(
                    self.offset(key),
                    format!("`{key}` in `[{}]` must be {wanted}, found {found}", self.name),
                );
                None
            }
        }
    }

    fn wrong<T>(
        &self,
        report: &mut Report<'_>,
        key: &str,
        found: &DeValue<'_>,
        wanted: &str,
        example: &str,
    ) -> Option<T> {
        let place = match self.name.as_str() {
            "" => String::new(),
            name => format!(" in `[{name}]`"),
        };
        let message = format!("`{key}`{place} must be {wanted}, found {}", describe(found));
        report
            .fault(self.offset(key), message)
            .hints
            .push(format!("write `{example}`"));
        None
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a DeValue<'a>> {
        self.entry(key).map(|(_, value)| value.get_ref())
    }

    fn entry(&self, key: &str) -> Option<(Range<usize>, &'a Spanned<DeValue<'a>>)> {
        let found = self.entries.get_key_value(key)?;
        Some((found.0.span(), found.1))
    }
}

/// Says what a value is, with the value where it is short.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 => format!("the string {:?}", text.as_ref()),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::String(_) => "a long string".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

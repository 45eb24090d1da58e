//! Which names `plugin new` takes: such as go into a pipeline, a field, a package and a program without being changed.

use opsbox_plugins::BUNDLED;

use super::Lang;
use crate::discover::BUILT_IN_HANDLERS;
use crate::error::{Failure, Fault};

/// Longer names make longer fields and lines than anybody wants to read.
const MOST_CHARS: usize = 40;

/// Words that cannot be the name of a package of Rego's.
const WORDS_OF_REGO: [&str; 17] = [
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not",
    "null", "package", "some", "true", "with",
];

/// Checks a name.
///
/// # Errors
/// A usage failure that says what is wrong, and a name near it that is right where there is one.
pub(super) fn check(name: &str, lang: Lang) -> Result<(), Failure> {
    let Some(why) = objection(name, lang) else {
        return Ok(());
    };
    let mut fault = Fault::new(format!("{name:?} is no name for a new plugin: {why}"));
    let near = plain(name);
    let better = [format!("my_{near}"), near.clone()];
    let better = better
        .iter()
        .rev()
        .find(|better| objection(better, lang).is_none())
        // Of signs alone nothing is left to make a name of.
        .filter(|_| !near.is_empty());
    fault
        .hints
        .extend(better.map(|better| format!("take `{better}`")));
    Err(Failure::usage(fault))
}

/// Returns what is wrong with a name.
fn objection(name: &str, lang: Lang) -> Option<&'static str> {
    if !is_plain(name) {
        return Some("small letters, digits and `_` are, with a letter at the beginning");
    }
    if name.len() > MOST_CHARS {
        return Some("it has more than 40 characters");
    }
    if BUNDLED.iter().any(|bundled| bundled.name == name) || BUILT_IN_HANDLERS.contains(&name) {
        return Some("a plugin that ships has it");
    }
    (lang == Lang::Rego && WORDS_OF_REGO.contains(&name)).then_some("it is a word of Rego's")
}

fn is_plain(name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(of_name)
}

/// Returns the nearest name of the right characters: `disk_load` of `Disk-Load`; may be no name itself.
fn plain(name: &str) -> String {
    let mut plain = String::new();
    for c in name.trim().chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => plain.push(c),
            _ if plain.is_empty() || plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    plain.trim_end_matches('_').to_owned()
}

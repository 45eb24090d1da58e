//! A policy's text for an OPA server that others use at the same time.
//!
//! A server merges the rules of all policies of one package, so the package gets a first part of its own, made for this evaluation:
//! `package a.b` becomes `package opsbox_….a.b`, and with it every reference `data.a.b…`. The check's configuration becomes a rule of the
//! policy, since a document of its own would have to be cleared away as well; `data.config` is rewritten to it. No line moves.

use crate::rego::engine::rule_path;
use crate::rego::error::{Place, RegoError};
use crate::rego::scan::{Spot, Token, tokens};

/// A policy as it is sent to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// Its text.
    pub(crate) text: String,
    /// The parts of its package, with the first one of its own.
    pub(crate) package: Vec<String>,
}

/// A reference: its parts as far as they are plain, and the index of the first token after them.
struct Reference {
    parts: Vec<String>,
    /// Where each part ends in the text.
    ends: Vec<usize>,
    next: usize,
}

/// Rewrites a policy; `unique` is a name that no other evaluation uses, `config` the configuration's JSON text.
///
/// # Errors
/// [`RegoError::Parse`] where the text has no package.
pub(crate) fn rewrite(file: &str, text: &str, unique: &str, config: &str) -> Result<Rewritten, RegoError> {
    let spots = tokens(text);
    let no_package = || RegoError::Parse {
        place: Place::file(file),
        message: "the policy has no package".into(),
    };
    let is_package = |spot: &Spot<'_>| spot.token == Token::Name("package") && spot.starts_line;
    let at = spots.iter().position(is_package).ok_or_else(no_package)?;
    let own = reference(text, &spots, at + 1).ok_or_else(no_package)?;
    let start = spots[at + 1].start;
    let mut package = vec![unique.to_owned()];
    package.extend(own.parts.iter().cloned());
    let settings = format!("{unique}_config");
    let settings_path = rule_path(&package, &settings);

    let mut edits: Vec<(usize, usize, String)> = vec![(start, start, format!("{unique}."))];
    let mut uses_config = false;
    let mut index = own.next;
    while index < spots.len() {
        let found = is_root(&spots, index)
            .then(|| reference(text, &spots, index))
            .flatten();
        let Some(found) = found else {
            index += 1;
            continue;
        };
        let path = &found.parts[1..];
        let root_end = spots[index].start + "data".len();
        if path.starts_with(&own.parts) {
            edits.push((root_end, root_end, format!(".{unique}")));
        } else if path.first().is_some_and(|part| part == "config") {
            uses_config = true;
            let (from, to) = (spots[index].start, found.ends[1]);
            edits.push((from, to, with_lines_of(&text[from..to], &settings_path)));
            if path.len() == 1 && is_import(&spots, index) && !is_name(&spots, found.next, "as") {
                edits.push((found.ends[1], found.ends[1], " as config".into()));
            }
        }
        index = found.next;
    }
    let mut rewritten = String::with_capacity(text.len() + config.len() + 256);
    let mut done = 0;
    for (from, to, instead) in edits {
        rewritten.push_str(&text[done..from]);
        rewritten.push_str(&instead);
        done = to;
    }
    rewritten.push_str(&text[done..]);
    if uses_config {
        rewritten.push_str(&format!("\n{settings} := {config}\n"));
    }
    Ok(Rewritten {
        text: rewritten,
        package,
    })
}

/// Returns a path with as many line ends in its last part as the reference had whose place it takes: `data["config"⏎]` is one.
fn with_lines_of(reference: &str, path: &str) -> String {
    let lines = "\n".repeat(reference.matches('\n').count());
    match path.rsplit_once('.') {
        Some((before, last)) if !lines.is_empty() => format!("{before}[\"{last}\"{lines}]"),
        _ => path.to_owned(),
    }
}

/// Returns the names of the rules that the text defines, with the line of each definition; a `default` counts.
pub(crate) fn rules(text: &str) -> Vec<(String, u32)> {
    const WORDS: [&str; 8] = ["package", "import", "else", "not", "some", "every", "with", "if"];
    let spots = tokens(text);
    let mut depth = 0_usize;
    let mut rules = Vec::new();
    for (at, spot) in spots.iter().enumerate() {
        match spot.token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Name("default") if depth == 0 && spot.starts_line => {
                if let Some(Token::Name(name)) = spots.get(at + 1).map(|next| next.token) {
                    rules.push((first_part(name), spot.line));
                }
            }
            Token::Name(name) if depth == 0 && spot.starts_line && !WORDS.contains(&name) => {
                rules.push((first_part(name), spot.line));
            }
            _ => {}
        }
    }
    rules
}

fn first_part(name: &str) -> String {
    name.split('.').next().unwrap_or(name).to_owned()
}

/// Says whether a token is the document `data`, and not a member of that name (`x["y"].data`).
fn is_root(spots: &[Spot<'_>], at: usize) -> bool {
    let spot = &spots[at];
    let Token::Name(name) = spot.token else {
        return false;
    };
    let after_dot = at
        .checked_sub(1)
        .map(|before| &spots[before])
        .is_some_and(|before| before.token == Token::Other(b'.') && before.end == spot.start);
    (name == "data" || name.starts_with("data.")) && !after_dot
}

fn is_import(spots: &[Spot<'_>], at: usize) -> bool {
    at.checked_sub(1)
        .is_some_and(|before| is_name(spots, before, "import") && spots[before].starts_line)
}

fn is_name(spots: &[Spot<'_>], at: usize, name: &str) -> bool {
    matches!(spots.get(at), Some(Spot { token: Token::Name(found), .. }) if *found == name)
}

/// Reads `a.b["c d"].e` from a token on, as far as its parts are names or plain strings.
fn reference(text: &str, spots: &[Spot<'_>], at: usize) -> Option<Reference> {
    let Token::Name(first) = spots.get(at)?.token else {
        return None;
    };
    let mut found = Reference {
        parts: Vec::new(),
        ends: Vec::new(),
        next: at + 1,
    };
    found.names(first, spots[at].start);
    loop {
        let rest = &spots[found.next..];
        let end = found.ends.last().copied()?;
        match rest {
            [open, key, close, ..]
                if open.token == Token::Open(b'[')
                    && open.start == end
                    && matches!(key.token, Token::Other(b'"' | b'`'))
                    && close.token == Token::Close(b']') =>
            {
                let Some(key) = string(&text[key.start..key.end]) else {
                    return Some(found);
                };
                found.parts.push(key);
                found.ends.push(close.end);
                found.next += 3;
            }
            [dot, name, ..]
                if dot.token == Token::Other(b'.') && dot.start == end && name.start == dot.end =>
            {
                let Token::Name(names) = name.token else {
                    return Some(found);
                };
                found.names(names, name.start);
                found.next += 2;
            }
            _ => return Some(found),
        }
    }
}

impl Reference {
    fn names(&mut self, names: &str, start: usize) {
        let mut end = start;
        for name in names.split('.').filter(|name| !name.is_empty()) {
            end += name.len();
            self.parts.push(name.to_owned());
            self.ends.push(end);
            end += 1;
        }
    }
}

/// Returns what a string literal of either kind says.
fn string(literal: &str) -> Option<String> {
    if literal.starts_with('`') {
        return Some(literal.trim_matches('`').to_owned());
    }
    serde_json::from_str(literal).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(policy: &str) -> String {
        rewrite("p.rego", policy, "U", r#"{"max":5}"#).unwrap().text
    }

    #[test]
    fn the_package_and_references_to_it_get_a_first_part_of_their_own() {
        let policy = "# package no\npackage a.b\n\nimport data.a.b.c\nx := data.a.b.y + data.a.bc + input.data.a.b\n\
                      y := data[\"a\"].b[\"z\"]\nz := \"data.a.b\" # data.a.b\nw := foo[1].data.a.b\nv := data.a\n";
        assert_eq!(
            text(policy),
            "# package no\npackage U.a.b\n\nimport data.U.a.b.c\nx := data.U.a.b.y + data.a.bc + input.data.a.b\n\
             y := data.U[\"a\"].b[\"z\"]\nz := \"data.a.b\" # data.a.b\nw := foo[1].data.a.b\nv := data.a\n"
        );
    }

    #[test]
    fn the_configuration_becomes_a_rule_of_the_policy_where_it_is_used() {
        let policy = "package p\r\nx := data.config.max\ny := data[\"config\"][\"max\"] with data.config as {}\nz := data.configs\n";
        assert_eq!(
            text(policy),
            "package U.p\r\nx := data.U.p.U_config.max\ny := data.U.p.U_config[\"max\"] with data.U.p.U_config as {}\n\
             z := data.configs\n\nU_config := {\"max\":5}\n"
        );
        assert_eq!(text("package p\nx := 1"), "package U.p\nx := 1");
    }

    #[test]
    fn no_line_moves_where_a_reference_to_the_configuration_goes_over_two() {
        assert_eq!(
            text("package p\nx := data[\"config\"\n]\ny := 1\n"),
            "package U.p\nx := data.U.p[\"U_config\"\n]\ny := 1\n\nU_config := {\"max\":5}\n"
        );
    }

    #[test]
    fn an_imported_configuration_keeps_its_name() {
        let policy = "package p\nimport data.config\nimport data.config.max\nimport data.config as c\nx := [config, max, c]\n";
        assert_eq!(
            text(policy),
            "package U.p\nimport data.U.p.U_config as config\nimport data.U.p.U_config.max\nimport data.U.p.U_config as c\n\
             x := [config, max, c]\n\nU_config := {\"max\":5}\n"
        );
    }

    #[test]
    fn a_package_may_have_parts_that_are_no_names() {
        let made = rewrite(
            "p.rego",
            "package a[\"b-c\"]\nx := data.a[\"b-c\"].y\nz := data.config\n",
            "U",
            "{}",
        )
        .unwrap();
        assert_eq!(made.package, ["U", "a", "b-c"]);
        assert_eq!(
            made.text,
            "package U.a[\"b-c\"]\nx := data.U.a[\"b-c\"].y\nz := data.U.a[\"b-c\"].U_config\n\nU_config := {}\n"
        );
    }

    #[test]
    fn a_text_without_a_package_is_an_error() {
        for policy in ["", "x := 1", "# package p\n", "package\n"] {
            let error = rewrite("p.rego", policy, "U", "{}").unwrap_err();
            assert_eq!(error.to_string(), "p.rego: the policy has no package");
        }
    }

    #[test]
    fn rules_are_read_off_the_text() {
        let policy = "package p\nimport rego.v1\ndefault applies := false\ndetails contains x if {\n\tsome x in y\n}\n\
                      f(x) := 1\nelse := 2\nreport.a := [\n1\n]\n";
        let found: Vec<_> = rules(policy)
            .into_iter()
            .map(|(name, line)| format!("{name}:{line}"))
            .collect();
        assert_eq!(found, ["applies:3", "details:4", "f:7", "report:9"]);
    }
}

//! PROTOCOL.md taken apart: sections by their heading, tables by rows, rules by their id.

use std::collections::BTreeSet;

use serde_json::Value;

use super::repository;

/// The text of the document.
pub(super) fn text() -> String {
    std::fs::read_to_string(repository().join("protocol/PROTOCOL.md")).unwrap()
}

/// Returns a section: from the heading that begins like this to the next one of its level or above.
#[track_caller]
pub(super) fn section(document: &str, heading: &str) -> String {
    let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
    let mut fenced = false;
    let mut found = String::new();
    let mut inside = false;
    for line in document.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with('#') {
            if inside && level(line) <= level(heading) {
                break;
            }
            inside |= line.starts_with(heading);
        }
        if inside {
            found.push_str(line);
            found.push('\n');
        }
    }
    assert!(inside, "the document has no heading `{heading}`");
    found
}

/// A table of Markdown.
#[derive(Debug)]
pub(super) struct Table {
    /// The text of its first column's head.
    pub(super) head: String,
    /// Its rows, cell by cell.
    pub(super) rows: Vec<Vec<String>>,
}

/// Returns the tables of a text.
pub(super) fn tables(text: &str) -> Vec<Table> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let mut tables: Vec<Table> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with('|') || !lines.peek().is_some_and(|next| next.starts_with("|---")) {
            continue;
        }
        let _rule = lines.next();
        let mut rows = Vec::new();
        while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
            rows.push(cells(row));
        }
        tables.push(Table {
            head: cells(line).remove(0),
            rows,
        });
    }
    tables
}

/// Returns the table of a text whose first column has this head.
#[track_caller]
pub(super) fn table(text: &str, head: &str) -> Table {
    let found = tables(text).into_iter().find(|table| table.head == head);
    found.unwrap_or_else(|| panic!("no table with the head `{head}` in {text}"))
}

/// Returns the words between backticks, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the text of a rule on one line.
#[track_caller]
pub(super) fn rule(document: &str, id: &str) -> String {
    let found = rules(document).into_iter().find(|(known, _)| known == id);
    found.unwrap_or_else(|| panic!("the document has no rule {id}")).1
}

/// Returns every rule with its text on one line.
pub(super) fn rules(document: &str) -> Vec<(String, String)> {
    let with_id = |block: String| {
        let (id, text) = block.strip_prefix("- [")?.split_once("] ")?;
        let (_, number) = id.split_once('-')?;
        number.parse::<u32>().ok()?;
        Some((id.to_owned(), text.to_owned()))
    };
    blocks(document).into_iter().filter_map(with_id).collect()
}

/// Returns every paragraph, item of a list and row of a table, each on one line, without the examples.
pub(super) fn blocks(document: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let (mut fenced, mut open) = (false, false);
    for line in document.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            open = false;
            continue;
        }
        if fenced || line.trim().is_empty() {
            open = false;
            continue;
        }
        let is_item = line.starts_with("- ")
            || line.starts_with('|')
            || line.starts_with('#')
            || line
                .split_once(". ")
                .is_some_and(|(n, _)| n.parse::<u32>().is_ok());
        match blocks.last_mut() {
            Some(last) if open && !is_item => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => blocks.push(line.to_owned()),
        }
        open = true;
    }
    blocks
}

/// Says whether the text of a cell for the type of a member names what the schema has: returns what is different.
pub(super) fn type_differs(cell: &str, schema: &Value) -> Option<String> {
    let listed = words(cell);
    if !listed.is_empty() {
        let listed: BTreeSet<String> = listed.into_iter().collect();
        let known = constants(schema);
        return (listed != known).then(|| format!("`{cell}` is not {known:?}"));
    }
    let wanted = in_words(cell);
    let found = kinds(schema);
    (wanted != found).then(|| format!("`{cell}`, which is {wanted:?}, is not {found:?}"))
}

/// Returns the kinds that a cell names: `list of string`, `object or null`.
fn in_words(cell: &str) -> BTreeSet<String> {
    // What stands in brackets explains.
    let outside = cell
        .split('(')
        .map(|part| part.split_once(')').map_or(part, |(_, after)| after));
    let plain: String = outside.collect();
    let plain = plain.replace("Result", "object").replace(", or ", " or ");
    let choice = |text: &str| {
        // What follows a comma explains, too.
        let text = text.split(',').next().unwrap_or_default().trim();
        text.replace("objects", "object").replace("table", "object")
    };
    let choices = plain.split(" or ").map(choice);
    choices
        .flat_map(|choice| match choice.as_str() {
            "duration" => vec!["number".to_owned(), "string".to_owned()],
            _ => vec![choice],
        })
        .collect()
}

/// Returns the texts that a schema allows, where it lists them.
pub(super) fn constants(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let listed = schema["enum"].as_array().into_iter().flatten();
    found.extend(listed.filter_map(Value::as_str).map(str::to_owned));
    found.extend(schema["const"].as_str().map(str::to_owned));
    for key in ["anyOf", "oneOf"] {
        for choice in schema[key].as_array().into_iter().flatten() {
            found.extend(constants(choice));
        }
    }
    found
}

/// Returns the kinds of values that a schema allows, as the document calls them.
fn kinds(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let names = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    for name in names {
        match name {
            "array" => found.extend(
                kinds(&schema["items"])
                    .iter()
                    .map(|kind| format!("list of {kind}")),
            ),
            "object" if schema["additionalProperties"].is_object() => found.extend(
                kinds(&schema["additionalProperties"])
                    .iter()
                    .map(|kind| format!("object of {kind}")),
            ),
            name => drop(found.insert(name.to_owned())),
        }
    }
    for key in ["anyOf", "oneOf"] {
        for choice in schema[key].as_array().into_iter().flatten() {
            found.extend(kinds(choice));
        }
    }
    if found.is_empty() {
        found.insert("any".to_owned());
    }
    found
}

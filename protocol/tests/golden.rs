//! The golden lines that every reader of the protocol must agree on, and the published schema.

use opsbox_protocol::scan::LineScan;
use opsbox_protocol::{Incoming, LineFault, limits, parse_line, recover_id, schema};
use serde_json::Value;

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the class, the id's JSON text and the method that this crate reads from a line.
fn read(line: &str) -> (&'static str, Option<String>, Option<String>) {
    let mut scan = LineScan::default();
    scan.feed(line.as_bytes());
    if scan.max_depth() > limits::DEPTH {
        return ("fault", recover_id(line), None);
    }
    match parse_line(line, &|_| None) {
        Ok(Incoming::Request { id, method, .. }) => {
            ("request", Some(id.to_owned()), Some(method.into_owned()))
        }
        Ok(Incoming::Notification { method, .. }) => ("notification", None, Some(method.into_owned())),
        Ok(Incoming::Response { id, .. }) => ("response", Some(id.to_owned()), None),
        Err(LineFault::Noise) => ("noise", None, None),
        Err(LineFault::Damaged { id, .. }) => ("fault", id, None),
    }
}

#[test]
fn every_golden_line_is_read_as_it_says() {
    let text = std::fs::read_to_string(root().join("tests/golden/lines.jsonl")).expect("the golden lines");
    let mut wrong = Vec::new();
    let mut n_lines = 0;
    for entry in text.lines() {
        let entry: Value = serde_json::from_str(entry).expect("a golden line");
        let line = entry["line"].as_str().expect("its text");
        let (class, id, method) = read(line);
        let wanted_id = (!entry["id"].is_null()).then(|| entry["id"].to_string());
        let wanted_method = entry["method"].as_str().map(str::to_owned);
        // The host's ids are numbers; a string id is read as text, whatever its escapes.
        let id = id.map(|id| serde_json::from_str::<Value>(&id).map_or(id, |value| value.to_string()));
        n_lines += 1;
        // Of a fault the host wants the id only.
        let wanted_method = wanted_method.filter(|_| class != "fault");
        if (Some(class), &id, &method) != (entry["class"].as_str(), &wanted_id, &wanted_method) {
            wrong.push(format!(
                "{}: read as {class} {id:?} {method:?}, wanted {entry}",
                entry["name"]
            ));
        }
    }
    assert!(n_lines >= 60, "only {n_lines} golden lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the rows of the document's table of broken lines: the line, what it is, and its recovered id.
fn rows(document: &str) -> Vec<(&str, &str, &str)> {
    let (_, rest) = document
        .split_once("| Line | Is | Recovered id |\n|---|---|---|\n")
        .expect("the table");
    let table = rest.split("\n\n").next().expect("its rows");
    let row = |row| {
        let cells: Vec<&str> = str::trim_matches(row, '|')
            .rsplitn(3, '|')
            .map(str::trim)
            .collect();
        (cells[2].trim_matches('`'), cells[1], cells[0])
    };
    table.lines().map(row).collect()
}

#[test]
fn the_documents_examples_of_broken_lines_are_read_as_it_says() {
    let document = std::fs::read_to_string(root().join("protocol/PROTOCOL.md")).expect("the document");
    let rows = rows(&document);
    assert!(rows.len() > 12, "only {} lines", rows.len());
    for (line, is, id) in rows {
        let (class, recovered, _) = read(line);
        let kind = match class {
            "fault" if !serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object()) => "damaged",
            class => class,
        };
        assert_eq!((kind, recovered.unwrap_or_default().as_str()), (is, id), "{line}");
    }
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = root().join("protocol/schema/messages.json");
    let now = serde_json::to_string_pretty(&schema::messages()).expect("a schema") + "\n";
    if std::env::var_os("OPSBOX_BLESS").is_some() {
        std::fs::write(&path, &now).expect("the schema written");
    }
    let published = std::fs::read_to_string(&path).expect("the published schema");
    assert_eq!(
        published,
        now,
        "run the test once with OPSBOX_BLESS=1 and commit {}",
        path.display()
    );
}

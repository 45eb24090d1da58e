//! The published shape of traces, and reading what is not whole.

use super::read::Recorded;
use super::shape;

#[test]
fn the_published_schema_of_traces_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema/trace.json");
    let now = serde_json::to_string_pretty(&shape::schema()).unwrap() + "\n";
    if std::env::var_os("OPSBOX_BLESS").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let published = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        published, now,
        "run the test once with OPSBOX_BLESS=1 and commit {path}"
    );
}

#[test]
fn a_trace_without_a_whole_line_is_refused() {
    for text in ["", "{\"trace\":1"] {
        let refused = Recorded::from_text(text).map(|trace| trace.lines.len());
        assert_eq!(refused, Err("it has no whole line".to_owned()), "{text}");
    }
}

//! Paths and the reading of the interpreter's texts.

use super::*;

#[test]
fn paths_use_brackets_where_a_part_is_no_name() {
    let path = |parts: &[&str]| {
        rule_path(
            &parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>(),
            "details",
        )
    };
    assert_eq!(path(&["a", "b_1"]), "data.a.b_1.details");
    assert_eq!(path(&["a", "1.0", "x\"y"]), "data.a[\"1.0\"][\"x\\\"y\"].details");
}

#[test]
fn a_text_without_a_place_still_names_the_file() {
    let error = failure("p.rego", "package p", "internal error: no context", None);
    assert_eq!(error.to_string(), "p.rego: internal error: no context");
}

#[test]
fn a_line_over_a_thousand_columns_is_accepted() {
    let text = format!("package p\nv := \"{}\"", "x".repeat(5000));
    assert!(Policy::parse("p.rego", &text, Options::default()).is_ok());
}

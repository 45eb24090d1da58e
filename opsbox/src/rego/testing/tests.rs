//! How tests end, and which lines they reach.

use expect_test::{Expect, expect};

use super::*;

const POLICY: &str = "package p\n\ndetails contains x if {\n  some x in input.list\n  x.size > data.config.limit\n}\n\nunused := 1 if {\n  input.never\n  input.more\n}\n";

fn suite(files: &[(&str, &str)], filter: Option<&str>) -> Suite {
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| serde_json::json!({"file": file, "text": text}))
        .collect();
    serde_json::from_str(
        &serde_json::json!({"files": files, "config": {"limit": 5}, "filter": filter}).to_string(),
    )
    .unwrap()
}

fn check(files: &[(&str, &str)], expected: &Expect) {
    let shown = match run(&suite(files, None)) {
        Err(error) => error.to_string(),
        Ok(outcomes) => outcomes
            .tests
            .iter()
            .map(|test| {
                format!(
                    "{}:{} {} {:?} {}\n",
                    test.file,
                    test.line,
                    test.name,
                    test.outcome,
                    test.message.as_deref().unwrap_or("-")
                )
            })
            .collect(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn each_test_passes_or_fails_on_its_own() {
    check(
        &[
            ("p.rego", POLICY),
            (
                "p_test.rego",
                "package p_test\nimport data.p\n\ntest_found if count(p.details) == 1 with input as {\"list\": [{\"size\": 9}]}\n\ntest_undefined if {\n  p.details == {1} with input as {\"list\": []}\n}\n\ntest_number := 3\n\ntest_false := 1 == 2\n\ntest_broken if {\n  time.parse_rfc3339_ns(\"N/A\")\n}\n\nhelper := true\n",
            ),
        ],
        &expect![[r#"
            p_test.rego:4 test_found Pass -
            p_test.rego:6 test_undefined Fail p_test.rego:6: undefined: an expression of its body is false or has no value
            p_test.rego:10 test_number Fail p_test.rego:10: it must be true, it is a number
            p_test.rego:12 test_false Fail p_test.rego:12: it must be true, it is false
            p_test.rego:14 test_broken Error p_test.rego:14: evaluating `test_broken`: Failed to parse datetime: premature end of input; test the value before the call, or set `strict = false` in [rego] of the manifest to treat such errors as undefined
        "#]],
    );
}

#[test]
fn a_test_defined_twice_is_an_error() {
    check(
        &[("p.rego", "package p\ntest_a if false\ntest_a if true\n")],
        &expect![[r#"
            p.rego:2 test_a Error the test is defined again at p.rego:3; one could hide the other, rename it
        "#]],
    );
}

#[test]
fn a_file_that_does_not_parse_is_an_error_of_the_whole() {
    check(
        &[("p.rego", POLICY), ("q.rego", "package q\nx := [")],
        &expect!["q.rego:2:7: expecting expression"],
    );
}

#[test]
fn a_circle_in_one_test_leaves_the_others() {
    check(
        &[(
            "p.rego",
            "package p\na := b\nb := a\ntest_circle if a\ntest_good if true\n",
        )],
        &expect![[r#"
            p.rego:4 test_circle Error p.rego:2:1: the policy is recursive: `test_circle` uses `a` uses `b` uses `a`; Rego allows no recursion: break the circle, or use `walk` or `graph.reachable`
            p.rego:5 test_good Pass -
        "#]],
    );
}

#[test]
fn a_filter_chooses_tests_by_path() {
    let text = "package p\ntest_a if true\ntest_b if true\n";
    let outcomes = run(&suite(&[("p.rego", text)], Some("test_b"))).unwrap();
    assert_eq!(
        outcomes
            .tests
            .iter()
            .map(|test| test.name.as_str())
            .collect::<Vec<_>>(),
        ["test_b"]
    );
}

#[test]
fn coverage_names_the_lines_reached_and_those_not() {
    let test = "package p_test\nimport data.p\ntest_found if count(p.details) == 1 with input as {\"list\": [{\"size\": 9}]}\n";
    let outcomes = run(&suite(&[("p.rego", POLICY), ("p_test.rego", test)], None)).unwrap();
    assert_eq!(outcomes.coverage.len(), 1);
    let coverage = &outcomes.coverage[0];
    assert_eq!(
        (
            coverage.file.as_str(),
            coverage.covered.as_slice(),
            coverage.not_covered.as_slice()
        ),
        ("p.rego", &[3, 4, 5, 9][..], &[8, 10][..])
    );
}

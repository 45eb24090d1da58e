//! What a check answers, and how each kind of broken policy is told.

use expect_test::{Expect, expect};

use super::*;

pub(crate) fn parse(json: serde_json::Value) -> Check {
    serde_json::from_str(&json.to_string()).unwrap()
}

fn answer(policy: &str, extra: &serde_json::Value, input: &str) -> Result<Answer, RegoError> {
    let mut json = serde_json::json!({"name": "old", "file": "old.rego", "policy": policy, "relates_to": "ec2", "description": "Old things"});
    for (key, value) in extra.as_object().unwrap() {
        json[key] = value.clone();
    }
    run(&parse(json), Value::from_json_str(input).unwrap(), None)
}

fn check(policy: &str, extra: &serde_json::Value, input: &str, expected: &Expect) {
    let shown = match answer(policy, extra, input) {
        Ok(answer) => String::from_utf8(answer.json()).unwrap(),
        Err(error) => {
            let source = error
                .place()
                .and_then(|place| place.source.clone())
                .map_or_else(String::new, |source| format!("\n  | {source}"));
            format!("{}: {error}{source}\nhint: {}", error.kind(), error.hint())
        }
    };
    expected.assert_eq(&shown);
}

fn none() -> serde_json::Value {
    serde_json::json!({})
}

#[test]
fn findings_become_a_result_with_numbers_as_they_came() {
    check(
        "package aws.ec2\nimport rego.v1\ndetails := [i | some i in input.instances; i.cpu < data.config.limit]",
        &serde_json::json!({"config": {"limit": 5}, "severity": "high", "format": true}),
        r#"{"instances":[{"id":"i-1","cpu":0.0},{"id":"i-2","cpu":7}]}"#,
        &expect![[
            r#"{"applies":true,"findings":1,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":[{"cpu":0.0,"id":"i-1","severity":"high"}],"formatted":"1 finding: Old things\n- [high] cpu=0.0 id=i-1"}}"#
        ]],
    );
}

#[test]
fn a_policy_with_windows_line_ends_and_an_extra_rule_works() {
    check(
        "package a.b\r\n\r\nimport rego.v1\r\nallow if {\r\n\tx := 1\r\n}\r\ndetails := {\"old\": [s | some s in input.s]}\r\n",
        &none(),
        r#"{"s":[{"id":1}]}"#,
        &expect![[
            r#"{"applies":true,"findings":1,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":{"old":[{"id":1}]},"formatted":""}}"#
        ]],
    );
}

#[test]
fn an_old_policy_runs_as_version_0_only() {
    let policy = "package a\ndetails[x] { x := input.s[_] }";
    check(
        policy,
        &serde_json::json!({"version": 0}),
        r#"{"s":[{"id":2},{"id":1}]}"#,
        &expect![[
            r#"{"applies":true,"findings":2,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":[{"id":1},{"id":2}],"formatted":""}}"#
        ]],
    );
    check(
        policy,
        &serde_json::json!({"version": 1}),
        "{}",
        &expect![[r#"
        parse: old.rego:2:12: `if` keyword is required before rule body
          | details[x] { x := input.s[_] }
        hint: write the rule in Rego v1 (`rule if { … }`, `rule contains x if { … }`), or set `version = 0` in [rego] of the manifest"#]],
    );
}

#[test]
fn a_list_as_input_works_and_another_rule_can_be_asked() {
    check(
        "package a[\"1.0\"].b\nbad contains x if some x in input",
        &serde_json::json!({"rule": "bad"}),
        r#"[{"id":1}]"#,
        &expect![[
            r#"{"applies":true,"findings":1,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":[{"id":1}],"formatted":""}}"#
        ]],
    );
}

#[test]
fn findings_split_over_several_rules_are_gathered() {
    check(
        "package a\ndetails.old := [{\"id\": 1}]\ndetails.new := []",
        &none(),
        "{}",
        &expect![[
            r#"{"applies":true,"findings":1,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":{"new":[],"old":[{"id":1}]},"formatted":""}}"#
        ]],
    );
}

#[test]
fn applies_false_looks_at_nothing() {
    check(
        "package a\ndefault applies := false\napplies if input.sshd\ndetails := 1 / 0",
        &serde_json::json!({"format": true}),
        "{}",
        &expect![[
            r#"{"applies":false,"findings":0,"result":{"relates_to":"ec2","result_name":"old","result_description":"Old things","details":[],"formatted":"not applicable here: Old things"}}"#
        ]],
    );
}

#[test]
fn applies_must_have_a_value_that_is_true_or_false() {
    check(
        "package a\napplies if input.sshd\ndetails := []",
        &none(),
        "{}",
        &expect![[r#"
        undefined: old.rego:2: the rule `applies` is undefined for this input
          | applies if input.sshd
        hint: add `default applies := false`, so that the rule has a value for every input"#]],
    );
    check(
        "package a\napplies := \"yes\"\ndetails := []",
        &none(),
        "{}",
        &expect![[r#"
        not_boolean: old.rego:2: the rule `applies` must be true or false, it is a string
          | applies := "yes"
        hint: write `default applies := false` and `applies if { … }`"#]],
    );
}

#[test]
fn an_undefined_rule_is_an_error() {
    check(
        "package a\nimport rego.v1\ndetails := x if {\n  x := input.nope\n}",
        &none(),
        "{}",
        &expect![[r#"
            undefined: old.rego:3: the rule `details` is undefined for this input
              | details := x if {
            hint: the input lacks something that `details` needs: look for a gap of the provider or a misspelt key; where an empty answer is right, write `details contains finding if { … }`"#]],
    );
}

#[test]
fn a_missing_rule_is_an_error_that_names_the_near_one() {
    check(
        "package a.b\ndetials := []\nf(x) := x",
        &none(),
        "{}",
        &expect![[r#"
        no_such_rule: old.rego: the policy has no rule `details` in package `a.b`; did you mean `detials`?
        hint: rename `detials` to `details`, or set `rule = "detials"` in [rego] of the manifest"#]],
    );
    check(
        "package a.b\ndeny := []\nallow := true",
        &none(),
        "{}",
        &expect![[r#"
        no_such_rule: old.rego: the policy has no rule `details` in package `a.b`
        hint: define `details`, or set `rule` in [rego] of the manifest to one of its rules (it has `allow`, `deny`)"#]],
    );
}

#[test]
fn a_circle_of_rules_is_an_error_that_names_it() {
    check(
        "package a\ndetails := b\nb := c\nc := details",
        &none(),
        "{}",
        &expect![[r#"
        recursive: old.rego:2:1: the policy is recursive: `details` uses `b` uses `c` uses `details`
          | details := b
        hint: Rego allows no recursion: break the circle, or use `walk` or `graph.reachable`"#]],
    );
}

#[test]
fn a_policy_that_does_not_parse_is_an_error_with_its_place() {
    check(
        "package a\n\n  details := [x | x := ]",
        &none(),
        "{}",
        &expect![[r#"
        parse: old.rego:3:21: expecting `]` while parsing array
          | details := [x | x := ]
        hint: correct the policy; `opsbox check eval` shows whether it parses"#]],
    );
    check(
        "",
        &none(),
        "{}",
        &expect![[r#"
            parse: old.rego:1:1: expecting `package` Missing package declaration.
            hint: correct the policy; `opsbox check eval` shows whether it parses"#]],
    );
}

#[test]
fn findings_of_another_shape_are_an_error() {
    check(
        "package a\ndetails := 3",
        &none(),
        "{}",
        &expect![[r#"
        not_findings: old.rego:2: the rule `details` must be an object or a list of objects, it is a number
          | details := 3
        hint: make each finding an object, for example {"message": "…", "resource": "…"}"#]],
    );
    check(
        "package a\ndetails contains \"port 22 is open\"",
        &none(),
        "{}",
        &expect![[r#"
        not_findings: old.rego:2: the rule `details` must be an object or a list of objects, its item 1 is a string
          | details contains "port 22 is open"
        hint: make each finding an object, for example {"message": "…", "resource": "…"}"#]],
    );
}

#[test]
fn an_error_in_a_built_in_function_fails_a_strict_check_only() {
    let policy = "package a\ndetails contains {\"n\": n} if {\n  n := time.parse_rfc3339_ns(input.t)\n}";
    check(
        policy,
        &none(),
        r#"{"t":"N/A"}"#,
        &expect![[r#"
            evaluation: old.rego:2: evaluating `details`: Failed to parse datetime: premature end of input
              | details contains {"n": n} if {
            hint: test the value before the call, or set `strict = false` in [rego] of the manifest to treat such errors as undefined"#]],
    );
    let lenient = answer(policy, &serde_json::json!({"strict": false}), r#"{"t":"N/A"}"#).unwrap();
    assert_eq!((lenient.applies, lenient.findings), (true, 0));
}

#[test]
fn an_unknown_function_and_an_unbound_variable_are_errors() {
    check(
        "package a\ndetails := cuont(input)",
        &none(),
        "{}",
        &expect![[r#"
        evaluation: old.rego:2:17: could not find function cuont
          | details := cuont(input)
        hint: correct the function's name; built-in functions of the network and of the host are not available"#]],
    );
    check(
        "package a\ndetails contains x if { some v in input.v; v > y; x := v }",
        &none(),
        "{}",
        &expect![[r#"
        evaluation: old.rego:2:48: use of undefined variable `y` is unsafe
          | details contains x if { some v in input.v; v > y; x := v }
        hint: give the variable a value with `some … in …` or `:=`, or correct its name"#]],
    );
}

#[test]
fn two_values_for_one_rule_are_an_error() {
    check(
        "package a\ndetails := [{}]\ndetails := [{\"a\": 1}]",
        &none(),
        "{}",
        &expect![[r#"
        evaluation: old.rego:3:1: rule conflicts with rule at old.rego:2:1
          | details := [{"a": 1}]
        hint: let one rule give the value, or make it a set with `contains`"#]],
    );
}

#[test]
fn a_policy_out_of_time_is_an_error() {
    let policy = "package a\ndetails contains {\"n\": [a, b, c]} if {\n  some a in numbers.range(1, 1000)\n  some b in numbers.range(1, 1000)\n  some c in numbers.range(1, 1000)\n  a + b + c == 0\n}";
    let json = serde_json::json!({"name": "old", "file": "old.rego", "policy": policy});
    let error = run(&parse(json), Value::new_object(), Some(Duration::from_millis(1))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "old.rego: the policy did not finish within 1 ms"
    );
}

#[test]
fn the_configuration_must_be_an_object() {
    check(
        "package a\ndetails := []",
        &serde_json::json!({"config": [1]}),
        "{}",
        &expect![[r#"
        data: cannot read the check's configuration: it is a list, not an object
        hint: run the provider alone with `json_out` and look at its details"#]],
    );
}

#[test]
fn prints_of_a_policy_are_kept() {
    let answer = answer(
        "package a\ndetails := [] if { print(\"seen\", input.a) }",
        &none(),
        r#"{"a":1}"#,
    )
    .unwrap();
    assert_eq!(answer.prints.len(), 1);
    assert!(answer.prints[0].contains("seen 1"), "{:?}", answer.prints);
}

#[test]
fn a_rule_may_be_a_path() {
    let policy = "package a\nreport.findings contains {\"id\": 1}\nreport.other := 2";
    let answer = answer(policy, &serde_json::json!({"rule": "report.findings"}), "{}").unwrap();
    assert_eq!(answer.findings, 1);
    let error = self::answer(policy, &serde_json::json!({"rule": "report.finding"}), "{}").unwrap_err();
    assert_eq!(error.kind(), "no_such_rule");
}

#[test]
fn a_policy_of_an_open_version_may_be_old_and_is_told_to_be() {
    let old =
        "package p\nimport future.keywords.in\ndetails[found] { some n in [1, 2]; found := {\"n\": n} }\n";
    let run = |policy: &str, version: Option<u8>| {
        let check = serde_json::json!({"name": "c", "file": "c.rego", "policy": policy, "version": version});
        let check: Check = serde_json::from_value(check).unwrap();
        super::run(&check, Value::Null, None)
    };
    let answer = run(old, None).unwrap();
    assert_eq!(answer.findings, 2);
    assert!(
        answer.warnings[0].starts_with("the policy `c.rego` of `c` is in the syntax before OPA 1.0"),
        "{:?}",
        answer.warnings
    );
    assert!(run(old, Some(0)).unwrap().warnings.is_empty());
    assert!(matches!(run(old, Some(1)), Err(RegoError::Parse { .. })));
    let current = "package p\nimport rego.v1\ndetails contains {\"n\": 1} if true\n";
    assert!(run(current, None).unwrap().warnings.is_empty());
    // What is wrong in both is told in the words of the current one.
    let error = run("package p\ndetails contains x if { x := [ }\n", None).unwrap_err();
    assert_eq!(error.place().and_then(|place| place.line), Some(2), "{error}");
}

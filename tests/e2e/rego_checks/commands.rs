//! `check eval` and `check test`.

use serde_json::json;

use super::failures::DEADLY;
use super::{MAX_PORT, OPEN_PORTS, SERVICES, one_check};
use crate::support::{Sandbox, result};

#[test]
fn eval_keeps_the_limit_of_the_checks_manifest() {
    let policy = "package p\nr := numbers.range(1, 3000)\ndetails := [{\"n\": count([1 | some a in r; some b in r; some c in r; a + b + c < 0])}]\n";
    let sandbox = one_check(policy, "---[timeouts]\nhook_total = \"1s\"\n");
    sandbox.write("work/in.json", "{}");
    sandbox
        .opsbox(&["check", "eval", "check", "--input", "in.json"])
        .exits(1)
        .says(&["did not finish within 1000 ms"]);
}

#[test]
fn eval_tries_a_check_on_a_file_of_details_or_a_whole_result() {
    let sandbox = Sandbox::new();
    sandbox.rego("check", "files", OPEN_PORTS, MAX_PORT);
    sandbox.write("work/details.json", SERVICES);
    sandbox.write(
        "work/result.json",
        &result("there", "source", &SERVICES.replace(',', ",\n")),
    );
    let found = |args: &[&str]| {
        sandbox
            .opsbox(&[&["check", "eval"], args].concat())
            .exits(0)
            .json()["details"]
            .clone()
    };
    let both = json!([{"resource": "cache", "port": 6379}, {"resource": "app", "port": 8080}]);
    let policy = sandbox.path("plugins/check/check.rego");
    let policy = policy.to_str().unwrap();
    for check in ["check", policy] {
        for input in ["details.json", "result.json"] {
            assert_eq!(
                found(&[check, "--input", input, "--json"]),
                both,
                "{check} {input}"
            );
        }
    }
    let one = json!([{"resource": "app", "port": 8080}]);
    assert_eq!(
        found(&[
            "check",
            "--input",
            "details.json",
            "--set",
            "max_port=7000",
            "--json"
        ]),
        one
    );
    sandbox
        .opsbox(&["check", "eval", "check", "--input", "details.json"])
        .exits(0)
        .prints(&["what check finds", "cache", "6379"]);
}

#[test]
fn eval_of_a_policy_without_a_manifest_uses_details() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "work/loose.rego",
        "package loose\ndetails contains {\"n\": input.n} if true\n",
    );
    sandbox.write("work/in.json", r#"{"n": 1.0}"#);
    sandbox
        .opsbox(&["check", "eval", "loose.rego", "--input", "in.json", "--json"])
        .exits(0)
        .prints(&[r#""details":[{"n":1.0}]"#]);
}

#[test]
fn eval_says_what_is_wrong_with_its_input_or_policy() {
    let sandbox = Sandbox::new();
    sandbox.rego("check", "files", OPEN_PORTS, MAX_PORT);
    sandbox.write("work/bad.json", "{\n\"a\": }");
    sandbox.write("work/number.json", "3");
    sandbox.write("work/empty.json", "{}");
    let eval = |check: &str, input: &str| sandbox.opsbox(&["check", "eval", check, "--input", input]);
    eval("check", "none.json")
        .exits(2)
        .says(&["none.json", "hint: give a JSON file"]);
    eval("check", "bad.json")
        .exits(2)
        .says(&["bad.json", "not valid JSON", "line 2"]);
    eval("check", "number.json").exits(2).says(&["number.json"]);
    eval("chek", "empty.json")
        .exits(2)
        .says(&["chek", "did you mean `check`"]);
    eval("none.rego", "empty.json")
        .exits(2)
        .says(&["no policy at", "none.rego"]);
    eval("host", "empty.json")
        .exits(2)
        .says(&["`host` has no policy", "opsbox plugins list --type rego"]);
    sandbox.write("work/undefined.rego", "package u\ndetails := [input.a.b]\n");
    eval("undefined.rego", "empty.json").exits(1).says(&[
        "undefined.rego:2: the rule `details` is undefined for this input",
        "hint:",
    ]);
    sandbox.write("work/broken.rego", "package u\ndetails := [\n");
    eval("broken.rego", "empty.json")
        .exits(1)
        .says(&["broken.rego:", "correct the policy"]);
    sandbox.write("work/deadly.rego", DEADLY);
    eval("deadly.rego", "empty.json")
        .exits(1)
        .says(&["while it evaluated `deadly.rego`", "recurses without end"]);
}

#[test]
fn eval_says_when_a_check_does_not_apply() {
    let sandbox = Sandbox::new();
    sandbox.write("work/p.rego", "package p\napplies := false\ndetails := []\n");
    sandbox.write("work/in.json", "{}");
    let seen = sandbox
        .opsbox(&["check", "eval", "p.rego", "--input", "in.json"])
        .exits(0);
    assert_eq!(seen.stdout, "", "{seen}");
    seen.says(&["does not apply"]);
}

const TESTED: &str = "package p
details contains {\"n\": n} if {
	some n in input.list
	n > data.config.max
}
unreached := 1 if {
	input.never
	count(input.never) > 1
}
";

#[test]
fn tests_of_a_policy_pass_fail_and_err_each_by_name_and_line() {
    let sandbox = Sandbox::new();
    sandbox.rego(
        "check",
        "files",
        TESTED,
        "---[config.max]\ntype = \"integer\"\ndefault = 5\n",
    );
    let tests = "package p_test
import data.p
test_finds if count(p.details) == 1 with input as {\"list\": [4, 6]}
test_wrong if count(p.details) == 2 with input as {\"list\": [4, 6]}
test_undefined if input.nothing == 1
test_broken if to_number(\"x\") == 1
";
    sandbox.write("plugins/check/check_test.rego", tests);
    let folder = sandbox.path("plugins/check");
    let folder = folder.to_str().unwrap();
    sandbox.opsbox(&["check", "test", folder]).exits(1).prints(&[
        "pass  test_finds",
        "fail  test_wrong",
        "fail  test_undefined",
        "error test_broken",
        "check_test.rego:5",
        "1 passed, 3 failed",
    ]);
    let seen = sandbox.opsbox(&["check", "test", folder, "--json"]).exits(1);
    let answer = seen.json();
    let outcomes: Vec<_> = answer["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| test["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["pass", "fail", "fail", "error"], "{seen}");
    let coverage = &answer["coverage"][0];
    assert!(
        coverage["file"].as_str().unwrap().ends_with("check.rego"),
        "{seen}"
    );
    assert!(
        coverage["covered"].as_array().unwrap().contains(&json!(4)),
        "{seen}"
    );
    assert_eq!(coverage["not_covered"], json!([6, 8]), "{seen}");
    let passing: String = tests.lines().take(3).map(|line| format!("{line}\n")).collect();
    sandbox.write("plugins/check/check_test.rego", &passing);
    sandbox
        .opsbox(&["check", "test", folder])
        .exits(0)
        .prints(&["1 passed, 0 failed"]);
}

#[test]
fn a_folder_without_tests_or_policies_is_no_success() {
    let sandbox = Sandbox::new();
    sandbox.write("work/policies/p.rego", "package p\ndetails := []\n");
    sandbox.write("work/empty/readme", "");
    let test = |path: &str| sandbox.opsbox(&["check", "test", path]);
    test("policies").exits(2).says(&["no test in", "test_"]);
    test("empty").exits(2).says(&["no `.rego` file in"]);
    test("nowhere").exits(2).says(&["cannot read", "nowhere"]);
    sandbox.write("work/policies/p_test.rego", "package p_test\ntest_x if {\n");
    test("policies")
        .exits(2)
        .says(&["p_test.rego:", "correct the policy"]);
}

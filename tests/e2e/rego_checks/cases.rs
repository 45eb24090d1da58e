//! `check test` over data with known findings: cases beside a check, data of exported runs, coverage, and what is told.

use serde_json::{Value, json};

use super::failures::DEADLY;
use super::{MAX_PORT, OPEN_PORTS, SERVICES};
use crate::support::{Sandbox, Seen};

/// A check with one case, whose data is there and whose findings are not written down yet.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.rego("check", "files", OPEN_PORTS, MAX_PORT);
    sandbox.write("plugins/check/tests/web.input.json", SERVICES);
    sandbox
}

fn test(sandbox: &Sandbox, more: &[&str]) -> Seen {
    let folder = sandbox.path("plugins/check");
    sandbox.opsbox(&[&["check", "test", folder.to_str().unwrap()], more].concat())
}

fn expects(sandbox: &Sandbox, text: &str) {
    sandbox.write("plugins/check/tests/web.expected.json", text);
}

#[test]
fn what_is_expected_is_written_on_request_and_then_holds() {
    let sandbox = sandbox();
    test(&sandbox, &[]).exits(1).prints(&[
        "error check web",
        "nothing says what is expected; `--update`",
        "0 passed, 1 failed",
    ]);
    test(&sandbox, &["--update"])
        .exits(0)
        .prints(&["wrote check web", "0 passed, 0 failed, 1 written"]);
    let written = sandbox.read("plugins/check/tests/web.expected.json");
    let expected: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        expected,
        json!({"findings": [{"port": 6379, "resource": "cache"}, {"port": 8080, "resource": "app"}]})
    );
    assert!(written.contains("\n    {\n"), "{written}");
    test(&sandbox, &["--update"])
        .exits(0)
        .prints(&["1 passed, 0 failed\n"]);
    assert_eq!(sandbox.read("plugins/check/tests/web.expected.json"), written);
    let manifest = sandbox.path("plugins/check/manifest.toml");
    sandbox
        .opsbox(&["check", "test", manifest.to_str().unwrap()])
        .exits(0)
        .prints(&["1 passed"]);
}

#[test]
fn a_difference_is_told_by_finding_and_member_and_the_order_of_a_set_is_none() {
    let sandbox = sandbox();
    let reversed =
        r#"{"findings": [{"resource": "app", "port": 8080.0}, {"port": 6379, "resource": "cache"}]}"#;
    expects(&sandbox, reversed);
    test(&sandbox, &[]).exits(0).prints(&["pass  check web"]);
    // The same findings in a list have an order.
    let policy = "package open_ports
details := [{\"resource\": s.name, \"port\": s.port} | some s in input.services; s.port > data.config.max_port]
";
    sandbox.write("plugins/check/check.rego", policy);
    test(&sandbox, &[]).exits(1).prints(&[
        "fail  check web",
        "the order differs: expected app, cache; found cache, app",
    ]);
    expects(
        &sandbox,
        r#"{"findings": [{"resource": "cache", "port": 1}, {"resource": "db", "port": 5432}]}"#,
    );
    test(&sandbox, &[]).exits(1).prints(&[
        "      cache: port is 6379, expected 1\n",
        "      not found: {\"resource\":\"db\",\"port\":5432}\n",
        "      not expected: {\"port\":8080,\"resource\":\"app\"}\n",
        "0 passed, 1 failed",
    ]);
}

#[test]
fn a_case_has_a_configuration_of_its_own_and_nothing_of_the_users() {
    let sandbox = sandbox();
    sandbox.write("work/opsbox.toml", "[config]\nmax_port = 1\n");
    expects(
        &sandbox,
        r#"{"config": {"max_port": 7000}, "findings": [{"resource": "app", "port": 8080}]}"#,
    );
    test(&sandbox, &[]).exits(0);
    expects(&sandbox, r#"{"config": {"max_port": 9000}}"#);
    test(&sandbox, &[])
        .exits(1)
        .prints(&["nothing says what is expected"]);
    test(&sandbox, &["--update"]).exits(0);
    assert_eq!(
        sandbox.document("../plugins/check/tests/web.expected.json"),
        json!({"config": {"max_port": 9000}, "findings": []})
    );
    for (config, says) in [
        (r#"{"max_prt": 1}"#, "declares no field `max_prt`"),
        (r#"{"max_port": "x"}"#, "`config`: `max_port`"),
    ] {
        expects(&sandbox, &format!("{{\"config\": {config}, \"findings\": []}}"));
        test(&sandbox, &[]).exits(1).prints(&["error check web", says]);
    }
    let manifest = sandbox
        .read("plugins/check/manifest.toml")
        .replace("default = 1000", "required = true");
    sandbox.write("plugins/check/manifest.toml", &manifest);
    expects(&sandbox, r#"{"findings": []}"#);
    test(&sandbox, &[])
        .exits(1)
        .prints(&["the field `max_port` must be set: under `config`"]);
}

#[test]
fn not_applying_and_failing_can_be_what_is_expected() {
    let sandbox = sandbox();
    let policy = "package p
default applies := true
applies := false if input.none
details := [{\"id\": \"x\"}] if input.services
";
    sandbox.write("plugins/check/check.rego", policy);
    sandbox.write("plugins/check/tests/none.input.json", r#"{"none": true}"#);
    sandbox.write("plugins/check/tests/none.expected.json", r#"{"applies": false}"#);
    sandbox.write("plugins/check/tests/empty.input.json", "{}");
    sandbox.write(
        "plugins/check/tests/empty.expected.json",
        r#"{"error": "`details` is undefined"}"#,
    );
    expects(&sandbox, r#"{"findings": [{"id": "x"}]}"#);
    test(&sandbox, &[]).exits(0).prints(&["3 passed, 0 failed"]);
    sandbox.write("plugins/check/tests/none.expected.json", r#"{"findings": []}"#);
    sandbox.write("plugins/check/tests/empty.expected.json", r#"{"findings": []}"#);
    expects(&sandbox, r#"{"error": "undefined"}"#);
    // An error is never written down as what is meant.
    for more in [&[][..], &["--update"][..]] {
        let seen = test(&sandbox, more).exits(1);
        seen.prints(&[
            "error check empty",
            "check.rego:4: the rule `details` is undefined",
            "if it is to fail with this data",
        ]);
    }
    assert_eq!(
        sandbox.document("../plugins/check/tests/none.expected.json"),
        json!({"applies": false})
    );
    assert_eq!(
        sandbox.document("../plugins/check/tests/empty.expected.json"),
        json!({"findings": []})
    );
    sandbox.write("plugins/check/tests/none.expected.json", r#"{"findings": []}"#);
    test(&sandbox, &[])
        .exits(1)
        .prints(&["fail  check none", "it does not apply to this data"]);
    expects(&sandbox, r#"{"error": "something else"}"#);
    test(&sandbox, &[])
        .exits(1)
        .prints(&["it does not fail, and should with `something else`"]);
    expects(&sandbox, r#"{"applies": false}"#);
    test(&sandbox, &[])
        .exits(1)
        .prints(&["it applies, and finds 1 finding"]);
}

#[test]
fn what_is_wrong_with_the_files_of_a_case_fails_that_case_alone() {
    let sandbox = sandbox();
    sandbox.write("plugins/check/tests/orphan.expected.json", r#"{"findings": []}"#);
    sandbox.write("plugins/check/tests/bad.input.json", "{");
    sandbox.write("plugins/check/tests/bad.expected.json", r#"{"findings": []}"#);
    sandbox.write("plugins/check/tests/odd.input.json", "{\"services\": []}");
    sandbox.write("plugins/check/tests/odd.expected.json", r#"{"finding": []}"#);
    expects(
        &sandbox,
        r#"{"findings": [{"resource": "cache", "port": 6379}, {"resource": "app", "port": 8080}]}"#,
    );
    test(&sandbox, &[]).exits(1).prints(&[
        "error check orphan",
        "put `orphan.input.json` beside",
        "error check bad",
        "not valid JSON",
        "error check odd",
        "unknown field `finding`",
        "pass  check web",
        "1 passed, 3 failed",
    ]);
}

#[test]
fn a_policy_that_kills_its_worker_fails_its_case_and_the_next_is_evaluated() {
    let sandbox = sandbox();
    let deadly = format!("{DEADLY}\n");
    sandbox.write("plugins/deadly/tests/a.input.json", "{}");
    sandbox.write("plugins/deadly/tests/b.input.json", "{}");
    sandbox.rego("deadly", "files", &deadly, "");
    let seen = sandbox
        .opsbox(&[
            "check",
            "test",
            sandbox.path("plugins").to_str().unwrap(),
            "--update",
        ])
        .exits(1);
    seen.prints(&[
        "error deadly a",
        "error deadly b",
        "recurses without end",
        "wrote check web",
    ]);
}

#[test]
fn the_data_of_an_exported_run_is_a_case_of_every_check_on_its_provider() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", SERVICES, "");
    sandbox.rego("check", "source", OPEN_PORTS, MAX_PORT);
    let other = "package other\ndetails := [{\"id\": s.name} | some s in input.services; s.port == 80]\n";
    sandbox.rego("other", "source", other, "");
    sandbox.rego("foreign", "files", other, "");
    sandbox.opsbox(&["run", "source-cli_out"]).exits(0);
    for folder in ["fixtures/web1", "fixtures/web2"] {
        sandbox.opsbox(&["runs", "export", "last", folder]).exits(0);
    }
    let plugins = sandbox.path("plugins");
    let all = ["check", "test", plugins.to_str().unwrap()];
    let data = ["--data", "fixtures/web1", "--data", "fixtures/web2"];
    sandbox
        .opsbox(&[&all[..], &data[..], &["--update"]].concat())
        .exits(0)
        .prints(&["4 written"]);
    assert_eq!(
        sandbox.document("../plugins/other/tests/web1.expected.json"),
        json!({"findings": [{"id": "web"}]})
    );
    assert!(!sandbox.path("plugins/foreign/tests").exists());
    sandbox
        .opsbox(&[&all[..], &data[..]].concat())
        .exits(0)
        .prints(&["pass  check web2", "4 passed, 0 failed"]);
    // Without its data a case is no success.
    sandbox
        .opsbox(&all)
        .exits(1)
        .prints(&["error other web1", "name its folder with `--data`"]);
    sandbox
        .opsbox(&[&all[..], &["--data", "fixtures"]].concat())
        .exits(2)
        .says(&["no `*.input.json` in", "fixtures"]);
    sandbox.write("plugins/check/tests/web1.input.json", "{}");
    sandbox
        .opsbox(&[&all[..], &data[..]].concat())
        .exits(2)
        .says(&["two cases of `check` are called `web1`"]);
}

#[test]
fn rules_and_cases_count_together_and_lines_that_none_reached_are_shown() {
    let sandbox = sandbox();
    let policy = "package open_ports
details contains {\"resource\": s.name, \"port\": s.port} if {
\tsome s in input.services
\ts.port > data.config.max_port
}
details contains {\"resource\": \"none\"} if {
\tcount(input.services) == 0
\tinput.strict
}
";
    sandbox.write("plugins/check/check.rego", policy);
    test(&sandbox, &["--update"]).exits(0);
    let seen = test(&sandbox, &["--coverage"]).exits(0);
    seen.prints(&[
        "check.rego: 5 of 6 lines reached\n",
        "\n     8 |     input.strict\n",
    ]);
    let tests = "package t
import data.open_ports
test_none if count(open_ports.details) == 1 with input as {\"services\": [], \"strict\": true}
";
    sandbox.write("plugins/check/check_test.rego", tests);
    let seen = test(&sandbox, &["--coverage"]).exits(0);
    seen.prints(&[
        "pass  test_none",
        "pass  check web",
        "check.rego: 6 of 6 lines reached\n2 passed, 0 failed",
    ]);
    let answer = test(&sandbox, &["--json"]).exits(0).json();
    let kinds: Vec<_> = answer["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| &test["kind"])
        .collect();
    assert_eq!(kinds, ["rule", "case"]);
    assert_eq!(answer["coverage"][0]["not_covered"], json!([]));
}

#[test]
fn ci_systems_get_junit() {
    let sandbox = sandbox();
    expects(&sandbox, r#"{"findings": []}"#);
    sandbox.write("plugins/check/tests/new.input.json", SERVICES);
    test(&sandbox, &["--junit", "report.xml"]).exits(1);
    let report = sandbox.read("work/report.xml");
    for part in [
        "name=\"opsbox check test\" tests=\"2\" failures=\"1\" errors=\"1\"",
        "<testcase name=\"check web\"",
        "<failure message=\"not expected: {&quot;port&quot;:6379",
        "<error message=\"nothing says what is expected",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn a_policy_that_does_not_parse_keeps_no_other_from_being_tested_and_no_old_report_stays() {
    let sandbox = Sandbox::new();
    sandbox.write("work/a/torn_test.rego", "package torn\n\ntest_one if {\n");
    sandbox.write(
        "work/b/fine_test.rego",
        "package fine\n\ntest_one if { 1 == 1 }\n",
    );
    sandbox.write("work/report.xml", "all is well");
    let seen = sandbox
        .opsbox(&["check", "test", ".", "--junit", "report.xml"])
        .exits(2);
    seen.prints(&["error policies", "torn_test.rego:", "pass  "]);
    let report = sandbox.read("work/report.xml");
    assert!(
        report.contains("tests=\"2\" failures=\"0\" errors=\"1\""),
        "{report}"
    );
    // Where there is nothing to report, nothing is left of an earlier time either.
    sandbox.write("work/report.xml", "all is well");
    sandbox
        .opsbox(&["check", "test", "a", "--junit", "report.xml"])
        .exits(2)
        .says(&["torn_test.rego:"]);
    assert!(!sandbox.path("work/report.xml").exists());
    sandbox.write("work/report.xml", "all is well");
    sandbox
        .opsbox(&["plugin", "test", "nowhere", "--junit", "report.xml"])
        .exits(2);
    assert!(!sandbox.path("work/report.xml").exists());
}

#[test]
fn a_policy_alone_has_cases_too() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "work/loose/loose.rego",
        "package loose\ndetails := [{\"n\": input.n}]\n",
    );
    sandbox.write("work/loose/tests/one.input.json", r#"{"n": 1.50}"#);
    sandbox.opsbox(&["check", "test", "loose", "--update"]).exits(0);
    assert_eq!(
        sandbox.read("work/loose/tests/one.expected.json"),
        "{\n  \"findings\": [\n    {\n      \"n\": 1.5\n    }\n  ]\n}\n"
    );
    sandbox
        .opsbox(&["check", "test", "loose"])
        .exits(0)
        .prints(&["pass  loose one"]);
    sandbox.write("work/loose/second.rego", "package second\ndetails := []\n");
    sandbox
        .opsbox(&["check", "test", "loose"])
        .exits(2)
        .says(&["nothing says which policy", "loose.rego, second.rego"]);
}

//! Rego checks: a manifest and a policy, over real data, in real workers.

mod cases;
mod commands;
mod exported;
mod failures;
mod inject;
mod opa_url;
mod published;

use serde_json::json;

use self::failures::fails;
use crate::support::{Sandbox, Seen, result, step};

const OPEN_PORTS: &str = "package open_ports
details contains {\"resource\": s.name, \"port\": s.port} if {
	some s in input.services
	s.port > data.config.max_port
}
";

const MAX_PORT: &str = "---[config.max_port]\ntype = \"integer\"\ndefault = 1000\ndescription = \"the highest port that is fine\"\n";

const SERVICES: &str =
    r#"{"services":[{"name":"web","port":80},{"name":"cache","port":6379},{"name":"app","port":8080}]}"#;

/// A check named `check` over a provider named `source` that brings `{"n": 1}`.
fn one_check(policy: &str, rego: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.provider("source", r#"{"n":1}"#, "");
    sandbox.rego("check", "source", policy, rego);
    sandbox
}

fn run(sandbox: &Sandbox) -> Seen {
    sandbox.opsbox(&["run", "check-json_out", "-o", "record.json"])
}

#[test]
fn a_manifest_and_a_policy_over_any_file_are_a_check() {
    let sandbox = Sandbox::new();
    let policy = "package big_machines
details contains {\"resource\": m.name, \"cores\": m.cores} if {
	some file in input.files
	some m in file.data.machines
	m.cores > data.config.max_cores
}
";
    let field = "---[config.max_cores]\ntype = \"integer\"\ndefault = 8\n";
    sandbox.rego("big_machines", "files", policy, field);
    sandbox.write(
        "work/inventory.json",
        r#"{"machines":[{"name":"a","cores":4},{"name":"b","cores":16}]}"#,
    );
    sandbox.write("work/more.yaml", "machines:\n  - {name: c, cores: 32}\n");
    let args = [
        "run",
        "big_machines-json_out",
        "--set",
        "paths=[\"inventory.json\",\"more.yaml\"]",
    ];
    sandbox.opsbox(&args).exits(0);
    assert_eq!(
        sandbox.document("findings/files/big_machines.json"),
        json!({
            "relates_to": "files", "result_name": "big_machines", "result_description": "what big_machines finds",
            "details": [{"resource": "b", "cores": 16}, {"resource": "c", "cores": 32}],
            "formatted": sandbox.document("findings/files/big_machines.json")["formatted"],
        })
    );
    let seen = sandbox
        .opsbox(&[&args[..], &["--set", "max_cores=20"]].concat())
        .exits(0);
    let details = &sandbox.document("findings/files/big_machines.json")["details"];
    assert_eq!(details, &json!([{"resource": "c", "cores": 32}]), "{seen}");
}

#[test]
fn a_field_of_the_manifest_has_its_default_and_is_checked_by_its_type() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", SERVICES, "");
    sandbox.rego("check", "source", OPEN_PORTS, MAX_PORT);
    let names = |seen: &Seen| {
        let found = sandbox.document("findings/source/check.json")["details"].clone();
        let found = found.as_array().unwrap_or_else(|| panic!("{seen}"));
        found
            .iter()
            .map(|found| found["resource"].clone())
            .collect::<Vec<_>>()
    };
    let seen = run(&sandbox).exits(0);
    assert_eq!(names(&seen), ["cache", "app"], "{seen}");
    let seen = sandbox
        .opsbox(&["run", "check-json_out", "--set", "check.max_port=7000"])
        .exits(0);
    assert_eq!(names(&seen), ["app"], "{seen}");
    sandbox
        .opsbox(&["run", "check-json_out", "--set", "max_port=many"])
        .exits(2)
        .says(&["max_port", "many", "integer"]);
}

#[test]
fn another_rule_may_hold_the_findings() {
    let sandbox = one_check(
        "package p\nviolations contains {\"n\": input.n} if input.n > 0\n",
        "rule = \"violations\"\n",
    );
    let seen = run(&sandbox).exits(0);
    assert_eq!(
        sandbox.document("findings/source/check.json")["details"],
        json!([{"n": 1}]),
        "{seen}"
    );
}

#[test]
fn an_old_policy_runs_with_version_0_and_is_told_so_without() {
    let policy = "package p\ndetails[found] {\n\tinput.n == 1\n\tfound := {\"n\": input.n}\n}\n";
    let sandbox = one_check(policy, "version = 0\n");
    run(&sandbox).exits(0);
    assert_eq!(
        sandbox.document("findings/source/check.json")["details"],
        json!([{"n": 1}])
    );
    fails(policy, "", &["check.rego:2", "`version = 0` in [rego]"]);
}

#[test]
fn a_check_that_does_not_apply_is_skipped_and_whole() {
    let policy =
        "package p\ndefault applies := false\napplies if input.n > 1\ndetails contains {\"n\": 1} if true\n";
    let sandbox = one_check(policy, "");
    let seen = run(&sandbox).exits(0);
    let record = sandbox.record();
    assert_eq!(step(&record, "check")["status"], "skipped", "{seen}");
    assert_eq!(
        step(&record, "check")["skipped"],
        json!({"reason": "not_applicable"}),
        "{seen}"
    );
    assert!(
        !sandbox.path("work/findings/source/check.json").exists(),
        "{seen}"
    );
    seen.says(&["not applicable"]);
}

#[test]
fn a_provider_is_gathered_once_for_all_its_checks() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", r#"{"n":1}"#, "");
    let names: Vec<_> = (0..12).map(|n| format!("check_{n}")).collect();
    for name in &names {
        sandbox.rego(
            name,
            "source",
            &format!("package {name}\ndetails contains {{\"n\": input.n}} if true\n"),
            "",
        );
    }
    let pipeline = format!("{}-json_out", names.join(","));
    sandbox.opsbox(&["run", &pipeline]).exits(0);
    assert_eq!(sandbox.read("work/source.gathered"), "x\n");
}

#[test]
fn severity_and_remediation_are_added_where_a_finding_has_none() {
    let policy =
        "package p\ndetails := [{\"a\": 1}, {\"a\": 2, \"severity\": \"low\", \"remediation\": \"wait\"}]\n";
    let sandbox = one_check(
        policy,
        "---[check]\nseverity = \"high\"\nremediation = \"close it\"\n",
    );
    run(&sandbox).exits(0);
    assert_eq!(
        sandbox.document("findings/source/check.json")["details"],
        json!([
            {"a": 1, "severity": "high", "remediation": "close it"},
            {"a": 2, "severity": "low", "remediation": "wait"},
        ])
    );
    let plain = one_check(policy, "");
    run(&plain).exits(0);
    assert_eq!(
        plain.document("findings/source/check.json")["details"][0],
        json!({"a": 1})
    );
}

#[test]
fn numbers_are_spelt_as_opa_spells_them_from_the_provider_to_the_file() {
    let sandbox = Sandbox::new();
    let numbers = r#"{"list":[{"big":123456789012345678901234567890},{"float":0.0},{"half":1.5},{"negative":-0.0},{"over_2_53":9007199254740993},{"whole":1732029738.0}]}"#;
    sandbox.provider("source", numbers, "");
    let policy =
        "package p\ndetails := array.concat(input.list, [{\"sum\": 1.5 + 1.5}, {\"quotient\": 10 / 4}])\n";
    sandbox.rego("check", "source", policy, "");
    run(&sandbox).exits(0);
    let text = sandbox.read("work/findings/source/check.json");
    for spelling in [
        "\"big\": 123456789012345678901234567890\n",
        "\"float\": 0.0\n",
        "\"half\": 1.5\n",
        "\"negative\": -0.0\n",
        "\"over_2_53\": 9007199254740993\n",
        "\"whole\": 1732029738.0\n",
        "\"sum\": 3\n",
        "\"quotient\": 2.5\n",
    ] {
        assert!(text.contains(spelling), "{spelling}{text}");
    }
}

#[test]
fn code_beside_a_policy_changes_its_data_and_reports_its_findings() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", r#"{"n":1}"#, "");
    sandbox.rego(
        "plain",
        "source",
        "package p\ndetails := [{\"seen\": input.n}]\n",
        "",
    );
    let policy = "package p\ndetails := [{\"seen\": input.n, \"max\": data.config.max}]\n";
    let tables =
        "---[run]\ncommand = [\"sh\", \"./plugin.sh\"]\n[config.max]\ntype = \"integer\"\ndefault = 5\n";
    sandbox.rego("check", "source", policy, tables);
    let changed = result("source", "source", r#"{"n":41}"#);
    let inject = format!("printf '%s\\n' \"$line\" >injected.json; result='{changed}'");
    let report = "printf '%s\\n' \"$line\" >reported.json
result='{\"relates_to\":\"mine\",\"result_name\":\"told\",\"result_description\":\"d\",\"details\":[{\"k\":1}],\"formatted\":\"told by hand\"}'";
    sandbox.shell_plugin("check", &[("inject_data", &inject), ("report_findings", report)]);
    let seen = sandbox
        .opsbox(&["run", "check,plain-json_out,text_out", "-o", "record.json"])
        .exits(0);
    assert_eq!(
        sandbox.document("injected.json")["params"]["data"]["details"],
        json!({"n": 1}),
        "{seen}"
    );
    let reported = &sandbox.document("reported.json")["params"]["data"];
    assert_eq!(reported["details"], json!([{"seen": 41, "max": 5}]), "{seen}");
    assert_eq!(
        sandbox.document("findings/mine/told.json")["details"],
        json!([{"k": 1}]),
        "{seen}"
    );
    assert_eq!(
        sandbox.read("work/findings/mine/told.txt"),
        "told by hand",
        "{seen}"
    );
    let untouched = &sandbox.document("findings/source/plain.json")["details"];
    assert_eq!(
        untouched,
        &json!([{"seen": 1}]),
        "the change is the check's own\n{seen}"
    );
}

#[test]
fn a_default_of_another_type_than_its_field_is_a_fault_of_the_manifest() {
    let sandbox = one_check(
        "package p\ndetails := []\n",
        "---[config.max_port]\ntype = \"integer\"\ndefault = \"many\"\n",
    );
    run(&sandbox)
        .exits(2)
        .says(&["line 11: `default` in `[config.max_port]` is \"many\"", "integer"]);
}

#[test]
fn a_policy_with_windows_line_ends_is_the_same_policy() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", SERVICES, "");
    sandbox.rego(
        "check",
        "source",
        &format!("\u{feff}{}", OPEN_PORTS.replace('\n', "\r\n")),
        &MAX_PORT.replace('\n', "\r\n"),
    );
    let seen = run(&sandbox).exits(0);
    let details = &sandbox.document("findings/source/check.json")["details"];
    assert_eq!(details.as_array().map(Vec::len), Some(2), "{seen}");
    fails(
        "package p\r\n\r\ndetails := [1] if input.missing\r\n",
        "",
        &["check.rego:3: the rule `details` is undefined"],
    );
}

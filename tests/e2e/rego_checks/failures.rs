//! Policies, providers and workers that fail: an error that says where, never "no findings".

use serde_json::json;

use super::{one_check, run};
use crate::support::{Sandbox, step};

/// Asserts that a policy fails its check: never "no findings".
#[track_caller]
pub(super) fn fails(policy: &str, rego: &str, texts: &[&str]) {
    let sandbox = one_check(policy, rego);
    let seen = run(&sandbox).exits(1).says(texts);
    let record = sandbox.record();
    assert_eq!(step(&record, "check")["status"], "failed", "{seen}");
    assert_eq!(step(&record, "source")["status"], "clean", "{seen}");
    assert!(
        !sandbox.path("work/findings/source/check.json").exists(),
        "{seen}"
    );
}

#[test]
fn an_error_in_a_built_in_function_fails_the_check_unless_it_is_lenient() {
    let policy = "package p\ndetails contains {\"n\": 1} if input.n / 0 > 1\ndetails contains {\"n\": 2} if input.n == 1\n";
    fails(policy, "", &["check.rego:2", "divi", "strict = false"]);
    let sandbox = one_check(policy, "strict = false\n");
    run(&sandbox).exits(0);
    assert_eq!(
        sandbox.document("findings/source/check.json")["details"],
        json!([{"n": 2}])
    );
}

#[test]
fn a_policy_that_gives_no_answer_fails_and_says_where_and_what_to_do() {
    fails(
        "package p\n\ndetails := [{\"n\": 1}] if input.missing\n",
        "",
        &[
            "check.rego:3: the rule `details` is undefined for this input",
            "misspelt key",
        ],
    );
    fails(
        "package p\ndetials contains {\"n\": 1} if true\n",
        "",
        &[
            "no rule `details` in package `p`; did you mean `detials`?",
            "rename `detials` to `details`",
        ],
    );
    fails(
        "package p\ndetails contains {\"n\": 1} if {\n\tinput.n ==\n}\n",
        "",
        &["check.rego:4", "correct the policy"],
    );
    fails(
        "package p\ndetails := 3\n",
        "",
        &["check.rego:2", "must be an object or a list of objects"],
    );
    fails(
        "package p\napplies := \"yes\"\ndetails := []\n",
        "",
        &["check.rego:2", "`applies` must be true or false"],
    );
}

#[test]
fn a_policy_without_end_is_stopped_and_named() {
    fails(
        "package p\nimport rego.v1\na := b\nb := a\ndetails := [{\"n\": a}]\n",
        "",
        &["check.rego:", "the policy is recursive"],
    );
    fails(
        "package p\nf(x) := g(x)\ng(x) := f(x)\ndetails := [{\"n\": f(1)}]\n",
        "",
        &[
            "check.rego:2: the policy is recursive: `f` calls `g` calls `f`",
            "break the circle",
        ],
    );
    fails(
        "package p\nr := numbers.range(1, 3000)\ndetails := [{\"n\": count([1 | some a in r; some b in r; some c in r; a + b + c < 0])}]\n",
        "---[timeouts]\nhook_total = \"1s\"\n",
        &["did not finish within 1000 ms", "[timeouts] hook_total"],
    );
    let deep = format!("package p\ndetails := {}{}\n", "[".repeat(20), "]".repeat(20));
    fails(
        &deep,
        "",
        &["check.rego:2:24: brackets nest 13 levels deep, 12 are allowed"],
    );
}

/// Recursion that no look at the text finds, through the alias of an import; it ends the process that evaluates it.
pub(super) const DEADLY: &str =
    "package deadly\nimport data.deadly as me\nf(x) := me.f(x + 1)\ndetails := [{\"n\": f(1)}]\n";

#[test]
fn a_dead_worker_fails_its_check_only_and_a_fresh_one_makes_the_others() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", r#"{"n":1}"#, "");
    let good = |name: &str| format!("package {name}\ndetails contains {{\"n\": input.n}} if true\n");
    sandbox.rego("before", "source", &good("before"), "");
    sandbox.rego("deadly", "source", DEADLY, "");
    sandbox.rego("after", "source", &good("after"), "");
    for jobs in ["1", "4"] {
        let args = [
            "run",
            "before,deadly,after-json_out",
            "-o",
            "record.json",
            "--jobs",
            jobs,
        ];
        let seen = sandbox.opsbox(&args).exits(4).says(&[
            "deadly: the process aborted (SIGABRT) while it evaluated `deadly.rego`",
            "recurses without end",
        ]);
        let record = sandbox.record();
        assert_eq!(step(&record, "deadly")["status"], "failed", "{seen}");
        for name in ["before", "after"] {
            assert_eq!(step(&record, name)["status"], "findings", "{seen}");
            let file = format!("findings/source/{name}.json");
            assert_eq!(sandbox.document(&file)["details"], json!([{"n": 1}]), "{seen}");
        }
    }
    assert_eq!(
        sandbox.read("work/source.gathered"),
        "x\nx\n",
        "gathered once in each run"
    );
}

#[test]
fn messages_name_the_policy_and_not_the_wire() {
    for policy in [
        "package p\ndetails := input.x\n",
        "package p\ndetails := [\n",
        DEADLY,
    ] {
        let sandbox = one_check(policy, "");
        run(&sandbox).exits(1).says(&["check.rego"]).hides(&["x-opsbox"]);
        sandbox.write("work/in.json", "{}");
        let file = sandbox.path("plugins/check/check.rego");
        let args = ["check", "eval", file.to_str().unwrap(), "--input", "in.json"];
        sandbox
            .opsbox(&args)
            .exits(1)
            .says(&["check.rego"])
            .hides(&["x-opsbox"]);
    }
}

#[test]
fn a_policy_that_may_not_be_read_is_named_with_its_cause() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = one_check("package p\ndetails := []\n", "");
    let file = sandbox.path("plugins/check/check.rego");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if let Some(seen) = sandbox.as_ordinary_user(&["run", "check-json_out"]) {
        seen.exits(1).says(&[
            "the policy `check.rego` cannot be read: Permission denied",
            "UTF-8 text that the user who runs opsbox may read",
        ]);
    }
}

#[test]
fn a_limit_of_zero_is_no_limit() {
    let sandbox = one_check(
        "package p\ndetails contains {\"n\": input.n} if true\n",
        "---[timeouts]\nhook_total = \"0s\"\n",
    );
    run(&sandbox).exits(0);
    let file = sandbox.path("plugins/check/check.rego");
    sandbox.write("work/in.json", "{\"n\": 1}");
    sandbox
        .opsbox(&["check", "eval", file.to_str().unwrap(), "--input", "in.json"])
        .exits(0);
}

#[test]
fn a_failed_provider_leaves_its_checks_unknown() {
    let sandbox = Sandbox::new();
    sandbox.shell(
        "source",
        "provider",
        &[("gather_data", "fail \"the API said 403\"")],
        "",
    );
    sandbox.rego("check", "source", "package p\ndetails := []\n", "");
    sandbox.provider("other", r#"{"n":1}"#, "");
    sandbox.rego("second", "other", "package p\ndetails := []\n", "");
    let seen = sandbox
        .opsbox(&["run", "check,second-json_out", "-o", "record.json"])
        .exits(4)
        .says(&["the API said 403", "its provider `source` brought no data"]);
    let record = sandbox.record();
    assert_eq!(step(&record, "source")["status"], "failed", "{seen}");
    assert_eq!(step(&record, "check")["status"], "unknown", "{seen}");
    assert_eq!(step(&record, "second")["status"], "clean", "{seen}");
}

#[test]
fn a_gap_touches_the_checks_that_read_its_section_and_no_others() {
    let sandbox = Sandbox::new();
    let gap = "gap sockets \"the socket table\" \"permission denied\"";
    sandbox.provider("source", r#"{"sockets":[{"p":1}],"users":[]}"#, gap);
    let policy = "package p\ndetails contains {\"p\": s.p} if some s in input.sockets\n";
    let reads = |sections: &str| format!("---[check]\nreads = [{sections}]\n");
    sandbox.rego("looks", "source", policy, &reads("\"sockets\""));
    sandbox.rego(
        "elsewhere",
        "source",
        "package p\ndetails := [] if input.users\n",
        &reads("\"users\""),
    );
    sandbox.rego("anywhere", "source", policy, "");
    sandbox.rego(
        "blind",
        "source",
        "package p\ndetails := input.owners\n",
        &reads("\"sockets\""),
    );
    let seen = sandbox
        .opsbox(&[
            "run",
            "looks,elsewhere,anywhere,blind-json_out",
            "-o",
            "record.json",
        ])
        .exits(4)
        .says(&["incomplete", "the socket table: permission denied"]);
    let record = sandbox.record();
    let status = |name: &str| step(&record, name)["status"].as_str().unwrap().to_owned();
    assert_eq!(status("looks"), "incomplete", "{seen}");
    assert_eq!(step(&record, "looks")["findings"], 1, "{seen}");
    assert_eq!(status("elsewhere"), "clean", "{seen}");
    assert_eq!(status("anywhere"), "incomplete", "{seen}");
    assert_eq!(status("blind"), "unknown", "{seen}");
    assert!(
        sandbox.path("work/findings/source/looks.json").exists(),
        "its findings are kept\n{seen}"
    );
}

#[test]
fn code_beside_a_policy_that_fails_fails_the_check_only() {
    for (hook, other) in [
        ("inject_data", "report_findings"),
        ("report_findings", "inject_data"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.provider("source", r#"{"n":1}"#, "");
        let policy = "package p\ndetails := [{\"seen\": input.n}]\n";
        sandbox.rego(
            "check",
            "source",
            policy,
            "---[run]\ncommand = [\"sh\", \"./plugin.sh\"]\n",
        );
        sandbox.rego("plain", "source", policy, "");
        sandbox.shell_plugin("check", &[(hook, "fail \"no such account\"")]);
        let seen = sandbox
            .opsbox(&["run", "check,plain-json_out", "-o", "record.json"])
            .exits(4)
            .says(&["check", hook, "no such account"])
            .hides(&[other]);
        let record = sandbox.record();
        assert_eq!(step(&record, "check")["status"], "failed", "{seen}");
        assert_eq!(step(&record, "plain")["status"], "findings", "{seen}");
    }
}

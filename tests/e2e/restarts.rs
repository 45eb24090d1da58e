//! Plugins that crash are started again where they only gather or compute, within a budget; what delivers is never called twice.

use rustix::process::Signal;

use crate::signals::Running;
use crate::support::{Sandbox, result, step};

/// Manifest tables: no wait before a further start.
const AT_ONCE: &str = "---[restart]\nbackoff = 0\n";

/// Commands of a hook that note each call in `work/calls` and end the process in the first `times` of them.
fn dies(times: usize) -> String {
    format!("echo x >>calls; [ $(grep -c x calls) -gt {times} ] || {{ echo 'last words' >&2; exit 3; }}; ")
}

#[track_caller]
fn assert_calls(sandbox: &Sandbox, wanted: usize) {
    assert_eq!(sandbox.read("work/calls").lines().count(), wanted);
}

/// Adds the input `crashing` that dies in its first calls, and `good`, which does not.
fn crashing(times: usize, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let answer = format!("{}result='[{}]'", dies(times), result("test", "crashing", "[{}]"));
    sandbox.shell("crashing", "input", &[("process", &answer)], more);
    sandbox.input("good", &[result("test", "good", "[{}]")]);
    sandbox
}

const RUN: [&str; 4] = ["run", "crashing,good-json_out", "-o", "record.json"];

#[test]
fn case_49_a_crash_loop_is_started_so_often_and_then_given_up_for_the_run() {
    let sandbox = crashing(99, AT_ONCE);
    let seen = sandbox.opsbox(&RUN).exits(4).says(&[
        "crashing",
        "the process exited with status 3 during `process`; it is started again (1 of 2)",
        "it is started again (2 of 2)",
        "the process exited with status 3 during `process`; it was started 3 times and is not started again in this run",
        "its last words: last words",
    ]);
    assert_calls(&sandbox, 3);
    let record = sandbox.record();
    assert_eq!(step(&record, "crashing")["status"], "failed", "{seen}");
    let hints = step(&record, "crashing")["errors"][0]["hints"].to_string();
    assert!(
        hints.contains("`[restart] times` in its manifest, or `--restarts`"),
        "{hints}"
    );
    assert_eq!(step(&record, "good")["status"], "findings", "{seen}");
    sandbox.document("findings/test/good.json");
}

#[test]
fn a_crash_by_chance_costs_a_call_and_no_result() {
    let sandbox = crashing(1, AT_ONCE);
    let seen = sandbox
        .opsbox(&RUN)
        .exits(0)
        .says(&["it is started again (1 of 2)"]);
    assert_calls(&sandbox, 2);
    assert_eq!(step(&sandbox.record(), "crashing")["findings"], 1, "{seen}");
}

#[test]
fn the_budget_is_the_flag_or_the_variable_or_the_manifest() {
    let check = |manifest: &str, variables: &[(&str, &str)], flags: &[&str], calls: usize| {
        let sandbox = crashing(99, &format!("---[restart]\nbackoff = 0\n{manifest}\n"));
        let seen = sandbox.opsbox_with(variables, &[&RUN, flags].concat()).exits(4);
        assert_calls(&sandbox, calls);
        seen
    };
    check("times = 4", &[], &[], 5);
    check("times = 4", &[], &["--restarts", "1"], 2);
    check("", &[("OPSBOX_RESTARTS", "3")], &[], 4);
    check("", &[("OPSBOX_RESTARTS", "3")], &["--restarts", "0"], 1).hides(&["started again"]);
    check("times = 0", &[], &[], 1).hides(&["started again"]);
}

#[test]
fn case_50_a_crash_in_process_results_is_never_retried() {
    let sandbox = Sandbox::new();
    sandbox.input("good", &[result("test", "good", "[{}]")]);
    sandbox.shell("out", "output", &[("process_results", &dies(99))], AT_ONCE);
    sandbox
        .opsbox(&["run", "good-out,json_out", "--restarts", "5", "-o", "record.json"])
        .exits(4)
        .says(&["out", "exited with status 3 during `process_results`"])
        .hides(&["started again"]);
    assert_calls(&sandbox, 1);
    sandbox.document("findings/test/good.json");
}

#[test]
fn what_is_no_crash_is_not_tried_again() {
    let once = "echo x >>calls; ";
    for (does, says) in [
        ("fail 'no such account'", "no such account"),
        ("result='{\"nothing\":1}'", "wrong shape"),
        ("sleep 1000 & wait", "no answer to `process` within 100ms"),
        ("kill -STOP $$", "was stopped during `process` by SIGSTOP"),
        ("exec 3>&-; sleep 1000 & wait", "it closed its stdout"),
    ] {
        let sandbox = Sandbox::new();
        let tables = if says.contains("100ms") {
            format!("{AT_ONCE}[timeouts]\nhook_total = \"100ms\"\n")
        } else {
            AT_ONCE.into()
        };
        sandbox.shell("bad", "input", &[("process", &format!("{once}{does}"))], &tables);
        sandbox
            .opsbox(&["run", "bad-json_out"])
            .exits(1)
            .says(&[says])
            .hides(&["started again"]);
        assert_calls(&sandbox, 1);
    }
}

#[test]
fn providers_and_assistants_are_started_again_and_their_configuration_with_them() {
    let sandbox = Sandbox::new();
    let gather = format!(
        "{}gap users '/etc/shadow' denied; result='{}'",
        dies(1),
        result("p", "p", "{}")
    );
    let set_data = "echo \"$line\" >>configured; result='{}'";
    let field = "---[restart]\nbackoff = 0\n[config.region]\ntype = \"string\"\n";
    sandbox.shell(
        "source",
        "provider",
        &[("gather_data", &gather), ("set_data", set_data)],
        field,
    );
    let seen = sandbox
        .opsbox(&[
            "run",
            "source-json_out",
            "--set",
            "region=eu",
            "-o",
            "record.json",
        ])
        .exits(4);
    assert_calls(&sandbox, 2);
    let record = sandbox.record();
    // What the process reported that died counts no more.
    assert_eq!(
        step(&record, "source")["gaps"].as_array().unwrap().len(),
        1,
        "{seen}"
    );
    assert_eq!(
        sandbox
            .read("work/configured")
            .matches("\"region\":\"eu\"")
            .count(),
        2,
        "{seen}"
    );

    let sandbox = Sandbox::new();
    sandbox.input("good", &[result("test", "good", "[{}]")]);
    let answer = format!("{}result='[{}]'", dies(1), result("test", "changed", "[{}]"));
    sandbox.shell("change", "assistant", &[("process_input", &answer)], AT_ONCE);
    sandbox.opsbox(&["run", "good-change-json_out"]).exits(0);
    assert_calls(&sandbox, 2);
    sandbox.document("findings/test/changed.json");
}

#[test]
fn a_plugin_that_is_asked_early_and_started_late_is_started_again_as_well() {
    // It dies whenever it is activated for its step, which is after it was asked for its fields.
    let sandbox = crashing(0, AT_ONCE);
    let process = format!("result='[{}]'", result("test", "crashing", "[{}]"));
    let hooks = [
        ("activate", "echo x >>calls; exit 5"),
        ("process", process.as_str()),
    ];
    sandbox.shell("crashing", "input", &hooks, AT_ONCE);
    let names: Vec<_> = (0..9).map(|index| format!("early{index}")).collect();
    for name in &names {
        sandbox.input(name, &[result("test", name, "[{}]")]);
    }
    let pipeline = format!("{},crashing-json_out", names.join(","));
    sandbox
        .opsbox(&["run", &pipeline, "--jobs", "1"])
        .exits(4)
        .says(&["exited with status 5 during `activate`; it was started 3 times"]);
    assert_calls(&sandbox, 3);
}

#[test]
fn the_hooks_beside_a_policy_share_one_budget() {
    let sandbox = Sandbox::new();
    sandbox.provider("host_facts", "{\"n\":1}", "");
    let policy = "package p\n\nimport rego.v1\n\ndetails := [{\"n\": input.n}]\n";
    sandbox.rego(
        "checked",
        "host_facts",
        policy,
        &format!("{AT_ONCE}[run]\ncommand = [\"sh\", \"./plugin.sh\"]\n"),
    );
    let data = result("host_facts", "host_facts", "{\"n\":2}");
    let inject = format!("{}result='{data}'", dies(1));
    let report = format!("{}result='[{}]'", dies(3), result("test", "checked", "[{}]"));
    sandbox.shell_plugin(
        "checked",
        &[("inject_data", &inject), ("report_findings", &report)],
    );
    let args = ["run", "checked-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(0).says(&["(1 of 2)", "(2 of 2)"]);
    // Two calls to inject, of which one ended it, then two to report.
    assert_calls(&sandbox, 4);
    assert_eq!(step(&sandbox.record(), "checked")["status"], "findings", "{seen}");
}

#[test]
fn a_handler_that_crashed_in_one_step_serves_the_next_and_repeats_nothing() {
    let sandbox = Sandbox::new();
    let serve = format!("{}result='[{}]'", dies(1), result("test", "served", "[{}]"));
    let more = "---[handler]\nhandles = [\"odd\"]\n[restart]\nbackoff = 0\n";
    sandbox.shell("serving", "handler", &[("process_plugin", &serve)], more);
    for name in ["one", "two"] {
        sandbox.shell(name, "odd", &[("scan", "result='[]'")], "");
    }
    let args = ["run", "one,two-json_out", "--jobs", "1", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(4).says(&[
        "its handler `serving`: the process exited with status 3 during `process_plugin`",
        "it is started again (1 of 2)",
    ]);
    assert_calls(&sandbox, 2);
    let record = sandbox.record();
    let mut statuses = [&step(&record, "one")["status"], &step(&record, "two")["status"]]
        .map(|status| status.as_str().unwrap());
    statuses.sort_unstable();
    assert_eq!(statuses, ["failed", "findings"], "{seen}");
}

#[test]
fn an_interrupt_ends_the_wait_for_a_further_start() {
    let sandbox = crashing(99, "---[restart]\nbackoff = \"30s\"\ntimes = 9\n");
    let mut running = Running::start(&sandbox, &RUN);
    running.wait_for_text("it is started again (1 of 9)");
    running.signal(Signal::INT);
    let (status, _, stderr) = running.finish();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert_calls(&sandbox, 1);
}

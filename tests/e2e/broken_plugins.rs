//! A plugin may crash, hang, flood or print garbage: the run goes on and says so.

use crate::support::{Sandbox, step};

/// Runs `bad,good-out` where `bad` has this fault, and asserts that `good` was delivered whole.
#[track_caller]
fn run_beside_a_good_one(fault: &str, more: &str) -> (Sandbox, crate::support::Seen) {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", fault, more);
    sandbox.fault("good", "input", "none", "");
    let seen = sandbox.opsbox(&["run", "bad,good-json_out", "-o", "record.json"]);
    let good = sandbox.read("work/findings/fault/none.json");
    assert!(good.contains("found a"), "{seen}");
    assert_eq!(step(&sandbox.record(), "good")["status"], "findings", "{seen}");
    (sandbox, seen)
}

#[track_caller]
fn fails_with(fault: &str, more: &str, texts: &[&str]) {
    let (sandbox, seen) = run_beside_a_good_one(fault, more);
    let seen = seen.exits(4).says(&["bad"]).says(texts);
    assert_eq!(step(&sandbox.record(), "bad")["status"], "failed", "{seen}");
    assert_eq!(sandbox.record()["outcome"], "partial", "{seen}");
}

#[test]
fn a_plugin_that_exits_fails_its_step_only() {
    fails_with("exits_at_once", "", &["exited with status 0", "`initialize`"]);
    fails_with(
        "exits_with_words",
        "",
        &["exited with status 7", "the last line it said"],
    );
    fails_with(
        "exits_in_hook",
        "",
        &["exited with status 3", "`process`", "about to leave"],
    );
    fails_with("aborts_in_hook", "", &["SIGABRT", "`process`"]);
}

#[test]
fn a_plugin_that_never_answers_meets_its_deadline() {
    let limit = "---[timeouts]\nhook_total = \"1s\"\nhandshake = \"1s\"\n";
    fails_with(
        "never_answers",
        limit,
        &["no answer to `process` within 1s", "hook_total"],
    );
    fails_with(
        "never_shakes_hands",
        limit,
        &["no answer to `initialize` within 1s", "handshake"],
    );
    fails_with("wrong_id", limit, &["no answer to `initialize`"]);
}

#[test]
fn a_deadline_of_zero_is_off_and_the_flag_sets_the_default() {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", "never_answers", "");
    sandbox
        .opsbox(&["run", "bad-json_out", "--timeout", "1s"])
        .exits(1)
        .says(&["no answer to `process` within 1s"]);
}

#[test]
fn noise_is_a_warning_until_it_is_too_much() {
    let (_sandbox, seen) = run_beside_a_good_one("garbage_in_hook", "");
    seen.exits(0)
        .says(&["warning: bad:", "Traceback (most recent call last)"]);
    let (_sandbox, seen) = run_beside_a_good_one("banner", "");
    seen.exits(0).says(&["banner line 3"]);
    fails_with("endless_noise", "", &["too much noise"]);
}

#[test]
fn an_answer_of_the_wrong_shape_or_size_fails_its_call() {
    fails_with(
        "wrong_shape",
        "",
        &["wrong shape", "expected a list of Results, got an object"],
    );
    fails_with("damaged_answer", "", &["not valid JSON"]);
    fails_with("half_a_line", "", &["not valid JSON: EOF"]);
    fails_with("hello_of_wrong_shape", "", &["`initialize`", "wrong shape"]);
    fails_with(
        "too_long",
        "---[limits]\nline = \"2MiB\"\n",
        &["larger than the limit of 2097152 bytes", "[limits] line"],
    );
}

#[test]
fn a_plugin_of_another_protocol_version_is_named() {
    fails_with("protocol_9", "", &["speaks protocol 9"]);
}

#[test]
fn a_plugin_that_closes_its_stdout_fails_at_once() {
    fails_with("closes_stdout", "", &["closed its stdout"]);
}

#[test]
fn an_error_of_the_plugin_is_shown_with_its_hint_and_without_its_traceback() {
    let (_sandbox, seen) = run_beside_a_good_one("error", "");
    seen.exits(4)
        .says(&["no credentials found", "set AWS_PROFILE"])
        .hides(&["secret internals"]);
}

#[test]
fn a_gap_makes_a_check_incomplete_and_keeps_its_findings() {
    let (sandbox, seen) = run_beside_a_good_one("gap", "");
    let seen = seen.exits(4).says(&[
        "incomplete",
        "region eu-west-9: access denied",
        "grant ec2:Describe*",
    ]);
    let record = sandbox.record();
    assert_eq!(step(&record, "bad")["status"], "incomplete", "{seen}");
    assert_eq!(step(&record, "bad")["findings"], 1, "{seen}");
    assert_eq!(step(&record, "bad")["gaps"][0]["section"], "regions", "{seen}");
}

#[test]
fn doubled_answers_floods_and_stubborn_plugins_hurt_nobody() {
    for fault in [
        "answers_twice",
        "request_first",
        "leaves_a_child",
        "ignores_shutdown",
    ] {
        let (_sandbox, seen) = run_beside_a_good_one(fault, "");
        seen.exits(0);
    }
    let (_sandbox, seen) = run_beside_a_good_one("log_flood", "");
    let seen = seen.exits(0).says(&["floods the log"]);
    assert!(
        seen.stderr.lines().count() < 2_000,
        "{} lines",
        seen.stderr.lines().count()
    );
}

#[test]
fn a_failed_provider_makes_its_checks_unknown_and_never_clean() {
    let sandbox = Sandbox::new();
    sandbox.fault("source", "provider", "error", "");
    sandbox.fault("look", "input", "none", "uses = [\"source\"]\n");
    sandbox.fault("other", "input", "none", "");
    let seen = sandbox
        .opsbox(&["run", "look,other-json_out", "-o", "record.json"])
        .exits(4);
    let record = sandbox.record();
    assert_eq!(step(&record, "source")["status"], "failed", "{seen}");
    assert_eq!(step(&record, "look")["status"], "unknown", "{seen}");
    assert_eq!(step(&record, "look")["stale"], true, "{seen}");
    seen.says(&["its provider `source` brought no data", "no credentials found"]);
}

#[test]
fn fail_fast_stops_the_run_and_delivers_nothing() {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", "error", "");
    sandbox.fault("out", "output", "none", "");
    sandbox
        .opsbox(&["run", "bad-out", "--fail-fast"])
        .exits(1)
        .hides(&["fault output saw it"]);
}

#[test]
fn a_failed_assistant_leaves_the_results_as_they_are() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("helper", "assistant", "exits_in_hook", "");
    sandbox
        .opsbox(&["run", "good-helper-json_out"])
        .exits(4)
        .says(&["helper", "status 3"]);
    assert!(sandbox.read("work/findings/fault/none.json").contains("found a"));
}

#[test]
fn a_run_without_any_delivery_has_failed() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("out", "output", "exits_in_hook", "");
    sandbox
        .opsbox(&["run", "good-out"])
        .exits(1)
        .says(&["out", "`process_results`", "status 3"]);
}

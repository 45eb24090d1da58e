//! Cases 24 to 37, as far as they concern every plugin: what a message says. Case 37 is the bridge's.

use super::harness::Case;
use crate::support::{Sandbox, step};

#[test]
fn case_24_an_answer_to_a_call_that_nobody_made() {
    let ran = Case::of("unknown_id")
        .run()
        .lives(&["id `999999`, which no call waits for"]);
    assert_eq!(ran.details("unknown_id")[0]["message"], "found a");
}

#[test]
fn case_25_an_answer_comes_twice() {
    let ran = Case::of("answers_twice").run().lives(&[]);
    assert_eq!(
        ran.details("answers_twice")[0]["message"],
        "found a",
        "the first one counts"
    );
}

#[test]
fn case_27_both_result_and_error_or_neither() {
    Case::of("result_and_error")
        .run()
        .fails("process", &["both `result` and `error`"]);
    Case::of("neither")
        .run()
        .fails("process", &["neither `result` nor `error`"]);
}

#[test]
fn case_28_an_error_for_nobody() {
    Case::of("null_id").run().lives(&["warning: bad:", "id"]);
}

#[test]
fn case_29_64_answers_out_of_order() {
    let ran = Case::of("falling_ids").run().lives(&["which no call waits for"]);
    assert_eq!(ran.details("falling_ids")[0]["message"], "found a");
}

#[test]
fn case_30_a_method_that_the_other_side_does_not_know() {
    let ran = Case::of("asks_for_the_unknown").run().lives(&[]);
    let answer = &ran.details("asks_for_the_unknown")[0];
    assert_eq!(answer["error"]["code"], -32601, "{answer:#}");
    assert!(answer["id"].as_str().unwrap().starts_with('p'), "{answer:#}");
    Case::of("knows_no_method")
        .run()
        .fails("process", &["failed: no such method"]);
}

#[test]
fn case_31_an_error_with_a_huge_traceback() {
    let ran = Case::of("huge_traceback")
        .run()
        .fails("process", &["failed: it went wrong"]);
    assert!(
        ran.seen.stderr.len() < 8 * 1024,
        "{} bytes",
        ran.seen.stderr.len()
    );
    let ran = Case::of("huge_traceback").flags(&["-v"]).run();
    let (shown, kept) = (ran.seen.stderr.len(), ran.sandbox.read("work/record.json").len());
    assert!(
        shown < 100 * 1024 && kept < 100 * 1024,
        "{shown} bytes shown, {kept} in the record"
    );
    let ran = Case::of("huge_message")
        .run()
        .fails("process", &["failed: it went wrong"]);
    let (shown, kept) = (ran.seen.stderr.len(), ran.sandbox.read("work/record.json").len());
    assert!(
        shown < 50 * 1024 && kept < 50 * 1024,
        "{shown} bytes shown, {kept} in the record"
    );
    Case::of("error")
        .run()
        .fails("process", &["no credentials found", "set AWS_PROFILE"])
        .seen
        .hides(&["secret internals"]);
}

#[test]
fn case_32_an_error_code_that_only_the_host_may_use() {
    for code in [-33003, -33005, -33009, -33010, -33015] {
        let ran = Case::of("code").with(code).run();
        let ran = ran.fails("process", &["failed: a code of its choice"]);
        let error = &step(&ran.record, "bad")["errors"][0];
        assert_eq!(error["code"], -33008, "{code}: {error:#}");
    }
}

#[test]
fn case_35_progress_that_falls_and_progress_after_the_answer() {
    let ran = Case::of("odd_progress").flags(&["--progress", "json"]).run();
    let ran = ran.lives(&["\"done\":3"]);
    for line in ran.seen.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["event"].is_string(), "{line}");
    }
}

#[test]
fn case_36_a_flood_of_log_records() {
    let ran = Case::of("log_flood")
        .and_output("weighs")
        .run()
        .lives(&["floods the log"]);
    assert!(
        ran.seen.stderr.lines().count() < 5_000,
        "{} lines",
        ran.seen.stderr.lines().count()
    );
    let most: u64 = ran.sandbox.read("work/weighs").parse().unwrap();
    assert!(most < 120 * 1024, "the host took {most} KiB");
}

#[test]
fn and_noise_in_a_hook_is_shown_and_the_answer_counts() {
    Case::of("garbage")
        .run()
        .lives(&["warning: bad:", "Traceback (most recent call last)"]);
}

#[test]
fn and_a_gap_keeps_the_findings_and_makes_the_check_incomplete() {
    let ran = Case::of("gap").run();
    let seen = ran.seen.exits(4).says(&[
        "incomplete",
        "region eu-west-9: access denied",
        "grant ec2:Describe*",
    ]);
    let bad = step(&ran.record, "bad");
    assert_eq!(bad["status"], "incomplete", "{seen}");
    assert_eq!(bad["findings"], 1, "{seen}");
    assert_eq!(bad["gaps"][0]["section"], "regions", "{seen}");
}

#[test]
fn and_a_flood_of_answers_to_nobody_ends_the_plugin() {
    let case = Case::of("none");
    let flood = r#"i=0; while [ $i -lt 1500 ]; do say '{"jsonrpc":"2.0","id":999999,"result":{}}'; i=$((i+1)); done; result='[]'"#;
    case.sandbox.shell("bad", "input", &[("process", flood)], "");
    case.run_what_is_there()
        .fails("process", &["too many messages that nobody asked for"]);
}

#[test]
fn and_what_depends_on_a_failed_provider_is_unknown_and_never_clean() {
    let sandbox = Sandbox::new();
    sandbox.fault("source", "provider", "error", "");
    sandbox.fault("look", "input", "none", "uses = [\"source\"]\n");
    sandbox.fault("good", "input", "plenty", "");
    let args = ["run", "look,good-json_out", "-o", "record.json"];
    let seen = super::harness::ends_in_time(&sandbox, &args).exits(4);
    super::harness::assert_good_is_whole(&sandbox, &seen);
    let record = sandbox.record();
    assert_eq!(step(&record, "source")["status"], "failed", "{seen}");
    assert_eq!(step(&record, "look")["status"], "unknown", "{seen}");
    assert_eq!(step(&record, "look")["errors"][0]["origin"], "run", "{seen}");
    assert_eq!(step(&record, "look")["stale"], true, "{seen}");
    seen.says(&["its provider `source` brought no data", "no credentials found"]);
}

//! Traces played to a plugin again: what differs is told, and nothing else.

use super::traced;
use crate::support::Sandbox;

#[test]
fn a_plugin_that_answers_as_before_replays_as_before() {
    let (sandbox, _) = traced();
    let replay =
        |more: &[&str]| sandbox.opsbox(&[&["plugin", "replay", "traces/talk.jsonl", "talk"], more].concat());
    replay(&["--set", "api_token=another", "--set", "pin=1"])
        .exits(0)
        .prints(&["3 process", "as before", "4 calls of `talk`"]);
    let script = sandbox.read("plugins/talk/plugin.sh");
    sandbox.write(
        "plugins/talk/plugin.sh",
        &script.replace("\"n\":12345678901234567890", "\"n\":12345678901234567891,\"m\":1"),
    );
    let seen = replay(&[]).exits(1);
    seen.prints(&[
        "/0/details/0/n",
        "then  12345678901234567890",
        "now   12345678901234567891",
        "/0/details/0/m",
        "now   1",
        "1 answered otherwise",
    ]);
    replay(&["--ignore", "n", "--ignore", "m"]).exits(0);
    sandbox.write(
        "plugins/talk/plugin.sh",
        &script.replace("s3cret-token is refused", "all is well"),
    );
    replay(&["--ignore", "why"]).exits(0);
    replay(&[])
        .exits(1)
        .prints(&["(gaps and output)/0/why", "all is well"]);
}

#[test]
fn a_plugin_that_dies_or_hangs_in_a_replay_is_told_with_its_last_words() {
    let (sandbox, _) = traced();
    let script = sandbox.read("plugins/talk/plugin.sh");
    let replay = || {
        sandbox.opsbox(&[
            "plugin",
            "replay",
            "traces/talk.jsonl",
            "plugins/talk",
            "--timeout",
            "1s",
        ])
    };
    let at = |path: &str| {
        sandbox.write(
            "plugins/talk/plugin.sh",
            &script.replace("gap regions here", path),
        )
    };
    at("echo dying >&2; exit 3; gap regions here");
    let replay_in = |sandbox: &Sandbox| {
        let folder = sandbox.path("plugins/talk");
        sandbox.opsbox(&[
            "plugin",
            "replay",
            "traces/talk.jsonl",
            folder.to_str().unwrap(),
            "--timeout",
            "1s",
            "--json",
        ])
    };
    let dead = replay_in(&sandbox).exits(1).json();
    assert_eq!(dead["end"]["now"], "exited with status 3", "{dead:#}");
    assert!(
        dead["stopped"]
            .as_str()
            .unwrap()
            .starts_with("no answer to `process`"),
        "{dead:#}"
    );
    assert!(
        dead["stderr"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line == "dying"),
        "{dead:#}"
    );
    at("exec sleep 300; gap regions here");
    let hung = replay_in(&sandbox).exits(1).json();
    assert_eq!(hung["stopped"], "no answer to `process` within 1 s", "{hung:#}");
    replay().exits(2).says(&["plugins/talk"]);
}

#[test]
fn a_trace_whose_host_lines_were_cut_is_refused_with_the_flag_that_helps() {
    let sandbox = Sandbox::new();
    sandbox.provider("data", &format!("{{\"text\":\"{}\"}}", "x".repeat(300_000)), "");
    sandbox.shell(
        "reader",
        "input",
        &[("process", "result='[]'")],
        "uses = [\"data\"]",
    );
    sandbox
        .opsbox(&["run", "reader-json_out", "--trace", "traces"])
        .exits(0);
    sandbox
        .opsbox(&["plugin", "replay", "traces/reader.jsonl", "reader"])
        .exits(2)
        .says(&[
            "which the host sent, was cut",
            "hint: trace the run again with `--trace-line 300",
        ]);
    sandbox
        .opsbox(&[
            "run",
            "reader-json_out",
            "--trace",
            "whole",
            "--trace-line",
            "1MiB",
        ])
        .exits(0);
    sandbox
        .opsbox(&["plugin", "replay", "whole/reader.jsonl", "reader"])
        .exits(0);
}

#[test]
fn what_a_handler_asked_is_answered_in_a_replay_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.provider("estate", "{\"hosts\":[\"a\"]}", "");
    let serve = "call estate gather_data '{}'; result=\"[$result]\"";
    sandbox.shell(
        "scanning",
        "handler",
        &[("process_plugin", serve)],
        "---[handler]\nhandles = [\"scanner\"]\n",
    );
    sandbox.shell(
        "scan",
        "scanner",
        &[("scan", "result='[]'")],
        "uses = [\"scanning\", \"estate\"]",
    );
    sandbox
        .opsbox(&["run", "scan-json_out", "--trace", "traces"])
        .exits(0);
    let replay = || sandbox.opsbox(&["plugin", "replay", "traces/scanning.jsonl", "scanning"]);
    replay()
        .exits(0)
        .prints(&["host/call_hook", "process_plugin", "as before"]);
    let script = sandbox.read("plugins/scanning/plugin.sh");
    // Its ids are its own affair; what it asks for is not.
    sandbox.write(
        "plugins/scanning/plugin.sh",
        &script.replace("\\\"h$asked\\\"", "\\\"hx$asked\\\""),
    );
    replay().exits(0);
    sandbox.write(
        "plugins/scanning/plugin.sh",
        &script.replace("call estate", "call elsewhere"),
    );
    replay()
        .exits(1)
        .prints(&["/plugin", "\"estate\"", "\"elsewhere\""]);
}

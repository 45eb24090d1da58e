//! Traces: every line of every plugin, kept while a run goes on, shown, and played to a plugin again.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use opsbox::trace::Recorded;
use opsbox::trace::shape::Side;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Sandbox, fault_plugin, result};

mod by_hand;
mod differs;
mod hidden;
mod replay;

const SECRETS: &str = "---[config.api_token]\ntype = \"string\"\nformat = \"password\"\n[config.pin]\ntype = \"integer\"\nwriteOnly = true\n[config.region]\ntype = \"string\"\n";

/// A sandbox with an input that says its secrets everywhere, and a trace of it.
fn traced() -> (Sandbox, Recorded) {
    let sandbox = Sandbox::new();
    let process = format!(
        "echo \"on stderr: s3cret-token\" >&2\ngap regions here \"s3cret-token is refused\"\nresult='[{}]'",
        result(
            "talk",
            "talk",
            "[{\"token\":\"s3cret-token\",\"n\":12345678901234567890}]"
        )
    );
    sandbox.shell(
        "talk",
        "input",
        &[("set_data", "result='{}'"), ("process", &process)],
        SECRETS,
    );
    let set = [
        "--set",
        "api_token=s3cret-token",
        "--set",
        "pin=4711",
        "--set",
        "region=here",
    ];
    let run = ["run", "talk-json_out", "--trace", "traces"];
    sandbox.opsbox(&[&run[..], &set[..]].concat()).exits(4);
    let trace = Recorded::from_file(&sandbox.path("work/traces/talk.jsonl")).unwrap();
    (sandbox, trace)
}

#[test]
fn a_trace_holds_every_line_in_order_and_no_secret() {
    let (sandbox, trace) = traced();
    let from: Vec<_> = trace.lines.iter().map(|line| line.from).collect();
    let text = sandbox.read("work/traces/talk.jsonl");
    assert!(!text.contains("s3cret-token") && !text.contains("4711"), "{text}");
    let of = |side: Side| {
        trace
            .lines
            .iter()
            .filter(move |line| line.from == side)
            .collect::<Vec<_>>()
    };
    let host: Vec<_> = of(Side::Host).iter().map(|line| line.line.clone()).collect();
    assert_eq!(host.len(), 4, "{text}");
    let sent = r#"{"jsonrpc":"2.0","id":2,"method":"set_data","params":{"config":{"api_token":"<secret>","pin":"<secret>","region":"here"}}}"#;
    assert_eq!(host[1], sent);
    assert!(
        trace
            .lines
            .iter()
            .any(|line| line.line == sent && line.redacted && line.bytes > 100)
    );
    assert_eq!(of(Side::Stderr)[0].line, "on stderr: <secret>");
    let answer = of(Side::Plugin)
        .into_iter()
        .find(|line| line.line.contains("\"result\":["))
        .unwrap();
    assert!(
        answer
            .line
            .contains(r#"{"token":"<secret>","n":12345678901234567890}"#),
        "{}",
        answer.line
    );
    assert_eq!(from.first(), Some(&Side::Process));
    assert_eq!(trace.lines.last().unwrap().line, "exited with status 0");
    assert!(
        trace.lines.is_sorted_by(|one, other| one.ms <= other.ms),
        "{text}"
    );
    // What the output got is the Result as it is; the trace of its wire holds no secret either.
    assert!(
        sandbox
            .read("work/findings/talk/talk.json")
            .contains("s3cret-token")
    );
    assert!(
        !sandbox
            .read("work/traces/json_out.jsonl")
            .contains("s3cret-token")
    );
}

#[test]
fn traces_are_private_and_never_overwritten() {
    let (sandbox, _) = traced();
    let before = sandbox.read("work/traces/talk.jsonl");
    sandbox
        .opsbox(&["run", "talk-json_out", "--trace", "traces"])
        .exits(4);
    assert_eq!(sandbox.read("work/traces/talk.jsonl"), before);
    for name in ["", "talk.jsonl", "talk.2.jsonl", "json_out.jsonl"] {
        let path = sandbox.path("work/traces").join(name);
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{}", path.display());
    }
}

#[test]
fn a_long_line_keeps_its_ends_and_its_hash_and_is_whole_up_to_the_flag() {
    let sandbox = Sandbox::new();
    let program = fault_plugin();
    sandbox.command(
        "big",
        "input",
        &[program.to_str().unwrap(), "line_of", "input", "3145728"],
        "",
    );
    let run = |more: &[&str]| {
        sandbox
            .opsbox(&[&["run", "big-json_out"], more].concat())
            .exits(0)
    };
    run(&["--trace", "short"]);
    run(&["--trace", "long", "--trace-line", "4MiB"]);
    let long = |folder: &str| {
        let trace = Recorded::from_file(&sandbox.path(&format!("work/{folder}/big.jsonl"))).unwrap();
        trace
            .lines
            .into_iter()
            .find(|line| line.bytes > 3_000_000)
            .unwrap()
    };
    let (short, whole) = (long("short"), long("long"));
    assert_eq!(short.bytes, whole.bytes);
    assert!(whole.is_whole() && whole.line.len() as u64 == whole.bytes);
    assert_eq!(
        (short.line.len(), short.tail.as_ref().unwrap().len()),
        (16384, 4096)
    );
    assert!(whole.line.starts_with(&short.line) && whole.line.ends_with(short.tail.as_ref().unwrap()));
    use sha2::Digest;
    let hash = sha2::Sha256::digest(whole.line.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(short.sha256.unwrap(), hash);
}

#[test]
fn a_killed_host_leaves_whole_lines_up_to_the_last() {
    let sandbox = Sandbox::new();
    let hang = "echo \"hangs now\" >&2; exec sleep 300";
    sandbox.shell("stuck", "input", &[("process", hang)], "");
    let mut child = sandbox.start(&["run", "stuck-json_out", "--trace", "traces", "-v"]);
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        said = line.unwrap();
        if said.contains("hangs now") {
            break;
        }
    }
    assert!(said.contains("hangs now"), "{said}");
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    let trace = Recorded::from_file(&sandbox.path("work/traces/stuck.jsonl")).unwrap();
    assert!(!trace.torn);
    assert_eq!(trace.lines.last().unwrap().line, "hangs now");
    let asked = trace.lines.iter().rfind(|line| line.from == Side::Host).unwrap();
    assert!(asked.line.contains("\"method\":\"process\""), "{}", asked.line);
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_anything_runs() {
    let sandbox = Sandbox::new();
    sandbox.input("plain", &[]);
    sandbox.write("work/file", "");
    sandbox
        .opsbox(&["run", "plain-json_out", "--trace", "file/traces"])
        .exits(2)
        .says(&["cannot write to `--trace file/traces`"]);
}

#[test]
fn a_trace_is_shown_as_a_sequence_with_durations() {
    let (sandbox, trace) = traced();
    let seen = sandbox
        .opsbox(&["plugin", "trace", "show", "traces/talk.jsonl"])
        .exits(0);
    let rows: Vec<&str> = seen.stdout.lines().collect();
    let answer = rows
        .iter()
        .find(|row| row.contains("< ") && row.contains("= process"))
        .unwrap();
    assert!(answer.contains(" ms  [{") && answer.ends_with('…'), "{seen}");
    seen.prints(&[
        "trace of `talk` in run ",
        "1 initialize",
        "gap",
        "  !  ",
        "exited with status 0",
    ]);
    let full = sandbox
        .opsbox(&["plugin", "trace", "show", "traces/talk.jsonl", "--full"])
        .exits(0);
    full.prints(&["12345678901234567890", "\"formatted\":\"\"}]"]);
    let json = sandbox
        .opsbox(&["plugin", "trace", "show", "traces/talk.jsonl", "--json"])
        .exits(0)
        .json();
    assert_eq!(json["lines"].as_array().unwrap().len(), trace.lines.len());
    let took = json["lines"]
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["what"] == "3 = process")
        .unwrap();
    assert!(took["took_ms"].as_f64().unwrap() > 0.0, "{took}");
}

#[test]
fn what_is_no_trace_is_named_with_its_line() {
    let (sandbox, _) = traced();
    let text = sandbox.read("work/traces/talk.jsonl");
    sandbox.write(
        "work/bad.jsonl",
        &text.replacen("\"from\":\"host\"", "\"from\":\"nobody\"", 1),
    );
    let show = |file: &str| sandbox.opsbox(&["plugin", "trace", "show", file]);
    show("bad.jsonl")
        .exits(2)
        .says(&["the trace `", "bad.jsonl` cannot be used: line ", "nobody"]);
    show("traces")
        .exits(2)
        .says(&["it is a folder; name one of the files in it"]);
    sandbox.write(
        "work/later.jsonl",
        &text.replacen("\"trace\":1", "\"trace\":2", 1),
    );
    show("later.jsonl")
        .exits(2)
        .says(&["version 2, and this release reads version 1"]);
    sandbox.write("work/torn.jsonl", &text[..text.len() - 5]);
    show("torn.jsonl").exits(0).prints(&["the last line was cut off"]);
}

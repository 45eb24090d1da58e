//! The host is killed at a chosen event, or interrupted: nothing that was reported as done is lost, nothing is done twice.

use std::io::{BufRead, BufReader, Read};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{input, last, output, ran, sent, step};
use crate::support::Sandbox;

const PIPELINE: &str = "a,check,b-first,second";
const STEPS: usize = 6;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a", "b"] {
        input(&sandbox, name);
    }
    sandbox.provider("data", "[{\"id\":\"x\"}]", "");
    sandbox.rego(
        "check",
        "data",
        "package check\n\ndetails contains {\"id\": \"f\"} if count(input) == 1\n",
        "",
    );
    for name in ["first", "second"] {
        output(&sandbox, name);
    }
    sandbox
}

/// Runs and kills the host once so many steps were reported; returns the steps that were.
fn killed_after(sandbox: &Sandbox, n_steps: usize) -> Vec<Value> {
    let mut child = sandbox.start(&["run", PIPELINE, "--progress", "json", "--jobs", "1"]);
    let mut reported = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        if event["event"] == "settled" {
            reported.push(event["step"].clone());
        }
        // The first event of all comes before anything is kept.
        if !killed && reported.len() == n_steps && (n_steps > 0 || event["event"] == "started") {
            killed = true;
            // It may have come to its end by itself at this very moment.
            let _sent = kill_process(Pid::from_child(&child), Signal::KILL);
        }
    }
    child.wait().unwrap();
    assert!(killed, "{reported:?}");
    reported
}

#[test]
fn a_killed_host_loses_no_step_that_was_reported() {
    for n_steps in 1..=STEPS {
        let sandbox = sandbox();
        let reported = killed_after(&sandbox, n_steps);
        let shown = last(&sandbox);
        for record in &reported {
            let kept = step(&shown, record["plugin"].as_str().unwrap());
            assert_eq!(&kept["record"], record, "after {n_steps}: {shown:#}");
        }
        if !shown["exit_code"].is_null() {
            continue;
        }
        assert_eq!(shown["outcome"], "killed");
        sandbox
            .opsbox(&["runs", "show", "last"])
            .exits(0)
            .prints(&["interrupted: the host was killed", "opsbox run --resume"]);
        let unclear = |name: &str| shown["delivered"][name] == "unclear";
        let calls = ["a", "b", "first", "second"].map(|name| (name, ran(&sandbox, name)));
        let seen = sandbox.opsbox(&["run", "--resume", "last"]);
        let n_unclear = ["first", "second"]
            .into_iter()
            .filter(|name| unclear(name))
            .count();
        assert_eq!(seen.code, Some([0, 4, 1][n_unclear]), "after {n_steps}: {seen}");
        for (name, before) in calls {
            // What is kept may be more than what was reported: the report comes after.
            let done = !step(&shown, name)["record"].is_null() || unclear(name);
            let after = ran(&sandbox, name);
            assert_eq!(
                after,
                if done { before } else { before + 1 },
                "after {n_steps}: {name}"
            );
        }
        let resumed = last(&sandbox);
        for name in ["a", "b", "check"] {
            assert_eq!(step(&resumed, name)["status"], "findings", "{resumed:#}");
        }
        let all: Vec<_> = ["first", "second"]
            .into_iter()
            .filter(|name| !unclear(name))
            .collect();
        for name in all {
            let sent = sent(&sandbox, name);
            assert_eq!(sent.len(), 1, "after {n_steps}: {name}");
            assert!(sent[0].contains("\"a\"") && sent[0].contains("\"b\"") && sent[0].contains("check"));
        }
    }
}

#[test]
fn a_host_killed_while_an_output_delivers_leaves_the_choice_to_the_user() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    let fifo = sandbox.path("called");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    // The first call says that it was called, and never answers.
    let deliver = format!(
        "[ -e stuck.ran ] && {{ echo x >>stuck.ran; result='{{}}'; }} || {{ echo x >>stuck.ran; echo called >'{}'; read -r x <'{0}'; }}",
        fifo.display()
    );
    sandbox.shell("stuck", "output", &[("process_results", &deliver)], "");
    let mut child = sandbox.start(&["run", "a-stuck"]);
    let mut called = String::new();
    BufReader::new(std::fs::File::open(&fifo).unwrap())
        .read_line(&mut called)
        .unwrap();
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut String::new())
        .unwrap();
    child.wait().unwrap();
    let shown = last(&sandbox);
    assert_eq!(shown["delivered"]["stuck"], "unclear");
    sandbox
        .opsbox(&["deliver", "last"])
        .exits(2)
        .says(&["may have what run", "--to stuck"]);
    // However often: each of these runs knows what the one before it knew.
    for _ in 0..3 {
        sandbox
            .opsbox(&["run", "--resume", "last"])
            .exits(1)
            .says(&["it was delivering when run", "--to stuck"]);
        sandbox
            .opsbox(&["deliver", "last"])
            .exits(2)
            .says(&["--to stuck"]);
    }
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "stuck")), (1, 1));
    sandbox.opsbox(&["deliver", "last", "--to", "stuck"]).exits(0);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "stuck")), (1, 2));
}

#[test]
fn an_interrupted_run_is_gone_on_with() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    let fifo = sandbox.path("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let wait = format!("[ -e open ] || read -r x <'{}'; result='[]'", fifo.display());
    sandbox.shell("slow", "input", &[("process", &wait)], "");
    output(&sandbox, "out");
    let mut child = sandbox.start(&["run", "a,slow-out", "--progress", "json"]);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !(line.contains("\"settled\"") && line.contains("\"plugin\":\"a\"")) {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the run ended");
    }
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    let id = last(&sandbox)["run"].as_str().unwrap().to_owned();
    assert!(
        rest.contains(&format!("`opsbox run --resume {id}` goes on")),
        "{rest}"
    );
    sandbox.write("work/open", "");
    // What was gathered until then was delivered; the rest is the user's to send.
    sandbox
        .opsbox(&["run", "--resume", &id])
        .exits(4)
        .says(&["is not sent it twice"]);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "out")), (1, 1));
    sandbox.opsbox(&["deliver", "last", "--to", "out"]).exits(0);
    assert_eq!(sent(&sandbox, "out").len(), 2);
}

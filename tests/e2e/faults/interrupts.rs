//! Cases 51 and 52: the host is killed, or interrupted, beside a plugin that wants no end and has children that want none either.

use rustix::process::Signal;

use super::harness::assert_good_is_whole;
use super::leftovers;
use crate::signals::Running;
use crate::support::{Sandbox, Seen, step};

/// An input that hangs in its hook, ignores what can be ignored, and has a child in its group and one in a session of its own.
fn stubborn(sandbox: &Sandbox, grace: &str) {
    let hang = "trap '' TERM HUP INT; sleep 1000 & setsid sleep 1000 & while :; do wait; sleep 1000; done";
    let tables = format!("---[timeouts]\ncancel_grace = {grace:?}\n");
    sandbox.shell("slow", "input", &[("process", hang)], &tables);
}

#[test]
fn case_51_the_host_is_killed() {
    let sandbox = Sandbox::new();
    stubborn(&sandbox, "60s");
    let mut running = Running::start(&sandbox, &["run", "slow-json_out"]);
    running.wait_for("slow", "process");
    running.signal(Signal::KILL);
    let (status, _, stderr) = running.finish();
    assert_eq!(status.code(), None, "{stderr}");
    leftovers::assert_no_process(&sandbox, "");
}

#[test]
fn case_51_the_host_is_killed_while_it_starts_its_plugins() {
    // At whatever moment of the start it dies: the first thing that a plugin does is to kill it.
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c", "d"] {
        let start = "trap '' TERM HUP; sleep 1000 & setsid sleep 1000 & kill -9 $PPID; wait; sleep 1000";
        sandbox.command(name, "input", &["sh", "-c", start], "");
    }
    let seen = super::harness::ends_in_time(&sandbox, &["run", "a,b,c,d-json_out"]);
    assert_eq!(seen.code, None, "{seen}");
    leftovers::assert_no_process(&sandbox, "");
}

#[test]
fn case_52_ctrl_c_once_delivers_what_there_is_and_marks_the_rest() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let sandbox = Sandbox::new();
        stubborn(&sandbox, "500ms");
        sandbox.fault("good", "input", "plenty", "");
        let args = ["run", "good,slow-json_out", "--jobs", "2", "-o", "record.json"];
        let mut running = Running::start(&sandbox, &args);
        running.wait_for_end_of("good");
        running.wait_for("slow", "process");
        running.signal(signal);
        let seen = seen(running);
        assert_eq!(seen.code, Some(130), "{seen}");
        let record = sandbox.record();
        assert_eq!(record["outcome"], "interrupted", "{seen}");
        assert_eq!(step(&record, "slow")["status"], "unknown", "{seen}");
        assert_eq!(step(&record, "slow")["errors"][0]["origin"], "run", "{seen}");
        assert_good_is_whole(&sandbox, &seen);
        leftovers::assert_none(&sandbox, record["run"].as_str().unwrap());
    }
}

#[test]
fn case_52_ctrl_c_twice_ends_everything_now() {
    let sandbox = Sandbox::new();
    stubborn(&sandbox, "0");
    let mut running = Running::start(&sandbox, &["run", "slow-json_out"]);
    running.wait_for("slow", "process");
    running.signal(Signal::INT);
    running.wait_for_text("once more ends everything");
    running.signal(Signal::INT);
    let seen = seen(running);
    assert_eq!(seen.code, Some(130), "{seen}");
    leftovers::assert_none(&sandbox, "");
}

fn seen(running: Running) -> Seen {
    let (status, stdout, stderr) = running.finish();
    Seen {
        args: Vec::new(),
        code: status.code(),
        stdout,
        stderr,
    }
}

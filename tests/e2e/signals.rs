//! Interrupts, closed pipes, and what is left behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ExitStatus};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::support::{Sandbox, step};

/// A run that is on its way, with its events.
pub struct Running {
    child: Child,
    events: BufReader<ChildStderr>,
    seen: String,
}

impl Running {
    pub fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        let mut child = sandbox.start(&[args, &["--progress", "json"]].concat());
        let events = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            events,
            seen: String::new(),
        }
    }

    /// Reads events until one is wanted.
    #[track_caller]
    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) {
        // What is waited for may have come while something else was.
        if self
            .seen
            .lines()
            .any(|line| wanted(&serde_json::from_str(line).unwrap_or_default()))
        {
            return;
        }
        loop {
            let mut line = String::new();
            let read = self.events.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "the run ended first\n{}", self.seen);
            self.seen.push_str(&line);
            if wanted(&serde_json::from_str(&line).unwrap_or_default()) {
                return;
            }
        }
    }

    #[track_caller]
    pub fn wait_for(&mut self, plugin: &str, hook: &str) {
        self.wait(|event| event["event"] == "started" && event["plugin"] == plugin && event["hook"] == hook);
    }

    #[track_caller]
    pub fn wait_for_end_of(&mut self, plugin: &str) {
        self.wait(|event| event["event"] == "settled" && event["step"]["plugin"] == plugin);
    }

    /// Reads lines until one holds this text.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut line = String::new();
            assert_ne!(
                self.events.read_line(&mut line).unwrap(),
                0,
                "the run ended first\n{}",
                self.seen
            );
            self.seen.push_str(&line);
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end; returns the status and both streams.
    pub fn finish(mut self) -> (ExitStatus, String, String) {
        let mut stdout = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        self.events.read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap(), stdout, self.seen)
    }
}

/// A plugin that writes its process id into the sandbox before it hangs, so that a test can look for it afterwards.
fn hanging(sandbox: &Sandbox, name: &str, grace: &str) {
    let pid_file = sandbox.path("hanging.pid");
    let script = format!(
        r#"#!/bin/sh
echo $$ > '{}'
while read -r line; do
    id=${{line#*\"id\":}}; id=${{id%%,*}}
    case $line in
    *'"method":"initialize"'*) echo '{{"jsonrpc":"2.0","id":'$id',"result":{{"protocol":1,"plugin":{{"name":"h","version":"1"}},"hooks":["process"]}}}}' ;;
    *'"method":"process"'*) trap '' TERM; while :; do sleep 1000 & wait; done ;;
    esac
done
"#,
        pid_file.display()
    );
    sandbox.write(&format!("plugins/{name}/hang.sh"), &script);
    sandbox.command(
        name,
        "input",
        &["sh", "./hang.sh"],
        &format!("---[timeouts]\ncancel_grace = {grace:?}\n"),
    );
}

#[track_caller]
fn assert_gone(sandbox: &Sandbox) {
    let pid: i32 = sandbox.read("hanging.pid").trim().parse().unwrap();
    assert!(
        test_kill_process(Pid::from_raw(pid).unwrap()).is_err(),
        "process {pid} is still there"
    );
}

#[test]
fn the_first_interrupt_delivers_what_was_gathered_and_marks_the_rest() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let sandbox = Sandbox::new();
        hanging(&sandbox, "slow", "1s");
        sandbox.fault("quick", "input", "none", "");
        let args = [
            "run",
            "quick,slow-json_out",
            "--jobs",
            "2",
            "--timeout",
            "60s",
            "-o",
            "record.json",
        ];
        let mut running = Running::start(&sandbox, &args);
        running.wait_for_end_of("quick");
        running.signal(signal);
        let (status, _, stderr) = running.finish();
        assert_eq!(status.code(), Some(130), "{stderr}");
        let record = sandbox.record();
        assert_eq!(record["outcome"], "interrupted", "{stderr}");
        assert_eq!(step(&record, "quick")["status"], "findings", "{stderr}");
        assert_eq!(step(&record, "slow")["status"], "unknown", "{stderr}");
        assert!(
            sandbox.read("work/findings/fault/none.json").contains("found a"),
            "{stderr}"
        );
        assert_gone(&sandbox);
    }
}

#[test]
fn the_second_interrupt_ends_everything_now() {
    let sandbox = Sandbox::new();
    hanging(&sandbox, "slow", "60s");
    let mut running = Running::start(&sandbox, &["run", "slow-json_out", "--timeout", "60s"]);
    running.wait_for("slow", "process");
    running.signal(Signal::INT);
    running.wait_for_text("once more ends everything");
    running.signal(Signal::INT);
    let (status, _, stderr) = running.finish();
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert_gone(&sandbox);
}

#[test]
fn nothing_is_left_of_a_run_with_stubborn_plugins() {
    let sandbox = Sandbox::new();
    hanging(&sandbox, "slow", "1s");
    let limit = ["run", "slow-json_out", "--timeout", "1s"];
    sandbox
        .opsbox(&limit)
        .exits(1)
        .says(&["no answer to `process` within 1s"]);
    assert_gone(&sandbox);
}

#[test]
fn nothing_outlives_a_host_that_is_killed() {
    let sandbox = Sandbox::new();
    // The plugin and its child hold the writing end of this pipe; it ends when the last of them is gone.
    let fifo = sandbox.path("alive");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let script = format!(
        r#"#!/bin/sh
exec 9> '{}'
trap '' TERM HUP
read -r line
echo '{{"jsonrpc":"2.0","id":1,"result":{{"protocol":1,"plugin":{{"name":"h","version":"1"}},"hooks":["process"]}}}}'
read -r line
sleep 1000 &
while :; do sleep 1000 & wait; done
"#,
        fifo.display()
    );
    sandbox.write("plugins/stays/stay.sh", &script);
    sandbox.command("stays", "input", &["sh", "./stay.sh"], "");
    let mut running = Running::start(&sandbox, &["run", "stays-json_out", "--timeout", "60s"]);
    let (tx, rx) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let ended = fs::File::open(fifo).and_then(|mut pipe| pipe.read_to_end(&mut Vec::new()));
        tx.send(ended.is_ok()).unwrap();
    });
    running.wait_for("stays", "process");
    running.signal(Signal::KILL);
    running.child.wait().unwrap();
    let ended = rx.recv_timeout(std::time::Duration::from_secs(30));
    assert_eq!(ended, Ok(true), "the plugin is still there");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("out", "output", "none", "");
    let mut child = sandbox.start(&["run", "good-out"]);
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    let mut child = sandbox.start(&["plugins", "list"]);
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_full_disk_under_stdout_is_an_error() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        return;
    };
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("out", "output", "none", "");
    let args = ["run", "good-out"];
    let seen = sandbox.finish(
        &args,
        sandbox
            .binary(&args)
            .stdout(full)
            .stderr(std::process::Stdio::piped()),
    );
    seen.exits(1).says(&["cannot write to stdout", "No space left"]);
}

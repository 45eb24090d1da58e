//! Runs that are watched and sent signals, closed pipes and full disks. The tests of interrupts are in `faults/interrupts`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::Sandbox;

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

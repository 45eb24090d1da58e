//! What is left of the plugins of commands that run no pipeline, and what signals do beside a run.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::Sandbox;

/// A plugin that never answers. It holds the writing end of a pipe, which ends when the last of its processes is gone.
fn silent(sandbox: &Sandbox) -> std::path::PathBuf {
    let fifo = sandbox.path("alive");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let script = format!(
        "exec 9> '{}'\ntrap '' TERM HUP INT\nsleep 777 &\nsleep 777\n",
        fifo.display()
    );
    sandbox.write("plugins/silent/silent.sh", &script);
    sandbox.command("silent", "input", &["sh", "./silent.sh"], "");
    fifo
}

#[test]
fn a_question_that_is_interrupted_leaves_no_plugin_behind() {
    let commands: [(&[&str], Signal); 6] = [
        (&["plan", "silent-json_out"], Signal::TERM),
        (&["plugins", "show", "silent"], Signal::INT),
        (&["config", "schema", "silent"], Signal::HUP),
        (&["config", "show", "silent-json_out"], Signal::TERM),
        (&["config", "explain", "field"], Signal::INT),
        (&["plan", "silent-json_out"], Signal::KILL),
    ];
    for (args, signal) in commands {
        let sandbox = Sandbox::new();
        let fifo = silent(&sandbox);
        let mut child = sandbox.start(args);
        let (tx, rx) = mpsc::channel();
        std::thread::spawn(move || {
            let mut pipe = std::fs::File::open(fifo).unwrap();
            tx.send(()).unwrap();
            pipe.read_to_end(&mut Vec::new()).unwrap();
            tx.send(()).unwrap();
        });
        let limit = Duration::from_secs(30);
        assert_eq!(rx.recv_timeout(limit), Ok(()), "{args:?}: no plugin was started");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = (signal != Signal::KILL).then_some(130);
        assert_eq!(child.wait().unwrap().code(), code, "{args:?}\n{stderr}");
        assert_eq!(
            rx.recv_timeout(limit),
            Ok(()),
            "{args:?}: the plugin is still there"
        );
    }
}

#[test]
fn the_worker_of_a_check_ends_with_an_interrupt() {
    let sandbox = Sandbox::new();
    let policy = "package p\n\ntest_long if {\n\tcount([1 | some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i * j == -1]) == 0\n}\n";
    sandbox.write("work/p_test.rego", policy);
    let mut child = sandbox.start(&["check", "test", ".", "-vvv"]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let worker = lines
        .find_map(|line| Some(line.unwrap().split_once(", process ")?.1.to_owned()))
        .unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    let worker = Pid::from_raw(worker.trim().parse().unwrap()).unwrap();
    assert!(test_kill_process(worker).is_err(), "the worker is still there");
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let sandbox = Sandbox::new();
    let fifo = silent(&sandbox);
    let mut shell = std::process::Command::new("sh");
    sandbox.surround(&mut shell);
    let script = format!(
        "trap '' HUP; exec '{}' plan silent-json_out",
        crate::support::binary().display()
    );
    let mut child = shell
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Opening waits for the plugin.
    let _plugin = std::fs::File::open(fifo).unwrap();
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert_eq!(
        stderr.matches("interrupted: ending the plugins").count(),
        1,
        "{stderr}"
    );
}

#[test]
fn a_signal_ends_a_host_that_waits_for_the_reader_of_its_record() {
    let sandbox = Sandbox::new();
    sandbox.provider("some", "{}", "");
    rustix::fs::mkfifoat(rustix::fs::CWD, sandbox.path("work/record"), 0o600.into()).unwrap();
    let mut child = sandbox.start(&["run", "some-json_out", "-o", "record", "--progress", "json"]);
    // The summary comes before the record, which waits for a reader of the pipe.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let summary = lines.find(|line| line.as_ref().unwrap().contains("\"event\":\"summary\""));
    assert!(summary.is_some(), "there is no summary");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn only_so_many_plugins_are_asked_at_once() {
    let sandbox = Sandbox::new();
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let most = 8.max(2 * processors);
    for index in 0..most + 8 {
        let name = format!("p{index}");
        sandbox.shell(
            &name,
            "input",
            &[
                ("grab_config", "result='{\"type\":\"object\",\"properties\":{}}'"),
                ("process", "result='[]'"),
            ],
            "",
        );
        let script = sandbox.read(&format!("plugins/{name}/plugin.sh"));
        let log = sandbox.path("log").display().to_string();
        sandbox.write(
            &format!("plugins/{name}/plugin.sh"),
            &format!("echo + >> '{log}'\n{script}\necho - >> '{log}'\n"),
        );
    }
    sandbox.opsbox(&["config", "explain", "nothing"]);
    let (mut now, mut highest, mut all) = (0, 0, 0);
    for line in sandbox.read("log").lines() {
        match line {
            "+" => {
                now += 1;
                all += 1;
            }
            _ => now -= 1,
        }
        highest = highest.max(now);
    }
    assert_eq!(all, most + 8);
    assert!(highest <= most, "{highest} plugins at once");
}

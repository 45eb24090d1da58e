//! Where `-o` writes, and what the exit code and the record say where something could not be written.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Sandbox, Seen, step};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("out", "output", "none", "");
    sandbox
}

fn full(sandbox: &Sandbox, args: &[&str]) -> Seen {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = sandbox.binary(args);
    sandbox.finish(args, command.stdout(full).stderr(Stdio::piped()))
}

#[test]
fn a_folder_is_refused_before_the_run() {
    let sandbox = sandbox();
    sandbox
        .opsbox(&["run", "good-out", "-o", "."])
        .exits(2)
        .says(&["cannot write `.`: is a directory"])
        .hides(&["fault output saw it"]);
}

#[test]
fn a_link_a_pipe_and_a_stream_keep_what_they_are() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("work/kept")).unwrap();
    symlink("kept/record.json", sandbox.path("work/link")).unwrap();
    sandbox.opsbox(&["run", "good-out", "-o", "link"]).exits(0);
    assert!(sandbox.path("work/link").is_symlink());
    assert_eq!(sandbox.document("kept/record.json")["outcome"], "done");

    let fifo = sandbox.path("work/pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let mut child = sandbox.start(&["run", "good-out", "-o", "pipe"]);
    let mut text = String::new();
    fs::File::open(&fifo).unwrap().read_to_string(&mut text).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["exit_code"], 0);
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    sandbox
        .opsbox(&["run", "good-out", "-o", "/dev/stdout"])
        .exits(0)
        .prints(&["\"outcome\": \"done\""]);
    let file = fs::File::create(sandbox.path("all.txt")).unwrap();
    let args = ["run", "good-out", "-o", "/dev/stdout"];
    let mut command = sandbox.binary(&args);
    sandbox.finish(&args, command.stdout(file)).exits(0);
    let all = sandbox.read("all.txt");
    assert!(
        all.starts_with("fault output saw it") && all.contains("\"outcome\": \"done\""),
        "{all}"
    );
}

#[test]
fn a_record_that_cannot_be_written_takes_nothing_from_the_summary() {
    if !fs::exists("/dev/full").unwrap() {
        return;
    }
    let seen = sandbox().opsbox(&["run", "good-out", "-o", "/dev/full"]).exits(1);
    let summary = seen.stderr.find("out").unwrap();
    let error = seen.stderr.find("cannot write `/dev/full`").unwrap();
    assert!(summary < error, "{seen}");
}

#[test]
fn a_full_stdout_fails_every_command() {
    if !fs::exists("/dev/full").unwrap() {
        return;
    }
    let sandbox = sandbox();
    sandbox.write("work/p_test.rego", "package p\n\ntest_one if { 1 == 1 }\n");
    sandbox.rego(
        "check",
        "host",
        "package check\n\ndetails contains {\"message\": \"m\"} if true\n",
        "",
    );
    sandbox.write("work/in.json", "{}");
    let commands: [&[&str]; 9] = [
        &["--help"],
        &["run", "--help"],
        &["--version"],
        &["version"],
        &["version", "--json"],
        &["completions", "bash"],
        &["plugins", "list"],
        &["check", "test", "."],
        &["check", "eval", "check", "--input", "in.json"],
    ];
    for args in commands {
        full(&sandbox, args).exits(1).says(&["cannot write to stdout"]);
    }
}

#[test]
fn the_record_says_that_stdout_took_nothing() {
    if !fs::exists("/dev/full").unwrap() {
        return;
    }
    let sandbox = sandbox();
    full(&sandbox, &["run", "good-out", "-o", "record.json"])
        .exits(1)
        .says(&["cannot write to stdout"]);
    let record = sandbox.record();
    assert_eq!(
        (&record["outcome"], &record["exit_code"]),
        (&"failed".into(), &1.into())
    );
    let out = step(&record, "out");
    assert_eq!(out["status"], "failed");
    assert!(
        out["errors"][0]["message"].as_str().unwrap().contains("stdout"),
        "{record:#}"
    );
}

#[test]
fn what_stdout_did_not_take_was_not_delivered_and_can_be_sent_again() {
    if !fs::exists("/dev/full").unwrap() {
        return;
    }
    let sandbox = sandbox();
    // Text of the second waits for the first; of both nothing arrives, and the third needs no stdout.
    sandbox.fault("second", "output", "none", "");
    let seen = full(
        &sandbox,
        &["run", "good-out,second,json_out", "-o", "record.json"],
    );
    seen.exits(1).says(&[
        "failed     out",
        "failed     second",
        "cannot write to stdout: No space left on device",
        "--to out,second",
    ]);
    assert_eq!(step(&sandbox.record(), "json_out")["status"], "clean");
    let seen = sandbox.opsbox(&["deliver", "last"]).exits(0);
    assert_eq!(seen.stdout.matches("fault output saw it").count(), 2, "{seen}");
}

#[test]
fn an_interpreter_that_floods_is_refused_by_name() {
    let sandbox = sandbox();
    let python = sandbox.write("flood", "#!/bin/sh\nexec yes\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&python, mode).unwrap();
    let name = python.display().to_string();
    sandbox
        .opsbox(&["plugins", "list", "--python", &name])
        .exits(2)
        .says(&[&name, "more than 4 MiB", "--python PATH"]);
}

#[test]
fn a_bundled_plugin_that_is_not_there_is_named() {
    sandbox()
        .opsbox(&["__serve", "plugin", "nothing"])
        .exits(64)
        .says(&["no plugin `nothing`"]);
}

#[test]
fn tests_behind_links_run_once_and_a_loop_ends() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/p_test.rego", "package p\n\ntest_one if { 1 == 1 }\n");
    sandbox.write("work/here/q_test.rego", "package q\n\ntest_two if { 1 == 1 }\n");
    symlink(sandbox.path("elsewhere"), sandbox.path("work/linked")).unwrap();
    symlink("..", sandbox.path("work/here/up")).unwrap();
    symlink("here", sandbox.path("work/again")).unwrap();
    symlink("nowhere", sandbox.path("work/dangling")).unwrap();
    sandbox.opsbox(&["check", "test", "."]).exits(0).prints(&[
        "test_one",
        "test_two",
        "2 passed, 0 failed",
        "here/q_test.rego",
    ]);
}

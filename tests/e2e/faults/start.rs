//! Cases 1 to 12: programs that do not start, and handshakes that fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::harness::{Case, ends_in_time};
use crate::support::fault_plugin;

/// A plugin whose program is this file, written beside its manifest.
fn program(bytes: &[u8], mode: u32) -> Case {
    let case = Case::of("none");
    case.sandbox.command("bad", "input", &["program"], "");
    let path = case.sandbox.path("plugins/bad/program");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    case
}

#[test]
fn case_01_the_program_is_missing() {
    let case = Case::of("none");
    case.sandbox.command("bad", "input", &["no-such-program"], "");
    case.run_what_is_there()
        .fails_by("setup", "no-such-program", &["not found", "`[run] command`"]);
    // It was there once: the link leads nowhere now.
    let case = Case::of("none");
    case.sandbox.command("bad", "input", &["program"], "");
    std::os::unix::fs::symlink("gone", case.sandbox.path("plugins/bad/program")).unwrap();
    case.run_what_is_there()
        .fails_by("setup", "program", &["not found"]);
}

#[test]
fn case_02_the_program_cannot_be_executed() {
    let mut foreign = fs::read(fault_plugin()).unwrap();
    // The machine of an ELF file stands in bytes 18 and 19; no machine has the number 0x7777.
    foreign[18..20].copy_from_slice(&[0x77, 0x77]);
    let cases: [(&[u8], u32, &[&str]); 6] = [
        (b"#!/bin/sh\n", 0o644, &["is not executable", "chmod +x"]),
        (&foreign, 0o755, &["another architecture than"]),
        (
            b"#!/no/such/interpreter\n",
            0o755,
            &["`#!` line that names `/no/such/interpreter`"],
        ),
        (b"#!/bin/sh\r\necho\r\n", 0o755, &["line ends of Windows"]),
        (b"echo hello\n", 0o755, &["a script without a `#!` line"]),
        (b"", 0o755, &["is an empty file"]),
    ];
    for (bytes, mode, texts) in cases {
        program(bytes, mode)
            .run_what_is_there()
            .fails_by("setup", "", texts);
    }
    // A folder is not a program either.
    let case = Case::of("none");
    case.sandbox.command("bad", "input", &["program"], "");
    case.sandbox.write("plugins/bad/program/inside", "");
    case.run_what_is_there()
        .fails_by("setup", "program", &["not found"]);
}

#[test]
fn case_03_the_program_exits_0_before_it_answers() {
    Case::of("exits_at_once")
        .run()
        .fails("initialize", &["exited with status 0"]);
}

#[test]
fn case_04_the_program_exits_with_much_on_stderr() {
    let ran = Case::of("exits_with_words").run();
    let ran = ran.fails("initialize", &["exited with status 7", "the last line it said"]);
    assert!(
        ran.seen.stderr.len() < 80 * 1024,
        "{} bytes",
        ran.seen.stderr.len()
    );
}

#[test]
fn case_05_initialize_is_never_answered() {
    Case::of("never_shakes_hands")
        .tables("[timeouts]\nhandshake = \"1s\"")
        .run()
        .fails("initialize", &["no answer", "within 1s", "[timeouts] handshake"]);
}

#[test]
fn case_06_initialize_is_answered_about_the_deadline() {
    let answers_after = |milliseconds: u32, deadline: &str| {
        Case::of("shakes_hands_late")
            .with(milliseconds)
            .tables(&format!("[timeouts]\nhandshake = \"{deadline}\""))
            .run()
    };
    answers_after(300, "30s").lives(&[]);
    answers_after(30_000, "300ms").fails("initialize", &["within 300ms"]);
    // At the very moment either is right, as long as it is the one or the other.
    for milliseconds in [299, 300, 301] {
        let ran = answers_after(milliseconds, "300ms");
        if ran.seen.code == Some(0) {
            ran.lives(&[]);
        } else {
            ran.fails("initialize", &["within 300ms"]);
        }
    }
}

#[test]
fn case_07_the_protocol_is_another() {
    let texts = &["it speaks protocol 9, this host speaks 1", "install a release"];
    Case::of("protocol_9").run().fails_by("setup", "", texts);
    let texts = &["it speaks protocol 2 to 3, this host speaks 1"];
    Case::of("refuses_the_protocol")
        .run()
        .fails_by("setup", "", texts);
    // A manifest that says so spares the start, and the run.
    let case = Case::of("none");
    let program = fault_plugin();
    let command = [program.to_str().unwrap(), "none"];
    case.sandbox
        .command("bad", "input", &command, "---protocol = [2, 3]\n");
    let texts = [
        "plugin `bad` cannot be used",
        "speaks plugin protocol 2 to 3, this host speaks 1",
    ];
    ends_in_time(&case.sandbox, &["run", "bad,good-json_out"])
        .exits(2)
        .says(&texts);
}

#[test]
fn case_08_initialize_is_answered_with_another_id() {
    Case::of("wrong_id")
        .tables("[timeouts]\nhandshake = \"1s\"")
        .run()
        .fails("initialize", &["no answer", "within 1s"]);
    Case::of("hello_of_wrong_shape")
        .run()
        .fails("initialize", &["wrong shape"]);
}

#[test]
fn case_09_a_request_comes_before_the_answer_to_initialize() {
    Case::of("request_first").run().lives(&[]);
}

#[test]
fn case_10_a_banner_comes_first() {
    let ran = Case::of("banner")
        .run()
        .lives(&["banner line 0", "banner line 49"]);
    assert_eq!(ran.count("warning: bad:"), 50, "{}", ran.seen);
}

#[test]
fn case_11_noise_without_end() {
    let ran = Case::of("endless_noise").run();
    ran.fails("initialize", &["it broke the protocol: too much noise on stdout"]);
    Case::of("answers_in_noise")
        .run()
        .fails("initialize", &["too much noise on stdout"]);
    Case::of("echoes").run().lives(&["wrote to stdout", "`got: "]);
}

#[test]
fn case_12_a_shell_starts_the_program() {
    let around = "\"$0\" \"$@\"; exit $?";
    let by_shell = |fault: &str| Case::of(fault).by_shell(around);
    by_shell("none").run().lives(&[]);
    by_shell("exits_in_hook")
        .run()
        .fails("process", &["exited with status 3"]);
    by_shell("never_answers")
        .tables("[timeouts]\nhook_total = \"1s\"")
        .run()
        .fails("process", &["within 1s"]);
    by_shell("ignores_all").run().lives(&[]);
}

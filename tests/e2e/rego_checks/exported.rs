//! `check test --data` over exported runs that saw only part, in any folder; and files that are no files.

use std::process::Command;

use serde_json::json;

use super::{MAX_PORT, OPEN_PORTS, SERVICES};
use crate::support::{Sandbox, Seen};

/// A check over an exported run that could not look at these sections of its provider.
fn exported(gaps: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.provider("source", SERVICES, gaps);
    sandbox.rego("check", "source", OPEN_PORTS, &format!("{MAX_PORT}{more}"));
    sandbox
        .opsbox(&["run", "source-cli_out"])
        .exits(i32::from(!gaps.is_empty()) * 4);
    sandbox.opsbox(&["runs", "export", "last", "web1"]).exits(0);
    sandbox
}

fn test(sandbox: &Sandbox, more: &[&str]) -> Seen {
    let folder = sandbox.path("plugins/check");
    sandbox.opsbox(&[&["check", "test", folder.to_str().unwrap()], more].concat())
}

#[test]
fn what_is_said_of_a_part_of_the_data_is_told_written_down_and_expected_as_such() {
    let sandbox = exported("gap services \"port 22\" \"access denied\"", "");
    let findings = r#""findings": [{"resource": "cache", "port": 6379}, {"resource": "app", "port": 8080}]"#;
    let expects = |text: &str| sandbox.write("plugins/check/tests/web1.expected.json", text);
    let data = ["--data", "web1"];
    test(&sandbox, &["--data", "web1", "--update"]).exits(0).prints(&[
        "wrote check web1",
        "the run saw only part of the data: port 22: access denied",
    ]);
    let written = sandbox.document("../plugins/check/tests/web1.expected.json");
    assert_eq!(written["incomplete"], json!(true));
    test(&sandbox, &data).exits(0).prints(&["1 passed"]);
    // The same findings without a word of it would be an all-clear of what nobody looked at.
    expects(&format!("{{{findings}}}"));
    test(&sandbox, &data).exits(1).prints(&[
        "fail  check web1",
        "port 22: access denied",
        "`\"incomplete\": true`",
    ]);
    expects("{\"incomplete\": true, \"findings\": []}");
    test(&sandbox, &data).exits(1).prints(&["not expected: {"]);
}

#[test]
fn a_gap_of_what_a_check_does_not_read_is_none_of_its_and_a_whole_case_is_not_incomplete() {
    let gap = "gap swap \"swap of web1\" \"access denied\"";
    let sandbox = exported(gap, "[check]\nreads = [\"services\"]\n");
    test(&sandbox, &["--data", "web1", "--update"])
        .exits(0)
        .hides(&["only part"]);
    let file = "plugins/check/tests/web1.expected.json";
    let written = sandbox.read(file);
    assert!(!written.contains("incomplete"), "{written}");
    sandbox.write(file, &written.replacen('{', "{\"incomplete\": true,", 1));
    test(&sandbox, &["--data", "web1"])
        .exits(1)
        .prints(&["it sees all of its data"]);
}

#[test]
fn a_folder_that_is_written_with_dots_gives_its_own_name() {
    let sandbox = exported("", "");
    sandbox.write("work/web1/deeper/readme", "");
    test(&sandbox, &["--data", "web1/deeper/..", "--update"])
        .exits(0)
        .prints(&["wrote check web1"]);
    test(&sandbox, &["--data", "web1"]).exits(0).prints(&["1 passed"]);
}

#[test]
fn an_error_that_every_message_would_be_is_no_expectation() {
    let sandbox = exported("", "");
    sandbox.write("plugins/check/check.rego", "package p\ndetails := [1 / 0]\n");
    let expects = |text: &str| sandbox.write("plugins/check/tests/web1.expected.json", text);
    for empty in ["", " "] {
        expects(&format!("{{\"error\": \"{empty}\"}}"));
        test(&sandbox, &["--data", "web1"])
            .exits(1)
            .prints(&["error check web1", "`error` is empty"]);
    }
    expects("{\"error\": \"divi\"}");
    test(&sandbox, &["--data", "web1"]).exits(0);
}

#[test]
fn pipes_and_devices_among_the_files_of_cases_are_told_and_make_nobody_wait() {
    let sandbox = exported("", "");
    sandbox.write("plugins/check/tests/ok.expected.json", "{\"applies\": false}");
    let made = Command::new("mkfifo")
        .args(["pipe.input.json", "ok.input.json"])
        .current_dir(sandbox.path("plugins/check/tests"))
        .status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", sandbox.path("plugins/check/tests/zero.input.json")).unwrap();
    std::os::unix::fs::symlink(
        "/dev/zero",
        sandbox.path("plugins/check/tests/zero.expected.json"),
    )
    .unwrap();
    let seen = test(&sandbox, &[]).exits(1);
    seen.prints(&[
        "error check ok",
        "error check pipe",
        "error check zero",
        "0 passed, 3 failed",
    ]);
    // An exported run, too.
    for file in ["source.input.json", "export.json"] {
        let path = sandbox.path("work/web1").join(file);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        sandbox
            .opsbox(&["run", "--replay", "./web1", "source-cli_out"])
            .exits(2)
            .says(&[file, "it is not a file"]);
    }
    sandbox
        .opsbox(&[
            "check",
            "eval",
            sandbox.path("plugins/check/check.rego").to_str().unwrap(),
            "--input",
            "/dev/zero",
        ])
        .exits(2)
        .says(&["`--input /dev/zero`: it is not a file"]);
    sandbox
        .opsbox(&["plugin", "call", "source", "gather_data", "--params", "/dev/zero"])
        .exits(2)
        .says(&["`--params /dev/zero`: it is not a file"]);
}

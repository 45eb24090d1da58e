//! What assistants and outputs that ship do with Results: files, screens, order.

use std::fs;
use std::io::{Read, Write};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Sandbox, result, step};

/// A sandbox with an input `source` that returns these Results.
pub fn source(results: &[String]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.input("source", results);
    sandbox
}

/// Returns the files below a folder of the sandbox, sorted, hidden ones too.
pub fn files(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let root = sandbox.path(folder);
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

pub fn findings(severities: &[&str]) -> String {
    let all: Vec<_> = severities
        .iter()
        .enumerate()
        .map(|(n, severity)| json!({"resource": format!("r{n}"), "severity": severity}))
        .collect();
    Value::from(all).to_string()
}

#[test]
fn every_result_is_a_file_named_after_what_it_relates_to_and_its_name() {
    let text = r#"{"relates_to":"ec2","result_name":"idle","result_description":"d","details":[{"n":1.50}],"formatted":"\n    one\n      two","more":[]}"#;
    let sandbox = source(&[text.to_owned(), result("ec2", "quiet", "[]")]);
    sandbox.opsbox(&["run", "source-json_out,text_out"]).exits(0);
    assert_eq!(
        files(&sandbox, "work/findings"),
        ["ec2/idle.json", "ec2/idle.txt", "ec2/quiet.json", "ec2/quiet.txt"]
    );
    assert_eq!(
        sandbox.read("work/findings/ec2/idle.json"),
        "{\n  \"relates_to\": \"ec2\",\n  \"result_name\": \"idle\",\n  \"result_description\": \"d\",\n  \"details\": [\n    {\n      \"n\": 1.50\n    }\n  ],\n  \"formatted\": \"\\n    one\\n      two\",\n  \"more\": []\n}"
    );
    assert_eq!(sandbox.read("work/findings/ec2/idle.txt"), "\none\n  two");
    sandbox
        .opsbox(&["run", "source-json_out", "--set", "output_folder=elsewhere/deep"])
        .exits(0);
    assert_eq!(
        files(&sandbox, "work/elsewhere"),
        ["deep/ec2/idle.json", "deep/ec2/quiet.json"]
    );
}

#[test]
fn equal_names_of_one_run_are_numbered_and_a_later_run_replaces_them() {
    let sandbox = source(&[
        result("a", "x", "[]"),
        result("a", "x", "[{\"n\":1}]"),
        result("b", "x", "[]"),
    ]);
    for _ in 0..2 {
        sandbox.opsbox(&["run", "source-json_out"]).exits(0);
        assert_eq!(
            files(&sandbox, "work/findings"),
            ["a/x-2.json", "a/x.json", "b/x.json"]
        );
        assert_eq!(
            sandbox.document("findings/a/x-2.json")["details"],
            json!([{"n": 1}])
        );
    }
}

#[test]
fn a_file_is_replaced_whole_so_that_its_readers_never_see_half_of_it() {
    let sandbox = source(&[result("a", "x", &findings(&["low"; 50]))]);
    sandbox.opsbox(&["run", "source-json_out"]).exits(0);
    let old = sandbox.read("work/findings/a/x.json");
    let mut reader = fs::File::open(sandbox.path("work/findings/a/x.json")).unwrap();
    sandbox.input("source", &[result("a", "x", "[]")]);
    sandbox.opsbox(&["run", "source-json_out"]).exits(0);
    let mut seen = String::new();
    reader.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, old, "who had opened the old file reads the old file");
    assert_eq!(sandbox.document("findings/a/x.json")["details"], json!([]));
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named_and_what_lies_there_stays() {
    let sandbox = source(&[result("a", "x", "[]")]);
    sandbox.write("work/findings", "mine");
    for output in ["json_out", "text_out"] {
        sandbox
            .opsbox(&["run", &format!("source-{output}")])
            .exits(1)
            .says(&[
                output,
                "cannot write `./findings/`: a file is in the way",
                "set `output_folder`",
            ]);
    }
    assert_eq!(sandbox.read("work/findings"), "mine");
    sandbox
        .opsbox(&["run", "source-json_out", "--set", "output_folder=/proc/none"])
        .exits(1)
        .says(&["/proc/none"]);
}

#[test]
fn a_folder_in_the_place_of_a_file_is_named_and_the_other_output_delivers() {
    let sandbox = source(&[result("a", "x", "[]")]);
    sandbox.write("work/findings/a/x.json/keep", "mine");
    let seen = sandbox
        .opsbox(&["run", "source-json_out,text_out", "-o", "record.json"])
        .exits(4)
        .says(&["json_out", "findings/a/x.json`: a folder is in the way"]);
    assert_eq!(step(&sandbox.record(), "text_out")["status"], "clean", "{seen}");
    assert_eq!(
        files(&sandbox, "work/findings"),
        ["a/x.json/keep", "a/x.txt"],
        "{seen}"
    );
}

#[test]
fn a_second_run_into_the_same_folder_is_refused_with_the_first_ones_process() {
    let sandbox = source(&[result("a", "x", "[]")]);
    sandbox.write("work/findings/a/x.json", "old");
    let path = sandbox.write("work/findings/.json_out.lock", "4711");
    let held = fs::File::open(path).unwrap();
    held.lock().unwrap();
    let seen = sandbox
        .opsbox(&["run", "source-json_out,text_out"])
        .exits(4)
        .says(&[
            "json_out",
            "cannot write into `./findings/`: another run (process 4711) is writing there",
            "wait for it, or set `output_folder` to another folder",
        ]);
    assert_eq!(sandbox.read("work/findings/a/x.json"), "old", "{seen}");
    assert!(
        sandbox.path("work/findings/a/x.txt").exists(),
        "text_out has a lock of its own\n{seen}"
    );
    drop(held);
    sandbox.opsbox(&["run", "source-json_out"]).exits(0);
    assert_eq!(
        files(&sandbox, "work/findings"),
        ["a/x.json", "a/x.txt"],
        "a lock left behind holds nobody up"
    );
    assert_eq!(sandbox.document("findings/a/x.json")["details"], json!([]));
}

#[test]
fn a_run_that_still_gathers_holds_up_no_other_run_into_its_folder() {
    let sandbox = source(&[result("a", "x", "[]")]);
    let fifo = sandbox.path("work/go");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let late = result("a", "x", "[{\"n\":1}]");
    let wait = format!("read -r go <go; result='[{late}]'");
    sandbox.shell("late", "input", &[("process", &wait)], "");
    let first = sandbox.start(&["run", "late-json_out"]);
    // Opening the pipe waits for the first run to stand at it.
    let mut go = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    sandbox.opsbox(&["run", "source-json_out"]).exits(0);
    assert_eq!(sandbox.document("findings/a/x.json")["details"], json!([]));
    go.write_all(b"go\n").unwrap();
    drop(go);
    let first = first.wait_with_output().unwrap();
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    assert_eq!(
        sandbox.document("findings/a/x.json")["details"],
        json!([{"n": 1}])
    );
}

#[test]
fn a_thousand_findings_fit_one_screen_with_the_worst_on_it() {
    let mut severities = vec!["low"; 999];
    severities[700] = "critical";
    let long = result("estate", "many", &findings(&severities));
    let long = long.replace("\"r7\"", &format!("\"{}\"", "a very long name ".repeat(20)));
    let sandbox = source(&[long, result("estate", "one", &findings(&["high"]))]);
    let seen = sandbox.opsbox(&["run", "source-cli_out"]).exits(0).prints(&[
        "1000 findings of 2 checks: 1 critical, 1 high, 998 low",
        "critical  many  r700",
        "… 988 more; all of them: --set cli_out_show_all=true",
    ]);
    let lines = seen.stdout.lines().count() + seen.stderr.lines().count();
    assert!(lines < 25, "{lines} lines\n{seen}");
    assert!(
        seen.stdout.lines().all(|line| line.chars().count() <= 80),
        "{seen}"
    );
    let seen = sandbox
        .opsbox(&["run", "source-cli_out", "--set", "cli_out_show_all=true"])
        .exits(0);
    assert!(seen.stdout.lines().count() > 1000, "{seen}");
}

#[test]
fn nothing_found_is_said_and_not_only_shown_by_silence() {
    let sandbox = source(&[result("a", "quiet", "[]"), result("a", "calm", "[]")]);
    let seen = sandbox.opsbox(&["run", "source-cli_out"]).exits(0);
    assert_eq!(
        seen.stdout, "no findings\nnothing found by: quiet, calm\n",
        "{seen}"
    );
}

#[test]
fn outputs_print_in_the_order_of_the_pipeline() {
    let sandbox = source(&[result("a", "x", "[]")]);
    for name in ["first", "second"] {
        let say = format!(
            "say '{{\"jsonrpc\":\"2.0\",\"method\":\"output\",\"params\":{{\"text\":\"this is {name}\\n\",\"stream\":\"stdout\"}}}}'; result='{{}}'"
        );
        sandbox.shell(name, "output", &[("process_results", &say)], "");
    }
    for order in [["first", "second"], ["second", "first"]] {
        let seen = sandbox
            .opsbox(&["run", &format!("source-{}", order.join(","))])
            .exits(0);
        assert_eq!(
            seen.stdout,
            format!("this is {}\nthis is {}\n", order[0], order[1]),
            "{seen}"
        );
    }
}

#[test]
fn assistants_sort_the_worst_first_and_keep_some() {
    let sandbox = source(&[
        result("a", "mild", &findings(&["low", "info", "medium"])),
        result("a", "bad", &findings(&["info", "critical", "low", "high"])),
    ]);
    let names = |file: &str| {
        let found = sandbox.document(&format!("findings/a/{file}.json"))["details"].clone();
        let found = found.as_array().unwrap().clone();
        found
            .iter()
            .map(|found| found["resource"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let args = [
        "run",
        "source-sort_severity-limit-json_out,text_out",
        "--set",
        "max_findings=2",
    ];
    sandbox.opsbox(&args).exits(0);
    assert_eq!(names("bad"), ["r1", "r3"]);
    assert_eq!(names("mild"), ["r2", "r0"]);
    assert_eq!(
        sandbox.read("work/findings/a/bad.txt"),
        "2 findings cut (max_findings = 2)"
    );
    let args = [
        "run",
        "source-limit-sort_severity-json_out",
        "--set",
        "max_findings=2",
    ];
    sandbox.opsbox(&args).exits(0);
    assert_eq!(
        names("bad"),
        ["r1", "r0"],
        "the order of the pipeline is the order of the assistants"
    );
    let seen = sandbox.opsbox(&["run", "source-sort_severity-cli_out"]).exits(0);
    assert!(
        seen.stdout.find("critical  bad") < seen.stdout.find("medium    mild"),
        "{seen}"
    );
    sandbox
        .opsbox(&["run", "source-limit-json_out", "--set", "max_findings=-1"])
        .exits(2)
        .says(&["max_findings"]);
}

//! The published transcript of PROTOCOL.md: the host's lines, played to the example, bring the plugin's lines to the byte.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{python, repository};

#[test]
fn the_published_transcript_replays_on_the_example() {
    let Some(python) = python() else { return };
    let folder = repository().join("plugins/examples/summary");
    let mut child = Command::new(python)
        .arg(folder.join("summary.py"))
        .env_clear()
        .env("OPSBOX_PLUGIN", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let text = fs::read_to_string(repository().join("tests/golden/transcript.jsonl")).unwrap();
    let mut n_answers = 0;
    for entry in text.lines() {
        let entry: Value = serde_json::from_str(entry).unwrap();
        let line = entry["line"].as_str().unwrap();
        if entry["from"] == "host" {
            writeln!(stdin, "{line}").unwrap();
            stdin.flush().unwrap();
        } else {
            let mut answer = String::new();
            stdout.read_line(&mut answer).unwrap();
            assert_eq!(answer.trim_end_matches('\n'), line);
            n_answers += 1;
        }
    }
    assert!(n_answers >= 5, "{n_answers} answers");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_document_prints_the_transcript_as_it_is() {
    let document = fs::read_to_string(repository().join("protocol/PROTOCOL.md")).unwrap();
    let text = fs::read_to_string(repository().join("tests/golden/transcript.jsonl")).unwrap();
    for entry in text.lines() {
        let entry: Value = serde_json::from_str(entry).unwrap();
        let line = entry["line"].as_str().unwrap();
        assert!(document.contains(line), "PROTOCOL.md lacks {line}");
    }
}

//! Secrets that traces and the search through Results find, however they are spelt.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use opsbox::trace::Recorded;
use serde_json::Value;

use crate::support::{Sandbox, result};

#[test]
fn secrets_that_a_plugin_sees_in_its_variables_are_replaced_before_it_is_configured() {
    let sandbox = Sandbox::new();
    let hooks = [
        (
            "grab_config",
            "echo \"have $ACME_TOKEN and $ACME_NAME\" >&2\nresult='{}'",
        ),
        ("process", "result='[]'"),
    ];
    sandbox.shell("early", "input", &hooks, "---");
    let manifest = sandbox.read("plugins/early/manifest.toml");
    sandbox.write(
        "plugins/early/manifest.toml",
        &format!("{manifest}env = [\"ACME_*\"]\n"),
    );
    let variables = [("ACME_TOKEN", "t0ken-of-acme"), ("ACME_NAME", "name-of-acme")];
    sandbox
        .opsbox_with(&variables, &["run", "early-json_out", "--trace", "traces"])
        .exits(0);
    let text = sandbox.read("work/traces/early.jsonl");
    assert!(text.contains("have <secret> and <secret>"), "{text}");
    assert!(!text.contains("of-acme"), "{text}");
}

/// A sandbox with an input that answers with these details, and what a run of it with these secrets says.
fn says(details: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "plugins/says/answer.json",
        &format!("[{}]", result("says", "says", details)),
    );
    let process = "result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    let fields = "---[config.apw]\ntype = \"string\"\nwriteOnly = true\n[config.pin]\ntype = \"integer\"\nwriteOnly = true\n";
    sandbox.shell("says", "input", &[("process", process)], fields);
    let set = ["--set", "apw=wJalrXUt+K7MDENG==", "--set", "pin=73519246"];
    let run = ["run", "says-json_out", "--trace", "traces"];
    sandbox
        .opsbox(&[&run[..], &set[..]].concat())
        .exits(0)
        .says(&["a secret of the configuration stands in the Results of check `says`: `details.at`"]);
    sandbox
}

#[test]
fn a_number_that_is_a_secret_leaves_the_line_of_a_trace_json_and_its_replay_as_before() {
    let sandbox = says(r#"{"at":73519246,"f":73519246.0,"n":[1,2.50]}"#);
    let trace = Recorded::from_file(&sandbox.path("work/traces/says.jsonl")).unwrap();
    let answer = trace
        .lines
        .iter()
        .find(|line| line.line.contains("\"result\":["))
        .unwrap();
    let message: Value = serde_json::from_str(&answer.line).unwrap();
    let details = r#"{"at":"<secret>","f":"<secret>","n":[1,2.50]}"#;
    assert!(answer.line.contains(details) && answer.redacted, "{message:#}");
    sandbox
        .opsbox(&["plugin", "replay", "traces/says.jsonl", "says"])
        .exits(0)
        .prints(&["as before"]);
}

#[test]
fn a_secret_with_the_escapes_of_any_writer_is_in_no_trace_and_makes_its_files_private() {
    let sandbox = says(r#"{"at":"key wJalrXUt\u002BK7MDENG\u003D\u003d\ud800"}"#);
    let file = sandbox.path("work/findings/says/says.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    for trace in ["says", "json_out"] {
        let text = sandbox.read(&format!("work/traces/{trace}.jsonl"));
        assert!(text.contains("key <secret>") && !text.contains("MDENG"), "{text}");
    }
}

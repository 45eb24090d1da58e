//! The samples of the SDKs, as real processes through their manifests.

use std::path::Path;

use serde_json::json;

use crate::support::{Environment, Sandbox, copy, python, repository, step};

/// Adds both samples of the Rust SDK.
fn samples() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sample("countdown");
    sandbox.sample("large_lists");
    sandbox
}

#[test]
fn a_check_of_the_rust_sdk_reads_the_data_of_its_provider() {
    let sandbox = samples();
    let args = [
        "run",
        "large_lists-json_out",
        "--set",
        "steps=4",
        "--set",
        "max_items=3",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    assert_eq!(
        sandbox.json("work/findings/countdown/large_lists.json"),
        json!({
            "relates_to": "countdown",
            "result_name": "large_lists",
            "result_description": "Lists that hold more items than allowed.",
            "details": [{"resource": "countdown.steps", "items": 4}],
            "formatted": "1 large lists",
        }),
        "{seen}"
    );
    let record = sandbox.record();
    assert_eq!(step(&record, "countdown")["status"], "clean", "{seen}");
    assert_eq!(step(&record, "large_lists")["findings"], 1, "{seen}");
}

#[test]
fn a_check_of_the_rust_sdk_that_finds_nothing_is_clean() {
    let sandbox = samples();
    let args = [
        "run",
        "large_lists-json_out",
        "--set",
        "max_items=3",
        "-o",
        "record.json",
    ];
    sandbox.opsbox(&args).exits(0);
    assert_eq!(step(&sandbox.record(), "large_lists")["status"], "clean");
}

#[test]
fn a_gap_of_a_provider_of_the_rust_sdk_makes_its_check_incomplete() {
    let sandbox = samples();
    let args = [
        "run",
        "large_lists-json_out",
        "--set",
        "unreadable_step=2",
        "-o",
        "record.json",
    ];
    let seen = sandbox
        .opsbox(&args)
        .exits(4)
        .says(&["incomplete", "step 2: it was made unreadable"]);
    let record = sandbox.record();
    assert_eq!(step(&record, "large_lists")["status"], "incomplete", "{seen}");
    assert_eq!(step(&record, "large_lists")["findings"], 1, "{seen}");
    assert_eq!(
        step(&record, "countdown")["gaps"][0]["section"],
        "steps",
        "{seen}"
    );
}

#[test]
fn a_provider_of_the_rust_sdk_may_stand_first_and_its_data_is_handed_on() {
    let sandbox = samples();
    let seen = sandbox
        .opsbox(&["run", "countdown-json_out", "--set", "steps=1"])
        .exits(0);
    let result = sandbox.json("work/findings/countdown/countdown.json");
    assert_eq!(
        result["details"],
        json!({"steps": [{"step": 1, "name": "step 1"}]}),
        "{seen}"
    );
}

#[test]
fn the_schema_of_a_rust_plugin_comes_from_its_type() {
    let sandbox = samples();
    let schema = sandbox.opsbox(&["config", "schema", "countdown"]).exits(0).json();
    let steps = &schema["properties"]["steps"];
    assert_eq!(steps["type"], "integer", "{schema:#}");
    assert_eq!(steps["default"], 3, "{schema:#}");
    assert_eq!(steps["description"], "How many steps to take.", "{schema:#}");
    sandbox
        .opsbox(&["run", "large_lists-json_out", "--set", "steps=many"])
        .exits(2)
        .says(&["`steps`", "`countdown`", "integer", "many"]);
}

#[test]
fn a_rust_plugin_started_by_hand_says_what_it_is_and_exits_64() {
    let sandbox = samples();
    let program = sandbox.path("plugins/countdown/countdown");
    let output = std::process::Command::new(program).env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("countdown") && said.contains("opsbox"), "{said}");
}

const MANIFEST: &str = "
[info]
name = \"words\"
type = \"input\"
description = \"counts the words of a text\"

[run]
command = [\"python3\", \"./words.py\"]
";

const WORDS: &str = "
from __future__ import annotations

from dataclasses import dataclass

from opsbox.sdk import Input, Result, gap, log, option, progress, serve


@dataclass(frozen=True)
class Config:
    text: str = option(description=\"text whose words are counted\")
    key_of_mine: str = option(\"\", description=\"how to log in\", secret=True)


class Words(Input[Config]):
    name = \"words\"

    def process(self, data):
        words = self.config.text.split()
        log.info(f\"{len(words)} words\")
        print(\"a stray print\")
        for done, word in enumerate(words, 1):
            progress(done, len(words), \"words\")
            if word == \"unreadable\":
                gap(f\"word {done}\", \"it cannot be read\")
        found = [{\"word\": word} for word in words]
        return [Result(\"text\", \"words\", \"Words of a text\", found, \" \".join(words))]


if __name__ == \"__main__\":
    serve(Words)
";

/// Adds the plugin `words`, of the Python SDK, with this at the end of its manifest.
fn words(sandbox: &Sandbox, more: &str) {
    sandbox.write("plugins/words/manifest.toml", &format!("{MANIFEST}{more}\n"));
    sandbox.write("plugins/words/words.py", WORDS);
}

/// Runs the pipeline of `words` where `python3` is the environment's.
fn run_words(
    sandbox: &Sandbox,
    environment: &Environment,
    text: &str,
    path: Option<&Path>,
) -> crate::support::Seen {
    let field = format!("text={text}");
    let args = [
        "run",
        "words-json_out",
        "-v",
        "--set",
        &field,
        "--set",
        "key_of_mine=geheim",
    ];
    let mut command = sandbox.binary(&args);
    let folder = environment.python.parent().unwrap().to_str().unwrap();
    let others = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{folder}:{others}"));
    if let Some(path) = path {
        command.env("PYTHONPATH", path);
    }
    sandbox.finish(&args, &mut command).hides(&["geheim"])
}

#[test]
fn a_plugin_of_the_python_sdk_finds_it_by_a_declared_pythonpath() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    words(&sandbox, "env = [\"PYTHONPATH\"]");
    let sdk = repository().join("sdk-python/src");
    run_words(&sandbox, &environment, "two words", Some(&sdk))
        .exits(0)
        .says(&["2 words", "a stray print"]);
    let result = sandbox.json("work/findings/text/words.json");
    assert_eq!(result["details"], json!([{"word": "two"}, {"word": "words"}]));
    assert_eq!(result["formatted"], "two words");
}

#[test]
fn a_plugin_of_the_python_sdk_finds_it_where_it_is_installed() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    words(&sandbox, "");
    copy(
        &repository().join("sdk-python/src/opsbox"),
        &environment.packages.join("opsbox"),
    );
    run_words(&sandbox, &environment, "one unreadable word", None)
        .exits(4)
        .says(&["incomplete", "word 2", "it cannot be read"]);
    let result = sandbox.json("work/findings/text/words.json");
    assert_eq!(result["details"].as_array().unwrap().len(), 3);
}

#[test]
fn a_plugin_of_the_python_sdk_without_it_shows_what_python_said() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    words(&sandbox, "");
    run_words(&sandbox, &environment, "x", None).exits(1).says(&[
        "words",
        "status 1 during `initialize`",
        "No module named 'opsbox'",
    ]);
}

#[test]
fn a_missing_field_of_the_python_sdk_is_asked_for() {
    let sandbox = Sandbox::new();
    if python().is_none() {
        return;
    }
    words(&sandbox, "env = [\"PYTHONPATH\"]");
    let args = ["run", "words-json_out"];
    let mut command = sandbox.binary(&args);
    command.env("PYTHONPATH", repository().join("sdk-python/src"));
    sandbox
        .finish(&args, &mut command)
        .exits(2)
        .says(&["`words`", "`text`", "text whose words are counted"]);
}

#[test]
fn a_plugin_of_the_originals_style_runs_where_the_sdk_is_installed_too() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    copy(
        &repository().join("sdk-python/src/opsbox"),
        &environment.packages.join("opsbox"),
    );
    sandbox.finds("found", "{'key': 'value'}");
    sandbox
        .opsbox_on(&environment.python, &["run", "found-json_out"])
        .exits(0);
    let source = "from opsbox.plugins import NoSuchName\n\nclass P:\n    def process(self, data):\n        return []\n";
    sandbox.legacy("bad", "input", source);
    sandbox
        .opsbox_on(&environment.python, &["run", "bad,found-json_out"])
        .exits(4)
        .says(&["ImportError", "NoSuchName"])
        .hides(&["RecursionError"]);
}

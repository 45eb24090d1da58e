//! The plugins of "Building Plugins for Opsbox", word for word.

use std::fs;

use crate::support::{Sandbox, repository, step, venv};

const PIPELINE: &str = "example_input-example_assistant-example_output";

#[test]
fn the_documentations_plugins_run_unchanged_from_a_folder() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let seed = repository().join("tests/fixtures/seed");
    let args = [
        "run",
        PIPELINE,
        "--plugin-dir",
        seed.to_str().unwrap(),
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(
        seen.stdout, "Output from ExampleInputPlugin: {'key1': 'VALUE1', 'key2': 'VALUE2'}\n",
        "{seen}"
    );
    let record = sandbox.record();
    assert_eq!(record["outcome"], "done", "{record:#}");
    for (plugin, results) in [
        ("example_input", 1),
        ("example_assistant", 1),
        ("example_output", 0),
    ] {
        assert_eq!(step(&record, plugin)["results"], results, "{record:#}");
    }
}

#[test]
fn the_original_command_line_runs_them_too() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let seed = repository().join("tests/fixtures/seed");
    let args = ["--modules", PIPELINE, "--plugin_dir", seed.to_str().unwrap()];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(
        seen.stdout, "Output from ExampleInputPlugin: {'key1': 'VALUE1', 'key2': 'VALUE2'}\n",
        "{seen}"
    );
}

#[test]
fn without_pluggy_and_pydantic_the_ones_that_need_only_pluggy_and_result_run() {
    let sandbox = Sandbox::new();
    let Some(bare) = sandbox.python_environment() else {
        return;
    };
    sandbox.fixture("seed/example_assistant");
    sandbox.fixture("seed/example_output");
    sandbox.finds("plain", "{'key': 'value'}");
    let seen = sandbox
        .opsbox_on(
            &bare.python,
            &["run", "plain-example_assistant-example_output,json_out"],
        )
        .exits(0);
    assert_eq!(seen.stdout, "Output from test: {'key': 'VALUE'}\n", "{seen}");
    let delivered = sandbox.read("work/findings/test/ProcessedData.json");
    assert!(delivered.contains("\"key\": \"VALUE\""), "{delivered}");
}

#[test]
fn without_pydantic_a_plugin_that_imports_it_is_named_with_the_command_that_installs_it() {
    let sandbox = Sandbox::new();
    let Some(bare) = sandbox.python_environment() else {
        return;
    };
    sandbox.fixture("seed/example_input");
    let python = bare.python.to_str().unwrap().to_owned();
    sandbox
        .opsbox_on(&bare.python, &["run", "example_input-cli_out"])
        .exits(1)
        .says(&[
            "example_input",
            "No module named 'pydantic'",
            &format!("{python} -m pip install pydantic"),
        ]);
}

#[test]
fn fields_of_the_documentations_assistant_are_asked_for_with_their_descriptions() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("seed/cost_assistant");
    sandbox.finds("found", "{}");
    sandbox
        .opsbox_on(&python, &["run", "found-cost_assistant-cli_out"])
        .exits(2)
        .says(&[
            "`cost_assistant`",
            "`oai_assistant_id`",
            "The ID of the OpenAI assistant",
            "`oai_vector_store_id`",
            "`oai_key`",
            "The OpenAI API key",
            "--set oai_assistant_id=",
            "OPSBOX_SET_OAI_KEY",
        ]);
}

#[test]
fn the_documentations_assistant_is_configured_and_activated_before_its_work() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("python/cost_report");
    let seed = repository().join("tests/fixtures/seed/cost_assistant");
    for file in ["cost_assistant.py", "openai.py"] {
        fs::copy(seed.join(file), sandbox.path("plugins/cost_report").join(file)).unwrap();
    }
    sandbox.finds("found", "{}");
    let args = [
        "run",
        "found-cost_report-text_out",
        "-vv",
        "--set",
        "oai_assistant_id=12",
        "--set",
        "oai_vector_store_id=store-1",
        "--set",
        "oai_key=sk-very-secret",
    ];
    sandbox
        .opsbox_on(&python, &args)
        .exits(0)
        .hides(&["sk-very-secret"]);
    assert_eq!(
        sandbox.read("work/findings/test/found.txt").trim_end(),
        "assistant 12 read store-1 with a key of 14 characters"
    );
}

#[test]
fn a_class_without_the_hook_of_its_type_fails_its_step_and_names_the_hook() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("seed/cost_assistant");
    sandbox.finds("found", "{}");
    let config = r#"{"oai_assistant_id": "a", "oai_vector_store_id": "b", "oai_key": "sk-very-secret"}"#;
    sandbox.write("work/config.json", config);
    let args = ["run", "found-cost_assistant-json_out", "--config", "config.json"];
    sandbox
        .opsbox_on(&python, &args)
        .exits(4)
        .says(&["cost_assistant", "process_input"])
        .hides(&["sk-very-secret"]);
    assert!(sandbox.read("work/findings/test/found.json").contains("found"));
}

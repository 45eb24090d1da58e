//! One run in which plugins in Rust, Rego, Python, JavaScript and shell stand side by side.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Sandbox, copy, program, repository, step, venv};

const PIPELINE: &str = "large_lists,long_countdown,stray_volumes,example_input,node_packages,kernel_settings\
                        -sort_severity-summary-json_out,cli_out,example_output";
const VALUES: [&str; 6] = [
    "--set",
    "steps=4",
    "--set",
    "node_project=shop",
    "--set",
    "last_step=3",
];

/// Returns a sandbox with all plugins of the pipeline and a project for the Node.js one.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sample("countdown");
    sandbox.sample("large_lists");
    for fixture in [
        "rego/long_countdown",
        "python/storage",
        "python/stray_volumes",
        "seed/example_input",
        "seed/example_output",
    ] {
        sandbox.fixture(fixture);
    }
    for example in ["node_packages", "kernel_settings", "summary"] {
        copy(
            &repository().join("plugins/examples").join(example),
            &sandbox.path("plugins").join(example),
        );
    }
    sandbox.write(
        "work/shop/package.json",
        r#"{"name": "shop", "dependencies": {"gone": "^1.0.0"}}"#,
    );
    sandbox.write("work/shop/package-lock.json", "{}");
    sandbox
}

#[test]
fn plugins_in_five_languages_run_side_by_side_and_every_result_arrives() {
    let Some(python) = venv().filter(|_| program("node").is_some()) else {
        return;
    };
    let sandbox = sandbox();
    let args = [&["run", PIPELINE, "-o", "record.json"], &VALUES[..]].concat();
    let seen = sandbox.opsbox_on(&python, &args);
    let record = sandbox.record();
    // The shell example may have no right to read a setting here; everything else is known.
    let partial = step(&record, "kernel_settings")["status"] == "incomplete";
    let seen = seen.exits(if partial { 4 } else { 0 });

    let found = |path: &str| sandbox.json(&format!("work/findings/{path}.json"));
    assert_eq!(
        found("countdown/large_lists"),
        json!({
            "relates_to": "countdown",
            "result_name": "large_lists",
            "result_description": "Lists that hold more items than allowed.",
            "details": [{"resource": "countdown.steps", "items": 4}],
            "formatted": "1 large lists",
        })
    );
    let long = found("countdown/long_countdown");
    assert_eq!(
        long["details"],
        json!([{"resource": "step 4", "step": 4, "severity": "medium", "remediation": "Count less."}])
    );
    assert_eq!(long["result_description"], "steps beyond the last one allowed");
    assert!(long["formatted"].as_str().unwrap().contains("step 4"), "{long:#}");
    assert_eq!(
        found("storage/stray_volumes"),
        json!({
            "relates_to": "storage",
            "result_name": "stray_volumes",
            "result_description": "volumes that no instance uses",
            "details": [{"volume_id": "vol-2", "state": "available", "size": 80}],
            "formatted": "stray volumes: vol-2",
        })
    );
    assert_eq!(
        found("ExampleInputPlugin/GatheredData"),
        json!({
            "relates_to": "ExampleInputPlugin",
            "result_name": "GatheredData",
            "result_description": "Data gathered from the example input plugin.",
            "details": {"key1": "value1", "key2": "value2"},
            "formatted": "{'key1': 'value1', 'key2': 'value2'}",
        })
    );
    assert_eq!(
        found("node/node_packages")["details"],
        json!([{
            "package": "gone",
            "severity": "high",
            "problem": "declared, but not installed",
            "remediation": "install the packages",
        }])
    );
    let kernel = found("host/kernel_settings");
    let n_kernel = kernel["details"].as_array().unwrap().len();
    let counted = &found("summary/summary")["details"];
    assert_eq!(counted["findings"], 5 + n_kernel, "{counted:#}");
    assert_eq!(counted["by_check"]["node_packages"], json!({"high": 1}));
    assert_eq!(counted["by_check"]["long_countdown"], json!({"medium": 1}));
    let mut files = Vec::new();
    files_below(&sandbox.work().join("findings"), &mut files);
    assert_eq!(files.len(), 7, "{files:?}");

    seen.prints(&[
        "vol-2",
        "Output from countdown: 1 large lists\n",
        "Output from storage: stray volumes: vol-2\n",
        "Output from ExampleInputPlugin: {'key1': 'value1', 'key2': 'value2'}\n",
        "Output from node: packages installed: 0, findings: 1",
    ]);
}

/// Collects the JSON files below a folder.
fn files_below(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files_below(&entry.path(), files);
        } else if entry.path().extension().is_some_and(|ending| ending == "json") {
            files.push(entry.path());
        }
    }
}

#[test]
fn text_of_outputs_comes_in_the_order_of_the_pipeline() {
    let Some(python) = venv().filter(|_| program("node").is_some()) else {
        return;
    };
    let sandbox = sandbox();
    let args = [&["run", PIPELINE], &VALUES[..]].concat();
    let seen = sandbox.opsbox_on(&python, &args);
    let cli_out = seen
        .stdout
        .find("findings of")
        .unwrap_or_else(|| panic!("{seen}"));
    let example = seen
        .stdout
        .find("Output from")
        .unwrap_or_else(|| panic!("{seen}"));
    assert!(cli_out < example, "{seen}");
    let tail = &seen.stdout[example..];
    assert!(!tail.contains("findings of "), "{seen}");
}

#[test]
fn the_record_holds_every_step_of_a_mixed_run() {
    let Some(python) = venv().filter(|_| program("node").is_some()) else {
        return;
    };
    let sandbox = sandbox();
    let args = [&["run", PIPELINE, "-o", "record.json"], &VALUES[..]].concat();
    let seen = sandbox.opsbox_on(&python, &args);
    let record = sandbox.record();
    assert_eq!(record["record"], 1);
    assert_eq!(record["pipeline"], PIPELINE);
    assert_eq!(record["exit_code"], seen.code.unwrap());
    assert_eq!(record["warnings"], json!([]), "{seen}");
    let steps: Vec<_> = record["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["plugin"] != "kernel_settings")
        .map(|step| {
            assert!(step["errors"].as_array().unwrap().is_empty(), "{step:#}");
            assert!(step["seconds"].as_f64().unwrap() >= 0.0, "{step:#}");
            json!([
                step["plugin"],
                step["role"],
                step["status"],
                step["results"],
                step["findings"]
            ])
        })
        .collect();
    let expected = json!([
        ["countdown", "provider", "clean", 1, null],
        ["storage", "provider", "clean", 1, null],
        ["large_lists", "check", "findings", 1, 1],
        ["long_countdown", "check", "findings", 1, 1],
        ["stray_volumes", "check", "findings", 1, 1],
        ["example_input", "check", "findings", 1, 1],
        ["node_packages", "check", "findings", 1, 1],
        ["sort_severity", "assistant", "clean", 6, null],
        ["summary", "assistant", "clean", 7, null],
        ["json_out", "output", "clean", 0, null],
        ["cli_out", "output", "clean", 0, null],
        ["example_output", "output", "clean", 0, null],
    ]);
    assert_eq!(Value::from(steps), expected, "{seen}\n{record:#}");
}

#[test]
fn the_plan_explains_every_step_of_a_mixed_run() {
    let Some(python) = venv() else { return };
    let sandbox = sandbox();
    let args = [&["plan", PIPELINE, "--json"], &VALUES[..]].concat();
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    let plan = seen.json();
    let steps: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            json!([
                step["stage"],
                step["plugin"],
                step["type"],
                step["handler"],
                step["uses"],
                step["origin"]["kind"]
            ])
        })
        .collect();
    let expected = json!([
        ["gather", "countdown", "provider", "general", [], "folder"],
        ["gather", "storage", "provider", "general", [], "folder"],
        [
            "check",
            "large_lists",
            "input",
            "general",
            ["countdown"],
            "folder"
        ],
        ["check", "long_countdown", "rego", "rego", ["countdown"], "folder"],
        ["check", "stray_volumes", "rego", "rego", ["storage"], "folder"],
        ["check", "example_input", "input", "general", [], "folder"],
        ["check", "node_packages", "input", "general", [], "folder"],
        ["check", "kernel_settings", "input", "general", [], "folder"],
        ["assist", "sort_severity", "assistant", "general", [], "bundled"],
        ["assist", "summary", "assistant", "general", [], "folder"],
        ["output", "json_out", "output", "general", [], "bundled"],
        ["output", "cli_out", "output", "general", [], "bundled"],
        ["output", "example_output", "output", "general", [], "folder"],
    ]);
    assert_eq!(Value::from(steps), expected, "{seen}");
    let manifest = plan["steps"][4]["origin"]["manifest"].as_str().unwrap();
    assert!(
        manifest.ends_with("plugins/stray_volumes/stray_volumes.toml"),
        "{manifest}"
    );
    assert_eq!(plan["python"]["path"], python.to_str().unwrap(), "{seen}");
    assert_eq!(plan["python"]["from"], "OPSBOX_PYTHON", "{seen}");
    let field = |name: &str| {
        let fields = plan["config"].as_array().unwrap();
        let field = fields
            .iter()
            .find(|field| field["field"] == name || field["name"] == name);
        field.unwrap_or_else(|| panic!("no field {name}\n{seen}")).clone()
    };
    assert_eq!(field("last_step")["value"], 3, "{seen}");
    assert_eq!(field("steps")["value"], 4, "{seen}");
    assert_eq!(field("stray_min_size")["plugin"], "stray_volumes", "{seen}");
}

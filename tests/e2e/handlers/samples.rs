//! The samples of the SDKs: a handler and a plugin that it serves, in Rust and in Python.

use serde_json::json;

use crate::support::{Sandbox, step};

fn metrics() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sample("metrics");
    sandbox.sample("folder_size");
    sandbox.write("work/logs/a.log", "12345678");
    sandbox
}

#[test]
fn a_handler_of_the_rust_sdk_runs_a_plugin_of_the_rust_sdk() {
    let sandbox = metrics();
    let args = [
        "run",
        "folder_size-json_out",
        "--set",
        "measured_folder=logs",
        "-o",
        "record.json",
    ];
    let more = [args.as_slice(), &["--set", "most_bytes=7"]].concat();
    let seen = sandbox.opsbox(&more).exits(0);
    assert_eq!(step(&sandbox.record(), "folder_size")["findings"], 1, "{seen}");
    let made = sandbox.json("work/findings/metrics/folder_size.json");
    let finding = json!({"resource": "folder_size", "value": 8.0, "limit": 7.0, "unit": "bytes"});
    assert_eq!(made["details"], json!([finding]), "{seen}");
    let seen = sandbox.opsbox(&args).exits(0);
    assert_eq!(
        step(&sandbox.record(), "folder_size")["status"],
        "clean",
        "{seen}"
    );
}

#[test]
fn what_a_metric_could_not_measure_is_a_gap_of_its_step() {
    let sandbox = metrics();
    let args = [
        "run",
        "folder_size-json_out",
        "--set",
        "measured_folder=nowhere",
        "-o",
        "record.json",
    ];
    let seen = sandbox
        .opsbox(&args)
        .exits(4)
        .says(&["incomplete folder_size: metric `folder_size`: cannot read `nowhere`"]);
    assert_eq!(
        step(&sandbox.record(), "folder_size")["status"],
        "incomplete",
        "{seen}"
    );
}

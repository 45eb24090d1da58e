//! The samples of the SDKs: a handler and a plugin that it serves, in Rust and in Python.

use serde_json::json;

use crate::support::{Sandbox, copy, repository, step};

/// Writes the files that a page of the documentation shows: each code block that begins with `# path`.
fn files_of(sandbox: &Sandbox, page: &str) {
    let text = std::fs::read_to_string(repository().join(page)).unwrap();
    let mut n_files = 0;
    for block in text.split("\n```").filter_map(|block| block.split_once('\n')) {
        let Some((path, source)) = block
            .1
            .strip_prefix("# ")
            .and_then(|block| block.split_once('\n'))
        else {
            continue;
        };
        if let Some((path, _)) = path
            .split_once(".py")
            .or_else(|| path.split_once("/manifest.toml"))
        {
            let file = if source.starts_with("[info]") {
                "manifest.toml".to_owned()
            } else {
                format!("{path}.py")
            };
            sandbox.write(&format!("plugins/{path}/{file}"), source);
            n_files += 1;
        }
    }
    assert_eq!(n_files, 4, "{page}");
}

#[test]
fn the_documented_handler_runs_with_the_python_sdk() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    copy(
        &repository().join("sdk-python/src/opsbox"),
        &environment.packages.join("opsbox"),
    );
    files_of(&sandbox, "docs/handlers.md");
    let hosts = "{\"hosts\":[{\"name\":\"a\",\"days_left\":3},{\"name\":\"b\",\"days_left\":300}]}";
    sandbox.provider("estate", hosts, "");
    let bin = environment.python.parent().unwrap().to_str().unwrap().to_owned();
    let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
    let args = ["run", "cert-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox_with(&[("PATH", &path)], &args).exits(0);
    let made = sandbox.json("work/findings/tls/cert.json");
    assert_eq!(made["details"], json!([{"name": "a", "days_left": 3}]), "{seen}");
    assert_eq!(step(&sandbox.record(), "cert")["findings"], 1, "{seen}");
}

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

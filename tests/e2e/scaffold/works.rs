//! Each template is a plugin that works before a line is changed: it builds, its own tests pass, it keeps the protocol without a warning,
//! and a run gets the Results that every language makes.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::Made;
use crate::support::{Seen, program, python, result, step, target};

const KINDS: [&str; 5] = ["provider", "input", "assistant", "output", "handler"];
const VOLUMES: &str = "findings/estate/volumes.json";

/// Proves a plugin: the three commands that its author is told, and its part in pipelines.
#[track_caller]
fn works(made: &Made, kind: &str) {
    keeps_the_protocol(&made.types_next(1, "--json"));
    let seen = made.types_next(2, "-o record.json");
    // The checks of the line that is told may find that they cannot see all of this machine.
    assert!(matches!(seen.code, Some(0 | 4)), "{seen}");
    let step_name = match kind {
        "handler" => format!("{}_example", made.name),
        _ => made.name.clone(),
    };
    let record = made.document("record.json");
    let status = &step(&record, &step_name)["status"];
    assert!(
        ["clean", "findings"].map(Value::from).contains(status),
        "{record:#}\n{seen}"
    );
    match kind {
        "provider" => provides(made),
        "input" | "rego" => finds(made),
        "assistant" => counts(made),
        "output" => delivers(made),
        _ => handles(made),
    }
}

/// Asserts that the suite has nothing against a plugin, but for an end that comes late on a busy machine.
#[track_caller]
fn keeps_the_protocol(seen: &Seen) {
    assert_eq!(seen.code, Some(0), "{seen}");
    let report = seen.json();
    let rules = report["rules"].as_array().unwrap();
    let objection = |rule: &&Value| {
        let is_late = rule["id"] == "IO-3" && rule["verdict"] == "warn";
        !is_late && !["pass", "n/a"].contains(&rule["verdict"].as_str().unwrap())
    };
    let objections: Vec<_> = rules.iter().filter(objection).collect();
    assert!(objections.is_empty(), "{objections:#?}\n{seen}");
    let passed = rules.iter().filter(|rule| rule["verdict"] == "pass").count();
    assert!(passed > 40, "only {passed} rules were looked at\n{seen}");
}

/// Runs a pipeline in the plugin's folder.
#[track_caller]
fn run(made: &Made, pipeline: &str, more: &str) {
    let line = format!("opsbox run {pipeline} --plugin-dir . --plugin-dir ../../plugins {more}");
    made.types(&line).exits(0);
}

#[track_caller]
fn provides(made: &Made) {
    let name = &made.name;
    let file = format!("findings/host/{name}.json");
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .unwrap();
    let total: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
    let details = made.document(&file)["details"].take();
    assert_eq!(details["memory"]["total_kib"], total, "{details:#}");
    for time in ["one", "five", "fifteen"] {
        assert!(details["load"][time].is_number(), "{details:#}");
    }
    run(
        made,
        &format!("{name}-json_out"),
        &format!("--set {name}_memory=false"),
    );
    let details = made.document(&file)["details"].take();
    let sections: Vec<_> = details.as_object().unwrap().keys().collect();
    assert_eq!(sections, ["load"]);
}

#[track_caller]
fn finds(made: &Made) {
    let name = &made.name;
    let pipeline = format!("{name}-json_out");
    let details = |bound: &str| {
        run(made, &pipeline, &format!("--set {name}_max_load={bound}"));
        made.document(&format!("findings/host/{name}.json"))["details"].take()
    };
    assert_eq!(details("1000000"), json!([]));
    let found = details("0");
    assert_eq!(found.as_array().unwrap().len(), 1, "{found:#}");
    let finding = &found[0];
    assert!(finding["load"].is_number(), "{finding:#}");
    for (member, value) in [
        ("resource", json!("load")),
        ("threshold", json!(0)),
        ("severity", json!("medium")),
    ] {
        assert_eq!(finding[member], value, "{finding:#}");
    }
    assert!(
        finding["remediation"].as_str().unwrap().contains("processors"),
        "{finding:#}"
    );
}

/// Adds an input, and returns its Result as `json_out` writes it where nothing stands between.
fn source(made: &Made) -> String {
    let volumes = result(
        "estate",
        "volumes",
        r#"[{"volume":"vol-0a1","bytes":12345678901234567890}]"#,
    );
    made.sandbox.input("source", &[volumes]);
    run(made, "source-json_out", "");
    made.read(VOLUMES)
}

#[track_caller]
fn counts(made: &Made) {
    let name = &made.name;
    let before = source(made);
    run(made, &format!("source-{name}-json_out"), "");
    assert_eq!(made.read(VOLUMES), before);
    let summary = made.document(&format!("findings/summary/{name}.json"));
    assert_eq!(summary["details"], json!({"findings": {"volumes": 1}}));
    assert_eq!(summary["formatted"], "volumes: 1");
}

#[track_caller]
fn delivers(made: &Made) {
    let name = &made.name;
    let wanted: Value = serde_json::from_str(&source(made)).unwrap();
    run(
        made,
        &format!("source-{name}"),
        &format!("--set {name}_file=all.json"),
    );
    assert_eq!(made.document("all.json"), json!([wanted]));
    assert!(made.read("all.json").contains("12345678901234567890"));
}

#[track_caller]
fn handles(made: &Made) {
    let name = &made.name;
    run(made, &format!("{name}_example-json_out"), "");
    let result = made.document(&format!("findings/{name}/{name}_example.json"));
    let wanted = json!([{"resource": "example", "message": "the handler has asked", "severity": "info"}]);
    assert_eq!(result["details"], wanted);
    // The plugin that the handler runs is one of its own, with a manifest of its own.
    made.sandbox
        .write("work/sample.json", r#"{"hook": "look", "params": {}}"#);
    let line = "opsbox plugin test example.toml --sample ../sample.json --json";
    keeps_the_protocol(&made.types(line));
}

#[test]
fn every_template_in_python_works() {
    let Some(python) = python() else {
        return;
    };
    for kind in KINDS {
        let mut made = Made::new("python", kind);
        made.programs.push(python.clone());
        made.types_next(0, "")
            .exits(0)
            .says(&["Ran ", "OK"])
            .hides(&["Ran 0"]);
        works(&made, kind);
    }
}

#[test]
fn every_template_in_node_works() {
    if program("node").is_none() {
        return;
    }
    for kind in KINDS {
        let made = Made::new("node", kind);
        made.types_next(0, "")
            .exits(0)
            .prints(&["fail 0"])
            .hides(&["pass 0\n"]);
        works(&made, kind);
    }
}

#[test]
fn every_template_in_go_works() {
    let Some(go) = program("go") else {
        return;
    };
    let cache = target().join("scaffold/go");
    for kind in KINDS {
        let mut made = Made::new("go", kind);
        // Built once for all; nothing is downloaded, neither a module nor another Go.
        made.variables.insert("GOCACHE".into(), cache.clone());
        for (variable, value) in [("GOPROXY", "off"), ("GOTOOLCHAIN", "local")] {
            made.variables.insert(variable.into(), value.into());
        }
        made.types_next(0, "")
            .exits(0)
            .prints(&["ok"])
            .hides(&["no test"]);
        if go.with_file_name("gofmt").is_file() {
            let seen = made.types("gofmt -l .").exits(0);
            assert_eq!(seen.stdout, "", "{seen}");
        }
        works(&made, kind);
    }
}

#[test]
fn every_template_in_rust_works() {
    if program("cargo").is_none() {
        return;
    }
    // Dependencies are built once for all. What cargo has downloaded for this repository is enough for them.
    let target = target().join("scaffold/rust");
    let home = std::env::home_dir().unwrap();
    let tools = [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")];
    for kind in KINDS {
        let mut made = Made::new("rust", kind);
        for (variable, folder) in tools {
            let place = std::env::var_os(variable).map_or_else(|| home.join(folder), PathBuf::from);
            made.variables.insert(variable.into(), place);
        }
        if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
            made.variables.insert("RUSTUP_TOOLCHAIN".into(), toolchain.into());
        }
        made.variables.insert("CARGO_TARGET_DIR".into(), target.clone());
        for (variable, value) in [
            ("CARGO_NET_OFFLINE", "true"),
            ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
            ("RUSTFLAGS", "-D warnings"),
        ] {
            made.variables.insert(variable.into(), value.into());
        }
        made.types_next(0, "")
            .exits(0)
            .prints(&["test result: ok"])
            .hides(&["ok. 0 passed"]);
        let program = format!("opsbox_{}", made.name);
        fs::create_dir_all(made.path("target/release")).unwrap();
        fs::copy(
            target.join("release").join(&program),
            made.path("target/release").join(&program),
        )
        .unwrap();
        works(&made, kind);
    }
}

#[test]
fn every_template_in_shell_works() {
    for kind in ["provider", "input", "output"] {
        let made = Made::new("sh", kind);
        made.types_next(0, "")
            .exits(0)
            .prints(&["ok: "])
            .hides(&["failed"]);
        works(&made, kind);
    }
}

#[test]
fn the_template_in_rego_works() {
    let made = Made::new("rego", "rego");
    made.types_next(0, "")
        .exits(0)
        .prints(&["5 passed, 0 failed", "busy"]);
    made.types_next(1, "")
        .exits(0)
        .prints(&["[medium] the load over 5 minutes is 4.87"]);
    made.types_next(2, "").exits(0);
    finds(&made);
    // There is no program that could keep the protocol or not.
    made.types("opsbox plugin test .")
        .exits(2)
        .says(&["Rego check without code", "opsbox check test"]);
}

#[test]
fn plugins_of_several_templates_work_in_one_run() {
    let (Some(python), Some(_)) = (python(), program("node")) else {
        return;
    };
    let mut made = Made::new("sh", "input");
    made.programs.push(python);
    for (name, kind, lang) in [
        ("policy", "rego", "rego"),
        ("counter", "assistant", "python"),
        ("file", "output", "node"),
    ] {
        let args = ["plugin", "new", name, "--type", kind, "--lang", lang];
        made.sandbox.opsbox(&args).exits(0);
    }
    made.types(
        "opsbox run sh_input,policy-counter-file --plugin-dir .. \
         --set sh_input_max_load=0 --set policy_max_load=0 --set file_file=all.json",
    )
    .exits(0);
    let results = made.document("all.json");
    let names: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["result_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["counter", "sh_input", "policy"]);
    assert_eq!(
        results[0]["details"],
        json!({"findings": {"sh_input": 1, "policy": 1}})
    );
}

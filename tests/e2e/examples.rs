//! The plugins of `plugins/examples`, each run by the binary.

use std::fs;

use crate::support::{Sandbox, program, python, repository, step};

fn folder() -> String {
    repository().join("plugins/examples").display().to_string()
}

#[test]
fn an_example_is_one_file_of_at_most_80_lines_and_needs_no_package() {
    let mut seen = Vec::new();
    for entry in fs::read_dir(folder()).unwrap().map(Result::unwrap) {
        if !entry.path().is_dir() {
            continue;
        }
        let files: Vec<_> = fs::read_dir(entry.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .collect();
        let names: Vec<_> = files
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), 2, "a manifest and one file of code: {names:?}");
        assert!(names.iter().any(|name| name == "manifest.toml"), "{names:?}");
        for path in files {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.lines().count() <= 80, "{}", path.display());
            let standard = ["json", "os", "fs", "path", "module"];
            for line in text.lines() {
                let imported = line.strip_prefix("import ").or_else(|| {
                    line.split_once("require('")
                        .and_then(|(_, rest)| rest.split('\'').next())
                });
                assert!(
                    imported.is_none_or(|name| standard.contains(&name)),
                    "{}: {line}",
                    path.display()
                );
            }
        }
        seen.push(entry.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["kernel_settings", "node_packages", "summary"]);
}

#[test]
fn the_shell_example_lists_weak_kernel_settings() {
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&[
        "run",
        "kernel_settings-json_out",
        "--plugin-dir",
        &folder(),
        "-o",
        "record.json",
    ]);
    let record = sandbox.record();
    let check = step(&record, "kernel_settings");
    // A setting that this user may not read is a gap.
    match check["status"].as_str().unwrap() {
        "findings" | "clean" => assert_eq!(seen.code, Some(0), "{seen}"),
        "incomplete" => {
            assert_eq!(seen.code, Some(4), "{seen}");
            assert!(!check["gaps"].as_array().unwrap().is_empty(), "{seen}");
        }
        other => panic!("{other}\n{seen}"),
    }
    let result = sandbox.json("work/findings/host/kernel_settings.json");
    for finding in result["details"].as_array().unwrap() {
        let severity = finding["severity"].as_str().unwrap();
        assert!(["low", "medium", "high"].contains(&severity), "{result:#}");
    }
    assert_eq!(
        check["findings"],
        result["details"].as_array().unwrap().len(),
        "{seen}"
    );
}

#[test]
fn the_shell_example_takes_its_field() {
    let sandbox = Sandbox::new();
    let run = |value: &str| {
        let field = format!("may_forward={value}");
        let args = [
            "run",
            "kernel_settings-json_out",
            "--plugin-dir",
            &folder(),
            "--set",
            &field,
        ];
        let seen = sandbox.opsbox(&args);
        assert!(matches!(seen.code, Some(0 | 4)), "{seen}");
        sandbox.read("work/findings/host/kernel_settings.json")
    };
    let forwards = fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|text| text.trim() == "1");
    assert!(!run("true").contains("net.ipv4.ip_forward"));
    assert_eq!(run("false").contains("net.ipv4.ip_forward"), forwards);
}

#[test]
fn the_node_example_finds_what_is_wrong_with_a_projects_packages() {
    if program("node").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let project = r#"{"name": "shop", "dependencies": {"there": "^1.0.0", "gone": "*"}}"#;
    sandbox.write("work/shop/package.json", project);
    sandbox.write(
        "work/shop/node_modules/there/package.json",
        r#"{"name": "there", "scripts": {"postinstall": "node build.js"}}"#,
    );
    let args = [
        "run",
        "node_packages-json_out",
        "--plugin-dir",
        &folder(),
        "--set",
        "node_project=shop",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    let result = sandbox.json("work/findings/node/node_packages.json");
    let problems: Vec<_> = result["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| format!("{}: {}", each["package"], each["problem"]))
        .collect();
    assert_eq!(
        problems,
        [
            "\"shop\": \"no lock file, so installations may differ\"",
            "\"gone\": \"declared, but not installed\"",
            "\"gone\": \"any version will do\"",
            "\"there\": \"runs a script when it is installed: postinstall\"",
        ],
        "{seen}"
    );
    assert_eq!(step(&sandbox.record(), "node_packages")["findings"], 4, "{seen}");
}

#[test]
fn the_node_example_fails_its_step_where_the_named_project_is_not_there() {
    if program("node").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let args = [
        "run",
        "node_packages-json_out",
        "--plugin-dir",
        &folder(),
        "--set",
        "node_project=gone",
    ];
    sandbox
        .opsbox(&args)
        .exits(1)
        .says(&["node_packages", "no package.json can be read in gone"]);
}

#[test]
fn a_file_that_the_node_example_cannot_read_is_a_gap() {
    if program("node").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("work/package.json", r#"{"name": "shop"}"#);
    sandbox.write("work/node_modules/odd/package.json", "{");
    let args = [
        "run",
        "node_packages-json_out",
        "--plugin-dir",
        &folder(),
        "-o",
        "record.json",
    ];
    sandbox
        .opsbox(&args)
        .exits(4)
        .says(&["node_packages", "odd/package.json", "not JSON"]);
    assert_eq!(step(&sandbox.record(), "node_packages")["status"], "incomplete");
}

#[test]
fn the_python_example_counts_findings_and_hands_on_the_others_byte_for_byte() {
    if python().is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.fault("source", "input", "none", "");
    let plain = sandbox.opsbox(&["run", "source-json_out"]).exits(0);
    let before = sandbox.read("work/findings/fault/none.json");
    let args = [
        "run",
        "source-summary-json_out",
        "--plugin-dir",
        &folder(),
        "--plugin-dir",
        "../plugins",
        "--set",
        "summary_checks=1",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    let summary = sandbox.json("work/findings/summary/summary.json");
    assert_eq!(summary["details"]["findings"], 1, "{seen}");
    assert_eq!(
        sandbox.read("work/findings/fault/none.json"),
        before,
        "{plain}\n{seen}"
    );
    assert_eq!(step(&sandbox.record(), "summary")["results"], 2, "{seen}");
}

#[test]
fn the_three_examples_run_together_as_their_page_says() {
    if python().is_none() || program("node").is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&[
        "run",
        "kernel_settings,node_packages-summary-cli_out",
        "--plugin-dir",
        &folder(),
    ]);
    assert!(matches!(seen.code, Some(0 | 4)), "{seen}");
    seen.prints(&["summary", "kernel_settings", "node_packages"]);
}

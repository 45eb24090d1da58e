//! What lies in the folder that `plugin new` makes, and what its author is told.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Made;
use crate::support::{Sandbox, binary};

/// Every template: language and type.
fn templates() -> Vec<(&'static str, &'static str)> {
    let mut all = vec![("rego", "rego")];
    for kind in ["provider", "input", "output", "assistant", "handler"] {
        all.extend(["python", "rust", "go", "node"].map(|lang| (lang, kind)));
    }
    all.extend(["provider", "input", "output"].map(|kind| ("sh", kind)));
    all
}

/// Returns every file below a folder, in order of path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_template_is_a_folder_that_bears_the_plugins_name_alone() {
    for (lang, kind) in templates() {
        let made = Made::new(lang, kind);
        let mut told: Vec<_> = made.said["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| made.path(file.as_str().unwrap()))
            .collect();
        told.sort();
        assert_eq!(told, files(&made.path("")), "{lang} {kind}");
        for file in told {
            let text = fs::read_to_string(&file).unwrap();
            for left in ["my_plugin", "my_command"] {
                assert!(!text.contains(left), "{} holds {left}", file.display());
                let path = file.display().to_string();
                assert!(!path.contains(left), "{path}");
            }
            assert!(text.lines().count() <= 400, "{} is too long", file.display());
            assert!(text.ends_with('\n') && !text.contains('\r'), "{}", file.display());
        }
        let manifest = made.read("manifest.toml");
        let name = &made.name;
        assert!(
            manifest.starts_with(&format!("[info]\nname = \"{name}\"\ntype = \"{kind}\"\n")),
            "{manifest}"
        );
    }
}

#[test]
fn every_readme_has_ten_lines_with_the_commands_that_are_told() {
    for (lang, kind) in templates() {
        let made = Made::new(lang, kind);
        let readme = made.read("README.md");
        assert_eq!(readme.lines().count(), 10, "{readme}");
        assert!(readme.starts_with(&format!("# {}\n", made.name)), "{readme}");
        assert!(readme.contains("for Opsbox"), "{readme}");
        for step in made.said["next"].as_array().unwrap() {
            let command = step["command"].as_str().unwrap();
            assert!(readme.contains(command), "{command} is not in\n{readme}");
        }
    }
}

#[test]
fn no_template_has_a_dependency_that_is_not_named_in_its_readme() {
    for (lang, kind) in templates() {
        let made = Made::new(lang, kind);
        let names: Vec<_> = files(&made.path(""))
            .iter()
            .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        for list in ["package.json", "requirements.txt", "pyproject.toml", "go.sum"] {
            assert!(!names.iter().any(|name| name == list), "{names:?}");
        }
        match lang {
            "rust" => {
                let crates = made.read("Cargo.toml");
                let (_, crates) = crates.split_once("[dependencies]\n").unwrap();
                let crates: Vec<_> = crates.lines().filter_map(|line| line.split_once(" = ")).collect();
                let names: Vec<_> = crates.iter().map(|(name, _)| *name).collect();
                assert_eq!(names, ["rustix", "serde_json"]);
                let readme = made.read("README.md");
                assert!(names.iter().all(|name| readme.contains(name)), "{readme}");
            }
            "go" => assert!(!made.read("go.mod").contains("require")),
            _ => {}
        }
    }
}

#[test]
fn what_to_do_next_is_told_so_that_it_can_be_typed() {
    let sandbox = Sandbox::new();
    let args = [
        "plugin",
        "new",
        "load",
        "--type",
        "input",
        "--lang",
        "sh",
        "--dir",
        "my plugins/new",
    ];
    let seen = sandbox.opsbox(&args).exits(0);
    assert_eq!(
        seen.stdout,
        "made `load`, an input in shell: my plugins/new/load\n  \
         README.md  manifest.toml  plugin.sh  test.sh  wire.sh\n\n\
         next:\n  \
         cd 'my plugins/new/load'\n  \
         sh test.sh                              # its own tests\n  \
         opsbox plugin test .                    # whether it keeps the protocol\n  \
         opsbox run load-cli_out --plugin-dir .  # with --set load_max_load=0 it finds something\n"
    );
    // What is told is a script.
    let (_, script) = seen.stdout.split_once("next:\n").unwrap();
    let mut command = Command::new("sh");
    sandbox.surround(&mut command);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = binary().parent().unwrap().to_owned();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path))).unwrap();
    command.args(["-ec", script]).env("PATH", path);
    sandbox.finish(&["(typed)", script], &mut command).exits(0);
}

#[test]
fn programs_are_told_the_same_as_json() {
    let made = Made::new("rego", "rego");
    let wanted = json!({
        "name": "rego_rego",
        "type": "rego",
        "lang": "rego",
        "folder": made.path("").canonicalize().unwrap(),
        "files": ["README.md", "manifest.toml", "rego_rego.rego", "rego_rego_test.rego",
            "tests/busy.input.json", "tests/busy.expected.json"],
        "next": [
            {"command": "opsbox check test .", "does": "its own tests"},
            {"command": "opsbox check eval rego_rego.rego --input tests/busy.input.json", "does": "the policy on its test data"},
            {
                "command": "opsbox run rego_rego-cli_out --plugin-dir .",
                "does": "with --set rego_rego_max_load=0 it finds something"
            },
        ],
    });
    assert_eq!(made.said, wanted);
}

#[test]
fn scripts_can_be_executed_and_nothing_can_be_changed_by_others_whatever_the_umask() {
    let sandbox = Sandbox::new();
    let mut command = Command::new("sh");
    let line = format!(
        "umask 000; {} plugin new mine --type input --lang sh --dir new",
        binary().display()
    );
    command.args(["-c", &line]);
    sandbox.surround(&mut command);
    sandbox.finish(&[&line], &mut command).exits(0);
    let mode = |file: &str| {
        let path = sandbox.path("work/new").join(file);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    for (file, wanted) in [
        ("", 0o755),
        ("mine", 0o755),
        ("mine/plugin.sh", 0o755),
        ("mine/test.sh", 0o755),
        ("mine/wire.sh", 0o644),
        ("mine/manifest.toml", 0o644),
    ] {
        assert_eq!(mode(file), wanted, "{file}: {:o}", mode(file));
    }
}

#[test]
fn a_language_that_is_not_on_this_machine_is_told_and_the_folder_is_made() {
    for (lang, program) in [
        ("go", "go"),
        ("rust", "cargo"),
        ("node", "node"),
        ("python", "python3"),
    ] {
        let sandbox = Sandbox::new();
        let empty = sandbox.path("tmp").display().to_string();
        let args = ["plugin", "new", "mine", "--type", "input", "--lang", lang];
        let note = format!("there is no `{program}` on PATH");
        sandbox
            .opsbox_with(&[("PATH", &empty)], &args)
            .exits(0)
            .says(&[&note]);
        assert!(sandbox.path("work/mine/manifest.toml").is_file());
    }
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox_with(
        &[("PATH", "/nowhere")],
        &["plugin", "new", "mine", "--lang", "rego"],
    );
    assert_eq!(seen.exits(0).stderr, "");
}

#[test]
fn two_plugins_of_each_template_live_side_by_side() {
    let sandbox = Sandbox::new();
    for (lang, kind) in templates() {
        for name in ["first", "second"] {
            let name = format!("{name}_{lang}_{kind}");
            let args = [
                "plugin", "new", &name, "--type", kind, "--lang", lang, "--dir", "all",
            ];
            sandbox.opsbox(&args).exits(0);
        }
    }
    // Neither names, nor fields, nor types of their own meet.
    let listed = sandbox
        .opsbox(&["plugins", "list", "--plugin-dir", "all", "--json"])
        .exits(0)
        .json();
    let names: Vec<&str> = listed["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|plugin: &Value| plugin["name"].as_str())
        .filter(|name| name.starts_with("first_") || name.starts_with("second_"))
        .collect();
    let handlers = templates().iter().filter(|(_, kind)| *kind == "handler").count();
    assert_eq!(names.len(), 2 * (templates().len() + handlers), "{names:?}");
    assert_eq!(listed["unusable"], json!([]), "{listed:#}");
}

#[test]
fn completions_know_the_command_and_its_languages() {
    let sandbox = Sandbox::new();
    let script = sandbox.opsbox(&["completions", "bash"]).exits(0).stdout;
    for word in [
        "opsbox__subcmd__plugin__subcmd__new",
        "python rust go node sh rego",
    ] {
        assert!(script.contains(word), "no `{word}` in the script");
    }
}

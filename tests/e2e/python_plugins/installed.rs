//! Plugins found by the entry points of installed packages.

use std::fs;

use serde_json::Value;

use crate::support::{Environment, Sandbox, step};

const PIPELINE: &str = "example_input-example_assistant-example_output";
const PLUGINS: [(&str, &str); 3] = [
    ("example_input", "ExampleInputPlugin"),
    ("example_assistant", "ExampleAssistantPlugin"),
    ("example_output", "ExampleOutputPlugin"),
];

/// Returns the entry points of the documentation's plugins.
fn points() -> Vec<String> {
    PLUGINS
        .map(|(name, class)| format!("{name} = {name}.{name}:{class}"))
        .to_vec()
}

/// Makes packages of the documentation's plugins in the sandbox's folder.
fn packages(sandbox: &Sandbox, environment: &Environment, folder: &str) {
    for (name, _) in PLUGINS {
        environment.package(&format!("seed/{name}"), &sandbox.path(folder).join(name));
    }
}

#[track_caller]
fn runs(sandbox: &Sandbox, environment: &Environment) {
    let seen = sandbox
        .opsbox_on(&environment.python, &["run", PIPELINE, "-o", "record.json"])
        .exits(0);
    assert_eq!(
        seen.stdout, "Output from ExampleInputPlugin: {'key1': 'VALUE1', 'key2': 'VALUE2'}\n",
        "{seen}"
    );
    assert_eq!(step(&sandbox.record(), "example_input")["results"], 1, "{seen}");
}

#[test]
fn installed_plugins_run_by_their_entry_points() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.sees_test_packages();
    for (name, _) in PLUGINS {
        environment.package(&format!("seed/{name}"), &environment.packages.join(name));
    }
    let points = points();
    environment.installs(
        "opsbox_documented",
        &points.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    runs(&sandbox, &environment);
    let seen = sandbox
        .opsbox_on(&environment.python, &["plan", PIPELINE, "--json"])
        .exits(0);
    let plan = seen.json();
    let origin = &plan["steps"][0]["origin"];
    assert!(origin.to_string().contains("opsbox_documented"), "{seen}");
    assert!(origin.to_string().contains("1.2.3"), "{seen}");
}

#[test]
fn installed_plugins_run_beside_those_of_a_folder() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.package(
        "seed/example_assistant",
        &environment.packages.join("example_assistant"),
    );
    environment.installs(
        "opsbox_documented",
        &["example_assistant = example_assistant.example_assistant:ExampleAssistantPlugin"],
    );
    sandbox.finds("plain", "{'key': 'value'}");
    sandbox.fixture("seed/example_output");
    let seen = sandbox
        .opsbox_on(
            &environment.python,
            &["run", "plain-example_assistant-example_output"],
        )
        .exits(0);
    assert_eq!(seen.stdout, "Output from test: {'key': 'VALUE'}\n", "{seen}");
}

#[test]
fn an_editable_install_that_is_a_path_runs_from_its_source() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.sees_test_packages();
    packages(&sandbox, &environment, "project/src");
    let points = points();
    environment.installs(
        "opsbox_documented",
        &points.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    fs::write(
        environment
            .packages
            .join("__editable__.opsbox_documented-1.2.3.pth"),
        sandbox.path("project/src").to_str().unwrap(),
    )
    .unwrap();
    runs(&sandbox, &environment);
}

#[test]
fn an_editable_install_that_is_a_finder_runs_from_its_source() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.sees_test_packages();
    packages(&sandbox, &environment, "project");
    let points = points();
    environment.installs(
        "opsbox_documented",
        &points.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let places: Vec<_> = PLUGINS
        .iter()
        .map(|(name, _)| {
            format!(
                "{name:?}: {:?}",
                sandbox.path("project").join(name).to_str().unwrap()
            )
        })
        .collect();
    // The shape that setuptools gives such a finder.
    let finder = format!(
        "import sys\nfrom importlib.util import spec_from_file_location\nfrom pathlib import Path\n\n\
         MAPPING = {{{}}}\nNAMESPACES = {{}}\n\n\nclass _EditableFinder:\n    @classmethod\n    \
         def find_spec(cls, fullname, path=None, target=None):\n        \
         if fullname in MAPPING:\n            \
         init = Path(MAPPING[fullname], '__init__.py')\n            \
         return spec_from_file_location(fullname, init, submodule_search_locations=[str(init.parent)])\n        \
         return None\n\n\ndef install():\n    sys.meta_path.append(_EditableFinder)\n",
        places.join(", ")
    );
    let name = "__editable___opsbox_documented_1_2_3_finder";
    fs::write(environment.packages.join(format!("{name}.py")), finder).unwrap();
    fs::write(
        environment
            .packages
            .join("__editable__.opsbox_documented-1.2.3.pth"),
        format!("import {name}; {name}.install()\n"),
    )
    .unwrap();
    runs(&sandbox, &environment);
}

#[test]
fn a_broken_entry_point_is_listed_with_its_package_and_leaves_the_others_usable() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.installs(
        "opsbox_broken",
        &[
            "gone = no_such_package.module:Gone",
            "bare = opsbox_bare.module:Bare",
        ],
    );
    let bare = environment.packages.join("opsbox_bare");
    fs::create_dir(&bare).unwrap();
    fs::write(bare.join("__init__.py"), "").unwrap();
    fs::write(bare.join("module.py"), "raise RuntimeError('imported')\n").unwrap();
    sandbox.finds("plain", "{}");
    sandbox
        .opsbox_on(&environment.python, &["run", "plain-json_out"])
        .exits(0);
    let seen = sandbox.opsbox_on(&environment.python, &["plugins", "list"]);
    let all = format!("{}{}", seen.stdout, seen.stderr);
    for text in [
        "opsbox_broken 1.2.3",
        "no_such_package",
        "manifest.toml",
        "--force-reinstall",
    ] {
        assert!(all.contains(text), "`{text}` is missing\n{seen}");
    }
    sandbox
        .opsbox_on(&environment.python, &["run", "gone-json_out"])
        .exits(2)
        .says(&["gone", "no_such_package"]);
}

#[test]
fn no_plugin_is_imported_to_be_listed() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    environment.package("seed/example_input", &environment.packages.join("example_input"));
    let mark = sandbox.path("imported");
    let module = environment.packages.join("example_input/example_input.py");
    fs::write(module, format!("open({mark:?}, 'w')\n")).unwrap();
    environment.installs(
        "opsbox_documented",
        &["example_input = example_input.example_input:ExampleInputPlugin"],
    );
    sandbox
        .opsbox_on(&environment.python, &["plugins", "list", "--json"])
        .exits(0)
        .prints(&["example_input"]);
    assert!(!mark.exists());
    let _: Value = sandbox
        .opsbox_on(&environment.python, &["plugins", "show", "json_out", "--json"])
        .exits(0)
        .json();
}

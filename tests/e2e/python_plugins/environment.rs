//! What a plugin finds around itself: modules, variables, its neighbours.

use serde_json::Value;

use crate::support::{Sandbox, venv};

#[test]
fn a_plugin_named_like_a_module_of_the_standard_library_runs_and_breaks_nobody() {
    let Some(python) = venv() else { return };
    for name in ["json", "email", "cli", "github", "slack"] {
        let sandbox = Sandbox::new();
        sandbox.finds(name, "{'key': 'value'}");
        sandbox.finds(
            "beside",
            "{'text': __import__('json').dumps({'a': 1}), \
             'mail': __import__('email.message', fromlist=['x']).Message.__name__}",
        );
        sandbox
            .opsbox_on(&python, &["run", &format!("{name},beside-json_out")])
            .exits(0);
        assert_eq!(
            sandbox.json(&format!("work/findings/test/{name}.json"))["details"]["key"],
            "value"
        );
        assert_eq!(
            sandbox.json("work/findings/test/beside.json")["details"]["text"],
            "{\"a\": 1}"
        );
    }
}

/// An input whose details are its environment.
const VARIABLES: &str = "
import os
from opsbox import Result

class P:
    def process(self, data):
        return Result(relates_to='test', result_name='variables', result_description='d', details=dict(os.environ), formatted='-')
";

/// Returns the variables that a legacy plugin sees when the host has some that are not for everybody.
fn seen_variables(flags: &[&str]) -> Option<Value> {
    let python = venv()?;
    let sandbox = Sandbox::new();
    sandbox.legacy("variables", "input", VARIABLES);
    let args = [&["run", "variables-json_out"], flags].concat();
    let mut command = sandbox.binary(&args);
    command
        .env("OPSBOX_PYTHON", python)
        .env("AWS_PROFILE", "audit")
        .env("AWS_SECRET_ACCESS_KEY", "geheim")
        .env("GITHUB_TOKEN", "geheim")
        .env("LC_TIME", "C");
    sandbox.finish(&args, &mut command).exits(0);
    Some(sandbox.json("work/findings/test/variables.json")["details"].clone())
}

#[test]
fn a_plugin_of_the_originals_style_sees_the_variables_of_aws_and_no_other_secret() {
    let Some(variables) = seen_variables(&[]) else {
        return;
    };
    assert_eq!(variables["AWS_PROFILE"], "audit");
    assert_eq!(variables["AWS_SECRET_ACCESS_KEY"], "geheim");
    assert_eq!(variables["LC_TIME"], "C");
    assert_eq!(variables["OPSBOX_PLUGIN"], "1");
    assert!(variables.get("GITHUB_TOKEN").is_none(), "{variables:#}");
    assert!(variables.get("OPSBOX_PLUGIN_DIR").is_none(), "{variables:#}");
}

#[test]
fn the_variables_of_aws_can_be_withheld() {
    let Some(variables) = seen_variables(&["--no-legacy-env"]) else {
        return;
    };
    let names: Vec<_> = variables.as_object().unwrap().keys().collect();
    assert!(!names.iter().any(|name| name.starts_with("AWS_")), "{names:?}");
}

#[test]
fn the_plan_says_which_variables_a_plugin_of_the_originals_style_sees() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("variables", "input", VARIABLES);
    sandbox
        .opsbox_on(&python, &["plan", "variables-json_out"])
        .exits(0)
        .prints(&["variables: AWS_*"]);
}

#[test]
fn a_plugin_imports_the_modules_beside_it() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "
from helper_of_mine import found
from opsbox import Result

class P:
    def process(self, data):
        return Result(relates_to='test', result_name='mine', result_description='d', details=found(), formatted='-')
";
    sandbox.legacy("mine", "input", source);
    sandbox.write(
        "plugins/mine/helper_of_mine.py",
        "def found():\n    return [{'name': 'x'}]\n",
    );
    sandbox.opsbox_on(&python, &["run", "mine-json_out"]).exits(0);
    assert_eq!(
        sandbox.json("work/findings/test/mine.json")["details"][0]["name"],
        "x"
    );
}

#[test]
fn without_any_python_native_plugins_run_and_python_ones_say_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.finds("found", "{}");
    sandbox.write("work/data.json", "{\"a\": 1}");
    let nowhere = sandbox.path("tmp");
    let run = |pipeline: &str| {
        let args = ["run", pipeline, "--set", "paths=data.json"];
        sandbox.finish(&args, sandbox.binary(&args).env("PATH", &nowhere))
    };
    run("files-json_out").exits(0);
    run("found,files-json_out").exits(2).says(&[
        "Python is needed for `found`",
        "no `python3` on `PATH`",
        "--python PATH",
    ]);
}

#[test]
fn a_shim_chooses_the_interpreter_by_its_own_variables() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    let system = crate::support::python().unwrap();
    let shim = format!(
        "#!/bin/sh\nif [ \"$PYENV_VERSION\" = mine ]; then exec {} \"$@\"; fi\nexec {} \"$@\"\n",
        environment.python.display(),
        system.display()
    );
    let path = sandbox.write("shims/python3", &shim);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.finds("found", "{'prefix': __import__('sys').prefix}");
    let args = ["run", "found-json_out"];
    let prefix = |version: Option<&str>| {
        let mut command = sandbox.binary(&args);
        let others = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{others}", sandbox.path("shims").display()));
        if let Some(version) = version {
            command.env("PYENV_VERSION", version);
        }
        sandbox.finish(&args, &mut command).exits(0);
        let found = sandbox.json("work/findings/test/found.json");
        found["details"]["prefix"].as_str().unwrap().to_owned()
    };
    let mine = sandbox.path("environment").canonicalize().unwrap();
    let is_mine = |prefix: String| std::path::Path::new(&prefix).canonicalize().unwrap() == mine;
    assert!(!is_mine(prefix(None)));
    assert!(is_mine(prefix(Some("mine"))));
    assert!(!is_mine(prefix(Some("other"))), "the cache tells them apart");
}

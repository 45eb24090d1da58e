//! A Python plugin that breaks: its step says so, the others go on.

use std::io::{BufRead, BufReader};
use std::process::Command;

use crate::support::{Sandbox, Seen, step, venv};

/// Runs `bad,good-json_out`, and asserts that `bad` failed and `good` was delivered: both forked from a warm parent, then both started
/// by themselves.
fn run_beside_a_good_one(source: &str) -> Option<(Sandbox, Seen)> {
    run_in(source, "0")?;
    run_in(source, "1")
}

fn run_in(source: &str, no_zygote: &str) -> Option<(Sandbox, Seen)> {
    let python = venv()?;
    let sandbox = Sandbox::new();
    sandbox.legacy("bad", "input", source);
    sandbox.finds("good", "{'key': 'value'}");
    let args = ["run", "bad,good-json_out", "-o", "record.json"];
    let mut command = sandbox.binary(&args);
    command
        .env("OPSBOX_PYTHON", python)
        .env("OPSBOX_NO_ZYGOTE", no_zygote);
    let seen = sandbox.finish(&args, &mut command).exits(4);
    let record = sandbox.record();
    assert_eq!(step(&record, "bad")["status"], "failed", "{seen}");
    assert_eq!(step(&record, "good")["results"], 1, "{seen}");
    assert!(sandbox.read("work/findings/test/good.json").contains("value"));
    Some((sandbox, seen))
}

#[track_caller]
fn fails_with(hook: &str, texts: &[&str]) {
    let source = format!("import os, sys\n\nclass P:\n    def process(self, data):\n        {hook}\n");
    if let Some((_sandbox, seen)) = run_beside_a_good_one(&source) {
        seen.says(&["bad"]).says(texts);
    }
}

#[test]
fn an_exception_names_its_type_and_the_line_it_came_from() {
    fails_with(
        "raise LookupError('no such account')",
        &[
            "bad: `process` failed: LookupError: no such account",
            "bad.py:5",
            "`-v` shows the traceback",
        ],
    );
}

#[test]
fn what_is_no_result_is_refused_with_its_path() {
    fails_with(
        "return [{'relates_to': 'test'}]",
        &["`[0]`: not a Result", "`details`"],
    );
}

#[test]
fn an_object_that_json_cannot_express_is_named_by_its_path() {
    fails_with(
        "return [dict(relates_to='a', result_name='b', result_description='', details={'socket': object()}, formatted='')]",
        &["socket", "object"],
    );
}

#[test]
fn a_wrong_class_name_is_named_with_the_near_one() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("seed/example_input");
    let manifest = sandbox
        .read("plugins/example_input/example_input.toml")
        .replace("ExampleInputPlugin", "ExampleInputPlugins");
    sandbox.write("plugins/example_input/example_input.toml", &manifest);
    let seen = sandbox.opsbox_on(&python, &["run", "example_input-json_out"]);
    seen.exits(1).says(&[
        "no class `ExampleInputPlugins`",
        "did you mean `ExampleInputPlugin`?",
        "class_name",
    ]);
    let place = sandbox.path("plugins/example_input/example_input.toml");
    sandbox
        .opsbox_on(&python, &["plugins", "doctor"])
        .exits(2)
        .prints(&[
            "plugin `example_input`: module `example_input` has no class `ExampleInputPlugins`; did you mean `ExampleInputPlugin`?",
            &format!("hint: correct `class_name` in `{}`", place.display()),
        ]);
}

#[test]
fn an_output_that_breaks_leaves_the_other_outputs_whole() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("good", "{}");
    let source = "
class P:
    def process_results(self, results):
        print('half a')
        raise OSError('the service is gone')
";
    sandbox.legacy("bad", "output", source);
    let seen = sandbox
        .opsbox_on(&python, &["run", "good-bad,json_out"])
        .exits(4)
        .says(&["bad", "OSError: the service is gone"]);
    assert_eq!(seen.stdout, "half a\n", "{seen}");
    assert!(sandbox.read("work/findings/test/good.json").contains("good"));
}

#[test]
fn an_interrupt_stops_a_hook_and_delivers_what_there_is() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "import threading\n\nclass P:\n    def process(self, data):\n        \
                  print('now it waits')\n        threading.Event().wait()\n";
    sandbox.legacy("waits", "input", source);
    sandbox.finds("good", "{'key': 'value'}");
    let interpreter = format!("--python={}", python.display());
    let args = ["run", "good,waits-json_out", "-v", "--jobs=1", &interpreter];
    let mut child = sandbox.start(&args);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    for line in lines.by_ref().map(Result::unwrap) {
        said.push_str(&line);
        if line.contains("now it waits") {
            break;
        }
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    lines.for_each(|line| said.push_str(&line.unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(sandbox.read("work/findings/test/good.json").contains("value"));
}

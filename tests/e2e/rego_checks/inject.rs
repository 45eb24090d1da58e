//! `inject_data` of Python checks: by a probe where it only sets keys, on the data where it does more, with the same result.

use serde_json::{Value, json};

use crate::support::{Sandbox, step, venv};

const POLICY: &str = "package volumes
details contains {\"id\": v.id, \"size\": v.size, \"limit\": input.limit} if {
	some v in input.volumes
	v.size > input.limit
}
";

const DATA: &str =
    r#"{"input":{"volumes":[{"id":"a","size":8.0},{"id":"b","size":12345678901234567890123}],"limit":1e2}}"#;

/// A check whose hook notes, in a file, what kind of data it is called with, and then does this.
fn check(sandbox: &Sandbox, name: &str, body: &str) {
    let more = format!(
        "uses = [\"source\", \"rego\"]\n[rego]\nrego_file = \"{name}.rego\"\ndescription = \"volumes\""
    );
    let source = format!(
        "import sys
from opsbox import Result

def note():
    data = sys._getframe(1).f_locals['data']
    with open('{name}.calls', 'a') as file:
        file.write(type(data).__name__ + '\\n')

class P:
    def set_data(self, model): pass

    def inject_data(self, data):
        note()
        {body}

    def report_findings(self, data):
        return Result(relates_to='ec2', result_name='{name}', result_description=data.result_description,
                      details=data.details, formatted=repr((data.relates_to, data.result_name, data.details)))
"
    );
    sandbox.legacy_with(name, "rego", &more, &source);
    sandbox.write(&format!("plugins/{name}/{name}.rego"), POLICY);
}

fn details(sandbox: &Sandbox, name: &str) -> Value {
    sandbox.document(&format!("findings/ec2/{name}.json"))["details"].clone()
}

#[test]
fn a_hook_that_only_sets_keys_never_gets_the_data_and_the_result_is_the_same() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.provider("source", DATA, "");
    check(
        &sandbox,
        "probed",
        "data.details['input']['limit'] = 8.5; return data",
    );
    check(
        &sandbox,
        "reading",
        "data.details['input'].update(limit=8.5); return data",
    );
    check(&sandbox, "silent", "data.details['input']['limit'] = 8.5");
    check(
        &sandbox,
        "replaced",
        "data.details = {'input': {'volumes': [], 'limit': 1}}; return data",
    );
    let python = python.to_str().unwrap();
    sandbox
        .opsbox(&[
            "run",
            "probed,reading,silent,replaced-json_out",
            "--python",
            python,
        ])
        .exits(0);
    let found = json!([{"id": "b", "limit": 8.5, "size": 12_345_678_901_234_567_890_123_f64}]);
    for name in ["probed", "reading", "silent"] {
        assert_eq!(details(&sandbox, name), found, "{name}");
    }
    assert_eq!(details(&sandbox, "replaced"), json!([]));
    let text = |name: &str| {
        sandbox
            .read(&format!("work/findings/ec2/{name}.json"))
            .replace(name, "NAME")
    };
    assert_eq!(text("probed"), text("reading"));
    assert_eq!(text("probed"), text("silent"));
    assert!(
        text("probed").contains("12345678901234567890123"),
        "{}",
        text("probed")
    );
    for (name, calls) in [
        ("probed", "_Data\n"),
        ("silent", "_Data\n"),
        ("reading", "_Data\nResult\n"),
    ] {
        assert_eq!(sandbox.read(&format!("work/{name}.calls")), calls, "{name}");
    }
}

#[test]
fn where_there_is_no_input_to_patch_the_hook_itself_says_so() {
    let Some(python) = venv() else { return };
    let python = python.to_str().unwrap();
    for (data, says) in [(r#"{"other":1}"#, "KeyError"), (r#"[{"input":{}}]"#, "TypeError")] {
        let sandbox = Sandbox::new();
        sandbox.provider("source", data, "");
        check(
            &sandbox,
            "probed",
            "data.details['input']['limit'] = 8; return data",
        );
        let seen = sandbox
            .opsbox(&["run", "probed-json_out", "--python", python, "-o", "record.json"])
            .exits(1)
            .says(&["`inject_data` failed", says])
            .hides(&["x-opsbox"]);
        assert_eq!(step(&sandbox.record(), "probed")["status"], "failed", "{seen}");
        assert_eq!(sandbox.read("work/probed.calls"), "_Data\nResult\n");
    }
}

#[test]
fn data_that_only_python_can_read_goes_through_python() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.provider(
        "source",
        r#"{"input":{"volumes":[{"id":"a\ud800","size":9}]}}"#,
        "",
    );
    check(
        &sandbox,
        "probed",
        "data.details['input']['limit'] = 8; return data",
    );
    let seen = sandbox.opsbox(&["run", "probed-json_out", "--python", python.to_str().unwrap()]);
    assert_eq!(sandbox.read("work/probed.calls"), "_Data\nResult\n", "{seen}");
    let seen = seen.exits(0);
    assert_eq!(
        details(&sandbox, "probed"),
        json!([{"id": "a\\ud800", "limit": 8, "size": 9}]),
        "{seen}"
    );
}

#[test]
fn a_hook_that_ends_the_process_fails_its_own_check() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.provider("source", DATA, "");
    check(&sandbox, "probed", "__import__('os')._exit(7)");
    check(
        &sandbox,
        "other",
        "data.details['input']['limit'] = 1; return data",
    );
    let seen = sandbox
        .opsbox(&[
            "run",
            "probed,other-json_out",
            "--python",
            python.to_str().unwrap(),
        ])
        .exits(4)
        .says(&["probed", "status 7", "inject_data"])
        .hides(&["inject_patch"]);
    assert_eq!(
        details(&sandbox, "other").as_array().map(Vec::len),
        Some(2),
        "{seen}"
    );
}

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

/// A check whose hook does this, one statement a line, in a module that begins with `before`. It notes in a file whether the bridge told
/// what the hook sets; `asked` says whether it may.
fn check_with(sandbox: &Sandbox, name: &str, before: &str, body: &str, asked: bool) {
    let more = format!(
        "uses = [\"source\", \"rego\"]\n[rego]\nrego_file = \"{name}.rego\"\ndescription = \"volumes\""
    );
    let asked = if asked { "told(*given)" } else { "None" };
    let body = body.replace('\n', "\n        ");
    let source = format!(
        "import logging
import threading
import opsbox._bridge.inject as bridge
from opsbox import Result

told = bridge.patch_of
logger = logging.getLogger('check')

def note(*given):
    patch = {asked}
    with open('{name}.calls', 'a') as file:
        file.write('data\\n' if patch is None else 'patch\\n')
    return patch

bridge.patch_of = note
{before}

class P:
    seen = []
    original = None

    def set_data(self, model): pass

    def inject_data(self, data):
        {body}

    def report_findings(self, data):
        kept = (data.relates_to, data.result_name, data.details, P.seen, self.original)
        return Result(relates_to='ec2', result_name='{name}', result_description=data.result_description,
                      details=data.details, formatted=repr(kept))
"
    );
    sandbox.legacy_with(name, "rego", &more, &source);
    sandbox.write(&format!("plugins/{name}/{name}.rego"), POLICY);
}

fn check(sandbox: &Sandbox, name: &str, body: &str) {
    check_with(sandbox, name, "", body, true);
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
        ("probed", "patch\n"),
        ("silent", "patch\n"),
        ("reading", "data\n"),
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
        assert_eq!(sandbox.read("work/probed.calls"), "patch\n");
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
    assert_eq!(sandbox.read("work/probed.calls"), "patch\n", "{seen}");
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
    check_with(
        &sandbox,
        "probed",
        "logger.addFilter(lambda record: __import__('os')._exit(7))",
        "logger.warning('soon')",
        true,
    );
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

/// What a hook is called, what stands before its class, what it does, and what is noted where the bridge may tell what it sets.
const HOOKS: [(&str, &str, &str, &str); 5] = [
    (
        "logs_an_error",
        "",
        "logger.error('no list of limits')\ndata.details['input']['limit'] = 8.5\nreturn data",
        "patch\n",
    ),
    (
        "loses_a_thread",
        "def fail():
    raise OSError('no route')
def start(record):
    thread = threading.Thread(target=fail, name='fetcher')
    thread.start()
    thread.join()
    return True
logger.addFilter(start)",
        "logger.warning('fetching')\ndata.details['input']['limit'] = 8.5\nreturn data",
        "patch\n",
    ),
    (
        "keeps_its_argument",
        "",
        "self.original = data\ndata.details['input']['limit'] = 8.5\nreturn data",
        "data\n",
    ),
    (
        "counts_in_its_class",
        "",
        "self.seen.append(8.5)\ndata.details['input']['limit'] = self.seen[0] * len(self.seen)\nreturn data",
        "data\n",
    ),
    (
        "reads_the_length",
        "",
        "data.details['input']['limit'] = 6.5 + len(data.details['input']['volumes'])\nreturn data",
        "data\n",
    ),
];

#[test]
fn a_hook_does_the_same_whether_or_not_the_bridge_is_asked_what_it_sets() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.provider("source", DATA, "");
    let mut names = Vec::new();
    for (name, before, body, _) in HOOKS {
        check_with(&sandbox, &format!("asked_{name}"), before, body, true);
        check_with(&sandbox, &format!("given_{name}"), before, body, false);
        names.extend([format!("asked_{name}"), format!("given_{name}")]);
    }
    let stages = format!("{}-json_out", names.join(","));
    let python = python.to_str().unwrap();
    let seen = sandbox
        .opsbox(&["run", &stages, "--python", python, "-o", "record.json"])
        .exits(4);
    let record = sandbox.record();
    for (name, .., calls) in HOOKS {
        let told = sandbox.read(&format!("work/asked_{name}.calls"));
        assert_eq!(told, calls, "{name}\n{seen}");
        let [asked, given] = ["asked_", "given_"].map(|way| {
            let step = step(&record, &format!("{way}{name}"));
            let found = sandbox.read(&format!("work/findings/ec2/{way}{name}.json"));
            let text = format!("{} {} {found}", step["status"], step["gaps"]);
            text.replace(way, "")
        });
        assert_eq!(asked, given, "{name}\n{seen}");
        let status = &step(&record, &format!("asked_{name}"))["status"];
        let expected = if calls == "patch\n" {
            "incomplete"
        } else {
            "findings"
        };
        assert_eq!(status, expected, "{name}\n{seen}");
    }
}

#[test]
fn what_is_missing_since_the_plugin_got_ready_is_told_where_it_cannot_say_what_it_sets() {
    for answer in ["result='{\"patch\":null}'", "fail 'cannot tell'"] {
        let sandbox = Sandbox::new();
        sandbox.provider("source", DATA, "");
        let more =
            "uses = [\"source\", \"rego\"]\n[rego]\nrego_file = \"unsure.rego\"\ndescription = \"volumes\"";
        let hooks = [
            (
                "activate",
                "gap volumes 'the list of limits' 'no route'; result='{}'",
            ),
            ("x-opsbox/inject_patch", answer),
            ("inject_data", "result=${line#*'\"data\":'}; result=${result%??}"),
        ];
        sandbox.shell("unsure", "rego", &hooks, more);
        sandbox.write("plugins/unsure/unsure.rego", POLICY);
        let script = sandbox.read("plugins/unsure/plugin.sh");
        let knows = script.replace(r#""features":["gap"]"#, r#""features":["gap","x-opsbox-inject"]"#);
        assert_ne!(script, knows);
        sandbox.write("plugins/unsure/plugin.sh", &knows);
        let seen = sandbox
            .opsbox(&["run", "unsure-json_out", "-o", "record.json"])
            .exits(4);
        let record = sandbox.record();
        let unsure = step(&record, "unsure");
        assert_eq!(unsure["status"], "incomplete", "{answer}\n{seen}");
        assert_eq!(
            unsure["gaps"][0]["what"], "the list of limits",
            "{answer}\n{seen}"
        );
        assert_eq!(
            unsure["gaps"].as_array().map(Vec::len),
            Some(1),
            "{answer}\n{seen}"
        );
    }
}

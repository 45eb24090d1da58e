//! Cases 37 and 65 to 70: plugins for the Python Opsbox that break, forked from a warm parent and started by themselves.

use super::harness::{Case, Ran};
use crate::python_plugins::configuration::NEEDS;
use crate::python_plugins::flow::{PRINTS, joins};
use crate::support::{Sandbox, step, venv};

const IMPORTS: &str = "import atexit, ctypes, logging, os, subprocess, sys\nfrom opsbox import Result\n\ndef made(name):\n    return Result(relates_to='test', result_name=name, result_description='d', details=[{'id': name}], formatted=name)\n";

/// Runs this source as `bad` beside a Python plugin and one without an SDK, both ways; returns nothing where there is no Python.
#[track_caller]
fn both_ways(kind: &'static str, source: &str, flags: &[&str]) -> Vec<Ran> {
    let Some(python) = venv() else {
        return Vec::new();
    };
    let python = format!("--python={}", python.display());
    [&[][..], &["--no-zygote"]]
        .into_iter()
        .map(|way| {
            let case = Case::of("none").role(kind);
            case.sandbox.legacy("bad", kind, source);
            case.sandbox.finds("fine", "{'key': 'value'}");
            let case = case.beside("fine").flags(&[&python]).flags(flags).flags(way);
            let ran = case.run_what_is_there();
            let fine = ran.sandbox.json("work/findings/test/fine.json");
            assert_eq!(fine["details"]["key"], "value", "{}", ran.seen);
            ran
        })
        .collect()
}

/// Returns a class whose `process` has this body, one line.
fn process(body: &str) -> String {
    format!("{IMPORTS}\nclass P:\n    def process(self, data):\n        {body}\n")
}

#[test]
fn case_37_nested_lists_null_and_a_single_result() {
    let nested = "return [made('a'), [made('b'), [made('c')]], None, (made('d'),)]";
    for (body, n_results) in [
        (nested, 4),
        ("return None", 0),
        ("return made('a')", 1),
        ("return []", 0),
    ] {
        for ran in both_ways("input", &process(body), &[]) {
            let ran = ran.lives(&[]);
            assert_eq!(
                step(&ran.record, "bad")["results"],
                n_results,
                "{body}\n{}",
                ran.seen
            );
        }
    }
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("nested", "input", &process(nested));
    sandbox.legacy("shows", "output", PRINTS);
    let seen = sandbox.opsbox_on(&python, &["run", "nested-shows"]).exits(0);
    assert_eq!(
        seen.stdout, "shows: a: a\nshows: b: b\nshows: c: c\nshows: d: d\n",
        "{seen}"
    );
}

#[test]
fn case_65_everything_that_prints() {
    let source = format!(
        "{IMPORTS}
print('printed at the import')
atexit.register(lambda: print('printed at the end'))

class P:
    def process(self, data):
        print('printed')
        libc = ctypes.CDLL(None)
        libc.printf(b'from C\\n')
        libc.fflush(None)
        subprocess.run(['echo', 'from a child'], check=True)
        log = logging.getLogger('own')
        log.addHandler(logging.StreamHandler(sys.__stdout__))
        log.warning('logged to stdout')
        os.write(1, b'{{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":[]}}\\n')
        return made('whole')
"
    );
    for ran in both_ways("input", &source, &["-v"]) {
        let ran = ran.lives(&[
            "printed at the import",
            "printed",
            "from C",
            "from a child",
            "logged to stdout",
        ]);
        assert_eq!(ran.count("belongs to the protocol"), 0, "{}", ran.seen);
        let found = ran.sandbox.json("work/findings/test/whole.json");
        assert_eq!(found["details"][0]["id"], "whole", "{}", ran.seen);
    }
}

#[test]
fn case_66_the_process_is_ended_in_a_hook() {
    let cases: [(&str, &[&str]); 4] = [
        (
            "sys.exit('enough')",
            &["sys.exit('enough')", "must not end its process"],
        ),
        ("raise SystemExit", &["must not end its process"]),
        ("os._exit(3)", &["exited with status 3"]),
        ("os.abort()", &["SIGABRT"]),
    ];
    for (body, texts) in cases {
        for ran in both_ways("input", &process(body), &[]) {
            ran.fails("process", texts);
        }
    }
    let source =
        format!("{IMPORTS}\nclass P:\n    def process_results(self, results):\n        os._exit(0)\n");
    for ran in both_ways("output", &source, &[]) {
        ran.fails("process_results", &["exited with status 0"]);
    }
}

#[test]
fn case_67_standard_input_is_read() {
    for ran in both_ways("input", &process("input('sure? ')"), &[]) {
        ran.fails("process", &["EOFError", "do not read standard input"]);
    }
    let body = "return made(repr(sys.stdin.read()) + repr(os.read(0, 10)))";
    for ran in both_ways("input", &process(body), &[]) {
        let ran = ran.lives(&[]);
        assert_eq!(step(&ran.record, "bad")["made"][0], "test/''b''", "{}", ran.seen);
    }
}

#[test]
fn case_68_both_spellings_of_a_hook() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("one", "{}");
    let both = format!(
        "{}\n    def process_input(self, input):\n        raise RuntimeError('the wrong one')\n",
        joins("both", "proccess_input")
    );
    sandbox.legacy("both", "assistant", &both);
    let output =
        format!("{PRINTS}\n    def process_results(self, results):\n        print('the wrong one')\n");
    sandbox.legacy("shows", "output", &output);
    let seen = sandbox.opsbox_on(&python, &["run", "one-both-shows"]).exits(0);
    assert_eq!(seen.stdout, "shows: both: one\n", "{seen}");
}

#[test]
fn case_69_a_plugin_that_cannot_be_imported() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "import not_installed_anywhere",
            &["No module named 'not_installed_anywhere'", "-m pip install"],
        ),
        ("def broken(:", &["SyntaxError", "correct the file"]),
        ("raise SystemExit(3)", &["sys.exit(3)"]),
        ("raise RuntimeError('not today')", &["RuntimeError: not today"]),
        ("import os; os._exit(9)", &["exited with status 9"]),
    ];
    for (start, texts) in cases {
        let source = format!("{start}\n{}", process("return []"));
        for ran in both_ways("input", &source, &[]) {
            ran.fails("", texts);
        }
    }
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy("bad", "input", "def broken(:\n");
    sandbox.finds("good", "{}");
    let seen = sandbox.opsbox_on(&python, &["plugins", "list"]).exits(0);
    seen.prints(&["bad", "good", "json_out"]);
    sandbox
        .opsbox_on(&python, &["run", "good-json_out"])
        .exits(0)
        .hides(&["SyntaxError"]);
}

#[test]
fn case_70_a_model_refuses_its_configuration() {
    let flags = ["--set", "region=nowhere", "--set", "min_age=3"];
    for ran in both_ways("input", NEEDS, &flags) {
        let ran = ran.fails_by("setup", "", &["region", "there is no such region"]);
        let error = &step(&ran.record, "bad")["errors"][0];
        assert_eq!(error["code"], -33006, "{error:#}");
    }
}

#[test]
fn and_a_python_plugin_that_hangs_meets_its_deadline() {
    let Some(python) = venv() else { return };
    let python = format!("--python={}", python.display());
    let waits = "__import__('threading').Event().wait()";
    // A plugin without fields is imported by its first hook.
    let in_import = format!("{waits}\n{}", process("return []"));
    for source in [in_import, process(waits)] {
        let case = Case::of("none");
        case.sandbox
            .legacy_with("bad", "input", "[timeouts]\nhook_total = \"2s\"", &source);
        let ran = case.flags(&[&python]).run_what_is_there();
        ran.fails("process", &["within 2s", "[timeouts] hook_total"]);
    }
}

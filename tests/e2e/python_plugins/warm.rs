//! Plugins that share an interpreter are forked from one warm parent: with the same outcome as started ones, and with the same isolation.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use crate::support::{Sandbox, Seen, step, venv};

/// What a run came to, without what differs from one run to the next.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: Option<i32>,
    stdout: String,
    record: Value,
    files: BTreeMap<String, String>,
}

/// Runs a pipeline in a fresh working folder, forked or not, and returns what came of it and what was said.
fn run(sandbox: &Sandbox, python: &Path, pipeline: &str, flags: &[&str]) -> (Outcome, Seen) {
    let _none = fs::remove_dir_all(sandbox.path("work"));
    fs::create_dir(sandbox.path("work")).unwrap();
    let args = [&["run", pipeline, "-o", "record.json", "-vv"], flags].concat();
    let seen = sandbox.opsbox_on(python, &args);
    let mut record = sandbox.record();
    for name in ["run", "started", "seconds"] {
        record.as_object_mut().unwrap().remove(name);
    }
    for step in record["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("seconds");
    }
    let mut files = BTreeMap::new();
    for name in ["findings/test", "findings/storage"] {
        let entries = fs::read_dir(sandbox.path("work").join(name))
            .into_iter()
            .flatten();
        for path in entries.map(|entry| entry.unwrap().path()) {
            files.insert(
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
    let outcome = Outcome {
        code: seen.code,
        stdout: seen.stdout.clone(),
        record,
        files,
    };
    (outcome, seen)
}

/// Runs a pipeline both ways and asserts that nobody can tell them apart; returns the forked one.
#[track_caller]
fn same_both_ways(sandbox: &Sandbox, python: &Path, pipeline: &str, flags: &[&str]) -> (Outcome, Seen) {
    let (warm, seen) = run(sandbox, python, pipeline, flags);
    let (cold, started) = run(sandbox, python, pipeline, &[flags, &["--no-zygote"]].concat());
    let seen = seen.says(&["the warm Python parent is ready"]);
    let started = started.hides(&["warm"]);
    assert_eq!(warm, cold, "forked: {seen}\nstarted: {started}");
    (warm, seen)
}

/// An input whose details are what a plugin finds out about its process.
const SURROUNDINGS: &str = "
import os, sys
from opsbox import Result

class P:
    def process(self, data):
        details = {
            'descriptors': sorted(os.listdir('/proc/self/fd')),
            'variables': sorted(set(os.environ) - {'OPSBOX_RUN_ID'}),
            'home': os.environ['OPSBOX_PLUGIN_HOME'],
            'path': sys.path, 'argv': sys.argv, 'folder': os.getcwd(), 'flags': str(sys.flags),
            'leads': os.getpgrp() == os.getpid(),
        }
        return Result(relates_to='test', result_name=os.path.basename(details['home']), result_description='d',
            details=details, formatted='f')
";

#[test]
fn a_whole_pipeline_comes_to_the_same_forked_and_started() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("python/storage");
    sandbox.fixture("python/stray_volumes");
    sandbox.legacy("around", "input", SURROUNDINGS);
    sandbox.legacy("beside", "input", SURROUNDINGS);
    let prints = "
import ctypes, subprocess, sys
from loguru import logger

class P:
    def process_results(self, results):
        print('by print')
        subprocess.run(['echo', 'by a child'], check=True)
        ctypes.CDLL(None).printf(b'by C\\n')
        ctypes.CDLL(None).fflush(None)
        logger.warning('by loguru')
        print('[%s]' % sys.stdin.read(), len(results))
";
    sandbox.legacy("prints", "output", prints);
    let pipeline = "stray_volumes,around,beside-json_out,prints";
    let (outcome, seen) = same_both_ways(&sandbox, &python, pipeline, &["--set", "stray_min_size=8"]);
    assert_eq!(outcome.code, Some(0), "{seen}");
    assert_eq!(outcome.stdout, "by print\nby a child\nby C\n[] 3\n", "{seen}");
    assert_eq!(outcome.files.len(), 3, "{seen}");
    assert!(outcome.files["around.json"].contains("\"leads\": true"), "{seen}");
    seen.says(&["started a warm parent for 5 plugins", "prints: by loguru"]);
}

#[test]
fn every_end_of_a_plugin_comes_to_the_same_forked_and_started() {
    let Some(python) = venv() else { return };
    for (does, says) in [
        ("raise LookupError('no such account')", "no such account"),
        ("sys.exit('enough')", "sys.exit('enough')"),
        ("os._exit(3)", "exited with status 3 during `process`"),
        ("os.abort()", "aborted (SIGABRT) during `process`"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "was killed (SIGKILL) during `process`",
        ),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "crashed (SIGSEGV) during `process`",
        ),
        (
            "os.kill(os.getpid(), signal.SIGSTOP)",
            "the process was stopped during `process` by SIGSTOP",
        ),
        ("input('sure? ')", "do not read standard input"),
        (
            "sys.stderr.write('last words\\n'); sys.stderr.flush(); os._exit(4)",
            "last words",
        ),
        (
            "os.close(1); os.closerange(3, 64); threading.Event().wait()",
            "it closed its stdout",
        ),
    ] {
        ends(&python, does, "", says);
    }
}

#[test]
fn a_plugin_that_hangs_and_does_not_want_to_end_is_ended_forked_and_started() {
    let Some(python) = venv() else { return };
    for does in [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); threading.Event().wait()",
        "signal.signal(signal.SIGUSR1, signal.SIG_IGN); threading.Event().wait()",
    ] {
        let limit = "[timeouts]\nhook_total = \"1s\"\ncancel_grace = \"1s\"\n";
        ends(&python, does, limit, "no answer to `process` within 1s");
    }
}

/// Runs a plugin that does this in its hook beside a good one, both ways, and asserts that the good one is delivered.
#[track_caller]
fn ends(python: &Path, does: &str, tables: &str, says: &str) {
    let sandbox = Sandbox::new();
    let source = format!(
        "import os, signal, sys, threading\n\nclass P:\n    def process(self, data):\n        {does}\n"
    );
    sandbox.legacy_with("bad", "input", tables, &source);
    sandbox.finds("good", "{'key': 'value'}");
    let (outcome, seen) = same_both_ways(&sandbox, python, "bad,good-json_out", &[]);
    let seen = seen.says(&[says]);
    assert_eq!(outcome.code, Some(4), "{does}: {seen}");
    assert_eq!(step(&outcome.record, "good")["results"], 1, "{does}: {seen}");
    assert!(outcome.files["good.json"].contains("value"), "{does}: {seen}");
}

#[test]
fn one_plugin_alone_is_started_by_itself() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("one", "{}");
    let (outcome, seen) = run(&sandbox, &python, "one-json_out", &[]);
    assert_eq!(outcome.code, Some(0), "{seen}");
    seen.hides(&["warm"]);
}

#[test]
fn the_variable_switches_it_off_in_every_grammar_and_for_questions() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("one", "{}");
    sandbox.finds("two", "{}");
    for args in [
        &["run", "one,two-json_out", "-vv"][..],
        &["--modules", "one,two-json_out", "--verbose"],
        &["plan", "one,two-json_out", "-vv"],
    ] {
        for (value, warm) in [("1", false), ("no", true), ("", true)] {
            // What was asked once is remembered.
            let _none = fs::remove_dir_all(sandbox.path("home/.cache"));
            let mut command = sandbox.binary(args);
            command
                .env("OPSBOX_PYTHON", &python)
                .env("OPSBOX_NO_ZYGOTE", value);
            let seen = sandbox.finish(args, &mut command).exits(0);
            let says = seen.stderr.contains("the warm Python parent is ready");
            assert_eq!(says, warm, "OPSBOX_NO_ZYGOTE={value}: {seen}");
        }
    }
}

#[test]
fn the_warm_parent_knows_no_secret_and_no_plugin() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "
import os
from opsbox import Result

def read(name):
    with open(f'/proc/{os.getppid()}/{name}') as file:
        return file.read().split('\\0')

class P:
    def process(self, data):
        return Result(relates_to='test', result_name='looks', result_description='d', formatted='f', details={
            'own': os.environ.get('AWS_SECRET_ACCESS_KEY'), 'environ': read('environ'), 'cmdline': read('cmdline')})
";
    sandbox.legacy("looks", "input", source);
    sandbox.finds("beside", "{}");
    let args = ["run", "looks,beside-json_out"];
    let mut command = sandbox.binary(&args);
    command
        .env("OPSBOX_PYTHON", python)
        .env("AWS_SECRET_ACCESS_KEY", "geheim");
    sandbox.finish(&args, &mut command).exits(0);
    let details = sandbox.json("work/findings/test/looks.json")["details"].clone();
    assert_eq!(details["own"], "geheim");
    let parent = details["cmdline"].to_string();
    assert!(
        parent.contains("zygote.py") && !parent.contains("looks"),
        "{parent}"
    );
    let environ = details["environ"].to_string();
    assert!(
        environ.contains("OPSBOX_RUN_ID=") && !environ.contains("geheim"),
        "{environ}"
    );
}

#[test]
fn where_a_thread_runs_from_the_start_plugins_are_started_cold() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    let thread = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n";
    fs::write(environment.packages.join("sitecustomize.py"), thread).unwrap();
    sandbox.finds("one", "{}");
    sandbox.finds("two", "{}");
    let (outcome, seen) = run(&sandbox, &environment.python, "one,two-json_out", &[]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 2), "{seen}");
    seen.says(&[
        "no warm parent for",
        "2 threads run in the warm parent",
        "`one` is started cold",
    ]);
}

#[test]
fn where_the_warm_parent_dies_at_its_start_plugins_are_started_cold() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    let dies = "import os\nwith open('/proc/self/cmdline') as file:\n    if 'zygote.py' in file.read():\n        \
                os.write(2, b'the disk is on fire\\n'); os._exit(5)\n";
    fs::write(environment.packages.join("sitecustomize.py"), dies).unwrap();
    sandbox.finds("one", "{}");
    sandbox.finds("two", "{}");
    let (outcome, seen) = run(&sandbox, &environment.python, "one,two-json_out", &[]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 2), "{seen}");
    seen.says(&["the disk is on fire", "`two` is started cold"]);
}

#[test]
fn a_warm_parent_that_is_killed_takes_nobody_with_it() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let kills = |then: &str| {
        format!(
            "import os\nfrom opsbox import Result\n\nclass P:\n    def process(self, data):\n        \
             assert 'zygote.py' in open(f'/proc/{{os.getppid()}}/cmdline').read()\n        \
             os.kill(os.getppid(), 9)\n        {then}\n"
        )
    };
    sandbox.legacy(
        "kills",
        "input",
        &kills("return Result(relates_to='test', result_name='kills', result_description='d', details={}, formatted='f')"),
    );
    sandbox.finds("beside", "{}");
    let (outcome, seen) = run(&sandbox, &python, "kills,beside-json_out", &[]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 2), "{seen}");
    // How a child ends then, nobody can know; that it ended is seen at once.
    sandbox.legacy("kills", "input", &kills("os._exit(3)"));
    let (outcome, seen) = run(&sandbox, &python, "kills,beside-json_out", &[]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(4), 1), "{seen}");
    seen.says(&["kills: the process ended, nobody knows how"]);
}

#[test]
fn nothing_outlives_a_killed_host_neither_plugins_nor_their_parent() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    // The interpreter opens this pipe at its start, so the warm parent and all that is forked from it hold its writing end.
    let pipe = sandbox.path("alive");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let held = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let opens = format!(
        "import os\nHELD = os.open({:?}, os.O_WRONLY)\n",
        pipe.display().to_string()
    );
    fs::write(environment.packages.join("sitecustomize.py"), opens).unwrap();
    let waits = "
import os, signal, subprocess, sitecustomize, threading

class P:
    def process(self, data):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(['sleep', '1000'], pass_fds=[sitecustomize.HELD])
        print('now it waits')
        threading.Event().wait()
";
    sandbox.legacy("waits", "input", waits);
    sandbox.legacy("waits_too", "input", waits);
    let python = format!("--python={}", environment.python.display());
    let mut child = sandbox.start(&["run", "waits,waits_too-json_out", "-v", "--jobs=2", &python]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for name in ["waits: now", "waits_too: now"] {
        let mut said = Vec::new();
        loop {
            let line = lines
                .next()
                .unwrap_or_else(|| panic!("it ended first: {said:?}"))
                .unwrap();
            if line.contains("now it waits") {
                break;
            }
            said.push(format!("{name} {line}"));
        }
    }
    let mut reader = fs::File::open(&pipe).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(held);
    // It ends when the last of them is gone; the test would hang where one stays.
    assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn a_plugin_named_json_leaves_the_warm_parent_and_its_neighbours_alone() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("json", "{'key': 'value'}");
    sandbox.finds("yaml", "{'key': 'value'}");
    sandbox.finds(
        "uses",
        "{'text': __import__('json').dumps(__import__('yaml').safe_load('a: 1'))}",
    );
    let (outcome, seen) = same_both_ways(&sandbox, &python, "json,yaml,uses-json_out", &[]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 3), "{seen}");
    assert!(outcome.files["uses.json"].contains("{\\\"a\\\": 1}"), "{seen}");
}

#[test]
fn more_plugins_than_there_is_room_for_started_ones_are_forked_once_each() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let names: Vec<_> = (0..24).map(|n| format!("look_{n}")).collect();
    for name in &names {
        sandbox.finds(name, "{'key': 'value'}");
    }
    let pipeline = format!("{}-json_out", names.join(","));
    let n_started = |seen: &Seen, name: &str| seen.stderr.matches(&format!("started `{name}`:")).count();
    let (outcome, seen) = run(&sandbox, &python, &pipeline, &["--jobs=2"]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 24), "{seen}");
    assert!(names.iter().all(|name| n_started(&seen, name) == 1), "{seen}");
    let (outcome, seen) = run(&sandbox, &python, &pipeline, &["--jobs=2", "--no-zygote"]);
    assert_eq!((outcome.code, outcome.files.len()), (Some(0), 24), "{seen}");
    assert!(names.iter().any(|name| n_started(&seen, name) == 2), "{seen}");
}

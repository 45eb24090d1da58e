//! How Results and text go from plugin to plugin.

use serde_json::json;

use crate::support::{Sandbox, step, venv};

/// An assistant that answers with the names it was given, joined, under its own name.
pub fn joins(name: &str, hook: &str) -> String {
    format!(
        "from core.plugins import Result\nfrom pluggy import HookimplMarker\n\nhookimpl = HookimplMarker(\"opsbox\")\n\n\
         class P:\n    @hookimpl\n    def {hook}(self, input):\n        \
         names = \"+\".join(each.result_name for each in input)\n        \
         return [Result(relates_to=\"test\", result_name=\"{name}\", result_description=\"d\", \
         details={{\"seen\": names}}, formatted=names)]\n"
    )
}

pub const PRINTS: &str = "
class P:
    def proccess_results(self, results):
        for result in results:
            print(f'{type(self).__module__}: {result.result_name}: {result.formatted}')
";

#[test]
fn an_assistant_sees_the_earlier_ones_and_then_the_inputs_and_outputs_see_assistants_only() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("one", "{}");
    sandbox.finds("two", "{}");
    sandbox.legacy("first", "assistant", &joins("first", "process_input"));
    sandbox.legacy("second", "assistant", &joins("second", "proccess_input"));
    sandbox.legacy("shows", "output", PRINTS);
    let seen = sandbox
        .opsbox_on(&python, &["run", "one,two-first-second-shows"])
        .exits(0);
    assert_eq!(
        seen.stdout, "shows: first: one+two\nshows: second: first+one+two\n",
        "{seen}"
    );
}

#[test]
fn a_rego_check_with_a_class_injects_its_field_and_reports_in_its_own_words() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.fixture("python/storage");
    sandbox.fixture("python/stray_volumes");
    let args = [
        "run",
        "stray_volumes-json_out,text_out",
        "--set",
        "stray_min_size=8",
        "-o",
        "record.json",
    ];
    sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(
        sandbox.json("work/findings/storage/stray_volumes.json"),
        json!({
            "relates_to": "storage",
            "result_name": "stray_volumes",
            "result_description": "volumes that no instance uses",
            "details": [
                {"volume_id": "vol-1", "state": "available", "size": 8},
                {"volume_id": "vol-2", "state": "available", "size": 80},
            ],
            "formatted": "stray volumes: vol-1, vol-2",
        })
    );
    assert_eq!(step(&sandbox.record(), "stray_volumes")["findings"], 2);
    sandbox
        .opsbox_on(&python, &["run", "stray_volumes-text_out"])
        .exits(0);
    let text = sandbox.read("work/findings/storage/stray_volumes.txt");
    assert_eq!(
        text.trim_end(),
        "stray volumes: vol-2",
        "the default of 10 GiB holds"
    );
}

#[test]
fn outputs_print_in_the_order_of_the_pipeline_and_each_as_one_piece() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds("one", "{}");
    let talks = |word: &str| {
        format!(
            "import os, sys\n\nclass P:\n    def process_results(self, results):\n        \
             print('{word} begins')\n        os.system('echo {word} goes on')\n        \
             sys.stdout.write('{word} ends\\n')\n"
        )
    };
    sandbox.legacy("zeta", "output", &talks("zeta"));
    sandbox.legacy("alpha", "output", &talks("alpha"));
    let lines = |word: &str| format!("{word} begins\n{word} goes on\n{word} ends\n");
    for (pipeline, first, second) in [
        ("one-zeta,alpha", "zeta", "alpha"),
        ("one-alpha,zeta", "alpha", "zeta"),
    ] {
        let seen = sandbox.opsbox_on(&python, &["run", pipeline]).exits(0);
        assert_eq!(
            seen.stdout,
            format!("{}{}", lines(first), lines(second)),
            "{seen}"
        );
    }
}

#[test]
fn what_an_input_prints_is_a_log_line_for_those_who_ask() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "
import os
from opsbox import Result

class P:
    def process(self, data):
        print('printed while looking')
        os.system('echo echoed while looking')
        return Result(relates_to='test', result_name='talks', result_description='d', details=[], formatted='-')
";
    sandbox.legacy("talks", "input", source);
    let texts = ["printed while looking", "echoed while looking"];
    sandbox
        .opsbox_on(&python, &["run", "talks-json_out"])
        .exits(0)
        .hides(&texts);
    let seen = sandbox
        .opsbox_on(&python, &["run", "talks-json_out", "-v"])
        .exits(0)
        .says(&texts)
        .says(&["talks"]);
    assert_eq!(seen.stdout, "", "{seen}");
}

#[test]
fn an_error_that_a_forked_worker_logs_makes_the_check_incomplete() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = "
import logging, multiprocessing
from concurrent.futures import ProcessPoolExecutor
from core.plugins import Result

def work(region):
    logging.error('region %s: access denied', region)
    return []

class P:
    def process(self, data):
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')) as pool:
            found = sum(pool.map(work, ['eu']), [])
        return Result(relates_to='a', result_name='b', result_description='', details=found, formatted='')
";
    sandbox.legacy("regions", "input", source);
    let seen = sandbox
        .opsbox_on(&python, &["run", "regions-json_out", "-o", "record.json"])
        .exits(4)
        .says(&["error: regions: region eu: access denied"]);
    let step = step(&sandbox.record(), "regions").clone();
    assert_eq!(step["status"], "incomplete", "{seen}");
    assert_eq!(step["gaps"][0]["why"], "region eu: access denied", "{seen}");
}

#[test]
fn an_error_that_a_provider_logs_makes_its_checks_incomplete() {
    let Some(python) = venv() else { return };
    for logger in [
        "import logging\nlogger = logging.getLogger('volumes')",
        "from loguru import logger",
    ] {
        let sandbox = Sandbox::new();
        sandbox.fixture("python/storage");
        sandbox.fixture("python/stray_volumes");
        let source = sandbox.read("plugins/storage/storage.py");
        let source = source.replace("from loguru import logger", logger).replace(
            "logger.info(\"gathering volumes\")",
            "logger.error(\"region eu-9: access denied\")",
        );
        sandbox.write("plugins/storage/storage.py", &source);
        let seen = sandbox
            .opsbox_on(&python, &["run", "stray_volumes-json_out", "-o", "record.json"])
            .exits(4)
            .says(&["incomplete", "stray_volumes", "region eu-9: access denied"]);
        let record = sandbox.record();
        let check = step(&record, "stray_volumes");
        assert_eq!(check["status"], "incomplete", "{seen}");
        assert_eq!(check["findings"], 1, "what was found is kept\n{seen}");
        assert_eq!(step(&record, "storage")["status"], "incomplete", "{seen}");
        assert!(
            sandbox
                .read("work/findings/storage/stray_volumes.json")
                .contains("vol-2")
        );
    }
}

#[test]
fn numbers_that_json_cannot_express_become_null_with_a_warning() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.finds(
        "odd",
        "{'load': float('nan'), 'most': float('inf'), 'big': 2**63 + 1}",
    );
    sandbox
        .opsbox_on(&python, &["run", "odd-json_out"])
        .exits(0)
        .says(&["odd", "load"]);
    let text = sandbox.read("work/findings/test/odd.json");
    for part in ["\"load\": null", "\"most\": null", "\"big\": 9223372036854775809"] {
        assert!(text.contains(part), "{text}");
    }
}

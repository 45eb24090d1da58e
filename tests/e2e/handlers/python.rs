//! Handlers written for the original, unchanged, with plugins in Python and in shell.

use serde_json::json;

use crate::support::{Sandbox, result, step, venv};

/// A handler of the type `scanner`, as its owner wrote it for the original.
const SCANNING: &str = r#"
from pluggy import HookimplMarker, HookspecMarker, PluginManager
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from opsbox import PluginInfo, Registry, Result

hookspec = HookspecMarker("opsbox")
hookimpl = HookimplMarker("opsbox")

class ScannerSpec:
    @hookspec
    def scan(self, targets, depth): ...

class P:
    @hookimpl
    def add_hookspecs(self, manager: PluginManager):
        manager.add_hookspecs(ScannerSpec)

    @hookimpl
    def process_plugin(self, plugin: "PluginInfo", prior_results: "list[Result]", registry: "Registry"):
        targets = [x.plugin_obj.gather_data() for x in registry.active_plugins
                   if x.type == "provider" and x.name in plugin.uses]
        return plugin.plugin_obj.scan(targets, depth=2)
"#;

const CERT: &str = r#"
from opsbox import Result
from pluggy import HookimplMarker

hookimpl = HookimplMarker("opsbox")

class P:
    @hookimpl
    def scan(self, targets, depth):
        hosts = [host for target in targets for host in target.details["hosts"]]
        return [Result(relates_to="tls", result_name="cert", result_description="expiring certificates",
                       details=[{"host": host, "depth": depth} for host in hosts], formatted="\n".join(hosts))]
"#;

const HANDLES: &str = "[handler]\nhandles = [\"scanner\"]";

fn scanning(sandbox: &Sandbox) {
    sandbox.legacy_with("scanning", "handler", HANDLES, SCANNING);
    sandbox.provider("estate", "{\"hosts\": [\"a\", \"b\"]}", "");
}

#[test]
fn a_private_handler_runs_a_python_plugin_of_its_own_type_unchanged() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    scanning(&sandbox);
    sandbox.legacy_with("cert", "scanner", "uses = [\"scanning\", \"estate\"]", CERT);
    let args = ["run", "cert-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(
        sandbox.json("work/findings/tls/cert.json"),
        json!({
            "relates_to": "tls",
            "result_name": "cert",
            "result_description": "expiring certificates",
            "details": [{"host": "a", "depth": 2}, {"host": "b", "depth": 2}],
            "formatted": "a\nb",
        }),
        "{seen}"
    );
    assert_eq!(step(&sandbox.record(), "cert")["findings"], 2, "{seen}");
    assert_eq!(sandbox.read("work/estate.gathered"), "x\n", "{seen}");
}

#[test]
fn a_python_handler_runs_a_plugin_in_shell_and_the_other_way_round() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    scanning(&sandbox);
    let made = result("tls", "shell", "[{\"n\":12345678901234567890}]");
    let scan = format!("printf '%s\\n' \"$line\" >asked; result='[{made}]'");
    sandbox.shell(
        "in_shell",
        "scanner",
        &[("scan", &scan)],
        "uses = [\"scanning\", \"estate\"]",
    );
    let seen = sandbox.opsbox_on(&python, &["run", "in_shell-json_out"]).exits(0);
    let asked: serde_json::Value = serde_json::from_str(&sandbox.read("work/asked")).unwrap();
    assert_eq!(asked["params"]["depth"], 2, "{seen}");
    assert_eq!(
        asked["params"]["args"][0][0]["details"],
        json!({"hosts": ["a", "b"]}),
        "{seen}"
    );
    assert!(
        sandbox
            .read("work/findings/tls/shell.json")
            .contains("12345678901234567890")
    );

    let sandbox = Sandbox::new();
    let process = "name_of; call $name scan '{\"targets\":[],\"depth\":1}'; [ -n \"$result\" ] || refused";
    sandbox.handler("scanning", &["scanner"], process, "");
    sandbox.legacy("cert", "scanner", CERT);
    let args = ["run", "cert-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(step(&sandbox.record(), "cert")["status"], "clean", "{seen}");
}

/// A handler in the way of the published ones: input, output and assistant by the hooks that the original calls.
const OWN_GENERAL: &str = r#"
from loguru import logger
from pluggy import HookimplMarker, HookspecMarker

hookspec = HookspecMarker("opsbox")
hookimpl = HookimplMarker("opsbox")

class OutputSpec:
    @hookspec
    def proccess_results(self, results): ...

class P:
    @hookimpl
    def add_hookspecs(self, manager):
        manager.add_hookspecs(OutputSpec)
        return (OutputSpec,)

    @hookimpl
    def process_plugin(self, plugin, prior_results, registry):
        logger.debug(f"processing {plugin.name}")
        if plugin.type == "input":
            used = [x for x in registry.active_plugins if (x.type == "provider") and (x.name in plugin.uses)]
            return plugin.plugin_obj.process([x.plugin_obj.gather_data() for x in used])
        elif plugin.type == "output":
            return plugin.plugin_obj.proccess_results(prior_results)
        elif plugin.type == "assistant":
            return plugin.plugin_obj.proccess_input(prior_results)
        return None
"#;

#[test]
fn a_handler_for_built_in_types_serves_the_plugins_that_name_it() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let handles = "[handler]\nhandles = [\"input\", \"output\", \"assistant\"]";
    sandbox.legacy_with("own_general", "handler", handles, OWN_GENERAL);
    sandbox.provider("estate", "{\"hosts\": [\"a\"]}", "");
    let input = "
from opsbox import Result
class P:
    def process(self, data):
        return [Result(relates_to='t', result_name='asks', result_description='', details=data[0].details, formatted='')]
";
    sandbox.legacy_with("asks", "input", "uses = [\"own_general\", \"estate\"]", input);
    let assistant = "
class P:
    def proccess_input(self, input):
        return [each.model_copy(update={'result_name': 'told_' + each.result_name}) for each in input]
";
    sandbox.legacy_with("tells", "assistant", "uses = [\"own_general\"]", assistant);
    let output = "
class P:
    def proccess_results(self, results):
        for each in results:
            print(f'{type(each).__name__} {each.result_name} {each.details}')
";
    sandbox.legacy_with("shows", "output", "uses = [\"own_general\"]", output);
    let args = ["run", "asks-tells-shows,json_out", "-o", "record.json"];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    assert_eq!(seen.stdout, "Result told_asks {'hosts': ['a']}\n", "{seen}");
    sandbox.document("findings/t/told_asks.json");
}

/// A handler in the way of the published Rego handler: facts of the manifest, one provider, hooks that may be missing.
const OWN_REGO: &str = r#"
import contextlib
from pathlib import Path
from opsbox import PluginInfo, Registry, Result
from pydantic import BaseModel, Field
import pluggy

hookimpl = pluggy.HookimplMarker("opsbox")

class Found(BaseModel):
    judge_url: str | None = Field(default=None, description="where the judge is")

class P:
    def grab_config(self):
        return Found

    @hookimpl
    def set_data(self, model):
        self.config = model

    @hookimpl
    def process_plugin(self, plugin: PluginInfo, prior_results: list[Result], registry: Registry) -> list[Result]:
        policy = Path(plugin.toml_path).parent / plugin.extra["rego"]["rego_file"]
        providers = [x for x in registry.active_plugins if (x.type == "provider") and (x.name in plugin.uses)]
        if len(providers) > 1:
            raise RuntimeError("only one provider")
        data = providers[0].plugin_obj.gather_data()
        with contextlib.suppress(AttributeError):
            data = plugin.plugin_obj.inject_data(data)
        details = {"policy": policy.read_text(), "input": data.details["input"], "url": self.config.judge_url}
        result = Result(relates_to=data.relates_to, result_name=plugin.name,
                        result_description=plugin.extra["rego"]["description"], details=[details], formatted="")
        return plugin.plugin_obj.report_findings(result)
"#;

#[test]
fn a_handler_for_rego_checks_reads_their_manifest_and_calls_the_hooks_they_have() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    sandbox.legacy_with("own_rego", "handler", "[handler]\nhandles = [\"rego\"]", OWN_REGO);
    sandbox.provider("estate", "{\"input\": {\"n\": 1}}", "");
    let reports = "
class P:
    def report_findings(self, data):
        data.formatted = 'reported'
        return data
";
    let injects = format!(
        "{reports}    def inject_data(self, data):\n        data.details['input']['n'] = 2\n        return data\n"
    );
    for (name, source) in [("bare", reports), ("injecting", injects.as_str())] {
        let more = format!(
            "uses = [\"own_rego\", \"estate\"]\n[rego]\nrego_file = \"{name}.rego\"\ndescription = \"what {name} finds\""
        );
        sandbox.legacy_with(name, "rego", &more, source);
        sandbox.write(&format!("plugins/{name}/{name}.rego"), "package judged");
    }
    let args = [
        "run",
        "bare,injecting-json_out",
        "--set",
        "judge_url=http://judge",
    ];
    let seen = sandbox.opsbox_on(&python, &args).exits(0);
    for (name, n) in [("bare", 1), ("injecting", 2)] {
        let made = sandbox.json(&format!("work/findings/estate/{name}.json"));
        let details = json!([{"policy": "package judged", "input": {"n": n}, "url": "http://judge"}]);
        assert_eq!(made["details"], details, "{seen}");
        assert_eq!(made["formatted"], "reported", "{seen}");
        assert_eq!(made["result_description"], format!("what {name} finds"), "{seen}");
    }
}

#[test]
fn what_a_plugin_of_an_own_type_prints_last_in_a_pipeline_is_for_the_user() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let tells = "
class P:
    def process_plugin(self, plugin, prior_results, registry):
        print('the handler')
        plugin.plugin_obj.tell([each.result_name for each in prior_results])
";
    sandbox.legacy_with("telling", "handler", "[handler]\nhandles = [\"teller\"]", tells);
    sandbox.legacy(
        "last",
        "teller",
        "class P:\n    def tell(self, names):\n        print('names:', *names)\n",
    );
    sandbox.finds("one", "[]");
    let seen = sandbox.opsbox_on(&python, &["run", "one-last"]).exits(0);
    let mut lines: Vec<&str> = seen.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["names: one", "the handler"], "{seen}");
}

#[test]
fn an_exception_in_the_plugin_is_told_with_plugin_hook_and_place() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    scanning(&sandbox);
    let breaks = "class P:\n    def scan(self, targets, depth):\n        return {}['port']\n";
    sandbox.legacy_with("cert", "scanner", "uses = [\"scanning\", \"estate\"]", breaks);
    sandbox
        .opsbox_on(&python, &["run", "cert-json_out"])
        .exits(1)
        .says(&[
            "failed cert: its handler `scanning`: `process_plugin` failed: `scan` of plugin `cert` failed: KeyError: 'port'",
            "cert.py:3",
        ]);
}

#[test]
fn a_plugin_or_handler_that_ends_its_process_hurts_nobody_else() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    scanning(&sandbox);
    let dies = "import os\nclass P:\n    def scan(self, targets, depth):\n        os._exit(3)\n";
    sandbox.legacy_with("dies", "scanner", "uses = [\"scanning\", \"estate\"]", dies);
    sandbox.legacy_with("cert", "scanner", "uses = [\"scanning\", \"estate\"]", CERT);
    let args = [
        "run",
        "dies,cert-json_out",
        "--timeout",
        "60s",
        "-o",
        "record.json",
    ];
    let seen = sandbox
        .opsbox_on(&python, &args)
        .exits(4)
        .says(&["failed dies: plugin `dies`: the process exited with status 3 during `scan`"]);
    assert_eq!(step(&sandbox.record(), "cert")["findings"], 2, "{seen}");
    let dies = SCANNING.replace("targets = [", "import os; os._exit(5)\n        targets = [");
    sandbox.legacy_with("scanning", "handler", HANDLES, &dies);
    sandbox
        .opsbox_on(&python, &args)
        .exits(1)
        .says(&["its handler `scanning`: the process exited with status 5 during `process_plugin`"]);
}

#[test]
fn a_deadline_cancels_a_python_handler_which_then_serves_the_next_plugin() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    scanning(&sandbox);
    let sleeps = "import time\nclass P:\n    def scan(self, targets, depth):\n        time.sleep(1000)\n";
    let slow = "uses = [\"scanning\", \"estate\"]\n[timeouts]\nhook_total = \"500ms\"";
    sandbox.legacy_with("sleeps", "scanner", slow, sleeps);
    sandbox.legacy_with("cert", "scanner", "uses = [\"scanning\", \"estate\"]", CERT);
    let args = ["run", "sleeps,cert-json_out", "-o", "record.json"];
    let seen = sandbox
        .opsbox_on(&python, &args)
        .exits(4)
        .says(&["failed sleeps: plugin `sleeps`: no answer to `scan` within 500ms"]);
    assert_eq!(step(&sandbox.record(), "cert")["findings"], 2, "{seen}");
}

#[test]
fn a_python_handler_that_calls_back_into_itself_is_refused() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let circles = "
class P:
    def process_plugin(self, plugin, prior_results, registry):
        other = next(x for x in registry.active_plugins if x.name == 'second')
        return other.plugin_obj.process_plugin(plugin, prior_results, registry)
";
    let back = circles.replace("'second'", "'first'");
    sandbox.legacy_with(
        "first",
        "handler",
        "uses = [\"second\"]\n[handler]\nhandles = [\"odd\"]",
        circles,
    );
    sandbox.legacy_with("second", "handler", "[handler]\nhandles = []", &back);
    sandbox.legacy("strange", "odd", "class P:\n    pass\n");
    sandbox
        .opsbox_on(&python, &["run", "strange-json_out", "--timeout", "60s"])
        .exits(1)
        .says(&["the call would come back to itself: `first` calls `second` calls `first`"]);
}

#[test]
fn a_python_handler_that_calls_itself_for_the_plugin_in_hand_ends_at_once_however_often_it_tries() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let twice = "
class P:
    def process_plugin(self, plugin, prior_results, registry):
        own = registry.handlers['odd']
        try:
            own.process_plugin(plugin, [], registry)
        except Exception:
            pass
        return own.process_plugin(plugin, [], registry)
";
    sandbox.legacy_with("first", "handler", "[handler]\nhandles = [\"odd\"]", twice);
    sandbox.legacy("strange", "odd", "class P:\n    pass\n");
    sandbox
        .opsbox_on(&python, &["run", "strange-json_out", "--timeout", "60s"])
        .exits(1)
        .says(&["the call would come back to itself: `first` calls `first`"]);
}

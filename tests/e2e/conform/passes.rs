//! What keeps the protocol passes: the plugin without a fault, the examples, the samples of both SDKs, bundled plugins, and old ones.

use serde_json::Value;

use crate::support::{Sandbox, copy, program, python, repository};

use super::{report, rule, with_verdict};

/// Asserts that a plugin passes with no more than these warnings; returns the report.
#[track_caller]
fn passes(sandbox: &Sandbox, args: &[&str], warnings: &[&str]) -> Value {
    let (seen, report) = report(sandbox, args);
    let broken = with_verdict(&report, &["fail", "not checked"]);
    assert!(broken.is_empty(), "{broken:?}\n{seen}");
    assert_eq!(warned(&report), warnings, "{seen}");
    if with_verdict(&report, &["warn"]) == warnings {
        assert_eq!(report["verdict"], "pass", "{seen}");
        assert_eq!(seen.code, Some(0), "{seen}");
    }
    report
}

/// Returns the rules with a warning, but for the one that a machine with other work causes: an end that comes late.
fn warned(report: &Value) -> Vec<String> {
    let mut warned = with_verdict(report, &["warn"]);
    warned.retain(|id| id != "IO-3");
    warned
}

#[test]
fn a_plugin_without_a_fault_passes_in_every_role() {
    for role in [
        "provider",
        "input",
        "rego",
        "assistant",
        "output",
        "handler",
        "scanner",
    ] {
        let sandbox = Sandbox::new();
        let plugin = sandbox.wrong("none", role);
        let report = passes(&sandbox, &[&plugin, "--strict"], &[]);
        // The part of its role was played, not left out.
        let of_role = match role {
            "provider" => "GAP-5",
            "assistant" => "HOOK-4",
            "output" => "HOOK-6",
            "handler" => "HAND-7",
            "scanner" => "HAND-5",
            _ => "RES-1",
        };
        assert_eq!(rule(&report, of_role)["verdict"], "pass", "{role}: {report:#}");
        let for_all = ["CONF-2", "IO-3", "PROC-3", "MSG-10", "CANC-4"];
        for id in for_all {
            assert_eq!(rule(&report, id)["verdict"], "pass", "{role}: {report:#}");
        }
    }
}

#[test]
fn a_plugin_of_a_type_of_its_own_works_with_a_sample_of_its_hook() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("none", "scanner");
    sandbox.write(
        "work/sample.json",
        r#"{"hook": "scan", "params": {"hosts": ["a"]}}"#,
    );
    let report = passes(&sandbox, &[&plugin, "--sample", "sample.json"], &[]);
    assert_eq!(rule(&report, "LIFE-9")["verdict"], "pass", "{report:#}");
}

#[test]
fn the_shipped_examples_pass() {
    let folder = |name: &str| {
        repository()
            .join("plugins/examples")
            .join(name)
            .display()
            .to_string()
    };
    let sandbox = Sandbox::new();
    passes(&sandbox, &[&folder("kernel_settings"), "--strict"], &[]);
    if python().is_some() {
        passes(&sandbox, &[&folder("summary"), "--strict"], &[]);
    }
    if program("node").is_some() {
        // Node.js has no way to move a descriptor.
        passes(&sandbox, &[&folder("node_packages")], &["IO-2"]);
    }
}

#[test]
fn the_samples_of_the_rust_sdk_pass() {
    let sandbox = Sandbox::new();
    for name in ["countdown", "large_lists", "metrics", "folder_size"] {
        sandbox.sample(name);
        passes(&sandbox, &[name], &[]);
    }
}

#[test]
fn a_bundled_plugin_of_each_role_passes() {
    let sandbox = Sandbox::new();
    for name in [
        "host",
        "files",
        "sort_severity",
        "limit",
        "cli_out",
        "json_out",
        "text_out",
    ] {
        passes(&sandbox, &[name], &[]);
    }
}

const CLASSES: &str = "
from __future__ import annotations

import sys
from dataclasses import dataclass

from opsbox.sdk import Assistant, Input, Output, Provider, Result, gap, log, option, output, progress, serve


@dataclass(frozen=True)
class Config:
    sdk_limit: int = option(3, description=\"how many\")
    sdk_token: str = option(\"\", description=\"how to log in\", secret=True)


def one(details):
    return Result(\"sdk\", \"sdk\", \"made by the SDK\", details, \"text\")


class P(Provider[Config]):
    name = \"sdk_provider\"

    def gather_data(self):
        gap(\"a file\", \"it cannot be read\")
        print(\"a stray print\")
        return one({\"a\": [self.config.sdk_limit]})


class I(Input[Config]):
    name = \"sdk_input\"

    def process(self, data):
        log.info(\"works\")
        progress(1, 1, \"things\")
        return [one([{\"resource\": \"a\", \"severity\": \"low\"}])]


class A(Assistant[Config]):
    name = \"sdk_assistant\"

    def process_input(self, results):
        return list(results)


class O(Output[Config]):
    name = \"sdk_output\"

    def process_results(self, results):
        output(f\"{len(results)} results\\n\")


serve({\"provider\": P, \"input\": I, \"assistant\": A, \"output\": O}[sys.argv[1]])
";

#[test]
fn plugins_of_the_python_sdk_pass() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    copy(
        &repository().join("sdk-python/src/opsbox"),
        &environment.packages.join("opsbox"),
    );
    let python = environment.python.to_str().unwrap();
    for role in ["provider", "input", "assistant", "output"] {
        let name = format!("sdk_{role}");
        sandbox.write(&format!("plugins/{name}/plugin.py"), CLASSES);
        sandbox.command(&name, role, &[python, "./plugin.py", role], "");
        let report = passes(&sandbox, &[&name], &[]);
        assert_eq!(rule(&report, "CONF-2")["verdict"], "pass", "{report:#}");
    }
}

#[test]
fn old_python_plugins_are_tested_through_the_bridge() {
    if python().is_none() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.finds("old_check", "[{\"resource\": \"a\"}]");
    passes(&sandbox, &["old_check"], &[]);
    sandbox.fixture("seed/example_output");
    // It prints what stands in a Result as it is, escape sequences included; the suite is right.
    let (seen, report) = report(&sandbox, &["example_output"]);
    let found = [with_verdict(&report, &["fail"]), warned(&report)].concat();
    assert_eq!(found, ["HOOK-6"], "{seen}");
}

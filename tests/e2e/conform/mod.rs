//! `opsbox plugin test`: every rule can fail, what is right passes, and what is found is told.

mod passes;
mod table;
mod told;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Sandbox, Seen, example};
use table::{WRONGS, Wrong};

/// Faults after which an answer is waited for in vain; they get a deadline that a test can wait for.
const SILENT: [&str; 15] = [
    "pretty",
    "latin1",
    "splits_at_separators",
    "unflushed",
    "no_jsonrpc",
    "reads_nested",
    "small_ids",
    "ignores_unknown",
    "nan",
    "long_hello",
    "too_long",
    "refuses_depth",
    "prints_before",
    "ignores_eof",
    "reads_terminal",
];

/// The plugin that is wrong on request.
fn wrong_plugin() -> PathBuf {
    example("wrong")
}

impl Sandbox {
    /// Adds the plugin `wrong_TYPE` with this fault.
    fn wrong(&self, fault: &str, role: &str) -> String {
        let name = format!("wrong_{role}");
        let tables = match role {
            "handler" => "[handler]\nhandles = [\"scanner\"]\n",
            "rego" => "[rego]\nrego_file = \"policy.rego\"\n",
            _ => "",
        };
        let uses = if role == "rego" { "uses = [\"host\"]\n" } else { "" };
        let more =
            format!("{uses}---{tables}[limits]\nline = \"64KiB\"\n[timeouts]\ncancel_grace = \"1s\"\n");
        self.command(
            &name,
            role,
            &[wrong_plugin().to_str().unwrap(), fault, role],
            &more,
        );
        self.write(
            &format!("plugins/{name}/policy.rego"),
            "package wrong\n\ndetails := []\n",
        );
        self.path("plugins").join(&name).display().to_string()
    }
}

/// Returns the entry of a rule in a report.
#[track_caller]
fn rule<'a>(report: &'a Value, id: &str) -> &'a Value {
    let rules = report["rules"].as_array().unwrap();
    let found = rules.iter().find(|rule| rule["id"] == id);
    found.unwrap_or_else(|| panic!("no rule {id}: {report:#}"))
}

/// Returns the ids of the rules with one of these verdicts.
fn with_verdict(report: &Value, verdicts: &[&str]) -> Vec<String> {
    let rules = report["rules"].as_array().unwrap().iter();
    let of = |rule: &&Value| verdicts.contains(&rule["verdict"].as_str().unwrap());
    rules
        .filter(of)
        .map(|rule| rule["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs the suite and returns its report.
#[track_caller]
fn report(sandbox: &Sandbox, args: &[&str]) -> (Seen, Value) {
    let args: Vec<&str> = ["plugin", "test", "--json"].iter().chain(args).copied().collect();
    let seen = sandbox.opsbox(&args);
    let report = seen.json();
    (seen, report)
}

/// Asserts that the suite finds each of these.
fn all_are_found(wrongs: impl Iterator<Item = &'static Wrong>) {
    for Wrong {
        rule: id,
        fault,
        role,
    } in wrongs
    {
        let sandbox = Sandbox::new();
        let plugin = sandbox.wrong(fault, role);
        let limit = if SILENT.contains(fault) { "4s" } else { "1m" };
        let (seen, report) = report(&sandbox, &[&plugin, "--timeout", limit]);
        let found = rule(&report, id);
        let is_must = found["level"] == "must";
        let wanted = if is_must { "fail" } else { "warn" };
        assert_eq!(found["verdict"], wanted, "{id} with {fault}: {found:#}\n{seen}");
        assert!(!found["why"].as_str().unwrap().is_empty(), "{found:#}");
        assert!(!found["mend"].as_str().unwrap().is_empty(), "{found:#}");
        if is_must {
            assert_eq!(seen.code, Some(1), "{id} with {fault}\n{seen}");
        }
    }
}

/// Returns every `n`th of the wrong plugins; the tests below share them, so that they run side by side.
fn share(n: usize) -> impl Iterator<Item = &'static Wrong> {
    WRONGS.iter().skip(n).step_by(4)
}

#[test]
fn each_rule_fails_on_a_plugin_made_wrong_for_it_first_share() {
    all_are_found(share(0));
}

#[test]
fn each_rule_fails_on_a_plugin_made_wrong_for_it_second_share() {
    all_are_found(share(1));
}

#[test]
fn each_rule_fails_on_a_plugin_made_wrong_for_it_third_share() {
    all_are_found(share(2));
}

#[test]
fn each_rule_fails_on_a_plugin_made_wrong_for_it_last_share() {
    all_are_found(share(3));
}

#[test]
fn every_rule_of_the_suite_has_a_plugin_made_wrong_for_it() {
    let rules: BTreeSet<&str> = opsbox::conform::rules::all().map(|rule| rule.id).collect();
    let broken: BTreeSet<&str> = WRONGS.iter().map(|wrong| wrong.rule).collect();
    assert_eq!(rules, broken);
    assert_eq!(
        rules.len(),
        opsbox::conform::rules::all().count(),
        "a rule stands twice in the list"
    );
}

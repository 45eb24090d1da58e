//! Every published check on the data of `tests/original`, compared with what the original said of it, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::support::{Sandbox, Seen, packages, repository};

/// What `tests/original/scenarios.json` says.
#[derive(Deserialize)]
struct Scenarios {
    /// The name of each check's Result, by the check's name.
    checks: Map<String, Value>,
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Scenario {
    name: String,
    data: String,
    inputs: Vec<String>,
    assistants: Vec<String>,
    outputs: Vec<String>,
    arguments: BTreeMap<String, String>,
    file: Map<String, Value>,
    environment: BTreeMap<String, String>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: String::new(),
            data: String::new(),
            inputs: Vec::new(),
            assistants: Vec::new(),
            outputs: vec!["golden_out".into()],
            arguments: BTreeMap::new(),
            file: Map::new(),
            environment: BTreeMap::new(),
        }
    }
}

/// A difference that a bug of the original explains.
#[derive(Deserialize)]
struct Difference {
    scenario: String,
    check: String,
    /// What this host says of the check.
    ours: String,
    /// Why the original's answer is not kept.
    why: String,
}

/// One Result as `golden_out` writes it, or, in a golden file, a check that broke the original's run.
#[derive(Deserialize, Debug)]
struct Line<'a> {
    #[serde(default)]
    relates_to: &'a str,
    #[serde(default)]
    result_name: &'a str,
    #[serde(default)]
    result_description: String,
    /// Its text: order and spelling count.
    #[serde(borrow, default)]
    details: Option<&'a RawValue>,
    #[serde(default)]
    formatted: String,
    /// The check that broke, and the exception.
    #[serde(default)]
    check: Option<String>,
    #[serde(default)]
    breaks: Option<String>,
}

impl Line<'_> {
    fn name(&self) -> String {
        format!("{}/{}", self.relates_to, self.result_name)
    }
}

fn original(path: &str) -> PathBuf {
    repository().join("tests/original").join(path)
}

fn text_of(path: &str) -> String {
    let path = original(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load<T: for<'de> Deserialize<'de>>(path: &str) -> T {
    serde_json::from_str(&text_of(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn lines(text: &str) -> Vec<Line<'_>> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

impl Scenario {
    /// Runs the scenario in the original's grammar, as its users do.
    fn run(&self, sandbox: &Sandbox, checks: &Map<String, Value>) -> Option<Seen> {
        let python = packages()?;
        let inputs: Vec<&str> = match self.inputs.is_empty() {
            true => checks.keys().map(String::as_str).collect(),
            false => self.inputs.iter().map(String::as_str).collect(),
        };
        let mut stages = vec![inputs.join(",")];
        stages.extend(self.assistants.iter().cloned());
        stages.push(self.outputs.join(","));
        let mut file = self.file.clone();
        file.insert("golden_file".into(), json!(sandbox.path("work/golden.jsonl")));
        file.insert(
            "fixture_data".into(),
            json!(original("fixtures/data").join(&self.data)),
        );
        let file = sandbox.write("work/settings.json", &Value::Object(file).to_string());
        let plugins = original("fixtures/plugins");
        let mut args = vec![
            "--modules".to_owned(),
            stages.join("-"),
            format!("--config={}", file.display()),
            format!("--plugin_dir={}", plugins.display()),
        ];
        for (name, value) in &self.arguments {
            args.extend([format!("--{name}"), value.clone()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = sandbox.binary(&args);
        command
            .env("OPSBOX_PYTHON", python)
            .env("TZ", "UTC")
            .envs(&self.environment);
        Some(sandbox.finish(&args, &mut command))
    }
}

/// Runs a scenario and compares all that comes out of it.
fn same_as_the_original(name: &str) {
    let all: Scenarios = load("scenarios.json");
    let scenario = all
        .scenarios
        .iter()
        .find(|scenario| scenario.name == name)
        .unwrap();
    let sandbox = Sandbox::new();
    let Some(seen) = scenario.run(&sandbox, &all.checks) else {
        return;
    };
    let golden = text_of(&format!("golden/{name}.jsonl"));
    let golden = lines(&golden);
    let written = sandbox.read("work/golden.jsonl");
    let written = lines(&written);
    let differences: Vec<Difference> = load("differences.json");
    let mut expected = 0;
    let mut broken = 0;
    for theirs in &golden {
        let result = theirs.name();
        let check = theirs
            .check
            .clone()
            .or_else(|| Some(all.checks.iter().find(|(_, name)| **name == *result)?.0.clone()));
        let difference = differences
            .iter()
            .find(|each| each.scenario == name && Some(&each.check) == check.as_ref());
        let words = difference.map(|each| &each.ours).or(theirs.breaks.as_ref());
        if let Some(words) = words {
            let why = difference.map_or("the check itself is broken", |each| &each.why);
            assert!(
                seen.stderr.contains(words),
                "no word of `{words}` ({why})\n{seen}"
            );
            broken += 1;
            continue;
        }
        let ours = written.iter().find(|ours| ours.name() == result);
        let ours = ours.unwrap_or_else(|| panic!("{name}: no Result {result}\n{seen}"));
        assert_eq!(
            ours.result_description, theirs.result_description,
            "{name}: {result}"
        );
        let (left, right) = (ours.details.unwrap().get(), theirs.details.unwrap().get());
        assert_eq!(left, right, "{name}: details of {result}");
        assert_eq!(ours.formatted, theirs.formatted, "{name}: {result}");
        expected += 1;
    }
    assert_eq!(
        written.len(),
        expected,
        "{name}: Results that the original has not\n{seen}"
    );
    seen.exits(if broken == 0 { 0 } else { 4 });
    files_are_the_same(name, &sandbox);
}

/// Compares what the file outputs wrote, where the scenario has them.
fn files_are_the_same(name: &str, sandbox: &Sandbox) {
    let path = format!("golden/{name}.files.json");
    if !original(&path).is_file() {
        return;
    }
    let files: Map<String, Value> = load(&path);
    for (path, text) in files {
        let (ours, theirs) = (
            sandbox.read(&format!("work/findings/{path}")),
            text.as_str().unwrap(),
        );
        if path.ends_with(".json") {
            // Letters may be escaped; order and numbers are compared by the Results themselves.
            let [ours, theirs]: [Value; 2] = [&ours, theirs].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(ours, theirs, "{path}");
        } else {
            assert_eq!(ours, theirs, "{path}");
        }
    }
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)+) => {
        $(
            #[test]
            fn $test() {
                same_as_the_original($name);
            }
        )+

        #[test]
        fn every_scenario_has_its_test() {
            let all: Scenarios = load("scenarios.json");
            let names: Vec<_> = all.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            assert_eq!(names, [$($name),+]);
        }
    };
}

scenarios! {
    findings_at_pinned_dates: "rich",
    thresholds_on_the_command_line: "rich-arguments",
    thresholds_in_a_file: "rich-file",
    thresholds_in_the_environment: "rich-environment",
    data_without_findings: "nothing",
    empty_data: "empty",
    data_without_keys: "missing",
    a_check_that_meets_what_it_cannot_compare: "odd",
    inputs_assistants_and_outputs: "flow",
}

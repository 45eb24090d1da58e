//! Every published check on the data of `tests/original`, compared with what the original said of it, byte by byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::cloud::Cloud;
use super::compatibility::{Claim, claim};
use crate::support::{Sandbox, Seen, packages, repository};

macro_rules! claims {
    ($($check:literal: $says:literal,)+) => {
        &[$(claim!($check, "the data of `tests/original`", $says, findings_at_pinned_dates)),+]
    };
}

pub(super) const CLAIMS: &[Claim] = claims! {
    "idle_instances": "same",
    "ec2_old_snapshots": "same",
    "stray_ebs": "same",
    "unattached_eips": "same",
    "object_last_modified": "same; without objects it fails and says so, where the original broke",
    "storage_class_usage": "same; without buckets it fails and says so, where the original found nothing",
    "unused_buckets": "same",
    "empty_zones": "same",
    "console_access": "same",
    "mfa_enabled": "same",
    "overdue_api_keys": "same",
    "unused_policies": "same",
    "high_error_rate": "same; what it leaves out of its text makes it incomplete",
    "inactive_load_balancers": "same",
    "low_request_count": "same",
    "no_healthy_targets": "same",
    "empty_storage": "same",
    "rds_idle": "same",
    "rds_old_snapshots": "same",
    "scaling_down": "same",
    "efs_high_percentiolimit": "same; what it leaves out of its text makes it incomplete",
};

/// Checks that log an error about items of the data that they cannot show, which makes them incomplete.
const COMPLAIN: [&str; 2] = ["high_error_rate", "efs_high_percentiolimit"];

/// The published outputs that write files.
const FILE_OUTPUTS: [&str; 2] = ["json_out", "text_out"];

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
    /// Whether the published providers gather from a mock of AWS, rather than fixtures from files.
    fn is_cloud(&self) -> bool {
        self.data.is_empty()
    }

    /// Whether it has outputs that write a file for each Result, kept beside the Results themselves.
    fn writes_files(&self) -> bool {
        self.outputs
            .iter()
            .any(|output| FILE_OUTPUTS.contains(&output.as_str()))
    }

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
        let mut folders = vec!["fixtures/plugins"];
        if !self.is_cloud() {
            folders.push("fixtures/providers");
            let data = original("fixtures/data").join(&self.data);
            file.insert("fixture_data".into(), json!(data));
        }
        let file = sandbox.write("work/settings.json", &Value::Object(file).to_string());
        let mut args = vec![
            "--modules".to_owned(),
            stages.join("-"),
            format!("--config={}", file.display()),
            "--plugin_dir".to_owned(),
        ];
        args.extend(
            folders
                .iter()
                .map(|folder| original(folder).display().to_string()),
        );
        for (name, value) in &self.arguments {
            args.extend([format!("--{name}"), value.clone()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = sandbox.binary(&args);
        let cloud = self.is_cloud().then(|| Cloud::filled(&python));
        if let Some(cloud) = &cloud {
            command.envs(cloud.variables());
        }
        command
            .env("OPSBOX_PYTHON", python)
            .env("TZ", "UTC")
            .envs(&self.environment);
        Some(sandbox.finish(&args, &mut command))
    }
}

/// Runs a scenario and compares all that comes out of it.
pub(super) fn same_as_the_original(name: &str) {
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
    for line in seen.stderr.lines().filter(|line| line.starts_with("incomplete ")) {
        let known = COMPLAIN.iter().find(|check| line.contains(*check));
        assert!(known.is_some(), "{name}: {line}\n{seen}");
        broken += 1;
    }
    seen.exits(if broken == 0 { 0 } else { 4 });
    files_are_the_same(scenario, &sandbox);
}

/// Compares what the file outputs wrote, where the scenario has them.
fn files_are_the_same(scenario: &Scenario, sandbox: &Sandbox) {
    let path = format!("golden/{}.files.json", scenario.name);
    if !scenario.writes_files() {
        assert!(
            !original(&path).exists(),
            "{path}: the scenario has no output that writes files"
        );
        return;
    }
    let files: Map<String, Value> = load(&path);
    assert!(!files.is_empty(), "{path}: no files");
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
            let names = all.scenarios.iter().map(|scenario| scenario.name.as_str());
            // The last one is the test of the providers.
            assert!(names.eq([$($name,)+ "cloud"]));
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

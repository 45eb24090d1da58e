//! Unit tests of policies: every `test_` rule on its own, so that one without a value fails, and the lines they reached.

use std::time::{Duration, Instant};

use regorus::{Engine, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::check::{config, language};
use super::engine::{Options, add_policy, engine, evaluate, failure, rule_path};
use super::error::{Place, RegoError};
use super::findings;
use super::outline::{self, Rule};

/// Policies and their tests.
#[derive(Debug, Deserialize)]
pub struct Suite {
    /// All files of the folder, tests and what they test.
    pub files: Vec<SuiteFile>,
    /// Seen by the policies as `data.config`.
    #[serde(default)]
    pub config: Option<Box<RawValue>>,
    /// The version of the language: 0 or 1.
    #[serde(default = "one")]
    pub version: u8,
    /// Whether an error in a built-in function fails a test; else it is undefined.
    #[serde(default = "yes")]
    pub strict: bool,
    /// Only tests whose name or package holds this text.
    #[serde(default)]
    pub filter: Option<String>,
    /// How long one test may take, in milliseconds; absent: ten seconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

fn one() -> u8 {
    1
}

fn yes() -> bool {
    true
}

/// One policy file.
#[derive(Debug, Deserialize)]
pub struct SuiteFile {
    /// How messages name it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What the tests gave.
#[derive(Debug, Serialize)]
pub struct Outcomes {
    /// Every test, in the order of files and lines.
    pub tests: Vec<Outcome>,
    /// The lines that the tests reached, by file; files named `…_test.rego` are left out.
    pub coverage: Vec<Coverage>,
}

/// What one test gave.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The rule's name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// How it ended.
    pub outcome: Verdict,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prints: Vec<String>,
    /// How long it took, in milliseconds.
    pub ms: f64,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The rule is true.
    Pass,
    /// The rule is anything else, or undefined.
    Fail,
    /// The rule could not be evaluated.
    Error,
}

/// The lines of a file that hold an expression, each counted from 1.
#[derive(Debug, Serialize)]
pub struct Coverage {
    /// The file.
    pub file: String,
    /// Lines that a test evaluated.
    pub covered: Vec<u32>,
    /// Lines that none did.
    pub not_covered: Vec<u32>,
}

/// Runs the tests of a suite. A suite without tests gives an empty list; whether that is an error is the caller's to say.
///
/// # Errors
/// [`RegoError`] where a file cannot be parsed or the configuration read; then no test was run.
pub fn run(suite: &Suite) -> Result<Outcomes, RegoError> {
    let time = Duration::from_millis(suite.timeout_ms.filter(|limit| *limit > 0).unwrap_or(10_000));
    let options = Options {
        version: language(suite.version),
        strict: suite.strict,
        time: Some(time),
    };
    let mut engine = engine(options);
    for file in &suite.files {
        add_policy(&mut engine, &file.file, &file.text)?;
    }
    engine.set_execution_timer_config(super::engine::timer(time));
    engine.set_enable_coverage(true);
    let mut data = Value::new_object();
    if let Ok(fields) = data.as_object_mut() {
        fields.insert(Value::from("config"), config(suite.config.as_deref())?);
    }
    engine.add_data(data).map_err(|error| RegoError::Data {
        what: "the tests' configuration",
        why: error.to_string(),
    })?;
    let packages: Vec<(String, Vec<String>)> = engine
        .get_policy_package_components()
        .unwrap_or_default()
        .into_iter()
        .map(|package| (package.source_file.to_string(), package.components))
        .collect();
    let mut runner = Runner {
        suite,
        engine,
        packages,
        time,
    };
    let tests = runner.tests();
    let tests = tests.iter().map(|test| runner.run(test)).collect();
    Ok(Outcomes {
        tests,
        coverage: coverage(&runner.engine),
    })
}

struct Runner<'a> {
    suite: &'a Suite,
    engine: Engine,
    packages: Vec<(String, Vec<String>)>,
    time: Duration,
}

/// A test and how often its package defines it.
struct Test {
    rule: Rule,
    package: Vec<String>,
    others: Vec<String>,
}

impl Runner<'_> {
    /// Lists the tests; a name that a package defines twice is one test, which fails.
    fn tests(&self) -> Vec<Test> {
        let mut tests: Vec<Test> = Vec::new();
        for rule in outline::rules(&self.engine) {
            if !rule.name.starts_with("test_") || rule.is_function || rule.is_default {
                continue;
            }
            let package = self.package_of(&rule.file);
            if let Some(first) = tests
                .iter_mut()
                .find(|test| test.rule.name == rule.name && test.package == package)
            {
                first.others.push(format!("{}:{}", rule.file, rule.line));
            } else {
                tests.push(Test {
                    rule,
                    package,
                    others: Vec::new(),
                });
            }
        }
        if let Some(filter) = &self.suite.filter {
            tests.retain(|test| rule_path(&test.package, &test.rule.name).contains(filter.as_str()));
        }
        tests
    }

    fn package_of(&self, file: &str) -> Vec<String> {
        self.packages
            .iter()
            .find(|(name, _)| name == file)
            .map(|(_, package)| package.clone())
            .unwrap_or_default()
    }

    fn run(&mut self, test: &Test) -> Outcome {
        let started = Instant::now();
        let value = evaluate(&mut self.engine, &rule_path(&test.package, &test.rule.name));
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let (outcome, message) = if test.others.is_empty() {
            self.judge(test, value)
        } else {
            let others = test.others.join(", ");
            (
                Verdict::Error,
                Some(format!(
                    "the test is defined again at {others}; one could hide the other, rename it"
                )),
            )
        };
        Outcome {
            name: test.rule.name.clone(),
            file: test.rule.file.clone(),
            line: test.rule.line,
            outcome,
            message,
            prints: self.engine.take_prints().unwrap_or_default(),
            ms: (ms * 1000.0).round() / 1000.0,
        }
    }

    fn judge(&self, test: &Test, value: Result<Value, String>) -> (Verdict, Option<String>) {
        let text = self.text_of(&test.rule.file);
        let place = Place::line(&test.rule.file, text, test.rule.line, None);
        match value {
            Ok(Value::Bool(true)) => (Verdict::Pass, None),
            Ok(Value::Undefined) => (
                Verdict::Fail,
                Some(format!(
                    "{place}: undefined: an expression of its body is false or has no value"
                )),
            ),
            Ok(other) => (
                Verdict::Fail,
                Some(format!(
                    "{place}: it must be true, it is {}",
                    findings::kind(&other)
                )),
            ),
            Err(error) => {
                // The error may lie in any file of the suite; its text names it.
                let file = self
                    .suite
                    .files
                    .iter()
                    .find(|file| error.contains(&format!("--> {}:", file.file)));
                let (file, text) = file.map_or((test.rule.file.as_str(), text), |file| {
                    (file.file.as_str(), file.text.as_str())
                });
                let error = failure(file, text, &error, Some(self.time)).or_at(|| place, &test.rule.name);
                (Verdict::Error, Some(format!("{error}; {}", error.hint())))
            }
        }
    }

    fn text_of(&self, file: &str) -> &str {
        self.suite
            .files
            .iter()
            .find(|candidate| candidate.file == file)
            .map_or("", |file| file.text.as_str())
    }
}

fn coverage(engine: &Engine) -> Vec<Coverage> {
    let Ok(report) = engine.get_coverage_report() else {
        return Vec::new();
    };
    let files = report
        .files
        .into_iter()
        .filter(|file| !file.path.ends_with("_test.rego"));
    files
        .map(|file| Coverage {
            file: file.path,
            covered: file.covered.into_iter().collect(),
            not_covered: file.not_covered.into_iter().collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests;

//! Cases: data in `NAME.input.json`, and beside the check in `tests/NAME.expected.json` what the check is to say of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value};

use super::compare::differences;
use super::coverage::Coverage;
use super::expected::{self, Expected, Outcome as Says, Said};
use super::report::{Kind, Outcome, Test};
use super::worker::{Evaluator, Examined};
use crate::bounded::{MOST_DATA, read_text};
use crate::config;
use crate::error::{Failure, Fault};
use crate::manifest::{Manifest, Policy};
use crate::plugin::ResultSlice;
use crate::report::record::GapRecord;
use crate::store::Exported;
use crate::store::exported::DATA;

/// The folder of a check's cases.
const FOLDER: &str = "tests";

/// Data that lies elsewhere: `--data`.
pub(super) enum Data {
    /// What was exported of a run: one case, by the name of its folder.
    Exported { name: String, exported: Exported },
    /// A folder with files as a check's own.
    Plain(PathBuf),
}

impl Data {
    /// Reads a folder of `--data`.
    ///
    /// # Errors
    /// A usage failure where there is no data in it.
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        if Exported::is_at(folder) {
            let exported = Exported::open(folder).map_err(Failure::usage)?;
            // The name that the folder has, also where it is written as `..`.
            let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
            let Some(name) = real.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                let fault = Fault::new(format!(
                    "`{}` has no name that a case could have",
                    folder.display()
                ));
                return Err(Failure::usage(
                    fault.hint("move the files to a folder of their own"),
                ));
            };
            return Ok(Self::Exported { name, exported });
        }
        if files(folder, DATA)?.is_empty() {
            let fault = Fault::new(format!("no `*{DATA}` in `{}`", folder.display()))
                .hint("give a folder that `opsbox runs export` made, or one with such files");
            return Err(Failure::usage(fault));
        }
        Ok(Self::Plain(folder.to_owned()))
    }
}

/// One case of a check.
pub(super) struct Case {
    name: String,
    input: Input,
    expected: PathBuf,
}

/// The data of a case.
#[derive(Clone)]
struct Input {
    /// The file with the data, or why there is none.
    file: Result<PathBuf, String>,
    /// What the run could not look at when it gathered the data, as far as it touches the check.
    gaps: Vec<String>,
}

impl Input {
    fn whole(file: PathBuf) -> Self {
        Self {
            file: Ok(file),
            gaps: Vec::new(),
        }
    }

    fn missing(why: String) -> Self {
        Self {
            file: Err(why),
            gaps: Vec::new(),
        }
    }
}

/// Returns whether a check's folder has cases of its own.
pub(super) fn has_own(folder: &Path) -> bool {
    let folder = folder.join(FOLDER);
    [DATA, expected::ENDING]
        .iter()
        .any(|ending| files(&folder, ending).is_ok_and(|files| !files.is_empty()))
}

/// Returns the cases of a check, by name.
///
/// # Errors
/// A usage failure where two have one name, or a folder cannot be read.
pub(super) fn of_check(folder: &Path, manifest: &Manifest, data: &[Data]) -> Result<Vec<Case>, Failure> {
    let own = folder.join(FOLDER);
    let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
    let mut add = |name: String, input: Input| {
        let first = inputs.insert(name.clone(), input.clone());
        if let Some(Input { file: Ok(first), .. }) = first {
            let second = input
                .file
                .map_or_else(|why| why, |path| path.display().to_string());
            let what = format!(
                "two cases of `{}` are called `{name}`: {}, {second}",
                manifest.name,
                first.display()
            );
            return Err(Failure::usage(Fault::new(what).hint("rename one of them")));
        }
        Ok(())
    };
    for (name, path) in files(&own, DATA)? {
        add(name, Input::whole(path))?;
    }
    for data in data {
        match data {
            Data::Plain(folder) => {
                for (name, path) in files(folder, DATA)? {
                    add(name, Input::whole(path))?;
                }
            }
            Data::Exported { name, exported } => {
                let mut providers = manifest.uses.iter();
                let Some(provider) = providers.find_map(|name| exported.provider(name)) else {
                    continue;
                };
                let file = exported.file(provider).map_err(Failure::usage)?;
                let none = || format!("run {} has no data of `{}`", exported.index.run, provider.plugin);
                let gaps = provider.step.iter().flat_map(|step| &step.gaps);
                let gaps = gaps.filter(|gap| manifest.check.is_touched(gap.section.as_deref()));
                let input = Input {
                    file: file.ok_or_else(none),
                    gaps: gaps.map(GapRecord::line).collect(),
                };
                add(name.clone(), input)?;
            }
        }
    }
    for (name, path) in files(&own, expected::ENDING)? {
        let none = || {
            Input::missing(format!(
                "there is no data for it: put `{name}{DATA}` beside `{}`, or name its folder with `--data`",
                path.display()
            ))
        };
        inputs.entry(name.clone()).or_insert_with(none);
    }
    let case = |(name, input): (String, Input)| Case {
        expected: own.join(format!("{name}{}", expected::ENDING)),
        name,
        input,
    };
    Ok(inputs.into_iter().map(case).collect())
}

impl Case {
    /// Has the check say what it finds, and compares that with what is expected; with `update` what it finds is written down.
    pub(super) async fn run(
        &self,
        manifest: &Manifest,
        evaluator: &mut Evaluator<'_>,
        coverage: &mut Coverage,
        update: bool,
    ) -> Test {
        let since = Instant::now();
        let (outcome, message) = match self.judge(manifest, evaluator, coverage, update).await {
            Ok(outcome) => (outcome, self.gaps().filter(|_| outcome == Outcome::Wrote)),
            Err((outcome, message)) => (outcome, Some(message)),
        };
        Test {
            kind: Kind::Case,
            name: format!("{} {}", manifest.name, self.name),
            file: self.expected.display().to_string(),
            line: None,
            outcome,
            message,
            ms: since.elapsed().as_secs_f64() * 1000.0,
        }
    }

    async fn judge(
        &self,
        manifest: &Manifest,
        evaluator: &mut Evaluator<'_>,
        coverage: &mut Coverage,
        update: bool,
    ) -> Result<Outcome, (Outcome, String)> {
        let bad = |why: String| (Outcome::Error, why);
        let expected = Expected::read(&self.expected).map_err(bad)?.unwrap_or_default();
        let input = self.input.file.as_ref().map_err(|why| bad(why.clone()))?;
        let unusable = |why: String| bad(format!("cannot use `{}`: {why}", input.display()));
        let (text, _) = read_text(input, MOST_DATA).map_err(unusable)?;
        let data = ResultSlice::of_document(&text, "file").map_err(unusable)?;
        if let Some(why) = fault_of(manifest, &expected.config) {
            return Err(bad(why));
        }
        let examined = evaluator.examine(manifest, &expected.config, &data).await;
        let examined = examined.map_err(|error| bad(told(error.fault(&manifest.name))))?;
        if let Some(Policy::File(policy)) = manifest.rego.as_ref().map(|rego| &rego.policy) {
            coverage.add(policy, &examined.covered, &examined.not_covered);
        }
        let compared = compare(&examined, &expected.outcome);
        let Err((outcome, why)) = compared.and_then(|()| self.compare_gaps(expected.incomplete)) else {
            return Ok(Outcome::Pass);
        };
        // An error is never taken for what is meant; somebody has to write that.
        let Some(answer) = examined.answer.as_ref().filter(|_| update) else {
            return Err((outcome, why));
        };
        let said = Said {
            config: &expected.config,
            incomplete: !self.input.gaps.is_empty(),
            findings: answer.applies.then_some(&*answer.result.details),
        };
        said.write(&self.expected).map_err(|fault| bad(fault.message))?;
        Ok(Outcome::Wrote)
    }

    /// Returns what the run could not look at, for people; `None` where it looked at all.
    fn gaps(&self) -> Option<String> {
        let gaps = &self.input.gaps;
        let first = gaps.first()?;
        let more = match gaps.len() {
            1 => String::new(),
            n => format!(", and {} more", n - 1),
        };
        Some(format!("the run saw only part of the data: {first}{more}"))
    }

    /// Compares whether all was looked at: in a run, findings of a part are `incomplete`, and none of them are no all-clear.
    fn compare_gaps(&self, incomplete: bool) -> Result<(), (Outcome, String)> {
        match self.gaps() {
            Some(gaps) if !incomplete => Err((
                Outcome::Fail,
                format!("{gaps}\nwhat is said of a part is `\"incomplete\": true`"),
            )),
            None if incomplete => Err((
                Outcome::Fail,
                "it sees all of its data, and `\"incomplete\": true` is expected".into(),
            )),
            _ => Ok(()),
        }
    }
}

/// Compares what a check says with what it is to say.
fn compare(examined: &Examined, expected: &Says) -> Result<(), (Outcome, String)> {
    let failed = |why: String| Err((Outcome::Fail, why));
    let answer = match (&examined.error, expected) {
        (Some(refused), Says::Error(text)) if refused.message.contains(text) => return Ok(()),
        (Some(refused), Says::Error(text)) => {
            return failed(format!(
                "it fails otherwise than with `{text}`: {}",
                refused.message
            ));
        }
        (Some(refused), _) => {
            return Err((
                Outcome::Error,
                format!(
                    "{}\n{}; if it is to fail with this data, write `{{\"error\": \"a part of the message\"}}`",
                    refused.message, refused.hint
                ),
            ));
        }
        (None, _) => examined.answer.as_ref(),
    };
    let Some(answer) = answer else {
        return failed("the policy gave neither an answer nor an error".into());
    };
    let found: Value = serde_json::from_str(answer.result.details.get()).unwrap_or_default();
    match expected {
        Says::Open => Err((
            Outcome::Error,
            "nothing says what is expected; `--update` writes down what the check finds now: look at it before you keep it".into(),
        )),
        Says::Error(text) => failed(format!("it does not fail, and should with `{text}`")),
        Says::NotApplicable if answer.applies => failed(format!("it applies, and finds {}", counted(&found))),
        Says::NotApplicable => Ok(()),
        Says::Findings(_) if !answer.applies => failed("it does not apply to this data".into()),
        Says::Findings(expected) => match differences(expected, &found, &examined.sets) {
            told if told.is_empty() => Ok(()),
            told => failed(told.join("\n")),
        },
    }
}

fn counted(found: &Value) -> String {
    match opsbox_protocol::count_findings(&found.to_string()) {
        0 => "nothing".to_owned(),
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    }
}

/// Returns a fault as lines of text.
fn told(fault: Fault) -> String {
    let lines: Vec<_> = std::iter::once(fault.message).chain(fault.hints).collect();
    lines.join("\n")
}

/// Returns what is wrong with the configuration of a case.
fn fault_of(manifest: &Manifest, config: &Map<String, Value>) -> Option<String> {
    let schema = manifest.config_schema.as_ref()?;
    let properties = schema.get("properties").and_then(Value::as_object);
    let declares = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
    if let Some(name) = config.keys().find(|name| !declares(name)) {
        return Some(format!(
            "`config`: `{}` declares no field `{name}`",
            manifest.name
        ));
    }
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|name| !config.contains_key(*name));
    if let Some(name) = missing {
        return Some(format!("the field `{name}` must be set: under `config`"));
    }
    let faults = config::faults_of(schema, config).ok()?;
    let (name, wanted) = faults.into_iter().next()?;
    Some(format!("`config`: `{name}` {wanted}"))
}

/// Returns the files of a folder with this ending, by what stands before it; none where there is no such folder.
fn files(folder: &Path, ending: &str) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => {
            let fault = Fault::new(format!("cannot read `{}`: {error}", folder.display()));
            return Err(Failure::usage(fault));
        }
    };
    let of = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
        (!name.is_empty()).then_some((name, path))
    };
    Ok(entries.flatten().filter_map(|entry| of(entry.path())).collect())
}

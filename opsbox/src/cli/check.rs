//! `opsbox check`: a Rego check against a file, and unit tests of policies. Evaluation happens in a child, as in a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opsbox_protocol::Expect;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::signals;
use crate::error::{Failure, Fault, Kind};
use crate::halt::HaltSeen;
use crate::manifest::Manifest;
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, Reply, ResultSlice, Session, SessionContext};
use crate::run::rego::{Verdict, check_request, of_policy, patience, read_verdict};
use crate::ui::Ui;

/// A check, or a policy that stands for one.
pub struct Evaluation<'a> {
    /// The check's manifest.
    pub manifest: &'a Manifest,
    /// The fields that somebody set.
    pub config: Map<String, Value>,
    /// The JSON file: a provider's details, or a whole Result.
    pub input: PathBuf,
    /// The limit for the policy.
    pub limit: Duration,
}

/// Evaluates a check on a file and returns the Result; `None` where the check does not apply.
///
/// # Errors
/// What is wrong with the file or the policy.
pub async fn eval(
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    evaluation: Evaluation<'_>,
) -> Result<Option<ResultSlice>, Failure> {
    let data = read_input(&evaluation.input)?;
    let failed = |error: PluginError| Failure::run(error.fault(&evaluation.manifest.name));
    let (ctx, interrupts) = signals::guarded(ctx, ui, signals::OF_A_QUESTION);
    let started = worker(ui, &ctx, interrupts.halt()).await;
    interrupts.check()?;
    let mut session = started.map_err(failed)?;
    let answer = async {
        let head = Bytes::from_static(b"{\"provider\":\"file\",\"data\":");
        let pieces = vec![head, data.bytes.clone(), Bytes::from_static(b"}")];
        session
            .request("x-opsbox/rego/data", Expect::Raw, pieces)
            .await
            .answer?;
        let request = check_request(
            evaluation.manifest,
            &evaluation.config,
            &data,
            true,
            evaluation.limit,
        )?;
        let total = patience(evaluation.limit);
        let outcome = session
            .request_within("x-opsbox/rego/check", Expect::Raw, vec![request.into()], total)
            .await;
        outcome.answer.and_then(read_verdict)
    }
    .await;
    session.stop().await;
    interrupts.check()?;
    let file = evaluation.manifest.rego.as_ref().map_or("", |rego| &rego.file);
    let Verdict { result, .. } = answer.map_err(|error| failed(of_policy(error, file)))?;
    Ok(result)
}

/// Makes a check of a policy file alone, with the defaults of a manifest.
///
/// # Errors
/// Where the policy cannot be read.
pub fn manifest_of_policy(path: &Path) -> Result<Manifest, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = fs::read_to_string(folder.join("manifest.toml")).unwrap_or_default();
    let file = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if text.contains(&format!("\"{file}\"")) {
        return Manifest::from_file(&folder.join("manifest.toml")).map_err(|bad| Failure {
            kind: Kind::Usage,
            faults: bad.faults,
        });
    }
    if !path.is_file() {
        return Err(Failure::usage(Fault::new(format!(
            "no policy at `{}`",
            path.display()
        ))));
    }
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("policy");
    let name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let quoted = Value::from(file);
    let text = format!(
        "[info]\nname = \"{name}\"\ntype = \"rego\"\nuses = [\"file\", \"rego\"]\n[rego]\nrego_file = {quoted}\n"
    );
    Manifest::from_text(&folder.join("manifest.toml"), &text).map_err(|bad| Failure {
        kind: Kind::Usage,
        faults: bad.faults,
    })
}

/// Returns a Result for people or for programs.
pub fn shown(result: &ResultSlice, json: bool) -> String {
    let text = String::from_utf8_lossy(&result.bytes);
    if json {
        return format!("{text}\n");
    }
    let formatted = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|result| Some(result.get("formatted")?.as_str()?.to_owned()));
    formatted.map_or_else(
        || format!("{text}\n"),
        |formatted| crate::ui::text::clean_lines(&formatted) + "\n",
    )
}

/// Reads a JSON file and makes a Result of it, unless it is one.
fn read_input(path: &Path) -> Result<ResultSlice, Failure> {
    let fault = |why: String| {
        Failure::usage(
            Fault::new(format!("`--input {}`: {why}", path.display()))
                .hint("give a JSON file: a provider's details, or a Result as `json_out` writes it"),
        )
    };
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let value: &serde_json::value::RawValue =
        serde_json::from_str(&text).map_err(|error| fault(format!("not valid JSON: {error}")))?;
    // A message is one line; in valid JSON a raw line end stands between tokens only, where a blank does as well.
    let line = value.get().replace(['\n', '\r'], " ");
    if let Ok(result) = ResultSlice::parse(Bytes::from(line.clone())) {
        return Ok(result);
    }
    let wrapped = format!(
        r#"{{"relates_to":"file","result_name":"file","result_description":"","details":{line},"formatted":""}}"#
    );
    ResultSlice::parse(Bytes::from(wrapped)).map_err(fault)
}

async fn worker(ui: &Arc<Ui>, ctx: &SessionContext, halt: HaltSeen) -> Result<Session, PluginError> {
    let ui = Arc::clone(ui);
    let sink: crate::plugin::event::Sink = Arc::new(move |event| ui.said("rego", event));
    Session::start(SessionSpec::rego_worker("file", false, ctx), ctx, sink, halt).await
}

/// What the worker says of one test.
#[derive(Debug, Deserialize)]
struct TestOutcome {
    name: String,
    file: String,
    #[serde(default)]
    line: Option<u64>,
    outcome: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    ms: f64,
}

#[derive(Debug, Deserialize)]
struct TestReport {
    tests: Vec<TestOutcome>,
    #[serde(default)]
    coverage: Vec<Value>,
}

/// What `check test` found: text for people, the same as JSON, and whether all tests passed.
pub struct Tested {
    /// One line for each test, and a last line that counts them.
    pub text: String,
    /// The same for programs.
    pub json: Value,
    /// Whether every test passed.
    pub passed: bool,
}

/// Runs the `test_` rules of every folder below `path` that holds policies.
///
/// # Errors
/// Where there is no policy, no test, or a policy cannot be used.
pub async fn test(ui: &Arc<Ui>, ctx: &SessionContext, path: &Path, version: u8) -> Result<Tested, Failure> {
    let folders = policies(path)?;
    let mut outcomes = Vec::new();
    let mut coverage = Vec::new();
    let (ctx, interrupts) = signals::guarded(ctx, ui, signals::OF_A_QUESTION);
    for (folder, files) in folders {
        let report = test_folder(ui, &ctx, &files, version, interrupts.halt()).await;
        interrupts.check()?;
        let report = report.map_err(|error| Failure::run(error.fault(&folder.display().to_string())))?;
        outcomes.extend(report.tests);
        coverage.extend(report.coverage);
    }
    if outcomes.is_empty() {
        let fault = Fault::new(format!("no test in `{}`", path.display()))
            .hint("write rules whose names begin with `test_`, in files beside the policy");
        return Err(Failure::usage(fault));
    }
    Ok(tested(&outcomes, &coverage))
}

fn tested(outcomes: &[TestOutcome], coverage: &[Value]) -> Tested {
    let mut text = String::new();
    for test in outcomes {
        let place = test
            .line
            .map_or(test.file.clone(), |line| format!("{}:{line}", test.file));
        text.push_str(&format!(
            "{:5} {} ({place}, {:.1} ms)\n",
            test.outcome, test.name, test.ms
        ));
        for line in test.message.iter().flat_map(|message| message.lines()) {
            text.push_str(&format!("      {line}\n"));
        }
    }
    let n_passed = outcomes.iter().filter(|test| test.outcome == "pass").count();
    let n_failed = outcomes.len() - n_passed;
    text.push_str(&format!("{n_passed} passed, {n_failed} failed\n"));
    let tests: Vec<_> = outcomes
        .iter()
        .map(|test| {
            json!({
                "name": test.name, "file": test.file, "line": test.line,
                "outcome": test.outcome, "message": test.message, "ms": test.ms,
            })
        })
        .collect();
    Tested {
        text,
        json: json!({"tests": tests, "coverage": coverage}),
        passed: n_failed == 0,
    }
}

async fn test_folder(
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    files: &[PathBuf],
    version: u8,
    halt: HaltSeen,
) -> Result<TestReport, PluginError> {
    let mut texts = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| PluginError::Unreadable {
            file: file.display().to_string(),
            why: error.to_string(),
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        texts.push(json!({"file": file.display().to_string(), "text": text}));
    }
    let params = json!({"files": texts, "config": config_of(files), "version": version, "filter": null});
    let mut session = worker(ui, ctx, halt).await?;
    let outcome = session
        .request("x-opsbox/rego/test", Expect::Raw, vec![params.to_string().into()])
        .await;
    session.stop().await;
    let all = || {
        let names = files.iter().filter_map(|file| file.file_name()?.to_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let answer = outcome.answer.map_err(|error| of_policy(error, &all()));
    let Reply::Raw(bytes) = answer? else {
        return Err(shape("Results where a report of tests was expected".into()));
    };
    serde_json::from_slice(&bytes).map_err(|error| shape(error.to_string()))
}

fn shape(why: String) -> PluginError {
    PluginError::Shape {
        method: "x-opsbox/rego/test".into(),
        why,
    }
}

/// Returns the defaults of the check's own fields, so that tests need not repeat them.
fn config_of(files: &[PathBuf]) -> Map<String, Value> {
    let manifest = files
        .first()
        .and_then(|file| file.parent())
        .map(|folder| folder.join("manifest.toml"));
    let table = manifest
        .and_then(|manifest| fs::read_to_string(manifest).ok())
        .and_then(|text| toml::from_str::<Value>(&text).ok());
    let fields = table
        .as_ref()
        .and_then(|table| table.get("config"))
        .and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter_map(|(field, property)| Some((field.clone(), property.get("default")?.clone())))
        .collect()
}

/// Returns the `.rego` files below a path, by folder. Links are followed, each folder is looked at once, by its own name where it has one.
fn policies(path: &Path) -> Result<BTreeMap<PathBuf, Vec<PathBuf>>, Failure> {
    let unreadable = |path: &Path, why: String| {
        Failure::usage(Fault::new(format!("cannot read `{}`: {why}", path.display())))
    };
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    let (mut open, mut links) = (vec![path.to_owned()], Vec::new());
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop().or_else(|| links.pop()) {
        let is_policy = path.extension().is_some_and(|extension| extension == "rego");
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            // A link to nowhere is no policy.
            Err(_) if path.is_symlink() && !is_policy => continue,
            Err(error) => return Err(unreadable(&path, error.to_string())),
        };
        if meta.is_dir() {
            let own = fs::canonicalize(&path).map_err(|error| unreadable(&path, error.to_string()))?;
            if !seen.insert(own) {
                continue;
            }
            for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, error.to_string()))? {
                let entry = entry
                    .map_err(|error| unreadable(&path, error.to_string()))?
                    .path();
                let list = if entry.is_symlink() { &mut links } else { &mut open };
                list.push(entry);
            }
        } else if is_policy {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            folders.entry(folder).or_default().push(path);
        }
    }
    if folders.is_empty() {
        let fault = Fault::new(format!("no `.rego` file in `{}`", path.display()))
            .hint("give the folder of a check, or a folder of such folders");
        return Err(Failure::usage(fault));
    }
    for files in folders.values_mut() {
        files.sort();
    }
    Ok(folders)
}

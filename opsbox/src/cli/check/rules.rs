//! The `test_` rules of policies.

use std::path::PathBuf;
use std::sync::Arc;

use opsbox_protocol::Expect;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::report::{Kind, Outcome, Test};
use super::worker::worker;
use crate::bounded::read_text;
use crate::halt::HaltSeen;
use crate::plugin::{PluginError, Reply, SessionContext};
use crate::rego::scan::MOST_READ;
use crate::run::rego::of_policy;
use crate::ui::Ui;

/// What the worker says of one test.
#[derive(Debug, Deserialize)]
pub(super) struct TestOutcome {
    name: String,
    file: String,
    #[serde(default)]
    line: Option<u64>,
    outcome: Outcome,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    ms: f64,
}

/// What the worker says of the tests of a folder.
#[derive(Debug, Deserialize)]
pub(super) struct TestReport {
    pub(super) tests: Vec<TestOutcome>,
    #[serde(default)]
    pub(super) coverage: Vec<Lines>,
}

/// The lines of a policy that its tests reached, and those that they did not.
#[derive(Debug, Deserialize)]
pub(super) struct Lines {
    pub(super) file: PathBuf,
    pub(super) covered: Vec<u32>,
    pub(super) not_covered: Vec<u32>,
}

impl From<TestOutcome> for Test {
    fn from(outcome: TestOutcome) -> Self {
        Self {
            kind: Kind::Rule,
            name: outcome.name,
            file: outcome.file,
            line: outcome.line,
            outcome: outcome.outcome,
            message: outcome.message,
            ms: outcome.ms,
        }
    }
}

/// Runs the tests of a folder's policies.
///
/// # Errors
/// Where a policy cannot be read or parsed.
pub(super) async fn run(
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    files: &[PathBuf],
    version: u8,
    halt: HaltSeen,
) -> Result<TestReport, PluginError> {
    let mut texts = Vec::new();
    for file in files {
        let (text, _) = read_text(file, MOST_READ).map_err(|why| PluginError::Unreadable {
            file: file.display().to_string(),
            why,
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
        .and_then(|manifest| read_text(&manifest, MOST_READ).ok())
        .and_then(|(text, _)| toml::from_str::<Value>(&text).ok());
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

//! `opsbox check eval`: one check on one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opsbox_protocol::Expect;
use serde_json::{Map, Value, json};

use super::worker::{POLICY_LIMIT, worker};
use crate::bounded::{MOST_DATA, read_given, read_text};
use crate::cli::dispatch::{Looked, look, wanted};
use crate::cli::host::Own;
use crate::cli::request::CheckEval;
use crate::cli::signals;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;
use crate::plugin::{PluginError, ResultSlice, SessionContext, compact, launch};
use crate::redact::{self, Redactor, Secrets};
use crate::rego::scan::MOST_READ;
use crate::run::rego::{Verdict, Want, check_request, of_policy, patience, read_verdict};
use crate::ui::Ui;
use crate::ui::text::clean_lines;

/// Evaluates a check on a file, shows the Result without secrets and returns the exit code.
///
/// # Errors
/// What is wrong with the check, its configuration, the file or the policy.
pub(in crate::cli) async fn eval(
    own: &Own,
    ui: &Arc<Ui>,
    query: &CheckEval,
    json: bool,
) -> Result<u8, Failure> {
    let Looked {
        catalog,
        ctx,
        settings,
    } = look(own, ui, &query.flags)?;
    let manifest = if query.check.ends_with(".rego") {
        Arc::new(manifest_of_policy(
            &own.environ.absolute(Path::new(&query.check)),
        )?)
    } else {
        catalog.find(&query.check).map_err(Failure::usage)?
    };
    if manifest.rego.is_none() {
        let what = format!("`{}` has no policy: it is no Rego check", manifest.name);
        let fault = Fault::new(what).hint("see which there are with `opsbox plugins list --type rego`");
        return Err(Failure::usage(fault));
    }
    let schemas = [manifest.config_schema.clone().unwrap_or_else(|| json!({}))];
    let manifests = [Arc::clone(&manifest)];
    let mut resolution = settings.resolve(&wanted(&manifests, &schemas));
    if !resolution.faults.is_empty() {
        return Err(Failure {
            kind: Kind::Usage,
            faults: resolution.faults,
        });
    }
    let seen = launch::seen_by([&*manifest], &ctx);
    let variables = seen.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    ctx.secrets.set(Redactor::of_run(&resolution.plugins, variables));
    let evaluation = Evaluation {
        manifest: &manifest,
        config: resolution.plugins.remove(0).values,
        input: own.environ.absolute(&query.input),
        limit: manifest
            .timeouts
            .hook_total
            .or(query.flags.timeout)
            .unwrap_or(POLICY_LIMIT),
    };
    let evaluated = evaluate(ui, &ctx, evaluation).await;
    let evaluated = evaluated.map_err(|failure| Failure {
        faults: failure
            .faults
            .into_iter()
            .map(|fault| ctx.secrets.fault(fault))
            .collect(),
        ..failure
    })?;
    match evaluated {
        None => ui.note("the check does not apply to this input"),
        Some(result) if json => ui.json(&text(&result, &ctx.secrets)),
        Some(result) => ui.results(&shown(&result, &ctx.secrets)),
    }
    Ok(0)
}

/// A check, or a policy that stands for one.
struct Evaluation<'a> {
    /// The check's manifest.
    manifest: &'a Manifest,
    /// The fields that somebody set.
    config: Map<String, Value>,
    /// The JSON file: a provider's details, or a whole Result.
    input: PathBuf,
    /// The limit for the policy.
    limit: Duration,
}

/// Evaluates a check on a file and returns the Result; `None` where the check does not apply.
///
/// # Errors
/// What is wrong with the file or the policy.
async fn evaluate(
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
            Want::Text,
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
pub(super) fn manifest_of_policy(path: &Path) -> Result<Manifest, Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let text = read_text(&folder.join("manifest.toml"), MOST_READ);
    let text = text.map_or_else(|_| String::new(), |(text, _)| text);
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

/// Returns a Result's own text, on one line.
fn text(result: &ResultSlice, secrets: &Secrets) -> String {
    let text = String::from_utf8_lossy(&result.bytes);
    match secrets.get() {
        Some(redactor) => compact(&redact::json(&text, Some(redactor), &[]).text) + "\n",
        None => format!("{text}\n"),
    }
}

/// Returns a Result for people.
fn shown(result: &ResultSlice, secrets: &Secrets) -> String {
    let text = text(result, secrets);
    let formatted = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|result| Some(result.get("formatted")?.as_str()?.to_owned()));
    formatted.map_or(text, |formatted| clean_lines(&formatted) + "\n")
}

/// Reads a JSON file and makes a Result of it, unless it is one.
fn read_input(path: &Path) -> Result<ResultSlice, Failure> {
    let fault = |why: String| {
        Failure::usage(
            Fault::new(format!("`--input {}`: {why}", path.display()))
                .hint("give a JSON file: a provider's details, or a Result as `json_out` writes it"),
        )
    };
    let text = read_given(path, MOST_DATA).map_err(fault)?;
    ResultSlice::of_document(&text, "file").map_err(fault)
}

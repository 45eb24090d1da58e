//! What is asked of a Rego worker, and what it answers.

use std::time::Duration;

use opsbox_protocol::code;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::manifest::{Manifest, Policy};
use crate::plugin::{PluginError, Reply, ResultSlice};

#[derive(Serialize)]
struct CheckParams<'a> {
    check: CheckFacts<'a>,
    timeout_ms: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    examine: bool,
}

#[derive(Serialize)]
struct CheckFacts<'a> {
    name: &'a str,
    file: &'a str,
    policy: &'a str,
    version: Option<u8>,
    rule: &'a str,
    strict: bool,
    config: &'a Map<String, Value>,
    severity: Option<&'a str>,
    remediation: Option<&'a str>,
    relates_to: &'a str,
    description: &'a str,
    format: bool,
}

/// What is wanted of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A Result for code that goes on with it.
    Data,
    /// A Result with a text for people.
    Text,
    /// Whatever comes of it, and the lines of the policy that were reached.
    Examination,
}

/// The verdict on the wire; the Result stays a slice of its line.
#[derive(Deserialize)]
struct Answered<'a> {
    applies: bool,
    #[serde(default)]
    findings: u64,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

/// What a check found.
#[derive(Debug)]
pub struct Verdict {
    /// How many findings there are.
    pub findings: u64,
    /// The Result; `None` where the check does not apply.
    pub result: Option<ResultSlice>,
}

/// Reads the worker's answer to a check.
///
/// # Errors
/// Where the answer has not the shape of a verdict.
pub fn read_verdict(reply: Reply) -> Result<Verdict, PluginError> {
    let Reply::Raw(line) = reply else {
        return Err(shape("not raw"));
    };
    let answered: Answered<'_> = serde_json::from_slice(&line).map_err(|error| shape(&error.to_string()))?;
    let result = match answered.result {
        _ if !answered.applies => None,
        Some(raw) => {
            Some(ResultSlice::parse(line.slice_ref(raw.get().as_bytes())).map_err(|why| shape(&why))?)
        }
        None => return Err(shape("no Result")),
    };
    Ok(Verdict {
        findings: answered.findings,
        result,
    })
}

/// Returns the parameters of `x-opsbox/rego/check`, an object without `data`.
///
/// # Errors
/// Where the manifest has no policy, or it cannot be read.
pub fn check_request(
    manifest: &Manifest,
    config: &Map<String, Value>,
    kept: &ResultSlice,
    want: Want,
    limit: Duration,
) -> Result<Vec<u8>, PluginError> {
    let rego = manifest.rego.as_ref().ok_or_else(|| PluginError::Spawn {
        program: manifest.name.clone(),
        why: "its manifest has no `[rego]` table".into(),
        hint: None,
    })?;
    let policy = match &rego.policy {
        Policy::Embedded(text) => (*text).to_owned(),
        Policy::File(path) => {
            let read = crate::bounded::read_text(path, crate::rego::scan::MOST_READ);
            let (text, _) = read.map_err(|why| PluginError::Unreadable {
                file: rego.file.clone(),
                why,
            })?;
            text
        }
    };
    let config = with_defaults(manifest, config);
    // As the original did, a check with a class of its own gets its own name there and sets the rest itself.
    let relates_to = if want == Want::Data {
        &manifest.name
    } else {
        &kept.relates_to
    };
    let facts = CheckFacts {
        name: &manifest.name,
        file: &rego.file,
        // Editors on Windows put a byte order mark first.
        policy: policy.strip_prefix('\u{feff}').unwrap_or(&policy),
        version: rego.version,
        rule: &rego.rule,
        strict: rego.strict,
        config: &config,
        severity: manifest.check.severity.map(|severity| severity.name()),
        remediation: manifest.check.remediation.as_deref(),
        relates_to,
        description: rego
            .description
            .as_deref()
            .or(manifest.description.as_deref())
            .unwrap_or_default(),
        format: want == Want::Text,
    };
    let timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    serde_json::to_vec(&CheckParams {
        check: facts,
        timeout_ms,
        examine: want == Want::Examination,
    })
    .map_err(|error| shape(&error.to_string()))
}

/// Fills in the defaults of the manifest's fields: a policy has no code that could.
fn with_defaults(manifest: &Manifest, config: &Map<String, Value>) -> Map<String, Value> {
    let mut filled = Map::new();
    let properties = manifest
        .config_schema
        .as_ref()
        .and_then(|schema| schema.get("properties"));
    for (field, property) in properties.and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = property.get("default") {
            filled.insert(field.clone(), default.clone());
        }
    }
    filled.extend(config.clone());
    filled
}

/// The worker stops itself first, with the better message; the host kills it this much later.
const WORKER_GRACE: Duration = Duration::from_secs(2);

/// Returns how long to wait for a worker whose policy may take this long; a limit of zero is off.
pub fn patience(limit: Duration) -> Option<Duration> {
    (!limit.is_zero()).then(|| limit + WORKER_GRACE)
}

/// Says of the policy what the wire says of the worker that evaluates it. `file` is how messages name the policy.
pub fn of_policy(error: PluginError, file: &str) -> PluginError {
    match error {
        PluginError::Answered { body, .. } if body.code == code::CANCELLED => PluginError::Cancelled {
            method: format!("evaluate {file}"),
        },
        PluginError::Answered { body, .. } => PluginError::Policy { body },
        PluginError::Exited {
            how, guess, stderr, ..
        } => {
            let said = |words: &str| stderr.iter().any(|line| line.contains(words));
            let known = if said("overflowed its stack") {
                Some("the policy recurses without end: break the circle, or use `walk` or `graph.reachable`")
            } else if said("memory allocation") {
                Some(
                    "the policy needs more memory than it may take: narrow its data, or build no list that it does not need",
                )
            } else {
                None
            };
            PluginError::Exited {
                how,
                when: format!("while it evaluated `{file}`"),
                stderr: if known.is_some() { Vec::new() } else { stderr },
                guess: known.map(str::to_owned).or(guess),
            }
        }
        PluginError::Timeout { limit, idle, key, .. } => PluginError::Timeout {
            method: format!("evaluate {file}"),
            limit,
            idle,
            key,
        },
        other => other,
    }
}

fn shape(why: &str) -> PluginError {
    PluginError::Shape {
        method: "x-opsbox/rego/check".into(),
        why: why.to_owned(),
    }
}

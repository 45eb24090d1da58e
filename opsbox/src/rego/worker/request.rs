//! What the host asks of the worker, read off a line, and what it is told where that fails.

use std::time::Duration;

use opsbox_bulk::tree::LARGE_BYTES;
use opsbox_protocol::error::{ErrorBody, code};
use regorus::Value;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{CHECK, DATA, TEST};
use crate::rego::check::Check;
use crate::rego::data::{self, Input};
use crate::rego::error::{RegoError, shorten};
use crate::rego::testing::Suite;

/// A request, freed of the line that it came in, so that a line of many megabytes is gone before the evaluation.
pub(super) enum Job {
    Initialize(String),
    SetData(Settings),
    Activate,
    Nothing,
    Schema,
    Data(Input),
    Check(Box<Check>, Given, Option<Duration>),
    /// As `Check`; whatever comes of it is an answer, with the lines that were reached.
    Examine(Box<Check>, Given, Option<Duration>),
    Test(Suite),
}

/// What a check is to see.
pub(super) enum Given {
    /// The data that is kept.
    Kept,
    /// The data that is kept, with these keys set.
    Patched(Value),
    /// Data of its own.
    Own(Value),
}

/// The host writes the method before the parameters.
const HEAD_BYTES: usize = 256;

#[derive(Deserialize)]
struct DataParams<'a> {
    #[serde(borrow)]
    data: ResultParts<'a>,
}

/// The part of a Result that a policy sees.
#[derive(Deserialize)]
struct ResultParts<'a> {
    #[serde(borrow)]
    details: &'a RawValue,
}

#[derive(Deserialize)]
struct CheckParams<'a> {
    check: Check,
    #[serde(borrow, default)]
    data: Option<ResultParts<'a>>,
    #[serde(borrow, default)]
    patch: Option<&'a RawValue>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    examine: bool,
}

#[derive(Default, Deserialize)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) memory_bytes: Option<u64>,
    #[serde(default)]
    pub(super) opa_url: Option<String>,
    #[serde(default)]
    pub(super) authorities: Option<String>,
}

#[derive(Deserialize)]
struct SetDataParams {
    #[serde(default)]
    config: Settings,
}

#[derive(Deserialize)]
struct InitializeParams {
    plugin: String,
}

pub(super) fn schema() -> serde_json::Value {
    json!({"type": "object", "properties": {
        "memory_bytes": {"type": "integer", "minimum": 0, "description": "most address space of the worker, in bytes"},
        "opa_url": {"type": "string", "description": "the OPA server that evaluates the policies"},
        "authorities": {"type": "string", "description": "a file of certificates to trust instead of the system's"},
    }})
}

/// Reads a provider's data where they are much, and the id of the request that brings them; `None`: the line is read like any other.
pub(super) fn large_data(line: &str) -> Option<(String, Input)> {
    if line.len() < LARGE_BYTES || !line.get(..HEAD_BYTES)?.contains(DATA) {
        return None;
    }
    let message = data::message(line)?;
    let member = |value: &Value, name: &str| value.as_object().ok()?.get(&Value::from(name)).cloned();
    if member(&message, "method")? != Value::from(DATA) || member(&message, "jsonrpc")? != Value::from("2.0")
    {
        return None;
    }
    let id = member(&message, "id").filter(|id| matches!(id, Value::Number(_) | Value::String(_)))?;
    let details = member(&member(&member(&message, "params")?, "data")?, "details")?;
    Some((id.to_json_str().ok()?, Input::of(details)))
}

pub(super) fn decode(method: &str, params: Option<&RawValue>) -> Result<Job, Failure> {
    let text = params.map_or("{}", RawValue::get);
    match method {
        "initialize" => Ok(Job::Initialize(from::<InitializeParams>(text)?.plugin)),
        "grab_config" => Ok(Job::Schema),
        "set_data" => Ok(Job::SetData(from::<SetDataParams>(text)?.config)),
        "activate" => Ok(Job::Activate),
        "shutdown" => Ok(Job::Nothing),
        DATA => Ok(Job::Data(input(from::<DataParams<'_>>(text)?.data.details)?)),
        CHECK => {
            let CheckParams {
                check,
                data,
                patch,
                timeout_ms,
                examine,
            } = from(text)?;
            let given = match (data, patch) {
                (Some(data), _) => Given::Own(input(data.details)?.value),
                (None, Some(patch)) => Given::Patched(data::parse("what `inject_data` sets", patch.get())?),
                (None, None) => Given::Kept,
            };
            let time = timeout_ms.filter(|limit| *limit > 0).map(Duration::from_millis);
            let job = if examine { Job::Examine } else { Job::Check };
            Ok(job(Box::new(check), given, time))
        }
        TEST => Ok(Job::Test(from(text)?)),
        other => Err(Failure::Body(ErrorBody::new(
            code::METHOD_NOT_FOUND,
            format!("the Rego worker knows no method `{}`", shorten(other, 80)),
        ))),
    }
}

fn from<'a, T: Deserialize<'a>>(params: &'a str) -> Result<T, Failure> {
    serde_json::from_str(params).map_err(|error| {
        Failure::Body(ErrorBody::new(
            code::INVALID_PARAMS,
            format!("the parameters have the wrong shape: {error}"),
        ))
    })
}

fn input(details: &RawValue) -> Result<Input, RegoError> {
    Ok(Input::of(data::parse("the provider's data", details.get())?))
}

/// Why a request has no result.
pub(super) enum Failure {
    Rego(RegoError),
    Body(ErrorBody),
}

impl From<RegoError> for Failure {
    fn from(error: RegoError) -> Self {
        Self::Rego(error)
    }
}

impl Failure {
    pub(super) fn body(self, plugin: &str, method: &str) -> ErrorBody {
        let error = match self {
            Self::Body(body) => return body,
            Self::Rego(error) => error,
        };
        let code = match error {
            RegoError::NoData { .. } => code::NOT_READY,
            RegoError::Cancelled => code::CANCELLED,
            _ => code::HOOK_FAILED,
        };
        let mut body = ErrorBody::new(code, error.to_string());
        let mut data = json!({"origin": "plugin", "plugin": plugin, "hook": method, "hint": error.hint(), "kind": error.kind()});
        if let Some(place) = error.place() {
            data["file"] = json!(place.file);
            data["line"] = json!(place.line);
            data["column"] = json!(place.column);
            data["source"] = json!(place.source);
        }
        body.data = Some(data);
        body
    }
}

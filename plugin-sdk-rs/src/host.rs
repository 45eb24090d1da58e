//! What a handler asks of the host while it serves a plugin, and the JSON that hooks of any name take and return.

use std::fmt;

pub use opsbox_protocol::handler::PluginFacts;
use opsbox_protocol::handler::{ACTIVE_PLUGINS, ActivePluginsParams, ActivePluginsResult, CALL_HOOK};
use opsbox_protocol::{ErrorBody, ErrorData};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::ctx::Ctx;
use crate::error::Result;
use crate::result::{OpsResult, ResultRef};

/// The host, as a [`crate::Handler`] reaches it while one of its calls is open. It is cheap to clone and may be used from
/// other threads; each waits for its own answer, at most 64 at the same time.
#[derive(Debug, Clone)]
pub struct Host(Ctx);

impl Host {
    pub(crate) fn new(ctx: &Ctx) -> Self {
        Self(ctx.clone())
    }

    /// Returns the plugins of the run: checks, assistants and outputs in the order of the pipeline, then providers, then
    /// handlers.
    ///
    /// # Errors
    /// [`HostError`] where the host refuses, [`crate::Cancelled`] where the call was cancelled.
    pub fn active_plugins(&self) -> Result<Vec<PluginFacts>> {
        let params = to_raw_value(&ActivePluginsParams { id: self.0.id() })?;
        let answer: ActivePluginsResult = serde_json::from_str(self.0.ask(ACTIVE_PLUGINS, &params)?.get())?;
        Ok(answer.plugins)
    }

    /// Calls a hook of a plugin that a handler serves, of another handler, or `gather_data` of a provider. `params` must be
    /// an object in JSON. A [`ResultRef`] or [`OpsResult`] in a struct keeps its bytes; `json!` would rewrite its numbers.
    ///
    /// # Errors
    /// [`HostError`] where the plugin answered with an error or the host refused the call, [`crate::Cancelled`] where the
    /// call was cancelled.
    pub fn call_hook(&self, plugin: &str, hook: &str, params: &impl Serialize) -> Result<HookAnswer> {
        let call = CallHook {
            id: self.0.id(),
            plugin,
            hook,
            params: to_raw_value(params)?,
        };
        self.0.ask(CALL_HOOK, &to_raw_value(&call)?).map(HookAnswer)
    }
}

#[derive(Serialize)]
struct CallHook<'a> {
    id: u64,
    plugin: &'a str,
    hook: &'a str,
    params: Box<RawValue>,
}

/// A request to the host that was answered with an error: a hook of another plugin failed, or the host refused.
#[derive(Debug, Clone, PartialEq)]
pub struct HostError(ErrorBody);

impl HostError {
    pub(crate) fn new(body: ErrorBody) -> Self {
        Self(body)
    }

    /// Returns the error's code, one of [`crate::code`].
    pub fn code(&self) -> i64 {
        self.0.code
    }

    /// Returns the plugin, hook, hint and traceback, where they were told.
    pub fn data(&self) -> ErrorData {
        self.0.data()
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for HostError {}

/// The parameters of a hook of any name: the JSON text of an object.
#[derive(Debug, Clone, Copy)]
pub struct HookParams<'a>(pub(crate) &'a str);

impl<'a> HookParams<'a> {
    /// Returns the JSON text.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// Reads the parameters; [`ResultRef`] is a type for Results in them.
    ///
    /// # Errors
    /// Where they have another shape; the caller is told that they are wrong.
    pub fn read<T: Deserialize<'a>>(self) -> Result<T> {
        serde_json::from_str(self.0).map_err(|error| crate::service::BadParams(error).into())
    }
}

/// What a hook of any name returned: a JSON text.
#[derive(Debug, Clone)]
pub struct HookAnswer(Box<RawValue>);

impl HookAnswer {
    /// Makes an answer of a value.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn of(value: &impl Serialize) -> serde_json::Result<Self> {
        to_raw_value(value).map(Self)
    }

    /// Returns the JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// Where it has another shape.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.0.get())
    }

    /// Reads a list of Results.
    ///
    /// # Errors
    /// Where the answer is none.
    pub fn results(&self) -> serde_json::Result<Vec<ResultRef<'_>>> {
        self.read()
    }

    /// Returns the Results of a list, with their bytes, to hand on.
    ///
    /// # Errors
    /// Where the answer is no list of Results.
    pub fn to_results(&self) -> serde_json::Result<Vec<OpsResult>> {
        Ok(self.results()?.iter().map(ResultRef::to_result).collect())
    }

    pub(crate) fn into_text(self) -> String {
        Box::<str>::from(self.0).into()
    }
}

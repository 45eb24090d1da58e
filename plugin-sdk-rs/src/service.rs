//! A plugin of any role behind one face: what the loop calls, and what `serve()` and the harness run.

use std::marker::PhantomData;

use opsbox_protocol::message::StepStatus;
use opsbox_protocol::{ErrorBody, Hook, code};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ctx::Ctx;
use crate::error::{Place, Result};
use crate::result::ResultRef;
use crate::role::{Assistant, Check, CheckHook, Input, Output, Plugin, Provider};
use crate::wire::Reply;

/// A plugin ready to be run: by [`Service::serve`] over stdin and stdout, or by [`crate::Harness`] in memory.
pub struct Service {
    pub(crate) role: Box<dyn Role>,
    pub(crate) version: &'static str,
}

impl Service {
    /// Serves a provider.
    pub fn provider<P: Provider>() -> Self {
        Self::of::<P>(&[Hook::GatherData], |plugin, hook, _, ctx| match hook {
            Hook::GatherData => Some(plugin.gather_data(ctx).map(Reply::One)),
            _ => None,
        })
    }

    /// Serves an input.
    pub fn input<P: Input>() -> Self {
        Self::of::<P>(&[Hook::Process], |plugin, hook, params, ctx| match hook {
            Hook::Process => Some(
                params
                    .read()
                    .and_then(|ManyData { data }| plugin.process(&data, ctx))
                    .map(Reply::Many),
            ),
            _ => None,
        })
    }

    /// Serves the code beside a Rego policy.
    pub fn check<P: Check>() -> Self {
        let hooks = P::HOOKS.iter().map(|hook| match hook {
            CheckHook::InjectData => Hook::InjectData,
            CheckHook::ReportFindings => Hook::ReportFindings,
        });
        Self::of::<P>(
            &hooks.collect::<Vec<_>>(),
            |plugin, hook, params, ctx| match hook {
                Hook::InjectData => Some(
                    params
                        .read()
                        .and_then(|OneData { data }| plugin.inject_data(&data, ctx))
                        .map(Reply::One),
                ),
                Hook::ReportFindings => Some(
                    params
                        .read()
                        .and_then(|OneData { data }| plugin.report_findings(&data, ctx))
                        .map(Reply::Many),
                ),
                _ => None,
            },
        )
    }

    /// Serves an assistant.
    pub fn assistant<P: Assistant>() -> Self {
        Self::of::<P>(&[Hook::ProcessInput], |plugin, hook, params, ctx| match hook {
            Hook::ProcessInput => Some(
                params
                    .read()
                    .and_then(|ManyInput { input }| plugin.process_input(&input, ctx))
                    .map(Reply::Many),
            ),
            _ => None,
        })
    }

    /// Serves an output.
    pub fn output<P: Output>() -> Self {
        Self::of::<P>(&[Hook::ProcessResults], |plugin, hook, params, ctx| match hook {
            Hook::ProcessResults => Some(
                params
                    .read()
                    .and_then(|ManyResults { steps, results }| {
                        plugin.process_results(&results, &ctx.with_steps(steps))
                    })
                    .map(|()| Reply::Empty),
            ),
            _ => None,
        })
    }

    /// Sets the plugin's release, usually `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Returns the JSON Schema of the plugin's configuration, as `grab_config` answers it.
    pub fn config_schema(&self) -> Value {
        self.role.schema()
    }

    fn of<P: Plugin>(hooks: &[Hook], call: CallFn<P>) -> Self {
        let role = Typed {
            plugin: None,
            hooks: hooks.to_vec(),
            call,
            config: PhantomData,
        };
        Self {
            role: Box::new(role),
            version: "",
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("hooks", &self.role.hooks())
            .finish_non_exhaustive()
    }
}

/// Returns the JSON Schema (2020-12) of a configuration, with every definition in its place.
pub fn config_schema<C: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<C>().to_value();
    // The protocol asks for it, also where there is no field.
    if let Value::Object(members) = &mut schema {
        members.entry("properties").or_insert_with(|| Map::new().into());
    }
    schema
}

/// The face that the loop sees.
pub(crate) trait Role: Send {
    fn hooks(&self) -> &[Hook];
    fn reports_progress(&self) -> bool;
    fn schema(&self) -> Value;
    fn configure(&mut self, config: Map<String, Value>, place: Place<'_>) -> Result<(), ErrorBody>;
    fn activate(&mut self, ctx: &Ctx, place: Place<'_>) -> Result<(), ErrorBody>;
    fn call(&mut self, hook: Hook, params: &str, ctx: &Ctx, place: Place<'_>) -> Result<Reply, ErrorBody>;
}

type CallFn<P> = fn(&mut P, Hook, Params<'_>, &Ctx) -> Option<Result<Reply>>;

struct Typed<P: Plugin> {
    plugin: Option<P>,
    hooks: Vec<Hook>,
    call: CallFn<P>,
    config: PhantomData<fn() -> P::Config>,
}

impl<P: Plugin> Role for Typed<P> {
    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn reports_progress(&self) -> bool {
        P::REPORTS_PROGRESS
    }

    fn schema(&self) -> Value {
        config_schema::<P::Config>()
    }

    fn configure(&mut self, config: Map<String, Value>, place: Place<'_>) -> Result<(), ErrorBody> {
        let config = serde_json::from_value(Value::Object(config))
            .map_err(|error| place.config_invalid(&error.into()))?;
        self.plugin = Some(P::configure(config).map_err(|error| place.config_invalid(&error))?);
        Ok(())
    }

    fn activate(&mut self, ctx: &Ctx, place: Place<'_>) -> Result<(), ErrorBody> {
        if self.plugin.is_none() {
            self.configure(Map::new(), place)?;
        }
        let plugin = self
            .plugin
            .as_mut()
            .ok_or_else(|| place.sdk(code::NOT_READY, "not configured"))?;
        plugin.activate(ctx).map_err(|error| place.hook_failed(&error))
    }

    fn call(&mut self, hook: Hook, params: &str, ctx: &Ctx, place: Place<'_>) -> Result<Reply, ErrorBody> {
        let plugin = self
            .plugin
            .as_mut()
            .ok_or_else(|| place.sdk(code::NOT_READY, "not configured"))?;
        match (self.call)(plugin, hook, Params(params), ctx) {
            None => Err(place.sdk(code::METHOD_NOT_FOUND, format!("the plugin has no hook `{hook}`"))),
            Some(Ok(reply)) => Ok(reply),
            Some(Err(error)) => match error.downcast_ref::<BadParams>() {
                Some(bad) => Err(place.sdk(code::INVALID_PARAMS, bad.to_string())),
                None => Err(place.hook_failed(&error)),
            },
        }
    }
}

#[derive(Clone, Copy)]
struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    fn read<T: Deserialize<'a>>(self) -> Result<T> {
        serde_json::from_str(self.0).map_err(|error| BadParams(error).into())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the parameters have the wrong shape: {0}")]
struct BadParams(serde_json::Error);

#[derive(Deserialize)]
struct OneData<'a> {
    #[serde(borrow)]
    data: ResultRef<'a>,
}

#[derive(Deserialize)]
struct ManyData<'a> {
    #[serde(borrow)]
    data: Vec<ResultRef<'a>>,
}

#[derive(Deserialize)]
struct ManyInput<'a> {
    #[serde(borrow)]
    input: Vec<ResultRef<'a>>,
}

#[derive(Deserialize)]
struct ManyResults<'a> {
    #[serde(default)]
    steps: Vec<StepStatus>,
    #[serde(borrow)]
    results: Vec<ResultRef<'a>>,
}

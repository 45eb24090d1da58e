//! A plugin of any role behind one face: what the loop calls, and what `serve()` and the harness run.

use std::marker::PhantomData;

use opsbox_protocol::message::StepStatus;
use opsbox_protocol::{ErrorBody, Hook, code};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ctx::Ctx;
use crate::error::{Error, Place, Result};
use crate::host::{HookAnswer, HookParams, Host, PluginFacts};
use crate::result::ResultRef;
use crate::role::{Assistant, Check, CheckHook, Handled, Handler, Input, Output, Plugin, Provider};
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
                    .and_then(
                        |ManyResults {
                             steps,
                             private,
                             results,
                         }| {
                            plugin.process_results(&results, &ctx.with_steps(steps).with_private(private))
                        },
                    )
                    .map(|()| Reply::Empty),
            ),
            _ => None,
        })
    }

    /// Serves a handler.
    pub fn handler<P: Handler>() -> Self {
        Self::of::<P>(&[Hook::ProcessPlugin], |plugin, hook, params, ctx| match hook {
            Hook::ProcessPlugin => Some(
                params
                    .read()
                    .and_then(
                        |OnePlugin {
                             plugin: facts,
                             prior_results,
                         }| {
                            plugin.process_plugin(&facts, &prior_results, &Host::new(ctx), ctx)
                        },
                    )
                    .map(Reply::Many),
            ),
            _ => None,
        })
    }

    /// Serves a plugin of a type that a handler plugin serves.
    pub fn handled<P: Handled>() -> Self {
        let mut role = Typed::<P>::new(&[], |_, _, _, _| None);
        role.own = P::HOOKS;
        role.call_own = |plugin, hook, params, ctx| plugin.call(hook, params, ctx);
        Self {
            role: Box::new(role),
            version: "",
        }
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
        Self {
            role: Box::new(Typed::new(hooks, call)),
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
    /// The hooks that are not the protocol's.
    fn own_hooks(&self) -> &'static [&'static str];
    fn reports_progress(&self) -> bool;
    fn schema(&self) -> Value;
    fn configure(&mut self, config: Map<String, Value>, place: Place<'_>) -> Result<(), ErrorBody>;
    fn activate(&mut self, ctx: &Ctx, place: Place<'_>) -> Result<(), ErrorBody>;
    fn call(&mut self, hook: Hook, params: &str, ctx: &Ctx, place: Place<'_>) -> Result<Reply, ErrorBody>;
    fn call_own(&mut self, hook: &str, params: &str, ctx: &Ctx, place: Place<'_>)
    -> Result<Reply, ErrorBody>;
}

type OwnFn<P> = fn(&mut P, &str, HookParams<'_>, &Ctx) -> Result<HookAnswer>;
type CallFn<P> = fn(&mut P, Hook, HookParams<'_>, &Ctx) -> Option<Result<Reply>>;

struct Typed<P: Plugin> {
    plugin: Option<P>,
    hooks: Vec<Hook>,
    call: CallFn<P>,
    own: &'static [&'static str],
    call_own: OwnFn<P>,
    config: PhantomData<fn() -> P::Config>,
}

impl<P: Plugin> Typed<P> {
    fn new(hooks: &[Hook], call: CallFn<P>) -> Self {
        Self {
            plugin: None,
            hooks: hooks.to_vec(),
            call,
            own: &[],
            call_own: |_, hook, _, _| Err(format!("the plugin has no hook `{hook}`").into()),
            config: PhantomData,
        }
    }

    fn made(&mut self, place: Place<'_>) -> Result<&mut P, ErrorBody> {
        self.plugin
            .as_mut()
            .ok_or_else(|| place.sdk(code::NOT_READY, "not configured"))
    }
}

/// Returns the wire form of what a hook failed of.
fn failed(error: &Error, place: Place<'_>) -> ErrorBody {
    match error.downcast_ref::<BadParams>() {
        Some(bad) => place.sdk(code::INVALID_PARAMS, bad.to_string()),
        None => place.hook_failed(error),
    }
}

impl<P: Plugin> Role for Typed<P> {
    fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    fn own_hooks(&self) -> &'static [&'static str] {
        self.own
    }

    fn reports_progress(&self) -> bool {
        P::REPORTS_PROGRESS
    }

    fn schema(&self) -> Value {
        config_schema::<P::Config>()
    }

    fn configure(&mut self, config: Map<String, Value>, place: Place<'_>) -> Result<(), ErrorBody> {
        let config = serde_path_to_error::deserialize(Value::Object(config))
            .map_err(|error| place.config_misfits(&error.path().to_string(), error.inner()))?;
        self.plugin = Some(P::configure(config).map_err(|error| place.config_invalid(&error))?);
        Ok(())
    }

    fn activate(&mut self, ctx: &Ctx, place: Place<'_>) -> Result<(), ErrorBody> {
        if self.plugin.is_none() {
            self.configure(Map::new(), place)?;
        }
        let plugin = self.made(place)?;
        plugin.activate(ctx).map_err(|error| place.hook_failed(&error))
    }

    fn call(&mut self, hook: Hook, params: &str, ctx: &Ctx, place: Place<'_>) -> Result<Reply, ErrorBody> {
        let run = self.call;
        match run(self.made(place)?, hook, HookParams(params), ctx) {
            None => Err(place.sdk(code::METHOD_NOT_FOUND, format!("the plugin has no hook `{hook}`"))),
            Some(reply) => reply.map_err(|error| failed(&error, place)),
        }
    }

    fn call_own(
        &mut self,
        hook: &str,
        params: &str,
        ctx: &Ctx,
        place: Place<'_>,
    ) -> Result<Reply, ErrorBody> {
        let run = self.call_own;
        let answer = run(self.made(place)?, hook, HookParams(params), ctx);
        answer
            .map(|answer| Reply::Json(answer.into_text()))
            .map_err(|error| failed(&error, place))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the parameters have the wrong shape: {0}")]
pub(crate) struct BadParams(pub(crate) serde_json::Error);

#[derive(Deserialize)]
struct OnePlugin<'a> {
    plugin: PluginFacts,
    #[serde(borrow)]
    prior_results: Vec<ResultRef<'a>>,
}

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
    #[serde(default)]
    private: bool,
    #[serde(borrow)]
    results: Vec<ResultRef<'a>>,
}

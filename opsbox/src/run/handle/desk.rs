//! Serves the requests that a handler makes while one of its calls is open.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use opsbox_protocol::handler::{ActivePluginsResult, PluginFacts};
use opsbox_protocol::{ErrorBody, ErrorData, Expect, Hook as Known, code};
use serde::Serialize;

use crate::halt::{self, Halt, HaltSeen};
use crate::manifest::Kind;
use crate::plan::Plan;
use crate::plugin::{Ask, HostRequest, Leash, PluginError, Reply};
use crate::suggest::did_you_mean;

use super::super::gather;
use super::{Hook, Place, Refusal, Switchboard};

/// Answers one request. It is boxed since calls may be made during calls.
pub(super) fn serve(
    switchboard: Arc<Switchboard>,
    request: HostRequest,
    place: Place,
    above: HaltSeen,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        match request.ask.clone() {
            Ask::ActivePlugins => request.answer(vec![switchboard.active.clone()]),
            Ask::CallHook { plugin, hook, params } => {
                let called = Called {
                    plugin: &plugin,
                    hook: &hook,
                };
                match switchboard.call_hook(called, params, &place, above).await {
                    Ok(result) => request.answer(vec![result]),
                    Err(error) => request.refuse(&error),
                }
            }
        }
    })
}

/// A plugin and its hook, by name.
#[derive(Clone, Copy)]
struct Called<'a> {
    plugin: &'a str,
    hook: &'a str,
}

impl Called<'_> {
    fn refused(self, code: i64, message: String, hint: Option<String>) -> ErrorBody {
        let data = ErrorData {
            origin: Some("host".into()),
            plugin: Some(self.plugin.to_owned()),
            hook: Some(self.hook.to_owned()),
            hint,
            ..ErrorData::default()
        };
        ErrorBody::with_data(code, message, &data)
    }
}

impl Switchboard {
    async fn call_hook(
        self: &Arc<Self>,
        called: Called<'_>,
        params: Bytes,
        place: &Place,
        above: HaltSeen,
    ) -> Result<Bytes, ErrorBody> {
        let Called { plugin, hook } = called;
        let plan = &self.shared.plan;
        let found = plan
            .members()
            .enumerate()
            .find(|(_, planned)| planned.manifest.name == plugin);
        let Some((index, planned)) = found else {
            let message = format!("no plugin `{}` takes part in this run", plugin.escape_debug());
            let names = plan.members().map(|planned| planned.manifest.name.as_str());
            return Err(called.refused(code::INVALID_PARAMS, message, did_you_mean(plugin, names)));
        };
        if planned.manifest.kind == Kind::Provider {
            return self.data_of(index, called, place, above).await;
        }
        if is_life_cycle(hook) {
            let message = format!("`{hook}` of plugin `{plugin}` is for the host to call");
            return Err(called.refused(code::INVALID_REQUEST, message, None));
        }
        if !plan.is_partner(index) {
            let message = format!("plugin `{plugin}` is run by the host itself, so no handler may call it");
            let hint = "call plugins that handlers serve, other handlers, or `gather_data` of providers";
            return Err(called.refused(code::INVALID_REQUEST, message, Some(hint.into())));
        }
        let leash = Leash::under(above, Halt::Cancel);
        let order = Hook {
            name: hook,
            expect: Expect::Raw,
            params: vec![params],
        };
        let number = place.trail.opens(plugin, hook);
        let called_out = self.call(place, index, order, &leash).await;
        let outcome = match called_out {
            Ok(outcome) => outcome,
            Err(refusal) => {
                if !matches!(refusal, Refusal::Ended) {
                    place.trail.closes(number);
                }
                return Err(self.told(index, hook, refusal));
            }
        };
        place.trail.lacks(outcome.gaps);
        match outcome.answer {
            Ok(reply) => {
                place.trail.closes(number);
                Ok(match reply {
                    Reply::Raw(bytes) => bytes,
                    Reply::Results(_) => Bytes::from_static(b"null"),
                })
            }
            // The step stands in the record with what it waited for.
            Err(PluginError::Cancelled { .. }) => Err(self.told(index, hook, Refusal::Ended)),
            Err(PluginError::Answered { method, body }) => {
                place.trail.closes(number);
                let error = PluginError::Answered {
                    method,
                    body: body.clone(),
                };
                // A handler may try whether a plugin has a hook. Any other error counts, also where the handler goes on without what was asked for.
                if body.code != code::METHOD_NOT_FOUND {
                    place.trail.broke(plugin, hook, &error);
                }
                Err(*body)
            }
            Err(error) => {
                place.trail.closes(number);
                place.trail.broke(plugin, hook, &error);
                Err(self.told(index, hook, Refusal::Failed(error)))
            }
        }
    }

    /// Returns the Result of a provider, which is gathered once for the run.
    async fn data_of(
        &self,
        index: usize,
        called: Called<'_>,
        place: &Place,
        mut above: HaltSeen,
    ) -> Result<Bytes, ErrorBody> {
        let Called { plugin, hook } = called;
        if hook != Known::GatherData.method() {
            let message =
                format!("plugin `{plugin}` is a provider, of which only `gather_data` can be called");
            return Err(called.refused(code::METHOD_NOT_FOUND, message, None));
        }
        let unknown = |why: &str| {
            place.trail.lacks_data(index, plugin, why);
            let message = format!("provider `{plugin}` brought no data: {why}");
            called.refused(code::HOOK_FAILED, message, None)
        };
        let awaited = self
            .data
            .get(index)
            .cloned()
            .ok_or_else(|| unknown("it was not asked"))?;
        let gathered = tokio::select! {
            gathered = gather::wait(awaited) => gathered,
            () = halt::reached(&mut above, Halt::Cancel) => {
                return Err(self.told(index, hook, Refusal::Ended));
            }
        };
        let gathered = gathered.ok_or_else(|| unknown("it ended without a word"))?;
        place.trail.gathered(index, &gathered.gaps);
        match &gathered.result {
            Ok(result) => Ok(result.bytes.clone()),
            Err(why) => Err(unknown(why)),
        }
    }
}

fn is_life_cycle(hook: &str) -> bool {
    matches!(
        Known::from_method(hook),
        Some(Known::Initialize | Known::GrabConfig | Known::SetData | Known::Activate | Known::Shutdown)
    )
}

/// Returns the result of `host/active_plugins`: the steps in the order of the pipeline, then providers, then handlers.
pub(super) fn active(plan: &Plan, facts: &[PluginFacts]) -> Bytes {
    let n_providers = plan.providers.len().min(facts.len());
    let n_steps = plan.n_steps().min(facts.len());
    let (providers, rest) = facts.split_at(n_providers);
    let (steps, handlers) = rest.split_at(n_steps - n_providers);
    // A provider whose data is handed on stands once, among the providers.
    let steps = steps.iter().filter(|facts| facts.kind != Kind::Provider.name());
    let plugins = steps.chain(providers).chain(handlers).cloned().collect();
    json(&ActivePluginsResult { plugins })
}

/// Returns plain data as JSON.
pub(super) fn json(value: &impl Serialize) -> Bytes {
    // Texts, numbers and maps with text as keys can always be written.
    serde_json::to_vec(value).unwrap_or_default().into()
}

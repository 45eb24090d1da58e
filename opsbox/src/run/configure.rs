//! Starts the plugins side by side, asks for their schemas, resolves the configuration and activates them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use opsbox_protocol::Hook;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::config::{Settings, Wanted, own};
use crate::error::{Failure, Kind};
use crate::manifest::{Kind as PluginKind, Launch, Manifest};
use crate::plugin::launch;
use crate::redact::Redactor;
use crate::store::Keeping;
use crate::trace::Hidden;

use super::handle::facts;
use super::member::{self, Member, Members, State};
use super::room::Guest;
use super::{Shared, Taken, taken};

struct Prepared {
    step: usize,
    state: State,
    schema: Option<Value>,
    /// What the plugin lists; nothing where it was not started.
    hooks: Vec<String>,
}

/// What became of the configuration.
pub(crate) struct Configured {
    /// Every step's plugin with its fields.
    pub(crate) members: Members,
    /// The OPA server that evaluates policies; `None`: they are evaluated here.
    pub(crate) opa_url: Option<String>,
    /// What a person should know about the configuration.
    pub(crate) warnings: Vec<String>,
}

/// Starts every step's plugin and gives it its configuration.
///
/// # Errors
/// All missing and wrong fields of all plugins at once; every plugin is stopped by then.
pub(crate) async fn configure(
    shared: &Arc<Shared>,
    settings: &Settings,
    mut taken: BTreeMap<usize, Taken>,
    keeping: Option<Keeping>,
) -> Result<Configured, Failure> {
    let manifests = manifests(shared);
    let is_taken: BTreeSet<_> = taken.keys().copied().collect();
    let mut prepared = prepare(shared, &manifests, &is_taken).await;
    let empty = json!({"type": "object", "properties": {}});
    // A plugin that could not be asked may own any field.
    let anything = Value::Bool(true);
    let of_taken: BTreeMap<_, _> = taken
        .iter()
        .filter_map(|(step, taken)| Some((*step, taken.schema(manifests.get(*step)?)?)))
        .collect();
    let mut wanted: Vec<_> = prepared
        .iter()
        .zip(&manifests)
        .map(|(prepared, manifest)| Wanted {
            plugin: &manifest.name,
            schema: match &prepared.state {
                State::Failed(_) => &anything,
                _ if is_taken.contains(&source(shared, prepared.step)) => {
                    of_taken.get(&source(shared, prepared.step)).unwrap_or(&anything)
                }
                _ => manifest
                    .config_schema
                    .as_ref()
                    .or(prepared.schema.as_ref())
                    .unwrap_or(&empty),
            },
            legacy: manifest.legacy,
        })
        .collect();
    wanted.extend(shared.plan.has_rego_checks().then(own::of_rego_checks));
    let mut resolution = settings.resolve(&wanted);
    if !resolution.faults.is_empty() {
        stop_all(shared, prepared).await;
        return Err(Failure {
            kind: Kind::Usage,
            faults: resolution.faults,
        });
    }
    let seen = launch::seen_by(manifests.iter().map(Arc::as_ref), &shared.ctx);
    let variables = seen.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    shared
        .board
        .redact(Redactor::of_run(&resolution.plugins, variables));
    if let Some(traces) = &shared.ctx.traces {
        traces.know(Hidden::of(&resolution.plugins, &shared.ctx.variables));
    }
    if let Some(keeping) = keeping {
        shared
            .board
            .keep(taken::complete(keeping, shared, &resolution, &seen, &taken));
    }
    for prepared in &mut prepared {
        if let Some(taken) = taken.remove(&prepared.step) {
            prepared.state = State::Taken(Box::new(taken));
        }
    }
    let of_handler = resolution.plugins.split_off(prepared.len()).pop();
    let opa_url = of_handler.as_ref().and_then(own::opa_url).map(str::to_owned);
    let has_handlers = !shared.plan.handlers.is_empty();
    let mut activating = JoinSet::new();
    for (prepared, (manifest, plugin)) in prepared
        .into_iter()
        .zip(manifests.into_iter().zip(resolution.plugins))
    {
        let facts = has_handlers.then(|| {
            let schema = manifest.config_schema.as_ref().or(prepared.schema.as_ref());
            Box::new(facts::of(
                &shared.plan,
                prepared.step,
                &prepared.hooks,
                schema,
                &plugin,
            ))
        });
        let member = Member {
            step: prepared.step,
            manifest,
            config: plugin.values,
            state: prepared.state,
            facts,
        };
        activating.spawn(activate(Arc::clone(shared), member));
    }
    let mut members: Vec<_> = activating.join_all().await;
    members.sort_by_key(|member| member.step);
    Ok(Configured {
        members: Members(members),
        opa_url,
        warnings: resolution.warnings,
    })
}

/// Returns the step that brings what a step hands on: of a provider that stands first in the pipeline, its own gathering; else the step.
fn source(shared: &Shared, step: usize) -> usize {
    let check = step.checked_sub(shared.plan.providers.len());
    let planned = check.and_then(|check| shared.plan.checks.get(check));
    let hands_on = planned.filter(|planned| planned.manifest.kind == PluginKind::Provider);
    hands_on
        .and_then(|planned| planned.providers.first().copied())
        .unwrap_or(step)
}

fn manifests(shared: &Shared) -> Vec<Arc<Manifest>> {
    shared
        .plan
        .members()
        .map(|planned| Arc::clone(&planned.manifest))
        .collect()
}

/// Starts every plugin and asks it for its schema; what there is no room for is stopped again.
async fn prepare(
    shared: &Arc<Shared>,
    manifests: &[Arc<Manifest>],
    is_taken: &BTreeSet<usize>,
) -> Vec<Prepared> {
    let mut starting = JoinSet::new();
    let pass_through = shared.plan.providers.len()..shared.plan.providers.len() + shared.plan.checks.len();
    let has_process = |step: usize, manifest: &Manifest| {
        let passes_on = pass_through.contains(&step) && manifest.kind == PluginKind::Provider;
        !is_taken.contains(&step) && !passes_on && manifest.launch != Launch::Nothing
    };
    // Handlers and what they serve take no room.
    let guests: Arc<Vec<Guest>> = Arc::new(
        manifests
            .iter()
            .enumerate()
            .filter(|(step, manifest)| has_process(*step, manifest) && !shared.plan.is_partner(*step))
            .map(|(step, manifest)| (step, Arc::clone(manifest)))
            .collect(),
    );
    for (step, manifest) in manifests.iter().enumerate() {
        if !has_process(step, manifest) {
            starting.spawn(async move {
                Prepared {
                    step,
                    state: State::Codeless,
                    schema: None,
                    hooks: Vec::new(),
                }
            });
            continue;
        }
        starting.spawn(ask(
            Arc::clone(shared),
            step,
            Arc::clone(manifest),
            Arc::clone(&guests),
        ));
    }
    let mut prepared = starting.join_all().await;
    prepared.sort_by_key(|prepared| prepared.step);
    prepared
}

async fn ask(shared: Arc<Shared>, step: usize, manifest: Arc<Manifest>, guests: Arc<Vec<Guest>>) -> Prepared {
    shared.board.started(step, Hook::Initialize.method());
    let failed = |error| Prepared {
        step,
        state: State::Failed(error),
        schema: None,
        hooks: Vec::new(),
    };
    let mut live = match member::start(&shared, step, &manifest).await {
        Ok(live) => live,
        Err(error) => return failed(error),
    };
    let asked = match &manifest.config_schema {
        // What the manifest declares is the schema; the plugin is not asked.
        Some(_) => Ok(None),
        None => live.session.grab_config().await,
    };
    let hooks = live.session.hello().hooks.clone();
    let stays = shared.plan.is_partner(step) || shared.room.stays(step, &guests, &shared.ctx).await;
    match asked {
        Ok(schema) if stays => Prepared {
            step,
            state: State::Warm(Box::new(live)),
            schema,
            hooks,
        },
        Ok(schema) => {
            live.session.stop().await;
            Prepared {
                step,
                state: State::Cold,
                schema,
                hooks,
            }
        }
        Err(error) => {
            member::retire(&shared, live).await;
            failed(error)
        }
    }
}

async fn activate(shared: Arc<Shared>, mut member: Member) -> Member {
    member.state = match member.state {
        State::Warm(mut live) => match member::activate(&mut live, &member.config).await {
            Ok(()) => State::Warm(live),
            Err(error) => {
                member::retire(&shared, *live).await;
                State::Failed(error)
            }
        },
        other => other,
    };
    member
}

async fn stop_all(shared: &Shared, prepared: Vec<Prepared>) {
    for prepared in prepared {
        if let State::Warm(live) = prepared.state {
            member::retire(shared, *live).await;
        }
    }
    while shared.stopping.lock().await.join_next().await.is_some() {}
}

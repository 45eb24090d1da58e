//! A plugin of the plan on its way through a run.

use std::sync::Arc;

use opsbox_protocol::handler::PluginFacts;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;

use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, Session};

use super::{Shared, Taken};

/// One step's plugin, configured.
pub(crate) struct Member {
    pub(crate) step: usize,
    pub(crate) manifest: Arc<Manifest>,
    /// The fields that somebody set.
    pub(crate) config: Map<String, Value>,
    pub(crate) state: State,
    /// What handlers are told of it, in a run that has some.
    pub(crate) facts: Option<Box<PluginFacts>>,
}

/// Where a plugin stands before its step.
pub(crate) enum State {
    /// It is active and waits for its call.
    Warm(Box<Live>),
    /// There was no room for its process; it is started when its turn comes.
    Cold,
    /// It has no code of its own.
    Codeless,
    /// It is not run: a kept run has what it would bring.
    Taken(Box<Taken>),
    /// It could not be started, configured or activated.
    Failed(PluginError),
}

/// A session and the room it takes.
pub(crate) struct Live {
    pub(crate) session: Session,
    /// `None` for a handler and what it serves: they wait for each other, so none may wait for room.
    permit: Option<OwnedSemaphorePermit>,
}

impl Member {
    /// Returns the plugin's live session; starts it where it is cold. `None`: it has no code.
    pub(crate) async fn wake(&mut self, shared: &Shared) -> Result<Option<Live>, PluginError> {
        match std::mem::replace(&mut self.state, State::Codeless) {
            State::Warm(live) => Ok(Some(*live)),
            State::Codeless | State::Taken(_) => Ok(None),
            State::Failed(error) => Err(error),
            State::Cold => {
                let mut live = start(shared, self.step, &self.manifest).await?;
                match activate(&mut live, &self.config).await {
                    Ok(()) => Ok(Some(live)),
                    Err(error) => {
                        retire(shared, live).await;
                        Err(error)
                    }
                }
            }
        }
    }

    /// Returns what a kept run has of the step, where it is taken from one.
    pub(crate) fn taken(&mut self) -> Option<Taken> {
        match std::mem::replace(&mut self.state, State::Codeless) {
            State::Taken(taken) => Some(*taken),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Sends a plugin down whose step will not run. One that is cold stays so.
    pub(crate) async fn dismiss(self, shared: &Shared) {
        if let State::Warm(live) = self.state {
            retire(shared, *live).await;
        }
    }
}

/// Starts a plugin as soon as there is room for its process.
pub(crate) async fn start(shared: &Shared, step: usize, manifest: &Manifest) -> Result<Live, PluginError> {
    let cancelled = || PluginError::Cancelled {
        method: "initialize".into(),
    };
    let spec = SessionSpec::of(manifest, &shared.ctx)?;
    let permit = if shared.plan.is_partner(step) {
        None
    } else {
        let room = shared.room.take(&spec, &shared.ctx).await;
        Some(room.ok_or_else(cancelled)?)
    };
    let session = Session::start(spec, &shared.ctx, shared.sink(step), shared.halt.clone()).await?;
    Ok(Live { session, permit })
}

/// Hands a plugin its configuration and activates it.
pub(crate) async fn activate(live: &mut Live, config: &Map<String, Value>) -> Result<(), PluginError> {
    live.session.set_data(config.clone()).await?;
    live.session.activate().await
}

/// Sends a plugin down in the background.
pub(crate) async fn retire(shared: &Shared, live: Live) {
    shared.stopping.lock().await.spawn(async move {
        live.session.stop().await;
        drop(live.permit);
    });
}

/// The members of a plan, in the order of its steps.
pub(crate) struct Members(pub(crate) Vec<Member>);

impl Members {
    /// Returns providers, checks, assistants and outputs; handlers have no step.
    pub(crate) fn split(self, plan: &Plan) -> (Vec<Member>, Vec<Member>, Vec<Member>, Vec<Member>) {
        let mut members = self.0.into_iter();
        let mut take = |n_steps: usize| members.by_ref().take(n_steps).collect::<Vec<_>>();
        let providers = take(plan.providers.len());
        let checks = take(plan.checks.len());
        let assistants = take(plan.assistants.len());
        (providers, checks, assistants, take(plan.outputs.len()))
    }
}

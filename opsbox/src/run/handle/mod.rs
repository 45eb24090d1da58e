//! Handler plugins: runs a step through its handler, and puts the handler's calls through to the plugins of the run.
//!
//! Every call has a task of its own, takes its plugin for itself while it lasts, and hangs on a leash below the call
//! that made it. Nothing here is waited for by the reader of a plugin.

mod again;
mod chains;
mod desk;
pub(crate) mod facts;
mod step;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use opsbox_protocol::handler::PluginFacts;
use opsbox_protocol::{ErrorBody, ErrorData, Expect, code};
use tokio::sync::{Mutex as Gate, OwnedMutexGuard, mpsc};

use crate::halt::{self, Halt};
use crate::plugin::peer::{Order, Pieces};
use crate::plugin::session::Killer;
use crate::plugin::{CallOutcome, Leash, PluginError, Session};

use super::Shared;
use super::gather::Awaited;
use super::member::{Member, State};
use again::Spare;
use chains::{CallId, Chains, Circle};
use step::Trail;

/// Connects the handlers of a run with the plugins that they serve.
pub(crate) struct Switchboard {
    shared: Arc<Shared>,
    /// By member; `None` for those that the host runs.
    partners: Vec<Option<Partner>>,
    /// The providers' data, in the order of the plan; empty where nobody would ask for it.
    data: Vec<Awaited>,
    /// The result of `host/active_plugins`.
    active: Bytes,
    chains: Arc<Chains>,
}

/// A handler, or a plugin that one serves. It lives as long as the run.
struct Partner {
    gate: Arc<Gate<Seat>>,
    killer: Mutex<Option<Killer>>,
    /// What it takes to start it once more.
    spare: Gate<Spare>,
    /// Why it could not be started, configured or activated.
    failed: Option<PluginError>,
    /// What a handler is told of it, as JSON.
    facts: Bytes,
}

/// Where a partner's session is when nobody speaks with it.
enum Seat {
    Live(Box<Session>),
    Failed(PluginError),
    Codeless,
}

/// Where a call stands: the call above it, and the step that all of them serve.
#[derive(Clone)]
struct Place {
    above: Option<CallId>,
    trail: Arc<Trail>,
}

/// A hook to call.
struct Hook<'a> {
    name: &'a str,
    expect: Expect,
    params: Pieces,
}

/// Why a plugin was not called.
enum Refusal {
    /// The call could only end after itself.
    Circle(Circle),
    /// The plugin failed before.
    Failed(PluginError),
    /// It has no such hook; what it has.
    NoHook(Vec<String>),
    /// The call above has ended meanwhile.
    Ended,
}

impl Switchboard {
    /// Takes over the sessions of all partners among the members.
    pub(crate) fn new(shared: &Arc<Shared>, members: &mut [Member]) -> Self {
        let mut partners = Vec::new();
        let mut facts = Vec::new();
        for (index, member) in members.iter_mut().enumerate() {
            if let Some(told) = member.facts.take() {
                partners.push(shared.plan.is_partner(index).then(|| {
                    let spare = Spare::of(member, shared);
                    Partner::of(member, &told, spare)
                }));
                facts.push(*told);
            }
        }
        Self {
            shared: Arc::clone(shared),
            data: Vec::new(),
            active: desk::active(&shared.plan, &facts),
            partners,
            chains: Arc::default(),
        }
    }

    /// Sees the data of the providers, in the order of the plan; it is held only where somebody may ask for it.
    pub(crate) fn with_data(mut self, data: &[Awaited]) -> Self {
        if self.partners.iter().any(Option::is_some) {
            self.data = data.to_vec();
        }
        self
    }

    /// Sends every partner down in the background, each as soon as its last call has ended.
    pub(crate) async fn close(&self) {
        for partner in self.partners.iter().flatten() {
            let mut halt = self.shared.halt.clone();
            let mut seat = tokio::select! {
                seat = partner.gate.lock() => seat,
                () = halt::reached(&mut halt, Halt::Abort) => {
                    if let Some(killer) = &*locked(&partner.killer) {
                        killer.kill();
                    }
                    partner.gate.lock().await
                }
            };
            if let Seat::Live(session) = std::mem::replace(&mut *seat, Seat::Codeless) {
                self.shared.stopping.lock().await.spawn(session.stop());
            }
        }
    }

    fn name(&self, index: usize) -> &str {
        self.shared
            .plan
            .members()
            .nth(index)
            .map_or("", |planned| planned.manifest.name.as_str())
    }

    /// Calls a hook of a partner, and serves what that one asks meanwhile where it is a handler.
    async fn call(
        self: &Arc<Self>,
        place: &Place,
        index: usize,
        hook: Hook<'_>,
        leash: &Leash,
    ) -> Result<CallOutcome, Refusal> {
        let link = self.chains.begin(place.above, index).map_err(Refusal::Circle)?;
        let mut seat = self.take(index, leash).await?;
        if place.above.is_none() {
            self.revive(index, &mut seat).await;
        }
        let session = match &mut *seat {
            Seat::Live(session) => session,
            Seat::Failed(error) => return Err(Refusal::Failed(error.clone())),
            Seat::Codeless => return Err(Refusal::NoHook(Vec::new())),
        };
        if !session.may_have(hook.name) {
            return Err(Refusal::NoHook(session.hello().hooks.clone()));
        }
        link.enter();
        if index == place.trail.step {
            self.shared.board.started(index, hook.name);
        }
        let (desk, mut requests) = mpsc::unbounded_channel();
        let is_handler = self.serves(index, place.trail.step);
        let order = Order {
            method: hook.name,
            expect: hook.expect,
            params: hook.params,
            desk: is_handler.then_some(desk),
        };
        let below = Place {
            above: Some(link.id),
            trail: Arc::clone(&place.trail),
        };
        let call = session.call_on(leash, order);
        tokio::pin!(call);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut call => break outcome,
                Some(request) = requests.recv() => {
                    tokio::spawn(desk::serve(Arc::clone(self), request, below.clone(), leash.seen()));
                }
            }
        };
        // What was called below and has not ended yet serves nobody any more.
        leash.pull();
        Ok(outcome)
    }

    /// Waits for a partner's turn.
    async fn take(&self, index: usize, leash: &Leash) -> Result<OwnedMutexGuard<Seat>, Refusal> {
        let Some(partner) = self.partners.get(index).and_then(Option::as_ref) else {
            return Err(Refusal::NoHook(Vec::new()));
        };
        let mut seen = leash.seen();
        tokio::select! {
            biased;
            () = halt::reached(&mut seen, Halt::Cancel) => Err(Refusal::Ended),
            seat = Arc::clone(&partner.gate).lock_owned() => Ok(seat),
        }
    }

    /// Notes that a handler now works for a step, to which all that it says belongs; returns whether it is a handler.
    fn serves(&self, index: usize, step: usize) -> bool {
        let Some(handler) = index.checked_sub(self.shared.plan.n_steps()) else {
            return false;
        };
        self.shared.serve(handler, step);
        true
    }

    /// Returns a refusal as the handler sees it.
    fn told(&self, index: usize, hook: &str, refusal: Refusal) -> ErrorBody {
        let name = self.name(index);
        let (code, message, hint) = match refusal {
            Refusal::Circle(Circle(chain)) => (code::CALL_CYCLE, self.circle(&chain), None),
            Refusal::Failed(error) => {
                let hint = error.hints().into_iter().next();
                (error.code(), format!("plugin `{name}`: {error}"), hint)
            }
            Refusal::NoHook(hooks) if hooks.is_empty() => {
                let message = format!("plugin `{name}` has no hook `{hook}`: it has no code of its own");
                (code::METHOD_NOT_FOUND, message, None)
            }
            Refusal::NoHook(hooks) => {
                let message = format!(
                    "plugin `{name}` has no hook `{hook}`; it lists {}",
                    hooks.join(", ")
                );
                (code::METHOD_NOT_FOUND, message, None)
            }
            Refusal::Ended => (
                code::CANCELLED,
                format!("`{hook}` of plugin `{name}` was cancelled"),
                None,
            ),
        };
        let data = ErrorData {
            origin: Some("host".into()),
            plugin: Some(name.to_owned()),
            hook: Some(hook.to_owned()),
            hint,
            ..ErrorData::default()
        };
        ErrorBody::with_data(code, message, &data)
    }

    /// Says how a chain of calls would come back to itself.
    fn circle(&self, chain: &[usize]) -> String {
        let names: Vec<String> = chain
            .iter()
            .map(|index| format!("`{}`", self.name(*index)))
            .collect();
        let comes_back = chain
            .split_last()
            .is_some_and(|(last, before)| before.contains(last));
        let path = names.join(" calls ");
        if comes_back {
            format!("the call would come back to itself: {path}")
        } else {
            let last = names.last().map_or("", String::as_str);
            format!(
                "the call could never end: {path}, and {last} is busy with a call that waits for this one"
            )
        }
    }
}

impl Partner {
    fn of(member: &mut Member, facts: &PluginFacts, spare: Spare) -> Self {
        let state = match &member.state {
            // Its step takes what the kept run has; there is nobody to call.
            State::Taken(_) => State::Codeless,
            _ => std::mem::replace(&mut member.state, State::Codeless),
        };
        let (seat, killer, failed) = match state {
            State::Warm(live) => {
                let killer = live.session.killer();
                (Seat::Live(Box::new(live.session)), Some(killer), None)
            }
            State::Failed(error) => (Seat::Failed(error.clone()), None, Some(error)),
            // Partners have no room to wait for, so none is cold.
            State::Cold | State::Codeless | State::Taken(_) => (Seat::Codeless, None, None),
        };
        Self {
            gate: Arc::new(Gate::new(seat)),
            killer: Mutex::new(killer),
            spare: Gate::new(spare),
            failed,
            facts: desk::json(facts),
        }
    }
}

/// Locks something that no panic can leave half changed.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

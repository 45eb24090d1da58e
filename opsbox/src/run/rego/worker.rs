//! One worker process for each provider: it holds the provider's data and evaluates the policies of its checks, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opsbox_protocol::Expect;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::inject::Injected;
use super::{Verdict, patience, read_verdict};
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, ResultSlice, Session};
use crate::run::Shared;
use crate::run::check::is_rego;
use crate::run::member::{self, Member};

/// How much longer a worker may take that has to remove a policy from a server.
const CLEARING: Duration = Duration::from_secs(6);
/// Variables that name a file of certificates to trust, the first that is set counts: those that the original's HTTP library reads, and the
/// one that most programs know.
const AUTHORITIES: [&str; 3] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// The worker of one provider. It takes one check at a time; a dead one is replaced for the next check.
pub(crate) struct Worker {
    spec: SessionSpec,
    step: usize,
    provider: usize,
    /// What it is told of the OPA server; `None`: it evaluates by itself.
    server: Option<Map<String, Value>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: Option<Ready>,
    /// Why the OPA server is of no use; it is asked once.
    refused: Option<PluginError>,
}

struct Ready {
    session: Session,
    loaded: bool,
}

/// Starts a worker for each provider that has Rego checks; they come up while the providers gather.
pub(crate) fn start_workers(
    shared: &Arc<Shared>,
    checks: &[Member],
    opa_url: Option<&str>,
) -> BTreeMap<usize, Arc<Worker>> {
    let mut workers = BTreeMap::new();
    for (planned, member) in shared.plan.checks.iter().zip(checks) {
        let evaluates = is_rego(planned) && !matches!(member.state, member::State::Taken(_));
        let Some(provider) = planned.providers.first().copied().filter(|_| evaluates) else {
            continue;
        };
        workers.entry(provider).or_insert_with(|| {
            let name = &shared.plan.providers[provider].manifest.name;
            let worker = Arc::new(Worker {
                spec: SessionSpec::rego_worker(name, opa_url.is_some(), &shared.ctx),
                step: member.step,
                provider,
                server: opa_url.map(|url| server(url, shared)),
                state: Mutex::default(),
            });
            let (early, shared) = (Arc::clone(&worker), Arc::clone(shared));
            tokio::spawn(async move {
                // A worker that does not start is tried again by its first check, which then reports why.
                let _started = early.state.lock().await.start(&early, &shared).await;
            });
            worker
        });
    }
    workers
}

fn server(url: &str, shared: &Shared) -> Map<String, Value> {
    let mut config = Map::from_iter([("opa_url".to_owned(), json!(url))]);
    let variable = |name: &&str| shared.ctx.variables.get(std::ffi::OsStr::new(name))?.to_str();
    if let Some(file) = AUTHORITIES
        .iter()
        .filter_map(variable)
        .find(|file| !file.is_empty())
    {
        config.insert("authorities".to_owned(), json!(file));
    }
    config
}

impl State {
    async fn start(&mut self, worker: &Worker, shared: &Shared) -> Result<&mut Ready, PluginError> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        if self.ready.as_ref().is_none_or(|ready| ready.session.is_dead()) {
            let sink = shared.board.sink_of(worker.step, worker.spec.name.clone());
            let session = Session::start(worker.spec.clone(), &shared.ctx, sink, shared.halt.clone()).await?;
            let mut ready = Ready {
                session,
                loaded: false,
            };
            if let Err(error) = worker.reach(&mut ready.session).await {
                ready.session.stop().await;
                self.refused = Some(error.clone());
                return Err(error);
            }
            self.ready = Some(ready);
        }
        self.ready.as_mut().ok_or(PluginError::Cancelled {
            method: "initialize".into(),
        })
    }
}

impl Worker {
    /// Tells the worker of the OPA server and has it ask whether that is there.
    async fn reach(&self, session: &mut Session) -> Result<(), PluginError> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let reached = match session.set_data(server.clone()).await {
            Ok(()) => session.activate().await,
            Err(error) => Err(error),
        };
        reached.map_err(|error| match error {
            PluginError::Answered { body, .. } => PluginError::Policy { body },
            other => other,
        })
    }

    /// Has a check evaluated, `request` being its parameters without data; returns how long that took, too.
    pub(super) async fn evaluate(
        &self,
        shared: &Shared,
        kept: &ResultSlice,
        injected: &Injected,
        mut request: Vec<u8>,
        limit: Duration,
    ) -> Result<(Verdict, Duration), PluginError> {
        let mut state = self.state.lock().await;
        let _turn = shared.turn().await;
        if shared.is_halted() {
            return Err(PluginError::Cancelled {
                method: "evaluate".into(),
            });
        }
        let since = Instant::now();
        let ready = state.start(self, shared).await?;
        if !ready.loaded && !matches!(injected, Injected::Data(_)) {
            let name = &shared.plan.providers[self.provider].manifest.name;
            let head = format!("{{\"provider\":{},\"data\":", Value::from(name.as_str()));
            let data = vec![head.into(), kept.bytes.clone(), Bytes::from_static(b"}")];
            ready
                .session
                .request("x-opsbox/rego/data", Expect::Raw, data)
                .await
                .answer?;
            ready.loaded = true;
        }
        let (key, value) = match injected {
            Injected::Nothing => ("", Bytes::new()),
            Injected::Patch(patch) => (",\"patch\":", patch.clone()),
            Injected::Data(changed) => (",\"data\":", changed.bytes.clone()),
        };
        // The request is an object; what is added goes before its last brace.
        request.pop();
        let pieces = vec![
            request.into(),
            Bytes::from_static(key.as_bytes()),
            value,
            Bytes::from_static(b"}"),
        ];
        let clearing = if self.server.is_some() {
            CLEARING
        } else {
            Duration::ZERO
        };
        let total = patience(limit).map(|patience| patience + clearing);
        let outcome = ready
            .session
            .request_within("x-opsbox/rego/check", Expect::Raw, pieces, total)
            .await;
        Ok((read_verdict(outcome.answer?)?, since.elapsed()))
    }

    /// Sends the worker down in the background.
    pub(crate) async fn retire(&self, shared: &Shared) {
        if let Some(ready) = self.state.lock().await.ready.take() {
            shared.stopping.lock().await.spawn(ready.session.stop());
        }
    }
}

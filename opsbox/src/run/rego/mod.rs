//! Rego checks: one worker process for each provider, whose data it parses once for all its checks.

mod request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opsbox_protocol::{Expect, Hook};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::plugin::launch::SessionSpec;
use crate::plugin::{Gap, PluginError, ResultSlice, Session};
use crate::report::{SkipReason, Status};

use super::board::Ending;
use super::check::is_rego;
use super::gather::Gathered;
use super::member::{self, Live, Member, State};
use super::{Shared, params};

pub use request::{Verdict, check_request, of_policy, patience, read_verdict};

/// How long one policy may take where neither its manifest nor `--timeout` says.
const POLICY_LIMIT: Duration = Duration::from_secs(300);

/// The worker of one provider. It takes one check at a time; a dead one is replaced for the next check.
pub(crate) struct Worker {
    spec: SessionSpec,
    step: usize,
    provider: usize,
    state: Mutex<Option<Ready>>,
}

struct Ready {
    session: Session,
    loaded: bool,
}

/// Starts a worker for each provider that has Rego checks; they come up while the providers gather.
pub(crate) fn start_workers(shared: &Arc<Shared>, checks: &[Member]) -> BTreeMap<usize, Arc<Worker>> {
    let mut workers = BTreeMap::new();
    for (planned, member) in shared.plan.checks.iter().zip(checks) {
        let evaluates = is_rego(planned) && !matches!(member.state, State::Taken(_));
        let Some(provider) = planned.providers.first().copied().filter(|_| evaluates) else {
            continue;
        };
        workers.entry(provider).or_insert_with(|| {
            let name = &shared.plan.providers[provider].manifest.name;
            let worker = Arc::new(Worker {
                spec: SessionSpec::rego_worker(name, &shared.ctx),
                step: member.step,
                provider,
                state: Mutex::new(None),
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

trait Start {
    async fn start(&mut self, worker: &Worker, shared: &Shared) -> Result<&mut Ready, PluginError>;
}

impl Start for Option<Ready> {
    async fn start(&mut self, worker: &Worker, shared: &Shared) -> Result<&mut Ready, PluginError> {
        if self.as_ref().is_none_or(|ready| ready.session.is_dead()) {
            let sink = shared.board.sink_of(worker.step, worker.spec.name.clone());
            let session = Session::start(worker.spec.clone(), &shared.ctx, sink, shared.halt.clone()).await?;
            *self = Some(Ready {
                session,
                loaded: false,
            });
        }
        self.as_mut().ok_or(PluginError::Cancelled {
            method: "initialize".into(),
        })
    }
}

impl Worker {
    async fn evaluate(
        &self,
        shared: &Shared,
        kept: &ResultSlice,
        changed: Option<ResultSlice>,
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
        let mut pieces = Vec::new();
        match changed {
            Some(changed) => {
                request.pop();
                pieces.extend([request.into(), Bytes::from_static(b",\"data\":"), changed.bytes]);
                pieces.push(Bytes::from_static(b"}"));
            }
            None => {
                if !ready.loaded {
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
                pieces.push(request.into());
            }
        }
        let outcome = ready
            .session
            .request_within("x-opsbox/rego/check", Expect::Raw, pieces, patience(limit))
            .await;
        Ok((read_verdict(outcome.answer?)?, since.elapsed()))
    }

    /// Sends the worker down in the background.
    pub(crate) async fn retire(&self, shared: &Shared) {
        if let Some(ready) = self.state.lock().await.take() {
            shared.stopping.lock().await.spawn(ready.session.stop());
        }
    }
}

/// Makes one check: `inject_data` where there is code, evaluation in the worker, `report_findings` where there is code.
pub(crate) async fn check(
    shared: &Shared,
    mut member: Member,
    worker: &Worker,
    gathered: &[Arc<Gathered>],
    mut gaps: Vec<Gap>,
) -> Result<(Vec<ResultSlice>, Ending), Ending> {
    let manifest = Arc::clone(&member.manifest);
    let unknown = |why: &str| Ending::unknown(why.to_owned(), Vec::new());
    let kept = gathered
        .first()
        .and_then(|gathered| gathered.result.as_ref().ok())
        .ok_or_else(|| unknown("it has no provider"))?;
    let mut live = member
        .wake(shared)
        .await
        .map_err(|error| Ending::failed(&error))?;
    let step = member.step;
    let mut worked = Duration::ZERO;
    let made = async {
        let since = Instant::now();
        let changed = inject(shared, step, live.as_mut(), kept, &mut gaps).await?;
        worked += since.elapsed();
        shared.board.started(step, "evaluate");
        let limit = shared
            .ctx
            .hook_total
            .or(manifest.timeouts.hook_total)
            .unwrap_or(POLICY_LIMIT);
        let reports = live
            .as_ref()
            .is_some_and(|live| live.session.has(Hook::ReportFindings));
        let request = check_request(&manifest, &member.config, kept, !reports, limit)?;
        let file = manifest.rego.as_ref().map_or("", |rego| &rego.file);
        let verdict = worker.evaluate(shared, kept, changed, request, limit).await;
        let (verdict, evaluating) = verdict.map_err(|error| of_policy(error, file))?;
        worked += evaluating;
        let since = Instant::now();
        let reported = report(shared, step, live.as_mut(), verdict, &mut gaps).await;
        worked += since.elapsed();
        reported
    }
    .await;
    if let Some(live) = live {
        member::retire(shared, live).await;
    }
    match made {
        // Whether the check applies was decided on what is missing, too.
        Ok(None) if !gaps.is_empty() => Err(Ending {
            status: Some(Status::Unknown),
            gaps,
            ..Ending::default()
        }),
        Ok(None) => Err(Ending::skipped(SkipReason::NotApplicable)),
        Ok(Some((results, findings))) => {
            let ending = Ending::delivered(&results, Some(findings), gaps);
            Ok((results, ending.after(worked)))
        }
        // A policy that finds nothing where a gap is has not failed: it could not look.
        Err(error) if !gaps.is_empty() => Err(Ending::blind(&error, gaps)),
        Err(error) => Err(Ending::failed(&error)),
    }
}

async fn inject(
    shared: &Shared,
    step: usize,
    live: Option<&mut Live>,
    kept: &ResultSlice,
    gaps: &mut Vec<Gap>,
) -> Result<Option<ResultSlice>, PluginError> {
    let Some(live) = live.filter(|live| live.session.has(Hook::InjectData)) else {
        return Ok(None);
    };
    let _turn = shared.turn().await;
    shared.board.started(step, Hook::InjectData.method());
    let outcome = live.session.call(Hook::InjectData, params::one(kept)).await;
    gaps.extend(outcome.gaps);
    Ok(outcome.answer?.into_results().into_iter().next())
}

async fn report(
    shared: &Shared,
    step: usize,
    live: Option<&mut Live>,
    verdict: Verdict,
    gaps: &mut Vec<Gap>,
) -> Result<Option<(Vec<ResultSlice>, u64)>, PluginError> {
    let Some(result) = verdict.result else {
        return Ok(None);
    };
    let Some(live) = live.filter(|live| live.session.has(Hook::ReportFindings)) else {
        return Ok(Some((vec![result], verdict.findings)));
    };
    let _turn = shared.turn().await;
    shared.board.started(step, Hook::ReportFindings.method());
    let outcome = live
        .session
        .call(Hook::ReportFindings, params::one(&result))
        .await;
    gaps.extend(outcome.gaps);
    let results = outcome.answer?.into_results();
    // What the plugin made of the policy's findings is what counts.
    let findings = results.iter().map(|result| result.count_findings() as u64).sum();
    Ok(Some((results, findings)))
}

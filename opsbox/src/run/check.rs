//! Runs the first stage: inputs, Rego checks, and providers whose data goes on as it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use opsbox_protocol::Hook;
use tokio::task::JoinSet;

use crate::halt::Halt;
use crate::manifest::{Kind, Manifest};
use crate::plan::{Handler, Planned};
use crate::plugin::{Gap, ResultSlice};
use crate::report::SkipReason;

use super::board::Ending;
use super::gather::{self, Awaited, Gathered};
use super::handle::Switchboard;
use super::member::Member;
use super::rego::{self, Worker};
use super::{Shared, hollow, params};

/// Runs every check, at most `--jobs` at once, and returns their Results in the order of the pipeline.
pub(crate) async fn run_all(
    shared: &Arc<Shared>,
    switchboard: &Arc<Switchboard>,
    checks: Vec<Member>,
    data: Vec<Awaited>,
    opa_url: Option<String>,
) -> Vec<ResultSlice> {
    let workers = rego::start_workers(shared, &checks, opa_url.as_deref());
    let mut running = JoinSet::new();
    for (index, member) in checks.into_iter().enumerate() {
        let planned = &shared.plan.checks[index];
        let awaited = planned
            .providers
            .iter()
            .map(|provider| data[*provider].clone())
            .collect();
        let worker = planned
            .providers
            .first()
            .and_then(|provider| workers.get(provider))
            .cloned();
        let runner = if planned.served_by().is_some() {
            Runner::Handler(Arc::clone(switchboard), planned.providers.clone())
        } else {
            worker.map_or(Runner::Host, Runner::Worker)
        };
        let shared = Arc::clone(shared);
        running.spawn(async move { (index, check(&shared, member, awaited, runner).await) });
    }
    // From here on only the checks themselves hold the data, so that it is freed after its last consumer.
    drop(data);
    let mut workers: BTreeMap<_, _> = workers;
    let mut results = BTreeMap::new();
    while let Some(done) = running.join_next().await {
        if let Ok((index, made)) = done {
            results.insert(index, made);
        }
    }
    for worker in std::mem::take(&mut workers).into_values() {
        worker.retire(shared).await;
    }
    results.into_values().flatten().collect()
}

/// Who runs a check.
enum Runner {
    /// The host: an input, or a provider that is handed on.
    Host,
    /// The worker of its provider.
    Worker(Arc<Worker>),
    /// A handler plugin, for a check of these providers.
    Handler(Arc<Switchboard>, Vec<usize>),
}

async fn check(
    shared: &Arc<Shared>,
    mut member: Member,
    awaited: Vec<Awaited>,
    runner: Runner,
) -> Vec<ResultSlice> {
    let step = member.step;
    if let Some(taken) = member.taken() {
        shared.board.settle_taken(step, &taken);
        return hollow::marked(taken.results, &taken.record);
    }
    let n_providers = awaited.len();
    let mut gathered = Vec::new();
    for awaited in awaited {
        gathered.extend(gather::wait(awaited).await);
    }
    let deserted = gathered.len() < n_providers;
    let obstacle = if deserted {
        let why = "a provider of it ended without a word".into();
        Some(Ending::unknown(why, Vec::new()))
    } else {
        hindrance(shared, &member.manifest, &gathered)
    };
    if let Some(ending) = obstacle {
        shared.board.settle(step, None, ending);
        member.dismiss(shared).await;
        return Vec::new();
    }
    let gaps = touching(&member.manifest, &gathered);
    let since = Instant::now();
    let made = match (&member.manifest.kind, runner) {
        (Kind::Provider, _) => Ok(pass_on(gathered, gaps)),
        (_, Runner::Handler(switchboard, providers)) => {
            drop(gathered);
            handled(shared, &switchboard, member, &providers, gaps).await
        }
        (Kind::Rego, Runner::Worker(worker)) => rego::check(shared, member, &worker, &gathered, gaps).await,
        _ => input(shared, member, gathered, gaps).await,
    };
    let (mut results, ending) = match made {
        Ok((results, ending)) => (results, ending),
        Err(ending) => (Vec::new(), ending),
    };
    if let Some(status) = ending.status {
        hollow::mark(&mut results, status);
    }
    shared.board.settle(step, Some(since), ending);
    results
}

/// Returns why a check cannot be made, or is not to be.
fn hindrance(shared: &Shared, manifest: &Manifest, gathered: &[Arc<Gathered>]) -> Option<Ending> {
    if shared.is_halted() {
        return Some(Ending::blocked("the run was stopped"));
    }
    if let Some((provider, why)) = gathered.iter().find_map(|gathered| {
        gathered
            .result
            .as_ref()
            .err()
            .map(|why| (&gathered.provider, why))
    }) {
        return Some(Ending::unknown(
            format!("its provider `{provider}` brought no data: {why}"),
            Vec::new(),
        ));
    }
    if shared.options.leave_out_gapped
        && let Some(gap) = touching(manifest, gathered).first()
    {
        let why = format!("left out here: {}: {}", gap.what, gap.why);
        return Some(Ending::skipped(SkipReason::ByChoice { why }));
    }
    None
}

/// Returns the gaps that touch a check: all of them, or those of the sections that it reads.
fn touching(manifest: &Manifest, gathered: &[Arc<Gathered>]) -> Vec<Gap> {
    let touches = |gap: &&Gap| manifest.check.is_touched(gap.section.as_deref());
    gathered
        .iter()
        .flat_map(|gathered| gathered.gaps.iter().filter(touches))
        .cloned()
        .collect()
}

fn pass_on(gathered: Vec<Arc<Gathered>>, gaps: Vec<Gap>) -> (Vec<ResultSlice>, Ending) {
    let results: Vec<_> = gathered
        .iter()
        .filter_map(|gathered| gathered.result.as_ref().ok().cloned())
        .collect();
    let ending = Ending::delivered(&results, None, gaps);
    (results, ending)
}

async fn input(
    shared: &Shared,
    mut member: Member,
    gathered: Vec<Arc<Gathered>>,
    mut gaps: Vec<Gap>,
) -> Result<(Vec<ResultSlice>, Ending), Ending> {
    let _turn = shared.turn().await;
    let since = Instant::now();
    if shared.is_halted() {
        member.dismiss(shared).await;
        return Err(Ending::blocked("the run was stopped"));
    }
    let data: Vec<_> = gathered
        .iter()
        .filter_map(|gathered| gathered.result.as_ref().ok().cloned())
        .collect();
    drop(gathered);
    let given = params::list("data", &data);
    drop(data);
    let Some(outcome) = member.compute(shared, Hook::Process, given).await else {
        return Err(Ending::unknown("it has no code to run".into(), Vec::new()));
    };
    gaps.extend(outcome.gaps);
    match outcome.answer {
        Ok(reply) => {
            let results = reply.into_results();
            let findings = results.iter().map(|result| result.count_findings() as u64).sum();
            let ending = Ending::delivered(&results, Some(findings), gaps);
            Ok((results, ending.after(since.elapsed())))
        }
        Err(error) => Err(Ending::failed(&error).with_gaps(gaps).after(since.elapsed())),
    }
}

/// Runs a check through its handler.
async fn handled(
    shared: &Shared,
    switchboard: &Arc<Switchboard>,
    member: Member,
    providers: &[usize],
    mut gaps: Vec<Gap>,
) -> Result<(Vec<ResultSlice>, Ending), Ending> {
    // Before the handler is taken: whoever has it must never wait for a turn.
    let _turn = shared.turn().await;
    let since = Instant::now();
    if shared.is_halted() {
        return Err(Ending::blocked("the run was stopped"));
    }
    match switchboard.step(&member, &[], providers, Halt::Cancel).await {
        Ok((results, missing)) => {
            gaps.extend(missing);
            let findings = results.iter().map(|result| result.count_findings() as u64).sum();
            let ending = Ending::delivered(&results, Some(findings), gaps);
            Ok((results, ending.after(since.elapsed())))
        }
        Err(mut ending) => {
            ending.gaps.splice(0..0, gaps);
            Err(ending.after(since.elapsed()))
        }
    }
}

/// Returns whether a planned check is evaluated by a Rego worker.
pub(crate) fn is_rego(planned: &Planned) -> bool {
    planned.handler == Handler::Rego
}

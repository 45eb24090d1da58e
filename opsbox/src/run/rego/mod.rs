//! Rego checks: one worker process for each provider, whose data it parses once for all its checks.

mod code;
mod inject;
mod request;
mod worker;

use std::sync::Arc;
use std::time::{Duration, Instant};

use opsbox_protocol::Hook;

use crate::plugin::{Gap, ResultSlice};
use crate::report::{SkipReason, Status};

use super::Shared;
use super::board::Ending;
use super::gather::Gathered;
use super::member::Member;
use code::Code;

pub use request::{Verdict, Want, check_request, of_policy, patience, read_verdict};
pub(crate) use worker::{Worker, start_workers};

/// How long one policy may take where neither its manifest nor `--timeout` says.
const POLICY_LIMIT: Duration = Duration::from_secs(300);

/// Makes one check: `inject_data` where there is code, evaluation in the worker, `report_findings` where there is code.
pub(crate) async fn check(
    shared: &Shared,
    member: Member,
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
    let config = member.config.clone();
    let step = member.step;
    let mut code = Code::wake(shared, member)
        .await
        .map_err(|error| Ending::failed(&error))?;
    let mut worked = Duration::ZERO;
    let made = async {
        let since = Instant::now();
        let mut injected = code.inject(kept, &mut gaps).await?;
        worked += since.elapsed();
        shared.board.started(step, "evaluate");
        let limit = shared
            .ctx
            .hook_total
            .or(manifest.timeouts.hook_total)
            .unwrap_or(POLICY_LIMIT);
        let reports = code.has(Hook::ReportFindings);
        let want = if reports { Want::Data } else { Want::Text };
        let request = check_request(&manifest, &config, kept, want, limit)?;
        let file = manifest.rego.as_ref().map_or("", |rego| &rego.file);
        let mut verdict = worker
            .evaluate(shared, kept, &injected, request.clone(), limit)
            .await;
        if matches!(&verdict, Err(error) if injected.cannot_be_patched(error)) {
            let since = Instant::now();
            injected = code.with_data(kept, &mut gaps).await?;
            worked += since.elapsed();
            verdict = worker.evaluate(shared, kept, &injected, request, limit).await;
        }
        let (verdict, evaluating) = verdict.map_err(|error| of_policy(error, file))?;
        worked += evaluating;
        let since = Instant::now();
        let reported = code.report(verdict, &mut gaps).await;
        worked += since.elapsed();
        reported
    }
    .await;
    code.retire().await;
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

//! Gathers each provider once; everybody who needs its data waits for it here.

use std::sync::Arc;
use std::time::Instant;

use opsbox_protocol::Hook;
use tokio::sync::watch;

use crate::plugin::{Gap, ResultSlice};

use super::board::Ending;
use super::member::Member;
use super::{Shared, params};

/// What a provider brought.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    /// The provider's name.
    pub(crate) provider: String,
    /// Its Result, or one sentence on why there is none.
    pub(crate) result: Result<ResultSlice, String>,
    /// What it could not look at.
    pub(crate) gaps: Vec<Gap>,
}

/// Where a provider's data will be seen.
pub(crate) type Awaited = watch::Receiver<Option<Arc<Gathered>>>;

/// Starts to gather every provider and returns where their data will be seen, in the order of the plan.
pub(crate) fn start(shared: &Arc<Shared>, providers: Vec<Member>) -> Vec<Awaited> {
    providers
        .into_iter()
        .map(|member| {
            let (tx, rx) = watch::channel(None);
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                let gathered = gather(&shared, member).await;
                tx.send_replace(Some(Arc::new(gathered)));
                // The channel holds the data as long as somebody still waits for it.
                tx.closed().await;
            });
            rx
        })
        .collect()
}

/// Waits for a provider's data.
pub(crate) async fn wait(mut awaited: Awaited) -> Option<Arc<Gathered>> {
    awaited
        .wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|gathered| gathered.clone())
}

async fn gather(shared: &Shared, mut member: Member) -> Gathered {
    let provider = member.manifest.name.clone();
    let without = |why: String, gaps| Gathered {
        provider: provider.clone(),
        result: Err(why),
        gaps,
    };
    if let Some(taken) = member.taken() {
        shared.board.settle_taken(member.step, &taken);
        let why = || taken.record.errors.first().map(|error| error.message.clone());
        return Gathered {
            provider,
            gaps: taken.gaps(),
            result: taken
                .results
                .first()
                .cloned()
                .ok_or_else(|| why().unwrap_or_else(|| "it returned nothing in the kept run".into())),
        };
    }
    if shared.is_halted() {
        shared
            .board
            .settle(member.step, None, Ending::blocked("the run was stopped"));
        member.dismiss(shared).await;
        return without("the run was stopped before it gathered".into(), Vec::new());
    }
    let since = Instant::now();
    let computed = member.compute(shared, Hook::GatherData, params::none()).await;
    let Some(outcome) = computed else {
        let why = "it has no code to run".to_owned();
        shared
            .board
            .settle(member.step, Some(since), Ending::unknown(why.clone(), Vec::new()));
        return without(why, Vec::new());
    };
    match outcome.answer {
        Ok(reply) => {
            let results = reply.into_results();
            shared.board.settle(
                member.step,
                Some(since),
                Ending::delivered(&results, None, outcome.gaps.clone()),
            );
            let first = results
                .into_iter()
                .next()
                .ok_or_else(|| "it returned nothing".to_owned());
            Gathered {
                provider,
                result: first,
                gaps: outcome.gaps,
            }
        }
        Err(error) => {
            let ending = Ending::failed(&error).with_gaps(outcome.gaps.clone());
            shared.board.settle(member.step, Some(since), ending);
            without(error.to_string(), outcome.gaps)
        }
    }
}

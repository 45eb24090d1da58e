//! `inject_data`: what a plugin's code adds to a provider's data before its policy sees it.
//!
//! Most of these hooks set a few keys of `details["input"]`. The Python bridge can tell which, where the hook's source does nothing
//! else; then only the keys travel, and the worker sets them in the data that it has already. Where it cannot tell, the data goes to
//! the plugin and comes back.

use bytes::Bytes;
use opsbox_protocol::{Expect, Hook};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::plugin::{Gap, PluginError, Reply, ResultSlice};
use crate::run::member::Live;
use crate::run::{Shared, params};

/// The feature of a plugin that can tell what it sets.
const FEATURE: &str = "x-opsbox-inject";
/// The method that tells it.
const METHOD: &str = "x-opsbox/inject_patch";

/// What became of a provider's data.
pub(super) enum Injected {
    /// It is used as it is.
    Nothing,
    /// These keys are set in `details["input"]`: a JSON object.
    Patch(Bytes),
    /// The plugin changed it.
    Data(ResultSlice),
}

impl Injected {
    /// Says whether an evaluation failed only because the keys could not be set, so that the plugin has to be given the data after all.
    ///
    /// What the plugin would do with data that the worker cannot read, it has to show itself, too.
    pub(super) fn cannot_be_patched(&self, error: &PluginError) -> bool {
        let kind = match error {
            PluginError::Answered { body, .. } => body.data.as_ref().and_then(|data| data["kind"].as_str()),
            _ => None,
        };
        matches!(self, Self::Patch(_)) && matches!(kind, Some("no_input" | "data"))
    }
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    patch: Option<&'a RawValue>,
}

/// Asks a plugin what it sets, or has it change the data where it cannot tell; nothing where it has no such hook.
pub(super) async fn inject(
    shared: &Shared,
    step: usize,
    live: Option<&mut Live>,
    kept: &ResultSlice,
    gaps: &mut Vec<Gap>,
) -> Result<Injected, PluginError> {
    let Some(live) = live.filter(|live| live.session.has(Hook::InjectData)) else {
        return Ok(Injected::Nothing);
    };
    if live.session.knows(FEATURE) {
        let _turn = shared.turn().await;
        shared.board.started(step, Hook::InjectData.method());
        if let Some(patch) = ask(live, gaps).await? {
            return Ok(Injected::Patch(patch));
        }
    }
    with_data(shared, step, Some(live), kept, gaps).await
}

/// Returns what the hook sets; `None` where it has to see the data.
async fn ask(live: &mut Live, gaps: &mut Vec<Gap>) -> Result<Option<Bytes>, PluginError> {
    let outcome = live.session.request(METHOD, Expect::Raw, params::none()).await;
    // Also of the hooks before: whatever comes of the question, this is the first call that brings them home.
    gaps.extend(outcome.gaps);
    let line = match outcome.answer {
        Ok(Reply::Raw(line)) => line,
        // The real call has the better words for what is wrong.
        Ok(Reply::Results(_)) | Err(PluginError::Answered { .. }) => return Ok(None),
        Err(error) => return Err(error.renamed(METHOD, Hook::InjectData.method())),
    };
    let answered: Answered<'_> = serde_json::from_slice(&line).map_err(|error| PluginError::Shape {
        method: METHOD.into(),
        why: error.to_string(),
    })?;
    Ok(answered.patch.map(|patch| line.slice_ref(patch.get().as_bytes())))
}

/// Has the plugin change the data.
pub(super) async fn with_data(
    shared: &Shared,
    step: usize,
    live: Option<&mut Live>,
    kept: &ResultSlice,
    gaps: &mut Vec<Gap>,
) -> Result<Injected, PluginError> {
    let Some(live) = live else {
        return Ok(Injected::Nothing);
    };
    let _turn = shared.turn().await;
    shared.board.started(step, Hook::InjectData.method());
    let outcome = live.session.call(Hook::InjectData, params::one(kept)).await;
    gaps.extend(outcome.gaps);
    let changed = outcome.answer?.into_results().into_iter().next();
    Ok(changed.map_or(Injected::Nothing, Injected::Data))
}

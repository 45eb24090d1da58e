//! Lives that a host may give a plugin: asked only, called too early, by later hosts and plain ones, cancelled, left alone.

use opsbox_protocol::message::{CancelParams, FEATURES};
use opsbox_protocol::{Hook, VERSION};
use serde_json::json;

use crate::conform::scene::Scene;
use crate::conform::stage::{Stage, request};

/// A version that nobody speaks yet.
const FUTURE: u32 = 90;

/// Only asked for its schema, as `plan` and `plugins show` do.
pub(super) async fn asked(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("asked");
    let hello = act.hello();
    if act.greet(&hello).await && stage.facts.has(Hook::GrabConfig) {
        act.ask("grab_config", "grab_config", "{}").await;
    }
    act.look("asked");
    act.end().await
}

/// A hook before `initialize`, and one before the plugin is ready for it.
pub(super) async fn early(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("early");
    if let Some(work) = stage.facts.works.first() {
        act.ask("before initialize", &work.hook, &work.params).await;
    } else {
        act.ask("before initialize", "grab_config", "{}").await;
    }
    let hello = act.hello();
    if act.greet(&hello).await
        && let Some(work) = stage.facts.works.first()
    {
        act.ask("before ready", &work.hook, &work.params).await;
        act.fence("after early").await;
    }
    act.end().await
}

/// A host of a later release: more versions, features and members than anybody knows.
pub(super) async fn newer(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("newer");
    let mut hello = act.hello();
    hello["protocol"] = json!({"min": VERSION, "max": FUTURE, "x_new": 1});
    let unknown = ["x-conformance-unknown", "telepathy"];
    hello["features"] = FEATURES.iter().chain(&unknown).copied().collect();
    for part in ["host", "limits"] {
        hello[part]["x_new"] = json!({"a": [1]});
    }
    hello["x_new"] = json!([{"b": null}]);
    if !act.greet(&hello).await || !act.configure(&stage.facts).await {
        return act.end().await;
    }
    if let Some(work) = stage.facts.works.first() {
        // The payload stays last, as a host promises.
        let rest = work.params.strip_prefix('{').unwrap_or("}");
        let comma = if rest == "}" { "" } else { "," };
        let params = format!("{{\"x_new\":{{\"c\":[true]}}{comma}{rest}");
        act.ask("work", &work.hook, &params).await;
    }
    act.end().await
}

/// A host that has no version in common with the plugin.
pub(super) async fn apart(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("apart");
    let mut hello = act.hello();
    hello["protocol"] = json!({"min": FUTURE, "max": FUTURE + 1});
    act.greet(&hello).await;
    act.end().await
}

/// The end of stdin while the plugin has nothing to do.
pub(super) async fn idle(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("idle");
    let hello = act.hello();
    act.greet(&hello).await;
    act.leave().await
}

/// The end of stdin right after a hook was called.
pub(super) async fn busy(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("busy");
    if act.prepare().await
        && let Some(work) = stage.facts.works.first()
    {
        let id = act.id();
        act.send("work", &work.hook, id, &[&request(id, &work.hook, &work.params)])
            .await;
    }
    act.leave().await
}

/// A hook that is cancelled at once, and cancels that come too late or mean nothing.
pub(super) async fn cancelled(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("cancelled");
    if !act.prepare().await {
        return act.end().await;
    }
    let cancel = |id: u64| serde_json::to_value(CancelParams { id }).unwrap_or_default();
    if let Some(work) = stage.facts.works.first() {
        let id = act.id();
        if act
            .send("work", &work.hook, id, &[&request(id, &work.hook, &work.params)])
            .await
        {
            act.notify("$/cancel", &cancel(id)).await;
            act.wait("work").await;
        }
        act.notify("$/cancel", &cancel(id)).await;
    }
    act.notify("$/cancel", &cancel(1)).await;
    act.notify("$/cancel", &cancel(900_000)).await;
    act.fence("after cancel").await;
    act.end().await
}

/// A host that knows no feature.
pub(super) async fn plain(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("plain");
    let mut hello = act.hello();
    hello["features"] = json!([]);
    if act.greet(&hello).await && act.configure(&stage.facts).await {
        for (work, label) in stage.facts.works.iter().zip(["work", "second work"]) {
            act.ask(label, &work.hook, &work.params).await;
        }
    }
    act.end().await
}

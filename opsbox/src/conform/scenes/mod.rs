//! The scenes: each starts the plugin once and plays one part of the protocol. They only collect; rules judge.

mod data;
mod lines;
mod lives;

use std::time::Duration;

use opsbox_protocol::Hook;
use serde_json::json;

use crate::manifest::Kind;

use super::act::Act;
use super::line::Answer;
use super::scene::Scene;
use super::stage::{Facts, PRIVATE, Stage};

/// How long a plugin is listened to that should say nothing before it is spoken to.
const SILENCE: Duration = Duration::from_millis(200);

/// The whole life, as a host goes through it; the hook is called twice. `learn` makes facts of the schema.
pub(super) async fn whole(
    stage: &Stage<'_>,
    learn: impl FnOnce(Facts) -> Result<Facts, crate::error::Failure>,
) -> Result<(Scene, Facts), crate::error::Failure> {
    let mut act = stage.open("whole");
    act.listen(SILENCE).await;
    let hello = act.hello();
    if !act.greet(&hello).await {
        return Ok((act.leave().await, Facts::default()));
    }
    let mut facts = Facts {
        schema: json!({"type": "object", "properties": {}}),
        ..Facts::default()
    };
    if let Some(hello) = super::stage::introduction(&act.scene) {
        facts.hooks = hello.hooks;
        facts.features = hello.features;
    }
    if let Some(schema) = &stage.manifest.config_schema {
        facts.schema = schema.clone();
    } else if facts.has(Hook::GrabConfig) && act.ask("grab_config", "grab_config", "{}").await {
        facts.schema = match act.scene.answer("grab_config") {
            Some(Answer::Result(schema)) if schema.is_object() => schema,
            _ => facts.schema,
        };
    }
    let facts = learn(facts)?;
    act.look("asked");
    let set = json!({"config": facts.config}).to_string();
    let is_set = !facts.has(Hook::SetData) || act.ask("set_data", "set_data", &set).await;
    act.look("set");
    let is_active = is_set && (!facts.has(Hook::Activate) || act.ask("activate", "activate", "{}").await);
    if is_active {
        work(&mut act, &facts).await;
    }
    act.look("worked");
    act.fence("unknown method").await;
    act.notify(
        "opsbox_no_such_notification",
        &json!({"id": 1, "text": "nobody knows this"}),
    )
    .await;
    act.notify("$/opsbox_no_such", &json!({})).await;
    act.fence("after notifications").await;
    Ok((act.end().await, facts))
}

/// Calls each hook, and then each once more.
async fn work(act: &mut Act<'_>, facts: &Facts) {
    const LABELS: [(&str, &str); 2] = [("work", "again"), ("second work", "second again")];
    for (work, labels) in facts.works.iter().zip(LABELS) {
        act.ask(labels.0, &work.hook, &work.params).await;
        act.ask(labels.1, &work.hook, &work.params).await;
    }
}

/// Runs every other scene in order; `said` is told the name of each.
pub(super) async fn others(stage: &Stage<'_>, scenes: &mut Vec<Scene>, said: &dyn Fn(&str)) {
    let facts = &stage.facts;
    macro_rules! play {
        ($($scene:expr),+ $(,)?) => {
            $(
                if *stage.halt.borrow() != crate::halt::Halt::Go {
                    return;
                }
                let scene = $scene.await;
                said(scene.name);
                scenes.push(scene);
            )+
        };
    }
    play!(
        lives::asked(stage),
        lives::early(stage),
        lines::frames(stage),
        lines::noise(stage),
        lines::long(stage),
        lines::deep(stage)
    );
    play!(
        lives::newer(stage),
        lives::apart(stage),
        lives::idle(stage),
        lives::busy(stage),
        lives::cancelled(stage),
        lives::plain(stage)
    );
    if facts.has(Hook::SetData) {
        play!(data::wrong_params(stage), data::wrong_values(stage));
    }
    let fails = |label: &str| {
        scenes
            .first()
            .is_some_and(|whole| matches!(whole.answer(label), Some(Answer::Error(..))))
    };
    if fails("work") || fails("set_data") || fails("activate") {
        play!(data::spelt_out(stage));
    }
    if !facts.secrets.is_empty() {
        play!(data::secret(stage));
    }
    if stage.manifest.kind == Kind::Output {
        play!(data::hostile(stage));
        if facts.knows(PRIVATE) {
            play!(data::private(stage));
        }
    }
}

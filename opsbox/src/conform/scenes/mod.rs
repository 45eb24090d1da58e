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
        facts.introduced = true;
        facts.hooks = hello.hooks;
        facts.features = hello.features;
        facts.cancel = hello.cancel;
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

/// Runs every other scene in order; `said` is told what each is about before it is played.
pub(super) async fn others(stage: &Stage<'_>, scenes: &mut Vec<Scene>, said: &dyn Fn(&str)) {
    let facts = &stage.facts;
    macro_rules! play {
        ($($about:literal => $scene:expr),+ $(,)?) => {
            $(
                if *stage.halt.borrow() != crate::halt::Halt::Go {
                    return;
                }
                said($about);
                let scene = $scene.await;
                scenes.push(scene);
            )+
        };
    }
    play!(
        "asked for its schema only" => lives::asked(stage),
        "hooks that come too early" => lives::early(stage),
        "lines in pieces, joined, empty" => lines::frames(stage),
        "lines that are no messages" => lines::noise(stage),
        "a line of 1 MiB" => lines::long(stage),
        "a line that nests deep" => lines::deep(stage)
    );
    play!(
        "a host of a later release" => lives::newer(stage),
        "a host without a common version" => lives::apart(stage),
        "the end of stdin while it waits" => lives::idle(stage),
        "the end of stdin while its hook runs" => lives::busy(stage),
        "a hook that is cancelled" => lives::cancelled(stage),
        "a host without features" => lives::plain(stage)
    );
    if facts.has(Hook::SetData) {
        play!(
            "`params` that are no object" => data::wrong_params(stage),
            "a configuration that does not fit" => data::wrong_values(stage)
        );
    }
    let fails = |label: &str| {
        scenes
            .first()
            .is_some_and(|whole| matches!(whole.answer(label), Some(Answer::Error(..))))
    };
    if fails("work") || fails("set_data") || fails("activate") {
        play!("the work with every default set" => data::spelt_out(stage));
    }
    if !facts.secrets.is_empty() {
        play!("the work with every secret set" => data::secret(stage));
    }
    if stage.manifest.kind == Kind::Output {
        play!("Results that mean harm" => data::hostile(stage));
        if facts.knows(PRIVATE) {
            play!("Results that are private" => data::private(stage));
        }
    }
}

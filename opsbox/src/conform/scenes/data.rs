//! Data that a plugin may be given: wrong configuration, defaults spelt out, secrets, and Results that mean harm.

use serde_json::{Value, json};

use super::work;
use crate::conform::sample;
use crate::conform::scene::Scene;
use crate::conform::stage::Stage;

/// Parameters that are no object.
pub(super) async fn wrong_params(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("wrong params");
    let hello = act.hello();
    if act.greet(&hello).await {
        act.ask("wrong params", "set_data", "[]").await;
        act.fence("after wrong params").await;
    }
    act.end().await
}

/// A configuration that does not fit the schema.
pub(super) async fn wrong_values(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("wrong values");
    let hello = act.hello();
    if act.greet(&hello).await {
        let mut config = stage.facts.config.clone();
        let misfits = misfits(&stage.facts.schema, &stage.facts.secrets);
        if !misfits.is_empty() {
            config.extend(misfits);
            let secrets = stage.facts.secrets.iter().cloned();
            config.extend(secrets.map(|(field, value)| (field, value.into())));
            let params = json!({"config": config}).to_string();
            act.ask("wrong values", "set_data", &params).await;
            act.fence("after wrong values").await;
        }
    }
    act.end().await
}

/// Returns for each field but the secret ones a value that does not fit it.
fn misfits(schema: &Value, secrets: &[(String, String)]) -> Vec<(String, Value)> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let misfit = |name: &str| {
        [json!({"wrong": [true]}), json!("not a value"), json!(-1.5)]
            .into_iter()
            .find(|value| !sample::fits(schema, name, value))
    };
    fields
        .filter(|(name, _)| !secrets.iter().any(|(secret, _)| secret == *name))
        .filter_map(|(name, _)| Some((name.clone(), misfit(name)?)))
        .collect()
}

/// The work again, with every default of the schema set as if somebody had.
pub(super) async fn spelt_out(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("spelt out");
    let mut facts = stage.facts.clone();
    sample::fill(&facts.schema, &mut facts.config, true);
    let hello = act.hello();
    if act.greet(&hello).await
        && act.configure(&facts).await
        && let Some(work) = facts.works.first()
    {
        act.ask("work", &work.hook, &work.params).await;
    }
    act.end().await
}

/// The work with every secret set, to see where it turns up.
pub(super) async fn secret(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("secret");
    let mut facts = stage.facts.clone();
    for (field, value) in &facts.secrets {
        facts.config.insert(field.clone(), value.as_str().into());
    }
    let hello = act.hello();
    if act.greet(&hello).await && act.configure(&facts).await {
        work(&mut act, &facts).await;
    }
    act.look("worked");
    act.end().await
}

/// Results of which one holds a secret, as the host says it.
pub(super) async fn private(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("private");
    if act.prepare().await
        && let Some(work) = stage.facts.works.first()
    {
        let results = work.results.join(",");
        let params = format!("{{\"private\":true,\"{}\":[{results}]}}", work.key);
        act.ask("work", &work.hook, &params).await;
    }
    act.end().await
}

/// Results whose texts want to be paths and escape sequences.
pub(super) async fn hostile(stage: &Stage<'_>) -> Scene {
    let mut act = stage.open("hostile");
    let absolute = act.root().join("conformance_absolute").display().to_string();
    if act.prepare().await
        && let Some(work) = stage.facts.works.first()
    {
        let results = sample::hostile_results(&absolute).join(",");
        let params = format!("{{\"{}\":[{results}]}}", work.key);
        act.ask("work", &work.hook, &params).await;
    }
    act.look("worked");
    act.end().await
}

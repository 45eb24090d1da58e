//! The schemas of plugins' configuration for commands that run nothing: from the manifest, the cache, or the plugin itself.

use std::sync::Arc;

use opsbox_protocol::Hook;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cli::{host, signals};
use crate::discover::Catalog;
use crate::discover::cache::SchemaCache;
use crate::environ::Environ;
use crate::error::Failure;
use crate::halt::{Halt, HaltSeen};
use crate::manifest::{Launch, Manifest};
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::plugin::zygote::Zygotes;
use crate::plugin::{PluginError, Session, SessionContext};
use crate::ui::Ui;

/// The least number of plugins that are asked at the same time; beyond it two for each processor.
const LEAST_AT_ONCE: usize = 8;

/// Returns the schema of each plugin, in order; `true`, which allows everything, with a warning for one that could not be asked.
///
/// # Errors
/// Only that the user interrupted it.
pub async fn schemas(
    environ: &Environ,
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    catalog: &Catalog,
    manifests: &[Arc<Manifest>],
) -> Result<Vec<Value>, Failure> {
    let cache = SchemaCache::new(&environ.cache_dir);
    let mut schemas = vec![Value::Null; manifests.len()];
    let mut unknown = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        if let Some(schema) = at_hand(manifest) {
            schemas[index] = schema;
            continue;
        }
        let key = SchemaCache::key(manifest, catalog.python.as_deref());
        if let Some(schema) = key.as_ref().and_then(|key| cache.get(key)) {
            schemas[index] = schema;
            continue;
        }
        unknown.push((index, key));
    }
    if unknown.is_empty() {
        return Ok(schemas);
    }
    let (mut ctx, interrupts) = signals::guarded(ctx, ui, signals::OF_A_QUESTION);
    let asked = unknown.iter().map(|(index, _)| &*manifests[*index]);
    ctx.zygotes = Zygotes::start(asked, &ctx);
    let mut asking = JoinSet::new();
    let places = Arc::new(Semaphore::new(at_once()));
    for (index, key) in unknown {
        let (manifest, ctx, ui) = (Arc::clone(&manifests[index]), ctx.clone(), Arc::clone(ui));
        let (halt, places) = (interrupts.halt(), Arc::clone(&places));
        asking.spawn(async move {
            // Nobody closes the semaphore; without a place the plugin would only be asked beside the others.
            let _place = places.acquire().await;
            (index, key, ask(&manifest, &ctx, &ui, halt).await)
        });
    }
    while let Some(done) = asking.join_next().await {
        let Ok((index, key, answer)) = done else { continue };
        schemas[index] = match answer {
            Ok(schema) => {
                if let Some(key) = key {
                    // Without the cache the plugin is asked anew next time.
                    let _kept = cache.put(&key, &schema);
                }
                schema
            }
            Err(error) => {
                if interrupts.aborted() {
                    continue;
                }
                ui.warn(&format!(
                    "{}; its fields are not known",
                    error.fault(&manifests[index].name).message
                ));
                Value::Bool(true)
            }
        };
    }
    if let Some(zygotes) = &ctx.zygotes {
        zygotes.end().await;
    }
    interrupts.check()?;
    Ok(schemas)
}

fn at_once() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    LEAST_AT_ONCE.max(2 * processors)
}

fn at_hand(manifest: &Manifest) -> Option<Value> {
    let empty = || json!({"type": "object", "properties": {}});
    match &manifest.launch {
        _ if manifest.config_schema.is_some() => manifest.config_schema.clone(),
        Launch::Bundled => Some(host::bundled_schema(&manifest.name).unwrap_or_else(empty)),
        Launch::Nothing => Some(empty()),
        Launch::Command { .. } | Launch::Python { .. } => None,
    }
}

async fn ask(
    manifest: &Manifest,
    ctx: &SessionContext,
    ui: &Arc<Ui>,
    halt: HaltSeen,
) -> Result<Value, PluginError> {
    let (name, ui) = (manifest.name.clone(), Arc::clone(ui));
    let sink: Sink = Arc::new(move |event| ui.said(&name, event));
    if *halt.borrow() == Halt::Abort {
        let method = Hook::GrabConfig.method().to_owned();
        return Err(PluginError::Cancelled { method });
    }
    let mut session = Session::start(SessionSpec::of(manifest, ctx)?, ctx, sink, halt).await?;
    let schema = session.grab_config().await;
    session.stop().await;
    Ok(schema?.unwrap_or_else(|| json!({"type": "object", "properties": {}})))
}

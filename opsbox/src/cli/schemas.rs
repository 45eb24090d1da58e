//! The schemas of plugins' configuration for commands that run nothing: from the manifest, the cache, or the plugin itself.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::cli::host;
use crate::discover::Catalog;
use crate::discover::cache::SchemaCache;
use crate::environ::Environ;
use crate::halt;
use crate::manifest::{Launch, Manifest};
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, Session, SessionContext};
use crate::ui::Ui;

/// Returns the schema of each plugin, in order; `true`, which allows everything, with a warning for one that could not be asked.
pub async fn schemas(
    environ: &Environ,
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    catalog: &Catalog,
    manifests: &[Arc<Manifest>],
) -> Vec<Value> {
    let cache = SchemaCache::new(&environ.cache_dir);
    let mut asking = JoinSet::new();
    let mut schemas = vec![Value::Null; manifests.len()];
    for (index, manifest) in manifests.iter().enumerate() {
        if let Some(schema) = at_hand(manifest) {
            schemas[index] = schema;
            continue;
        }
        let key = SchemaCache::key(manifest, catalog.python.as_ref());
        if let Some(schema) = key.as_ref().and_then(|key| cache.get(key)) {
            schemas[index] = schema;
            continue;
        }
        let (manifest, ctx, ui) = (Arc::clone(manifest), ctx.clone(), Arc::clone(ui));
        asking.spawn(async move { (index, key, ask(&manifest, &ctx, &ui).await) });
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
                ui.warn(&format!(
                    "{}; its fields are not known",
                    error.fault(&manifests[index].name).message
                ));
                Value::Bool(true)
            }
        };
    }
    schemas
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

async fn ask(manifest: &Manifest, ctx: &SessionContext, ui: &Arc<Ui>) -> Result<Value, PluginError> {
    let (_tx, halt) = halt::channel();
    let (name, ui) = (manifest.name.clone(), Arc::clone(ui));
    let sink: Sink = Arc::new(move |event| ui.said(&name, event));
    let mut session = Session::start(SessionSpec::of(manifest, ctx)?, ctx, sink, halt).await?;
    let schema = session.grab_config().await;
    session.stop().await;
    Ok(schema?.unwrap_or_else(|| json!({"type": "object", "properties": {}})))
}

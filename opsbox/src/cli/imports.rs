//! For `plugins doctor`: which plugins import names that the modules for old plugins do not have.

use std::path::PathBuf;
use std::sync::Arc;

use super::host::{self, Own};
use crate::discover::Catalog;
use crate::manifest::{Launch, Manifest};
use crate::python;

/// Adds a warning to each plugin of the catalog for every name that it imports and will not get.
pub fn note(own: &Own, catalog: &mut Catalog) {
    let is_python = |manifest: &&Arc<Manifest>| matches!(manifest.launch, Launch::Python { .. });
    let plugins: Vec<_> = catalog.plugins.iter().filter(is_python).cloned().collect();
    let mut interpreters: Vec<_> = plugins
        .iter()
        .filter_map(|plugin| catalog.interpreter_of(plugin).cloned())
        .collect();
    interpreters.sort_by(|one, other| one.path.cmp(&other.path));
    interpreters.dedup_by(|one, other| one.path == other.path);
    let Ok(files) = python::materialise(&own.environ.cache_dir) else {
        return;
    };
    let run = host::prober(own);
    let mut found = Vec::new();
    for interpreter in interpreters {
        let of_it = |plugin: &&Arc<Manifest>| {
            catalog
                .interpreter_of(plugin)
                .is_some_and(|own| own.path == interpreter.path)
        };
        let its: Vec<_> = plugins.iter().filter(of_it).map(AsRef::as_ref).collect();
        let unknown = python::unknown_names(&interpreter, &files, &its, &run);
        for (name, texts) in unknown {
            let homes = its.iter().filter(|plugin| plugin.name == name);
            found.extend(homes.map(|plugin| (plugin.home.clone(), name.clone(), texts.clone())));
        }
    }
    warn(catalog, &found);
}

fn warn(catalog: &mut Catalog, found: &[(PathBuf, String, Vec<String>)]) {
    for manifest in &mut catalog.plugins {
        let mine = found
            .iter()
            .find(|(home, name, _)| *home == manifest.home && *name == manifest.name);
        if let Some((_, name, texts)) = mine {
            let manifest = Arc::make_mut(manifest);
            manifest
                .warnings
                .extend(texts.iter().map(|text| format!("plugin `{name}`: {text}")));
        }
    }
}

//! The one plugin that a command of `plugin` is about: a manifest, its folder, or the name of a plugin that is there.

use std::path::{MAIN_SEPARATOR, Path};
use std::sync::Arc;

use super::host::Own;
use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;

/// What a manifest is called in a folder of one plugin.
const MANIFEST: &str = "manifest.toml";
/// So many manifests below a folder are named.
const MOST_NAMED: usize = 3;

/// Finds a manifest.
///
/// # Errors
/// A usage failure that says what is missing: the file of a path, the manifest of a folder, or a plugin of that name.
pub(super) fn manifest_of(own: &Own, catalog: &Catalog, what: &str) -> Result<Arc<Manifest>, Failure> {
    let path = own.environ.absolute(Path::new(what));
    let file = if path.is_dir() {
        path.join(MANIFEST)
    } else {
        path.clone()
    };
    if !file.is_file() {
        return catalog.find(what).map_err(|fault| {
            let is_path = what.contains(MAIN_SEPARATOR) || what.starts_with('.') || path.is_dir();
            Failure::usage(match is_path {
                true => absent(&path),
                false => fault.hint("or name a manifest, or the folder that it is in"),
            })
        });
    }
    // One that the catalog knows belongs to its environment.
    let place = file.canonicalize().ok();
    let known = catalog.plugins.iter().find(|manifest| {
        place.is_some()
            && manifest
                .origin
                .manifest()
                .and_then(|file| file.canonicalize().ok())
                == place
    });
    if let Some(known) = known {
        return Ok(Arc::clone(known));
    }
    Manifest::from_file(&file).map(Arc::new).map_err(|bad| Failure {
        kind: Kind::Usage,
        faults: bad.faults,
    })
}

/// Says what is not there of a path.
fn absent(path: &Path) -> Fault {
    let shown = path.display();
    if !path.is_dir() {
        return Fault::new(format!("there is no `{shown}`"))
            .hint(format!("name a manifest, or a folder with a `{MANIFEST}`"));
    }
    let below = manifests_below(path);
    let hint = match below.as_slice() {
        [] => format!("name a manifest, or a folder with a `{MANIFEST}`"),
        below => format!("below it there is {}", below.join(", ")),
    };
    Fault::new(format!("there is no `{MANIFEST}` in the folder `{shown}`")).hint(hint)
}

/// Returns the first manifests in the folders of a folder.
fn manifests_below(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let manifests = entries.map(|entry| entry.path().join(MANIFEST));
    let mut found: Vec<String> = manifests
        .filter(|file| file.is_file())
        .map(|file| format!("`{}`", file.display()))
        .collect();
    found.sort();
    found.truncate(MOST_NAMED);
    found
}

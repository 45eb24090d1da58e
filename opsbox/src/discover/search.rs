//! All sources together: built-in plugins, plugin folders, entry points; which one a name means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BUILT_IN_HANDLERS, Catalog, Replaced, Unusable, entry_points, folders};
use crate::environ::Environ;
use crate::error::Failure;
use crate::manifest::{Manifest, Origin};
use crate::python::{self, Runner};

/// Packages of the original whose plugins are part of this program; nobody has to be told at each run.
const TAKEN_OVER: [&str; 5] = [
    "opsbox_cli_output",
    "opsbox_json_file_output",
    "opsbox_text_file_output",
    "opsbox_general_handler",
    "opsbox_rego_handler",
];

/// A plugin that is part of this binary.
#[derive(Debug, Clone, Copy)]
pub struct BundledManifest {
    /// The folder's name, for messages.
    pub name: &'static str,
    /// The manifest's text.
    pub manifest: &'static str,
    /// The policy's text, for a Rego check.
    pub rego: Option<&'static str>,
}

/// What to search.
pub struct Search<'a> {
    /// The surroundings.
    pub environ: &'a Environ,
    /// The plugins of this binary.
    pub bundled: &'a [BundledManifest],
    /// Folders of `--plugin-dir`, in order.
    pub plugin_dirs: &'a [PathBuf],
    /// The value of `--python`.
    pub python: Option<&'a Path>,
    /// The Python files of this binary: `python::bridge_files()`.
    pub files: &'a [(&'a str, &'a str)],
    /// Starts the probe where the cache does not know the interpreter.
    pub run: Runner<'a>,
}

impl Search<'_> {
    /// Finds all plugins.
    ///
    /// # Errors
    /// A usage failure where the interpreter that somebody named cannot be used; one that was only found is a note.
    pub fn catalog(&self) -> Result<Catalog, Failure> {
        let mut catalog = Catalog {
            sources: vec!["built in".to_owned()],
            ..Catalog::default()
        };
        let bundled = self.bundled(&mut catalog);
        let mut folders = folders::Found::default();
        for folder in self.plugin_dirs {
            let folder = self.environ.absolute(folder);
            folders.look_at(&folder);
            let gone = if folder.is_dir() {
                ""
            } else {
                ", which does not exist"
            };
            catalog
                .sources
                .push(format!("folder `{}`{gone}", folder.display()));
        }
        catalog.warnings.append(&mut folders.warnings);
        catalog.unusable.append(&mut folders.unusable);
        let packages = self.packages(&mut catalog)?;
        merge(&mut catalog, bundled, folders.manifests, packages);
        catalog.plugins.sort_by(|left, right| left.name.cmp(&right.name));
        catalog
            .unusable
            .sort_by(|left, right| (&left.place, &left.name).cmp(&(&right.place, &right.name)));
        catalog
            .replaced
            .sort_by(|left, right| left.manifest.name.cmp(&right.manifest.name));
        Ok(catalog)
    }

    fn bundled(&self, catalog: &mut Catalog) -> Vec<Manifest> {
        let mut manifests = Vec::new();
        for bundled in self.bundled {
            match Manifest::bundled(bundled.name, bundled.manifest, bundled.rego) {
                Ok(manifest) => manifests.push(manifest),
                Err(bad) => catalog.unusable.push(Unusable {
                    name: Some(bundled.name.to_owned()),
                    place: PathBuf::from(bundled.name),
                    distribution: None,
                    faults: bad.faults,
                }),
            }
        }
        manifests
    }

    fn packages(&self, catalog: &mut Catalog) -> Result<Vec<Manifest>, Failure> {
        match python::find(self.environ, self.python, self.files, self.run) {
            Ok(interpreter) => {
                let mut found = entry_points::find(&interpreter);
                let version = interpreter.version_text();
                catalog.sources.push(format!(
                    "packages of Python {version} ({})",
                    interpreter.path.display()
                ));
                catalog.unusable.append(&mut found.unusable);
                catalog.python = Some(interpreter);
                Ok(found.manifests)
            }
            Err(fault) if self.python.is_some() || self.environ.filled("OPSBOX_PYTHON").is_some() => {
                Err(Failure::usage(fault))
            }
            Err(fault) => {
                catalog.python_fault = Some(fault);
                Ok(Vec::new())
            }
        }
    }
}

/// Decides which plugin each name means: a built-in one, else one of a folder, else one of a package.
///
/// The original took either the folder or the packages; whoever names a folder means what is in it.
fn merge(catalog: &mut Catalog, bundled: Vec<Manifest>, folders: Vec<Manifest>, packages: Vec<Manifest>) {
    let mut taken: BTreeMap<String, Origin> = BTreeMap::new();
    for manifests in [bundled, folders, packages] {
        let mut own = Vec::new();
        for manifest in manifests {
            let handler = BUILT_IN_HANDLERS.contains(&manifest.name.as_str());
            let by = if handler {
                Some(Origin::Bundled)
            } else {
                taken.get(&manifest.name).cloned()
            };
            match by {
                Some(by) => {
                    let warn = !handler && !is_taken_over(&manifest.origin);
                    catalog.replaced.push(Replaced {
                        manifest: Arc::new(manifest),
                        by,
                        warn,
                    });
                }
                None => own.push(manifest),
            }
        }
        for manifest in own {
            // Two of one source are both kept: using that name is an error that names both places.
            taken.insert(manifest.name.clone(), manifest.origin.clone());
            catalog.plugins.push(Arc::new(manifest));
        }
    }
}

fn is_taken_over(origin: &Origin) -> bool {
    match origin {
        Origin::EntryPoint { distribution, .. } => {
            TAKEN_OVER.contains(&distribution.to_lowercase().replace(['-', '.'], "_").as_str())
        }
        _ => false,
    }
}

//! All sources together: built-in plugins, plugin folders, entry points; which one a name means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{BUILT_IN_HANDLERS, Catalog, Managed, Replaced, Unusable, entry_points, folders, guard};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::managed::{LOCK_FILE, LockFile, Store};
use crate::manifest::{Manifest, Origin};
use crate::python::{self, Candidate, Interpreter, Runner};
use crate::trust::{self, Judge, Trust};

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
        let mut judge = Judge::new(Trust::of_user(self.environ.filled(trust::VARIABLE)));
        let folders = guard::trusted(&mut judge, folders.manifests, &mut catalog.unusable);
        let packages = packages
            .into_iter()
            .map(|manifests| guard::trusted(&mut judge, manifests, &mut catalog.unusable))
            .collect();
        merge(&mut catalog, bundled, folders, packages);
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

    /// Returns the plugins of each environment, the one that counts first.
    ///
    /// An interpreter that somebody chose comes before the managed environment; one that only happens to be on `PATH` after it.
    fn packages(&self, catalog: &mut Catalog) -> Result<Vec<Vec<Manifest>>, Failure> {
        let (chosen, fault) = match self.chosen(catalog) {
            Ok(interpreter) => (Some(Arc::new(interpreter)), None),
            Err(fault) if self.is_named() => return Err(Failure::usage(fault)),
            Err(fault) => (None, Some(fault)),
        };
        let managed = self.managed(catalog);
        let is_asked_for = chosen.as_ref().is_some_and(|chosen| chosen.why != "PATH");
        let same = |own: &Arc<Interpreter>| chosen.as_ref().is_some_and(|chosen| chosen.prefix == own.prefix);
        let mut found = Vec::new();
        if let Some(chosen) = &chosen {
            found.push(look(catalog, chosen, "packages"));
        }
        if let Some(managed) = managed.as_ref().filter(|managed| !same(managed)) {
            found.push(look(catalog, managed, "managed packages"));
        }
        if !is_asked_for {
            found.reverse();
        }
        // Where there is no other one, the managed environment's runs what is in folders.
        catalog.python_fault = if managed.is_some() { None } else { fault };
        catalog.python = chosen.or(managed);
        let why = catalog.python.as_ref().map(|python| python.why.as_str());
        catalog.warnings.extend(python::passed_over(self.environ, why));
        Ok(found)
    }

    /// Returns whether somebody named the interpreter.
    fn is_named(&self) -> bool {
        self.python.is_some() || self.environ.filled("OPSBOX_PYTHON").is_some()
    }

    /// Chooses the interpreter, judges it and says what is in its environment.
    fn chosen(&self, catalog: &mut Catalog) -> Result<Interpreter, Fault> {
        let candidate = python::choose(self.environ, self.python)?;
        let judged = python::judge(self.environ, candidate, None).inspect_err(|fault| {
            // Of one that only was found, nobody would hear otherwise.
            if !self.is_named() {
                catalog.warnings.push(fault.message.clone());
            }
        })?;
        catalog.warnings.extend(judged.warnings.iter().cloned());
        python::inspect(self.environ, &judged, self.files, self.run)
    }

    fn managed(&self, catalog: &mut Catalog) -> Option<Arc<Interpreter>> {
        let store = Store::of(self.environ);
        let damaged = |why: &str| {
            format!(
                "the managed environment in `{}` cannot be used: {why}; add its packages again with `opsbox plugins add`",
                store.root().display()
            )
        };
        let active = match store.active() {
            Ok(active) => active?,
            Err(error) => {
                catalog.warnings.push(damaged(&error.to_string()));
                return None;
            }
        };
        let python = self.python_of(&active.folder, &store, catalog).map(Arc::new);
        let lock = LockFile::read(&active.folder.join(LOCK_FILE));
        let own = python.clone().ok();
        catalog.managed = Some(Arc::new(Managed { active, python, lock }));
        own
    }

    /// Returns the managed environment's interpreter; what keeps it from being used is warned about.
    fn python_of(&self, folder: &Path, store: &Store, catalog: &mut Catalog) -> Result<Interpreter, Fault> {
        let anew = |fault: &Fault| {
            format!(
                "the managed environment cannot be used: {}; make it anew with `opsbox plugins add --locked`, from `{}`",
                fault.message,
                folder.join(LOCK_FILE).display()
            )
        };
        let path = python::of_environment(folder)
            .ok_or_else(|| Fault::new("it has no interpreter, or the Python that it was made with is gone"))
            .inspect_err(|fault| catalog.warnings.push(anew(fault)))?;
        let why = python::MANAGED.to_owned();
        let judged = python::judge(self.environ, Candidate { path, why }, Some(&store.link())).inspect_err(
            |fault| {
                let remedy = fault.hints.first().map(|hint| format!(": {hint}"));
                catalog.warnings.push(format!(
                    "the managed environment is not used: {}{}",
                    fault.message,
                    remedy.unwrap_or_default()
                ));
            },
        )?;
        catalog.warnings.extend(judged.warnings.iter().cloned());
        python::inspect(self.environ, &judged, self.files, self.run)
            .inspect_err(|fault| catalog.warnings.push(anew(fault)))
    }
}

fn look(catalog: &mut Catalog, interpreter: &Arc<Interpreter>, what: &str) -> Vec<Manifest> {
    let mut found = entry_points::find(interpreter);
    catalog.sources.push(format!(
        "{what} of Python {} ({})",
        interpreter.version_text(),
        interpreter.path.display()
    ));
    catalog.unusable.append(&mut found.unusable);
    found.manifests
}

/// Decides which plugin each name means: a built-in one, else one of a folder, else one of the packages, of the first environment that has it.
///
/// The original took either the folder or the packages; whoever names a folder means what is in it.
fn merge(
    catalog: &mut Catalog,
    bundled: Vec<Manifest>,
    folders: Vec<Manifest>,
    packages: Vec<Vec<Manifest>>,
) {
    let mut taken: BTreeMap<String, Origin> = BTreeMap::new();
    for manifests in [bundled, folders].into_iter().chain(packages) {
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
                    let warn =
                        !handler && !is_taken_over(&manifest.origin) && !is_same(&manifest.origin, &by);
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

/// Returns whether two places hold the same package in the same version: then it matters little which one is used.
fn is_same(one: &Origin, other: &Origin) -> bool {
    let package = |origin: &Origin| match origin {
        Origin::EntryPoint {
            distribution,
            version,
            ..
        } => Some((distribution.clone(), version.clone())),
        Origin::Bundled | Origin::Folder { .. } => None,
    };
    package(one).is_some() && package(one) == package(other)
}

fn is_taken_over(origin: &Origin) -> bool {
    match origin {
        Origin::EntryPoint { distribution, .. } => {
            TAKEN_OVER.contains(&distribution.to_lowercase().replace(['-', '.'], "_").as_str())
        }
        _ => false,
    }
}

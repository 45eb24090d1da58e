//! What there is to test below a path: folders of policies, and checks with their cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::eval::manifest_of_policy;
use crate::error::{Failure, Fault, Kind as FailureKind};
use crate::manifest::{Kind, Manifest};

/// The name of a manifest.
pub(super) const MANIFEST: &str = "manifest.toml";
/// How the names of files with tests of policies end.
const TESTS: &str = "_test.rego";

/// What was found below a path.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The `.rego` files, by folder.
    pub(super) policies: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// The folders that hold a manifest.
    manifests: BTreeSet<PathBuf>,
}

impl Found {
    /// Looks through a folder and those below it, or at one file. Links are followed, each folder is looked at once, by its own name where
    /// it has one.
    ///
    /// # Errors
    /// A usage failure where something cannot be read, or there is no policy.
    pub(super) fn below(path: &Path) -> Result<Self, Failure> {
        let mut found = Self::default();
        let (mut open, mut links) = (vec![path.to_owned()], Vec::new());
        let mut seen = BTreeSet::new();
        while let Some(path) = open.pop().or_else(|| links.pop()) {
            let is_policy = path.extension().is_some_and(|extension| extension == "rego");
            let meta = match fs::metadata(&path) {
                Ok(meta) => meta,
                // A link to nowhere is no policy.
                Err(_) if path.is_symlink() && !is_policy => continue,
                Err(error) => return Err(unreadable(&path, &error)),
            };
            if meta.is_dir() {
                let own = fs::canonicalize(&path).map_err(|error| unreadable(&path, &error))?;
                if !seen.insert(own) {
                    continue;
                }
                for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, &error))? {
                    let entry = entry.map_err(|error| unreadable(&path, &error))?.path();
                    let list = if entry.is_symlink() { &mut links } else { &mut open };
                    list.push(entry);
                }
            } else if is_policy {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                found.policies.entry(folder).or_default().push(path);
            } else if path.file_name().is_some_and(|name| name == MANIFEST) {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                found.manifests.insert(folder);
            }
        }
        if found.policies.is_empty() {
            let fault = Fault::new(format!("no `.rego` file in `{}`", path.display()))
                .hint("give the folder of a check, or a folder of such folders");
            return Err(Failure::usage(fault));
        }
        for files in found.policies.values_mut() {
            files.sort();
        }
        Ok(found)
    }

    /// Returns the checks, each with its folder: those with a manifest, and policies alone. Only folders that `has_cases` names are looked
    /// into.
    ///
    /// # Errors
    /// A usage failure where a manifest has faults, or nobody says which policy the cases are for.
    pub(super) fn checks(
        &self,
        has_cases: impl Fn(&Path) -> bool,
    ) -> Result<Vec<(PathBuf, Manifest)>, Failure> {
        let mut checks = Vec::new();
        for folder in self.manifests.iter().filter(|folder| has_cases(folder)) {
            let file = folder.join(MANIFEST);
            let manifest = Manifest::from_file(&file).map_err(|bad| Failure {
                kind: FailureKind::Usage,
                faults: bad.faults,
            })?;
            if manifest.kind == Kind::Rego {
                checks.push((folder.clone(), manifest));
            }
        }
        for (folder, files) in &self.policies {
            if self.manifests.contains(folder) || !has_cases(folder) {
                continue;
            }
            let is_test = |file: &&PathBuf| !file.to_string_lossy().ends_with(TESTS);
            let policies: Vec<_> = files.iter().filter(is_test).collect();
            match policies.as_slice() {
                [policy] => checks.push((folder.clone(), manifest_of_policy(policy)?)),
                [] => {}
                several => {
                    let names: Vec<_> = several
                        .iter()
                        .filter_map(|policy| policy.file_name()?.to_str())
                        .collect();
                    let fault = Fault::new(format!(
                        "nothing says which policy of `{}` its cases are for: {}",
                        folder.display(),
                        names.join(", ")
                    ));
                    return Err(Failure::usage(
                        fault.hint(format!("name it in a `{MANIFEST}`: `[rego] rego_file = \"…\"`")),
                    ));
                }
            }
        }
        Ok(checks)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(Fault::new(format!("cannot read `{}`: {error}", path.display())))
}

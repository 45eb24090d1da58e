//! Plugin folders: every `*.toml` with an `[info]` table, at any depth, in an order that does not depend on the file system.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::Fault;
use crate::manifest::{BadManifest, Manifest, read};

use super::Unusable;

/// Folders deeper than this below a plugin folder are not entered.
const MAX_DEPTH: usize = 24;

/// What was found in plugin folders.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) manifests: Vec<Manifest>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) warnings: Vec<String>,
    /// Folders and files that were looked at, resolved: links may lead back, and folders may lie in each other.
    seen: HashSet<PathBuf>,
}

impl Found {
    /// Looks through one folder of `--plugin-dir`.
    pub(super) fn look_at(&mut self, folder: &Path) {
        if !folder.is_dir() {
            let what = if folder.exists() {
                "is not a folder"
            } else {
                "does not exist"
            };
            self.warnings
                .push(format!("plugin folder `{}` {what}", folder.display()));
            return;
        }
        self.enter(folder, 0);
    }

    fn enter(&mut self, folder: &Path, depth: usize) {
        let known = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if depth > MAX_DEPTH || !self.seen.insert(known) {
            return;
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(err) => {
                self.warnings.push(format!(
                    "cannot look into plugin folder `{}`: {err}",
                    folder.display()
                ));
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // Environments, version control and packages of other tools hold manifests that nobody meant.
            let foreign = name.starts_with('.') || name == "node_modules" || name == "__pycache__";
            if path.is_dir() {
                if !foreign {
                    self.enter(&path, depth + 1);
                }
            } else if name.ends_with(".toml") && name != "pyproject.toml" && !foreign {
                self.file(&path, name == "manifest.toml");
            }
        }
    }

    /// Reads one file; one that only happens to be TOML is passed over, a `manifest.toml` never.
    fn file(&mut self, path: &Path, certain: bool) {
        if !path.is_file() {
            let fault = Fault::new(format!(
                "`{}` is no file: a broken link, a pipe or a device",
                path.display()
            ))
            .hint("remove it, or put a manifest in its place");
            return self.bad(path, None, vec![fault]);
        }
        let known = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(known) {
            return;
        }
        let manifest = read(path).and_then(|text| {
            let begins = |line: &str| {
                line.trim_start()
                    .trim_start_matches('[')
                    .trim_start()
                    .starts_with("info")
            };
            if certain || text.lines().any(begins) {
                Manifest::from_text(path, &text).map(Some)
            } else {
                Ok(None)
            }
        });
        match manifest {
            Ok(Some(manifest)) => self.manifests.push(manifest),
            Ok(None) => {}
            Err(BadManifest { name, faults }) => self.bad(path, name, faults),
        }
    }

    fn bad(&mut self, path: &Path, name: Option<String>, faults: Vec<Fault>) {
        self.unusable.push(Unusable {
            name,
            place: path.to_owned(),
            distribution: None,
            faults,
        });
    }
}

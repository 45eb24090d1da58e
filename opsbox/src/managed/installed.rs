//! What is in an environment, read from the metadata that installers leave.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::demand::{self, Version};
use super::light::{LIGHT_VERSION, light_hash, sha256};
use super::lock::{Package, Source, normal};
use super::request::decoded;
use super::secret;

/// An installed distribution.
#[derive(Debug, Clone)]
pub(super) struct Installed {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) requires_python: Option<String>,
    /// Normalised names of what it needs, its extras left out.
    pub(super) needs: Vec<String>,
    /// What the installer says about where it came from; nothing for a package of an index.
    direct: Option<Value>,
}

/// Returns the distributions of an environment's folder, sorted by name.
pub(super) fn installed(environment: &Path) -> Vec<Installed> {
    let mut found: Vec<Installed> = Vec::new();
    for packages in site_packages(environment) {
        let entries = std::fs::read_dir(packages).into_iter().flatten().flatten();
        let infos = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "dist-info"));
        found.extend(infos.filter_map(|info| read(&info)));
    }
    found.sort_by_key(|installed| normal(&installed.name));
    found.dedup_by_key(|installed| normal(&installed.name));
    found
}

/// Returns the folders that packages are installed into: of one environment there are one or two.
pub(super) fn site_packages(environment: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for lib in ["lib", "lib64"] {
        let entries = std::fs::read_dir(environment.join(lib))
            .into_iter()
            .flatten()
            .flatten();
        let folders = entries.map(|entry| entry.path().join("site-packages"));
        found.extend(folders.filter_map(|folder| folder.canonicalize().ok()));
    }
    found.sort();
    found.dedup();
    found
}

fn read(info: &Path) -> Option<Installed> {
    let text = std::fs::read_to_string(info.join("METADATA")).ok()?;
    let head: Vec<(&str, &str)> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    let first = |wanted: &str| {
        head.iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| (*value).to_owned())
    };
    let needs = head
        .iter()
        .filter(|(name, value)| *name == "Requires-Dist" && !value.contains("extra =="));
    let project = |value: &str| {
        value
            .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .next()
            .map(normal)
    };
    let direct = std::fs::read(info.join("direct_url.json")).ok();
    Some(Installed {
        name: first("Name")?,
        version: first("Version")?,
        requires_python: first("Requires-Python"),
        needs: needs.filter_map(|(_, value)| project(value)).collect(),
        direct: direct.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
    })
}

impl Installed {
    /// Returns what it demands of Python, where this version is not what it demands.
    pub(super) fn refuses(&self, version: Version) -> Option<String> {
        let demand = self.requires_python.as_deref()?;
        (!demand::admits(demand, version))
            .then(|| format!("{} {} demands Python {demand}", self.name, self.version))
    }

    /// Returns whether it is the light distribution of this program.
    pub(super) fn is_light(&self) -> bool {
        normal(&self.name) == "opsbox" && self.version == LIGHT_VERSION
    }

    /// Returns the address it came from, as its installer wrote it.
    pub(super) fn address(&self) -> Option<&str> {
        self.direct.as_ref()?["url"].as_str()
    }

    /// Returns the folder or file it came from.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.address()?
            .strip_prefix("file://")
            .map(|path| PathBuf::from(decoded(path)))
    }

    /// Returns its line of the lock file; `hashes` are those that the installer told.
    pub(super) fn package(&self, hashes: Vec<String>) -> Package {
        let (source, hashes) = self.source(hashes);
        Package {
            name: self.name.clone(),
            version: self.version.clone(),
            source,
            hashes,
        }
    }

    fn source(&self, told: Vec<String>) -> (Source, Vec<String>) {
        if self.is_light() {
            return (Source::Light, vec![light_hash()]);
        }
        let Some(direct) = &self.direct else {
            return (Source::Index, told);
        };
        let url = secret::kept(direct["url"].as_str().unwrap_or_default());
        if let Some(commit) = direct["vcs_info"]["commit_id"].as_str() {
            let source = Source::Git {
                url,
                commit: commit.to_owned(),
                subdirectory: direct["subdirectory"].as_str().map(str::to_owned),
            };
            return (source, Vec::new());
        }
        match self.path() {
            Some(path) if path.is_dir() => (Source::Folder { path }, Vec::new()),
            Some(path) => {
                let hash = std::fs::read(&path).map(|bytes| sha256(&bytes));
                (Source::File { path }, hash.into_iter().collect())
            }
            None => {
                let own = direct["archive_info"]["hashes"]["sha256"].as_str();
                let own = own.map(|hash| vec![format!("sha256:{hash}")]);
                (Source::Url { url }, own.unwrap_or(told))
            }
        }
    }
}

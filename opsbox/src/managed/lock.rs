//! The lock file: what was asked for, and exactly what came of it, with the hashes to get the same again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::secret;
use crate::error::Fault;

/// The lock file's name in an environment's folder.
pub const LOCK_FILE: &str = "opsbox-lock.json";
/// The version of its form.
const FORM: u32 = 1;

/// All that is needed to make the same environment again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// The version of this form: 1.
    pub lock: u32,
    /// The version of the program that wrote it.
    pub opsbox: String,
    /// The version of the environment's Python, such as `3.11.7`.
    pub python: String,
    /// Whether the packages' demands of Python were ignored.
    pub any_python: bool,
    /// Who installed, such as `uv 0.9.2` or `pip 24.0`.
    pub installer: String,
    /// What somebody asked for, in the order of asking.
    pub requested: Vec<Requested>,
    /// All packages, sorted by name.
    pub packages: Vec<Package>,
}

/// Something that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// The distribution that it turned out to be, normalised.
    pub name: String,
    /// What was asked for, with absolute paths and without credentials.
    pub what: String,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name, as it writes it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it came from.
    #[serde(flatten)]
    pub source: Source,
    /// Hashes of the wheels or archives that may be taken for it, `sha256:…`; empty for folders and repositories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<String>,
}

/// Where a package came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "lowercase")]
pub enum Source {
    /// A package index.
    Index,
    /// This program.
    Light,
    /// A folder with a project in it.
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A wheel or an archive.
    File {
        /// The file.
        path: PathBuf,
    },
    /// An archive somewhere else.
    Url {
        /// Its address.
        url: String,
    },
    /// A repository.
    Git {
        /// Its address, without `git+`.
        url: String,
        /// The commit that was installed.
        commit: String,
        /// The folder of the project in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subdirectory: Option<String>,
    },
}

impl Source {
    /// Says it in few words; `None` for an index, which is the usual place.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Index => None,
            Self::Light => Some("this program".to_owned()),
            Self::Folder { path } | Self::File { path } => Some(path.display().to_string()),
            Self::Url { url } => Some(url.clone()),
            Self::Git { url, commit, .. } => Some(format!("{url} at {}", commit.get(..12).unwrap_or(commit))),
        }
    }
}

impl LockFile {
    /// Makes one of the present form without packages.
    pub fn new(python: String, any_python: bool, installer: String) -> Self {
        Self {
            lock: FORM,
            opsbox: env!("CARGO_PKG_VERSION").to_owned(),
            python,
            any_python,
            installer,
            requested: Vec::new(),
            packages: Vec::new(),
        }
    }

    /// Reads a lock file. Credentials in its addresses are left out.
    ///
    /// # Errors
    /// A fault that names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let bad = |cause: String| Fault::new(format!("lock file `{}`: {cause}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let form: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| bad(format!("it is not JSON: {error}")))?;
        match form["lock"].as_u64() {
            Some(form) if form == u64::from(FORM) => {}
            Some(newer) => {
                let cause = format!("it is of form {newer}, and this program reads form {FORM}");
                return Err(bad(cause).hint("use the program that wrote it, or a newer one"));
            }
            None => {
                let hint = format!("a lock file is made by `opsbox plugins add`, as `{LOCK_FILE}`");
                return Err(bad("it has no number `lock`".to_owned()).hint(hint));
            }
        }
        let mut lock: Self = serde_json::from_value(form).map_err(|error| bad(error.to_string()))?;
        for asked in &mut lock.requested {
            asked.what = secret::kept(&asked.what);
        }
        for package in &mut lock.packages {
            if let Source::Url { url } | Source::Git { url, .. } = &mut package.source {
                *url = secret::kept(url);
            }
        }
        Ok(lock)
    }

    /// Writes it, for people to read and compare.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Returns the package of that name, however it is written.
    pub fn package(&self, name: &str) -> Option<&Package> {
        let wanted = normal(name);
        self.packages
            .iter()
            .find(|package| normal(&package.name) == wanted)
    }
}

/// Returns a distribution's name as indexes compare it: lower case, with single `-`.
pub(crate) fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOCK_FILE);
        let mut lock = LockFile::new("3.11.7".into(), false, "pip 24.0".into());
        lock.requested.push(Requested {
            name: "my-checks".into(),
            what: "/p".into(),
        });
        lock.requested.push(Requested {
            name: "y".into(),
            what: "git+https://h/y".into(),
        });
        let package = |name: &str, source: Source| Package {
            name: name.into(),
            version: "1".into(),
            source,
            hashes: vec!["sha256:ab".into()],
        };
        let commit = "0123456789abcdef".to_owned();
        lock.packages = vec![
            package("My.Checks", Source::Folder { path: "/p".into() }),
            package("x", Source::Index),
            package(
                "y",
                Source::Git {
                    url: "https://h/y".into(),
                    commit,
                    subdirectory: None,
                },
            ),
        ];
        lock.write(&path).unwrap();
        assert_eq!(LockFile::read(&path).unwrap(), lock);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("https://h", "https://usr:geheim99@h")).unwrap();
        assert_eq!(
            LockFile::read(&path).unwrap(),
            lock,
            "one with credentials loses them"
        );
        assert_eq!(lock.package("my_checks").unwrap().version, "1");
        assert_eq!(
            lock.packages[2].source.text().unwrap(),
            "https://h/y at 0123456789ab"
        );
    }

    #[test]
    fn a_file_that_is_none_says_what_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            LockFile::read(&path).unwrap_err().message
        };
        assert!(read("name==1").contains("it is not JSON"));
        assert!(read("{}").contains("no number `lock`"));
        assert!(read("{\"lock\": 7}").contains("it is of form 7"));
        assert!(read("{\"lock\": 1}").contains("missing field"));
    }
}

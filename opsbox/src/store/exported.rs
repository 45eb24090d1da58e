//! A folder with what the providers of a run returned, made for others: an index, and a file for each provider.
//!
//! The schema of the index is published as `docs/schema/exported-run.json`. What is deliberately absent: paths of the machine, checks and
//! their Results, and every secret.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::shape::StoredField;
use crate::bounded::{MOST_DATA, read_text};
use crate::error::Fault;
use crate::plugin::ResultSlice;
use crate::report::StepRecord;

/// The version of the index; a folder of another version is not read.
pub const EXPORT_VERSION: u32 = 1;
/// The name of the index.
pub const INDEX: &str = "export.json";
/// How the names of files with data end.
pub const DATA: &str = ".input.json";

/// `export.json`: what was exported of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedRun {
    /// The version of this file, now 1.
    pub export: u32,
    /// The run's id.
    pub run: String,
    /// The release of the host that ran it.
    pub opsbox: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The pipeline's text.
    pub pipeline: String,
    /// Whether what every provider returned is here.
    pub complete: bool,
    /// The providers, in the order of the record.
    pub providers: Vec<ExportedProvider>,
    /// What somebody set of their configuration.
    pub config: Vec<StoredField>,
    /// Secrets that were not looked for, since their values were not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_looked_for: Vec<String>,
}

/// What was exported of one provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedProvider {
    /// The provider's name.
    pub plugin: String,
    /// Its version, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The file with the Result that it returned; null: there is none.
    pub file: Option<String>,
    /// Why what it returned is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// How its step ended, with its gaps and errors; null: it had not ended.
    pub step: Option<StepRecord>,
    /// The fields of the Result that held a secret; `<secret>` stands there now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<RedactedField>,
}

/// A field that held a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedactedField {
    /// Its path; `[]` stands for every item of a list.
    pub field: String,
    /// How many times a secret stood there.
    pub times: u64,
}

/// A folder that a run was exported to.
#[derive(Debug)]
pub struct Exported {
    folder: PathBuf,
    /// The index.
    pub index: ExportedRun,
}

impl Exported {
    /// Returns whether a run was exported to a folder.
    pub fn is_at(folder: &Path) -> bool {
        folder.join(INDEX).is_file()
    }

    /// Reads the index of a folder.
    ///
    /// # Errors
    /// A fault that names the file.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(INDEX);
        let bad = |why: String| {
            Fault::new(format!("cannot use `{}`: {why}", path.display()))
                .hint("`opsbox runs export RUN DIR` makes such a folder")
        };
        let (text, _) = read_text(&path, MOST_DATA).map_err(bad)?;
        let index: ExportedRun = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if index.export != EXPORT_VERSION {
            return Err(bad(format!(
                "it is of version {}, and this release reads version {EXPORT_VERSION}",
                index.export
            )));
        }
        Ok(Self {
            folder: folder.to_owned(),
            index,
        })
    }

    /// Returns the file of the index.
    pub fn index_path(&self) -> PathBuf {
        self.folder.join(INDEX)
    }

    /// Returns what the folder has of a provider.
    pub fn provider(&self, plugin: &str) -> Option<&ExportedProvider> {
        self.index
            .providers
            .iter()
            .find(|provider| provider.plugin == plugin)
    }

    /// Returns the file with what a provider returned; `None` where there is none.
    ///
    /// # Errors
    /// A fault where the index names no file of the folder itself.
    pub fn file(&self, provider: &ExportedProvider) -> Result<Option<PathBuf>, Fault> {
        let Some(file) = &provider.file else {
            return Ok(None);
        };
        let name = Path::new(file);
        if name.file_name() != Some(name.as_os_str()) {
            return Err(Fault::new(format!(
                "`{}` names `{file}`, which is no file of its folder",
                self.folder.join(INDEX).display()
            )));
        }
        Ok(Some(self.folder.join(name)))
    }

    /// Returns what a provider returned: one Result, or none.
    ///
    /// # Errors
    /// A fault that names the file.
    pub fn results(&self, provider: &ExportedProvider) -> Result<Vec<ResultSlice>, Fault> {
        let Some(path) = self.file(provider)? else {
            return Ok(Vec::new());
        };
        let bad = |why: String| Fault::new(format!("cannot use `{}`: {why}", path.display()));
        let (text, _) = read_text(&path, MOST_DATA).map_err(bad)?;
        let result = ResultSlice::of_document(&text, &provider.plugin).map_err(bad)?;
        Ok(vec![result])
    }
}

/// Writes the files of an export, the index last: a folder without one is not taken for an export. With `replace` they take the place of an
/// older export, of which nothing is left.
///
/// # Errors
/// A fault that names the file; without `replace` also where one is there already.
pub fn write(folder: &Path, files: &[(String, String)], private: bool, replace: bool) -> Result<(), Fault> {
    let cannot = |path: &Path, error: &dyn std::fmt::Display| {
        Fault::new(format!("cannot write `{}`: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    let there = |path: &Path| {
        Fault::new(format!("`{}` is there already", path.display()))
            .hint("name another folder, or replace its files with `--force`")
    };
    let mut paths = files.iter().map(|(name, _)| folder.join(name));
    if replace {
        remove_old(folder, files)?;
    } else if let Some(path) = paths.find(|path| path.symlink_metadata().is_ok()) {
        return Err(there(&path));
    }
    for (name, text) in files {
        let path = folder.join(name);
        let write = if replace { write_file } else { write_new };
        write(&path, text, private).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => there(&path),
            _ => cannot(&path, &error),
        })?;
    }
    Ok(())
}

/// Removes the data that an older export in this folder has and the new one has not. It may hold what the new one is free of.
fn remove_old(folder: &Path, files: &[(String, String)]) -> Result<(), Fault> {
    let Ok(old) = Exported::open(folder) else {
        return Ok(());
    };
    for provider in &old.index.providers {
        let Ok(Some(path)) = old.file(provider) else {
            continue;
        };
        let name = provider.file.as_deref().unwrap_or_default();
        if !name.ends_with(DATA) || files.iter().any(|(new, _)| new == name) {
            continue;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::new(format!(
                    "cannot remove `{}` of the older export: {error}",
                    path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file whole or not at all; others may read it as the umask says, unless it is private.
///
/// # Errors
/// As the system's.
pub fn write_file(path: &Path, text: &str, private: bool) -> io::Result<()> {
    fresh(path, text, private)?
        .persist(path)
        .map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file as [`write_file`] does, where none is.
///
/// # Errors
/// As the system's: that there is one.
pub fn write_new(path: &Path, text: &str, private: bool) -> io::Result<()> {
    fresh(path, text, private)?
        .persist_noclobber(path)
        .map_err(|error| error.error)?;
    Ok(())
}

fn fresh(path: &Path, text: &str, private: bool) -> io::Result<NamedTempFile> {
    let mode = if private { 0o600 } else { 0o666 };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

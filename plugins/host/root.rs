//! Where the machine's files are, and why one could not be read.

use std::io;
use std::path::{Path, PathBuf};

use opsbox_plugin::Gap;

/// The folder that stands for `/`.
#[derive(Debug, Clone)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Returns whether this is the machine itself, so that the kernel may be asked directly.
    pub(super) fn is_machine(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Returns the real place of an absolute path.
    pub(super) fn path(&self, absolute: &str) -> PathBuf {
        self.0.join(absolute.trim_start_matches('/'))
    }

    /// Reads a file as text; bytes that are not UTF-8 are replaced.
    pub(super) fn read(&self, absolute: &str) -> io::Result<String> {
        std::fs::read(self.path(absolute)).map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// Reads a file that a section cannot do without.
    pub(super) fn need(&self, absolute: &str) -> Result<String, Missing> {
        self.read(absolute)
            .map_err(|error| Missing::unread(absolute, &error))
    }

    pub(super) fn exists(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    /// Returns the names in a folder, sorted; none where it cannot be read.
    pub(super) fn names_in(&self, absolute: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(absolute))
            .into_iter()
            .flatten()
            .flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    what: String,
    why: String,
    remedy: Option<String>,
}

impl Missing {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            remedy: None,
        }
    }

    /// A file that could not be read.
    pub(super) fn unread(path: &str, error: &io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                return Self::new(path, "permission denied").remedy("run opsbox as root");
            }
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        };
        Self::new(path, why)
    }

    /// A file whose text is not what it should be.
    pub(super) fn odd(path: &str) -> Self {
        Self::new(path, "its text is not understood")
    }

    /// A part of this provider that broke.
    pub(super) fn broken(what: &str) -> Self {
        Self::new(what, "the provider `host` has a fault there").remedy("report it, with the plugin's log")
    }

    #[must_use]
    pub(super) fn remedy(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    pub(super) fn into_gap(self, section: &str) -> Gap {
        let gap = Gap::new(self.what, self.why).section(section);
        match self.remedy {
            Some(remedy) => gap.remedy(remedy),
            None => gap,
        }
    }
}

//! The folder of an environment in the making.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of an environment in the making: removed with all in it, unless it is kept.
#[derive(Debug)]
pub(super) struct Making(Option<PathBuf>);

impl Making {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // What cannot be removed now is removed by the next change.
            let _removed = fs::remove_dir_all(folder);
        }
    }
}

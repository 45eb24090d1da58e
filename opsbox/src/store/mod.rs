//! The store of runs: what a run gathered is on disk before it is reported, so that it can be delivered, or gone on with, later.
//!
//! A folder for each run, `runs/<id>/` below the state directory; docs/runs.md describes its files. What is deliberately absent: no
//! secret of the configuration is written, and nothing here changes a byte of a Result.

pub mod exported;
mod folder;
mod keeper;
pub(crate) mod kept;
mod limits;
mod marks;
mod plan;
mod prune;
mod scan;
pub mod shape;
mod standing;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::error::Fault;
use folder::Folder;

pub use exported::Exported;
pub use keeper::{Keeper, Keeping, Notices, Place, Settled};
pub use kept::{Delivery, Kept, Stored};
pub use limits::{Bound, Limits};
pub use prune::{Pruned, Wish};
pub use scan::{Entry, State};
pub use standing::{Sent, Standing};

/// The folder of all runs.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Returns the store below a state directory; nothing is made or read yet.
    pub fn at(state_dir: &Path) -> Self {
        Self {
            root: state_dir.join("runs"),
        }
    }

    /// Returns the folder of all runs.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the folder of all runs; `None` where there is none yet.
    ///
    /// # Errors
    /// A fault where it cannot be trusted or read.
    fn open(&self) -> Result<Option<Folder>, Fault> {
        match Folder::open(&self.root) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::new(format!(
                "the runs kept in `{}` cannot be used: {error}",
                self.root.display()
            ))
            .hint("OPSBOX_STATE_DIR names another folder")),
        }
    }

    /// Opens one run: by its id, the beginning of it that no other has, or `last`.
    ///
    /// # Errors
    /// A fault where there is none or more than one, or where its files cannot be used.
    pub fn find(&self, wanted: &str) -> Result<Kept, Fault> {
        let name = scan::name_of(self, wanted)?;
        Kept::open(&self.root, &name)
    }
}

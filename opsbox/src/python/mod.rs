//! The Python side of the host: which interpreter runs Python plugins, what is in its environment, and the bridge's files.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A Python interpreter that the host may start, and what its probe said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program to start.
    pub path: PathBuf,
    /// Its version.
    pub version: (u32, u32, u32),
    /// Why it was chosen: `--python`, `OPSBOX_PYTHON`, `VIRTUAL_ENV`, `.venv`, `PATH`.
    pub why: String,
    /// Its name for itself, such as `cpython`.
    pub implementation: String,
    /// The environment it belongs to.
    pub prefix: PathBuf,
    /// Where it looks for modules, in order; absolute folders.
    pub sys_path: Vec<PathBuf>,
    /// Top-level names of editable installs, with the folder or file that holds them.
    pub editable: BTreeMap<String, PathBuf>,
    /// Packages that matter to plugins, and whether they are there.
    pub packages: BTreeMap<String, bool>,
}

impl Interpreter {
    /// Returns the version as people write it.
    pub fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version.0, self.version.1, self.version.2)
    }
}

//! The Python side of the host: which interpreter runs Python plugins, what is in its environment, and the bridge's files.
//!
//! Nothing here starts a process: whoever asks gives a `Runner`.

mod beside;
mod choose;
mod editable;
mod files;
mod judge;
mod passed;
mod probe;
mod still;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::environ::Environ;
use crate::error::Fault;
use crate::manifest::{Launch, Manifest};

#[cfg(test)]
pub(crate) use choose::tests::program as executable;
pub use choose::{Candidate, choose, of_environment, on_path};
pub use files::{Bridge, materialise_files};
pub(crate) use judge::own_files;
pub use judge::{Judged, judge};
pub use passed::passed_over;
pub use probe::SHIM_VARIABLES;

/// Runs a program to its end; only `plugin/process` spawns, so it provides this.
pub type Runner<'a> = &'a dyn Fn(&OsStr, &[OsString]) -> io::Result<Output>;

/// Why an interpreter was chosen that is the managed environment's.
pub const MANAGED: &str = "managed";

/// Why an interpreter was chosen that lies in the folder's own environment.
pub const FOLDER: &str = ".venv";

/// The least version that the bridge runs on.
pub const LEAST_VERSION: (u32, u32, u32) = (3, 9, 0);

/// A Python interpreter that the host may start, and what its probe said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program to start.
    pub path: PathBuf,
    /// Its version.
    pub version: (u32, u32, u32),
    /// Why it was chosen: `--python`, `OPSBOX_PYTHON`, `beside the program`, `VIRTUAL_ENV`, `.venv`, `PATH`; `managed` for the managed
    /// environment's.
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
    /// Returns one that was not asked yet; its version counts as older than any.
    pub fn unknown(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            version: (0, 0, 0),
            why: String::new(),
            implementation: String::new(),
            prefix: PathBuf::new(),
            sys_path: Vec::new(),
            editable: BTreeMap::new(),
            packages: BTreeMap::new(),
        }
    }

    /// Returns the version as people write it.
    pub fn version_text(&self) -> String {
        format!("{}.{}.{}", self.version.0, self.version.1, self.version.2)
    }
}

/// Says what is in the environment of one interpreter: of the folder's own, as its files say; any other is asked, where the cache does not
/// know it.
///
/// # Errors
/// A fault that says which interpreter it was and why it cannot be used.
pub fn inspect(
    environ: &Environ,
    judged: &Judged,
    files: &[(&str, &str)],
    run: Runner<'_>,
) -> Result<Interpreter, Fault> {
    let candidate = &judged.candidate;
    if candidate.why == FOLDER {
        return still::read(environ, candidate);
    }
    probe::inspect(environ, candidate, files, run)
}

/// Returns the folder of the Python files that this binary holds, written where it is missing or damaged.
///
/// # Errors
/// Why it can be written nowhere.
pub fn bridge(cache_dir: &Path) -> Result<Bridge, String> {
    Bridge::make(cache_dir, bridge_files())
}

/// Returns the Python files that this binary holds: path and text.
pub fn bridge_files() -> &'static [(&'static str, &'static str)] {
    opsbox_python::FILES
}

/// Returns the command line that runs a Python plugin by the bridge; its first item is the program.
///
/// The last item is the bridge's one argument, a JSON object: `name`, `type`, `module`, `class_name`, `folder`, `source`, and `program`, this one's file,
/// which writes long answers for the bridge, unless that is not to start a process or has no name in text.
pub fn bridge_argv(
    interpreter: &Interpreter,
    files_root: &Path,
    manifest: &Manifest,
    program: &Path,
) -> Vec<OsString> {
    let mut argv = script_argv(interpreter, files_root, "main.py");
    argv.push(spec_of(manifest, program).to_string().into());
    argv
}

/// Returns what the bridge is told of a plugin.
fn spec_of(manifest: &Manifest, program: &Path) -> serde_json::Value {
    // Who says how many processes there may be means those of the plugin.
    let is_counted = manifest.caps.processes_limit().is_some();
    let (module, class_name, source) = match &manifest.launch {
        Launch::Python {
            module,
            class_name,
            entry_point: true,
        } => (module.as_str(), class_name.as_str(), "entry_point"),
        Launch::Python {
            module, class_name, ..
        } => (module.as_str(), class_name.as_str(), "directory"),
        _ => ("", "", "directory"),
    };
    serde_json::json!({
        "name": manifest.name,
        "type": manifest.kind.name(),
        "module": module,
        "class_name": class_name,
        "folder": manifest.home.to_string_lossy(),
        "source": source,
        "program": program.to_str().filter(|_| !is_counted),
    })
}

/// Returns the command line of one of the bridge's scripts.
pub(crate) fn script_argv(interpreter: &Interpreter, files_root: &Path, script: &str) -> Vec<OsString> {
    let mut argv = vec![
        interpreter.path.clone().into_os_string(),
        "-X".into(),
        "utf8".into(),
    ];
    // Older ones have no `-P`; the bridge then drops the first entry of `sys.path` itself.
    if interpreter.version >= (3, 11, 0) {
        argv.push("-P".into());
    }
    argv.push(files_root.join("opsbox/_bridge").join(script).into_os_string());
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bridge_is_told_what_to_run_as_json() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.py"), "").unwrap();
        let path = folder.path().join("manifest.toml");
        std::fs::write(
            &path,
            "[info]\nname='a'\nmodule='pkg.a'\nclass_name='A'\ntype='input'\n",
        )
        .unwrap();
        let manifest = Manifest::from_file(&path).unwrap();
        let mut interpreter = Interpreter {
            version: (3, 11, 7),
            ..Interpreter::unknown(Path::new("/usr/bin/python3"))
        };
        let argv = bridge_argv(&interpreter, Path::new("/c"), &manifest, Path::new("/o"));
        assert_eq!(
            argv[..5],
            [
                "/usr/bin/python3",
                "-X",
                "utf8",
                "-P",
                "/c/opsbox/_bridge/main.py"
            ]
        );
        let spec: serde_json::Value = serde_json::from_str(argv[5].to_str().unwrap()).unwrap();
        assert_eq!(spec["source"], "directory");
        assert_eq!(spec["module"], "pkg.a");
        assert_eq!(spec["folder"], folder.path().to_str().unwrap());
        assert_eq!(spec["program"], "/o");
        interpreter.version = (3, 9, 1);
        assert!(
            !bridge_argv(&interpreter, Path::new("/c"), &manifest, Path::new("/o")).contains(&"-P".into())
        );
    }
}

//! Interpreters that an environment can be made with: those on `PATH`, of pyenv and of uv; the published packages' version first.

use std::path::{Path, PathBuf};

use crate::environ::Environ;
use crate::error::Fault;
use crate::python::{self, Candidate, Interpreter, Runner};

use super::demand::Version;

/// The order in which versions are tried: the published packages demand 3.11.
const MINORS: [u32; 6] = [11, 12, 13, 10, 9, 14];

/// Interpreters in the order in which they are tried, each asked when its turn comes.
pub(super) struct Pythons<'a> {
    pub(super) environ: &'a Environ,
    pub(super) files: &'a [(&'a str, &'a str)],
    pub(super) run: Runner<'a>,
    /// The folder of managed environments: none is made with another.
    pub(super) store: &'a Path,
}

impl Pythons<'_> {
    /// Returns the one that somebody named.
    ///
    /// # Errors
    /// A fault that says why it cannot be used.
    pub(super) fn named(&self, wanted: &Path) -> Result<Interpreter, Fault> {
        let judged = python::judge(self.environ, python::choose(self.environ, Some(wanted))?, None)?;
        python::inspect(self.environ, &judged, self.files, self.run)
    }

    /// Returns those that work, `first` and its version before the others.
    pub(super) fn all<'a>(
        &'a self,
        first: Option<&Path>,
        version: Option<Version>,
    ) -> impl Iterator<Item = Interpreter> + 'a {
        let mut minors = MINORS.to_vec();
        if let Some((3, minor, _)) = version {
            minors.retain(|known| *known != minor);
            minors.insert(0, minor);
        }
        let mut paths: Vec<PathBuf> = first.into_iter().map(Path::to_path_buf).collect();
        for minor in minors {
            let name = format!("python3.{minor}");
            paths.extend(self.on_path(&name));
            paths.extend(self.kept(minor));
        }
        paths.extend(self.on_path("python3"));
        paths.extend(self.on_path("python"));
        let mut seen: Vec<PathBuf> = Vec::new();
        let mut prefixes: Vec<PathBuf> = Vec::new();
        paths.into_iter().filter_map(move |path| {
            if seen.contains(&path) || path.starts_with(self.store) {
                return None;
            }
            seen.push(path.clone());
            // A shim that leads nowhere is no interpreter, and neither is one that anyone could change.
            let why = "PATH".to_owned();
            let judged = python::judge(self.environ, Candidate { path, why }, None).ok()?;
            let found = python::inspect(self.environ, &judged, self.files, self.run).ok()?;
            let is_new = found.implementation == "cpython"
                && !prefixes.contains(&found.prefix)
                && !found.prefix.starts_with(self.store);
            prefixes.push(found.prefix.clone());
            is_new.then_some(found)
        })
    }

    fn on_path(&self, name: &str) -> Vec<PathBuf> {
        let found = which::which_in_all(name, self.environ.var_os("PATH"), &self.environ.cwd);
        found.map(Iterator::collect).unwrap_or_default()
    }

    /// Returns the interpreters that pyenv and uv keep beside `PATH`, the newest of the version first.
    fn kept(&self, minor: u32) -> Vec<PathBuf> {
        let home = self.environ.home.as_deref();
        let pyenv = self.environ.filled("PYENV_ROOT").map(PathBuf::from);
        let pyenv = pyenv.or_else(|| home.map(|home| home.join(".pyenv")));
        let uv = self
            .environ
            .filled("UV_PYTHON_INSTALL_DIR")
            .map(PathBuf::from)
            .or_else(|| {
                let data = self.environ.filled("XDG_DATA_HOME").map(PathBuf::from);
                let data = data.or_else(|| home.map(|home| home.join(".local/share")));
                data.map(|data| data.join("uv/python"))
            });
        let mut found = Vec::new();
        for (folder, start) in [(pyenv.map(|root| root.join("versions")), ""), (uv, "cpython-")] {
            let start = format!("{start}3.{minor}.");
            let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
            let mut names: Vec<PathBuf> = entries
                .into_iter()
                .flatten()
                .flatten()
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(&start))
                .map(|entry| entry.path())
                .collect();
            names.sort();
            found.extend(
                names
                    .into_iter()
                    .rev()
                    .filter_map(|folder| python::of_environment(&folder)),
            );
        }
        found
    }
}

/// Returns the interpreter that an environment was made with, as the environment's own file says.
pub(super) fn base_of(environment: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
    let home = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "home").then(|| PathBuf::from(value.trim()))
    })?;
    ["python3", "python"]
        .iter()
        .map(|name| home.join(name))
        .find(|path| path.is_file())
}

/// Says that no interpreter will do: there is none, or each was refused by what packages demand.
pub(super) fn no_python(refused: &[(Interpreter, Vec<String>)]) -> Fault {
    let Some((_, demands)) = refused.first() else {
        return Fault::new("no Python to make an environment with: none of 3.9 or newer is on `PATH`, kept by pyenv or by uv")
            .hint("install Python 3.11, which the published packages demand, or name an interpreter with `--python PATH`");
    };
    let there: Vec<String> = refused
        .iter()
        .map(|(python, _)| format!("{} ({})", python.version_text(), python.path.display()))
        .collect();
    Fault::new(format!(
        "no Python that all packages accept: {}; there is: {}",
        demands.join("; "),
        there.join(", ")
    ))
    .hint("install one that they accept (`uv python install 3.11`, your system's packages, pyenv), or name it with `--python PATH`")
    .hint("`--any-python` ignores what packages demand of Python; most run all the same")
}

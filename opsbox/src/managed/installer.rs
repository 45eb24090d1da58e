//! Who installs: `uv` where it is there, else `pip` of a fresh virtual environment; what each is told, and what each says back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::hashes::{Hashes, of_list, of_report};
use super::secret::hidden;
use super::trouble::{Trouble, of_failure};
use crate::environ::Environ;
use crate::error::Fault;
use crate::halt::HaltSeen;
use crate::plugin::follow::{Follow, Followed};
use crate::plugin::guardian::Guardian;
use crate::python::{Interpreter, of_environment, on_path};

/// Variables that would lead an installer elsewhere, or make Python another one.
const LEFT_OUT: [&str; 16] = [
    "PYTHON*",
    "VIRTUAL_ENV*",
    "CONDA_*",
    "__PYVENV_LAUNCHER__",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_REQUIRE_HASHES",
    "PIP_NO_DEPS",
    "PIP_REPORT",
    "PIP_QUIET",
    "UV_SYSTEM_PYTHON",
    "UV_PYTHON",
    "UV_PROJECT*",
    "UV_OUTPUT_FORMAT",
];

/// What the one who works says meanwhile, and how it is ended.
pub trait Watch {
    /// A new step begins.
    fn step(&self, what: &str);
    /// The installer says something.
    fn said(&self, line: &str);
    /// Something that people should know, now and afterwards.
    fn note(&self, text: &str);
    /// Where an interrupt is seen.
    fn halt(&self) -> &HaltSeen;
    /// Who ends the installer where this program is killed.
    fn guardian(&self) -> Option<&Guardian>;
}

/// How packages are chosen and checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// Ignore what packages demand of Python.
    pub(super) any_python: bool,
    /// Take nothing that the list does not name.
    pub(super) no_deps: bool,
    /// Refuse what has another hash than the list says.
    pub(super) hashes: bool,
    /// Versions to keep to.
    pub(super) constraints: Option<&'a Path>,
    /// What must not be shown of the installer's words.
    pub(super) secrets: &'a [String],
}

/// One who installs.
pub(super) struct Installer<'a> {
    uv: Option<PathBuf>,
    env: BTreeMap<OsString, OsString>,
    cwd: &'a Path,
    watch: &'a dyn Watch,
}

impl<'a> Installer<'a> {
    /// Chooses the installer; `cwd` is a folder of this program, so that no project of the user's is meant.
    ///
    /// # Errors
    /// A fault where the one that somebody named is not there.
    pub(super) fn choose(environ: &Environ, cwd: &'a Path, watch: &'a dyn Watch) -> Result<Self, Fault> {
        Ok(Self {
            uv: uv(environ)?,
            env: variables(environ),
            cwd,
            watch,
        })
    }

    /// Returns the same, but with pip.
    pub(super) fn with_pip(self) -> Self {
        Self { uv: None, ..self }
    }

    /// Returns whether uv installs.
    pub(super) fn is_uv(&self) -> bool {
        self.uv.is_some()
    }

    /// Returns name and version of the one who installs, as it says itself: `uv 0.9.2`, `pip 24.0`.
    pub(super) fn name(&self, environment: &Path) -> String {
        let said = match &self.uv {
            Some(uv) => self.quiet(uv.as_os_str(), &["--version".into()]),
            None => self.python(environment, &["-m", "pip", "--version"]),
        };
        let fallback = if self.is_uv() { "uv" } else { "pip" };
        let line = said.ok().and_then(|ended| ended.lines.into_iter().next());
        line.map_or_else(
            || fallback.to_owned(),
            |line| line.split(' ').take(2).collect::<Vec<_>>().join(" "),
        )
    }

    /// Makes an empty environment in a folder.
    pub(super) fn environment(&self, base: &Interpreter, folder: &Path) -> Result<(), Trouble> {
        let path = base.path.as_os_str();
        if let Some(uv) = &self.uv {
            let args: Vec<OsString> = vec![
                "venv".into(),
                "--no-project".into(),
                "--no-python-downloads".into(),
                "--allow-existing".into(),
                "--python".into(),
                path.into(),
                folder.into(),
            ];
            self.must(uv.as_os_str(), &args, "uv", &[])?;
            return Ok(());
        }
        let args: Vec<OsString> = vec!["-m".into(), "venv".into(), folder.into()];
        let ended = self.start(path, &args, &[])?;
        if ended.status.success() {
            return self.new_enough(folder);
        }
        let Trouble::Failed(fault) = of_failure("python -m venv", &ended.lines) else {
            return Err(of_failure("python -m venv", &ended.lines));
        };
        let minor = base.version.1;
        Err(Trouble::Failed(fault.hint(format!(
            "install `uv`, or the part of Python that makes environments (`apt install python3.{minor}-venv` on Debian and Ubuntu)"
        ))))
    }

    /// An old pip cannot say what it installed; it is replaced in the environment that it came with.
    fn new_enough(&self, folder: &Path) -> Result<(), Trouble> {
        let ended = self.python(folder, &["-m", "pip", "--version"])?;
        let said = ended.lines.first().cloned().unwrap_or_default();
        let version = said.split(' ').nth(1).unwrap_or_default();
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let own = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if own >= (22, 2) {
            return Ok(());
        }
        self.watch.step("updating pip in the new environment");
        let args = [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--upgrade",
            "pip>=22.2",
        ];
        let ended = self.python(folder, &args)?;
        if ended.status.success() {
            return Ok(());
        }
        Err(of_failure("pip", &ended.lines))
    }

    /// Installs a list of requirements into an environment and returns the hashes of what may be taken for each.
    pub(super) fn install(&self, environment: &Path, list: &Path, how: How<'_>) -> Result<Hashes, Trouble> {
        match &self.uv {
            Some(uv) => self.by_uv(uv, environment, list, how),
            None => self.by_pip(environment, list, how),
        }
    }

    fn by_uv(&self, uv: &Path, environment: &Path, list: &Path, how: How<'_>) -> Result<Hashes, Trouble> {
        let python = interpreter_of(environment)?;
        let read =
            |path: &Path| fs::read_to_string(path).map_err(|error| Trouble::Failed(unreadable(path, &error)));
        let mut chosen = list.to_owned();
        if !how.no_deps {
            chosen = list.with_extension("chosen");
            let mut args = words(&[
                "pip",
                "compile",
                "--generate-hashes",
                "--no-header",
                "--no-annotate",
                "--quiet",
            ]);
            args.extend(words(&["--no-python-downloads", "--python"]));
            args.push(python.clone().into_os_string());
            args.extend(["--output-file".into(), chosen.clone().into_os_string()]);
            if let Some(constraints) = how.constraints {
                args.extend(["--constraints".into(), constraints.into()]);
            }
            // Of a folder, uv looks at the project's own file alone to see whether it changed.
            if read(list)?.lines().any(|line| line.starts_with("file://")) {
                args.push("--refresh".into());
            }
            args.push(list.into());
            self.must(uv.as_os_str(), &args, "uv", how.secrets)?;
        }
        let mut args = words(&[
            "pip",
            "install",
            "--no-deps",
            "--compile-bytecode",
            "--no-python-downloads",
        ]);
        if how.hashes {
            args.push("--require-hashes".into());
        }
        let text = read(&chosen)?;
        for name in text.lines().filter_map(local) {
            args.extend(["--refresh-package".into(), name.into()]);
        }
        args.extend([
            "--python".into(),
            python.into_os_string(),
            "-r".into(),
            chosen.clone().into_os_string(),
        ]);
        self.must(uv.as_os_str(), &args, "uv", how.secrets)?;
        Ok(of_list(&text))
    }

    fn by_pip(&self, environment: &Path, list: &Path, how: How<'_>) -> Result<Hashes, Trouble> {
        let report = list.with_extension("report");
        let mut args: Vec<OsString> = [
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--no-user",
        ]
        .map(OsString::from)
        .to_vec();
        args.extend([
            "--progress-bar".into(),
            "off".into(),
            "--no-warn-script-location".into(),
        ]);
        args.extend(["--report".into(), report.clone().into_os_string()]);
        for (wanted, flag) in [
            (how.any_python, "--ignore-requires-python"),
            (how.no_deps, "--no-deps"),
            (how.hashes, "--require-hashes"),
        ] {
            if wanted {
                args.push(flag.into());
            }
        }
        if let Some(constraints) = how.constraints {
            args.extend(["-c".into(), constraints.into()]);
        }
        args.extend(["-r".into(), list.into()]);
        let python = interpreter_of(environment)?;
        self.must(python.as_os_str(), &args, "pip", how.secrets)?;
        let bytes = fs::read(&report).map_err(|error| Trouble::Failed(unreadable(&report, &error)))?;
        Ok(of_report(&serde_json::from_slice(&bytes).unwrap_or_default()))
    }

    /// Removes packages that only the making of the environment needed.
    pub(super) fn uninstall(&self, environment: &Path, names: &[&str]) -> Result<(), Trouble> {
        let mut args: Vec<OsString> = ["-m", "pip", "uninstall", "--disable-pip-version-check", "--yes"]
            .map(OsString::from)
            .to_vec();
        args.extend(names.iter().map(OsString::from));
        let python = interpreter_of(environment)?;
        self.must(python.as_os_str(), &args, "pip", &[]).map(drop)
    }

    fn python(&self, environment: &Path, args: &[&str]) -> Result<Followed, Trouble> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        self.quiet(interpreter_of(environment)?.as_os_str(), &args)
    }

    fn must(
        &self,
        program: &OsStr,
        args: &[OsString],
        who: &str,
        secrets: &[String],
    ) -> Result<Followed, Trouble> {
        let ended = self.start(program, args, secrets)?;
        if ended.status.success() {
            return Ok(ended);
        }
        Err(of_failure(who, &ended.lines))
    }

    fn start(&self, program: &OsStr, args: &[OsString], secrets: &[String]) -> Result<Followed, Trouble> {
        let mut said = |line: &str| self.watch.said(&hidden(line, secrets));
        let mut ended = self.run(program, args, &mut said)?;
        for line in &mut ended.lines {
            *line = hidden(line, secrets);
        }
        Ok(ended)
    }

    fn quiet(&self, program: &OsStr, args: &[OsString]) -> Result<Followed, Trouble> {
        self.run(program, args, &mut |_| {})
    }

    fn run(
        &self,
        program: &OsStr,
        args: &[OsString],
        said: &mut dyn FnMut(&str),
    ) -> Result<Followed, Trouble> {
        let follow = Follow {
            program,
            args,
            env: &self.env,
            cwd: self.cwd,
        };
        follow
            .run(self.watch.guardian(), self.watch.halt(), said)
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted => Trouble::Interrupted,
                _ => Trouble::Failed(Fault::new(format!("`{}`: {error}", program.to_string_lossy()))),
            })
    }
}

/// Returns the `uv` that installs; `None`: pip does.
fn uv(environ: &Environ) -> Result<Option<PathBuf>, Fault> {
    let found = || on_path(environ, "uv");
    match environ.filled("OPSBOX_INSTALLER") {
        None => Ok(found()),
        Some("pip") => Ok(None),
        Some("uv") => found().map(Some).ok_or_else(|| {
            Fault::new("OPSBOX_INSTALLER is `uv`, and no `uv` is on `PATH`")
                .hint("install uv, or unset OPSBOX_INSTALLER to have pip install")
        }),
        Some(other) => Err(Fault::new(format!(
            "OPSBOX_INSTALLER is `{other}`, which is neither `uv` nor `pip`"
        ))
        .hint("unset it to have uv where it is on `PATH`, else pip")),
    }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Returns the name in a line of a list that speaks of a folder or file: `name @ file://…`.
fn local(line: &str) -> Option<&str> {
    line.split_once(" @ file://")
        .map(|(name, _)| name.split('[').next().unwrap_or(name))
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::new(format!("`{}` cannot be read: {error}", path.display()))
}

fn interpreter_of(environment: &Path) -> Result<PathBuf, Trouble> {
    let missing = || {
        Trouble::Failed(Fault::new(format!(
            "no interpreter was made in `{}`",
            environment.display()
        )))
    };
    of_environment(environment).ok_or_else(missing)
}

/// Returns what an installer sees: all of the user's variables, which hold indexes, proxies and credentials, but for those that would
/// lead it elsewhere or make it ask.
fn variables(environ: &Environ) -> BTreeMap<OsString, OsString> {
    let passes = |name: &OsStr| {
        name.to_str()
            .is_none_or(|name| !crate::environ::matches(name, &LEFT_OUT))
    };
    let mut env: BTreeMap<OsString, OsString> = environ
        .vars()
        .filter(|(name, _)| passes(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    env.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
    env.entry("GIT_SSH_COMMAND".into())
        .or_insert_with(|| "ssh -oBatchMode=yes".into());
    env.insert("PYTHONUTF8".into(), "1".into());
    env
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;

    #[test]
    fn an_installer_that_was_asked_for_is_never_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let asked = |vars: &[(&str, &str)]| uv(&environ(folder.path(), vars));
        let nowhere = ("PATH", "/nowhere");
        assert_eq!(asked(&[nowhere]), Ok(None));
        assert_eq!(asked(&[nowhere, ("OPSBOX_INSTALLER", "pip")]), Ok(None));
        let message = |asked: Result<_, Fault>| asked.unwrap_err().message;
        assert_eq!(
            message(asked(&[nowhere, ("OPSBOX_INSTALLER", "uv")])),
            "OPSBOX_INSTALLER is `uv`, and no `uv` is on `PATH`"
        );
        assert!(message(asked(&[nowhere, ("OPSBOX_INSTALLER", "poetry")])).contains("`poetry`"));
        let program = folder.path().join("uv");
        crate::python::executable(&program);
        let here = folder.path().display().to_string();
        assert_eq!(
            asked(&[("PATH", &here), ("OPSBOX_INSTALLER", "uv")]),
            Ok(Some(program))
        );
    }
}

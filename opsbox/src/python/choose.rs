//! Which Python interpreter: the one asked for, the one that this program is installed beside, the active environment's, the folder's
//! `.venv`, or that of `PATH`.

use std::path::{Path, PathBuf};

use super::{FOLDER, beside, still};
use crate::environ::Environ;
use crate::error::Fault;

/// An interpreter that was found but not asked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The program; may be a shim that starts another one.
    pub path: PathBuf,
    /// Why it was chosen.
    pub why: String,
}

/// Chooses the interpreter; `wanted` is the value of `--python`: a program, a name on `PATH`, or an environment's folder.
///
/// # Errors
/// A fault where the wanted one is not there, or none is found at all.
pub fn choose(environ: &Environ, wanted: Option<&Path>) -> Result<Candidate, Fault> {
    if let Some(wanted) = wanted {
        return asked(environ, wanted, "--python");
    }
    if let Some(wanted) = environ.filled("OPSBOX_PYTHON") {
        return asked(environ, Path::new(wanted), "OPSBOX_PYTHON");
    }
    if let Some(path) = beside::interpreter(environ) {
        return Ok(Candidate {
            path,
            why: beside::WHY.to_owned(),
        });
    }
    if let Some(folder) = environ.filled("VIRTUAL_ENV")
        && let Some(path) = of_environment(&environ.absolute(Path::new(folder)))
    {
        return Ok(Candidate {
            path,
            why: "VIRTUAL_ENV".to_owned(),
        });
    }
    let own = environ.cwd.join(FOLDER);
    if let Some(path) = of_environment(&own)
        && still::is_environment(&own)
    {
        return Ok(Candidate {
            path,
            why: FOLDER.to_owned(),
        });
    }
    for name in ["python3", "python"] {
        if let Some(path) = on_path(environ, name) {
            return Ok(Candidate {
                path,
                why: "PATH".to_owned(),
            });
        }
    }
    Err(
        Fault::new("no Python interpreter found: none beside the program, no `VIRTUAL_ENV`, no `.venv` here, no `python3` on `PATH`")
            .hint("install Python 3.9 or newer, or name one with `--python PATH`"),
    )
}

fn asked(environ: &Environ, wanted: &Path, why: &str) -> Result<Candidate, Fault> {
    let path = if wanted.components().count() == 1 && !environ.absolute(wanted).exists() {
        wanted.to_str().and_then(|name| on_path(environ, name))
    } else {
        let absolute = environ.absolute(wanted);
        if absolute.is_dir() {
            of_environment(&absolute)
        } else {
            Some(absolute).filter(|path| path.is_file())
        }
    };
    let found = path.map(|path| Candidate {
        path,
        why: why.to_owned(),
    });
    found.ok_or_else(|| {
        Fault::new(format!(
            "no Python interpreter at `{}` of `{why}`",
            wanted.display()
        ))
        .hint("name the program, such as `/usr/bin/python3`, or the folder of a virtual environment")
    })
}

/// Returns the interpreter of a virtual environment's folder.
pub fn of_environment(folder: &Path) -> Option<PathBuf> {
    let programs = ["bin/python3", "bin/python", "Scripts/python.exe"];
    programs
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Returns the program of that name on `PATH`.
pub fn on_path(environ: &Environ, name: &str) -> Option<PathBuf> {
    which::which_in(name, environ.var_os("PATH"), &environ.cwd).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::environ::tests::environ;

    /// Writes an executable file.
    pub(crate) fn program(path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "\u{7f}ELF").unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_nearest_interpreter_is_chosen_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "usr/python3",
            "usr/python3.9",
            "env/bin/python",
            "work/.venv/bin/python3",
            "work/.venv/lib/python3.12/site-packages/any.py",
        ] {
            program(&at(name));
        }
        let check = |vars: &[(&str, &str)], wanted: Option<&str>, expected: &str, why: &str| {
            let chosen = choose(&environ(folder.path(), vars), wanted.map(Path::new)).unwrap();
            assert_eq!((chosen.path, chosen.why.as_str()), (at(expected), why));
        };
        let usr = at("usr").display().to_string();
        let env = at("env").display().to_string();
        let path = ("PATH", usr.as_str());
        check(
            &[path, ("VIRTUAL_ENV", &env)],
            Some("python3.9"),
            "usr/python3.9",
            "--python",
        );
        check(
            &[path, ("OPSBOX_PYTHON", &env)],
            None,
            "env/bin/python",
            "OPSBOX_PYTHON",
        );
        check(
            &[path, ("VIRTUAL_ENV", &env)],
            None,
            "env/bin/python",
            "VIRTUAL_ENV",
        );
        check(
            &[path, ("VIRTUAL_ENV", "/gone")],
            None,
            "work/.venv/bin/python3",
            ".venv",
        );
        // A program without packages is no environment.
        std::fs::remove_dir_all(at("work/.venv/lib")).unwrap();
        check(&[path], None, "usr/python3", "PATH");
    }

    #[test]
    fn missing_interpreter_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[("PATH", "/nowhere")]);
        let fault = choose(&environ, Some(Path::new("/no/python"))).unwrap_err();
        assert_eq!(
            fault.message,
            "no Python interpreter at `/no/python` of `--python`"
        );
        let fault = choose(&environ, None).unwrap_err();
        assert!(fault.hints[0].contains("--python PATH"), "{fault:?}");
    }
}

//! Environments that would have come before the interpreter that was chosen, and have none that works: a Python upgrade leaves such behind.

use std::path::{Path, PathBuf};

use super::choose::of_environment;
use super::{FOLDER, still};
use crate::environ::Environ;

/// The variable that an active environment sets.
const VARIABLE: &str = "VIRTUAL_ENV";

/// Returns a warning for each environment that was passed over because its interpreter is not there.
///
/// `why` is why another one was chosen; `None` where none was. Of a `.venv` only what was made as an environment counts.
pub fn passed_over(environ: &Environ, why: Option<&str>) -> Vec<String> {
    let instead = match why {
        None => "no Python is used instead".to_owned(),
        Some("PATH") => "the Python of `PATH` is used instead".to_owned(),
        Some(FOLDER) => format!("`./{FOLDER}` is used instead"),
        // The managed environment is taken where there is no other Python.
        Some(super::MANAGED) => "the managed environment is used instead".to_owned(),
        Some(_) => return Vec::new(),
    };
    let mut warnings = Vec::new();
    if let Some(named) = environ.filled(VARIABLE) {
        let folder = environ.absolute(Path::new(named));
        if let Some(what) = broken(&folder) {
            let shown = folder.display();
            warnings.push(format!(
                "`{VARIABLE}` is `{shown}`, where {what}; {instead}: make it anew with `python3 -m venv --clear {shown}` and install its packages \
                 again, or run `deactivate`"
            ));
        }
    }
    let folder = environ.cwd.join(FOLDER);
    if why != Some(FOLDER)
        && folder.is_dir()
        && let Some(what) = broken(&folder).or_else(|| empty(&folder))
        && (folder.join("pyvenv.cfg").is_file() || folder.join("bin").is_dir())
        && environ
            .filled(VARIABLE)
            .is_none_or(|named| environ.absolute(Path::new(named)) != folder)
    {
        warnings.push(format!(
            "in `./{FOLDER}` {what}; {instead}: make it anew with `python3 -m venv --clear {FOLDER}` and install its packages again, or remove it"
        ));
    }
    warnings
}

/// Says what is wrong with an environment's folder; `None` where its interpreter is there.
fn broken(folder: &Path) -> Option<String> {
    if of_environment(folder).is_some() {
        return None;
    }
    Some(match dangling(folder) {
        Some((link, target)) => format!(
            "`{}` leads to `{}`, which is not there",
            link.display(),
            target.display()
        ),
        None if folder.is_dir() => "there is no `bin/python3`".to_owned(),
        None => "there is no folder".to_owned(),
    })
}

/// Says that an environment has no packages; `None` where it has its folder of them.
fn empty(folder: &Path) -> Option<String> {
    (!still::is_environment(folder)).then(|| "there is no `lib/python3.N/site-packages`".to_owned())
}

/// Returns the interpreter of a folder that is a link to nothing, and what it names at its end.
fn dangling(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut link = ["bin/python3", "bin/python"]
        .into_iter()
        .map(PathBuf::from)
        .find(|name| folder.join(name).is_symlink())?;
    let first = link.clone();
    // `python3` is often a link to `python`, which is the one that leads out.
    for _ in 0..8 {
        let at = folder.join(&link);
        let Ok(target) = at.read_link() else { break };
        link = at.parent().map_or(target.clone(), |parent| parent.join(&target));
    }
    Some((first, link))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::choose::tests::program;
    use super::*;
    use crate::environ::tests::environ;

    #[test]
    fn an_environment_whose_python_is_gone_is_named_with_its_link_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("work/.venv/bin");
        fs::create_dir_all(&bin).unwrap();
        symlink("/opt/gone/python3.10", bin.join("python")).unwrap();
        symlink("python", bin.join("python3")).unwrap();
        let environ = environ(folder.path(), &[("VIRTUAL_ENV", "/nowhere/gone")]);
        let said = passed_over(&environ, Some("PATH"));
        assert_eq!(
            said,
            [
                "`VIRTUAL_ENV` is `/nowhere/gone`, where there is no folder; the Python of `PATH` is used instead: make it anew with \
                 `python3 -m venv --clear /nowhere/gone` and install its packages again, or run `deactivate`",
                "in `./.venv` `bin/python3` leads to `/opt/gone/python3.10`, which is not there; the Python of `PATH` is used instead: make it \
                 anew with `python3 -m venv --clear .venv` and install its packages again, or remove it",
            ]
        );
    }

    #[test]
    fn only_what_comes_before_the_chosen_one_and_is_broken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("work/.venv");
        let gone = environ(folder.path(), &[("VIRTUAL_ENV", "/nowhere/gone")]);
        assert_eq!(passed_over(&gone, Some("--python")), [] as [String; 0]);
        let plain = environ(folder.path(), &[]);
        assert_eq!(passed_over(&plain, Some("PATH")), [] as [String; 0]);
        fs::create_dir_all(&here).unwrap();
        assert_eq!(
            passed_over(&plain, Some("PATH")),
            [] as [String; 0],
            "an empty folder is nobody's environment"
        );
        program(&here.join("bin/python3"));
        let said = passed_over(&plain, Some("PATH"));
        assert!(
            said[0]
                .starts_with("in `./.venv` there is no `lib/python3.N/site-packages`; the Python of `PATH`"),
            "{said:?}"
        );
        fs::create_dir_all(here.join("lib/python3.12/site-packages")).unwrap();
        assert_eq!(passed_over(&plain, Some("PATH")), [] as [String; 0]);
        assert_eq!(passed_over(&gone, Some(".venv")).len(), 1);
        let shown = here.display().to_string();
        fs::remove_file(here.join("bin/python3")).unwrap();
        let same = environ(folder.path(), &[("VIRTUAL_ENV", &shown)]);
        assert_eq!(passed_over(&same, None).len(), 1, "one environment, told once");
    }
}

//! A virtual environment with every published plugin package, without the original host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::python::run;
use super::{repository, skipped};

/// What asks an interpreter for its path and minor version; fails where the packages cannot be installed.
const PROBE: &str =
    "import sys; v = sys.version_info; assert (3, 10) <= v < (3, 14); print(v[1], sys.executable)";

/// Returns the interpreter of `target/packages-venv`, made from `sdk-python/requirements-packages.txt` where it is not there yet.
///
/// The packages need Python 3.10 to 3.13; `python3` is taken where it is one of these, else the first of them on PATH. `None` where there
/// is none, and says so. A server for the tests is started with the same interpreter.
pub fn packages() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let (minor, python) = suitable(&["python3", "python3.11", "python3.12", "python3.13", "python3.10"])?;
        Some(environment("packages-venv", minor, &python, &|_| true))
    });
    if made.is_none() {
        skipped("packages", "no Python 3.10 to 3.13 on PATH");
    }
    made.clone()
}

/// Returns an interpreter of Python 3.12 or 3.13 with the packages that `github_out` needs; `None` where there is none, and says so.
///
/// The published `github_out` holds f-strings that no older Python reads. Where [`packages`] has an older one, this is a smaller environment
/// of its own, `target/packages-venv-3.12`.
pub fn packages_for_github() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let all = packages()?;
        if suitable(&[all.to_str()?])?.0 >= 12 {
            return Some(all);
        }
        let mut names = vec!["python3.12".to_owned(), "python3.13".to_owned()];
        names.extend(of_pyenv());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (minor, python) = names
            .iter()
            .find_map(|name| suitable(&[name]).filter(|(minor, _)| *minor >= 12))?;
        let wanted = |section: &str| section.starts_with("plugins") || section.starts_with("imported by all");
        Some(environment("packages-venv-3.12", minor, &python, &wanted))
    });
    if made.is_none() {
        skipped("python3.12", "no Python 3.12 or 3.13 on PATH");
    }
    made.clone()
}

/// Returns the interpreters that pyenv has; its shims start only those that are switched on.
fn of_pyenv() -> Vec<String> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv"));
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let mut found: Vec<_> = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin/python3").display().to_string())
        .collect();
    found.sort();
    found
}

/// Returns the minor version and the path of the first interpreter that the packages can be installed for.
fn suitable(names: &[&str]) -> Option<(u32, PathBuf)> {
    names.iter().find_map(|name| {
        let output = Command::new(name).args(["-c", PROBE]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let (minor, path) = text.trim().split_once(' ')?;
        output.status.success().then_some(())?;
        Some((minor.parse().ok()?, PathBuf::from(path)))
    })
}

/// Makes an environment from the wanted sections of the requirements, once for all test processes, and returns its interpreter.
fn environment(name: &str, minor: u32, python: &Path, wanted: &dyn Fn(&str) -> bool) -> PathBuf {
    let target = super::target();
    let folder = target.join(name);
    let all = fs::read_to_string(repository().join("sdk-python/requirements-packages.txt")).unwrap();
    let sections = all
        .split("\n# -- ")
        .skip(1)
        .filter(|section| wanted(section.lines().next().unwrap()));
    let requirements: String = sections
        .flat_map(|section| section.lines().skip(1))
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    let endpoints = repository().join("tests/fixtures/servers/opsbox_test_endpoints.py");
    let endpoints = fs::read_to_string(endpoints).unwrap();
    let stamp = format!("# Python 3.{minor}, {}\n{requirements}", python.display());
    let lock = fs::File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let program = folder.join("bin/python");
    if !fs::read_to_string(folder.join("stamp")).is_ok_and(|made| made == stamp) {
        let _old = fs::remove_dir_all(&folder);
        run(Command::new(python).args(["-m", "venv"]).arg(&folder));
        let list = folder.join("requirements.txt");
        fs::write(&list, &requirements).unwrap();
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
            "--ignore-requires-python",
            "-r",
        ];
        run(Command::new(&program).args(install).arg(&list));
        fs::write(folder.join("stamp"), stamp).unwrap();
    }
    // The one addition: what a plugin asks of the internet goes to the servers of the test.
    let packages = folder.join(format!("lib/python3.{minor}/site-packages"));
    let module = packages.join("opsbox_test_endpoints.py");
    if !fs::read_to_string(&module).is_ok_and(|made| made == endpoints) {
        fs::write(
            packages.join("opsbox_test_endpoints.pth"),
            "import opsbox_test_endpoints\n",
        )
        .unwrap();
        fs::write(&module, endpoints).unwrap();
    }
    program
}

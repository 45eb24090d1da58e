//! The Python that tests use, and a virtual environment made once from the pinned requirements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{repository, skipped};

/// Returns a Python 3.9 or newer; `None` where there is none, and says so.
pub fn python() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let probe = "import sys; assert sys.version_info >= (3, 9); print(sys.executable)";
        let output = Command::new("python3").args(["-c", probe]).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| PathBuf::from(text.trim()))
    });
    if found.is_none() {
        skipped("python", "no Python 3.9 or newer on PATH");
    }
    found.clone()
}

/// Returns the interpreter of `target/test-venv`, made from `sdk-python/requirements-test.txt` where it is not there yet.
///
/// Tests of several processes may ask at once: a lock file lets the first one make it.
pub fn venv() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    MADE.get_or_init(|| {
        let python = python()?;
        let target = super::target();
        let folder = target.join("test-venv");
        let requirements = repository().join("sdk-python/requirements-test.txt");
        let wanted = fs::read_to_string(&requirements).unwrap();
        let lock = fs::File::create(target.join("test-venv.lock")).unwrap();
        lock.lock().unwrap();
        let program = folder.join("bin/python");
        let stamp = folder.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Some(program);
        }
        let _old = fs::remove_dir_all(&folder);
        run(Command::new(python).args(["-m", "venv"]).arg(&folder));
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ];
        run(Command::new(&program).args(install).arg(&requirements));
        fs::write(stamp, wanted).unwrap();
        Some(program)
    })
    .clone()
}

impl super::Sandbox {
    /// Makes an empty virtual environment in the sandbox and returns it with its folder of packages; `None` without a Python.
    pub fn environment(&self, name: &str) -> Option<(PathBuf, PathBuf)> {
        let folder = self.path(name);
        run(Command::new(python()?)
            .args(["-m", "venv", "--without-pip"])
            .arg(&folder));
        let lib = fs::read_dir(folder.join("lib")).unwrap().next().unwrap().unwrap();
        let packages = lib.path().join("site-packages");
        Some((folder, packages))
    }

    /// Writes the metadata of a package with one entry point, as an installer would.
    pub fn entry_point(&self, packages: &Path, distribution: &str, point: &str) {
        let info = packages.join(format!("{}-1.0.dist-info", distribution.replace('-', "_")));
        fs::create_dir_all(&info).unwrap();
        fs::write(
            info.join("METADATA"),
            format!("Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"),
        )
        .unwrap();
        fs::write(
            info.join("entry_points.txt"),
            format!("[opsbox.plugins]\n{point}\n"),
        )
        .unwrap();
    }
}

/// Runs a command, and shows what it said where it fails.
#[track_caller]
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

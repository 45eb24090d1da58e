//! Python plugins of the original's style: fixtures, small ones that a test writes, installed ones, and the environments they run in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python::{python, run};
use super::{Sandbox, Seen, repository, venv};

/// A virtual environment of one sandbox, with no package in it.
pub struct Environment {
    pub python: PathBuf,
    pub packages: PathBuf,
}

impl Sandbox {
    /// Copies a folder of `tests/fixtures` into the plugin folder, as it is.
    pub fn fixture(&self, path: &str) {
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        copy(
            &repository().join("tests/fixtures").join(path),
            &self.path("plugins").join(name),
        );
    }

    /// Adds a sample of the Rust SDK: its manifest and, beside it, its program.
    pub fn sample(&self, name: &str) {
        let manifest = format!("plugin-sdk-rs/examples/{name}/manifest.toml");
        let manifest = fs::read_to_string(repository().join(manifest)).unwrap();
        self.write(&format!("plugins/{name}/manifest.toml"), &manifest);
        fs::copy(super::example(name), self.path("plugins").join(name).join(name)).unwrap();
    }

    /// Adds a plugin of the original's style: a manifest of its keys and `<name>.py`, whose class is `P`.
    pub fn legacy(&self, name: &str, kind: &str, source: &str) {
        self.legacy_with(name, kind, "", source);
    }

    /// The same; `more` follows the manifest's `[info]` keys.
    pub fn legacy_with(&self, name: &str, kind: &str, more: &str, source: &str) {
        let info = format!("name = \"{name}\"\nmodule = \"{name}\"\nclass_name = \"P\"\ntype = \"{kind}\"");
        self.write(
            &format!("plugins/{name}/{name}.toml"),
            &format!("[info]\n{info}\n{more}\n"),
        );
        self.write(&format!("plugins/{name}/{name}.py"), source);
    }

    /// Adds an input `name` that returns one Result of this name, whose `details` are the given Python expression.
    pub fn finds(&self, name: &str, details: &str) {
        let source = format!(
            "from core.plugins import Result\n\nclass P:\n    def process(self, data):\n        \
             return [Result(relates_to=\"test\", result_name=\"{name}\", result_description=\"d\", \
             details={details}, formatted=\"text of {name}\")]\n"
        );
        self.legacy(name, "input", &source);
    }

    /// Returns a JSON file that a run wrote.
    pub fn json(&self, relative: &str) -> serde_json::Value {
        let text = self.read(relative);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{relative}: {error}\n{text}"))
    }

    /// Makes a virtual environment with neither pip nor any package; `None` where there is no Python.
    pub fn python_environment(&self) -> Option<Environment> {
        let folder = self.path("environment");
        run(Command::new(python()?)
            .args(["-m", "venv", "--without-pip"])
            .arg(&folder));
        let lib = fs::read_dir(folder.join("lib")).unwrap().next().unwrap().unwrap();
        Some(Environment {
            python: folder.join("bin/python"),
            packages: lib.path().join("site-packages"),
        })
    }

    /// Runs the binary with this interpreter for Python plugins.
    pub fn opsbox_on(&self, python: &Path, args: &[&str]) -> Seen {
        self.finish(args, self.binary(args).env("OPSBOX_PYTHON", python))
    }
}

impl Environment {
    /// Lets the environment see the packages of the tests' own one.
    pub fn sees_test_packages(&self) {
        let print = "import site; print(site.getsitepackages()[0])";
        let output = Command::new(venv().unwrap())
            .args(["-c", print])
            .output()
            .unwrap();
        fs::write(self.packages.join("test-packages.pth"), output.stdout).unwrap();
    }

    /// Writes the metadata of an installed distribution with these entry points.
    pub fn installs(&self, distribution: &str, points: &[&str]) {
        let folder = self.packages.join(format!("{distribution}-1.2.3.dist-info"));
        fs::create_dir_all(&folder).unwrap();
        let metadata = format!("Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2.3\n\n");
        fs::write(folder.join("METADATA"), metadata).unwrap();
        let points = format!("[opsbox.plugins]\n{}\n", points.join("\n"));
        fs::write(folder.join("entry_points.txt"), points).unwrap();
    }

    /// Makes a package of a fixture folder at `to`, as the documentation says: `__init__.py`, the module and `manifest.toml`.
    pub fn package(&self, fixture: &str, to: &Path) {
        let from = repository().join("tests/fixtures").join(fixture);
        copy(&from, to);
        let name = from.file_name().unwrap().to_str().unwrap();
        fs::rename(to.join(format!("{name}.toml")), to.join("manifest.toml")).unwrap();
        fs::write(to.join("__init__.py"), "").unwrap();
    }
}

/// Copies a folder with all in it, but for what Python compiled.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    for entry in entries.map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "__pycache__" {
        } else if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

//! A folder of empty packages in the place of an index: an environment is made of them in a moment, and nothing is fetched.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{python, run, target};

/// What the light distribution requires, and `toml` and an old `pluggy` for tests. The packages hold nothing but their metadata: the bridge
/// and the tests' plugins import none of them. The script's argument is the folder.
const SCRIPT: &str = r#"
import os, sys, zipfile

NEW = ["pydantic 2.12.5", "PyYAML 6.0.3", "pluggy 1.6.0", "loguru 0.7.3", "rich 14.2.0", "requests 2.32.5"]
for name, version in (line.split() for line in [*NEW, "pluggy 0.13.1", "toml 0.10.2"]):
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(sys.argv[1], f"{name}-{version}-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
"#;

/// The build backend of docs/packaging-plugins.md: the one real package, fetched when the folder is made.
const BACKEND: &str =
    "flit_core==3.12.0 --hash=sha256:e7a0304069ea895172e3c7bb703292e992c5d1555dd1233ab7b5621b5b69e62c";

/// Lets a command install from the folder and from nowhere else.
pub fn only(command: &mut Command) {
    let folder = folder();
    command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", &folder);
    command.env("UV_CONFIG_FILE", folder.join("uv.toml"));
}

/// Lets a command ask an index again.
pub(super) fn not_only(command: &mut Command) {
    for name in ["PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_CONFIG_FILE"] {
        command.env_remove(name);
    }
}

/// Makes the folder, once for all tests of this process.
fn folder() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let caches = target().join("test-cache");
        let folder = caches.join("wheelhouse");
        fs::create_dir_all(&folder).unwrap();
        let lock = fs::File::create(caches.join("wheelhouse.lock")).unwrap();
        lock.lock().unwrap();
        // The same files stay the same, so that the installers' caches hold them.
        let made = folder.join("made-by.py");
        let wanted = format!("{SCRIPT}# {BACKEND}\n");
        if fs::read_to_string(&made).is_ok_and(|script| script == wanted) {
            return folder;
        }
        let python = python().expect("who installs has a Python");
        run(Command::new(&python).args(["-c", SCRIPT]).arg(&folder));
        let backend = folder.join("backend.txt");
        fs::write(&backend, BACKEND).unwrap();
        let download =
            "-m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest";
        run(Command::new(&python)
            .args(download.split(' '))
            .arg(&folder)
            .args(["--require-hashes", "-r"])
            .arg(&backend));
        let links = format!(
            "no-index = true\nfind-links = [{:?}]\n",
            folder.display().to_string()
        );
        fs::write(folder.join("uv.toml"), format!("{links}\n[pip]\n{links}")).unwrap();
        fs::write(made, wanted).unwrap();
        folder
    })
    .clone()
}

//! The managed environment: `plugins add`, `remove`, `--locked`, by uv and by pip, and what is left where something fails.

mod add;
mod credentials;
mod doctor;
mod failures;
mod lock;
mod places;
mod registry;
pub mod wheelhouse;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, Seen, python, target, venv};

/// A build backend of the standard library alone: it packs the folder's packages into a wheel, so that no test builds with anything else.
const BACKEND: &str = r#"
import base64, hashlib, os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    if os.path.exists("slow-build"):
        open(open("slow-build").read().strip(), "w").close()
        import time
        time.sleep(600)
    facts = dict(line.rstrip("\n").split("=", 1) for line in open("facts"))
    name, version = facts["name"], facts["version"]
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if facts.get("python"):
        metadata += f"Requires-Python: {facts['python']}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in facts["needs"].split(";") if need)
    files = {os.path.join(name, file): open(os.path.join(name, file)).read() for file in os.listdir(name) if "." in file}
    files[f"{info}/METADATA"] = metadata
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = f"[opsbox.plugins]\n{name} = {name}.{name}:P\n"
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, wheel), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel
"#;

/// One environment by pip, from the first package to the last failure: each installation by pip takes its time.
#[test]
fn by_pip() {
    let Some(world) = World::pip() else { return };
    lock::a_lock_file_gives_the_same_again(&world);
    failures::a_failure_leaves_everything(&world);
    world.holds_nothing_spare();
}

/// A sandbox with an installer, packages to install, and caches that all tests share.
struct World {
    sandbox: Sandbox,
    /// Whether packages come from a real index, and not from the folder of empty ones.
    online: bool,
    /// `uv` or `pip`.
    by: &'static str,
}

impl World {
    /// Makes one that installs with uv from a real index, which takes its time.
    fn registry() -> Option<Self> {
        Self::uv().map(|world| Self {
            online: true,
            ..world
        })
    }

    /// Makes one that installs with uv, of the tests' own environment; `None` where there is no Python.
    fn uv() -> Option<Self> {
        let uv = venv()?.with_file_name("uv");
        assert!(uv.is_file(), "uv is in sdk-python/requirements-test.txt");
        let sandbox = Sandbox::new();
        fs::create_dir(sandbox.path("bin")).unwrap();
        std::os::unix::fs::symlink(uv, sandbox.path("bin/uv")).unwrap();
        Some(Self {
            sandbox,
            online: false,
            by: "uv",
        })
    }

    /// Makes one that installs with pip.
    fn pip() -> Option<Self> {
        python()?;
        Some(Self {
            sandbox: Sandbox::new(),
            online: false,
            by: "pip",
        })
    }

    /// Returns the command for the binary with what an installer needs of the tester's surroundings.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.binary(args);
        let others = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{others}", self.sandbox.path("bin").display()));
        let caches = target().join("test-cache");
        command.env("PIP_CACHE_DIR", caches.join("pip"));
        command.env("UV_CACHE_DIR", caches.join("uv"));
        if self.by == "pip" {
            command.env("OPSBOX_INSTALLER", "pip");
        }
        if !self.online {
            wheelhouse::only(&mut command);
            return command;
        }
        let passes = [
            "PIP_",
            "UV_",
            "SSL_",
            "HTTP_",
            "HTTPS_",
            "REQUESTS_",
            "http_",
            "https_",
        ];
        for (name, value) in std::env::vars() {
            if passes.iter().any(|start| name.starts_with(start)) && !name.ends_with("CACHE_DIR") {
                command.env(name, value);
            }
        }
        command
    }

    fn opsbox(&self, args: &[&str]) -> Seen {
        self.sandbox.finish(args, &mut self.command(args))
    }

    /// Writes a project with one input plugin of this name, which returns `says` as its finding.
    fn project(&self, name: &str, version: &str, says: &str) -> PathBuf {
        let at = |file: &str| format!("work/{name}/{file}");
        self.sandbox.write(
            &at("pyproject.toml"),
            "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
        );
        self.sandbox.write(&at("backend.py"), BACKEND);
        self.facts(name, version, "", "");
        self.sandbox.write(&at(&format!("{name}/__init__.py")), "");
        let source = format!(
            "from opsbox import Result\n\nclass P:\n    def process(self, data):\n        \
             return Result(relates_to='test', result_name='{name}', result_description='d', details=[{{'name': '{says}'}}], formatted='-')\n"
        );
        self.sandbox.write(&at(&format!("{name}/{name}.py")), &source);
        let manifest =
            format!("[info]\nname = \"{name}\"\nmodule = \"{name}\"\nclass_name = \"P\"\ntype = \"input\"\n");
        self.sandbox
            .write(&at(&format!("{name}/manifest.toml")), &manifest);
        self.sandbox.path(&format!("work/{name}"))
    }

    /// Writes what a project's metadata says: what it demands of Python, and what it needs, parted by `;`.
    fn facts(&self, name: &str, version: &str, python: &str, needs: &str) {
        let facts = format!("name={name}\nversion={version}\npython={python}\nneeds={needs}\n");
        self.sandbox.write(&format!("work/{name}/facts"), &facts);
    }

    /// Makes a pipe: reading it waits until somebody opened it for writing and closed it again.
    fn signal(&self, name: &str) -> PathBuf {
        let path = self.sandbox.path(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
        path
    }

    /// Builds a project's wheel and returns its path, seen from the working folder.
    fn wheel(&self, name: &str) -> String {
        let folder = self.sandbox.path(&format!("work/{name}"));
        let output = Command::new(python().unwrap())
            .args(["-c", "import backend; print(backend.build_wheel('..'))"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        format!("./{}", String::from_utf8(output.stdout).unwrap().trim())
    }

    /// The environment's folder, where the link leads.
    fn current(&self) -> Option<PathBuf> {
        let root = self.sandbox.path("home/.local/share/opsbox/python");
        fs::read_link(root.join("current"))
            .ok()
            .map(|target| root.join(target))
    }

    /// How many environments there are, used or not.
    fn environments(&self) -> usize {
        fs::read_dir(self.sandbox.path("home/.local/share/opsbox/python/envs")).map_or(0, Iterator::count)
    }

    /// The lock file of the environment.
    fn lock(&self) -> Value {
        let path = self.current().unwrap().join("opsbox-lock.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Asserts that what only installs is not kept, and that nothing of the work is left behind.
    #[track_caller]
    fn holds_nothing_spare(&self) {
        let lock = self.lock();
        let packages = lock["packages"].as_array().unwrap();
        let names: Vec<_> = packages
            .iter()
            .filter_map(|package| package["name"].as_str())
            .collect();
        assert!(
            names.contains(&"pydantic") && !names.contains(&"pip"),
            "{names:?}"
        );
        let left = fs::read_dir(self.sandbox.path("home/.local/share/opsbox/python")).unwrap();
        let mut left: Vec<_> = left
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["current", "envs", "lock", "wheels"]);
        assert_eq!(self.environments(), 1);
    }

    /// Returns a package of the lock file.
    #[track_caller]
    fn locked(&self, name: &str) -> Value {
        let lock = self.lock();
        let packages = lock["packages"].as_array().unwrap();
        let found = packages.iter().find(|package| package["name"] == name);
        found
            .unwrap_or_else(|| panic!("no package {name}: {lock:#}"))
            .clone()
    }

    /// Runs a plugin of `project` and returns the name that it found.
    #[track_caller]
    fn found(&self, name: &str) -> String {
        self.opsbox(&["run", &format!("{name}-json_out")]).exits(0);
        let found = self.sandbox.json(&format!("work/findings/test/{name}.json"));
        found["details"][0]["name"].as_str().unwrap().to_owned()
    }
}

//! Every plugin package published for the original, unchanged, in one environment.

mod assistant;
mod checks;
mod compatibility;
mod discovered;
mod files;
mod handlers;
mod mail;
mod tickets;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Sandbox, Seen, packages};

/// An input of two Results; the first names volumes.
const INPUT: &str = r#"
from opsbox import Result

class P:
    def process(self, data):
        first = Result(relates_to="ec2", result_name="stray_ebs", result_description="Stray volumes",
                       details=[{"id": "vol-1", "size": 8}, {"id": "vol-2", "size": 1.5}],
                       formatted="vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve")
        second = Result(relates_to="iam", result_name="console_access", result_description="Users",
                        details={"users": ["ana"]}, formatted="  ana may log in")
        return [first, second]
"#;

/// A sandbox with the input `two`, and the environment of all packages.
struct World {
    sandbox: Sandbox,
    python: PathBuf,
}

impl World {
    /// `None` where there is no Python for the packages.
    fn new() -> Option<Self> {
        packages().map(Self::on)
    }

    fn on(python: PathBuf) -> Self {
        let sandbox = Sandbox::new();
        sandbox.legacy("two", "input", INPUT);
        Self { sandbox, python }
    }

    /// Runs a pipeline with this configuration; its record is kept.
    fn run(&self, pipeline: &str, configuration: &Value) -> Seen {
        let file = self
            .sandbox
            .write("work/settings.json", &configuration.to_string());
        let file = file.to_str().unwrap();
        let args = ["run", pipeline, "--config", file, "-o", "record.json"];
        self.sandbox.opsbox_on(&self.python, &args)
    }

    /// Puts the file of an installed module into the plugin folder, byte for byte, under a manifest with a name of its own: a name that is
    /// built in always means what is built in.
    fn under_another_name(&self, name: &str, module: &str, class: &str, tables: &str) {
        let manifest =
            format!("[info]\nname = \"{name}\"\nmodule = \"{module}\"\nclass_name = \"{class}\"\n{tables}");
        let last = module.rsplit('.').next().unwrap();
        let file = self
            .site_packages()
            .join(module.replace('.', "/"))
            .with_extension("py");
        self.sandbox
            .write(&format!("plugins/{name}/manifest.toml"), &manifest);
        std::fs::copy(&file, self.sandbox.path(&format!("plugins/{name}/{last}.py"))).unwrap();
    }

    fn site_packages(&self) -> PathBuf {
        let lib = self.python.ancestors().nth(2).unwrap().join("lib");
        let version = std::fs::read_dir(lib).unwrap().next().unwrap().unwrap();
        version.path().join("site-packages")
    }
}

/// Returns the minor version of an interpreter.
fn minor_of(python: &Path) -> u32 {
    let output = std::process::Command::new(python)
        .args(["-c", "import sys; print(sys.version_info[1])"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The Results of the input `two`, as outputs get them.
fn two_results() -> Value {
    json!([
        {"relates_to": "ec2", "result_name": "stray_ebs", "result_description": "Stray volumes",
         "details": [{"id": "vol-1", "size": 8}, {"id": "vol-2", "size": 1.5}],
         "formatted": "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve"},
        {"relates_to": "iam", "result_name": "console_access", "result_description": "Users",
         "details": {"users": ["ana"]}, "formatted": "  ana may log in"},
    ])
}

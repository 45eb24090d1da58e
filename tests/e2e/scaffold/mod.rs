//! `opsbox plugin new`: what it makes, and what it refuses.

mod asked;
mod made;
mod works;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, Seen, binary};

/// A plugin that was made, in a sandbox of its own.
pub struct Made {
    sandbox: Sandbox,
    name: String,
    /// What the command said of it, as JSON.
    said: Value,
    /// Programs whose folders stand first on its author's PATH: this binary, and the Python of the tests where it needs one.
    programs: Vec<PathBuf>,
    /// Further variables of its author.
    variables: BTreeMap<String, PathBuf>,
}

impl Made {
    /// Makes the plugin `LANG_TYPE` in the working folder.
    #[track_caller]
    fn new(lang: &str, kind: &str) -> Self {
        let sandbox = Sandbox::new();
        let name = format!("{lang}_{kind}");
        let args = ["plugin", "new", &name, "--type", kind, "--lang", lang, "--json"];
        let said = sandbox.opsbox(&args).exits(0).json();
        Self {
            sandbox,
            name,
            said,
            programs: vec![binary()],
            variables: BTreeMap::new(),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.sandbox.work().join(&self.name).join(file)
    }

    fn read(&self, file: &str) -> String {
        self.sandbox.read(&format!("work/{}/{file}", self.name))
    }

    #[track_caller]
    fn document(&self, file: &str) -> Value {
        serde_json::from_str(&self.read(file)).unwrap()
    }

    /// Types a line in its folder, as its author would.
    fn types(&self, line: &str) -> Seen {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        self.sandbox.surround(&mut command);
        let own = self.programs.iter();
        let folders = own.map(|program| program.parent().unwrap().to_owned());
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(folders.chain(env::split_paths(&path))).unwrap();
        command.env("PATH", path).current_dir(self.path(""));
        command.envs(&self.variables);
        self.sandbox.finish(&["(typed)", line], &mut command)
    }

    /// Types the command that the author is told at this place, and something behind it.
    fn types_next(&self, index: usize, more: &str) -> Seen {
        let line = self.said["next"][index]["command"].as_str().unwrap();
        self.types(&format!("{line} {more}"))
    }
}

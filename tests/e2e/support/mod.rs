//! A sandbox for one test: its own home, cache and plugin folder, and the binary under test.

mod built;
mod legacy;
mod mirror;
mod missing;
mod opa;
mod packages;
mod python;
mod server;
mod shell;
mod user;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub use built::{BUILT, binary, example, target};
pub use legacy::{Environment, copy};
pub use missing::{program, skipped};
pub use opa::{Hanging, OpaServer, opa};
pub use packages::{packages, packages_for_github};
pub use python::{python, run, venv};
pub use server::Server;
pub use shell::result;

/// A folder that is gone with the test, and everything in it.
pub struct Sandbox {
    root: tempfile::TempDir,
}

/// What a run of the binary wrote, and how it ended.
pub struct Seen {
    pub args: Vec<String>,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "opsbox {}\nexit code {:?}", self.args.join(" "), self.code)?;
        write!(f, "--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
    }
}

impl Seen {
    /// Asserts the exit code; shows everything where it is another.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that stderr holds every one of these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "stderr lacks `{text}`\n{self}");
        }
        self
    }

    /// Asserts that stdout holds every one of these texts.
    #[track_caller]
    pub fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "stdout lacks `{text}`\n{self}");
        }
        self
    }

    /// Asserts that no stream holds any of these texts.
    #[track_caller]
    pub fn hides(self, texts: &[&str]) -> Self {
        for text in texts {
            let shown = self.stdout.contains(text) || self.stderr.contains(text);
            assert!(!shown, "`{text}` is shown\n{self}");
        }
        self
    }

    /// Returns stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// The fault plugin.
pub fn fault_plugin() -> PathBuf {
    example("fault")
}

impl Sandbox {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "work", "plugins", "tmp"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// The working directory of the runs.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Writes a file, with its folders.
    pub fn write(&self, relative: &str, text: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, relative: &str) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes the manifest of a plugin that runs a command.
    pub fn command(&self, name: &str, kind: &str, command: &[&str], more: &str) {
        let words: Vec<_> = command.iter().map(|word| format!("{word:?}")).collect();
        let manifest = format!(
            "[info]\nname = \"{name}\"\ntype = \"{kind}\"\n{}\n[run]\ncommand = [{}]\n",
            more.split("---").next().unwrap_or_default(),
            words.join(", ")
        );
        let tables = more.split("---").nth(1).unwrap_or_default();
        self.write(
            &format!("plugins/{name}/manifest.toml"),
            &format!("{manifest}{tables}"),
        );
    }

    /// Adds a fault plugin: of this name and type, with this fault. `more` goes to `[info]`, what stands after `---` to tables of its own.
    pub fn fault(&self, name: &str, kind: &str, fault: &str, more: &str) {
        let program = fault_plugin();
        self.command(name, kind, &[program.to_str().unwrap(), fault, kind], more);
    }

    /// Returns the command for the binary: a cleared environment, the sandbox's home and plugin folder.
    pub fn binary(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args);
        self.surround(&mut command);
        command
    }

    /// Gives a command the sandbox's environment and working folder, and nothing else.
    pub fn surround(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("OPSBOX_PLUGIN_DIR", self.path("plugins"))
            .current_dir(self.work())
            .stdin(Stdio::null());
    }

    /// Runs the binary to its end.
    pub fn opsbox(&self, args: &[&str]) -> Seen {
        self.finish(args, &mut self.binary(args))
    }

    /// Runs the binary with these variables as well; one without a value is taken away.
    pub fn opsbox_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Seen {
        let mut command = self.binary(args);
        for (name, value) in variables {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        self.finish(args, &mut command)
    }

    /// Runs a prepared command to its end.
    pub fn finish(&self, args: &[&str], command: &mut Command) -> Seen {
        let output = command.output().unwrap();
        Seen {
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the binary and leaves it running, its streams piped.
    pub fn start(&self, args: &[&str]) -> Child {
        self.binary(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Returns the record of a run that wrote it to `record.json`.
    pub fn record(&self) -> Value {
        serde_json::from_str(&self.read("work/record.json")).unwrap()
    }
}

/// Returns the step of a plugin in a record.
#[track_caller]
pub fn step<'a>(record: &'a Value, plugin: &str) -> &'a Value {
    let steps = record["steps"].as_array().unwrap();
    steps
        .iter()
        .find(|step| step["plugin"] == plugin)
        .unwrap_or_else(|| panic!("no step {plugin}: {record:#}"))
}

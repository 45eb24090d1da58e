//! A reader who follows one page: writes its files, types its commands in a shell, and compares what is seen with what is shown.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use snapbox::{Assert, IntoData};

use super::blocks::{Step, steps};
use crate::managed::wheelhouse;
use crate::support::{Sandbox, binary, program, python, repository, target, venv};

/// The home of whoever follows the pages.
const HOME: &str = "/home/ana";

/// With the value `overwrite`, pages are written anew with what was seen.
const ACTION: &str = "SNAPSHOTS";

/// One shell for each command, which takes folder, variables and exit code from the one before. `$1` is a folder for them.
const SHELL: &str = r#"exec 2>&1
. "$1/variables"
cd "$(cat "$1/folder")" || exit 99
(exit "$(cat "$1/code")")
eval "$2"
echo $? >"$1/code"
pwd >"$1/folder"
export -p >"$1/variables"
"#;

/// Follows a page; nothing happens where a program that it needs is missing, and that is said.
///
/// # Panics
/// Where a command shows something else than the page does, or fails and the page hides it.
#[track_caller]
pub fn follow(page: &str) {
    let path = repository().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let steps = steps(Path::new(page), &text);
    let Some(reader) = Reader::ready_for(&steps) else {
        return;
    };
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    for (i, step) in steps.iter().enumerate() {
        match step {
            Step::Write { path, text } => drop(reader.sandbox.write(&format!("home/{path}"), text)),
            Step::Type { line, shows, place } => {
                let (output, code) = reader.types(line);
                if let Err(difference) = same(&output, shows) {
                    faults.push(format!("$ {line}\n{difference}"));
                    seen.push((place.clone(), output));
                }
                if code != 0 && !asks_for_code(steps.get(i + 1)) {
                    faults.push(format!("$ {line}\nexits with {code}, and no `echo $?` shows it"));
                }
            }
        }
    }
    if env::var(ACTION).is_ok_and(|action| action == "overwrite") {
        let mut text = text;
        for (place, output) in seen.into_iter().rev() {
            text.replace_range(place, &output);
        }
        fs::write(path, text).unwrap();
    }
    let hint = format!("{ACTION}=overwrite writes what is seen into the page");
    assert!(faults.is_empty(), "{page} ({hint})\n{}", faults.join("\n"));
}

fn asks_for_code(next: Option<&Step>) -> bool {
    matches!(next, Some(Step::Type { line, .. }) if line == "echo $?")
}

/// What is never twice the same: points in time, runs, durations, times of a trace, sizes of lines with paths, processes, and how many rules a plugin keeps.
const PASSING: [(&str, &str); 7] = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b", "RUN"),
    (r" *\b\d+(\.\d+)? ?(ms|s|µs)\b", " DURATION"),
    (r"(?m)^ *\d+\.\d  ", "MOMENT  "),
    (r" +\d+ B\b", " SIZE"),
    (r"\bprocess \d+\b", "process NUMBER"),
    // How many rules there are, and how many could be judged by; a busy machine may make one a warning.
    (r"\b\d+ rules: \d+ pass, 0 fail, .*", "RULES, none fails"),
];

/// Compares but for what passes; `[..]` stands for anything in a line, a line `...` for any lines.
fn same(output: &str, shows: &str) -> Result<(), String> {
    let lasting = |text: &str| {
        PASSING.iter().fold(text.to_owned(), |text, (pattern, word)| {
            Regex::new(pattern)
                .unwrap()
                .replace_all(&text, *word)
                .into_owned()
        })
    };
    Assert::new()
        .normalize_paths(false)
        .try_eq(None, lasting(output).into_data(), lasting(shows).into_data())
        .map_err(|error| error.to_string())
}

/// A home with the program on PATH, and what its shell remembers.
struct Reader {
    sandbox: Sandbox,
    state: PathBuf,
    /// The virtual environment that is active, where the files of the page import what it holds.
    environment: Option<PathBuf>,
}

impl Reader {
    /// Makes one who has what the page takes for granted. `None`, which is said, where this machine has not.
    fn ready_for(steps: &[Step]) -> Option<Self> {
        let typed = |name: &str| {
            steps.iter().any(|step| match step {
                Step::Type { line, .. } => line.split_whitespace().any(|word| word == name),
                Step::Write { .. } => false,
            })
        };
        let written = |end: &str, part: &str| {
            steps.iter().any(|step| match step {
                Step::Write { path, text } => path.ends_with(end) && text.contains(part),
                Step::Type { .. } => false,
            })
        };
        for name in ["node", "go", "cargo"] {
            if typed(name) && program(name).is_none() {
                return None;
            }
        }
        if typed("python3") || written(".py", "") || written("manifest.toml", "python3") {
            python()?;
        }
        let environment = match written(".py", "from pydantic") {
            true => Some(venv()?.ancestors().nth(2).unwrap().to_owned()),
            false => None,
        };
        Some(Self::new(environment))
    }

    fn new(environment: Option<PathBuf>) -> Self {
        let sandbox = Sandbox::new();
        let home = sandbox.path("home").display().to_string();
        let state = sandbox.path("shell");
        sandbox.write("shell/variables", "");
        sandbox.write("shell/folder", &home);
        sandbox.write("shell/code", "0");
        fs::create_dir(sandbox.path("bin")).unwrap();
        std::os::unix::fs::symlink(binary(), sandbox.path("bin/opsbox")).unwrap();
        Self {
            sandbox,
            state,
            environment,
        }
    }

    /// Types a command and returns what is seen, and its exit code.
    fn types(&self, line: &str) -> (String, i32) {
        let mut command = Command::new("sh");
        command.args(["-c", SHELL, "sh"]).arg(&self.state).arg(line);
        self.sandbox.surround(&mut command);
        command.env_remove("OPSBOX_PLUGIN_DIR");
        let mut folders = vec![self.sandbox.path("bin")];
        if let Some(environment) = &self.environment {
            command.env("VIRTUAL_ENV", environment);
            folders.push(environment.join("bin"));
        }
        folders.extend(python().and_then(|program| Some(program.parent()?.to_owned())));
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        command.env("PATH", env::join_paths(folders).unwrap());
        if line.contains("plugins add") || line.contains("plugins remove") {
            wheelhouse::only(&mut command);
        }
        command.envs(tools(line));
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "the shell itself failed: {line}\n{output:?}"
        );
        let home = self.sandbox.path("home");
        let mut text = String::from_utf8_lossy(&output.stdout).replace(home.to_str().unwrap(), HOME);
        // A file may end without a line end; a block does not.
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        (text, self.sandbox.read("shell/code").trim().parse().unwrap())
    }
}

/// Returns the variables by which compilers find what the tester's home has of theirs, and fetch nothing.
fn tools(line: &str) -> Vec<(&'static str, OsString)> {
    let caches = target().join("scaffold");
    let own = |variable: &str, folder: &str| {
        let home = || env::home_dir().unwrap().join(folder).into_os_string();
        env::var_os(variable).unwrap_or_else(home)
    };
    let mut variables = Vec::new();
    if line.contains("go ") {
        variables.extend([
            ("GOCACHE", caches.join("go").into_os_string()),
            ("GOPROXY", "off".into()),
            ("GOTOOLCHAIN", "local".into()),
        ]);
    }
    if line.contains("cargo ") {
        variables.extend([
            ("CARGO_HOME", own("CARGO_HOME", ".cargo")),
            ("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup")),
            ("CARGO_NET_OFFLINE", "true".into()),
            (
                "CARGO_BUILD_BUILD_DIR",
                caches.join("rust-of-the-book").into_os_string(),
            ),
            ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0".into()),
        ]);
        variables.extend(env::var_os("RUSTUP_TOOLCHAIN").map(|value| ("RUSTUP_TOOLCHAIN", value)));
    }
    variables
}

//! What an interpreter says about its environment: asked once, then remembered for as long as nothing it depends on changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Candidate, Interpreter, LEAST_VERSION, Runner};
use crate::discover::stamp::{self, Stamp};
use crate::environ::Environ;
use crate::error::{self, Fault};

/// Variables by which the shims of pyenv, asdf and mise choose the interpreter; a star stands for any ending.
pub const SHIM_VARIABLES: [&str; 4] = ["PYENV*", "ASDF_*", "MISE_*", "RTX_*"];

/// The script that an interpreter is asked with, among the bridge's files.
const PROBE: &str = "opsbox/_bridge/probe.py";

/// What is run of it: the working folder, where a text looks for modules first, is taken away before anything is imported.
const FIRST: &str = "import sys; sys.path[:] = [entry for entry in sys.path if entry]; exec(sys.argv[1])";

/// The probe's one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    executable: PathBuf,
    version: String,
    #[serde(default)]
    implementation: String,
    prefix: PathBuf,
    sys_path: Vec<PathBuf>,
    #[serde(default)]
    editable: BTreeMap<String, PathBuf>,
    #[serde(default)]
    packages: BTreeMap<String, bool>,
}

/// A remembered answer with all it depends on.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    key: String,
    stamps: Vec<Stamp>,
    answer: Answer,
}

/// Returns what the candidate is; asks it only where the cache does not know.
pub(super) fn inspect(
    environ: &Environ,
    candidate: &Candidate,
    bridge: &[(&str, &str)],
    run: Runner<'_>,
) -> Result<Interpreter, Fault> {
    let key = key(environ, candidate);
    let place = environ
        .cache_dir
        .join("python")
        .join(format!("{}.json", stamp::hash(&key)));
    if let Some(answer) = remembered(&place, &key) {
        return interpreter(candidate, answer);
    }
    let answer = ask(candidate, bridge, run)?;
    let found = interpreter(candidate, answer.clone())?;
    let mut stamps: Vec<Stamp> = answer.sys_path.iter().map(|folder| Stamp::of(folder)).collect();
    stamps.push(Stamp::of(&candidate.path));
    stamps.push(Stamp::of(&answer.executable));
    // A cache that cannot be written only costs time.
    let _ = stamp::write(&place, &Entry { key, stamps, answer });
    Ok(found)
}

fn remembered(place: &Path, key: &str) -> Option<Answer> {
    let entry: Entry = serde_json::from_slice(&std::fs::read(place).ok()?).ok()?;
    (entry.key == key && entry.stamps.iter().all(Stamp::holds)).then_some(entry.answer)
}

/// Returns what decides which interpreter a program is; a shim of pyenv or asdf chooses by variables and by files.
fn key(environ: &Environ, candidate: &Candidate) -> String {
    let mut key = format!("3 {}", candidate.path.display());
    let is_script = std::fs::File::open(&candidate.path).is_ok_and(|mut file| {
        let mut start = [0; 2];
        std::io::Read::read_exact(&mut file, &mut start).is_ok() && &start == b"#!"
    });
    if !is_script {
        return key;
    }
    for (name, value) in environ.vars() {
        let name = name.to_string_lossy();
        if crate::environ::matches(&name, &SHIM_VARIABLES) {
            key.push_str(&format!("\n{name}={}", value.to_string_lossy()));
        }
    }
    let root = environ.filled("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| environ.home.as_ref().map(|home| home.join(".pyenv")));
    let chosen = root.map(|root| root.join("version"));
    let folders = environ.cwd.ancestors().chain(environ.home.as_deref());
    let files = folders.flat_map(|folder| {
        [".python-version", ".tool-versions", ".mise.toml", "mise.toml"].map(|name| folder.join(name))
    });
    for path in files.chain(chosen).filter(|path| path.is_file()) {
        key.push_str(&format!("\n{:?}", Stamp::of(&path)));
    }
    key
}

fn ask(candidate: &Candidate, bridge: &[(&str, &str)], run: Runner<'_>) -> Result<Answer, Fault> {
    let program = candidate.path.display();
    let cannot = |cause: String| {
        Fault::new(format!(
            "cannot use Python `{program}` (from {}): {cause}",
            candidate.why
        ))
        .hint("name another one with `--python PATH`")
    };
    let text = bridge
        .iter()
        .find(|(path, _)| *path == PROBE)
        .map_or("", |(_, text)| text);
    // As a text and not as a file: a question needs no folder that can be written.
    let argv: [OsString; 5] = ["-X", "utf8", "-c", FIRST, text].map(OsString::from);
    let output = run(candidate.path.as_os_str(), &argv).map_err(|err| {
        let mut fault = cannot(err.to_string());
        if let Some(remedy) = error::scarce(&err) {
            fault.hints = vec![remedy.to_owned()];
        }
        fault
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    // A site that prints at the start must not hide the answer.
    let answer = text
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str::<Answer>(line).ok());
    answer.ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it said nothing");
        // Python 2 says this on an earlier line than its last, which is about its help.
        if said.contains("-X is reserved") {
            return cannot("it is too old, Python 3.9 or newer is needed".to_owned());
        }
        let old = if last.contains("SyntaxError") || last.contains("Unknown option: -X") {
            "; Python 3.9 or newer is needed"
        } else {
            ""
        };
        cannot(format!("it ended with {} and: {last}{old}", output.status))
    })
}

/// Says that an interpreter is too old.
pub(super) fn too_old(candidate: &Candidate, version: &str) -> Fault {
    Fault::new(format!(
        "Python `{}` (from {}) is version {version}, and 3.9 or newer is needed",
        candidate.path.display(),
        candidate.why
    ))
    .hint("name a newer one with `--python PATH`")
}

fn interpreter(candidate: &Candidate, answer: Answer) -> Result<Interpreter, Fault> {
    let mut numbers = answer
        .version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    if version < LEAST_VERSION {
        return Err(too_old(candidate, &answer.version));
    }
    // A shim starts the real interpreter; starting that one directly saves the detour each time.
    let path = Some(answer.executable).filter(|path| path.is_absolute() && path.is_file());
    Ok(Interpreter {
        path: path.unwrap_or_else(|| candidate.path.clone()),
        version,
        why: candidate.why.clone(),
        implementation: answer.implementation,
        prefix: answer.prefix,
        sys_path: answer.sys_path,
        editable: answer.editable,
        packages: answer.packages,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    use serde_json::json;

    use super::*;
    use crate::environ::tests::environ;
    use crate::python::choose::tests::program;

    const FILES: &[(&str, &str)] = &[("opsbox/_bridge/probe.py", "pass")];

    fn output(code: i32, stdout: &str, stderr: &str) -> io::Result<Output> {
        Ok(Output {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        })
    }

    fn line(folder: &Path, version: &str) -> String {
        let site = folder.join("site");
        std::fs::create_dir_all(&site).unwrap();
        json!({"executable": folder.join("real/python"), "version": version, "implementation": "cpython", "prefix": "/p",
            "base_prefix": "/p", "sys_path": [site], "editable": {}, "packages": {"pluggy": true}})
        .to_string()
    }

    fn candidate(folder: &Path) -> Candidate {
        program(&folder.join("bin/python3"));
        program(&folder.join("real/python"));
        Candidate {
            path: folder.join("bin/python3"),
            why: "PATH".into(),
        }
    }

    #[test]
    fn warm_cache_runs_nothing_until_a_site_folder_changes() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        let candidate = candidate(folder.path());
        let text = format!("welcome banner\n{}\n", line(folder.path(), "3.11.7"));
        let calls = Cell::new(0);
        let run = |_: &std::ffi::OsStr, argv: &[OsString]| {
            calls.set(calls.get() + 1);
            assert!(argv.last().unwrap() == "pass");
            output(0, &text, "")
        };
        let inspect = || inspect(&environ, &candidate, FILES, &run).unwrap();
        let first = inspect();
        assert_eq!(first.path, folder.path().join("real/python"));
        assert_eq!((first.version, first.packages["pluggy"]), ((3, 11, 7), true));
        assert_eq!(inspect(), first);
        assert_eq!(calls.get(), 1);
        std::fs::write(folder.path().join("site/new.pth"), "").unwrap();
        let later = std::fs::File::open(folder.path().join("site")).unwrap();
        later.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        inspect();
        assert_eq!(calls.get(), 2);
        for file in std::fs::read_dir(environ.cache_dir.join("python")).unwrap() {
            std::fs::write(file.unwrap().path(), "garbage").unwrap();
        }
        inspect();
        assert_eq!(calls.get(), 3, "a damaged entry is asked anew and written again");
        inspect();
        assert_eq!(calls.get(), 3);
    }

    #[test]
    fn unusable_interpreter_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        let candidate = candidate(folder.path());
        let fails = |code: i32, stdout: &str, stderr: &str| {
            let run = |_: &std::ffi::OsStr, _: &[OsString]| output(code, stdout, stderr);
            inspect(&environ, &candidate, FILES, &run).unwrap_err().message
        };
        assert!(
            fails(0, &line(folder.path(), "3.8.2"), "")
                .contains("is version 3.8.2, and 3.9 or newer is needed")
        );
        assert!(
            fails(1, "", "a\nSyntaxError: x\n").ends_with("SyntaxError: x; Python 3.9 or newer is needed")
        );
        assert!(fails(0, "", "").ends_with("it said nothing"));
    }
}

//! The store of runs: what is kept, delivered again, gone on with, and removed.

mod adverse;
mod deliver;
mod export;
mod export_secrets;
mod keep;
mod killed;
mod prune;
mod resume;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Sandbox, result};

const STATE: &str = "home/.local/state/opsbox";

/// The commands of a hook that notes each call in `work/NAME.ran`.
fn noted(name: &str, then: &str) -> String {
    format!("echo x >>{name}.ran; {then}")
}

/// Adds an input that notes each call and finds one thing.
fn input(sandbox: &Sandbox, name: &str) {
    let answer = format!("[{}]", result(name, name, "[{\"id\":\"a\",  \"n\":1.50}]"));
    sandbox.write(&format!("plugins/{name}/answer.json"), &answer);
    let process = noted(name, "result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")");
    sandbox.shell(name, "input", &[("process", &process)], "");
}

/// Adds an output that notes each call and keeps what it was sent in `work/NAME.sent`; it fails while `work/NAME.broken` is there.
fn output(sandbox: &Sandbox, name: &str) {
    let keep = format!(
        "if [ -e {name}.broken ]; then fail \"no network\"; else printf '%s\\n' \"$line\" >>{name}.sent; result='{{}}'; fi"
    );
    let process = noted(name, &keep);
    sandbox.shell(name, "output", &[("process_results", &process)], "");
}

/// How often a plugin was called.
fn ran(sandbox: &Sandbox, name: &str) -> usize {
    let text = fs::read_to_string(sandbox.path(&format!("work/{name}.ran")));
    text.map_or(0, |text| text.lines().count())
}

/// The Results that an output got with each call, as the text of the request holds them.
fn sent(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let text = sandbox.read(&format!("work/{name}.sent"));
    let results = |line: &str| {
        let start = line.find("\"results\":").unwrap();
        line[start..].to_owned()
    };
    text.lines().map(results).collect()
}

/// What `runs show` says of the newest run.
#[track_caller]
fn last(sandbox: &Sandbox) -> Value {
    sandbox
        .opsbox(&["runs", "show", "last", "--json"])
        .exits(0)
        .json()
}

/// The folders of all kept runs.
fn folders(sandbox: &Sandbox) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(sandbox.path(STATE).join("runs")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'))
        .collect()
}

/// All files of a folder and those below it.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The step of a plugin in what `runs show` says.
#[track_caller]
fn step<'a>(shown: &'a Value, plugin: &str) -> &'a Value {
    crate::support::step(shown, plugin)
}

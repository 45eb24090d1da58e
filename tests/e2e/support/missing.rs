//! What a test needs and a machine may lack: said, and a failure where the machine was promised to have it.

use std::path::PathBuf;

/// Names, separated by spaces, of what must be there: `cargo`, `git`, `go`, `node`, `python`, `packages`, `python3.12`, `setpriv`, `uv`.
const PROMISED: &str = "OPSBOX_TEST_NEEDS";

/// Says that a test is skipped for want of something.
///
/// # Panics
/// Where `OPSBOX_TEST_NEEDS` names it.
#[track_caller]
pub fn skipped(name: &str, why: &str) {
    let promised = std::env::var(PROMISED).unwrap_or_default();
    assert!(
        !promised.split_whitespace().any(|word| word == name),
        "{PROMISED} names `{name}`, and there is none: {why}"
    );
    eprintln!("skipped: {why}");
}

/// Returns a program of PATH; `None` where there is none, and says so.
#[track_caller]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        skipped(name, &format!("no {name} on PATH"));
    }
    found
}

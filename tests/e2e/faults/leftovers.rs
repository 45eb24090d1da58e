//! What a run may leave behind: nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::net::unix::pipe::Receiver;

use crate::support::Sandbox;

/// A process that was sent SIGKILL needs a moment to be gone; after this one it was not sent any.
const GRACE: Duration = Duration::from_secs(3);

/// Asserts that no process of the run is left, and no temporary file of it.
#[track_caller]
pub fn assert_none(sandbox: &Sandbox, run: &str) {
    assert_no_process(sandbox, run);
    assert_no_file(sandbox);
}

/// Asserts that nothing runs that carries the run's id or the sandbox's folder, in its environment or its arguments.
#[track_caller]
pub fn assert_no_process(sandbox: &Sandbox, run: &str) {
    let root = sandbox.path("").display().to_string();
    let left: Vec<_> = processes_that_name(&[run, root.trim_end_matches('/')])
        .into_iter()
        .filter(|(pid, _)| !ends_within(*pid, GRACE))
        .collect();
    assert!(left.is_empty(), "processes are left: {left:?}");
}

/// Returns the processes whose environment or arguments hold one of these texts, with their arguments.
fn processes_that_name(texts: &[&str]) -> Vec<(i32, String)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let found = entries.filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let environ = fs::read(entry.path().join("environ")).ok()?;
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        let [environ, arguments] =
            [environ, arguments].map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
        let named = texts
            .iter()
            .any(|text| !text.is_empty() && (environ.contains(text) || arguments.contains(text)));
        (named && pid != std::process::id().cast_signed()).then_some((pid, arguments))
    });
    found.collect()
}

/// Waits for the end of a process; returns false where it lives on.
fn ends_within(pid: i32, limit: Duration) -> bool {
    let Ok(handle) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) else {
        return true;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // A pidfd is no pipe, but waited for like one.
        let handle = Receiver::from_owned_fd_unchecked(handle).unwrap();
        tokio::time::timeout(limit, handle.readable()).await.is_ok()
    })
}

/// Asserts that no file is left that was only meant for a moment.
#[track_caller]
pub fn assert_no_file(sandbox: &Sandbox) {
    let of_a_moment = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let marked = [".opsbox-", ".tmp", ".new"]
            .iter()
            .any(|mark| name.starts_with(mark));
        marked || [".tmp", ".new", ".part"].iter().any(|mark| name.ends_with(mark))
    };
    let mut left: Vec<_> = ["work", "home"]
        .iter()
        .flat_map(|folder| files_below(&sandbox.path(folder)))
        .filter(of_a_moment)
        .collect();
    left.extend(files_below(&sandbox.path("tmp")));
    assert!(left.is_empty(), "files are left: {left:?}");
}

/// Returns all files below a folder, and the empty folders.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.is_symlink() {
            let below = files_below(&path);
            if below.is_empty() {
                files.push(path);
            }
            files.extend(below);
        } else {
            files.push(path);
        }
    }
    files
}

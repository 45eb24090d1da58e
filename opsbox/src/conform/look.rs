//! What can be seen of a plugin from outside, in `/proc`: its children, its sockets, its command lines. Elsewhere than on Linux nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A process as `/proc` shows it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) pid: i32,
    pub(crate) name: String,
    parent: i32,
    pub(crate) group: i32,
    /// Whether its environment names the run; `None` where that may not be read, or is empty.
    pub(crate) of_run: Option<bool>,
}

/// Returns every process that can be seen.
fn all(run_id: &str) -> Vec<Seen> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = folder.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| seen(pid, run_id)).collect()
}

fn seen(pid: i32, run_id: &str) -> Option<Seen> {
    let place = PathBuf::from(format!("/proc/{pid}"));
    let stat = fs::read_to_string(place.join("stat")).ok()?;
    // The name stands in brackets and may hold anything, so the fields count from its end.
    let (head, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        return None;
    }
    let wanted = format!("OPSBOX_RUN_ID={run_id}");
    let environ = fs::read(place.join("environ"))
        .ok()
        .filter(|environ| !environ.is_empty());
    Some(Seen {
        pid,
        name: head.split_once('(')?.1.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        of_run: environ.map(|environ| {
            environ
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        }),
    })
}

/// Returns a plugin's process and everything that came from it: its descendants, and what carries the run's id.
pub(crate) fn family(pid: i32, run_id: &str) -> Vec<Seen> {
    let all = all(run_id);
    let mut known = BTreeSet::from([pid]);
    loop {
        let before = known.len();
        let more = all.iter().filter(|seen| known.contains(&seen.parent));
        let more: Vec<i32> = more.map(|seen| seen.pid).collect();
        known.extend(more);
        if known.len() == before {
            break;
        }
    }
    let own = std::process::id().cast_signed();
    let belongs = |seen: &Seen| seen.pid != own && (known.contains(&seen.pid) || seen.of_run == Some(true));
    all.into_iter().filter(belongs).collect()
}

/// Returns what is wrong with the children of a plugin, in words.
pub(crate) fn strays(pid: i32, family: &[Seen]) -> Vec<String> {
    let mut strays = Vec::new();
    for seen in family.iter().filter(|seen| seen.pid != pid) {
        if seen.group != pid {
            strays.push(format!(
                "process {} (`{}`) is in the process group {}, not in the plugin's",
                seen.pid, seen.name, seen.group
            ));
        } else if seen.of_run == Some(false) {
            strays.push(format!(
                "process {} (`{}`) has no OPSBOX_RUN_ID in its environment",
                seen.pid, seen.name
            ));
        }
    }
    strays
}

/// Returns the command line of each process.
pub(crate) fn commands(family: &[Seen]) -> Vec<String> {
    let line = |seen: &Seen| fs::read(format!("/proc/{}/cmdline", seen.pid)).ok();
    let words = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\0', " ");
    family.iter().filter_map(line).map(words).collect()
}

/// Returns the sockets of the internet that a process holds and this one does not, in words.
pub(crate) fn sockets(pid: i32) -> Vec<String> {
    let own = inodes(&PathBuf::from("/proc/self/fd"));
    let theirs = inodes(&PathBuf::from(format!("/proc/{pid}/fd")));
    let mut known: BTreeMap<u64, &str> = BTreeMap::new();
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            if let Some(inode) = line.split_whitespace().nth(9).and_then(|text| text.parse().ok()) {
                known.insert(inode, table);
            }
        }
    }
    let new = theirs.difference(&own).filter_map(|inode| known.get(inode));
    new.map(|table| format!("a {table} socket")).collect()
}

fn inodes(folder: &Path) -> BTreeSet<u64> {
    let links = fs::read_dir(folder).into_iter().flatten();
    links
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            let text = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            text.parse().ok()
        })
        .collect()
}

/// Returns whether a process's descriptor 1 is the pipe with this number; `None` where it cannot be seen.
pub(crate) fn writes_to(pid: i32, inode: u64) -> Option<bool> {
    let target = fs::read_link(format!("/proc/{pid}/fd/1")).ok()?;
    Some(target.to_str()? == format!("pipe:[{inode}]"))
}

/// Returns every file and folder below a folder, relative to it, sorted; at most a thousand.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap_or(&path);
            found.push(name.to_string_lossy().into_owned());
            // A link is not followed: what lies behind it was made by nobody here.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            }
            if found.len() >= 1_000 {
                return found;
            }
        }
    }
    found.sort();
    found
}

/// Returns those files below a folder that hold something and that others than the user may read.
pub(crate) fn exposed(root: &Path) -> Vec<String> {
    let is_exposed = |name: &String| {
        let seen = fs::symlink_metadata(root.join(name));
        seen.is_ok_and(|seen| seen.is_file() && seen.len() > 0 && seen.permissions().mode() & 0o077 != 0)
    };
    files(root).into_iter().filter(is_exposed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_with_its_own_name_and_no_run() {
        let own = std::process::id().cast_signed();
        let seen = seen(own, "no such run").unwrap();
        assert_eq!((seen.pid, seen.of_run), (own, Some(false)));
        assert!(!seen.name.is_empty());
    }

    #[test]
    fn files_below_a_folder_are_named_relative_to_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), "").unwrap();
        assert_eq!(files(folder.path()), ["a", "a/b"]);
    }

    #[test]
    fn a_file_that_others_may_read_is_exposed_where_it_holds_something() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text, mode) in [("own", "x", 0o600), ("empty", "", 0o644), ("open", "x", 0o640)] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        assert_eq!(exposed(folder.path()), ["open"]);
    }
}

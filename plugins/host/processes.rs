//! The section `processes`: one pass over `/proc`.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use serde::Serialize;

use super::accounts::User;
use super::root::{Missing, Root};
use super::system;

/// Longest command line that is kept, in bytes: some programs have many kilobytes.
const MAX_COMMAND_BYTES: usize = 2048;

pub(super) struct Processes {
    pub(super) list: Vec<Process>,
    /// Other users' processes are not shown to this one.
    pub(super) hidden: Option<Missing>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Process {
    pub(super) pid: u32,
    ppid: u32,
    pub(super) name: String,
    state: &'static str,
    uid: u32,
    user: Option<String>,
    /// Empty for a zombie and for a thread of the kernel.
    command: String,
    memory_bytes: u64,
    age_seconds: Option<u64>,
    /// A thread of the kernel, which has neither a command line nor descriptors.
    #[serde(skip)]
    pub(super) is_kernel_thread: bool,
}

pub(super) fn processes(root: &Root, users: &[User]) -> Result<Processes, Missing> {
    let names: HashMap<u32, &str> = users
        .iter()
        .rev()
        .map(|user| (user.uid, user.name.as_str()))
        .collect();
    let uptime = system::uptime(root);
    let mut pids: Vec<u32> = fs::read_dir(root.path("/proc"))
        .map_err(|error| Missing::unread("/proc", &error))?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    // A process that ends meanwhile is not there any more.
    let list: Vec<_> = pids
        .into_iter()
        .filter_map(|pid| {
            let mut process = process(root, pid, uptime)?;
            process.user = names.get(&process.uid).map(|name| (*name).to_owned());
            Some(process)
        })
        .collect();
    if list.is_empty() {
        return Err(Missing::new("/proc", "no process can be seen in it"));
    }
    // The first process is always there, unless `/proc` is mounted with `hidepid`.
    let hidden = (list[0].pid != 1).then(|| {
        Missing::new(
            "other users' processes",
            "`/proc` is mounted so that it hides them (hidepid)",
        )
        .remedy("run opsbox as root")
    });
    Ok(Processes { list, hidden })
}

/// `PF_KTHREAD` among a process's flags.
const KERNEL_THREAD: u64 = 0x0020_0000;

fn process(root: &Root, pid: u32, uptime: Option<f64>) -> Option<Process> {
    let stat = root.read(&format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold any character, these too.
    let (head, rest) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<_> = rest.split_whitespace().collect();
    let ppid = fields.get(1)?.parse().ok()?;
    let started_seconds =
        fields.get(19)?.parse::<f64>().ok()? / rustix::param::clock_ticks_per_second() as f64;
    let flags: u64 = fields.get(6)?.parse().ok()?;
    let is_kernel_thread = flags & KERNEL_THREAD != 0;
    let pages: u64 = fields.get(21)?.parse().unwrap_or(0);
    Some(Process {
        pid,
        ppid,
        state: state_of(fields.first()?),
        uid: uid_of(root, pid, is_kernel_thread)?,
        user: None,
        command: if is_kernel_thread {
            String::new()
        } else {
            command(root, pid)
        },
        memory_bytes: pages.saturating_mul(rustix::param::page_size() as u64),
        age_seconds: uptime.map(|uptime| (uptime - started_seconds).max(0.0) as u64),
        name,
        is_kernel_thread,
    })
}

fn state_of(letter: &str) -> &'static str {
    match letter {
        "R" => "running",
        "S" => "sleeping",
        "I" => "idle",
        "D" => "disk_sleep",
        "T" | "t" => "stopped",
        "Z" => "zombie",
        _ => "other",
    }
}

/// Returns the effective user. The folder's owner is one, but is root for a process that hides its memory, so root is looked up.
fn uid_of(root: &Root, pid: u32, is_kernel_thread: bool) -> Option<u32> {
    let owner = fs::metadata(root.path(&format!("/proc/{pid}"))).ok()?.uid();
    if owner != 0 || is_kernel_thread {
        return Some(owner);
    }
    let status = root.read(&format!("/proc/{pid}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Some(
        ids.and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or(owner),
    )
}

fn command(root: &Root, pid: u32) -> String {
    let mut text = root.read(&format!("/proc/{pid}/cmdline")).unwrap_or_default();
    if text.len() > MAX_COMMAND_BYTES {
        let mut end = MAX_COMMAND_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text.trim_end_matches('\0').replace('\0', " ")
}

#[cfg(test)]
impl Process {
    /// Makes a process for the tests of other sections.
    pub(super) fn sample(pid: u32, name: &str) -> Self {
        Self {
            pid,
            ppid: 1,
            name: name.to_owned(),
            state: "sleeping",
            uid: 0,
            user: None,
            command: name.to_owned(),
            memory_bytes: 0,
            age_seconds: None,
            is_kernel_thread: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let stat = "7 (a) (b c) Z 1 7 7 0 -1 4 0 0 0 0 1 2 3 4 20 0 1 0 5000 1000000 25 0 0";
        let (_temp, root) = root(&[
            ("proc/7/stat", stat),
            ("proc/7/status", "Name:\tx\nUid:\t0\t33\t0\t0\n"),
            ("proc/7/cmdline", "/bin/a\0--flag\0x y\0"),
            ("proc/uptime", "100.0 1\n"),
        ]);
        let seen = processes(&root, &[]).expect("read");
        let process = &seen.list[0];
        assert_eq!(
            (process.pid, process.ppid, process.name.as_str(), process.state),
            (7, 1, "a) (b c", "zombie")
        );
        assert_eq!(process.command, "/bin/a --flag x y");
        assert_eq!(process.memory_bytes, 25 * rustix::param::page_size() as u64);
        assert!(process.age_seconds.is_some_and(|age| age < 100));
        assert!(seen.hidden.is_some(), "the first process is not seen");
    }

    #[test]
    fn a_thread_of_the_kernel_has_no_command() {
        let stat = "1 (kthreadd) S 0 0 0 0 -1 2097152 0 0 0 0 1 2 3 4 20 0 1 0 5000 1000000 0 0 0";
        let (_temp, root) = root(&[("proc/1/stat", stat), ("proc/1/cmdline", "odd")]);
        let seen = processes(&root, &[]).expect("read");
        assert_eq!(
            (seen.list[0].command.as_str(), seen.list[0].age_seconds),
            ("", None)
        );
        assert!(seen.hidden.is_none());
    }
}

//! What plugins' process groups use, looked at from time to time, and the end of those that use too much.
//!
//! One look at `/proc` serves all plugins that have a limit; where none has one, nobody looks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::error::PluginError;
use super::peer::Shared;
use super::process::Process;
use crate::manifest::Caps;

/// How often is looked, where a look is cheap.
const INTERVAL: Duration = Duration::from_millis(100);
/// A look may cost this part of the time between two.
const SHARE: u32 = 50;
/// How much further a process may go that was told by a signal that its processor time is over.
const CPU_GRACE: Duration = Duration::from_millis(500);

/// The last look at all process groups.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Look>);

#[derive(Debug, Default)]
struct Look {
    taken: Option<Instant>,
    cost: Duration,
    groups: HashMap<i32, Usage>,
}

/// What a process group uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Usage {
    /// The pages that each process has in memory; those that several share count for each of them.
    pages: u64,
    pids: Vec<i32>,
    /// The processor time of the process that has used most, in ticks.
    ticks: u64,
}

impl Meter {
    /// Returns what a group uses, by a look that is not old, and how long to wait for the next.
    fn usage(&self, group: i32) -> (Usage, Duration) {
        let mut look = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = INTERVAL.max(look.cost * SHARE);
        if look.taken.is_none_or(|taken| taken.elapsed() >= pause / 2) {
            let since = Instant::now();
            look.groups = groups();
            look.cost = since.elapsed();
            look.taken = Some(since);
        }
        let usage = look.groups.get(&group).cloned().unwrap_or_default();
        (usage, INTERVAL.max(look.cost * SHARE))
    }
}

/// Ends a plugin whose processes use more than they may, and fails its calls with what was seen.
pub(super) async fn watch(meter: Arc<Meter>, caps: Caps, process: Arc<Process>, shared: Arc<Shared>) {
    let limited =
        caps.cpu_limit().is_some() || caps.memory_limit().is_some() || caps.processes_limit().is_some();
    let mut pause = INTERVAL;
    while limited && process.ended(pause).await.is_none() {
        let (usage, next) = meter.usage(process.id());
        pause = next;
        if let Some(error) = over(&caps, &usage, &shared.now()) {
            shared.fail_all(&error);
            process.signal(Signal::KILL);
            return;
        }
    }
}

/// Returns the error of a group that uses more than it may.
fn over(caps: &Caps, usage: &Usage, when: &str) -> Option<PluginError> {
    let error = |key, seen, limit| {
        let when = when.to_owned();
        Some(PluginError::OverLimit {
            key,
            seen,
            limit,
            when,
        })
    };
    if let Some(limit) = caps.processes_limit()
        && usage.pids.len() as u64 > limit
    {
        return error(
            "processes",
            format!("{} processes", usage.pids.len()),
            limit.to_string(),
        );
    }
    if let Some(limit) = caps.cpu_limit() {
        let used = Duration::from_millis(usage.ticks * 1000 / rustix::param::clock_ticks_per_second().max(1));
        if used > limit + CPU_GRACE {
            return error(
                "cpu",
                format!("{used:.1?} of processor time"),
                format!("{limit:?}"),
            );
        }
    }
    let limit = caps.memory_limit()?;
    if usage.pages * rustix::param::page_size() as u64 <= limit {
        return None;
    }
    // The pages are counted once for each process that has them; only now is it worth asking for each one's share.
    let shares: u64 = usage.pids.iter().filter_map(|pid| share_of(*pid)).sum();
    let seen = format!("{} MiB of memory", shares >> 20);
    if shares > limit {
        return error("memory", seen, size(limit));
    }
    None
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

/// Looks at every process once.
fn groups() -> HashMap<i32, Usage> {
    let mut groups: HashMap<i32, Usage> = HashMap::new();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return groups;
    };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for pid in pids {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(seen) = Stat::read(&stat) {
            let usage = groups.entry(seen.group).or_default();
            usage.pages += seen.pages;
            usage.ticks = usage.ticks.max(seen.ticks);
            usage.pids.push(pid);
        }
    }
    groups
}

/// What a line of `/proc/PID/stat` says that matters here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    group: i32,
    ticks: u64,
    pages: u64,
}

impl Stat {
    /// Returns `None` for a process that is dead, and where the text is no such line.
    fn read(text: &str) -> Option<Self> {
        // The name stands in brackets and may hold anything, so the fields count from its end; see proc_pid_stat(5).
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        (!matches!(*fields.first()?, "Z" | "X")).then_some(())?;
        Some(Self {
            group: fields.get(2)?.parse().ok()?,
            ticks: number(11)? + number(12)?,
            pages: number(21)?,
        })
    }
}

/// Returns a process's share of the memory, in bytes: what it has alone, and its part of what it shares.
fn share_of(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let line =
            "42 (a) (b) ) S 7 99 99 0 -1 4194304 100 0 0 0 31 11 0 0 20 0 1 0 12345 4096000 500 1844\n";
        let stat = Stat {
            group: 99,
            ticks: 42,
            pages: 500,
        };
        assert_eq!(Stat::read(line), Some(stat));
        assert_eq!(Stat::read(&line.replace(" S ", " Z ")), None);
        assert_eq!(Stat::read("42 (a"), None);
    }

    #[test]
    fn a_limit_names_what_was_seen_and_zero_is_none() {
        let usage = Usage {
            pages: 0,
            pids: vec![1, 2, 3],
            ticks: 400,
        };
        let check = |caps: &Caps, text: Option<&str>| {
            let error = over(caps, &usage, "during `process`").map(|error| error.to_string());
            assert_eq!(error.as_deref(), text);
        };
        let two = Caps {
            processes: Some(2),
            ..Caps::default()
        };
        check(
            &two,
            Some("it used 3 processes during `process`, and its limit is 2"),
        );
        let cpu = |millis| Caps {
            cpu: Some(Duration::from_millis(millis)),
            ..Caps::default()
        };
        check(
            &cpu(1000),
            Some("it used 4.0s of processor time during `process`, and its limit is 1s"),
        );
        check(&cpu(3800), None);
        check(&cpu(0), None);
        let three = Caps {
            processes: Some(3),
            memory: Some(1),
            ..Caps::default()
        };
        check(&three, None);
    }

    #[test]
    fn the_own_group_is_seen_with_its_memory() {
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        let (usage, _) = Meter::default().usage(group);
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(usage.pids.contains(&own) && usage.pages > 0, "{usage:?}");
        assert!(share_of(own).unwrap() > 0);
    }
}

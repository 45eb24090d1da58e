//! A command with all its descendants: time, processor time and peak memory, read from /proc.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// Linux reports processor time in this many ticks a second on every machine it runs this on.
const TICKS: f64 = 100.0;
const BETWEEN_SAMPLES: Duration = Duration::from_millis(1);

/// What is summed over the tree while it runs.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// Resident pages; those that processes share (the text of one binary) count once for each.
    Rss,
    /// Resident pages, shared ones in equal parts: what the tree takes from the machine.
    Pss,
}

/// What a command and its descendants took.
pub(crate) struct Watched {
    pub(crate) wall: Duration,
    /// User and system time of all that were waited for, in steps of 10 ms.
    pub(crate) cpu: Duration,
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
    /// The largest sum at one moment, in bytes.
    pub(crate) peak: u64,
    /// The sum of each process's own peak, whenever that was, in bytes. Of RSS only.
    pub(crate) sum_of_peaks: u64,
    /// The peak of the command's own process, in bytes. Of RSS only.
    pub(crate) root_peak: u64,
    pub(crate) n_processes: usize,
    pub(crate) n_samples: usize,
    /// Each process's arguments and own peak.
    pub(crate) processes: Vec<(String, u64)>,
}

/// Starts nothing yet: the binary with a clean environment, its home and its working directory inside `folder`.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(folder);
    command
}

/// Returns the peak of resident memory of a process so far, in bytes.
pub(crate) fn peak_of(pid: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    field(&status, "VmHWM:").ok_or_else(|| "no VmHWM".into())
}

/// Returns the resident memory of a process now, in bytes.
pub(crate) fn resident_of(pid: &str) -> Outcome<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    field(&status, "VmRSS:").ok_or_else(|| "no VmRSS".into())
}

impl Watched {
    /// Runs a command to its end. Without a measure nothing disturbs it.
    pub(crate) fn run(command: &mut Command, measure: Option<Measure>) -> Outcome<Self> {
        let cpu_before = cpu_of_children()?;
        let since = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stderr = child.stderr.take().ok_or("no stderr")?;
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr
                .read_to_end(&mut text)
                .map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let mut tree = Tree::new(child.id());
        let status = match measure {
            None => child.wait()?,
            Some(measure) => loop {
                if let Some(status) = child.try_wait()? {
                    break status;
                }
                tree.sample(measure);
                std::thread::sleep(BETWEEN_SAMPLES);
            },
        };
        let wall = since.elapsed();
        Ok(Self {
            wall,
            cpu: cpu_of_children()?.saturating_sub(cpu_before),
            code: status.code(),
            stderr: reader.join().map_err(|_| "the reader of stderr panicked")??,
            peak: tree.peak,
            sum_of_peaks: tree.members.values().map(|member| member.peak).sum(),
            root_peak: tree.members.get(&child.id()).map_or(0, |member| member.peak),
            n_processes: tree.members.len(),
            n_samples: tree.n_samples,
            processes: tree
                .members
                .into_values()
                .map(|member| (member.words, member.peak))
                .collect(),
        })
    }
}

#[derive(Default)]
struct Member {
    words: String,
    peak: u64,
}

struct Tree {
    root: u32,
    members: BTreeMap<u32, Member>,
    foreign: BTreeSet<u32>,
    peak: u64,
    n_samples: usize,
}

impl Tree {
    fn new(root: u32) -> Self {
        let members = BTreeMap::from([(root, Member::default())]);
        Self {
            root,
            members,
            foreign: BTreeSet::new(),
            peak: 0,
            n_samples: 0,
        }
    }

    fn sample(&mut self, measure: Measure) {
        self.find_new();
        let root_words = words(self.root);
        let mut sum = 0;
        for (pid, member) in &mut self.members {
            if member.words.is_empty() || member.words == root_words {
                member.words = words(*pid);
            }
            // Between the start of a process and its `exec` it shows its parent's memory as its own.
            if *pid != self.root && member.words == root_words {
                continue;
            }
            let read =
                |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
            if measure == Measure::Pss {
                sum += field(&read("smaps_rollup"), "Pss:").unwrap_or(0);
                continue;
            }
            let status = read("status");
            sum += field(&status, "VmRSS:").unwrap_or(0);
            member.peak = member.peak.max(field(&status, "VmHWM:").unwrap_or(0));
        }
        self.peak = self.peak.max(sum);
        self.n_samples += 1;
    }

    /// A descendant is younger than the root, and process ids grow.
    fn find_new(&mut self) {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return;
        };
        let pid_of = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
        let young: BTreeSet<u32> = entries
            .flatten()
            .filter_map(pid_of)
            .filter(|pid| *pid > self.root && !self.foreign.contains(pid))
            .collect();
        for pid in young {
            if self.members.contains_key(&pid) {
                continue;
            }
            match parent(pid) {
                Some(parent) if self.members.contains_key(&parent) => {
                    self.members.insert(pid, Member::default());
                }
                _ => {
                    self.foreign.insert(pid);
                }
            }
        }
    }
}

fn words(pid: u32) -> String {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words)
        .trim_end_matches('\0')
        .replace('\0', " ")
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, so the fields count from its end.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn cpu_of_children() -> Outcome<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(") ").ok_or("bad stat")?.1.split(' ').collect();
    let ticks = fields[13].parse::<f64>()? + fields[14].parse::<f64>()?;
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

/// Returns a value that /proc gives in kB, in bytes.
fn field(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kilobytes| kilobytes * 1024)
}

//! Removes kept runs: those that are too old, those that take too much room, or those that somebody names; never one that is alive.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::folder::Folder;
use super::kept::LOCK;
use super::scan::names;
use super::{Entry, Limits, State, Store};
use crate::error::Fault;
use crate::manifest::units;

/// Up to so many runs are looked through at the end of each run; where there are more, once in a while.
const FEW_RUNS: usize = 10;
const ONCE_IN: Duration = Duration::from_secs(600);
/// A run that returned more has them looked through in any case.
const LARGE: u64 = 1 << 20;
const STAMP: &str = ".pruned";
/// The folder of a run that was being made when its host was killed is removed when it is this old.
const HALF_MADE: Duration = Duration::from_secs(24 * 3600);

/// Which runs somebody wants to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// These, by name.
    pub ids: Vec<String>,
    /// Those that began longer ago.
    pub older_than: Option<Duration>,
    /// All but the newest so many.
    pub keep_last: Option<usize>,
    /// Say only what would be removed.
    pub dry_run: bool,
}

/// A run that was removed, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The run.
    pub id: String,
    /// What it took, in bytes.
    pub size: u64,
    /// Why it is removed.
    pub why: String,
    /// Why it is still there.
    pub obstacle: Option<String>,
}

impl Store {
    /// Removes what somebody wants to be removed; without a wish of its own, what the limits want.
    ///
    /// # Errors
    /// A fault where the folder of all runs cannot be used, or a name means no run.
    pub fn prune(
        &self,
        wish: &Wish,
        limits: &Limits,
        project: Option<&Path>,
        now: jiff::Timestamp,
    ) -> Result<Vec<Pruned>, Fault> {
        let entries = self.list()?;
        let mut doomed: Vec<(&Entry, String)> = Vec::new();
        if wish.ids.is_empty() && wish.older_than.is_none() && wish.keep_last.is_none() {
            doomed = overdue(&entries, limits, project, now);
        }
        let named = wish.ids.iter().map(|id| super::scan::name_of(self, id));
        let named = named.collect::<Result<BTreeSet<_>, _>>()?;
        for (index, entry) in entries.iter().enumerate() {
            let age = age_of(self, entry, now);
            let why = if named.contains(&entry.id) {
                "named".to_owned()
            } else if !wish.ids.is_empty() {
                continue;
            } else if wish.older_than.is_some_and(|limit| age > limit) {
                format!("began {} ago", units::words(age))
            } else if wish.older_than.is_none() && wish.keep_last.is_some_and(|n| index >= n) {
                format!("not among the newest {}", wish.keep_last.unwrap_or_default())
            } else {
                continue;
            };
            // Both bounds given: what is among the newest stays, however old.
            if wish.ids.is_empty() && wish.keep_last.is_some_and(|n| index < n) {
                continue;
            }
            doomed.push((entry, why));
        }
        let act = |(entry, why): (&Entry, String)| Pruned {
            id: entry.id.clone(),
            size: entry.size,
            why,
            obstacle: self.obstacle(entry, wish.dry_run),
        };
        let pruned = doomed.into_iter().map(act).collect();
        if !wish.dry_run {
            self.sweep();
        }
        Ok(pruned)
    }

    /// Removes what the limits want, at the end of a run that returned so many bytes. Failing is no loss: the next run tries again.
    pub fn prune_after(&self, limits: &Limits, project: Option<&Path>, n_bytes: u64) {
        let stamp = self.root.join(STAMP);
        let recent = || {
            let age = fs::metadata(&stamp).ok()?.modified().ok()?.elapsed().ok()?;
            Some(age < ONCE_IN)
        };
        let n_runs = names(self).map_or(0, |names| names.len());
        if n_runs > FEW_RUNS && n_bytes < LARGE && recent() == Some(true) {
            return;
        }
        let done = self.prune(&Wish::default(), limits, project, jiff::Timestamp::now());
        if done.is_ok() && n_runs > FEW_RUNS {
            // Without the stamp the next run only looks again.
            let _stamped =
                Folder::open(&self.root).and_then(|folder| folder.stage(STAMP, &[b"\n"])?.publish());
        }
    }

    /// Removes a run, unless `dry_run`; returns why it cannot be.
    fn obstacle(&self, entry: &Entry, dry_run: bool) -> Option<String> {
        let try_it = || -> io::Result<Option<String>> {
            let folder = Folder::open(&self.root.join(&entry.id))?;
            let Some(lock) = folder.lock(LOCK)? else {
                return Ok(Some(
                    "another process has it: it still runs, or is being delivered".into(),
                ));
            };
            if dry_run {
                return Ok(None);
            }
            // Gone in one step for whoever looks, although its files take a while.
            let gone = self.root.join(format!(".gone-{}", entry.id));
            fs::rename(&folder.path, &gone)?;
            drop(lock);
            fs::remove_dir_all(gone)?;
            Ok(None)
        };
        try_it().unwrap_or_else(|error| Some(error.to_string()))
    }

    /// Removes what killed hosts left: folders half made or half removed.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let old = || {
                let changed = entry.metadata().ok()?.modified().ok()?;
                Some(SystemTime::now().duration_since(changed).ok()? > HALF_MADE)
            };
            let left_over = name.starts_with(".gone-") || (name.starts_with(".new-") && old() == Some(true));
            if left_over && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                // Another process may be doing the same.
                let _gone = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Returns what is older than it should be, and the oldest of what takes too much room; the newest run always stays.
fn overdue<'a>(
    entries: &'a [Entry],
    limits: &Limits,
    project: Option<&Path>,
    now: jiff::Timestamp,
) -> Vec<(&'a Entry, String)> {
    let mut doomed = Vec::new();
    let mut sum = 0;
    let usable = |entry: &&Entry| !matches!(entry.state, State::Damaged(_));
    let newest = entries.iter().find(usable).map(|entry| &entry.id);
    for entry in entries.iter().filter(usable) {
        let Some(run) = &entry.run else { continue };
        let age = entry
            .started()
            .map_or(Duration::ZERO, |started| since(started, now));
        let keep = Duration::from_secs(run.keep_seconds);
        let ours = !limits.of_project || run.project.as_deref() == project;
        sum += if ours { entry.size } else { 0 };
        if newest == Some(&entry.id) || entry.state == State::Running {
            continue;
        }
        if age > keep {
            doomed.push((
                entry,
                format!(
                    "began {} ago, and was to be kept for {}",
                    units::words(age),
                    units::words(keep)
                ),
            ));
        } else if ours && sum > limits.max_size.value {
            doomed.push((
                entry,
                format!(
                    "with what is newer it takes more than {} bytes",
                    limits.max_size.value
                ),
            ));
        }
    }
    doomed
}

fn since(started: jiff::Timestamp, now: jiff::Timestamp) -> Duration {
    Duration::try_from(now.duration_since(started)).unwrap_or_default()
}

/// Returns how long ago a run began; of one that cannot be read, how long ago its folder changed.
fn age_of(store: &Store, entry: &Entry, now: jiff::Timestamp) -> Duration {
    if let Some(started) = entry.started() {
        return since(started, now);
    }
    let changed = fs::symlink_metadata(store.root.join(&entry.id)).and_then(|meta| meta.modified());
    changed
        .ok()
        .and_then(|changed| changed.elapsed().ok())
        .unwrap_or_default()
}

//! All kept runs at a glance, and which of them a word means.

use std::fs;

use super::folder::Folder;
use super::kept::{RECORD, RUN, document, is_locked};
use super::shape::StoredRun;
use super::{Kept, Store};
use crate::error::Fault;
use crate::report::{Outcome, RunRecord};

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its process lives.
    Running,
    /// It came to its end.
    Ended(Outcome),
    /// Its process is gone, and it had not come to its end.
    Killed,
    /// Its folder cannot be used.
    Damaged(String),
}

impl State {
    /// Returns the word that people and programs are told.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ended(Outcome::Done) => "done",
            Self::Ended(Outcome::Failed) => "failed",
            Self::Ended(Outcome::Partial) => "partial",
            Self::Ended(Outcome::Interrupted) => "interrupted",
            Self::Killed => "killed",
            Self::Damaged(_) => "damaged",
        }
    }
}

/// A kept run at a glance.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The id: the name of its folder.
    pub id: String,
    /// The plan; `None` where it cannot be read.
    pub run: Option<StoredRun>,
    /// The record, where it came to its end.
    pub record: Option<RunRecord>,
    /// How far it is.
    pub state: State,
    /// The size of its folder, in bytes.
    pub size: u64,
}

impl Entry {
    /// Returns when the run began; `None` where that cannot be read.
    pub fn started(&self) -> Option<jiff::Timestamp> {
        self.run.as_ref()?.started.parse().ok()
    }

    pub(super) fn read(store: &Store, id: &str) -> Self {
        let bare = |state| Self {
            id: id.to_owned(),
            run: None,
            record: None,
            state,
            size: 0,
        };
        let folder = match Folder::open(&store.root.join(id)) {
            Ok(folder) => folder,
            Err(error) => return bare(State::Damaged(error.to_string())),
        };
        let size = folder.size();
        let run = match document::<StoredRun>(&folder, RUN) {
            Ok(Some(run)) => run,
            Ok(None) => {
                return Self {
                    size,
                    ..bare(State::Damaged("it has no `run.json`".into()))
                };
            }
            Err(fault) => {
                return Self {
                    size,
                    ..bare(State::Damaged(fault.message))
                };
            }
        };
        let (record, state) = match document::<RunRecord>(&folder, RECORD) {
            Ok(Some(record)) => {
                let state = State::Ended(record.outcome);
                (Some(record), state)
            }
            Ok(None) if is_locked(&folder) => (None, State::Running),
            Ok(None) => (None, State::Killed),
            Err(fault) => (None, State::Damaged(fault.message)),
        };
        Self {
            id: id.to_owned(),
            run: Some(run),
            record,
            state,
            size,
        }
    }
}

impl Kept {
    /// Returns how far the run is.
    pub fn state(&self) -> State {
        match &self.record {
            Some(record) => State::Ended(record.outcome),
            None if self.in_use() => State::Running,
            None => match self.damage.first() {
                Some(why) => State::Damaged(why.clone()),
                None => State::Killed,
            },
        }
    }
}

impl Store {
    /// Returns all kept runs, the newest first.
    ///
    /// # Errors
    /// A fault where the folder of all runs cannot be used.
    pub fn list(&self) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<_> = names(self)?.iter().map(|id| Entry::read(self, id)).collect();
        entries.sort_by(|a, b| (b.started(), &b.id).cmp(&(a.started(), &a.id)));
        Ok(entries)
    }
}

/// Returns the names of all that lies in the folder of all runs, but for what is being made or removed.
pub(super) fn names(store: &Store) -> Result<Vec<String>, Fault> {
    if store.open()?.is_none() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&store.root).map_err(|error| {
        Fault::new(format!(
            "the runs kept in `{}` cannot be read: {error}",
            store.root.display()
        ))
    })?;
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| !name.starts_with('.')).collect())
}

/// Returns the name of the run that is meant.
pub(super) fn name_of(store: &Store, wanted: &str) -> Result<String, Fault> {
    let see = "see which runs are kept with `opsbox runs list`";
    if wanted == "last" {
        let mut usable = store.list()?;
        usable.retain(|entry| entry.run.is_some());
        // Where the clock was set back, what it called later is no newer.
        let now = jiff::Timestamp::now();
        let past = usable
            .iter()
            .position(|entry| entry.started().is_none_or(|start| start <= now));
        let newest = usable.into_iter().nth(past.unwrap_or_default());
        return newest.map(|entry| entry.id).ok_or_else(|| {
            Fault::new(format!("no run is kept in `{}`", store.root.display()))
                .hint("runs are kept unless `--no-keep` or `[runs] keep = 0` says otherwise")
        });
    }
    let names = names(store)?;
    if names.iter().any(|name| name == wanted) {
        return Ok(wanted.to_owned());
    }
    let mut found: Vec<_> = names
        .into_iter()
        .filter(|name| !wanted.is_empty() && name.starts_with(wanted))
        .collect();
    found.sort();
    match found.len() {
        0 => Err(Fault::new(format!("no kept run has the id `{wanted}`")).hint(see)),
        1 => Ok(found.remove(0)),
        n => {
            let shown = found.iter().take(3).cloned().collect::<Vec<_>>().join("`, `");
            Err(Fault::new(format!("{n} kept runs begin with `{wanted}`: `{shown}`…")).hint(see))
        }
    }
}

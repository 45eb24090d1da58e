//! One kept run, as its folder says: the plan, how each step ended, what it returned, where it was delivered.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::folder::Folder;
use super::marks;
use super::shape::{STORE_VERSION, StoredData, StoredPlan, StoredRun, StoredStep};
use crate::error::Fault;
use crate::plugin::ResultSlice;
use crate::report::{Role, RunRecord, StepRecord};

pub(super) const RUN: &str = "run.json";
pub(super) const RECORD: &str = "record.json";
pub(super) const STEPS: &str = "steps";
pub(super) const LOCK: &str = "lock";
pub(super) const BEGUN: &str = "begun";
const DELIVERIES: &str = "deliveries";
/// No plan, record or ending of a step is larger.
const MAX_HEAD: u64 = 256 << 20;

/// A kept run.
#[derive(Debug)]
pub struct Kept {
    folder: Folder,
    /// What was planned.
    pub run: StoredRun,
    /// Its steps, in the order of the plan.
    pub steps: Vec<Stored>,
    /// The record, where the run came to its end.
    pub record: Option<RunRecord>,
    /// What was delivered later, in order.
    pub deliveries: Vec<Delivery>,
    /// What is damaged and only lacks a summary, for people; everything else goes on without it.
    pub damage: Vec<String>,
}

/// A folder's plan, steps and record, and what is wrong with a record that cannot be read.
type Parts = (StoredRun, Vec<Stored>, Option<RunRecord>, Option<String>);

/// One later delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub started: String,
    /// Its outputs.
    pub steps: Vec<Stored>,
    /// The record, where it came to its end.
    pub record: Option<RunRecord>,
}

/// A step, as far as it is kept.
#[derive(Debug)]
pub struct Stored {
    /// What was planned.
    pub plan: StoredPlan,
    /// How it ended, and where its Results are; `None`: it had not ended.
    pub ended: Option<StoredStep>,
    /// Whether an output had begun to deliver, or may have: the mark of that could not be written.
    pub begun: bool,
    /// Why its file cannot be used.
    pub damage: Option<String>,
    /// Its file.
    pub file: PathBuf,
}

impl Stored {
    /// Returns how the step ended, where that is known.
    pub fn record(&self) -> Option<&StepRecord> {
        self.ended.as_ref().map(|ended| &ended.step)
    }
}

impl Kept {
    /// Reads the folder of a run.
    ///
    /// # Errors
    /// A fault where it is no folder of a run, or of another version.
    pub(super) fn open(root: &Path, name: &str) -> Result<Self, Fault> {
        let path = root.join(name);
        let folder = Folder::open(&path).map_err(|error| {
            Fault::new(format!(
                "the kept run `{}` cannot be used: {error}",
                path.display()
            ))
        })?;
        let (run, steps, record, odd) = read(&folder)?;
        let mut damage = Vec::from_iter(odd);
        let mut deliveries = Vec::new();
        for number in 1.. {
            let path = delivery_path(&folder, number);
            if path.symlink_metadata().is_err() {
                break;
            }
            let read = Folder::open(&path)
                .map_err(|error| damaged(&path, &error.to_string()))
                .and_then(|folder| read(&folder));
            let (run, steps, record, odd) = read?;
            damage.extend(odd);
            deliveries.push(Delivery {
                number,
                started: run.started,
                steps,
                record,
            });
        }
        Ok(Self {
            folder,
            run,
            steps,
            record,
            deliveries,
            damage,
        })
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    /// Returns the size of all that is kept, in bytes.
    pub fn size(&self) -> u64 {
        self.folder.size()
    }

    /// Takes the run for this process, so that nobody prunes or delivers it meanwhile; released when the file is dropped.
    ///
    /// # Errors
    /// A fault where another process has it, or it was pruned.
    pub fn claim(&self) -> Result<File, Fault> {
        let id = &self.run.run;
        let taken = || {
            Fault::new(format!(
                "run `{id}` is in use by another process: it still runs, or is being delivered"
            ))
            .hint(format!(
                "wait for its end; `opsbox runs show {id}` says how far it is"
            ))
        };
        let cannot = |error: io::Error| {
            Fault::new(format!(
                "run `{id}` cannot be used: `{}`: {error}",
                self.folder.path.display()
            ))
        };
        let lock = self.folder.lock(LOCK).map_err(cannot)?.ok_or_else(taken)?;
        if self.folder.has(RUN) {
            Ok(lock)
        } else {
            Err(Fault::new(format!("run `{id}` was pruned just now")))
        }
    }

    /// Returns whether the Results of the run hold a secret, as far as it was found while they were gathered.
    ///
    /// # Errors
    /// A fault that names the file, where nobody can tell any more.
    pub fn holds_secrets(&self) -> Result<bool, Fault> {
        marks::secret(&self.folder).map_err(|why| {
            let path = self.folder.path.join(marks::MARKS);
            Fault::new(format!("the kept file `{}` is damaged: {why}", path.display()))
        })
    }

    /// Returns whether another process has the run.
    pub fn in_use(&self) -> bool {
        is_locked(&self.folder)
    }

    /// Returns the folder of the next delivery.
    pub fn next_delivery(&self) -> PathBuf {
        let number = self.deliveries.last().map_or(1, |delivery| delivery.number + 1);
        delivery_path(&self.folder, number)
    }

    /// Returns whether all that outputs get is there, as far as it can be seen without reading it.
    pub fn has_results(&self) -> bool {
        self.steps.iter().all(|step| match step.plan.role {
            Role::Check | Role::Assistant => step.damage.is_none() && self.is_there(step),
            Role::Provider | Role::Output => true,
        })
    }

    /// Returns whether the Results of a step are there; it has none where it had not ended.
    fn is_there(&self, step: &Stored) -> bool {
        match step.ended.as_ref().map(|ended| &ended.data) {
            None | Some(StoredData::Here { .. }) => true,
            Some(StoredData::LeftOut { .. }) => false,
            Some(StoredData::Providers) => {
                let mut providers = self.providers_of(step);
                providers.all(|provider| provider.damage.is_none() && self.is_there(provider))
            }
        }
    }

    /// Returns the providers whose data a step hands on or looks at.
    fn providers_of(&self, step: &Stored) -> impl Iterator<Item = &Stored> {
        self.steps.iter().filter(|other| {
            other.plan.role == Role::Provider && step.plan.providers.contains(&other.plan.plugin)
        })
    }

    /// Returns the Results of a step, in the bytes that its plugin wrote.
    ///
    /// # Errors
    /// A fault that names the file, where they are not there or not whole.
    pub fn results(&self, step: &Stored) -> Result<Vec<ResultSlice>, Fault> {
        let Some(ended) = &step.ended else {
            return Ok(Vec::new());
        };
        match &ended.data {
            StoredData::Here { results, .. } => {
                results_of(&step.file, *results).map_err(|why| damaged(&step.file, &why))
            }
            StoredData::Providers => {
                let mut all = Vec::new();
                for provider in self.providers_of(step) {
                    all.extend(self.results(provider)?.into_iter().take(1));
                }
                Ok(all)
            }
            StoredData::LeftOut { why } => Err(Fault::new(format!(
                "the Results of `{}` of run `{}` were not kept: {why}",
                step.plan.plugin, self.run.run
            ))
            .hint("run the pipeline again; `[runs] max_size` in opsbox.toml sets the room for kept runs")),
        }
    }
}

/// Returns the name of a step's file.
pub(crate) fn file_name(step: usize, plugin: &str, ending: &str) -> String {
    format!("{step:03}-{}.{ending}", tame(plugin))
}

/// Returns a name that can be a part of a file's.
pub(crate) fn tame(plugin: &str) -> String {
    let tame = |c: char| {
        if c.is_ascii_alphanumeric() || "_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    plugin.chars().take(64).map(tame).collect()
}

/// Returns whether another process holds the lock of a run's folder.
pub(super) fn is_locked(folder: &Folder) -> bool {
    let probe = folder.file(LOCK).map(|file| file.try_lock_shared());
    matches!(probe, Ok(Err(std::fs::TryLockError::WouldBlock)))
}

fn delivery_path(folder: &Folder, number: u32) -> PathBuf {
    folder.path.join(DELIVERIES).join(format!("{number:03}"))
}

fn damaged(path: &Path, why: &str) -> Fault {
    Fault::new(format!("the kept file `{}` is damaged: {why}", path.display()))
        .hint("`opsbox runs prune RUN` removes a kept run; run the pipeline again to have its data anew")
}

/// Reads plan, steps and record of a folder.
fn read(folder: &Folder) -> Result<Parts, Fault> {
    let run: StoredRun =
        document(folder, RUN)?.ok_or_else(|| damaged(&folder.path.join(RUN), "it is not there"))?;
    // The steps say by themselves how they ended.
    let (record, odd) = match document::<RunRecord>(folder, RECORD) {
        Ok(record) => (record, None),
        Err(fault) => (None, Some(fault.message)),
    };
    let path = folder.path.join(STEPS);
    let files = Folder::open(&path).map_err(|error| damaged(&path, &error.to_string()))?;
    let unmarked = marks::lacking(folder);
    let steps = run.steps.iter().enumerate().map(|(index, plan)| {
        let name = file_name(index, &plan.plugin, "jsonl");
        let (ended, damage) = match head(&files, &name, plan) {
            Ok(ended) => (ended.or_else(|| of_record(record.as_ref(), plan)), None),
            Err(why) => (None, Some(why)),
        };
        Stored {
            plan: plan.clone(),
            ended,
            begun: files.has(&file_name(index, &plan.plugin, BEGUN))
                || (unmarked && plan.role == Role::Output),
            damage,
            file: files.path.join(name),
        }
    });
    let steps = steps.collect();
    Ok((run, steps, record, odd))
}

/// Returns how a step ended by the record, where its own file could not be written.
fn of_record(record: Option<&RunRecord>, plan: &StoredPlan) -> Option<StoredStep> {
    let record = record?;
    let mut steps = record.steps.iter();
    let step = steps.find(|step| step.plugin == plan.plugin && step.role == plan.role)?;
    let why = "its file could not be written".to_owned();
    Some(StoredStep {
        store: STORE_VERSION,
        ended: record.started.clone(),
        data: StoredData::LeftOut { why },
        step: step.clone(),
    })
}

/// Reads a JSON file; `None` where there is none.
pub(super) fn document<T: DeserializeOwned>(folder: &Folder, name: &str) -> Result<Option<T>, Fault> {
    let bad = |why: String| damaged(&folder.path.join(name), &why);
    let mut text = Vec::new();
    match folder.file(name) {
        Ok(file) => file
            .take(MAX_HEAD)
            .read_to_end(&mut text)
            .map_err(|error| bad(error.to_string()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(bad(error.to_string())),
    };
    versioned(&text).map(Some).map_err(bad)
}

/// Reads a JSON text that says of which version it is, or of none.
pub(crate) fn versioned<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        store: Option<u32>,
    }
    let versioned: Versioned = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if let Some(version) = versioned.store.filter(|version| *version != STORE_VERSION) {
        return Err(format!(
            "it is of version {version}, and this release reads version {STORE_VERSION}"
        ));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Reads the first line of a step's file, and looks whether what should follow is there.
fn head(files: &Folder, name: &str, plan: &StoredPlan) -> Result<Option<StoredStep>, String> {
    let file = match files.file(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let mut line = Vec::new();
    BufReader::new(file.take(MAX_HEAD))
        .read_until(b'\n', &mut line)
        .map_err(|error| error.to_string())?;
    step_of(&line, length, plan).map(Some)
}

/// Reads how a step ended from the first line of its file, which has `length` bytes in all.
pub(crate) fn step_of(line: &[u8], length: u64, plan: &StoredPlan) -> Result<StoredStep, String> {
    let stored: StoredStep =
        serde_json::from_slice(line).map_err(|error| format!("its first line: {error}"))?;
    if stored.store != STORE_VERSION {
        return Err(format!(
            "it is of version {}, and this release reads version {STORE_VERSION}",
            stored.store
        ));
    }
    if stored.step.plugin != plan.plugin || stored.step.role != plan.role {
        return Err(format!("it is about `{}`", stored.step.plugin));
    }
    let follows = match stored.data {
        StoredData::Here { bytes, .. } => bytes,
        StoredData::Providers | StoredData::LeftOut { .. } => 0,
    };
    let wanted = follows.saturating_add(line.len() as u64);
    if length != wanted {
        return Err(format!("it has {length} bytes and should have {wanted}"));
    }
    Ok(stored)
}

fn results_of(path: &Path, n_results: u64) -> Result<Vec<ResultSlice>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    results_in(Bytes::from(bytes), n_results)
}

/// Cuts the bytes of a step's file into its Results.
pub(crate) fn results_in(bytes: Bytes, n_results: u64) -> Result<Vec<ResultSlice>, String> {
    let mut results = Vec::new();
    let mut start = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
    while let Some(length) = memchr::memchr(b'\n', &bytes[start..]) {
        let line = bytes.slice(start..start + length);
        let number = results.len() + 1;
        results.push(ResultSlice::parse(line).map_err(|why| format!("its Result {number}: {why}"))?);
        start += length + 1;
    }
    if results.len() as u64 == n_results && start == bytes.len() {
        Ok(results)
    } else {
        Err(format!(
            "it has {} Results and should have {n_results}",
            results.len()
        ))
    }
}

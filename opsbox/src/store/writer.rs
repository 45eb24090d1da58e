//! Writes a run's folder in the keeper's thread: what has gathered meanwhile goes to the disk together, then it is reported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::folder::{Folder, Staged};
use super::keeper::{Job, Keeping, Place, Told};
use super::kept::{BEGUN, LOCK, RECORD, RUN, STEPS, file_name};
use super::marks::Marks;
use super::shape::{STORE_VERSION, StoredData, StoredPlan, StoredRun, StoredStep};
use crate::report::{Role, RunRecord, StepRecord};

/// So many files are waited for side by side.
const MOST_SYNCS: usize = 8;

/// The thread's own state.
pub(super) struct Writer {
    told: Arc<Told>,
    plan: Vec<StoredPlan>,
    /// The files of steps whose Results outputs get.
    vital: BTreeSet<String>,
    taken: BTreeMap<usize, PathBuf>,
    left: u64,
    /// Whether it was told already that something may be sent twice.
    lacks: bool,
    open: Option<Open>,
}

struct Open {
    folder: Folder,
    steps: Folder,
    marks: Marks,
    /// Shows that the run is alive, as long as it is held.
    _lock: Option<File>,
}

/// What is told when a batch of jobs is on disk.
enum After {
    Settled(usize, Box<StepRecord>),
    Ack(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn new(keeping: Keeping, told: Arc<Told>) -> Self {
        let mut writer = Self {
            told,
            vital: vital(&keeping.run.steps),
            plan: keeping.run.steps.clone(),
            taken: keeping.taken,
            left: keeping.max_bytes,
            lacks: false,
            open: None,
        };
        match open(&keeping.place, &keeping.run) {
            Ok(open) => writer.open = Some(open),
            Err((path, error)) => {
                writer.told.lost.store(true, Ordering::SeqCst);
                writer.warn(&format!(
                    "this run is not kept, so `opsbox deliver` and `--resume` will not know it: cannot write `{}`: {error}",
                    path.display()
                ));
            }
        }
        writer
    }

    fn warn(&self, message: &str) {
        if self.told.warnings().is_empty() {
            self.warn_also(message);
        }
    }

    fn warn_also(&self, message: &str) {
        self.told.warnings().push(message.to_owned());
        (self.told.notices.warned)(message);
    }

    pub(super) fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            // What has gathered meanwhile goes to the disk together.
            let mut batch = vec![first];
            batch.extend(jobs.try_iter());
            if let Some(done) = self.write(batch) {
                drop(self);
                let _told = done.send(());
                return;
            }
        }
    }

    fn write(&mut self, batch: Vec<Job>) -> Option<mpsc::Sender<()>> {
        let mut staged = Vec::new();
        let mut after = Vec::new();
        let mut end = None;
        let mut marks = Vec::new();
        let mut lacking = false;
        for job in batch {
            match job {
                Job::Step {
                    step,
                    record,
                    results,
                } => {
                    staged.extend(self.stage(step, &record, &results));
                    after.push(After::Settled(step, record));
                }
                Job::Begun(step, ack) => {
                    let name = file_name(step, &self.plan[step].plugin, BEGUN);
                    let mark = self.attempt(&name, |steps| steps.stage(&name, &[]));
                    lacking |= mark.is_none();
                    staged.extend(mark);
                    marks.push(name);
                    after.push(After::Ack(ack));
                }
                Job::Secret(ack) => {
                    self.secret();
                    after.push(After::Ack(ack));
                }
                Job::Flush(ack) => after.push(After::Ack(ack)),
                Job::End(record, ack) => end = Some((record, ack)),
            }
        }
        if !staged.is_empty() {
            for (staged, synced) in sync_all(staged) {
                let name = staged.name();
                let published = self.attempt(&name, |_| synced.and_then(|()| staged.publish()));
                lacking |= published.is_none() && marks.contains(&name);
            }
            lacking |= self.attempt("", Folder::sync).is_none() && !marks.is_empty();
        }
        if lacking {
            self.lack();
        }
        for after in after {
            match after {
                After::Settled(step, record) => (self.told.notices.settled)(step, &record),
                // Whoever asked may be gone.
                After::Ack(ack) => drop(ack.send(())),
            }
        }
        let (record, ack) = end?;
        self.finish(&record);
        Some(ack)
    }

    /// Notes that it could not be noted of an output that it delivers now: whoever reads the run takes no output for one that was not called.
    fn lack(&mut self) {
        let Some(open) = &self.open else { return };
        let Err(error) = open.marks.lack() else { return };
        if !std::mem::replace(&mut self.lacks, true) {
            self.warn_also(&format!(
                "it cannot be noted in `{}` which outputs have begun to deliver, so after a failure `opsbox deliver` or `--resume` may send the same twice: {error}",
                open.folder.path.display()
            ));
        }
    }

    /// Notes that the Results hold a secret, so that whoever delivers them later has them kept private, too.
    fn secret(&self) {
        let Some(open) = &self.open else { return };
        if let Err(error) = open.marks.secret() {
            self.warn_also(&format!(
                "it cannot be noted in `{}` that its Results hold a secret, so the files of a later `opsbox deliver` may be readable for others: {error}",
                open.folder.path.display()
            ));
        }
    }

    /// Does something to the folder of steps; what fails is told once.
    fn attempt<T>(&self, name: &str, act: impl FnOnce(&Folder) -> io::Result<T>) -> Option<T> {
        let open = self.open.as_ref()?;
        let path = open.steps.path.join(name);
        match act(&open.steps) {
            Ok(value) => Some(value),
            Err(error) => {
                self.warn(&lost(&path, &error));
                self.lacks(name);
                None
            }
        }
    }

    /// Notes that the Results in this file are not kept.
    fn lacks(&self, name: &str) {
        if self.vital.contains(name) {
            self.told.lacks_results.store(true, Ordering::SeqCst);
        }
    }

    fn stage(&mut self, step: usize, record: &StepRecord, results: &[Bytes]) -> Option<Staged> {
        let planned = self.plan.get(step)?;
        let name = file_name(step, &planned.plugin, "jsonl");
        if let Some(source) = self.taken.get(&step) {
            return self.attempt(&name, |steps| steps.adopt(&name, source));
        }
        let bytes: u64 = results.iter().map(|result| result.len() as u64 + 1).sum();
        let data = if planned.passes_on {
            StoredData::Providers
        } else if bytes > self.left {
            self.warn(&format!(
                "the Results of `{}` are not kept, so `opsbox deliver` and `--resume` will not have them: they take {bytes} bytes, more than `[runs] max_size` leaves",
                planned.plugin
            ));
            self.lacks(&name);
            StoredData::LeftOut {
                why: format!("{bytes} bytes are more than `[runs] max_size` left"),
            }
        } else {
            StoredData::Here {
                results: results.len() as u64,
                bytes,
            }
        };
        let here = matches!(data, StoredData::Here { .. });
        let head = StoredStep {
            store: STORE_VERSION,
            ended: now(),
            data,
            step: record.clone(),
        };
        let head = line(&head);
        let mut pieces: Vec<&[u8]> = vec![&head];
        if here {
            pieces.extend(results.iter().flat_map(|result| [result.as_ref(), b"\n"]));
        }
        let staged = self.attempt(&name, |steps| steps.stage(&name, &pieces));
        if here && staged.is_some() {
            self.left -= bytes;
        } else if here {
            // Too large for the disk; how the step ended is small, and worth a try of its own.
            let why = "it could not be written".to_owned();
            let head = StoredStep {
                store: STORE_VERSION,
                ended: now(),
                data: StoredData::LeftOut { why },
                step: record.clone(),
            };
            return self.attempt(&name, |steps| steps.stage(&name, &[&line(&head)]));
        }
        staged
    }

    fn finish(&self, record: &RunRecord) {
        let Some(open) = &self.open else { return };
        if let Err(error) = open.folder.write(RECORD, &line(record)) {
            self.warn(&lost(&open.folder.path.join(RECORD), &error));
        }
    }
}

/// Returns the files of the steps whose Results outputs get: of checks, of assistants, and of providers whose data goes on as it is.
fn vital(plan: &[StoredPlan]) -> BTreeSet<String> {
    let passed_on = |provider: &StoredPlan| {
        let mut users = plan.iter().filter(|step| step.passes_on);
        users.any(|step| step.providers.contains(&provider.plugin))
    };
    let steps = plan.iter().enumerate();
    steps
        .filter(|(_, step)| match step.role {
            Role::Check | Role::Assistant => true,
            Role::Provider => passed_on(step),
            Role::Output => false,
        })
        .map(|(index, step)| file_name(index, &step.plugin, "jsonl"))
        .collect()
}

/// Has files on disk, side by side: the file system then writes its journal for many at once.
fn sync_all(staged: Vec<Staged>) -> Vec<(Staged, io::Result<()>)> {
    let n_files = staged.len();
    let next = AtomicUsize::new(0);
    let synced: Vec<OnceLock<io::Result<()>>> = staged.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(file), Some(done)) = (staged.get(index), synced.get(index)) else {
                return;
            };
            let _only_once = done.set(file.sync());
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..n_files.min(MOST_SYNCS) {
            // Where there can be no thread, this one does its work as well.
            let _started = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let synced = synced.into_iter().map(|done| done.into_inner().unwrap_or(Ok(())));
    let synced: Vec<_> = synced.collect();
    staged.into_iter().zip(synced).collect()
}

fn lost(path: &Path, error: &io::Error) -> String {
    format!(
        "this run is kept only in part, so `opsbox deliver` and `--resume` may not have all of it: cannot write `{}`: {error}",
        path.display()
    )
}

/// Returns the time, RFC 3339 in UTC.
fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// Returns a value as one line of JSON.
fn line(value: &impl serde::Serialize) -> Vec<u8> {
    // The shapes have text keys only, so there is no way to fail; an empty file would be told as damaged.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Makes the folder of a run; it has its right name only when the plan is in it.
fn open(place: &Place, run: &StoredRun) -> Result<Open, (PathBuf, io::Error)> {
    let at = |path: &PathBuf| {
        let path = path.clone();
        move |error| (path, error)
    };
    let (parent, name) = match place {
        Place::Own(store) => (store.root.clone(), run.run.clone()),
        Place::Delivery(folder) => {
            let parent = folder.parent().unwrap_or(folder).to_owned();
            (
                parent,
                folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            )
        }
    };
    let folder = Folder::make_all(&parent).map_err(at(&parent))?;
    let (fresh, right) = (parent.join(format!(".new-{name}")), parent.join(&name));
    let made = || -> io::Result<(Option<File>, Marks)> {
        if matches!(place, Place::Delivery(_)) && fresh.symlink_metadata().is_ok() {
            // A host was killed here; the run's lock is ours, so nobody else is at it.
            fs::remove_dir_all(&fresh)?;
        }
        let inner = Folder::make(&fresh)?;
        let lock = match place {
            Place::Own(_) => inner.lock(LOCK)?,
            Place::Delivery(_) => None,
        };
        Folder::make(&fresh.join(STEPS))?;
        let marks = Marks::make(&inner)?;
        inner.write(RUN, &line(run))?;
        fs::rename(&fresh, &right)?;
        folder.sync()?;
        Ok((lock, marks))
    };
    let (lock, marks) = made().map_err(|error| {
        // Half a folder is of no use to anybody.
        let _gone = fs::remove_dir_all(&fresh);
        at(&right)(error)
    })?;
    Ok(Open {
        folder: Folder::open(&right).map_err(at(&right))?,
        steps: Folder::open(&right.join(STEPS)).map_err(at(&right))?,
        marks,
        _lock: lock,
    })
}

//! Keeps a run while it goes on: what is handed over here is written by a thread of its own, and a step is reported once it is on disk.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::shape::StoredRun;
use super::writer::Writer;
use super::{Limits, Store};
use crate::report::{RunRecord, StepRecord};

/// Takes a step that may be reported now, by its index.
pub type Settled = dyn Fn(usize, &StepRecord) + Send + Sync;

/// Who is told what happens; called from the keeper's thread.
pub struct Notices {
    /// A step is on disk, or cannot be; now it may be reported.
    pub settled: Box<Settled>,
    /// Something is lost, or may be sent twice later; called once for each of the two at most.
    pub warned: Box<dyn Fn(&str) + Send + Sync>,
}

/// Where a run is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a folder of its own.
    Own(Store),
    /// As one more delivery of a kept run, in this folder, whose lock the caller holds.
    Delivery(PathBuf),
}

/// How a run is kept.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Where.
    pub place: Place,
    /// The plan, without steps and configuration, which the run itself knows.
    pub run: StoredRun,
    /// How many bytes of Results are kept at most.
    pub max_bytes: u64,
    /// The files of steps that are taken from another run, by step.
    pub taken: BTreeMap<usize, PathBuf>,
}

/// The writer of one run's folder.
pub struct Keeper {
    jobs: Sender<Job>,
    told: Arc<Told>,
}

/// What both threads know.
pub(super) struct Told {
    pub(super) notices: Notices,
    warnings: Mutex<Vec<String>>,
    /// Whether there is no folder at all.
    pub(super) lost: AtomicBool,
    /// Whether something that outputs get is not in it.
    pub(super) lacks_results: AtomicBool,
}

impl Told {
    pub(super) fn warnings(&self) -> MutexGuard<'_, Vec<String>> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread is asked to do.
pub(super) enum Job {
    Step {
        step: usize,
        record: Box<StepRecord>,
        results: Vec<Bytes>,
    },
    Begun(usize, oneshot::Sender<()>),
    Secret(oneshot::Sender<()>),
    Flush(oneshot::Sender<()>),
    End(Box<RunRecord>, mpsc::Sender<()>),
}

impl Keeper {
    /// Begins to keep a run; returns at once, and what goes wrong is told by `notices`.
    ///
    /// # Errors
    /// Where there can be no thread; nothing is kept then.
    pub fn start(keeping: Keeping, notices: Notices) -> io::Result<Self> {
        let (jobs, rx) = mpsc::channel();
        let told = Arc::new(Told {
            notices,
            warnings: Mutex::default(),
            lost: AtomicBool::new(false),
            lacks_results: AtomicBool::new(false),
        });
        let thread = {
            let told = Arc::clone(&told);
            move || Writer::new(keeping, told).work(&rx)
        };
        std::thread::Builder::new().name("store".into()).spawn(thread)?;
        Ok(Self { jobs, told })
    }

    /// Keeps how a step ended and what it returned; the step is reported when it is on disk.
    pub fn step(&self, step: usize, record: StepRecord, results: Vec<Bytes>) {
        let record = Box::new(record);
        let job = Job::Step {
            step,
            record,
            results,
        };
        if let Err(mpsc::SendError(Job::Step { record, .. })) = self.jobs.send(job) {
            (self.told.notices.settled)(step, &record);
        }
    }

    /// Notes that an output is about to deliver; returns when that, and all before it, is on disk.
    pub async fn begun(&self, step: usize) {
        let (tx, rx) = oneshot::channel();
        if self.jobs.send(Job::Begun(step, tx)).is_ok() {
            let _written = rx.await;
        }
    }

    /// Notes that Results of the run hold a secret; returns when that is on disk.
    pub async fn secret(&self) {
        let (tx, rx) = oneshot::channel();
        if self.jobs.send(Job::Secret(tx)).is_ok() {
            let _written = rx.await;
        }
    }

    /// Returns when all that was handed over is on disk and reported.
    pub async fn flush(&self) {
        let (tx, rx) = oneshot::channel();
        if self.jobs.send(Job::Flush(tx)).is_ok() {
            let _written = rx.await;
        }
    }

    /// Returns whether the run is not kept at all; certain once the first flush is over.
    pub fn lost(&self) -> bool {
        self.told.lost.load(Ordering::SeqCst)
    }

    /// Returns whether all that outputs get is kept; certain once a flush after the last step is over.
    pub fn has_results(&self) -> bool {
        !self.told.lacks_results.load(Ordering::SeqCst)
    }

    /// Returns what is lost, as it was told.
    pub fn warnings(&self) -> Vec<String> {
        self.told.warnings().clone()
    }

    /// Writes the record and lets go of the folder; returns what is lost.
    pub fn end(&self, record: &RunRecord) -> Vec<String> {
        let (tx, rx) = mpsc::channel();
        if self.jobs.send(Job::End(Box::new(record.clone()), tx)).is_ok() {
            let _written = rx.recv();
        }
        self.warnings()
    }
}

impl Keeping {
    /// Returns how a run is kept in a folder of its own; `None` where the settings want none kept.
    pub fn of(store: Store, limits: &Limits, run: StoredRun) -> Option<Self> {
        limits.keeps().then(|| Self {
            place: Place::Own(store),
            run,
            max_bytes: limits.max_size.value,
            taken: BTreeMap::new(),
        })
    }
}

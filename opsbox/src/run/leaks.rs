//! Results that hold a secret: looked for beside the run, warned of, and never altered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::plugin::ResultSlice;
use crate::redact::Secrets;

/// Of more Results of one step than this only the number is told.
const MOST_NAMED: usize = 3;

/// What was looked through, and what was found.
pub(crate) struct Leaks {
    secrets: Secrets,
    /// Whether an earlier run had found something in what this one hands on.
    known: AtomicBool,
    looking: Mutex<JoinSet<Option<String>>>,
    warnings: Mutex<Vec<String>>,
}

impl Leaks {
    pub(crate) fn new(secrets: Secrets) -> Self {
        Self {
            secrets,
            known: AtomicBool::new(false),
            looking: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Notes that an earlier run found something, with values that this one need not know.
    pub(crate) fn know(&self) {
        self.known.store(true, Ordering::Relaxed);
    }

    /// Begins to look through what a step returned, in a thread of its own: large Results hold nobody up.
    pub(crate) fn look(&self, whose: &str, returned: &[Bytes]) {
        if self.secrets.get().is_none() || returned.is_empty() {
            return;
        }
        let (secrets, whose, returned) = (self.secrets.clone(), whose.to_owned(), returned.to_vec());
        locked(&self.looking).spawn_blocking(move || warning(&secrets, &whose, &returned));
    }

    /// Waits for what is being looked through, and returns the new warnings.
    pub(crate) async fn found(&self) -> Vec<String> {
        let looking = std::mem::take(&mut *locked(&self.looking));
        let mut found: Vec<_> = looking.join_all().await.into_iter().flatten().collect();
        found.sort();
        locked(&self.warnings).extend(found.iter().cloned());
        found
    }

    /// Returns whether anything was found until now.
    pub(crate) fn any(&self) -> bool {
        self.known.load(Ordering::Relaxed) || !locked(&self.warnings).is_empty()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        locked(&self.warnings).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn warning(secrets: &Secrets, whose: &str, returned: &[Bytes]) -> Option<String> {
    let redactor = secrets.get()?;
    let mut places = Vec::new();
    let mut n_results = 0_usize;
    for bytes in returned {
        let fields = std::str::from_utf8(bytes).map_or_else(|_| Vec::new(), |text| redactor.fields_of(text));
        if fields.is_empty() {
            continue;
        }
        n_results += 1;
        if n_results <= MOST_NAMED {
            let name =
                ResultSlice::parse(bytes.clone()).map_or_else(|_| "?".to_owned(), |result| result.name());
            let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
            places.push(format!("{} of `{}`", fields.join(", "), redactor.text(name)));
        }
    }
    let more = match n_results.saturating_sub(MOST_NAMED) {
        0 => String::new(),
        n => format!(", and {n} more Results"),
    };
    (n_results > 0).then(|| {
        format!(
            "a secret of the configuration stands in the Results of {whose}: {}{more}. Results are never altered, so it goes to the outputs; an output that can keeps its files of them private",
            places.join("; ")
        )
    })
}

//! A large JSON text read by several threads.

use std::thread;

use regorus::Value;
use serde_json::value::RawValue;

use crate::{sketch, tree};

/// More threads wait for memory rather than for each other.
const MOST_THREADS: usize = 4;

/// Reads a document; `None` where it has to be read in one go: on one processor, and to say what is wrong with it.
pub(super) fn of_json(json: &str) -> Option<Value> {
    let n_threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS);
    if n_threads == 1 {
        return None;
    }
    let (sketch, texts) = sketch::of_json(json).ok()?;
    let parts = shares(&texts, json.len() / n_threads + 1);
    let (first, others) = parts.split_first()?;
    let read = thread::scope(|scope| {
        let others: Vec<_> = others
            .iter()
            .map(|texts| {
                thread::Builder::new()
                    .spawn_scoped(scope, || tree::of_texts(texts))
                    .ok()
            })
            .collect();
        let mut all = tree::of_texts(first)?;
        for other in others {
            all.extend(other?.join().ok()??);
        }
        Some(all)
    })?;
    sketch.fill(&mut read.into_iter())
}

/// Cuts a list of texts where so many bytes are together.
fn shares<'t, 'a>(texts: &'t [&'a RawValue], bytes: usize) -> Vec<&'t [&'a RawValue]> {
    let mut shares = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (at, text) in texts.iter().enumerate() {
        sum += text.get().len();
        if sum >= bytes {
            shares.push(&texts[start..=at]);
            (start, sum) = (at + 1, 0);
        }
    }
    shares.push(&texts[start..]);
    shares
}

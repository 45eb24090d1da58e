//! How many plugin processes may live at the same time, and which of them may stay between being asked for their schema and their turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::manifest::Manifest;
use crate::plugin::SessionContext;
use crate::plugin::launch::SessionSpec;
use crate::plugin::zygote;

/// What a process of its own takes of the room.
const STARTED: u32 = 4;
/// What one takes that shares most of its memory with a warm parent: 7 to 9 MB instead of 30 (`tests/bench/README.md`).
const FORKED: u32 = 1;
/// The least number of started plugins there is room for; beyond it two for each job.
const LEAST: usize = 8;

/// The room for the plugins of a run.
#[derive(Debug)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    capacity: u32,
    stays: OnceCell<BTreeSet<usize>>,
}

/// A plugin that takes room: its step and its manifest.
pub(crate) type Guest = (usize, Arc<Manifest>);

impl Room {
    /// Makes room for a run of so many jobs.
    pub(crate) fn new(jobs: usize) -> Self {
        let n_started = (2 * jobs).max(LEAST);
        let capacity = u32::try_from(n_started).unwrap_or(u32::MAX / STARTED) * STARTED;
        Self {
            free: Arc::new(Semaphore::new(capacity as usize)),
            capacity,
            stays: OnceCell::new(),
        }
    }

    /// Waits until there is room for a plugin's process; `None` only where the run is over.
    pub(crate) async fn take(
        &self,
        spec: &SessionSpec,
        ctx: &SessionContext,
    ) -> Option<OwnedSemaphorePermit> {
        let size = size(spec, ctx).await;
        Arc::clone(&self.free).acquire_many_owned(size).await.ok()
    }

    /// Returns whether the plugin of a step may live on until its turn: all may where all fit, else the first ones.
    ///
    /// `guests` are all plugins that take room, in the order of their steps; they are looked at once.
    pub(crate) async fn stays(&self, step: usize, guests: &[Guest], ctx: &SessionContext) -> bool {
        let stays = self.stays.get_or_init(|| self.choose(guests, ctx)).await;
        stays.contains(&step)
    }

    async fn choose(&self, guests: &[Guest], ctx: &SessionContext) -> BTreeSet<usize> {
        let mut sizes = Vec::new();
        for (step, manifest) in guests {
            let size = match SessionSpec::of(manifest, ctx) {
                Ok(spec) => size(&spec, ctx).await,
                // It cannot be started, and takes nothing.
                Err(_) => 0,
            };
            sizes.push((*step, size));
        }
        fitting(&sizes, self.capacity)
    }
}

/// Returns the steps that may stay: all where all fit; else two places are kept free for those that are only asked.
fn fitting(sizes: &[(usize, u32)], capacity: u32) -> BTreeSet<usize> {
    let total: u32 = sizes.iter().map(|(_, size)| size).sum();
    let most = if total > capacity {
        capacity - 2 * STARTED
    } else {
        capacity
    };
    let mut taken = 0;
    let stays = |(step, size): &(usize, u32)| {
        taken += size;
        (taken <= most).then_some(*step)
    };
    sizes.iter().map_while(stays).collect()
}

async fn size(spec: &SessionSpec, ctx: &SessionContext) -> u32 {
    if zygote::forks(spec, ctx).await {
        FORKED
    } else {
        STARTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_staying(room: &Room, sizes: &[u32]) -> usize {
        let sizes: Vec<_> = sizes.iter().copied().enumerate().collect();
        fitting(&sizes, room.capacity).len()
    }

    #[test]
    fn all_stay_where_all_fit_and_else_two_places_are_kept_for_asking() {
        let (small, large) = (Room::new(2), Room::new(6));
        assert_eq!(n_staying(&small, &[STARTED; 8]), 8);
        assert_eq!(n_staying(&small, &[STARTED; 9]), 6);
        assert_eq!(n_staying(&large, &[STARTED; 12]), 12);
        assert_eq!(n_staying(&large, &[STARTED; 40]), 10);
    }

    #[test]
    fn what_is_forked_takes_a_quarter_of_what_is_started() {
        let room = Room::new(2);
        assert_eq!(n_staying(&room, &[FORKED; 32]), 32);
        assert_eq!(n_staying(&room, &[FORKED; 33]), 24);
        let mixed = [[STARTED; 4].as_slice(), &[FORKED; 16]].concat();
        assert_eq!(n_staying(&room, &mixed), 20);
        // One that cannot be started takes nothing.
        assert_eq!(n_staying(&room, &[&[0], mixed.as_slice()].concat()), 21);
    }
}

//! Who waits for whom: a call that could only end after itself is refused instead of left waiting.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An open call, by its number in the run.
pub(super) type CallId = u64;

/// All calls between handlers and the plugins that they call. A plugin takes one at a time; the others wait for it.
#[derive(Default)]
pub(super) struct Chains(Mutex<State>);

#[derive(Default)]
struct State {
    last: CallId,
    calls: HashMap<CallId, Call>,
    /// The call that each plugin is working on.
    working: HashMap<usize, CallId>,
}

struct Call {
    /// The call during which this one was made.
    above: Option<CallId>,
    plugin: usize,
}

/// A call that waits for its plugin or has it; dropping it ends it.
pub(super) struct Link {
    chains: Arc<Chains>,
    pub(super) id: CallId,
}

/// Why a call is refused: the plugins from the first of the chain to the one that was to be called.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle(pub(super) Vec<usize>);

impl Chains {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to wait for a plugin.
    ///
    /// # Errors
    /// Where the plugin works on a call that cannot end before `above` does.
    pub(super) fn begin(self: &Arc<Self>, above: Option<CallId>, plugin: usize) -> Result<Link, Circle> {
        let mut state = self.state();
        if let Some(above) = above
            && let Some(working) = state.working.get(&plugin)
            && state.waits_for(*working, above)
        {
            let mut chain = state.chain(above);
            chain.push(plugin);
            return Err(Circle(chain));
        }
        state.last += 1;
        let id = state.last;
        state.calls.insert(id, Call { above, plugin });
        Ok(Link {
            chains: Arc::clone(self),
            id,
        })
    }
}

impl Link {
    /// Notes that the plugin now works on this call.
    pub(super) fn enter(&self) {
        let mut state = self.chains.state();
        if let Some(plugin) = state.calls.get(&self.id).map(|call| call.plugin) {
            state.working.insert(plugin, self.id);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut state = self.chains.state();
        if let Some(Call { plugin, .. }) = state.calls.remove(&self.id)
            && state.working.get(&plugin) == Some(&self.id)
        {
            state.working.remove(&plugin);
        }
    }
}

impl State {
    /// Returns whether a call can only end after another one: it is that one, or something below it waits for it.
    ///
    /// A plugin that was just handed over has no calls below it yet, so whoever closes a circle later is the one that sees it.
    fn waits_for(&self, call: CallId, goal: CallId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![call];
        while let Some(call) = open.pop() {
            if call == goal {
                return true;
            }
            if !seen.insert(call) {
                continue;
            }
            for (id, below) in self.calls.iter().filter(|(_, below)| below.above == Some(call)) {
                open.push(*id);
                // Where it does not have its plugin yet, it waits for whoever has.
                open.extend(self.working.get(&below.plugin));
            }
        }
        false
    }

    /// Returns the plugins from the first call of a chain down to this one.
    fn chain(&self, call: CallId) -> Vec<usize> {
        let mut plugins = Vec::new();
        let mut next = Some(call);
        while let Some(call) = next.and_then(|id| self.calls.get(&id)) {
            plugins.push(call.plugin);
            next = call.above;
        }
        plugins.reverse();
        plugins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: usize = 1;
    const B: usize = 2;
    const C: usize = 3;

    fn entered(chains: &Arc<Chains>, above: Option<&Link>, plugin: usize) -> Link {
        let link = chains.begin(above.map(|link| link.id), plugin).ok().unwrap();
        link.enter();
        link
    }

    fn refused(chains: &Arc<Chains>, above: &Link, plugin: usize) -> Option<Vec<usize>> {
        chains
            .begin(Some(above.id), plugin)
            .err()
            .map(|Circle(plugins)| plugins)
    }

    #[test]
    fn a_chain_may_not_come_back_to_a_plugin_that_is_on_it() {
        let chains = Arc::default();
        let first = entered(&chains, None, A);
        let second = entered(&chains, Some(&first), B);
        assert_eq!(refused(&chains, &second, A), Some(vec![A, B, A]));
        assert_eq!(refused(&chains, &second, B), Some(vec![A, B, B]));
        assert_eq!(refused(&chains, &second, C), None);
        drop(second);
        assert_eq!(refused(&chains, &first, B), None);
    }

    #[test]
    fn two_chains_that_would_wait_for_each_other_are_found() {
        let chains = Arc::default();
        let one = entered(&chains, None, A);
        let two = entered(&chains, None, B);
        // The first waits for B, which the second has.
        let waiting = chains.begin(Some(one.id), B).ok().unwrap();
        assert_eq!(refused(&chains, &two, A), Some(vec![B, A]));
        drop(waiting);
        assert_eq!(refused(&chains, &two, A), None);
    }

    #[test]
    fn branches_of_one_call_may_wait_for_each_other_but_not_in_a_circle() {
        let chains = Arc::default();
        let root = entered(&chains, None, A);
        let left = entered(&chains, Some(&root), B);
        let right = entered(&chains, Some(&root), C);
        let waiting = chains.begin(Some(right.id), B).ok().unwrap();
        assert_eq!(refused(&chains, &left, C), Some(vec![A, B, C]));
        drop(left);
        waiting.enter();
        assert_eq!(refused(&chains, &waiting, C), Some(vec![A, C, B, C]));
    }

    #[test]
    fn whoever_only_waits_his_turn_is_let_in() {
        let chains = Arc::default();
        let one = entered(&chains, None, A);
        let two = chains.begin(None, A).ok().unwrap();
        drop(one);
        two.enter();
        let below = chains.begin(Some(two.id), B);
        assert!(below.is_ok());
    }
}

//! One step that a handler plugin runs: `process_plugin`, and what becomes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use opsbox_protocol::{Expect, Hook as Known};

use crate::halt::Halt;
use crate::plugin::{Gap, Leash, PluginError, ResultSlice};
use crate::report::{ErrorRecord, Status};

use super::super::board::Ending;
use super::super::member::Member;
use super::super::params;
use super::{Hook, Place, Refusal, Switchboard, facts, locked};

/// What happened while a step's handler worked.
pub(super) struct Trail {
    pub(super) step: usize,
    /// The providers whose gaps count for the step already.
    counted: Vec<usize>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    last: u64,
    /// Calls that have not come to an end of their own: plugin and hook.
    open: BTreeMap<u64, (String, String)>,
    gaps: Vec<Gap>,
    /// Plugins that broke or failed while they were called.
    broken: Vec<Broken>,
    gathered: Vec<usize>,
    /// Providers that brought no data.
    empty: Vec<usize>,
}

struct Broken {
    gap: Gap,
    record: ErrorRecord,
    /// What the plugin itself answered; `None` where it could not.
    said: Option<String>,
}

impl Trail {
    /// Notes that a call begins; returns its number.
    pub(super) fn opens(&self, plugin: &str, hook: &str) -> u64 {
        let mut notes = locked(&self.notes);
        notes.last += 1;
        let number = notes.last;
        notes.open.insert(number, (plugin.to_owned(), hook.to_owned()));
        number
    }

    /// Notes that a call has ended, other than by being cancelled.
    pub(super) fn closes(&self, number: u64) {
        locked(&self.notes).open.remove(&number);
    }

    /// Notes what a called plugin could not look at.
    pub(super) fn lacks(&self, gaps: Vec<Gap>) {
        locked(&self.notes).gaps.extend(gaps);
    }

    /// Notes what a provider could not look at whose data the handler took; once, and not where it counts for the step anyway.
    pub(super) fn gathered(&self, provider: usize, gaps: &[Gap]) {
        let mut notes = locked(&self.notes);
        if !self.counted.contains(&provider) && !notes.gathered.contains(&provider) {
            notes.gathered.push(provider);
            notes.gaps.extend(gaps.iter().cloned());
        }
    }

    /// Notes that a provider brought nothing though the handler asked for its data; once.
    pub(super) fn lacks_data(&self, provider: usize, name: &str, why: &str) {
        let mut notes = locked(&self.notes);
        if !notes.empty.contains(&provider) {
            notes.empty.push(provider);
            notes.gaps.push(Gap {
                id: 0,
                section: None,
                what: format!("the data of provider `{name}`"),
                why: why.to_owned(),
                remedy: None,
            });
        }
    }

    /// Notes that a called plugin broke or failed, whatever the handler makes of it; the same only once.
    pub(super) fn broke(&self, plugin: &str, hook: &str, error: &PluginError) {
        let gap = Gap {
            id: 0,
            section: None,
            what: format!("`{hook}` of plugin `{plugin}`"),
            why: error.to_string(),
            remedy: error.hints().into_iter().next(),
        };
        let mut record = ErrorRecord::from(error);
        record.message = format!("plugin `{plugin}`: {}", record.message);
        let said = match error {
            PluginError::Answered { body, .. } => Some(body.message.clone()),
            _ => None,
        };
        let mut notes = locked(&self.notes);
        if !notes.broken.iter().any(|known| known.gap == gap) {
            notes.broken.push(Broken { gap, record, said });
        }
    }
}

impl Switchboard {
    /// Returns whether a step's plugin and its handler have come so far that the step can be run.
    pub(crate) fn can_run(&self, step: usize) -> bool {
        let plan = &self.shared.plan;
        let handler = plan.members().nth(step).and_then(|planned| planned.served_by());
        let handler = handler.and_then(|name| plan.handler_index(name));
        let is_there = |index: usize| {
            let partner = self.partners.get(index).and_then(Option::as_ref);
            partner.is_some_and(|partner| partner.failed.is_none())
        };
        is_there(step) && handler.is_some_and(is_there)
    }

    /// Runs a step through its handler. `counted`: the providers whose gaps the caller adds itself. `until`: the halt that cancels it.
    ///
    /// # Errors
    /// How the step ended where it made nothing, with the gaps of everything that was called.
    pub(crate) async fn step(
        self: &Arc<Self>,
        member: &Member,
        prior: &[ResultSlice],
        counted: &[usize],
        until: Halt,
    ) -> Result<(Vec<ResultSlice>, Vec<Gap>), Ending> {
        let plan = &self.shared.plan;
        let index = member.step;
        let served_by = plan.members().nth(index).and_then(|planned| planned.served_by());
        let partner = self.partners.get(index).and_then(Option::as_ref);
        let (Some(name), Some(partner)) = (served_by, partner) else {
            return Err(Ending::unknown("no handler runs it".into(), Vec::new()));
        };
        if let Some(error) = &partner.failed {
            return Err(Ending::failed(error));
        }
        let Some(handler) = plan.handler_index(name) else {
            return Err(Ending::unknown(
                format!("its handler `{name}` is not there"),
                Vec::new(),
            ));
        };
        let place = Place {
            above: None,
            trail: Arc::new(Trail {
                step: index,
                counted: counted.to_vec(),
                notes: Mutex::default(),
            }),
        };
        // Outputs are the last: what comes of one goes nowhere, so nobody asks for its shape.
        let delivers = facts::stage(plan, index) == "output";
        let head = [
            b"{\"plugin\":".as_slice(),
            &partner.facts,
            b",\"prior_results\":[",
        ]
        .concat();
        let hook = Hook {
            name: Known::ProcessPlugin.method(),
            expect: if delivers {
                Expect::Raw
            } else {
                Known::ProcessPlugin.expects()
            },
            params: params::list_after(Bytes::from(head), prior),
        };
        let leash = Leash::under(self.shared.halt.clone(), until);
        self.shared.board.started(index, Known::ProcessPlugin.method());
        let called = self.call(&place, handler, hook, &leash).await;
        let notes = std::mem::take(&mut *locked(&place.trail.notes));
        match called {
            Ok(outcome) => {
                let gaps = [outcome.gaps, notes.gaps.clone()].concat();
                match outcome.answer {
                    Ok(reply) => {
                        // What broke counts, also where the handler went on without it.
                        let broken = notes.broken.into_iter().map(|broken| broken.gap);
                        Ok((reply.into_results(), gaps.into_iter().chain(broken).collect()))
                    }
                    Err(error) => Err(failed(name, &error, notes).with_gaps(gaps)),
                }
            }
            Err(Refusal::Failed(error)) => Err(failed(name, &error, notes)),
            Err(Refusal::Ended) => Err(Ending::blocked("the run was stopped")),
            Err(refusal @ (Refusal::NoHook(_) | Refusal::Circle(_))) => {
                let message = self.told(handler, Known::ProcessPlugin.method(), refusal).message;
                Err(Ending::unknown(message, Vec::new()))
            }
        }
    }
}

/// Returns the ending of a step whose handler failed: first the plugins that broke meanwhile, then the handler's own error.
fn failed(handler: &str, error: &PluginError, notes: Notes) -> Ending {
    let mut ending = Ending::failed(error);
    for record in &mut ending.errors {
        record.message = format!("its handler `{handler}`: {}", record.message);
        if let (PluginError::Timeout { .. }, Some((plugin, hook))) = (error, notes.open.values().next_back())
        {
            record.message += &format!("; it waited for `{hook}` of plugin `{plugin}`");
        }
    }
    if notes.broken.iter().any(|broken| broken.said.is_none()) {
        ending.status = Some(Status::Failed);
    }
    // What the handler only hands on is told once.
    let own = error.to_string();
    let told = |broken: &Broken| {
        broken
            .said
            .as_ref()
            .is_some_and(|said| own.contains(said.as_str()))
    };
    let broken = notes.broken.into_iter().filter(|broken| !told(broken));
    ending.errors.splice(0..0, broken.map(|broken| broken.record));
    ending
}

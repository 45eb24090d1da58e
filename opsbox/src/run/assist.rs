//! Runs the assistants, one after the other, each with its flow.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use opsbox_protocol::Hook;

use crate::halt::Halt;
use crate::manifest::Flow;
use crate::plugin::ResultSlice;

use super::board::Ending;
use super::handle::Switchboard;
use super::member::Member;
use super::{Shared, hollow, params};

/// The Results between the first stage and the outputs.
struct Flowing {
    /// What inputs and checks made, or the last answer that took the place of everything.
    base: Vec<ResultSlice>,
    /// What assistants added since; `None` where none did.
    added: Option<Vec<ResultSlice>>,
    /// Of the first stage's Results those of checks that saw only part.
    partly: BTreeSet<String>,
}

impl Flowing {
    fn of(base: Vec<ResultSlice>) -> Self {
        Self {
            partly: hollow::names(&base),
            base,
            added: None,
        }
    }

    /// Returns what an output would get now.
    fn current(&self) -> &[ResultSlice] {
        self.added.as_deref().unwrap_or(&self.base)
    }

    /// Returns what an assistant of this flow receives.
    fn given(&self, flow: Flow) -> Vec<ResultSlice> {
        match flow {
            Flow::Replace => self.current().to_vec(),
            Flow::Append => self.added.iter().flatten().chain(&self.base).cloned().collect(),
        }
    }

    fn take(&mut self, flow: Flow, mut answer: Vec<ResultSlice>) {
        hollow::mark_named(&mut answer, &self.partly);
        match flow {
            Flow::Replace => {
                self.base = answer;
                self.added = None;
            }
            Flow::Append => self.added.get_or_insert_default().extend(answer),
        }
    }
}

/// Returns what outputs get of kept Results: what the first stage made, and each assistant's answer in order.
pub fn flow(base: Vec<ResultSlice>, answers: Vec<(Flow, Vec<ResultSlice>)>) -> Vec<ResultSlice> {
    let mut flowing = Flowing::of(base);
    for (flow, answer) in answers {
        flowing.take(flow, answer);
    }
    flowing.added.unwrap_or(flowing.base)
}

/// Returns what the outputs get. A failed assistant leaves the Results as they are.
pub(crate) async fn run_all(
    shared: &Arc<Shared>,
    switchboard: &Arc<Switchboard>,
    assistants: Vec<Member>,
    results: Vec<ResultSlice>,
) -> Vec<ResultSlice> {
    let mut flowing = Flowing::of(results);
    for mut member in assistants {
        if let Some(taken) = member.taken() {
            shared.board.settle_taken(member.step, &taken);
            if taken.looked() {
                flowing.take(member.manifest.flow, taken.results);
            }
            continue;
        }
        if shared.plan.is_served(member.step) {
            handled(shared, switchboard, member, &mut flowing).await;
        } else {
            assist(shared, member, &mut flowing).await;
        }
    }
    flowing.added.unwrap_or(flowing.base)
}

async fn assist(shared: &Shared, mut member: Member, flowing: &mut Flowing) {
    if shared.is_halted() {
        shared
            .board
            .settle(member.step, None, Ending::blocked("the run was stopped"));
        member.dismiss(shared).await;
        return;
    }
    let since = Instant::now();
    let flow = member.manifest.flow;
    let given = flowing.given(flow);
    let given = params::list("input", &given);
    let Some(outcome) = member.compute(shared, Hook::ProcessInput, given).await else {
        let ending = Ending::unknown("it has no code to run".into(), Vec::new());
        return shared.board.settle(member.step, Some(since), ending);
    };
    let ending = match outcome.answer {
        Ok(reply) => {
            let answer = reply.into_results();
            let ending = Ending::delivered(&answer, None, outcome.gaps);
            flowing.take(flow, answer);
            ending
        }
        Err(error) => Ending::failed(&error).with_gaps(outcome.gaps),
    };
    shared.board.settle(member.step, Some(since), ending);
}

/// Runs an assistant through its handler.
async fn handled(shared: &Shared, switchboard: &Arc<Switchboard>, member: Member, flowing: &mut Flowing) {
    if shared.is_halted() {
        let ending = Ending::blocked("the run was stopped");
        return shared.board.settle(member.step, None, ending);
    }
    let since = Instant::now();
    let flow = member.manifest.flow;
    let given = flowing.given(flow);
    let ending = match switchboard.step(&member, &given, &[], Halt::Cancel).await {
        Ok((answer, gaps)) => {
            let ending = Ending::delivered(&answer, None, gaps);
            flowing.take(flow, answer);
            ending
        }
        Err(ending) => ending,
    };
    shared.board.settle(member.step, Some(since), ending);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(name: &str) -> ResultSlice {
        let text = format!(
            r#"{{"relates_to":"a","result_name":"{name}","result_description":"","details":[],"formatted":""}}"#
        );
        ResultSlice::parse(text.into()).unwrap()
    }

    fn names(results: &[ResultSlice]) -> Vec<&str> {
        results.iter().map(|result| result.result_name.as_str()).collect()
    }

    #[test]
    fn legacy_assistants_see_earlier_answers_then_the_inputs_and_outputs_see_only_answers() {
        let mut flowing = Flowing::of(vec![slice("in1"), slice("in2")]);
        assert_eq!(names(&flowing.given(Flow::Append)), ["in1", "in2"]);
        flowing.take(Flow::Append, vec![slice("a")]);
        assert_eq!(names(&flowing.given(Flow::Append)), ["a", "in1", "in2"]);
        flowing.take(Flow::Append, vec![slice("b")]);
        assert_eq!(names(flowing.current()), ["a", "b"]);
    }

    #[test]
    fn a_replacing_assistant_sees_what_an_output_would_and_takes_its_place() {
        let mut flowing = Flowing::of(vec![slice("in1")]);
        flowing.added = Some(vec![slice("a")]);
        assert_eq!(names(&flowing.given(Flow::Replace)), ["a"]);
        flowing.take(Flow::Replace, vec![slice("r")]);
        assert_eq!(names(flowing.current()), ["r"]);
        assert_eq!(names(&flowing.given(Flow::Append)), ["r"]);
    }
}

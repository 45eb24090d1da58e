//! Messages of a plugin that break a rule: answered where they are requests, and what they cost the calls that wait.

use bytes::Bytes;
use jsonrpsee_types::{ErrorCode, ErrorObject};
use opsbox_protocol::{Expect, Incoming, LineFault, code, limits, outgoing, parse_line};

use super::call::Gap;
use super::error::PluginError;
use super::peer::Shared;

/// A message that breaks a rule.
pub(super) struct Broken {
    /// The id's JSON text where one can be read.
    pub(super) id: Option<String>,
    /// The code to answer with where it was a request.
    pub(super) answer: Option<i64>,
}

impl Broken {
    /// Returns what is no JSON object any more. Ids of plugins are strings [MSG-6]: with such a one it was a request.
    pub(super) fn damaged(id: Option<String>) -> Self {
        let answer = id.as_ref().filter(|id| id.starts_with('"')).map(|_| code::PARSE);
        Self { id, answer }
    }

    fn request(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            answer: Some(code::INVALID_REQUEST),
        }
    }

    fn answer(id: &str) -> Self {
        Self {
            id: Some(id.to_owned()),
            answer: None,
        }
    }
}

impl Shared {
    /// Takes a line that nests too deep: a fault where it is an object otherwise sound, or noise, or damage.
    pub(super) fn too_deep(&self, text: &str, why: &str) {
        let broken = match parse_line(text, &|_| Some(Expect::Raw)) {
            Ok(Incoming::Response { id, .. }) => Broken::answer(id),
            Ok(Incoming::Request { id, .. }) => Broken::request(id),
            Ok(Incoming::Notification { method, .. }) => {
                if method == "gap" {
                    self.unreadable_gap(why);
                }
                return self.damage(None, why);
            }
            Err(LineFault::Damaged { id, answer, .. }) => Broken { id, answer },
            Err(LineFault::Noise) => return self.noise(text),
        };
        self.broken(broken, why);
    }

    /// Bears a broken message: a request is answered where its id is known. Where a request may have been lost, its sender may wait for ever,
    /// or go on without what it asked for; the call that it could belong to then lacks something.
    pub(super) fn broken(&self, broken: Broken, why: &str) {
        match (&broken.id, broken.answer) {
            (Some(id), Some(code)) => self.refuse(id, code, why),
            (id, _) => {
                let is_answer = id
                    .as_ref()
                    .and_then(|id| id.parse().ok())
                    .is_some_and(|id: u64| self.state().pending.contains_key(&id));
                if !is_answer {
                    self.lost_request(why);
                }
            }
        }
        self.damage(broken.id, why);
    }

    fn lost_request(&self, why: &str) {
        let mut state = self.state();
        let serving = state.pending.iter().find(|(_, pending)| pending.desk.is_some());
        if let Some((&id, _)) = serving {
            let gap = Gap {
                id,
                section: None,
                what: "something that it may have asked the host for".into(),
                why: format!("it sent a message that cannot be read, so it could not be answered: {why}"),
                remedy: None,
            };
            state.gaps.add(true, gap);
        }
    }

    /// Answers a request that cannot be read.
    fn refuse(&self, id: &str, code: i64, why: &str) {
        let code = i32::try_from(code).unwrap_or_else(|_| ErrorCode::InternalError.code());
        let error = ErrorObject::owned(code, why, None::<()>);
        self.state()
            .send(vec![Bytes::from(outgoing::error_line(id, &error))]);
    }

    fn damage(&self, id: Option<String>, why: &str) {
        self.warn(format!("sent a damaged message: {why}"));
        let pending = id
            .and_then(|id| id.parse().ok())
            .and_then(|id: u64| self.state().pending.remove(&id));
        if let Some(pending) = pending {
            // The call fails, the plugin may go on: its next line may be whole.
            let why = format!("in the answer to `{}`: {why}", pending.method);
            let _sent = pending.answer.send(Err(PluginError::Shape {
                method: pending.method,
                why,
            }));
        }
        let damaged = {
            let mut state = self.state();
            state.damaged += 1;
            state.damaged
        };
        if damaged >= limits::DAMAGED_LINES {
            self.fail_all(&PluginError::protocol(format!(
                "{damaged} damaged messages, the last: {why}"
            )));
        }
    }
}

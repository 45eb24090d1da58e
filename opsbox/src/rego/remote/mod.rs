//! Policies evaluated by an OPA server (`opa_url`), and cleared away again whatever happens.
//!
//! A policy that uses what reaches further than its input is not sent (see `reach`). Each check's policy is uploaded under a name of its own, in a package of its own (see `rewrite`), asked for its rules, and deleted: also
//! where the question failed, where the host cancels, and where the upload's own answer never came.

mod http;
mod reach;
pub(crate) mod rewrite;
mod said;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use regorus::Value;
use serde::Deserialize;
use serde_json::value::RawValue;
use ureq::http::{Method, Uri};

pub use http::Interrupt;
use http::{Client, Patience, Response, Trouble};

use super::check::{self, Answer, Check, Rules};
use super::error::{Place, RegoError};
use super::spell::Speller;
use super::{data, outline};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(20);
/// How long the deletion may take where there is no more time: the check's limit has passed, or the host has cancelled.
const LAST_REQUEST: Duration = Duration::from_secs(2);
/// How long an upload that was interrupted may still arrive, before it is deleted.
const LATE_UPLOAD: Duration = Duration::from_secs(2);

/// An OPA server.
#[derive(Debug)]
pub struct Server {
    client: Client,
    /// Its URL for people: without name and password.
    shown: String,
    interrupt: Interrupt,
}

impl Server {
    /// Reads a server's URL; connects to nobody yet. `authorities` is a file of certificates to trust instead of the system's.
    ///
    /// # Errors
    /// [`RegoError::Server`] where the URL is none, or there are no certificates to check it with.
    pub fn at(url: &str, authorities: Option<&str>, interrupt: Interrupt) -> Result<Self, RegoError> {
        let shown = crate::redact::userinfo(url).into_owned();
        let fault = |what: String| RegoError::Server {
            url: shown.clone(),
            what,
        };
        let base = url.trim_end_matches('/');
        let uri: Uri = base
            .parse()
            .map_err(|_| fault("has an address that is no URL".into()))?;
        let fits = matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none();
        if !fits {
            return Err(fault("has an address that is no URL of a server".into()));
        }
        let client = Client::new(base, authorities, interrupt.clone()).map_err(fault)?;
        Ok(Self {
            client,
            shown: shown.trim_end_matches('/').to_owned(),
            interrupt,
        })
    }

    /// Asks whether it is there: its root answers with 200.
    ///
    /// # Errors
    /// [`RegoError::Server`], or [`RegoError::Cancelled`].
    pub fn reach(&self) -> Result<(), RegoError> {
        let response = self.send(Method::GET, "/", Arc::default(), REQUEST, Patience::None)?;
        if response.status == 200 {
            return Ok(());
        }
        Err(self.fault(format!("answered with status {}", response.status)))
    }

    /// Evaluates a check over what its policy sees as `input`.
    ///
    /// Returns its answer, and a warning where the policy may still be on the server.
    pub fn run(
        &self,
        check: &Check,
        input: &Value,
        time: Option<Duration>,
    ) -> (Result<Answer, RegoError>, Option<String>) {
        if let Err(error) = reach::check(&check.file, &check.policy) {
            return (Err(error), None);
        }
        let unique = unique();
        let config = check::config(check.config.as_deref()).map(|config| Speller::default().text(&config));
        let rewritten =
            config.and_then(|config| rewrite::rewrite(&check.file, &check.policy, &unique, &config));
        let rewritten = match rewritten {
            Ok(rewritten) => rewritten,
            Err(error) => return (Err(error), None),
        };
        let mut body = b"{\"input\":".to_vec();
        Speller::default().write(&mut body, input);
        body.push(b'}');
        let mut uploaded = Uploaded {
            server: self,
            check,
            id: format!("opsbox/{unique}/{}", encoded(&check.name)),
            package: rewritten.package,
            body: Arc::new(body),
            rules: rewrite::rules(&check.policy),
            deadline: time.map(|limit| (Instant::now() + limit, limit)),
            is_there: true,
        };
        let answer = uploaded
            .upload(rewritten.text)
            .and_then(|()| check::answer(check, &mut uploaded, |_| Vec::new()));
        let warning = uploaded.remove();
        (answer, warning)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Arc<Vec<u8>>,
        limit: Duration,
        patience: Patience,
    ) -> Result<Response, RegoError> {
        self.client
            .send(method, path, body, limit, patience)
            .map_err(|trouble| match trouble {
                Trouble::Interrupted => RegoError::Cancelled,
                Trouble::Failed(what) => self.fault(what),
            })
    }

    fn fault(&self, what: String) -> RegoError {
        RegoError::Server {
            url: self.shown.clone(),
            what,
        }
    }
}

/// A policy on the server; deleted at the latest when this is dropped.
struct Uploaded<'a> {
    server: &'a Server,
    check: &'a Check,
    id: String,
    package: Vec<String>,
    body: Arc<Vec<u8>>,
    rules: Vec<(String, u32)>,
    deadline: Option<(Instant, Duration)>,
    is_there: bool,
}

impl Uploaded<'_> {
    fn upload(&self, text: String) -> Result<(), RegoError> {
        let path = format!("/v1/policies/{}", self.id);
        let patience = Patience::ForAWhile(LATE_UPLOAD);
        let response = self.ask(Method::PUT, &path, Arc::new(text.into_bytes()), patience)?;
        match response.status {
            200 => Ok(()),
            _ => Err(said::refusal(self.server, self.check, &response)),
        }
    }

    /// Sends a request within its own limit and the check's.
    fn ask(
        &self,
        method: Method,
        path: &str,
        body: Arc<Vec<u8>>,
        patience: Patience,
    ) -> Result<Response, RegoError> {
        let Some((deadline, limit)) = self.deadline else {
            return self.server.send(method, path, body, REQUEST, patience);
        };
        let out_of_time = || RegoError::OutOfTime {
            place: Place::file(&self.check.file),
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(out_of_time());
        }
        let answer = self.server.send(method, path, body, left.min(REQUEST), patience);
        match answer {
            Err(RegoError::Server { .. }) if Instant::now() >= deadline => Err(out_of_time()),
            answer => answer,
        }
    }

    /// Deletes the policy; returns what to tell where that may not have worked.
    fn remove(&mut self) -> Option<String> {
        if !std::mem::take(&mut self.is_there) {
            return None;
        }
        let hurry = self.server.interrupt.is_set()
            || self
                .deadline
                .is_some_and(|(deadline, _)| deadline <= Instant::now());
        let limit = if hurry { LAST_REQUEST } else { REQUEST };
        let path = format!("/v1/policies/{}", self.id);
        let why = match self
            .server
            .send(Method::DELETE, &path, Arc::default(), limit, Patience::Endless)
        {
            // Not found is as good: it never arrived.
            Ok(response) if matches!(response.status, 200 | 404) => return None,
            Ok(response) => format!("the server answered with status {}", response.status),
            Err(error) => error.to_string(),
        };
        let Server { shown, .. } = self.server;
        Some(format!(
            "the policy of `{}` may still be on the OPA server: {why}; to remove it: curl -X DELETE {shown}{path}",
            self.check.name
        ))
    }
}

impl Drop for Uploaded<'_> {
    fn drop(&mut self) {
        // Only after a panic is it still there, and then there is nobody to tell.
        let _warning = self.remove();
    }
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
}

impl Rules for Uploaded<'_> {
    fn defines(&self, rule: &str) -> bool {
        let first = rule.split('.').next().unwrap_or(rule);
        self.rules.iter().any(|(name, _)| name == first)
    }

    fn value(&mut self, rule: &str) -> Result<Value, RegoError> {
        if !self.defines(rule) {
            let mut rules: Vec<_> = self.rules.iter().map(|(name, _)| name.clone()).collect();
            rules.sort();
            rules.dedup();
            return Err(RegoError::NoSuchRule {
                place: Place::file(&self.check.file),
                package: self.package[1..].join("."),
                rule: rule.to_owned(),
                near: outline::near(rule, &rules),
                rules,
            });
        }
        let parts = self.package.iter().map(String::as_str).chain(rule.split('.'));
        let mut path = String::from("/v1/data");
        for part in parts {
            path.push('/');
            path.push_str(&encoded(part));
        }
        if self.check.strict {
            path.push_str("?strict-builtin-errors=true");
        }
        let response = self.ask(Method::POST, &path, Arc::clone(&self.body), Patience::None)?;
        if response.status != 200 {
            return Err(said::refusal(self.server, self.check, &response));
        }
        let unreadable = |why: String| {
            self.server
                .fault(format!("gave an answer that cannot be read: {why}"))
        };
        let answered: Answered<'_> =
            serde_json::from_slice(&response.body).map_err(|error| unreadable(error.to_string()))?;
        match answered.result {
            None => Err(RegoError::Undefined {
                place: self.place_of(rule),
                rule: rule.to_owned(),
            }),
            Some(value) => data::parse("the OPA server's answer", value.get()),
        }
    }

    fn place_of(&self, rule: &str) -> Box<Place> {
        let first = rule.split('.').next().unwrap_or(rule);
        let mut lines = self
            .rules
            .iter()
            .filter(|(name, _)| name == first)
            .map(|(_, line)| *line);
        lines.next().map_or_else(
            || Place::file(&self.check.file),
            |line| Place::line(&self.check.file, &self.check.policy, line, None),
        )
    }
}

/// Returns a name that no other evaluation uses, on this machine or another: 128 random bits.
fn unique() -> String {
    // Each new state has keys of its own, seeded by the system.
    let bits = || RandomState::new().build_hasher().finish();
    format!("opsbox_{:016x}{:016x}", bits(), bits())
}

/// Returns a part of a path with everything escaped that has a meaning there.
fn encoded(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;

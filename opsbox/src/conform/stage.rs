//! What all scenes share: the plugin, how long it is waited for, and what was learned of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use opsbox_protocol::Hook;
use opsbox_protocol::message::{Cancel, InitializeResult};
use serde_json::{Map, Value};

use crate::halt::HaltSeen;
use crate::manifest::Manifest;
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, SessionContext};

use super::line::Answer;
use super::sample::Work;
use super::scene::Scene;

/// A method that no plugin has: every plugin answers it, and does nothing.
pub(crate) const NO_METHOD: &str = "opsbox_no_such_method";
/// The feature by which outputs are told that a Result holds a secret.
pub(crate) const PRIVATE: &str = "private";
/// How long an answer of the life cycle is waited for without `--timeout`: far longer than a host does, since this machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a hook is waited for without `--timeout`.
const WORK_PATIENCE: Duration = Duration::from_secs(300);
/// How long the end is waited for without `--timeout`, once its stdin has ended.
pub(super) const END_PATIENCE: Duration = Duration::from_secs(20);
/// How long is waited for something once it was waited for in vain.
const IN_VAIN: Duration = Duration::from_secs(1);
/// How long a plugin may take to end, as the protocol has it.
pub(crate) const END_LIMIT: Duration = Duration::from_secs(2);

/// What all scenes share.
pub(crate) struct Stage<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) ctx: &'a SessionContext,
    /// `--timeout`.
    pub(crate) limit: Option<Duration>,
    pub(crate) halt: HaltSeen,
    /// What was learned so far.
    pub(crate) facts: Facts,
    /// Methods that were waited for in vain: nobody waits so long for them again.
    pub(crate) late: RefCell<BTreeSet<String>>,
}

/// What the first scene learns of a plugin, for the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Whether its answer to `initialize` could be read.
    pub(crate) introduced: bool,
    /// What it listed in its answer to `initialize`.
    pub(crate) hooks: Vec<String>,
    /// The features that it listed.
    pub(crate) features: Vec<String>,
    /// What it says that it does with `$/cancel`.
    pub(crate) cancel: Cancel,
    /// The schema of its configuration.
    pub(crate) schema: Value,
    /// What it is configured with.
    pub(crate) config: Map<String, Value>,
    /// Values that must be seen nowhere: of each secret field the field and its value.
    pub(crate) secrets: Vec<(String, String)>,
    /// The calls that make it work.
    pub(crate) works: Vec<Work>,
}

impl Facts {
    /// Returns whether it listed a hook.
    pub(crate) fn has(&self, hook: Hook) -> bool {
        self.hooks.iter().any(|name| name == hook.method())
    }

    /// Returns whether it listed a feature.
    pub(crate) fn knows(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}

impl<'a> Stage<'a> {
    /// Returns what is started.
    ///
    /// # Errors
    /// Where the program is not there.
    pub(crate) fn spec(&self) -> Result<SessionSpec, PluginError> {
        SessionSpec::of(self.manifest, self.ctx)
    }

    /// Returns how long the answer to a method is waited for.
    pub(super) fn patience(&self, method: &str) -> Duration {
        let own = &self.manifest.timeouts;
        let usual = match Hook::from_method(method) {
            Some(Hook::Initialize) => own.handshake.unwrap_or_default().max(PATIENCE),
            Some(Hook::Activate) => own.activate.unwrap_or_default().max(PATIENCE),
            Some(Hook::GrabConfig | Hook::SetData | Hook::Shutdown) | None => PATIENCE,
            Some(_) => WORK_PATIENCE,
        };
        self.once(method, self.limit.unwrap_or(usual))
    }

    /// Shortens the patience for what was waited for in vain before.
    pub(super) fn once(&self, what: &str, patience: Duration) -> Duration {
        if self.late.borrow().contains(what) {
            patience.min(IN_VAIN)
        } else {
            patience
        }
    }

    /// Notes what was waited for in vain.
    pub(super) fn in_vain(&self, what: &str) {
        self.late.borrow_mut().insert(what.to_owned());
    }
}

/// Returns a request as a host writes it, with its `\n`.
pub(crate) fn request(id: u64, method: &str, params: &str) -> Vec<u8> {
    let mut line = opsbox_protocol::outgoing::request_head(id, method).into_bytes();
    line.extend_from_slice(params.as_bytes());
    line.extend_from_slice(opsbox_protocol::outgoing::TAIL.as_bytes());
    line
}

/// Returns what the plugin said of itself.
pub(crate) fn introduction(scene: &Scene) -> Option<InitializeResult> {
    match scene.answer("initialize")? {
        Answer::Result(value) => serde_json::from_value(value).ok(),
        Answer::Error(..) => None,
    }
}

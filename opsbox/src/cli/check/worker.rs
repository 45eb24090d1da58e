//! The child that evaluates policies, for commands: one for many questions, started anew where a policy killed it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opsbox_protocol::Expect;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::halt::HaltSeen;
use crate::manifest::Manifest;
use crate::plugin::event::Sink;
use crate::plugin::launch::SessionSpec;
use crate::plugin::{PluginError, Reply, ResultSlice, Session, SessionContext};
use crate::run::rego::{Want, check_request, of_policy, patience};
use crate::ui::Ui;

/// How long a policy may take where nobody says.
pub(super) const POLICY_LIMIT: Duration = Duration::from_secs(60);

/// Starts a worker.
pub(super) async fn worker(
    ui: &Arc<Ui>,
    ctx: &SessionContext,
    halt: HaltSeen,
) -> Result<Session, PluginError> {
    let (ui, secrets) = (Arc::clone(ui), ctx.secrets.clone());
    let sink: Sink = Arc::new(move |event| ui.said("rego", secrets.event(event)));
    Session::start(SessionSpec::rego_worker("file", false, ctx), ctx, sink, halt).await
}

/// What came of a check, and which lines of its policy it reached.
#[derive(Debug, Deserialize)]
pub(super) struct Examined {
    /// The check's answer.
    #[serde(default)]
    pub(super) answer: Option<Answered>,
    /// Why there is none.
    #[serde(default)]
    pub(super) error: Option<Refused>,
    /// Where sets are in what was found.
    #[serde(default)]
    pub(super) sets: Vec<String>,
    /// The lines that were evaluated.
    #[serde(default)]
    pub(super) covered: Vec<u32>,
    /// The lines with an expression that were not.
    #[serde(default)]
    pub(super) not_covered: Vec<u32>,
}

/// The answer of a check.
#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    /// Whether the check's subject is there at all.
    pub(super) applies: bool,
    /// The Result.
    pub(super) result: Found,
}

/// The part of a Result that a test looks at.
#[derive(Debug, Deserialize)]
pub(super) struct Found {
    /// The findings, as they are spelt.
    pub(super) details: Box<RawValue>,
}

/// Why a policy gave no answer.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    /// What is wrong, with file and line.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

/// A worker that is asked for one check after the other.
pub(super) struct Evaluator<'a> {
    ui: &'a Arc<Ui>,
    ctx: &'a SessionContext,
    halt: HaltSeen,
    session: Option<Session>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(ui: &'a Arc<Ui>, ctx: &'a SessionContext, halt: HaltSeen) -> Self {
        Self {
            ui,
            ctx,
            halt,
            session: None,
        }
    }

    /// Evaluates a check on data.
    ///
    /// # Errors
    /// Where the worker ended, or the policy ran too long.
    pub(super) async fn examine(
        &mut self,
        manifest: &Manifest,
        config: &Map<String, Value>,
        data: &ResultSlice,
    ) -> Result<Examined, PluginError> {
        let limit = manifest.timeouts.hook_total.unwrap_or(POLICY_LIMIT);
        let mut request = check_request(manifest, config, data, Want::Examination, limit)?;
        // The request is an object; the data goes before its last brace.
        request.pop();
        let pieces = vec![
            request.into(),
            Bytes::from_static(b",\"data\":"),
            data.bytes.clone(),
            Bytes::from_static(b"}"),
        ];
        let session = self.session().await?;
        let outcome = session
            .request_within("x-opsbox/rego/check", Expect::Raw, pieces, patience(limit))
            .await;
        let file = manifest.rego.as_ref().map_or("", |rego| &rego.file);
        let shape = |why: String| PluginError::Shape {
            method: "x-opsbox/rego/check".into(),
            why,
        };
        match outcome.answer.map_err(|error| of_policy(error, file))? {
            Reply::Raw(bytes) => serde_json::from_slice(&bytes).map_err(|error| shape(error.to_string())),
            Reply::Results(_) => Err(shape("Results where an examination was expected".into())),
        }
    }

    async fn session(&mut self) -> Result<&mut Session, PluginError> {
        if let Some(dead) = self.session.take_if(|session| session.is_dead()) {
            dead.stop().await;
        }
        if self.session.is_none() {
            self.session = Some(worker(self.ui, self.ctx, self.halt.clone()).await?);
        }
        self.session.as_mut().ok_or(PluginError::Cancelled {
            method: "initialize".into(),
        })
    }

    pub(super) async fn stop(self) {
        if let Some(session) = self.session {
            session.stop().await;
        }
    }
}

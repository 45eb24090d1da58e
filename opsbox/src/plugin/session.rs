//! The life cycle of one plugin: spawn, handshake, configure, activate, call, stop.

pub(crate) mod end;
mod held;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opsbox_protocol::message::{
    Cancel, FEATURES, HostInfo, InitializeParams, InitializeResult, Limits, SetDataParams, VersionRange,
};
use opsbox_protocol::{Expect, Hook, VERSION, code};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use crate::halt::{Halt, HaltSeen};
use crate::manifest::Caps;

use super::call::{Gap, Reply};
use super::error::PluginError;
use super::event::Sink;
pub use super::launch::SessionContext;
use super::launch::{Clocks, SessionSpec};
use super::meter;
use super::peer::{Order, Pieces, Shared};
use super::pin;
use super::process::{Pipes, Process};
use super::reader;
use super::supervise::{supervise, watch_writer};
use super::writer;
use super::zygote;
pub(crate) use held::Killer;
use wait::Deadlines;

/// A plugin that has shaken hands.
pub struct Session {
    name: String,
    shared: Arc<Shared>,
    process: Arc<Process>,
    clocks: Clocks,
    halt: HaltSeen,
    /// The halt at which a call is cancelled.
    cancel_at: Halt,
    hello: InitializeResult,
    caps: Caps,
    /// Gaps reported before the first call of a hook.
    carried: Vec<Gap>,
    writer: JoinHandle<()>,
}

/// What a call brought: the answer, and what could not be looked at.
#[derive(Debug)]
pub struct CallOutcome {
    /// The answer.
    pub answer: Result<Reply, PluginError>,
    /// The gaps that the plugin reported for this call; they count whatever the answer is.
    pub gaps: Vec<Gap>,
}

impl Session {
    /// Starts the process and shakes hands. A plugin that fails is killed, with its group.
    ///
    /// # Errors
    /// Why the plugin cannot be used.
    pub async fn start(
        mut spec: SessionSpec,
        ctx: &SessionContext,
        sink: Sink,
        halt: HaltSeen,
    ) -> Result<Self, PluginError> {
        let (low, high) = spec.protocol;
        if !(low..=high).contains(&VERSION) {
            let theirs = if low == high {
                low.to_string()
            } else {
                format!("{low} to {high}")
            };
            return Err(PluginError::Version {
                theirs,
                ours: VERSION.to_string(),
            });
        }
        let cancel_at = if spec.delivers { Halt::Abort } else { Halt::Cancel };
        pin::check(spec.pinned.clone()).await?;
        let trace = ctx
            .traces
            .as_ref()
            .and_then(|traces| traces.open(&spec.name, &sink));
        spec.process.trace.clone_from(&trace);
        let (process, Pipes { stdin, stdout }) = zygote::spawn(&spec, ctx, &sink, &halt, cancel_at).await?;
        let program = spec.process.program.display();
        tracing::debug!("started `{}`: {program}, process {}", spec.name, process.id());
        process.restrict(&spec.caps);
        let process = Arc::new(process);
        if let Some(trace) = &trace {
            trace.process(&format!("process {} started: {program}", process.id()));
        }
        let (shared, lane) = Shared::new(sink, ctx.secrets.clone(), trace.clone());
        let reading = tokio::spawn(reader::read_all(stdout, Arc::clone(&shared)));
        let writing = writer::write_all(stdin, lane, spec.clocks.stdin_stall, trace.clone());
        let writer = tokio::spawn(watch_writer(
            writing,
            Arc::clone(&shared),
            Arc::clone(&process),
            spec.clocks,
        ));
        tokio::spawn(supervise(
            reading,
            spec.caps,
            Arc::clone(&shared),
            Arc::clone(&process),
            trace,
        ));
        let metered = meter::watch(
            Arc::clone(&ctx.meter),
            spec.caps,
            Arc::clone(&process),
            Arc::clone(&shared),
        );
        tokio::spawn(metered);
        let hello = InitializeResult {
            protocol: VERSION,
            plugin: opsbox_protocol::message::PluginInfo {
                name: spec.name.clone(),
                version: String::new(),
            },
            hooks: Vec::new(),
            features: Vec::new(),
            cancel: Cancel::None,
        };
        let mut session = Self {
            name: spec.name.clone(),
            shared,
            process,
            clocks: spec.clocks,
            caps: spec.caps,
            halt,
            cancel_at,
            hello,
            carried: Vec::new(),
            writer,
        };
        match session.shake_hands(&spec, ctx).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.kill().await;
                Err(error)
            }
        }
    }

    async fn shake_hands(&mut self, spec: &SessionSpec, ctx: &SessionContext) -> Result<(), PluginError> {
        let params = InitializeParams {
            protocol: VersionRange {
                min: VERSION,
                max: VERSION,
            },
            host: HostInfo {
                name: "opsbox".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                pid: std::process::id(),
            },
            plugin: spec.name.clone(),
            limits: Limits::with_line_bytes(spec.line_bytes),
            features: FEATURES.iter().map(|feature| (*feature).to_owned()).collect(),
            log_level: ctx.log_level,
            cwd: ctx.cwd.display().to_string(),
            terminal: ctx.terminal,
        };
        let answer = self
            .simple(Hook::Initialize, &params, self.clocks.handshake, "handshake")
            .await;
        let raw = answer.map_err(|error| match error {
            PluginError::Answered { body, .. } if body.code == code::UNSUPPORTED_PROTOCOL => {
                PluginError::Version {
                    theirs: body.message,
                    ours: VERSION.to_string(),
                }
            }
            other => other,
        })?;
        let hello: InitializeResult = serde_json::from_slice(&raw).map_err(|error| PluginError::Shape {
            method: Hook::Initialize.method().into(),
            why: error.to_string(),
        })?;
        if hello.protocol != VERSION {
            let theirs = hello.protocol.to_string();
            return Err(PluginError::Version {
                theirs,
                ours: VERSION.to_string(),
            });
        }
        self.hello = hello;
        if let Some(hook) = spec.role_hook.filter(|hook| !self.has(*hook)) {
            return Err(self.lacks(hook));
        }
        self.shared.handshake_done(spec.line_bytes);
        Ok(())
    }

    /// Returns the plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the plugin said of itself.
    pub fn hello(&self) -> &InitializeResult {
        &self.hello
    }

    /// Returns whether the plugin implements a hook.
    pub fn has(&self, hook: Hook) -> bool {
        self.hello.hooks.iter().any(|name| name == hook.method())
    }

    /// Returns whether the plugin knows an addition to the protocol; the host knows all of [`FEATURES`].
    pub fn knows(&self, feature: &str) -> bool {
        self.hello.features.iter().any(|known| known == feature)
    }

    /// Returns whether the plugin can take no further call.
    pub fn is_dead(&self) -> bool {
        self.shared.is_dead()
    }

    /// Returns why the plugin can take no further call; `None` where it can.
    pub fn died_of(&self) -> Option<PluginError> {
        self.shared.died_of()
    }

    /// Asks for the JSON Schema of the configuration; `None` where the plugin has no such hook.
    ///
    /// # Errors
    /// As the call's, or where the answer is no JSON Schema object.
    pub async fn grab_config(&mut self) -> Result<Option<Value>, PluginError> {
        if !self.has(Hook::GrabConfig) {
            return Ok(None);
        }
        let raw = self
            .simple(
                Hook::GrabConfig,
                &Map::new(),
                self.clocks.grab_config,
                "grab_config",
            )
            .await?;
        let shape = |why: String| PluginError::Shape {
            method: Hook::GrabConfig.method().into(),
            why,
        };
        let schema: Value = serde_json::from_slice(&raw).map_err(|error| shape(error.to_string()))?;
        match schema {
            Value::Null => Ok(None),
            Value::Object(_) => Ok(Some(schema)),
            _ => Err(shape("a JSON Schema object is expected".into())),
        }
    }

    /// Hands over the configuration, where the plugin wants one.
    ///
    /// # Errors
    /// As the call's.
    pub async fn set_data(&mut self, config: Map<String, Value>) -> Result<(), PluginError> {
        if !self.has(Hook::SetData) {
            return Ok(());
        }
        let params = SetDataParams { config };
        self.simple(Hook::SetData, &params, self.clocks.set_data, "set_data")
            .await
            .map(drop)
    }

    /// Activates the plugin, where it wants to be.
    ///
    /// # Errors
    /// As the call's.
    pub async fn activate(&mut self) -> Result<(), PluginError> {
        if !self.has(Hook::Activate) {
            return Ok(());
        }
        self.simple(Hook::Activate, &Map::new(), self.clocks.activate, "activate")
            .await
            .map(drop)
    }

    /// Calls a hook of the plugin's role, under the idle and the total clock.
    pub async fn call(&mut self, hook: Hook, params: Pieces) -> CallOutcome {
        if !self.has(hook) {
            return CallOutcome {
                answer: Err(self.lacks(hook)),
                gaps: Vec::new(),
            };
        }
        self.request(hook.method(), hook.expects(), params).await
    }

    fn lacks(&self, hook: Hook) -> PluginError {
        let hooks = &self.hello.hooks;
        PluginError::NoHook {
            method: hook.method().into(),
            listed: if hooks.is_empty() {
                "none".into()
            } else {
                hooks.join(", ")
            },
        }
    }

    /// Calls any method, under the clocks of a hook.
    pub async fn request(&mut self, method: &str, expect: Expect, params: Pieces) -> CallOutcome {
        self.request_within(method, expect, params, self.clocks.hook_total)
            .await
    }

    /// Calls any method with a total clock of its own.
    pub async fn request_within(
        &mut self,
        method: &str,
        expect: Expect,
        params: Pieces,
        total: Option<Duration>,
    ) -> CallOutcome {
        let order = Order {
            method,
            expect,
            params,
            desk: None,
        };
        self.work(order, total, None).await
    }

    async fn simple<P: serde::Serialize>(
        &mut self,
        hook: Hook,
        params: &P,
        limit: Option<Duration>,
        key: &'static str,
    ) -> Result<Bytes, PluginError> {
        let params = serde_json::to_vec(params).map_err(|error| PluginError::Shape {
            method: hook.method().into(),
            why: error.to_string(),
        })?;
        let deadlines = Deadlines {
            total: limit.map(|limit| (limit, key)),
            idle: None,
        };
        let order = Order {
            method: hook.method(),
            expect: Expect::Raw,
            params: vec![Bytes::from(params)],
            desk: None,
        };
        let outcome = self.wait_for(order, deadlines, None).await;
        // What could not be reached while the plugin got ready is missing from its first answer.
        self.carried.extend(outcome.gaps);
        match outcome.answer? {
            Reply::Raw(bytes) => Ok(bytes),
            Reply::Results(_) => Ok(Bytes::from_static(b"null")),
        }
    }
}

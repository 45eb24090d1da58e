//! Warm Python parents: one for each interpreter that several plugins share, forked for each of them.
//!
//! The interpreter's start and the imports that plugins have in common are paid once. Whatever keeps a plugin from being forked, it is
//! started cold instead, and a log line says so; the plugin sees no difference.

mod grave;
mod parent;
mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opsbox_protocol::Hook;
use rustix::process::Signal;

use crate::halt::{self, Halt, HaltSeen};
use crate::manifest::Manifest;

use super::error::PluginError;
use super::event::Sink;
use super::launch::{SessionContext, SessionSpec};
use super::process::{Pipes, Process};
use parent::Zygote;

/// The least number of plugins that share an interpreter for which a warm parent pays.
const LEAST: usize = 2;
/// How long an answer about the end of a child may take.
const REAP: Duration = Duration::from_secs(5);

/// The warm parents of a run or of a command, by interpreter.
#[derive(Debug)]
pub struct Zygotes(BTreeMap<PathBuf, Zygote>);

impl Zygotes {
    /// Starts a warm parent for every interpreter by which two or more of these plugins run; none where that is switched off.
    ///
    /// It returns at once: the plugins wait for it, each for itself.
    pub fn start<'a>(
        manifests: impl IntoIterator<Item = &'a Manifest>,
        ctx: &SessionContext,
    ) -> Option<Arc<Self>> {
        // Elsewhere there is no `pidfd`, and system libraries do not bear a fork.
        if ctx.no_zygote || !cfg!(target_os = "linux") {
            return None;
        }
        let mut shared: BTreeMap<PathBuf, Vec<SessionSpec>> = BTreeMap::new();
        // What is wrong with a plugin is told where it is started.
        let specs = manifests
            .into_iter()
            .filter_map(|manifest| SessionSpec::of(manifest, ctx).ok());
        for spec in specs.filter(|spec| spec.bridged) {
            let same = shared.entry(spec.process.program.clone()).or_default();
            same.push(spec);
        }
        let mut zygotes = BTreeMap::new();
        for (program, specs) in shared.into_iter().filter(|(_, specs)| specs.len() >= LEAST) {
            match Zygote::start(&specs, ctx) {
                Ok(zygote) => {
                    zygotes.insert(program, zygote);
                }
                Err(why) => not_warm(&program, &why),
            }
        }
        (!zygotes.is_empty()).then(|| Arc::new(Self(zygotes)))
    }

    /// Ends them. Plugins that still run go on without.
    pub async fn end(&self) {
        for zygote in self.0.values() {
            zygote.process().signal(Signal::KILL);
        }
        for zygote in self.0.values() {
            // One in an uninterruptible wait is not waited for.
            let _end = zygote.process().ended(REAP).await;
        }
    }
}

/// Returns whether a plugin's process will be forked from a warm parent, as soon as that is known.
pub(crate) async fn forks(spec: &SessionSpec, ctx: &SessionContext) -> bool {
    match parent_of(spec, ctx) {
        Some(zygote) => zygote.is_ready().await,
        None => false,
    }
}

fn parent_of<'a>(spec: &SessionSpec, ctx: &'a SessionContext) -> Option<&'a Zygote> {
    let zygotes = ctx.zygotes.as_ref().filter(|_| spec.bridged)?;
    zygotes.0.get(&spec.process.program)
}

/// Starts a plugin's process: forks it where there is a warm parent for it, else starts it cold.
///
/// # Errors
/// [`PluginError::Spawn`] as for any process, [`PluginError::Cancelled`] where the halt came first.
pub(crate) async fn spawn(
    spec: &SessionSpec,
    ctx: &SessionContext,
    sink: &Sink,
    halt: &HaltSeen,
    cancel_at: Halt,
) -> Result<(Process, Pipes), PluginError> {
    if let Some(zygote) = parent_of(spec, ctx) {
        let mut halt = halt.clone();
        let forked = tokio::select! {
            forked = zygote.fork(&spec.process, sink) => forked,
            () = halt::reached(&mut halt, cancel_at) => {
                return Err(PluginError::Cancelled { method: Hook::Initialize.method().into() });
            }
        };
        match forked {
            Ok(made) => return Ok(made),
            Err(why) => tracing::debug!("`{}` is started cold: {why}", spec.name),
        }
    }
    Process::spawn(&spec.process, sink, ctx.guardian.as_ref())
}

fn not_warm(program: &Path, why: &str) {
    tracing::debug!("no warm parent for `{}`: {why}", program.display());
}

//! Warm Python parents: one for each interpreter that several plugins share, forked for each of them.
//!
//! The interpreter's start and the imports that plugins have in common are paid once. Whatever keeps a plugin from being forked, it is
//! started cold instead, and a log line says so; the plugin sees no difference.

mod wire;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use opsbox_protocol::Hook;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch};

use crate::environ;
use crate::halt::{self, Halt, HaltSeen};
use crate::manifest::Manifest;

use super::error::PluginError;
use super::event::{Event, Sink};
use super::guardian::Guardian;
use super::launch::{SessionContext, SessionSpec, host_variables};
use super::process::{End, Life, Pipes, Process, ProcessSpec};
use wire::Command;

/// The least number of plugins that share an interpreter for which a warm parent pays.
const LEAST: usize = 2;
/// How long an answer about the end of a child may take.
const REAP: Duration = Duration::from_secs(5);
const SCRIPT: &str = "zygote.py";
/// Variables that an interpreter, or a package that is imported early, reads only once.
const READ_AT_START: [&str; 7] = [
    "PYTHON*",
    "LD_*",
    "LC_*",
    "LANG",
    "LOGURU_*",
    "PYDANTIC_*",
    "MALLOC_*",
];

/// The warm parents of a run or of a command, by interpreter.
#[derive(Debug)]
pub struct Zygotes(BTreeMap<PathBuf, Zygote>);

/// A warm parent.
#[derive(Debug)]
struct Zygote {
    process: Arc<Process>,
    commands: mpsc::UnboundedSender<Command>,
    /// The environment it was started with.
    env: BTreeMap<OsString, OsString>,
    guardian: Option<Arc<Guardian>>,
}

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
            zygote.process.signal(Signal::KILL);
        }
        for zygote in self.0.values() {
            let _end = zygote.process.ended(REAP).await;
        }
    }
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
    let warm = ctx
        .zygotes
        .as_ref()
        .filter(|_| spec.bridged)
        .and_then(|zygotes| zygotes.0.get(&spec.process.program));
    if let Some(zygote) = warm {
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

impl Zygote {
    fn start(specs: &[SessionSpec], ctx: &SessionContext) -> Result<Self, String> {
        let process = &specs[0].process;
        let (Some((_, args)), env) = (process.args.split_last(), host_variables(ctx)) else {
            return Err("its command line is empty".into());
        };
        let mut args = args.to_vec();
        if let Some(script) = args.last_mut() {
            *script = Path::new(script).with_file_name(SCRIPT).into_os_string();
        }
        let spec = ProcessSpec {
            program: process.program.clone(),
            args,
            env: env.clone(),
            cwd: ctx.cwd.clone(),
        };
        // A system without it is one to start plugins cold on.
        drop(pidfd(rustix::process::getpid()).map_err(|error| format!("no pidfd: {error}"))?);
        let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
        let ours = ours
            .set_nonblocking(true)
            .and_then(|()| tokio::net::UnixStream::from_std(ours))
            .map_err(|error| error.to_string())?;
        let sink: Sink = Arc::new(|event| {
            if let Event::Stderr(line) = event {
                tracing::debug!("the warm Python parent: {line}");
            }
        });
        let process = Process::spawn_on(OwnedFd::from(theirs), &spec, &sink, ctx.guardian.as_ref())
            .map_err(|error| error.to_string())?;
        tracing::debug!(
            "started a warm parent for {} plugins: {}, process {}",
            specs.len(),
            spec.program.display(),
            process.id()
        );
        let process = Arc::new(process);
        let planned: Vec<_> = specs.iter().filter_map(|spec| spec.process.args.last()).collect();
        let frame = joined(planned.into_iter().map(OsString::as_os_str));
        let (commands, rx) = mpsc::unbounded_channel();
        let (process_of, guardian) = (Arc::clone(&process), ctx.guardian.clone());
        let watcher = guardian.clone();
        tokio::spawn(async move {
            let served_well = wire::serve(ours, frame, rx, watcher.as_deref()).await;
            process_of.signal(Signal::KILL);
            if let Err(why) = served_well {
                let said = process_of.stderr_tail().await;
                let said = said.last().map(String::as_str).unwrap_or_default();
                not_warm(&spec.program, format!("{why} {said}").trim_end());
            }
        });
        Ok(Self {
            process,
            commands,
            env,
            guardian,
        })
    }

    /// Forks a plugin.
    ///
    /// # Errors
    /// Why it has to be started cold.
    async fn fork(&self, spec: &ProcessSpec, sink: &Sink) -> Result<(Process, Pipes), String> {
        if let Some(name) = self.read_at_start(&spec.env) {
            return Err(format!(
                "its variable `{name}` is read at the interpreter's start"
            ));
        }
        let system = |error: io::Error| error.to_string();
        let (stdin_end, stdin) = io::pipe().map_err(system)?;
        let (stdout, stdout_end) = io::pipe().map_err(system)?;
        let (stderr, stderr_end) = io::pipe().map_err(system)?;
        let stdin = ChildStdin::from_std(OwnedFd::from(stdin).into()).map_err(system)?;
        let stdout = ChildStdout::from_std(OwnedFd::from(stdout).into()).map_err(system)?;
        let stderr = ChildStderr::from_std(OwnedFd::from(stderr).into()).map_err(system)?;
        let (answer, answered) = oneshot::channel();
        let fork = Command::Fork {
            frame: frame_of(spec),
            ends: [stdin_end.into(), stdout_end.into(), stderr_end.into()],
            answer,
        };
        let gone = "the warm parent is gone";
        self.commands.send(fork).map_err(|_| gone)?;
        let pid = answered.await.map_err(|_| gone)??;
        let (tx, life) = watch::channel(Life::Alive);
        let watched = pidfd(pid).and_then(Receiver::from_owned_fd_unchecked);
        let follow = Follow {
            pid,
            life: tx,
            commands: self.commands.clone(),
            guardian: self.guardian.clone(),
        };
        match watched {
            Ok(fd) => tokio::spawn(async move {
                // A pidfd is no pipe, but waited for like one: it is readable from the death on.
                let _dead = fd.readable().await;
                follow.bury().await;
            }),
            Err(error) => {
                follow.bury().await;
                return Err(format!("no pidfd: {error}"));
            }
        };
        Ok((
            Process::forked(pid, life, stderr, sink),
            Pipes::new(stdin, stdout),
        ))
    }

    /// Returns a variable in which a plugin's environment differs, and which it is too late to change.
    fn read_at_start(&self, env: &BTreeMap<OsString, OsString>) -> Option<String> {
        let both = env.keys().chain(self.env.keys());
        both.filter_map(|name| name.to_str())
            .find(|name| {
                let name: &OsStr = name.as_ref();
                environ::matches(&name.to_string_lossy(), &READ_AT_START)
                    && env.get(name) != self.env.get(name)
            })
            .map(str::to_owned)
    }
}

/// What has to be done after a forked process's death.
struct Follow {
    pid: Pid,
    life: watch::Sender<Life>,
    commands: mpsc::UnboundedSender<Command>,
    guardian: Option<Arc<Guardian>>,
}

impl Follow {
    /// Ends what is left of the group, and learns the status. The number stays the process's own until it is reaped.
    async fn bury(self) {
        let _gone = kill_process_group(self.pid, Signal::KILL);
        if let Some(guardian) = &self.guardian {
            guardian.forget(self.pid);
        }
        self.life.send_replace(Life::Dead);
        let (answer, answered) = oneshot::channel();
        // Without a warm parent nobody knows the status; the receiver then hears nothing.
        let _sent = self.commands.send(Command::Reap {
            pid: self.pid,
            answer,
        });
        let end = match tokio::time::timeout(REAP, answered).await {
            Ok(Ok(status)) => End::Status(status),
            _ => End::Unknown,
        };
        self.life.send_replace(Life::Ended(end));
    }
}

fn not_warm(program: &Path, why: &str) {
    tracing::debug!("no warm parent for `{}`: {why}", program.display());
}

/// Returns what a child needs to know to become the plugin: the bridge's argument, the folder, the variables.
fn frame_of(spec: &ProcessSpec) -> Vec<u8> {
    let variables = spec.env.iter().map(|(name, value)| {
        let mut variable = name.clone();
        variable.push("=");
        variable.push(value);
        variable
    });
    let argument = spec.args.last().cloned().unwrap_or_default();
    let parts: Vec<_> = [argument, spec.cwd.clone().into_os_string()]
        .into_iter()
        .chain(variables)
        .collect();
    joined(parts.iter().map(OsString::as_os_str))
}

/// Joins texts of the system by what none of them can hold.
fn joined<'a>(parts: impl Iterator<Item = &'a OsStr>) -> Vec<u8> {
    parts.map(OsStr::as_bytes).collect::<Vec<_>>().join(&0)
}

#[cfg(target_os = "linux")]
fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    Ok(rustix::process::pidfd_open(
        pid,
        rustix::process::PidfdFlags::empty(),
    )?)
}

#[cfg(not(target_os = "linux"))]
fn pidfd(_: Pid) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

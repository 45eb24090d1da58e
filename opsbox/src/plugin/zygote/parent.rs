//! One warm parent: started with a socket, asked for a process for each plugin.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use rustix::process::Signal;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot, watch};

use super::grave::{self, Grave};
use super::not_warm;
use super::wire::{self, Command};
use crate::environ;
use crate::plugin::event::{Event, Sink};
use crate::plugin::guardian::Guardian;
use crate::plugin::launch::{SessionContext, SessionSpec, host_variables};
use crate::plugin::process::{Pipes, Process, ProcessSpec};

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

/// A warm parent.
#[derive(Debug)]
pub(super) struct Zygote {
    process: Arc<Process>,
    commands: mpsc::UnboundedSender<Command>,
    /// Whether it can be forked; closed where it cannot.
    ready: watch::Receiver<bool>,
    /// The environment it was started with.
    env: BTreeMap<OsString, OsString>,
    guardian: Option<Arc<Guardian>>,
}

impl Zygote {
    /// Starts the process. It imports what these plugins have in common while the host goes on.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn start(specs: &[SessionSpec], ctx: &SessionContext) -> Result<Self, String> {
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
            secrets: ctx.secrets.clone(),
            trace: None,
        };
        // A system without it is one to start plugins cold on.
        drop(grave::pidfd(rustix::process::getpid()).map_err(|error| format!("no pidfd: {error}"))?);
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
        let (ready_tx, ready) = watch::channel(false);
        tokio::spawn(async move {
            let served_well = wire::serve(ours, frame, rx, ready_tx, watcher.as_deref()).await;
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
            ready,
            env,
            guardian,
        })
    }

    /// Returns whether it can be forked, as soon as it has said so.
    pub(super) async fn is_ready(&self) -> bool {
        self.ready.clone().wait_for(|ready| *ready).await.is_ok()
    }

    /// Forks a plugin.
    ///
    /// # Errors
    /// Why it has to be started cold.
    pub(super) async fn fork(&self, spec: &ProcessSpec, sink: &Sink) -> Result<(Process, Pipes), String> {
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
        let grave = Grave {
            pid,
            commands: self.commands.clone(),
            guardian: self.guardian.clone(),
        };
        let life = grave
            .watch()
            .await
            .map_err(|error| format!("no pidfd: {error}"))?;
        Ok((
            Process::forked(pid, life, stderr, spec, sink),
            Pipes::new(stdin, stdout),
        ))
    }

    /// Returns its own process.
    pub(super) fn process(&self) -> &Process {
        &self.process
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

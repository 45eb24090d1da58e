//! A child process: its own group, stderr drained, reaped at once, and no member of its group left behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use crate::error::scarce;
use crate::manifest::Caps;
use crate::redact::Secrets;

use super::caps;
use super::error::PluginError;
use super::event::Sink;
use super::guardian::Guardian;
use super::stderr::Tail;
use super::tool;
use crate::trace::Tracer;

/// One pipe page budget; larger than the default of 64 KiB it halves the wake-ups for large payloads.
const PIPE_BYTES: usize = 1024 * 1024;

/// What to start.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// The resolved program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// What is replaced in its stderr.
    pub secrets: Secrets,
    /// Where its wire is kept; `None`: nowhere.
    pub trace: Option<Arc<Tracer>>,
}

/// A running process: the host's own child, or one that a warm parent forked. Dropping it kills the whole group.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    life: watch::Receiver<Life>,
    stderr: Tail,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this status.
    Status(ExitStatus),
    /// Nobody knows: the process that forked it had ended before.
    Unknown,
}

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs.
    Alive,
    /// It is dead, and its number may soon be another's: it gets no signal any more.
    Dead,
    /// It is dead, and that is all there is to learn.
    Ended(End),
}

/// The two ends of the wire.
#[derive(Debug)]
pub struct Pipes {
    /// Host to plugin.
    pub stdin: ChildStdin,
    /// Plugin to host.
    pub stdout: ChildStdout,
}

impl Process {
    /// Starts a child in its own process group.
    ///
    /// # Errors
    /// [`PluginError::Spawn`] with the system's reason.
    pub fn spawn(
        spec: &ProcessSpec,
        sink: &Sink,
        guardian: Option<&Arc<Guardian>>,
    ) -> Result<(Self, Pipes), PluginError> {
        let mut child = start(spec, Stdio::piped(), Stdio::piped())?;
        let missing = || refused(spec, "its pipes are missing".into(), None);
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let process = Self::of_child(spec, child, sink, guardian)?;
        Ok((process, Pipes::new(stdin, stdout)))
    }

    /// Starts a helper that is spoken to by a socket, its stdin.
    ///
    /// # Errors
    /// [`PluginError::Spawn`] with the system's reason.
    pub(super) fn spawn_on(
        socket: OwnedFd,
        spec: &ProcessSpec,
        sink: &Sink,
        guardian: Option<&Arc<Guardian>>,
    ) -> Result<Self, PluginError> {
        let child = start(spec, Stdio::from(socket), Stdio::null())?;
        Self::of_child(spec, child, sink, guardian)
    }

    fn of_child(
        spec: &ProcessSpec,
        mut child: Child,
        sink: &Sink,
        guardian: Option<&Arc<Guardian>>,
    ) -> Result<Self, PluginError> {
        let missing = || refused(spec, "its pipes are missing".into(), None);
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .ok_or_else(missing)?;
        if let Some(guardian) = guardian {
            guardian.watch(pid);
        }
        caps::no_core(pid);
        let (tx, life) = watch::channel(Life::Alive);
        tokio::spawn(reap(child, pid, tx, guardian.cloned()));
        Ok(Self {
            pid,
            life,
            stderr: Tail::of(stderr, sink, spec),
        })
    }

    /// Takes over a process that somebody else forked, and who says where it stands.
    pub(super) fn forked(
        pid: Pid,
        life: watch::Receiver<Life>,
        stderr: ChildStderr,
        spec: &ProcessSpec,
        sink: &Sink,
    ) -> Self {
        caps::no_core(pid);
        Self {
            pid,
            life,
            stderr: Tail::of(stderr, sink, spec),
        }
    }

    /// Returns the process id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until the process has ended, at most for `limit`; `None` where it still lives.
    pub async fn ended(&self, limit: Duration) -> Option<End> {
        let mut life = self.life.clone();
        let wait = async move {
            let life = life.wait_for(|life| matches!(life, Life::Ended(_))).await;
            match life.as_deref() {
                Ok(Life::Ended(end)) => Some(*end),
                _ => None,
            }
        };
        tokio::time::timeout(limit, wait).await.ok().flatten()
    }

    /// Has the kernel keep these limits for the process and all that it starts from now on.
    pub(super) fn restrict(&self, limits: &Caps) {
        if !self.has_ended() {
            caps::restrict(self.pid, limits);
        }
    }

    /// Returns whether the process is dead.
    pub fn has_ended(&self) -> bool {
        *self.life.borrow() != Life::Alive
    }

    /// Returns whether the process is stopped, and by which signal where that can be told. It is not reaped and can go on.
    pub fn stopped(&self) -> Option<Option<&'static str>> {
        if self.has_ended() {
            return None;
        }
        let (state, last) = stat_of(self.pid)?;
        let known = [
            (Signal::STOP, "SIGSTOP"),
            (Signal::TSTP, "SIGTSTP"),
            (Signal::TTIN, "SIGTTIN"),
            (Signal::TTOU, "SIGTTOU"),
        ];
        let by = known.iter().find(|(signal, _)| signal.as_raw() == last);
        (state == 'T').then_some(by.map(|(_, name)| *name))
    }

    /// Sends a signal to the whole group. A group that is gone is no error.
    pub fn signal(&self, signal: Signal) {
        if self.has_ended() {
            // The group was killed with its leader, and the number may be another's by now.
            return;
        }
        // The group may be gone already, which is what was wanted.
        let _gone = kill_process_group(self.pid, signal);
        if signal != Signal::KILL {
            let _gone = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// Returns the last lines of stderr, after what is on its way has arrived.
    pub async fn stderr_tail(&self) -> Vec<String> {
        self.stderr.lines().await
    }
}

impl Pipes {
    /// Makes the ends roomy, where the system lets us.
    pub(super) fn new(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        widen(&stdin);
        widen(&stdout);
        Self { stdin, stdout }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

fn refused(spec: &ProcessSpec, why: String, hint: Option<String>) -> PluginError {
    PluginError::Spawn {
        program: spec.program.display().to_string(),
        why,
        hint,
    }
}

/// Returns what to do about a start that the system refused: of the file only where it is about the file.
fn remedy(error: &std::io::Error) -> Option<String> {
    let scarce = scarce(error).map(str::to_owned);
    let kinds = [
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
        ErrorKind::ExecutableFileBusy,
    ];
    let of_file = kinds.contains(&error.kind())
        || rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NOEXEC);
    scarce.or_else(|| {
        of_file.then(|| "check the file's execute permission, its `#!` line and its architecture".to_owned())
    })
}

/// Starts a child in its own process group, stderr piped.
fn start(spec: &ProcessSpec, stdin: Stdio, stdout: Stdio) -> Result<Child, PluginError> {
    Command::new(&spec.program)
        .args(&spec.args)
        .env_clear()
        .envs(&spec.env)
        .current_dir(&spec.cwd)
        .stdin(stdin)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            let known = tool::refusal(&spec.program).map(|why| format!("it {why}"));
            let foreign = || {
                let arch = std::env::consts::ARCH;
                let foreign = error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error());
                foreign.then(|| format!("it is damaged, or a program for another architecture than {arch}"))
            };
            let why = known.or_else(foreign).unwrap_or_else(|| error.to_string());
            refused(spec, why, remedy(&error))
        })
}

/// Returns the letter by which the kernel names a process's state, and the number that it would leave with: the signal that stopped it.
fn stat_of(pid: Pid) -> Option<(char, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name stands in brackets and may hold anything, so the fields count from its end.
    let (_, fields) = stat.rsplit_once(") ")?;
    let last = fields.trim_end().rsplit(' ').next()?.parse();
    Some((fields.chars().next()?, last.unwrap_or_default()))
}

/// Says how a process ended, in words, and what may lie behind it.
pub fn describe(end: End) -> (String, Option<String>) {
    let End::Status(status) = end else {
        let lost = "ended, nobody knows how: the process that had forked it was gone first";
        return (lost.into(), None);
    };
    match (status.code(), status.signal()) {
        (Some(137), _) => ("exited with status 137".into(), Some(KILLED.into())),
        (Some(code), _) => (format!("exited with status {code}"), None),
        (None, Some(9)) => ("was killed (SIGKILL)".into(), Some(KILLED.into())),
        (None, Some(6)) => ("aborted (SIGABRT)".into(), None),
        (None, Some(11)) => ("crashed (SIGSEGV)".into(), None),
        (None, Some(signal)) => (format!("was ended by signal {signal}"), None),
        (None, None) => (status.to_string(), None),
    }
}

const KILLED: &str = "the kernel may have killed it for want of memory: see `dmesg`";

async fn reap(mut child: Child, pid: Pid, life: watch::Sender<Life>, guardian: Option<Arc<Guardian>>) {
    let status = child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
    // Whoever is left of the group lost its leader; a plugin's helpers do not outlive it.
    let _gone = kill_process_group(pid, Signal::KILL);
    if let Some(guardian) = guardian {
        guardian.forget(pid);
    }
    life.send_replace(Life::Ended(End::Status(status)));
}

#[cfg(target_os = "linux")]
fn widen(pipe: &impl std::os::fd::AsFd) {
    // Users other than root have a budget of pipe pages in all; without it the pipe stays as it is.
    let _kept = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
fn widen(_: &impl std::os::fd::AsFd) {}

//! A child process: its own group, stderr drained, reaped at once, and no member of its group left behind.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opsbox_protocol::limits;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use super::error::PluginError;
use super::event::{Event, Sink};
use super::guardian::Guardian;
use super::quota::{LogQuota, Verdict};
use super::tool;

const TAIL_LINES: usize = 5;
const TAIL_CHARS: usize = 300;
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
}

/// A running child. Dropping it kills the whole group.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    exit: watch::Receiver<Option<ExitStatus>>,
    tail: Arc<Mutex<VecDeque<String>>>,
    stderr_done: watch::Receiver<bool>,
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
        let refused = |why: String| PluginError::Spawn {
            program: spec.program.display().to_string(),
            why,
        };
        let mut child = Command::new(&spec.program)
            .args(&spec.args)
            .env_clear()
            .envs(&spec.env)
            .current_dir(&spec.cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let known = tool::refusal(&spec.program).map(|why| format!("it {why}"));
                refused(known.unwrap_or_else(|| error.to_string()))
            })?;
        let missing = || refused("its pipes are missing".into());
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .ok_or_else(missing)?;
        if let Some(guardian) = guardian {
            guardian.watch(pid);
        }
        widen(&stdin);
        widen(&stdout);
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let (stderr_tx, stderr_done) = watch::channel(false);
        let drain = drain_stderr(stderr, Arc::clone(&tail), Arc::clone(sink));
        tokio::spawn(async move {
            drain.await;
            stderr_tx.send_replace(true);
        });
        let (exit_tx, exit) = watch::channel(None);
        tokio::spawn(reap(child, pid, exit_tx, guardian.cloned()));
        Ok((
            Self {
                pid,
                exit,
                tail,
                stderr_done,
            },
            Pipes { stdin, stdout },
        ))
    }

    /// Returns the process id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits until the process has ended, at most for `limit`; `None` where it still lives.
    pub async fn ended(&self, limit: Duration) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let wait = async move {
            exit.wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|status| *status)
        };
        tokio::time::timeout(limit, wait).await.ok().flatten()
    }

    /// Returns whether the process has ended.
    pub fn has_ended(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// Returns whether the kernel has stopped the process (SIGTTIN, SIGSTOP). It is not reaped and can go on.
    pub fn is_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !self.has_ended()
            && matches!(waitid(WaitId::Pid(self.pid), options), Ok(Some(status)) if status.stopped())
    }

    /// Sends a signal to the whole group. A group that is gone is no error.
    pub fn signal(&self, signal: Signal) {
        // The group may be gone already, which is what was wanted.
        let _gone = kill_process_group(self.pid, signal);
        if signal != Signal::KILL {
            let _gone = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// Returns the last lines of stderr, after what is on its way has arrived.
    pub async fn stderr_tail(&self) -> Vec<String> {
        let mut done = self.stderr_done.clone();
        let drained = async move { done.wait_for(|done| *done).await.is_ok() };
        // A grandchild may hold stderr open for ever; what came so far has to do then.
        let _in_time = tokio::time::timeout(Duration::from_millis(200), drained).await;
        self.tail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal(Signal::KILL);
        }
    }
}

/// Says how a process ended, in words, and what may lie behind it.
pub fn describe(status: ExitStatus) -> (String, Option<String>) {
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

async fn reap(
    mut child: Child,
    pid: Pid,
    exit: watch::Sender<Option<ExitStatus>>,
    guardian: Option<Arc<Guardian>>,
) {
    let status = child.wait().await.unwrap_or_else(|_| ExitStatus::from_raw(0));
    // Whoever is left of the group lost its leader; a plugin's helpers do not outlive it.
    let _gone = kill_process_group(pid, Signal::KILL);
    if let Some(guardian) = guardian {
        guardian.forget(pid);
    }
    exit.send_replace(Some(status));
}

async fn drain_stderr(mut stderr: ChildStderr, tail: Arc<Mutex<VecDeque<String>>>, sink: Sink) {
    let mut chunk = vec![0; 8 * 1024];
    let mut line = Vec::new();
    let mut quota = LogQuota::default();
    loop {
        let read = match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
            let room = (limits::STDERR_LINE_BYTES as usize).saturating_sub(line.len());
            line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                keep_line(&std::mem::take(&mut line), &tail, &sink, &mut quota);
            }
        }
    }
    keep_line(&line, &tail, &sink, &mut quota);
    if quota.left_out() > 0 {
        sink(Event::Warning(format!(
            "{} further lines on stderr were left out",
            quota.left_out()
        )));
    }
}

fn keep_line(line: &[u8], tail: &Mutex<VecDeque<String>>, sink: &Sink, quota: &mut LogQuota) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == TAIL_LINES {
        kept.pop_front();
    }
    kept.push_back(text.chars().take(TAIL_CHARS).collect());
    drop(kept);
    match quota.judge() {
        Verdict::Show => sink(Event::Stderr(text.to_owned())),
        Verdict::ShowAfter(left_out) => {
            sink(Event::Warning(format!(
                "{left_out} lines on stderr were left out"
            )));
            sink(Event::Stderr(text.to_owned()));
        }
        Verdict::FirstLeftOut => sink(Event::Warning("floods stderr; lines are left out".into())),
        Verdict::LeaveOut => {}
    }
}

#[cfg(target_os = "linux")]
fn widen(pipe: &impl std::os::fd::AsFd) {
    // Users other than root have a budget of pipe pages in all; without it the pipe stays as it is.
    let _kept = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

#[cfg(not(target_os = "linux"))]
fn widen(_: &impl std::os::fd::AsFd) {}

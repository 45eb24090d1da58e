//! Limits on what a plugin's processes may use: those that the kernel keeps, and how an end by one is told from a crash.

use std::time::Duration;

use opsbox_protocol::{ErrorBody, ErrorData};
use rustix::process::Pid;

use super::error::PluginError;
use super::process::End;
use crate::manifest::Caps;

/// What `sh` returns for a child that SIGXCPU ended: 128 and the signal's number.
const SHELL_XCPU: i32 = 152;
const XCPU: i32 = 24;
/// How many seconds after its signal the kernel ends a process that has used up its time.
const LATE_SECONDS: u64 = 10;
/// How systems and languages call what happens at the limit of open files.
const TOO_MANY_FILES: [&str; 3] = ["Too many open files", "EMFILE", "too many open files"];

impl Caps {
    /// Returns the processor time, where it is limited.
    pub(super) fn cpu_limit(&self) -> Option<Duration> {
        self.cpu.filter(|limit| !limit.is_zero())
    }

    /// Returns the memory in bytes, where it is limited.
    pub(super) fn memory_limit(&self) -> Option<u64> {
        self.memory.filter(|limit| *limit > 0)
    }

    /// Returns the number of processes, where it is limited.
    pub(crate) fn processes_limit(&self) -> Option<u64> {
        self.processes.filter(|limit| *limit > 0)
    }

    fn files_limit(&self) -> Option<u64> {
        self.open_files.filter(|limit| *limit > 0)
    }

    /// Returns the error of a process that ended because it met a limit; `None` where it ended otherwise.
    pub(super) fn met_by(&self, end: End, when: &str) -> Option<PluginError> {
        let limit = self.cpu_limit()?;
        let End::Status(status) = end else { return None };
        let by_signal = std::os::unix::process::ExitStatusExt::signal(&status) == Some(XCPU);
        (by_signal || status.code() == Some(SHELL_XCPU)).then(|| PluginError::OverLimit {
            key: "cpu",
            seen: format!("{:?} of processor time", whole_seconds(limit)),
            limit: format!("{limit:?}"),
            when: when.to_owned(),
        })
    }

    /// Adds what may lie behind a plugin's error, where it says nothing of that itself.
    pub(super) fn explain(&self, error: &mut PluginError) {
        let PluginError::Answered { body, .. } = error else {
            return;
        };
        let data = body.data();
        if let (None, Some(hint)) = (&data.hint, self.guess([body.message.as_str()])) {
            let data = ErrorData {
                hint: Some(hint),
                ..data
            };
            **body = ErrorBody::with_data(body.code, body.message.clone(), &data);
        }
    }

    /// Returns what may lie behind words of a plugin that has too many open files.
    pub(super) fn guess<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let limit = self.files_limit()?;
        let says = |text: &str| TOO_MANY_FILES.iter().any(|known| text.contains(known));
        words.into_iter().any(says).then(|| {
            format!("it met its limit of {limit} open files: raise `[limits] open_files` in its manifest")
        })
    }
}

/// The kernel counts whole seconds, so a part of one is rounded up.
fn whole_seconds(limit: Duration) -> Duration {
    Duration::from_secs(limit.as_secs() + u64::from(limit.subsec_nanos() > 0))
}

/// Has the kernel keep the limits that it can keep for a process and all that it starts.
///
/// It is done after the start, from outside: what a program does in its first moments is not much, and a start stays cheap.
#[cfg(target_os = "linux")]
pub(super) fn restrict(pid: Pid, caps: &Caps) {
    use rustix::process::Resource;

    if let Some(limit) = caps.cpu_limit() {
        let seconds = whole_seconds(limit).as_secs();
        // A plugin that goes on through the signal is ended by the meter, which can say so; the kernel would, where that is late.
        set(pid, Resource::Cpu, seconds, seconds + LATE_SECONDS);
    }
    if let Some(limit) = caps.files_limit() {
        set(pid, Resource::Nofile, limit, limit);
    }
}

/// Switches off the core dumps of a process and of all that it starts: they would hold its secrets.
#[cfg(target_os = "linux")]
pub(super) fn no_core(pid: Pid) {
    // A limit of 0 keeps the kernel from writing a file, but not from starting a program that takes the dump; a limit of 1 does both.
    set(pid, rustix::process::Resource::Core, 1, 1);
}

#[cfg(target_os = "linux")]
fn set(pid: Pid, resource: rustix::process::Resource, soft: u64, hard: u64) {
    use rustix::process::{Rlimit, prlimit};

    let limit = |soft, hard| Rlimit {
        current: Some(soft),
        maximum: Some(hard),
    };
    // A process that has ended needs none. Where a lower limit holds already, that one stays.
    let _set = prlimit(Some(pid), resource, limit(soft, hard));
}

#[cfg(not(target_os = "linux"))]
pub(super) fn restrict(_: Pid, _: &Caps) {}

#[cfg(not(target_os = "linux"))]
pub(super) fn no_core(_: Pid) {}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn an_end_by_sigxcpu_is_a_limit_only_where_there_is_one() {
        let ends = [ExitStatus::from_raw(XCPU), ExitStatus::from_raw(SHELL_XCPU << 8)];
        let caps = Caps {
            cpu: Some(Duration::from_millis(1500)),
            ..Caps::default()
        };
        for end in ends.map(End::Status) {
            let error = caps.met_by(end, "during `process`").unwrap();
            assert_eq!(
                error.to_string(),
                "it used 2s of processor time during `process`, and its limit is 1.5s"
            );
            assert_eq!(Caps::default().met_by(end, "during `process`"), None);
        }
        assert_eq!(caps.met_by(End::Status(ExitStatus::from_raw(9)), ""), None);
    }

    #[test]
    fn words_about_open_files_point_at_the_limit_of_open_files() {
        let caps = Caps {
            open_files: Some(20),
            ..Caps::default()
        };
        let words = ["OSError: [Errno 24] Too many open files: '/etc/passwd'"];
        assert!(caps.guess(words).unwrap().contains("limit of 20 open files"));
        assert_eq!(caps.guess(["no such file"]), None);
        assert_eq!(Caps::default().guess(words), None);
    }
}

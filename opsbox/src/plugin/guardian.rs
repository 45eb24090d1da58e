//! The guardian: a child of the host that outlives it by a moment, and ends what a killed host left behind.
//!
//! A host that is killed can run no ladder, and death signals do not reach a plugin's own children. The guardian holds one end of a pipe;
//! when the host is gone, however it went, the pipe ends, and the guardian kills every group it was told of and every process
//! that carries the run's id.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group};

use super::launch::SERVE;

/// What the host says before it closes the pipe by itself.
const IN_GOOD_ORDER: &str = "=";
/// How often the guardian looks again after a host that was killed, and how long it waits in between: a process that was
/// being started just then does not carry the run's id yet.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// The host's end of the pipe. Dropping it ends the guardian.
#[derive(Debug)]
pub struct Guardian {
    pipe: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
}

impl Guardian {
    /// Starts the guardian of a run: this binary, with nothing of the user's environment.
    ///
    /// # Errors
    /// As the operating system says; the run can go on without.
    pub fn start(executable: &Path, run_id: &str) -> io::Result<Self> {
        let mut child = Command::new(executable)
            .args([SERVE, "guardian", run_id])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = child
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("the guardian has no pipe"))?;
        Ok(Self {
            pipe: Mutex::new(Some(pipe)),
            child: Mutex::new(child),
        })
    }

    /// A group is the host's from now on.
    pub(crate) fn watch(&self, group: Pid) {
        self.tell('+', group);
    }

    /// A group is gone; its number may soon be somebody else's.
    pub(crate) fn forget(&self, group: Pid) {
        self.tell('-', group);
    }

    fn tell(&self, sign: char, group: Pid) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = pipe.as_mut() {
            // A guardian that is gone can be told nothing, and the host's own ladder still works.
            let _told = pipe.write_all(format!("{sign}{}\n", group.as_raw_nonzero()).as_bytes());
        }
    }
}

impl Drop for Guardian {
    /// Lets the guardian look once more, and waits for it: a few milliseconds, and nobody has to collect it later.
    fn drop(&mut self) {
        if let Some(mut pipe) = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A guardian that is gone needs no word.
            let _told = writeln!(pipe, "{IN_GOOD_ORDER}");
        }
        let _status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// Is the guardian: listens until the host is gone, then ends what it left behind.
pub fn serve(run_id: &str) {
    let mut groups: Vec<i32> = Vec::new();
    let mut was_killed = true;
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if line == IN_GOOD_ORDER {
            was_killed = false;
            break;
        }
        let Some((sign, group)) = line.split_at_checked(1) else {
            continue;
        };
        let Ok(group) = group.parse() else { continue };
        groups.retain(|known| *known != group);
        if sign == "+" {
            groups.push(group);
        }
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        // It may be gone by itself, which is what was wanted.
        let _gone = kill_process_group(group, Signal::KILL);
    }
    end_run(run_id);
    if was_killed {
        for _ in 0..LOOKS {
            thread::sleep(PAUSE);
            end_run(run_id);
        }
    }
}

/// Ends every process whose environment names the run.
pub fn end_run(run_id: &str) {
    for pid in of_run(run_id) {
        // It may be gone by itself, which is what was wanted.
        let _gone = kill_process(pid, Signal::KILL);
    }
}

/// Returns the processes whose environment names the run; those of other users cannot be seen.
fn of_run(run_id: &str) -> Vec<Pid> {
    let wanted = format!("OPSBOX_RUN_ID={run_id}");
    let own = getpid();
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
            let environ = fs::read(entry.path().join("environ")).ok()?;
            let carries = environ
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes());
            (carries && pid != own).then_some(pid)
        })
        .collect()
}

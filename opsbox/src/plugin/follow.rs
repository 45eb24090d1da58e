//! Running an installer to its end: its lines are passed on as they come, an interrupt ends it, and its last lines are kept.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::guardian::Guardian;
use crate::halt::{Halt, HaltSeen};

/// How long an installer may take.
pub const LONGEST: Duration = Duration::from_secs(3600);
/// How often a halt is looked for while nothing is said.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take to end by itself once it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many of the last lines are kept.
const LINES: usize = 200;
/// How much of one line is kept, in bytes.
const LINE_BYTES: u64 = 4096;

/// An installer: what to start, with nothing on stdin.
#[derive(Debug)]
pub struct Follow<'a> {
    /// The program.
    pub program: &'a OsStr,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Its whole environment.
    pub env: &'a BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub cwd: &'a Path,
}

/// How it ended.
#[derive(Debug)]
pub struct Followed {
    /// Its exit status.
    pub status: ExitStatus,
    /// The last lines of both streams, in the order in which they came.
    pub lines: Vec<String>,
}

enum News {
    Line(String),
    Closed,
    Ended(io::Result<ExitStatus>),
}

impl Follow<'_> {
    /// Runs it to its end. Where the host is killed meanwhile, the guardian ends it.
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`] where the user interrupted it, [`io::ErrorKind::TimedOut`] after an hour, else what the operating
    /// system says, mostly that the program was not found.
    pub fn run(
        &self,
        guardian: Option<&Guardian>,
        halt: &HaltSeen,
        said: &mut dyn FnMut(&str),
    ) -> io::Result<Followed> {
        let mut child = Command::new(self.program)
            .args(self.args)
            .env_clear()
            .envs(self.env)
            .current_dir(self.cwd)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        if let Some(guardian) = guardian {
            guardian.watch(group);
        }
        let (tx, news) = sync_channel(LINES);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read_both = || -> io::Result<()> {
            if let Some(stdout) = stdout {
                read(stdout, tx.clone())?;
            }
            stderr.map_or(Ok(()), |stderr| read(stderr, tx.clone()))
        };
        if let Err(error) = read_both() {
            // Nobody would ever hear of its end.
            let _gone = kill_process_group(group, Signal::KILL);
            child.wait()?;
            return Err(error);
        }
        thread::Builder::new().spawn(move || tx.send(News::Ended(child.wait())))?;
        let ended = follow(&news, group, halt, said);
        // Whatever it started ends with it; mostly there is nothing left.
        let _gone = kill_process_group(group, Signal::KILL);
        if let Some(guardian) = guardian {
            guardian.forget(group);
        }
        ended
    }
}

fn follow(
    news: &Receiver<News>,
    group: Pid,
    halt: &HaltSeen,
    said: &mut dyn FnMut(&str),
) -> io::Result<Followed> {
    let deadline = Instant::now() + LONGEST;
    let mut lines = VecDeque::new();
    let (mut status, mut open) = (None, 2);
    loop {
        match news.recv_timeout(LOOK) {
            Ok(News::Line(line)) => {
                said(&line);
                if lines.len() == LINES {
                    lines.pop_front();
                }
                lines.push_back(line);
            }
            Ok(News::Closed) => open -= 1,
            Ok(News::Ended(ended)) => {
                status = Some(ended?);
                // A child of its own that holds the pipes must not make it look unfinished.
                let _gone = kill_process_group(group, Signal::KILL);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("it cannot be waited for")),
        }
        if let (Some(status), 0) = (status, open) {
            return Ok(Followed {
                status,
                lines: lines.into(),
            });
        }
        let why = if *halt.borrow() != Halt::Go {
            io::Error::new(io::ErrorKind::Interrupted, "it was interrupted")
        } else if Instant::now() > deadline {
            io::Error::new(io::ErrorKind::TimedOut, "it did not end within an hour")
        } else {
            continue;
        };
        end(news, group);
        return Err(why);
    }
}

/// Asks a group to end, so that it can remove what it wrote for the time being, and kills it where it does not.
fn end(news: &Receiver<News>, group: Pid) {
    let _asked = kill_process_group(group, Signal::TERM);
    let until = Instant::now() + PATIENCE;
    loop {
        match news.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(News::Line(_) | News::Closed) => {}
            Ok(News::Ended(_)) | Err(_) => return,
        }
    }
}

fn read(stream: impl Read + Send + 'static, news: SyncSender<News>) -> io::Result<()> {
    let started = thread::Builder::new().spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match stream.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            // Of a line that was written over itself, the last state counts.
            let last = text.trim_end().rsplit('\r').next().unwrap_or_default().trim_end();
            if !last.is_empty() && news.send(News::Line(last.to_owned())).is_err() {
                return;
            }
        }
        // Nobody listens any more where it was interrupted.
        let _told = news.send(News::Closed);
    });
    started.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::halt;

    fn sh(script: &str, halt: &HaltSeen, said: &mut dyn FnMut(&str)) -> io::Result<Followed> {
        let path = (OsString::from("PATH"), OsString::from("/usr/bin:/bin"));
        Follow {
            program: OsStr::new("sh"),
            args: &["-c".into(), script.into()],
            env: &BTreeMap::from([path]),
            cwd: Path::new("/"),
        }
        .run(None, halt, said)
    }

    #[test]
    fn lines_come_one_by_one_and_the_last_ones_are_kept() {
        let (_halt, seen) = halt::channel();
        let mut said = Vec::new();
        let ended = sh(
            "pwd; echo; printf '10%%\\r20%%\\n'; for i in $(seq 300); do echo line $i; done; exit 3",
            &seen,
            &mut |line| said.push(line.to_owned()),
        )
        .unwrap();
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(said[..3], ["/", "20%", "line 1"]);
        assert_eq!(said.len(), 302);
        assert_eq!(ended.lines.len(), LINES);
        assert_eq!(ended.lines.last().unwrap(), "line 300");
    }

    #[test]
    fn an_interrupt_ends_it_with_its_children() {
        let (halt, seen) = halt::channel();
        let mut asked = 0;
        let error = sh("sleep 777 & echo begun; wait", &seen, &mut |_| {
            asked += 1;
            halt.send_replace(Halt::Abort);
        })
        .unwrap_err();
        assert_eq!((error.kind(), asked), (io::ErrorKind::Interrupted, 1));
    }
}

//! Running a helper program to its end, which is the Python probe, and why a program would not start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::guardian::Guardian;

/// How long a helper may take.
pub const LIMIT: Duration = Duration::from_secs(10);
/// How much it may write to each stream.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// A helper program: what to start, with nothing on stdin.
#[derive(Debug)]
pub struct Tool<'a> {
    /// The program.
    pub program: &'a OsStr,
    /// Its arguments.
    pub args: &'a [OsString],
    /// Its whole environment.
    pub env: &'a BTreeMap<OsString, OsString>,
    /// When it is ended, with all that it started.
    pub limit: Duration,
}

/// What is learned of a helper, in any order.
enum News {
    Ended(io::Result<std::process::ExitStatus>),
    Stdout(io::Result<Vec<u8>>),
    Stderr(io::Result<Vec<u8>>),
}

impl Tool<'_> {
    /// Runs it to its end and returns what it wrote; the guardian ends it where the host is killed meanwhile.
    ///
    /// # Errors
    /// As the operating system says, mostly that the program was not found; or that it took too long or wrote too much.
    pub fn output(&self, guardian: Option<&Guardian>) -> io::Result<Output> {
        let child = Command::new(self.program)
            .args(self.args)
            .env_clear()
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = Pid::from_child(&child);
        if let Some(guardian) = guardian {
            guardian.watch(group);
        }
        let output = self.gather(child, group);
        // Whatever it started ends with it; mostly there is nothing left.
        let _gone = kill_process_group(group, Signal::KILL);
        if let Some(guardian) = guardian {
            guardian.forget(group);
        }
        output
    }

    fn gather(&self, mut child: Child, group: Pid) -> io::Result<Output> {
        let deadline = Instant::now() + self.limit;
        let (tx, news) = channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let read_both = || -> io::Result<()> {
            if let Some(stdout) = stdout {
                read(stdout, tx.clone(), News::Stdout)?;
            }
            stderr.map_or(Ok(()), |stderr| read(stderr, tx.clone(), News::Stderr))
        };
        if let Err(error) = read_both() {
            // Nobody would ever hear of its end.
            let _gone = kill_process_group(group, Signal::KILL);
            child.wait()?;
            return Err(error);
        }
        thread::Builder::new().spawn(move || tx.send(News::Ended(child.wait())))?;
        let (mut status, mut stdout, mut stderr) = (None, None, None);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match news.recv_timeout(left) {
                Ok(News::Ended(ended)) => {
                    status = Some(ended?);
                    // A child of its own that holds the pipes must not make it look unfinished.
                    let _gone = kill_process_group(group, Signal::KILL);
                }
                Ok(News::Stdout(text)) => stdout = Some(text?),
                Ok(News::Stderr(text)) => stderr = Some(text?),
                Err(_) => {
                    let why = format!("it did not end within {:?}", self.limit);
                    return Err(io::Error::new(io::ErrorKind::TimedOut, why));
                }
            }
            if let (Some(status), Some(_), Some(_)) = (status, &stdout, &stderr) {
                return Ok(Output {
                    status,
                    stdout: stdout.unwrap_or_default(),
                    stderr: stderr.unwrap_or_default(),
                });
            }
        }
    }
}

fn read(
    stream: impl Read + Send + 'static,
    news: Sender<News>,
    kind: impl FnOnce(io::Result<Vec<u8>>) -> News + Send + 'static,
) -> io::Result<()> {
    let started = thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let read = stream.take(MOST_BYTES + 1).read_to_end(&mut bytes);
        let text = match read {
            Ok(_) if bytes.len() as u64 > MOST_BYTES => {
                Err(io::Error::other("it wrote more than 4 MiB instead of an answer"))
            }
            read => read.map(|_| bytes),
        };
        // Nobody listens any more where the deadline has passed.
        let _told = news.send(kind(text));
    });
    started.map(drop)
}

/// Says why a program that is there cannot be started, where its file shows it; `None` where nothing is wrong with the file.
pub fn refusal(program: &Path) -> Option<String> {
    let mode = program.metadata().ok()?.permissions().mode();
    if mode & 0o111 == 0 {
        return Some(format!("is not executable: run `chmod +x {}`", program.display()));
    }
    let mut head = [0; 256];
    let n_read = File::open(program).ok()?.read(&mut head).ok()?;
    if n_read == 0 {
        return Some("is an empty file".to_owned());
    }
    let Some(line) = head[..n_read].strip_prefix(b"#!") else {
        // Without a first line of this kind only a binary starts; text is told by having no byte of zero.
        let text = !head[..n_read].contains(&0);
        return text.then(|| "is a script without a `#!` line, such as `#!/bin/sh`, first".to_owned());
    };
    let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let interpreter = line.split_whitespace().next().unwrap_or_default();
    // A line end of Windows belongs to the name for the kernel, so `#!/bin/sh\r` is not there either.
    if line.ends_with('\r') {
        return Some("has the line ends of Windows, which its `#!` line must not have".to_owned());
    }
    (!Path::new(interpreter).exists())
        .then(|| format!("has a `#!` line that names `{interpreter}`, which does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> io::Result<Output> {
        let path = (OsString::from("PATH"), OsString::from("/usr/bin:/bin"));
        Tool {
            program: OsStr::new("sh"),
            args: &["-c".into(), script.into()],
            env: &BTreeMap::from([path]),
            limit,
        }
        .output(None)
    }

    #[test]
    fn both_streams_and_the_status_come_back() {
        let output = sh("echo out; echo err >&2; exit 3", LIMIT).unwrap();
        assert_eq!(
            (
                output.stdout.as_slice(),
                output.stderr.as_slice(),
                output.status.code()
            ),
            (b"out\n".as_slice(), b"err\n".as_slice(), Some(3))
        );
    }

    #[test]
    fn one_that_does_not_end_is_ended_with_its_children() {
        let error = sh("sleep 777 & wait", Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.to_string(), "it did not end within 100ms");
        // The pipe of the child ends with it, so a child that stays behind would not end this either.
        let output = sh("sleep 777 & echo done", LIMIT).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn a_flood_is_refused() {
        let error = sh("exec yes", LIMIT).unwrap_err();
        assert!(error.to_string().contains("more than 4 MiB"), "{error}");
    }
}

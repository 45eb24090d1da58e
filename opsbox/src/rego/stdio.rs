//! What the worker takes from the system: its standard streams, kept from everybody else, and a limit of memory.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Most address space of the worker in bytes, unless set otherwise.
pub(super) const MEMORY_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Moves standard input and output to private descriptors and returns them.
///
/// What else is written to descriptor 1 goes to standard error, and who reads descriptor 0 finds nothing.
///
/// # Errors
/// As the system calls'.
pub(super) fn take() -> io::Result<(File, File)> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let input: OwnedFd = rustix::io::fcntl_dupfd_cloexec(&stdin, 3)?;
    let output: OwnedFd = rustix::io::fcntl_dupfd_cloexec(&stdout, 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((File::from(input), File::from(output)))
}

/// Limits the process's address space; a policy that wants more ends it.
///
/// # Errors
/// As the system call's, for example where the system's own limit is lower.
pub(super) fn limit_memory(bytes: u64) -> io::Result<()> {
    let maximum = getrlimit(Resource::As).maximum;
    Ok(setrlimit(
        Resource::As,
        Rlimit {
            current: Some(bytes),
            maximum,
        },
    )?)
}

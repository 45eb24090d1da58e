//! Running a helper program to its end: the Python probe.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, Output, Stdio};

/// Runs a program with this environment and nothing on stdin, and returns what it wrote.
///
/// # Errors
/// As the operating system says, mostly that the program was not found.
pub fn output(program: &OsStr, args: &[OsString], env: &BTreeMap<OsString, OsString>) -> io::Result<Output> {
    Command::new(program)
        .args(args)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .output()
}

//! Running a helper program to its end, which is the Python probe, and why a program would not start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
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

/// Says why a program that is there cannot be started, where its file shows it; `None` where nothing is wrong with the file.
pub fn refusal(program: &Path) -> Option<String> {
    let mode = program.metadata().ok()?.permissions().mode();
    if mode & 0o111 == 0 {
        return Some(format!("is not executable: run `chmod +x {}`", program.display()));
    }
    let mut head = [0; 256];
    let n_read = File::open(program).ok()?.read(&mut head).ok()?;
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

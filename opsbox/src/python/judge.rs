//! Interpreters that others could change, told before they are asked anything.

use std::path::{Path, PathBuf};

use super::Candidate;
use crate::environ::Environ;
use crate::error::Fault;
use crate::trust::{self, Judge, Trust};

/// An interpreter that may be started: nobody but who is trusted could have put another one in its place.
#[derive(Debug, Clone)]
pub struct Judged {
    pub(super) candidate: Candidate,
    /// Who else could change it, for people.
    pub warnings: Vec<String>,
}

/// Judges an interpreter and what says which environment it belongs to; `link` is a further name that leads to it.
///
/// # Errors
/// A fault that names the file or folder that anyone could change, and the interpreter.
pub fn judge(environ: &Environ, candidate: Candidate, link: Option<&Path>) -> Result<Judged, Fault> {
    let files = [
        Some(candidate.path.clone()),
        settings(&candidate.path),
        link.map(Path::to_path_buf),
    ];
    let mut judge = Judge::new(Trust::of_user(environ.filled(trust::VARIABLE)));
    match judge.judge(files.into_iter().flatten()) {
        Ok(warnings) => Ok(Judged {
            // Who installs the system's programs is trusted with all of them, as with what `command` names.
            warnings: if candidate.why == "PATH" {
                Vec::new()
            } else {
                warnings
            },
            candidate,
        }),
        Err(mut fault) => {
            let (program, why) = (candidate.path.display(), &candidate.why);
            fault.message = format!(
                "Python `{program}` (from {why}) is not started: {}",
                fault.message
            );
            Err(fault)
        }
    }
}

/// Returns the file of an environment that says which Python it was made with.
fn settings(program: &Path) -> Option<PathBuf> {
    let file = program.parent()?.parent()?.join("pyvenv.cfg");
    file.is_file().then_some(file)
}

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
/// An environment's link to the Python that it was made with is judged as a part of the environment: that Python was chosen by whoever made
/// it, and on some systems of CI anyone may write to it. It is only warned about.
///
/// # Errors
/// A fault that names the file or folder that anyone could change, and the interpreter.
pub fn judge(environ: &Environ, candidate: Candidate, link: Option<&Path>) -> Result<Judged, Fault> {
    let mut judge = Judge::new(Trust::of_user(environ.filled(trust::VARIABLE)));
    let files = own_files(&candidate.path);
    let of_environment = judge.judge(files.into_iter().chain(link.map(Path::to_path_buf)));
    let of_environment = of_environment.map(|mut warnings| {
        match judge.judge([candidate.path.clone()]) {
            Ok(others) => warnings.extend(others),
            Err(fault) => warnings.push(fault.message),
        }
        warnings.sort();
        warnings.dedup();
        warnings
    });
    match of_environment {
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

/// Returns the files by which an interpreter is refused: its program, or of a link within an environment the folder that the link is in, and
/// what says which environment it is.
pub(crate) fn own_files(program: &Path) -> Vec<PathBuf> {
    let settings = settings(program);
    let is_link = settings.is_some() && program.is_symlink();
    let folder = program.parent().filter(|_| is_link);
    let own = folder.unwrap_or(program).to_path_buf();
    std::iter::once(own).chain(settings).collect()
}

/// Returns the file of an environment that says which Python it was made with.
fn settings(program: &Path) -> Option<PathBuf> {
    let file = program.parent()?.parent()?.join("pyvenv.cfg");
    file.is_file().then_some(file)
}

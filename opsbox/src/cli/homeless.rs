//! What stands in for a home where there is none: a folder below the one for temporary files, which must be the user's alone.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use tempfile::TempDir;

use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::trust::{self, Concern, Trust};

/// What came of the stand-in.
#[derive(Debug, Default)]
pub struct Homeless {
    /// Why it is not used; then all that lay in it lies in a folder that is gone with this value.
    pub refused: Option<Fault>,
    _instead: Option<TempDir>,
}

/// Makes the folder that stands in for a home the user's alone; where it cannot be trusted, one of this command takes its place.
///
/// # Errors
/// A fault where it cannot be trusted and nothing can take its place.
pub(super) fn settle(environ: &mut Environ) -> Result<Homeless, Failure> {
    let Some(folder) = environ.homeless.clone() else {
        return Ok(Homeless::default());
    };
    let trust = Trust::of_user(environ.filled(trust::VARIABLE));
    let Some(why) = claim(&folder, trust) else {
        return Ok(Homeless::default());
    };
    let fault = Fault::new(format!(
        "there is no HOME, and the folder that stands in for it, `{}`, is not used: {why}",
        folder.display()
    ))
    .hint("set HOME, or OPSBOX_DATA_DIR, OPSBOX_STATE_DIR and OPSBOX_CACHE_DIR, to a folder of your own");
    let instead = tempfile::Builder::new().prefix("opsbox-").tempdir();
    let instead = instead.map_err(|_| Failure::usage(fault.clone()))?;
    environ.move_homeless(instead.path());
    Ok(Homeless {
        refused: Some(fault),
        _instead: Some(instead),
    })
}

/// Says why a folder cannot be the user's alone; one that is not there yet is made.
///
/// Where none can be made at all, nobody else's is there either: whoever writes to it says so.
fn claim(folder: &Path, trust: Trust) -> Option<String> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(_) => return None,
    }
    let Ok(meta) = fs::symlink_metadata(folder) else {
        return Some("it is being changed by somebody".to_owned());
    };
    if meta.is_symlink() || !meta.is_dir() {
        return Some(format!("it is no folder; user {} put it there", meta.uid()));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!("it belongs to user {}", meta.uid()));
    }
    if meta.mode() & 0o022 != 0 {
        return Some(format!(
            "others may write to it (mode {:o})",
            meta.mode() & 0o7777
        ));
    }
    if let Some(Concern::Refused(fault)) = trust.concern(folder) {
        return Some(fault.message);
    }
    // What could be read by others is the user's own doing, and ends here.
    let closed = fs::set_permissions(folder, Permissions::from_mode(0o700));
    closed
        .err()
        .map(|error| format!("it cannot be closed to others: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_users_own_is_closed_and_one_that_others_may_write_to_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("stand-in");
        let trust = Trust::of_user(None);
        let mode = || folder.metadata().unwrap().mode() & 0o777;
        assert_eq!(claim(&folder, trust), None);
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(claim(&folder, trust), None);
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let why = claim(&folder, trust).unwrap();
        assert_eq!(why, "others may write to it (mode 777)");
        fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink(base.path(), &folder).unwrap();
        assert!(claim(&folder, trust).unwrap().starts_with("it is no folder"));
        let nowhere = base.path().join("not/there");
        assert_eq!(claim(&nowhere, trust), None, "nobody else's is there");
    }
}

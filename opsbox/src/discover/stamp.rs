//! What caches need: stamps of files that show a change, names made from keys, private folders, whole writes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// A file or folder as it was: when it changed, how large it was, and which one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    path: PathBuf,
    /// `None`: it was not there.
    state: Option<State>,
}

/// What differs where a file is another; archives and copies keep time and size, so what nobody can set counts as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// When its bytes changed, in nanoseconds since 1970.
    modified: u128,
    size: u64,
    /// When anything about it changed, in seconds since 1970 and nanoseconds; no program can set this.
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: state(path),
        }
    }

    /// Returns whether the file still is as it was.
    pub(crate) fn holds(&self) -> bool {
        state(&self.path) == self.state
    }
}

fn state(path: &Path) -> Option<State> {
    let metadata = fs::metadata(path).ok()?;
    let modified = metadata
        .modified()
        .ok()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Some(State {
        modified: modified.as_nanos(),
        size: if metadata.is_file() { metadata.len() } else { 0 },
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    })
}

/// Returns a short name for a key; who relies on it compares the key as well.
pub(crate) fn hash(key: &str) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Writes a value as JSON, whole or not at all, in a private folder.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    file.persist(path).map_err(|err| err.error)?;
    Ok(())
}

/// Makes a folder that only its owner enters; one that belongs to somebody else is refused.
#[cfg(unix)]
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_private(folder) {
        return Ok(());
    }
    let text = "it belongs to another user, or others may write to it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Returns whether a folder is the user's own and nobody else may write to it.
#[cfg(unix)]
pub(crate) fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    fs::metadata(folder).is_ok_and(|data| data.is_dir() && data.uid() == own && data.mode() & 0o022 == 0)
}

/// Takes a folder's rights from everybody else.
#[cfg(unix)]
pub(crate) fn close(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
pub(crate) fn close(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
pub(crate) fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}

//! An advisory lock on a folder: the kernel drops it with its process, so none is ever stale.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, fstat};

/// A held lock; its file is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

/// Why a lock cannot be had.
#[derive(Debug)]
pub(super) enum Taken {
    /// Somebody holds it; `pid` reads `(process N) ` or is empty.
    Held { pid: String },
    /// The lock's file cannot be made.
    Io(io::Error),
}

impl Lock {
    pub(super) fn take(path: &Path, pid: u32) -> Result<Self, Taken> {
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(Taken::Io)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut holder = String::new();
                    // The number is a courtesy: a lock that was just taken may not hold it yet.
                    drop(file.read_to_string(&mut holder));
                    let pid = holder
                        .trim()
                        .parse::<u32>()
                        .map_or(String::new(), |pid| format!("(process {pid}) "));
                    return Err(Taken::Held { pid });
                }
                Err(error) => return Err(Taken::Io(error.into())),
            }
            let status = fstat(&file).map_err(|error| Taken::Io(error.into()))?;
            if status.st_nlink == 0 {
                // Its holder removed the file between our opening and our locking it.
                continue;
            }
            file.set_len(0)
                .and_then(|()| write!(file, "{pid}"))
                .map_err(Taken::Io)?;
            return Ok(Self {
                path: path.to_owned(),
                _file: file,
            });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while still held, so that nobody's file but ours goes; a leftover file harms nobody.
        drop(fs::remove_file(&self.path));
    }
}

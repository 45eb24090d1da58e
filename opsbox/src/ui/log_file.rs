//! The log file of `--log_file`: JSON lines, and room for a bounded number of them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file of this many bytes is put aside under its name with `.1` at the end, in the place of the one before.
const MOST_BYTES: u64 = 10_000_000;

/// An open log file.
pub(super) struct LogWriter {
    path: PathBuf,
    file: File,
    n_bytes: u64,
}

impl LogWriter {
    /// Opens a log file at its end, and makes it where it is missing.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let n_bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            n_bytes,
        })
    }

    /// Writes one line. A full disk must not end the run, and stderr has what matters, so nothing is said of it.
    pub(super) fn write(&mut self, line: &str) {
        if self.n_bytes >= MOST_BYTES {
            self.put_aside();
        }
        let line = format!("{line}\n");
        if self.file.write_all(line.as_bytes()).is_ok() {
            self.n_bytes += line.len() as u64;
        }
    }

    /// Starts a new file; where that cannot be done the old one goes on growing.
    fn put_aside(&mut self) {
        let mut aside = OsString::from(&self.path);
        aside.push(".1");
        if fs::rename(&self.path, aside).is_ok()
            && let Ok(file) = open(&self.path)
        {
            self.file = file;
            self.n_bytes = 0;
        }
    }
}

/// It may hold what plugins say of their surroundings, so it is the user's alone.
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_file_is_put_aside_and_a_new_one_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        fs::write(&path, vec![b'x'; MOST_BYTES as usize - 4]).unwrap();
        let mut log = LogWriter::open(&path).unwrap();
        log.write("last");
        log.write("first");
        log.write("second");
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nsecond\n");
        let aside = fs::read(folder.path().join("run.log.1")).unwrap();
        assert!(aside.ends_with(b"xlast\n"));
    }
}

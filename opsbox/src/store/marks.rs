//! Two bytes: whether it could be noted of every output that it was about to deliver, and whether the Results hold a secret.
//!
//! Where the disk is full there is no room for such notes. The bytes are there from the beginning, and are changed in their place.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::folder::Folder;

pub(super) const MARKS: &str = "marks";
const NOTHING: &[u8; 3] = b"+.\n";
const LACKING: (u64, u8) = (0, b'-');
const SECRET: (u64, u8) = (1, b's');

/// The bytes of a run that is being kept.
pub(super) struct Marks(File);

impl Marks {
    /// Makes the file in a folder that has none yet.
    pub(super) fn make(folder: &Folder) -> io::Result<Self> {
        folder.write(MARKS, NOTHING)?;
        folder.edit(MARKS).map(Self)
    }

    /// Notes that a mark could not be written; returns when that is on disk.
    pub(super) fn lack(&self) -> io::Result<()> {
        self.note(LACKING)
    }

    /// Notes that Results of the run hold a secret; returns when that is on disk.
    pub(super) fn secret(&self) -> io::Result<()> {
        self.note(SECRET)
    }

    fn note(&self, (at, byte): (u64, u8)) -> io::Result<()> {
        self.0.write_all_at(&[byte], at)?;
        self.0.sync_data()
    }
}

/// Returns whether marks are lacking in a kept folder, so that every output in it may have begun.
pub(super) fn lacking(folder: &Folder) -> bool {
    is_noted(folder, LACKING)
}

/// Returns whether the Results in a kept folder hold a secret.
///
/// # Errors
/// Why that is not known: the file is not there, or is not what was written.
pub(super) fn secret(folder: &Folder) -> Result<bool, String> {
    let mut found = [0; NOTHING.len()];
    let read = folder
        .file(MARKS)
        .and_then(|file| file.read_exact_at(&mut found, 0));
    read.map_err(|error| error.to_string())?;
    let [lacking, secret, end] = found;
    match (lacking, secret, end) {
        (b'+' | b'-', b'.', b'\n') => Ok(false),
        (b'+' | b'-', b's', b'\n') => Ok(true),
        _ => Err("its bytes are not those of marks".to_owned()),
    }
}

fn is_noted(folder: &Folder, (at, byte): (u64, u8)) -> bool {
    let mut found = [0];
    let read = folder
        .file(MARKS)
        .and_then(|file| file.read_exact_at(&mut found, at));
    read.is_ok() && found == [byte]
}

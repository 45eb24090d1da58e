//! One byte that says whether it could be noted of every output that it was about to deliver.
//!
//! Where the disk is full there is no room for such a note. The byte is there from the beginning, and is changed in its place.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::folder::Folder;

const MARKS: &str = "marks";
const WHOLE: &[u8] = b"+\n";
const LACKING: u8 = b'-';

/// The byte of a run that is being kept.
pub(super) struct Marks(File);

impl Marks {
    /// Makes the file in a folder that has none yet.
    pub(super) fn make(folder: &Folder) -> io::Result<Self> {
        folder.write(MARKS, WHOLE)?;
        folder.edit(MARKS).map(Self)
    }

    /// Notes that a mark could not be written; returns when that is on disk.
    pub(super) fn lack(&self) -> io::Result<()> {
        self.0.write_all_at(&[LACKING], 0)?;
        self.0.sync_data()
    }
}

/// Returns whether marks are lacking in a kept folder, so that every output in it may have begun.
pub(super) fn lacking(folder: &Folder) -> bool {
    let mut first = [0];
    let read = folder
        .file(MARKS)
        .and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first == [LACKING]
}

//! Folders and files that are the user's alone, whatever the umask, and that are there whole or not at all.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// As many pieces as one call of the system takes.
const MOST_PIECES: usize = 1024;

/// A folder that belongs to this user and that nobody else may enter; never a link.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// Makes a folder with those above it, or opens the one that is there.
    pub(super) fn make_all(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::open(path)
    }

    /// Makes a folder that is not there yet.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        // A umask such as 777 takes the user's own rights as well.
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
        Self::open(path)
    }

    /// Opens a folder; one that others own is refused, one that others may enter is closed to them.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let meta = fs::symlink_metadata(path)?;
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
        if meta.is_symlink() {
            return refused("it is a symbolic link");
        }
        if !meta.is_dir() {
            return refused("it is not a folder");
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return refused("it belongs to another user");
        }
        if meta.mode() & 0o077 != 0 {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Writes a file under a name of its own; it gets its right name by [`Staged::publish`].
    pub(super) fn stage(&self, name: &str, pieces: &[&[u8]]) -> io::Result<Staged> {
        let temporary = self.path.join(format!(".{name}.new"));
        // What a killed host left of an earlier try is in the way of `create_new`.
        remove(&temporary)?;
        let file = private().write(true).create_new(true).open(&temporary)?;
        let mut staged = Staged {
            file: Some(file),
            temporary,
            right: self.path.join(name),
            published: false,
        };
        if let Some(file) = &staged.file {
            file.set_permissions(Permissions::from_mode(0o600))?;
            write_pieces(file, pieces)?;
        }
        if pieces.is_empty() {
            // Of an empty file only the name must reach the disk.
            staged.file = None;
        }
        Ok(staged)
    }

    /// Takes a file over from another folder: a second name for it, or a copy where that cannot be.
    pub(super) fn adopt(&self, name: &str, source: &Path) -> io::Result<Staged> {
        let temporary = self.path.join(format!(".{name}.new"));
        remove(&temporary)?;
        let mut staged = Staged {
            file: None,
            right: self.path.join(name),
            published: false,
            temporary,
        };
        if fs::hard_link(source, &staged.temporary).is_err() {
            let mut file = private().write(true).create_new(true).open(&staged.temporary)?;
            io::copy(&mut File::open(source)?, &mut file)?;
            staged.file = Some(file);
        }
        Ok(staged)
    }

    /// Returns whether there is a file of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path.join(name).symlink_metadata().is_ok()
    }

    /// Writes a file whole or not at all, and has it on disk.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let staged = self.stage(name, &[bytes])?;
        staged.sync()?;
        staged.publish()?;
        self.sync()
    }

    /// Has the names of the folder on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Opens a file for reading; links and what is no regular file are refused.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        let file = private().read(true).open(self.path.join(name))?;
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("it is not a file"))
        }
    }

    /// Opens a file to change it in its place.
    pub(super) fn edit(&self, name: &str) -> io::Result<File> {
        private().write(true).open(self.path.join(name))
    }

    /// Takes the lock `name`; `None` where another process has it.
    pub(super) fn lock(&self, name: &str) -> io::Result<Option<File>> {
        let file = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns the sum of the sizes of all files below.
    pub(super) fn size(&self) -> u64 {
        size(&self.path)
    }
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some(if meta.is_dir() {
                size(&entry.path())
            } else {
                meta.len()
            })
        })
        .sum()
}

/// A file under a name that no reader looks for; dropped without being published it is removed.
#[derive(Debug)]
pub(super) struct Staged {
    /// What must reach the disk first; `None` where it is there already.
    file: Option<File>,
    temporary: PathBuf,
    right: PathBuf,
    published: bool,
}

impl Staged {
    /// Returns the right name of the file.
    pub(super) fn name(&self) -> String {
        let name = self.right.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Has the file on disk, under the name that no reader looks for.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Gives the file its right name; it must be on disk.
    pub(super) fn publish(mut self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.right)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // What stays is never read, and is overwritten by the next try.
            let _gone = fs::remove_file(&self.temporary);
        }
    }
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn private() -> fs::OpenOptions {
    let mut options = File::options();
    // NONBLOCK: a pipe that lies where a file should be must not hold anybody up.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

/// Writes slices one after the other, many in one call, and copies none.
fn write_pieces(mut file: &File, pieces: &[&[u8]]) -> io::Result<()> {
    for chunk in pieces.chunks(MOST_PIECES) {
        let mut slices: Vec<_> = chunk.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n_bytes) => IoSlice::advance_slices(&mut left, n_bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

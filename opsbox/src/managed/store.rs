//! The folder of the managed environment: numbered environments, a link to the one that counts, and who uses which.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::discover::stamp;
use crate::environ::Environ;

/// The link to the environment that counts.
const CURRENT: &str = "current";
/// How the names of links begin that are made beside it and then take its place.
const FRESH_LINK: &str = ".current-";
/// How the names of folders begin that hold the lists of a change in the making.
pub(super) const WORK: &str = ".work-";
/// The folder of the light distribution.
pub(super) const WHEELS: &str = "wheels";
/// The folder of all environments.
const ENVIRONMENTS: &str = "envs";
/// A file of each environment; who runs plugins of it holds a shared lock on the file.
const IN_USE: &str = ".in-use";
/// The lock of whoever changes something.
const CHANGING: &str = "lock";
/// How often the link is read again where the environment was replaced in between.
const TRIES: usize = 16;

/// Where managed environments are kept: `python/` in the data folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// The environment that counts. As long as this lives, nobody removes its folder.
#[derive(Debug)]
pub struct Active {
    /// Its folder.
    pub folder: PathBuf,
    _hold: File,
}

/// The right to change the store, as long as it lives.
#[derive(Debug)]
pub(super) struct Changing {
    _lock: File,
}

impl Store {
    /// Names the store of these surroundings; nothing is read or made yet.
    pub fn of(environ: &Environ) -> Self {
        Self {
            root: environ.data_dir.join("python"),
        }
    }

    /// Returns the store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the link that leads to the environment that counts.
    pub fn link(&self) -> PathBuf {
        self.root.join(CURRENT)
    }

    /// Returns the environment that counts; `None` where nothing was ever added.
    ///
    /// # Errors
    /// What the file system says: the link leads nowhere, or its folder cannot be read.
    pub fn active(&self) -> io::Result<Option<Active>> {
        let mut last = io::Error::other("it is being replaced again and again");
        for _ in 0..TRIES {
            let Some(folder) = self.current()? else {
                return Ok(None);
            };
            let hold = match File::open(folder.join(IN_USE)) {
                Ok(hold) => hold,
                // Replaced since the link was read; the next look sees the new one.
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            if let Err(TryLockError::WouldBlock) = hold.try_lock_shared() {
                continue;
            }
            // It may have been replaced, but from now on it is not removed.
            if self.current()?.as_deref() == Some(&folder) {
                return Ok(Some(Active { folder, _hold: hold }));
            }
        }
        Err(last)
    }

    /// Returns the environment that counts, as whoever wants to change it needs to know: one whose folder is gone has nothing left that could
    /// be kept and is none, but anything else that cannot be read is an error, so that nobody takes it for empty.
    ///
    /// # Errors
    /// What the file system says, with the path that it says it of.
    pub(super) fn present(&self) -> Result<Option<Active>, (PathBuf, io::Error)> {
        let error = match self.active() {
            Ok(active) => return Ok(active),
            Err(error) => error,
        };
        match self.current() {
            Ok(Some(folder)) => match fs::symlink_metadata(&folder) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(None),
                _ => Err((folder.join(IN_USE), error)),
            },
            _ => Err((self.root.join(CURRENT), error)),
        }
    }

    /// Returns where the link leads.
    fn current(&self) -> io::Result<Option<PathBuf>> {
        match fs::read_link(self.root.join(CURRENT)) {
            Ok(target) => Ok(Some(self.root.join(target))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the right to change the store, if nobody has it.
    ///
    /// # Errors
    /// What the file system says, mostly that nothing can be written there.
    pub(super) fn try_change(&self) -> io::Result<Option<Changing>> {
        stamp::private_folder(&self.root)?;
        let lock = File::options()
            .create(true)
            .append(true)
            .open(self.root.join(CHANGING))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Changing { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes the folder of a new environment. Only who may change the store calls this.
    pub(super) fn fresh(&self, _right: &Changing) -> io::Result<PathBuf> {
        let all = self.root.join(ENVIRONMENTS);
        stamp::private_folder(&all)?;
        let numbers = fs::read_dir(&all)?.flatten();
        let last = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u64>().ok());
        let folder = all.join((last.max().unwrap_or(0) + 1).to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Makes an environment the one that counts, at one stroke.
    pub(super) fn point_to(&self, folder: &Path, _right: &Changing) -> io::Result<()> {
        File::create(folder.join(IN_USE))?;
        let target = folder.strip_prefix(&self.root).unwrap_or(folder);
        let fresh = self.root.join(format!("{FRESH_LINK}{}", std::process::id()));
        let _stale = fs::remove_file(&fresh);
        std::os::unix::fs::symlink(target, &fresh)?;
        fs::rename(&fresh, self.root.join(CURRENT))
    }

    /// Takes the link away: nothing is managed any more.
    pub(super) fn point_nowhere(&self, _right: &Changing) -> io::Result<()> {
        match fs::remove_file(self.root.join(CURRENT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the environments that do not count and that nobody uses, among them what was left half made, and what else a killed change left.
    pub(super) fn sweep(&self, _right: &Changing) {
        // What cannot be removed now is removed the next time.
        for (folder, starts) in [
            (self.root.clone(), &[WORK, FRESH_LINK][..]),
            (self.root.join(WHEELS), &[".tmp"]),
        ] {
            for path in fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
            {
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap_or_default();
                if starts.iter().any(|start| name.starts_with(start)) {
                    let _removed = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
                }
            }
        }
        // Where it cannot be said which one counts, none is removed.
        let Ok(current) = self.current() else {
            return;
        };
        let Ok(entries) = fs::read_dir(self.root.join(ENVIRONMENTS)) else {
            return;
        };
        for folder in entries.flatten().map(|entry| entry.path()) {
            if current.as_deref() == Some(&folder) {
                continue;
            }
            let unused = match File::open(folder.join(IN_USE)) {
                Ok(file) => file.try_lock().is_ok(),
                Err(error) => error.kind() == io::ErrorKind::NotFound,
            };
            if unused {
                let _removed = fs::remove_dir_all(&folder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;

    #[test]
    fn the_link_moves_at_one_stroke_and_what_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(&environ(folder.path(), &[]));
        assert!(store.active().unwrap().is_none());
        let right = store.try_change().unwrap().unwrap();
        assert!(store.try_change().unwrap().is_none(), "one at a time");
        let first = store.fresh(&right).unwrap();
        store.point_to(&first, &right).unwrap();
        let active = store.active().unwrap().unwrap();
        assert_eq!(active.folder, first);
        let second = store.fresh(&right).unwrap();
        assert_ne!(first, second);
        fs::write(second.join("half"), "").unwrap();
        assert_eq!(store.active().unwrap().unwrap().folder, first);
        store.point_to(&second, &right).unwrap();
        assert_eq!(store.active().unwrap().unwrap().folder, second);
        store.sweep(&right);
        assert!(first.exists(), "somebody uses it");
        drop(active);
        store.sweep(&right);
        assert!(!first.exists());
        assert!(second.join("half").exists());
        store.point_nowhere(&right).unwrap();
        store.sweep(&right);
        assert!(store.active().unwrap().is_none());
        assert!(!second.exists());
    }

    #[test]
    fn what_a_killed_change_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(&environ(folder.path(), &[]));
        let right = store.try_change().unwrap().unwrap();
        let first = store.fresh(&right).unwrap();
        store.point_to(&first, &right).unwrap();
        let root = store.root();
        for left in [".work-a1b2c3", ".work-d4"] {
            fs::create_dir(root.join(left)).unwrap();
            fs::write(root.join(left).join("wanted.txt"), "x").unwrap();
        }
        std::os::unix::fs::symlink("envs/7", root.join(".current-4711")).unwrap();
        fs::create_dir(root.join(WHEELS)).unwrap();
        fs::write(root.join(WHEELS).join(".tmpAbCdEf"), "half").unwrap();
        fs::write(root.join(WHEELS).join("opsbox.whl"), "whole").unwrap();
        store.sweep(&right);
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(root), ["current", "envs", "lock", "wheels"]);
        assert_eq!(names(&root.join(WHEELS)), ["opsbox.whl"]);
        assert_eq!(names(&root.join(ENVIRONMENTS)), ["1"]);
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(&environ(folder.path(), &[]));
        assert!(store.present().unwrap().is_none(), "nothing was ever added");
        let right = store.try_change().unwrap().unwrap();
        let first = store.fresh(&right).unwrap();
        store.point_to(&first, &right).unwrap();
        assert_eq!(store.present().unwrap().unwrap().folder, first);
        fs::remove_file(first.join(IN_USE)).unwrap();
        assert_eq!(store.present().unwrap_err().0, first.join(IN_USE));
        // Something else than a link says as little of what counts, and nothing is removed.
        let link = store.root().join(CURRENT);
        fs::remove_file(&link).unwrap();
        fs::write(&link, "").unwrap();
        assert_eq!(store.present().unwrap_err().0, link);
        store.sweep(&right);
        assert!(first.exists());
        fs::remove_file(&link).unwrap();
        store.point_to(&first, &right).unwrap();
        // One that cannot be said to be free is not removed either: its file leads in a circle.
        let second = store.fresh(&right).unwrap();
        std::os::unix::fs::symlink(IN_USE, second.join(IN_USE)).unwrap();
        store.sweep(&right);
        assert!(second.exists());
        fs::remove_dir_all(&first).unwrap();
        assert!(store.present().unwrap().is_none(), "its folder is gone");
    }

    #[test]
    fn a_link_to_nowhere_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::of(&environ(folder.path(), &[]));
        let right = store.try_change().unwrap().unwrap();
        let gone = store.fresh(&right).unwrap();
        store.point_to(&gone, &right).unwrap();
        fs::remove_dir_all(gone).unwrap();
        assert_eq!(store.active().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}

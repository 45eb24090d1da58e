//! The embedded Python files as a private folder of the cache: written whole or not at all, compared byte by byte. Where the cache cannot
//! be written, a folder of this process holds them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::discover::stamp;

/// The folder that holds the bridge's files; one that is not in the cache is gone with the last clone.
#[derive(Debug, Clone)]
pub struct Bridge {
    /// The folder.
    pub folder: PathBuf,
    /// What a person should know: the cache folder cannot be written.
    pub warning: Option<String>,
    _temporary: Option<Arc<TempDir>>,
}

impl Bridge {
    /// Returns the folder with exactly these texts: in the cache, else in a folder of this process.
    ///
    /// # Errors
    /// Why neither can be written.
    pub fn make(cache_dir: &Path, files: &[(&str, &str)]) -> Result<Self, String> {
        let error = match materialise_files(cache_dir, files) {
            Ok(folder) => {
                return Ok(Self {
                    folder,
                    warning: None,
                    _temporary: None,
                });
            }
            Err(error) => error,
        };
        let cannot = format!(
            "the cache folder `{}` cannot be written: {error}",
            cache_dir.display()
        );
        let temporary = || {
            let folder = tempfile::Builder::new().prefix("opsbox-").tempdir()?;
            // A folder below it: what a cache needs is checked there too.
            Ok((materialise_files(&folder.path().join("cache"), files)?, folder))
        };
        let (folder, temporary) = temporary().map_err(|second: io::Error| {
            format!("{cannot}; nor can a folder for temporary files: {second}; set OPSBOX_CACHE_DIR to a folder of your own")
        })?;
        Ok(Self {
            folder,
            warning: Some(format!(
                "{cannot}; what Python plugins need is written anew for each command: set OPSBOX_CACHE_DIR to a folder of your own"
            )),
            _temporary: Some(Arc::new(temporary)),
        })
    }
}

/// Returns the folder `bridge-<hash>` of the cache with exactly these texts, written where missing or damaged.
///
/// # Errors
/// What the file system says; `PermissionDenied` where the folder belongs to somebody else.
pub fn materialise_files(cache_dir: &Path, files: &[(&str, &str)]) -> io::Result<PathBuf> {
    stamp::private_folder(cache_dir)?;
    let mut all = String::new();
    for (path, text) in files {
        all.push_str(&format!("{path} {}\n{text}", text.len()));
    }
    let folder = cache_dir.join(format!("bridge-{}", stamp::hash(&all)));
    if is_whole(&folder, files) {
        return Ok(folder);
    }
    let fresh = tempfile::Builder::new()
        .prefix(".bridge-")
        .tempdir_in(cache_dir)?;
    stamp::close(fresh.path())?;
    for (path, text) in files {
        let path = fresh.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    // A damaged folder is moved away first: a folder cannot be renamed onto one that is not empty.
    if folder.exists() && !is_whole(&folder, files) {
        let away = tempfile::Builder::new()
            .prefix(".bridge-old-")
            .tempdir_in(cache_dir)?;
        fs::rename(&folder, away.path().join("bridge"))?;
    }
    match fs::rename(fresh.path(), &folder) {
        Ok(()) => Ok(folder),
        // Another process was faster.
        Err(_) if is_whole(&folder, files) => Ok(folder),
        Err(err) => Err(err),
    }
}

fn is_whole(folder: &Path, files: &[(&str, &str)]) -> bool {
    stamp::is_private(folder)
        && files
            .iter()
            .all(|(path, text)| fs::read(folder.join(path)).is_ok_and(|bytes| bytes == text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[(&str, &str)] = &[("a/__init__.py", ""), ("a/b.py", "print()\n")];

    #[test]
    fn files_are_written_once_and_mended() {
        let cache = tempfile::tempdir().unwrap();
        let dir = cache.path().join("new/cache");
        let folder = materialise_files(&dir, FILES).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a/b.py")).unwrap(), "print()\n");
        let written = fs::metadata(folder.join("a/b.py")).unwrap().modified().unwrap();
        assert_eq!(materialise_files(&dir, FILES).unwrap(), folder);
        assert_eq!(
            fs::metadata(folder.join("a/b.py")).unwrap().modified().unwrap(),
            written
        );
        fs::write(folder.join("a/b.py"), "evil()\n").unwrap();
        materialise_files(&dir, FILES).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a/b.py")).unwrap(), "print()\n");
        let names: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 1, "nothing is left behind: {names:?}");
    }

    #[test]
    fn where_the_cache_cannot_be_written_a_folder_of_this_process_holds_the_files() {
        let cache = tempfile::tempdir().unwrap();
        let kept = Bridge::make(&cache.path().join("c"), FILES).unwrap();
        assert!(kept.folder.starts_with(cache.path()) && kept.warning.is_none());
        let file = cache.path().join("file");
        fs::write(&file, "").unwrap();
        let bridge = Bridge::make(&file, FILES).unwrap();
        let warning = bridge.warning.clone().unwrap();
        assert!(
            warning.contains(file.to_str().unwrap()) && warning.contains("OPSBOX_CACHE_DIR"),
            "{warning}"
        );
        let other = bridge.clone();
        drop(bridge);
        assert_eq!(
            fs::read_to_string(other.folder.join("a/b.py")).unwrap(),
            "print()\n"
        );
        let folder = other.folder.clone();
        drop(other);
        assert!(!folder.exists(), "it is gone with the last clone");
    }

    #[cfg(unix)]
    #[test]
    fn folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let cache = tempfile::tempdir().unwrap();
        let folder = materialise_files(&cache.path().join("c"), FILES).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let again = materialise_files(&cache.path().join("c"), FILES).unwrap();
        assert_eq!(fs::metadata(&again).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

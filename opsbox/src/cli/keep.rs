//! Where `-o` writes: a file whole or not at all, a pipe or a device as it is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::error::Fault;

/// As many links in a row as the kernel follows.
const MOST_LINKS: usize = 40;

/// What stands behind a path.
#[derive(Debug, PartialEq)]
enum Target {
    /// A regular file, or none yet: a new one takes its place. Links were followed.
    File(PathBuf),
    /// A pipe, a device or an open stream, which must not be replaced.
    Stream(PathBuf),
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(meta) if !meta.is_file() => return Ok(Self::Stream(path.to_owned())),
            _ => {}
        }
        let mut file = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Ok(next) = fs::read_link(&file) else {
                return Ok(Self::File(file));
            };
            let folder = fs::canonicalize(folder_of(&file))?;
            // `/dev/stdout` and its like: the name of an open file, whose readers would miss a new one.
            if folder.starts_with("/proc") {
                return Ok(Self::Stream(path.to_owned()));
            }
            file = folder.join(next);
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

/// Looks whether a file can be written, before the work whose result it is to hold.
///
/// # Errors
/// A fault that names the file.
pub fn check_writable(path: &Path) -> Result<(), Fault> {
    let looked = Target::of(path).and_then(|target| match target {
        Target::File(file) => tempfile::NamedTempFile::new_in(folder_of(&file)).map(drop),
        // To open a pipe could wait for its reader.
        Target::Stream(stream) => Ok(access(&stream, Access::WRITE_OK)?),
    });
    looked.map_err(|error| {
        let why = io::Error::from(error.kind());
        Fault::new(format!("cannot write `{}`: {why}", path.display()))
            .hint("name a file in a folder that is there and that you may write to")
    })
}

/// Writes a file whole or not at all; what is no regular file is written as it is.
///
/// # Errors
/// A fault that names the file.
pub fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let written = Target::of(path).and_then(|target| match target {
        Target::File(file) => replace(&file, text),
        // At its end: an open stream may be a file that holds results already.
        Target::Stream(stream) => File::options()
            .append(true)
            .open(stream)?
            .write_all(text.as_bytes()),
    });
    written.map_err(|error| Fault::new(format!("cannot write `{}`: {error}", path.display())))
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut fresh = tempfile::NamedTempFile::new_in(folder_of(file))?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    fresh.persist(file).map_err(|error| error.error)?;
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    #[test]
    fn a_link_stays_and_its_target_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("kept")).unwrap();
        symlink("kept/record.json", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        for text in ["first", "second"] {
            check_writable(&at("two")).unwrap();
            write(&at("two"), text).unwrap();
            assert_eq!(fs::read_to_string(at("kept/record.json")).unwrap(), text);
            assert!(at("two").is_symlink() && at("one").is_symlink());
        }
        symlink("round", at("round")).unwrap();
        assert!(check_writable(&at("round")).is_err());
    }

    #[test]
    fn a_device_is_written_and_stays() {
        write(Path::new("/dev/null"), "x").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_folder_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let fault = check_writable(folder.path()).unwrap_err();
        assert!(fault.message.ends_with("is a directory"), "{fault:?}");
    }
}

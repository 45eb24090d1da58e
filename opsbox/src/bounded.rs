//! Small files that others may have made: read within a cap, and nothing else than files.

use std::fs::{Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Reads a file of at most `most` bytes.
///
/// # Errors
/// Why it cannot be read: it is not there, no file, too large, or has nothing to give yet.
pub(crate) fn read(path: &Path, most: u64) -> Result<(Vec<u8>, Metadata), String> {
    let why = |error: std::io::Error| error.to_string();
    // Opening must not wait for a pipe's other end, nor reading for a device; a file never makes anybody wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags).open(path).map_err(why)?;
    let metadata = file.metadata().map_err(why)?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    // The size that is told is not what can be read of every file, such as those of /proc.
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(why)?;
    let size = metadata.len().max(bytes.len() as u64);
    if size > most {
        return Err(format!("it has {size} bytes, more than the {most} allowed"));
    }
    Ok((bytes, metadata))
}

/// Reads a text file of at most `most` bytes.
///
/// # Errors
/// As [`read`], and where it is not UTF-8.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<(String, Metadata), String> {
    let (bytes, metadata) = read(path, most)?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok((text, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_cap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap().0, "12345");
        let why = read_text(&path, 4).unwrap_err();
        assert_eq!(why, "it has 5 bytes, more than the 4 allowed");
    }

    #[test]
    fn a_pipe_a_device_and_a_folder_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for path in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
            assert_eq!(
                read(path, 5).unwrap_err(),
                "it is not a file",
                "{}",
                path.display()
            );
        }
    }

    #[test]
    fn a_file_that_says_it_is_empty_and_is_not_is_capped_too() {
        let why = read(Path::new("/proc/self/maps"), 16).unwrap_err();
        assert_eq!(why, "it has 17 bytes, more than the 16 allowed");
    }
}

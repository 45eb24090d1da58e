//! Small files that others may have made: read within a cap, and nothing else than files.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Data of a provider is no larger, nor what is to be found in it: no line of a plugin is.
pub(crate) const MOST_DATA: u64 = opsbox_protocol::limits::LEGACY_LINE_BYTES;

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
    Ok((text_of(bytes)?, metadata))
}

/// Reads a text of at most `most` bytes that the user named: a file, or a pipe, such as a shell makes of `<(command)`, to its end.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn read_given(path: &Path, most: u64) -> Result<String, String> {
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if !metadata.file_type().is_fifo() {
        return read_text(path, most).map(|(text, _)| text);
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|pipe| pipe.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it has more than the {most} bytes allowed"));
    }
    text_of(bytes)
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
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
    fn a_pipe_that_the_user_named_is_read_to_its_end_within_the_cap_and_a_device_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        )
        .unwrap();
        for (most, wanted) in [(5, Ok("12345")), (4, Err("it has more than the 4 bytes allowed"))] {
            let path = pipe.clone();
            let writer = std::thread::spawn(move || std::fs::write(path, "12345"));
            let read = read_given(&pipe, most);
            writer.join().unwrap().unwrap();
            assert_eq!(read.as_deref().map_err(String::as_str), wanted);
        }
        assert_eq!(
            read_given(Path::new("/dev/zero"), 5).unwrap_err(),
            "it is not a file"
        );
    }

    #[test]
    fn a_file_that_says_it_is_empty_and_is_not_is_capped_too() {
        let why = read(Path::new("/proc/self/maps"), 16).unwrap_err();
        assert_eq!(why, "it has 17 bytes, more than the 16 allowed");
    }
}

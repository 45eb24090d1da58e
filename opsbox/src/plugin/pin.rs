//! Files that a manifest pins: their contents have a known hash, or the plugin is not started.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::PluginError;

/// A file with the hash that it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// The file.
    pub path: PathBuf,
    /// The hash, as 64 hexadecimal digits in lower case.
    pub sha256: String,
}

/// Reads every pinned file and compares.
///
/// # Errors
/// [`PluginError::Unpinned`] for the first that is another, or cannot be read.
pub(super) async fn check(pinned: Vec<PinnedFile>) -> Result<(), PluginError> {
    if pinned.is_empty() {
        return Ok(());
    }
    let look = move || pinned.iter().try_for_each(look_at);
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|error| {
        Err(PluginError::Unpinned {
            file: "a pinned file".into(),
            why: format!("could not be looked at: {error}"),
        })
    })
}

fn look_at(pinned: &PinnedFile) -> Result<(), PluginError> {
    let unpinned = |why: String| PluginError::Unpinned {
        file: pinned.path.display().to_string(),
        why,
    };
    match sha256(&pinned.path) {
        Ok(found) if found == pinned.sha256 => Ok(()),
        Ok(found) => Err(unpinned(format!(
            "has the SHA-256 {found}, its manifest pins {}",
            pinned.sha256
        ))),
        Err(error) => Err(unpinned(format!("cannot be read: {error}"))),
    }
}

/// Returns the SHA-256 of a file's contents in hexadecimal digits.
fn sha256(path: &Path) -> io::Result<String> {
    struct Into256(Sha256);
    impl io::Write for Into256 {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Into256(Sha256::new());
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash
        .0
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_hash_that_sha256sum_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}

//! The light distribution: a wheel `opsbox` with the Python files of this binary, the same bytes at each making.
//!
//! It stands in the managed environment in the place of the original, so that a plugin's `opsbox>=0.2` is met without the 169 packages that
//! the original brings.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::discover::stamp;

/// What plugins import without saying so; the original brought it.
const REQUIRES: [&str; 6] = [
    "pydantic>=2.8,<3",
    "PyYAML>=6.0",
    "pluggy>=1.5,<2",
    "loguru>=0.7.2,<0.8",
    "rich>=13.0",
    "requests>=2.32.3,<3",
];
/// What only some plugins need: for `AppConfig().llm` and `.embed_model`, and for dates such as "90 days ago" in Python.
const EXTRAS: [(&str, &[&str]); 2] = [
    ("dates", &["dateparser>=1.2"]),
    (
        "llm",
        &[
            "llama-index-core>=0.12,<0.13",
            "llama-index-embeddings-openai>=0.3",
            "llama-index-llms-anthropic>=0.6.3",
            "llama-index-llms-openai>=0.3",
        ],
    ),
];

/// The version of the light distribution.
pub const LIGHT_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+light");

/// Returns the wheel's file name.
pub fn light_name() -> String {
    format!("opsbox-{LIGHT_VERSION}-py3-none-any.whl")
}

/// Returns the wheel's bytes.
pub fn light_wheel() -> Vec<u8> {
    wheel(opsbox_python::FILES)
}

/// Returns the wheel's hash as installers write it: `sha256:…`.
pub fn light_hash() -> String {
    sha256(&light_wheel())
}

/// Returns the wheel as a file of this folder, written where it is missing or another.
///
/// # Errors
/// What the file system says.
pub fn write_light(folder: &Path) -> io::Result<PathBuf> {
    stamp::private_folder(folder)?;
    let path = folder.join(light_name());
    let bytes = light_wheel();
    if fs::read(&path).is_ok_and(|there| there == bytes) {
        return Ok(path);
    }
    let fresh = tempfile::NamedTempFile::new_in(folder)?;
    fs::write(fresh.path(), &bytes)?;
    fresh.persist(&path).map_err(|error| error.error)?;
    Ok(path)
}

/// Returns a hash as installers write it: `sha256:…`.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn wheel(files: &[(&str, &str)]) -> Vec<u8> {
    let info = format!("opsbox-{LIGHT_VERSION}.dist-info");
    let mut entries: Vec<(String, String)> = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    entries.push(("opsbox/py.typed".to_owned(), String::new()));
    entries.sort();
    // An installer may stream a wheel: what describes it stands last, as the format recommends.
    entries.push((format!("{info}/METADATA"), metadata()));
    entries.push((
        format!("{info}/WHEEL"),
        "Wheel-Version: 1.0\nGenerator: opsbox\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
    ));
    entries.push((format!("{info}/top_level.txt"), "opsbox\n".to_owned()));
    let mut record = String::new();
    for (path, text) in &entries {
        let hash = base64(&Sha256::digest(text.as_bytes()));
        record.push_str(&format!("{path},sha256={hash},{}\n", text.len()));
    }
    record.push_str(&format!("{info}/RECORD,,\n"));
    entries.push((format!("{info}/RECORD"), record));
    zip(&entries)
}

fn metadata() -> String {
    let mut text = format!(
        "Metadata-Version: 2.1\nName: opsbox\nVersion: {LIGHT_VERSION}\n\
         Summary: The Python names of Opsbox, for plugins in an environment that the opsbox program manages.\n\
         License: MIT OR Apache-2.0\nRequires-Python: >=3.9\n"
    );
    for requirement in REQUIRES {
        text.push_str(&format!("Requires-Dist: {requirement}\n"));
    }
    for (extra, requirements) in EXTRAS {
        text.push_str(&format!("Provides-Extra: {extra}\n"));
        for requirement in requirements {
            text.push_str(&format!("Requires-Dist: {requirement}; extra == \"{extra}\"\n"));
        }
    }
    text.push_str(
        "\nMade by the opsbox program from the files in it. It stands in the place of the original \
         distribution of this name: the same imports, without its dependencies.\n",
    );
    text
}

/// Returns a hash as RECORD writes it: for URLs, without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(LETTERS[index as usize]));
        }
    }
    text
}

/// Packs texts into an archive, stored as they are, all dated 1980-01-01, which is the earliest date that the format knows.
fn zip(entries: &[(String, String)]) -> Vec<u8> {
    const DATE: u16 = (1 << 5) | 1;
    const MODE: u32 = 0o100_644 << 16;
    // The files of this binary are far below the format's limits of 4 GiB and 65,535 entries.
    let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let long = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, text) in entries {
        let offset = archive.len();
        let mut common = Vec::new();
        // Version 2.0, names in UTF-8, stored, midnight.
        common.extend([20, 0, 0, 8, 0, 0, 0, 0]);
        common.extend(DATE.to_le_bytes());
        common.extend(crc32(text.as_bytes()).to_le_bytes());
        common.extend(long(text.len()));
        common.extend(long(text.len()));
        common.extend(short(path.len()));
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(short(0));
        archive.extend(path.as_bytes());
        archive.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02");
        // Made on Unix, so that the mode counts.
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 8]);
        directory.extend(MODE.to_le_bytes());
        directory.extend(long(offset));
        directory.extend(path.as_bytes());
    }
    let start = archive.len();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06");
    archive.extend([0; 4]);
    archive.extend(short(entries.len()));
    archive.extend(short(entries.len()));
    archive.extend(long(directory.len()));
    archive.extend(long(start));
    archive.extend(short(0));
    archive
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| {
        if crc & 1 == 1 {
            0xedb8_8320 ^ (crc >> 1)
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_their_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(base64(b"f"), "Zg");
        assert_eq!(base64(b"fo"), "Zm8");
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "-_-_");
        assert_eq!(
            sha256(b"abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_wheel_that_is_installed_in_place_asks_for_the_same() {
        let text = include_str!("../../../sdk-python/pyproject.toml");
        let project: toml::Value = toml::from_str(text).unwrap();
        let list = |value: &toml::Value| -> Vec<String> { value.clone().try_into().unwrap() };
        assert_eq!(list(&project["project"]["dependencies"]), REQUIRES);
        let extras = project["project"]["optional-dependencies"].as_table().unwrap();
        assert_eq!(extras.len(), EXTRAS.len());
        for (name, wanted) in EXTRAS {
            assert_eq!(list(&extras[name]), wanted);
        }
    }

    #[test]
    fn two_wheels_of_the_same_files_are_equal_and_of_others_are_not() {
        assert_eq!(light_wheel(), light_wheel());
        let backwards: Vec<_> = opsbox_python::FILES.iter().rev().copied().collect();
        assert_eq!(
            wheel(&backwards),
            light_wheel(),
            "the order of the files does not matter"
        );
        assert_ne!(wheel(&[("opsbox/__init__.py", "")]), light_wheel());
    }

    #[test]
    fn the_file_is_written_once_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_light(folder.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), light_wheel());
        fs::write(&path, "damaged").unwrap();
        assert_eq!(
            fs::read(write_light(folder.path()).unwrap()).unwrap(),
            light_wheel()
        );
    }
}

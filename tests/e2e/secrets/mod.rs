//! Secrets of the configuration: who gets them, where they are never seen, and how a file can name their place.

mod by_hand;
mod references;
mod results;
mod shared;
mod streams;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::Sandbox;

/// Where runs are kept.
const KEPT: &str = "home/.local/state/opsbox";

/// The table that declares a secret field.
fn field(name: &str) -> String {
    format!("---[config.{name}]\ntype = \"string\"\nwriteOnly = true\n")
}

/// A secret that no other text of this machine holds.
fn secret(of: &str) -> String {
    format!("s3cr3t/{of}+{}-value", std::process::id())
}

/// Writes a file that only the user can read.
fn private(sandbox: &Sandbox, relative: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = sandbox.write(relative, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Returns the spellings of a secret that a text holds: itself, in a URL, and in base64 wherever it begins.
fn spellings_in(text: &str, secret: &str) -> Vec<String> {
    let percent = secret.replace('/', "%2F").replace('+', "%2B");
    let within = |offset: usize| {
        let encoded = STANDARD.encode([&vec![0; offset][..], secret.as_bytes()].concat());
        encoded[offset * 2..encoded.len() - 4].to_owned()
    };
    [secret.to_owned(), percent, within(0), within(1), within(2)]
        .into_iter()
        .filter(|spelling| text.contains(spelling))
        .collect()
}

/// Asserts that no file below a folder holds the secret, but for those named.
#[track_caller]
fn no_file_holds(folder: &Path, secret: &str, but: &[&str]) {
    let mut n_files = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !but.iter().any(|name| path.ends_with(name)) {
                n_files += 1;
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
                let found = spellings_in(&text, secret);
                assert!(found.is_empty(), "{}: {found:?}", path.display());
            }
        }
    }
    assert!(n_files > 0, "there was nothing to look at");
}

//! `tests/golden` only grows: what once stood there stands there for ever, byte for byte.
//!
//! `tests/golden/SEALED` holds the SHA-256 of each golden line and file. A new one is added to it by running this test with OPSBOX_BLESS=1,
//! which changes and removes nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::repository;

/// So many entries were sealed when a release was made, and the SHA-256 of their lines: neither may change, whatever `SEALED` says.
const RELEASES: [(&str, usize, &str); 1] = [(
    "1.0.0",
    183,
    "aa518985514f77752a89ef55ca9db7f3a51d564389c7f43112889cfca663c7c0",
)];

fn golden() -> PathBuf {
    repository().join("tests/golden")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}

/// Returns every golden line and file that is sealed, by its name, with its hash: lines in the order of their file, then files by name.
fn present() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let lines = std::fs::read(golden().join("lines.jsonl")).unwrap();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let entry: Value = serde_json::from_slice(line).unwrap();
        found.push((
            format!("lines.jsonl:{}", entry["name"].as_str().unwrap()),
            sha256(line),
        ));
    }
    for folder in ["exports", "manifests", "records", "runs", "traces"] {
        let mut names: Vec<PathBuf> = std::fs::read_dir(golden().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        assert!(!names.is_empty(), "{folder} is empty");
        let name = |path: &Path| format!("{folder}/{}", path.file_name().unwrap().display());
        found.extend(
            names
                .iter()
                .map(|path| (name(path), sha256(&std::fs::read(path).unwrap()))),
        );
    }
    found
}

fn sealed() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(golden().join("SEALED")).unwrap_or_default();
    let entry = |line: &str| {
        let (hash, name) = line.split_once("  ").unwrap();
        (name.to_owned(), hash.to_owned())
    };
    text.lines().map(entry).collect()
}

#[test]
fn what_is_sealed_was_neither_changed_nor_removed() {
    let present: BTreeMap<String, String> = present().into_iter().collect();
    let broken: Vec<String> = sealed()
        .into_iter()
        .filter(|(name, hash)| present.get(name) != Some(hash))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        broken,
        [] as [&str; 0],
        "golden lines are readable for ever: put these back, and add new ones beside them"
    );
}

#[test]
fn every_golden_line_and_file_is_sealed_once() {
    let mut known = sealed();
    let missing: Vec<(String, String)> = present()
        .into_iter()
        .filter(|(name, _)| !known.iter().any(|(sealed, _)| sealed == name))
        .collect();
    if std::env::var_os("OPSBOX_BLESS").is_some() && !missing.is_empty() {
        known.extend(missing);
        let text: String = known
            .iter()
            .map(|(name, hash)| format!("{hash}  {name}\n"))
            .collect();
        std::fs::write(golden().join("SEALED"), text).unwrap();
        return;
    }
    let names: Vec<&String> = missing.iter().map(|(name, _)| name).collect();
    assert!(
        names.is_empty(),
        "new in tests/golden: run the test once with OPSBOX_BLESS=1, which seals {names:?}"
    );
    let n_names = known
        .iter()
        .map(|(name, _)| name)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    assert_eq!(
        n_names,
        known.len(),
        "a name stands twice in SEALED, or in lines.jsonl"
    );
}

#[test]
fn what_a_release_sealed_is_sealed_still() {
    let text = std::fs::read_to_string(golden().join("SEALED")).unwrap();
    for (release, n_entries, hash) in RELEASES {
        let first: String = text.split_inclusive('\n').take(n_entries).collect();
        assert_eq!(
            sha256(first.as_bytes()),
            hash,
            "the first {n_entries} entries of SEALED are those of {release}"
        );
    }
}

//! The invariants of ARCHITECTURE.md, read off the source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// Returns the Rust files below these folders, with their text up to the first test module.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| repository().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default()
                .to_owned();
            let name = path.strip_prefix(repository()).unwrap().display().to_string();
            files.push((name, code));
        }
    }
    assert!(
        files.len() > 10,
        "the source is not where this test looks for it: {folders:?}"
    );
    files.sort();
    files
}

fn is_test(path: &Path) -> bool {
    let folder_of_tests = path.components().any(|part| part.as_os_str() == "tests");
    folder_of_tests || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// Asserts that no file but the allowed ones holds one of these texts outside comments.
#[track_caller]
fn only_in(folders: &[&str], allowed: &[&str], texts: &[&str]) {
    let mut found = Vec::new();
    for (name, code) in sources(folders) {
        if allowed.iter().any(|allowed| name.starts_with(allowed)) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            let code = line.trim_start();
            if !code.starts_with("//") && texts.iter().any(|text| code.contains(text)) {
                found.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "only {allowed:?} may hold {texts:?}\n{}",
        found.join("\n")
    );
}

const PRODUCT: [&str; 5] = [
    "opsbox/src",
    "opsbox/bulk/src",
    "protocol/src",
    "plugin-sdk-rs/src",
    "plugins",
];

#[test]
fn only_the_plugin_module_starts_processes() {
    let spawns = ["Command::new", "process::Command", "posix_spawn"];
    only_in(
        &["opsbox/src", "protocol/src", "plugin-sdk-rs/src"],
        &["opsbox/src/plugin/"],
        &spawns,
    );
}

#[test]
fn only_the_ui_prints() {
    let prints = ["println!", "eprintln!", "print!(", "io::stdout()", "io::stderr()"];
    // Plugins and the worker own their stdout: it is their wire.
    only_in(
        &["opsbox/src"],
        &["opsbox/src/ui/", "opsbox/src/rego/stdio.rs"],
        &prints,
    );
}

#[test]
fn only_main_reads_arguments_and_the_environment() {
    only_in(
        &["opsbox/src"],
        &["opsbox/src/main.rs"],
        &["env::args", "env::var", "env::current_dir"],
    );
}

#[test]
fn there_is_no_mutable_static_and_no_unsafe_code() {
    only_in(
        &PRODUCT,
        &[],
        &["static mut ", "unsafe {", "unsafe fn", "pre_exec"],
    );
}

#[test]
fn the_protocol_knows_no_process_and_no_runtime() {
    only_in(
        &["protocol/src"],
        &[],
        &["tokio", "std::process", "std::thread", "std::env", "std::net"],
    );
    let manifest = fs::read_to_string(repository().join("protocol/Cargo.toml")).unwrap();
    let (_, after) = manifest.split_once("[dependencies]\n").unwrap();
    let names: Vec<_> = after
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split(['.', ' ']).next())
        .collect();
    assert_eq!(names, ["memchr", "schemars", "serde", "serde_json", "thiserror"]);
}

#[test]
fn the_sdk_and_the_plugins_do_not_know_the_host() {
    only_in(&["plugin-sdk-rs/src", "plugins"], &[], &["opsbox::"]);
}

#[test]
fn the_host_process_evaluates_no_policy() {
    only_in(&["opsbox/src"], &["opsbox/src/rego/"], &["regorus::"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, code) in sources(&PRODUCT) {
        assert!(code.starts_with("//! "), "{name} does not open with a `//!` line");
    }
}

#[test]
fn no_mark_of_unfinished_work_is_left() {
    for (name, code) in sources(&PRODUCT) {
        for mark in ["todo!", "unimplemented!", "FIXME", "XXX"] {
            assert!(!code.contains(mark), "{name} holds {mark}");
        }
    }
}

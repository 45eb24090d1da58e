//! The fuzz targets over their corpus, so that what they found stays mended; tests/fuzz/README.md says how they run longer.

use std::fs;

use crate::support::repository;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Runs one target over its files.
#[track_caller]
fn check(name: &str, check: targets::Check) {
    let folder = repository().join("tests/fuzz/corpus").join(name);
    let mut n_files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if let Err(panic) = std::panic::catch_unwind(|| check(&bytes)) {
            eprintln!("with {}", path.display());
            std::panic::resume_unwind(panic);
        }
        n_files += 1;
    }
    assert!(n_files >= 5, "{} holds {n_files} files", folder.display());
}

#[test]
fn every_target_holds_over_its_corpus() {
    for (name, target) in targets::TARGETS {
        check(name, target);
    }
}

#[test]
fn every_target_has_a_binary_and_a_corpus_and_nothing_else_has() {
    let fuzz = repository().join("tests/fuzz");
    let names = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(fuzz.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let mut known: Vec<String> = targets::TARGETS.map(|(name, _)| name.to_owned()).to_vec();
    known.sort();
    assert_eq!(names("fuzz_targets"), known);
    assert_eq!(names("corpus"), known);
}

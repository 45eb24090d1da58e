//! The table of all cases, and the test that each of them has a test of its name.

use std::collections::BTreeSet;
use std::fs;

use crate::support::repository;

/// The cases by number, in a few words. Numbers that are missing were never given.
const CASES: [(u32, &str); 66] = [
    (1, "the program is missing"),
    (2, "not executable, another architecture, a bad `#!` line"),
    (3, "exits 0 before the answer to `initialize`"),
    (4, "exits with much on stderr"),
    (5, "never answers"),
    (6, "answers about the deadline"),
    (7, "another protocol"),
    (8, "a wrong id in the handshake"),
    (9, "a request before the handshake"),
    (10, "a banner"),
    (11, "noise without end"),
    (12, "a shell as program"),
    (13, "CRLF and BOM"),
    (14, "writes of one byte"),
    (15, "two messages in one write"),
    (16, "no last line end"),
    (17, "the longest line, one byte more, and no end"),
    (18, "not UTF-8"),
    (19, "JSON cut short"),
    (20, "JSON of another shape, batches, scalars"),
    (21, "a bomb of depth"),
    (22, "numbers and texts that others mistake"),
    (23, "separators, escapes, NUL"),
    (24, "an unknown id"),
    (25, "two answers"),
    (27, "result and error, or neither"),
    (28, "an error for nobody"),
    (29, "answers out of order"),
    (30, "unknown methods"),
    (31, "a huge traceback"),
    (32, "a forged error code"),
    (35, "odd progress"),
    (36, "a flood of log records"),
    (37, "nested lists, null, a single Result"),
    (38, "death in a hook"),
    (39, "stdout closed"),
    (40, "stdin closed"),
    (41, "stdin not read"),
    (43, "much on stderr"),
    (45, "cancel ignored"),
    (46, "cancelled calls answered late, early, never"),
    (47, "shutdown, end of stdin and SIGTERM ignored"),
    (48, "death in shutdown"),
    (49, "a crash loop"),
    (50, "a crash of an output"),
    (51, "the host killed"),
    (52, "Ctrl-C once, twice"),
    (54, "a call cycle"),
    (55, "requests without a call"),
    (56, "a secret that was not declared"),
    (58, "a failing output"),
    (59, "a slow consumer"),
    (60, "a damaged cache"),
    (61, "an undeclared variable"),
    (62, "secrets where all may read"),
    (63, "1,000 starts"),
    (65, "everything that prints"),
    (66, "a process that ends itself"),
    (67, "standard input read"),
    (68, "two spellings of a hook"),
    (69, "a plugin that cannot be imported"),
    (70, "a model refuses"),
    (71, "manifests of strangers"),
    (72, "Results of strangers"),
    (73, "config files of strangers"),
    (74, "a full disk, a read-only folder"),
];

/// Returns the numbers of all functions `case_NN_…` below `tests/e2e`.
fn tested() -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    let mut open = vec![repository().join("tests/e2e")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let cases = text
                .split("#[test]\nfn case_")
                .skip(1)
                .filter_map(|rest| rest.split('_').next()?.parse::<u32>().ok());
            numbers.extend(cases);
        }
    }
    numbers
}

#[test]
fn every_case_has_a_test_of_its_number() {
    let tested = tested();
    let known: BTreeSet<u32> = CASES.iter().map(|(number, _)| *number).collect();
    assert_eq!(known.len(), CASES.len(), "a number stands twice");
    let missing: Vec<_> = CASES
        .iter()
        .filter(|(number, _)| !tested.contains(number))
        .collect();
    assert!(missing.is_empty(), "no test `case_NN_…` for {missing:?}");
    let unknown: Vec<_> = tested.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "tests of numbers that are no case: {unknown:?}"
    );
}

//! What is removed, and what never is.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};

use super::{folders, input, last, output};
use crate::support::Sandbox;

fn sandbox(n_runs: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    for _ in 0..n_runs {
        sandbox.opsbox(&["run", "a-out"]).exits(0);
    }
    sandbox
}

#[test]
fn runs_go_by_id_by_number_and_by_age() {
    let sandbox = sandbox(3);
    let newest = last(&sandbox)["run"].as_str().unwrap().to_owned();
    let dry = sandbox
        .opsbox(&["runs", "prune", "--keep-last", "1", "--dry-run", "--json"])
        .exits(0)
        .json();
    assert_eq!(dry["runs"].as_array().unwrap().len(), 2);
    assert_eq!(folders(&sandbox).len(), 3);
    sandbox
        .opsbox(&["runs", "prune"])
        .exits(0)
        .prints(&["nothing to remove"]);
    sandbox
        .opsbox(&["runs", "prune", "--older-than", "1h"])
        .exits(0)
        .prints(&["nothing to remove"]);
    sandbox
        .opsbox(&["runs", "prune", "--keep-last", "1"])
        .exits(0)
        .prints(&["removed: not among the newest 1"]);
    assert_eq!(last(&sandbox)["run"], newest.as_str());
    assert_eq!(folders(&sandbox).len(), 1);
    sandbox
        .opsbox(&["runs", "prune", &newest])
        .exits(0)
        .prints(&["removed: named"]);
    sandbox
        .opsbox(&["runs", "prune", &newest])
        .exits(2)
        .says(&["no kept run has the id"]);
    sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(2)
        .says(&["no run is kept"]);
    sandbox
        .opsbox(&["runs", "prune", "last", "--older-than", "1h"])
        .exits(2);
    assert_eq!(
        fs::read_dir(sandbox.path(super::STATE).join("runs"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_end_of_a_run_removes_what_takes_too_much_room() {
    let sandbox = sandbox(2);
    assert_eq!(folders(&sandbox).len(), 2);
    sandbox
        .opsbox_with(&[("OPSBOX_RUNS_MAX_SIZE", "3KiB")], &["run", "a-out"])
        .exits(0);
    let left = folders(&sandbox);
    assert_eq!(left.len(), 1);
    assert!(left[0].ends_with(last(&sandbox)["run"].as_str().unwrap()));
}

#[test]
fn a_foreign_project_cannot_remove_the_runs_of_others() {
    let sandbox = sandbox(2);
    sandbox.write("work/opsbox.toml", "[runs]\nkeep = \"1s\"\nmax_size = \"2KiB\"\n");
    sandbox.opsbox(&["run", "a-out"]).exits(0);
    assert_eq!(folders(&sandbox).len(), 3);
    sandbox.opsbox(&["runs", "prune"]).exits(0);
    assert_eq!(folders(&sandbox).len(), 3);
}

#[test]
fn a_run_that_lives_is_neither_pruned_nor_delivered_nor_gone_on_with() {
    let sandbox = sandbox(0);
    let fifo = sandbox.path("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let wait = format!("read -r x <'{}'; result='[]'", fifo.display());
    sandbox.shell("slow", "input", &[("process", &wait)], "");
    let mut child = sandbox.start(&["run", "a,slow-out", "--progress", "json"]);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // `a` is reported, so the folder is there; `slow` waits at the gate.
    while !(line.contains("\"settled\"") && line.contains("\"plugin\":\"a\"")) {
        line.clear();
        assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "the run ended");
    }
    let id = last(&sandbox)["run"].as_str().unwrap().to_owned();
    sandbox.opsbox(&["run", "a-out"]).exits(0);
    let list = sandbox.opsbox(&["runs", "list", "--json"]).exits(0).json();
    let outcomes: Vec<_> = list["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["done", "running"]);
    sandbox
        .opsbox(&["runs", "show", &id])
        .exits(0)
        .prints(&["running (process", "not ended yet"]);
    let busy = &["is in use by another process"];
    sandbox.opsbox(&["deliver", &id]).exits(2).says(busy);
    sandbox.opsbox(&["run", "--resume", &id]).exits(2).says(busy);
    sandbox
        .opsbox(&["runs", "prune", "--keep-last", "0"])
        .exits(0)
        .prints(&["another process has it"]);
    sandbox
        .opsbox(&["runs", "prune", &id])
        .exits(1)
        .prints(&["another process has it"]);
    assert_eq!(folders(&sandbox).len(), 1);
    fs::File::options()
        .write(true)
        .open(&fifo)
        .unwrap()
        .write_all(b"go\n")
        .unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{rest}");
    assert_eq!(last(&sandbox)["outcome"], "done");
}

#[test]
fn what_is_no_run_is_listed_with_its_reason_and_left_alone() {
    let sandbox = sandbox(1);
    let runs = sandbox.path(super::STATE).join("runs");
    fs::create_dir(runs.join("empty")).unwrap();
    fs::write(runs.join("file"), "x").unwrap();
    std::os::unix::fs::symlink("/", runs.join("link")).unwrap();
    sandbox
        .opsbox(&["runs", "list"])
        .exits(0)
        .prints(&["done", "damaged"]);
    sandbox
        .opsbox(&["runs", "show", "empty"])
        .exits(2)
        .says(&["run.json` is damaged: it is not there"]);
    sandbox
        .opsbox(&["runs", "show", "link"])
        .exits(2)
        .says(&["it is a symbolic link"]);
    sandbox
        .opsbox(&["runs", "prune", "--keep-last", "0"])
        .exits(0)
        .prints(&["stays: it is a symbolic link"]);
    assert!(runs.join("link").is_symlink() && runs.join("file").exists());
    assert!(!runs.join("empty").exists());
}

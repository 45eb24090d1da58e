//! The store in bad company: killed at any moment, shared by several hosts, half pruned, under a clock that went back.

use std::fs;
use std::io::Read;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{STATE, folders, input, last, output, ran, step};
use crate::support::Sandbox;

/// The moments are those of this seed, so that a failure can be had again.
const SEED: u64 = 0x6f70_7362_6f78;
const KILLS: usize = 20;

/// Returns numbers by chance below `most` (xorshift).
fn moments(most: u64) -> impl Iterator<Item = u64> {
    let mut state = SEED;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % most
    })
}

/// Runs, kills the host as soon as it has said so many bytes, and returns the steps that it had reported by then.
fn killed_after_bytes(sandbox: &Sandbox, n_bytes: u64) -> Vec<Value> {
    let mut child = sandbox.start(&["run", "a,b-out", "--progress", "json"]);
    let mut stderr = child.stderr.take().unwrap();
    let mut said = vec![0; usize::try_from(n_bytes).unwrap()];
    // It may have come to its end by itself before.
    let whole = stderr.read_exact(&mut said).is_ok();
    let _sent = kill_process(Pid::from_child(&child), Signal::KILL);
    stderr.read_to_end(&mut said).unwrap();
    child.wait().unwrap();
    assert!(whole || !said.is_empty());
    let text = String::from_utf8_lossy(&said).into_owned();
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["event"] == "settled")
        .map(|event| event["step"].clone())
        .collect()
}

#[test]
fn a_host_killed_at_twenty_moments_loses_no_step_that_it_had_reported() {
    let mut n_killed = 0;
    for n_bytes in moments(1_500).take(KILLS) {
        let sandbox = Sandbox::new();
        for name in ["a", "b"] {
            input(&sandbox, name);
        }
        output(&sandbox, "out");
        let reported = killed_after_bytes(&sandbox, n_bytes);
        if folders(&sandbox).is_empty() {
            assert!(reported.is_empty(), "after {n_bytes}: {reported:?}");
            continue;
        }
        let shown = last(&sandbox);
        for record in &reported {
            let kept = step(&shown, record["plugin"].as_str().unwrap());
            assert_eq!(&kept["record"], record, "after {n_bytes}: {shown:#}");
        }
        if !shown["exit_code"].is_null() {
            continue;
        }
        n_killed += 1;
        let before = ["a", "b", "out"].map(|name| ran(&sandbox, name));
        let seen = sandbox.opsbox(&["run", "--resume", "last"]);
        assert!(matches!(seen.code, Some(0 | 1)), "after {n_bytes}: {seen}");
        for (name, before) in ["a", "b", "out"].into_iter().zip(before) {
            if reported.iter().any(|record| record["plugin"] == name) {
                assert_eq!(ran(&sandbox, name), before, "after {n_bytes}: {name}");
            }
        }
        // Whether or not it was sent to: never twice.
        assert!(ran(&sandbox, "out") <= 1, "after {n_bytes}");
    }
    assert!(n_killed > 0, "no run was killed on its way");
}

#[test]
fn hosts_that_share_a_store_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    let start = || {
        let mut command = sandbox.binary(&["run", "a-out"]);
        // So little that each one removes the runs of the others as soon as they have ended.
        command.env("OPSBOX_RUNS_MAX_SIZE", "1KiB");
        command.stderr(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let hosts: Vec<_> = std::iter::repeat_with(start).take(6).collect();
    for host in hosts {
        let output = host.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(!said.contains("warning"), "{said}");
    }
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "out")), (6, 6));
    assert_eq!(last(&sandbox)["exit_code"], 0);
    let left = fs::read_dir(sandbox.path(STATE).join("runs")).unwrap();
    let odd: Vec<_> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".gone-") || name.starts_with(".new-"))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn what_a_killed_prune_has_left_is_no_run_and_goes_with_the_next() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    for _ in 0..2 {
        sandbox.opsbox(&["run", "a-out"]).exits(0);
    }
    let newest = last(&sandbox)["run"].as_str().unwrap().to_owned();
    let old = folders(&sandbox)
        .into_iter()
        .find(|path| !path.ends_with(&newest))
        .unwrap();
    let half = old.with_file_name(format!(".gone-{}", old.file_name().unwrap().to_str().unwrap()));
    fs::rename(&old, &half).unwrap();
    fs::remove_file(half.join("run.json")).unwrap();
    let listed = sandbox.opsbox(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(listed.to_string().matches("\"outcome\"").count(), 1, "{listed:#}");
    sandbox.opsbox(&["runs", "prune"]).exits(0);
    assert!(!half.exists());
    assert_eq!(last(&sandbox)["run"], newest.as_str());
}

#[test]
fn a_clock_that_went_back_makes_no_run_old() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "a-out"]).exits(0);
    let folder = folders(&sandbox).remove(0);
    let file = folder.join("run.json");
    let mut run: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    run["started"] = "2999-01-01T00:00:00Z".into();
    fs::write(&file, run.to_string()).unwrap();
    sandbox.opsbox(&["run", "a-out"]).exits(0);
    sandbox
        .opsbox(&["runs", "prune", "--older-than", "1h"])
        .exits(0)
        .prints(&["nothing to remove"]);
    assert_eq!(folders(&sandbox).len(), 2);
    sandbox.opsbox(&["runs", "list"]).exits(0);
    let id = folder.file_name().unwrap().to_str().unwrap();
    sandbox.opsbox(&["runs", "show", id]).exits(0);
    sandbox
        .opsbox(&["deliver", id, "--to", "out", "--again"])
        .exits(0);
}

#[test]
fn a_run_that_others_have_changed_is_told_and_followed_nowhere() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "a-out"]).exits(0);
    let folder = folders(&sandbox).remove(0);
    let steps = fs::read_dir(folder.join("steps")).unwrap();
    let of_a = steps
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_str().unwrap().ends_with("-a.jsonl"))
        .unwrap();
    let outside = sandbox.write("outside.jsonl", &fs::read_to_string(&of_a).unwrap());
    fs::remove_file(&of_a).unwrap();
    std::os::unix::fs::symlink(&outside, &of_a).unwrap();
    let n_sent = ran(&sandbox, "out");
    sandbox
        .opsbox(&["deliver", "last", "--to", "out", "--again"])
        .exits(1)
        .says(&["-a.jsonl` is damaged", "runs `a` again"]);
    assert_eq!(
        ran(&sandbox, "out"),
        n_sent,
        "nothing was delivered from elsewhere"
    );
    sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(0)
        .prints(&["damaged"]);
    sandbox.opsbox(&["run", "--resume", "last"]);
    assert_eq!(ran(&sandbox, "a"), 2, "the step is run again");
    assert!(outside.exists());
    sandbox.opsbox(&["runs", "prune", "--keep-last", "0"]);
    assert!(outside.exists(), "a link is removed, not what it names");
}

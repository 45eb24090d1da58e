//! The host killed at moments by chance: does what is kept hold every step that was reported?

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::report;
use crate::tree;
use crate::{Options, Outcome};

const PIPELINE: &str = "disk_space,inodes,memory_pressure,exposed_ports,zombie_processes,passwordless_users,ssh_hardening,reboot_pending-sort_severity-json_out,text_out";

pub(crate) fn measure(options: &Options) -> Outcome {
    let folder = options.folder()?;
    let command = |args: &[&str]| {
        let mut command = tree::command(&options.opsbox, &folder.path);
        command.args(args).current_dir(&folder.path);
        command
    };
    let run = ["run", PIPELINE, "--progress", "json"];
    // The first is for the caches; the shortest of the others leaves the most moments within a run.
    let mut whole = Duration::MAX;
    for round in 0..4 {
        let since = Instant::now();
        command(&run).stderr(Stdio::null()).status()?;
        whole = if round == 0 {
            whole
        } else {
            whole.min(since.elapsed())
        };
    }
    report::heading("the host killed at moments by chance", options.rounds)?;
    let (mut n_reported, mut n_lost, mut n_ended, mut n_resumed) = (0, 0, 0, 0);
    let mut codes: BTreeMap<Option<i32>, usize> = BTreeMap::new();
    for round in 0..options.rounds {
        let mut child = command(&run)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let reader = std::thread::spawn(move || -> Vec<Value> {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            let events = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
            events
                .filter(|event| event["event"] == "settled")
                .map(|event| event["step"].clone())
                .collect()
        });
        std::thread::sleep(moment(whole, round, options.rounds));
        child.kill()?;
        child.wait()?;
        let reported = reader.join().map_err(|_| "the reader broke")?;
        let shown = command(&["runs", "show", "last", "--json"])
            .stderr(Stdio::null())
            .output()?;
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
        let steps = shown["steps"].as_array().cloned().unwrap_or_default();
        let kept = |record: &&Value| steps.iter().any(|step| &step["record"] == *record);
        n_reported += reported.len();
        n_lost += reported.iter().filter(|record| !kept(record)).count();
        if shown["outcome"] == "killed" {
            let resumed = command(&["run", "--resume", "last"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            *codes.entry(resumed.code()).or_default() += 1;
            n_resumed += 1;
        } else {
            n_ended += 1;
        }
        command(&["runs", "prune", "--keep-last", "0"])
            .stdout(Stdio::null())
            .status()?;
    }
    report::line(&format!(
        "  a whole run took {} ms; {n_reported} steps had been reported, {n_lost} of them lost\n  \
         {n_resumed} runs gone on with (exit codes {codes:?}), {n_ended} had ended or not begun to be kept",
        whole.as_millis()
    ))?;
    if n_lost > 0 {
        return Err(format!("{n_lost} steps were lost").into());
    }
    Ok(())
}

/// A moment of the run: the rounds divide it evenly, and chance moves each within its part.
fn moment(whole: Duration, round: usize, rounds: usize) -> Duration {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let chance = (RandomState::new().build_hasher().finish() % 1000) as f64 / 1000.0;
    whole.mul_f64((round as f64 + chance) / rounds.max(1) as f64)
}

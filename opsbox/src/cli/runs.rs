//! `opsbox runs`: what is kept of earlier runs, and what can be done with it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::host::Own;
use super::request::{Answer, RunsWhat};
use super::table::{clean, path_json, table};
use crate::config::Project;
use crate::error::Failure;
use crate::report::summary::cause_of;
use crate::report::{Role, Status, StepRecord};
use crate::store::{Delivery, Entry, Kept, Limits, Pruned, Sent, State, Store, Stored, Wish};

/// Answers a question about kept runs, or removes some.
///
/// # Errors
/// Where the store cannot be used, or a word means no run.
pub fn answer(own: &Own, what: &RunsWhat, width: u16) -> Result<Answer, Failure> {
    let store = Store::at(&own.environ.state_dir);
    match what {
        RunsWhat::List => list(own, &store, width),
        RunsWhat::Show(run) => {
            let kept = store.find(run).map_err(Failure::usage)?;
            Ok(show(own, &kept, width))
        }
        RunsWhat::Prune(wish) => prune(own, &store, wish, width),
    }
}

fn list(own: &Own, store: &Store, width: u16) -> Result<Answer, Failure> {
    let entries = store.list().map_err(Failure::run)?;
    let rows = entries.iter().map(|entry| {
        let pipeline = entry
            .run
            .as_ref()
            .map_or(String::new(), |run| run.pipeline.clone());
        let what = match &entry.state {
            State::Damaged(why) => why.clone(),
            _ => pipeline,
        };
        vec![
            entry.id.clone(),
            local(own, entry.started()),
            entry.state.word().to_owned(),
            size(entry.size),
            what,
        ]
    });
    let mut text = table(
        &["run", "started", "outcome", "size", "pipeline"],
        rows.collect(),
        width,
    );
    if entries.is_empty() {
        text = format!("no run is kept in {}\n", store.root().display());
    }
    Ok(Answer {
        text,
        json: json!({"folder": path_json(store.root()), "runs": entries.iter().map(entry_json).collect::<Vec<_>>()}),
        code: 0,
    })
}

fn entry_json(entry: &Entry) -> Value {
    let run = entry.run.as_ref();
    json!({
        "run": entry.id,
        "started": run.map(|run| &run.started),
        "pipeline": run.map(|run| &run.pipeline),
        "outcome": entry.state.word(),
        "exit_code": entry.record.as_ref().map(|record| record.exit_code),
        "bytes": entry.size,
        "resumed_from": run.and_then(|run| run.resumed_from.as_ref()),
        "damage": match &entry.state {
            State::Damaged(why) => Some(why),
            _ => None,
        },
    })
}

fn show(own: &Own, kept: &Kept, width: u16) -> Answer {
    let run = &kept.run;
    let state = kept.state();
    let ended = match (&state, &kept.record) {
        (_, Some(record)) => format!("{} (exit code {})", state.word(), record.exit_code),
        (State::Running, None) => format!("running (process {})", run.pid),
        (State::Damaged(_), None) => "how it ended is not known".to_owned(),
        _ => "interrupted: the host was killed".to_owned(),
    };
    let mut text = format!("run {}: {ended}\n", run.run);
    let mut fact = |name: &str, value: &str| text.push_str(&format!("  {name:13}{}\n", clean(value)));
    fact("pipeline", &run.pipeline);
    fact("started", &local(own, run.started.parse().ok()));
    if let Some(earlier) = &run.resumed_from {
        fact("resumed from", earlier);
    }
    if let Some(earlier) = &run.replayed_from {
        fact("replayed", earlier);
    }
    fact(
        "kept in",
        &format!("{} ({})", kept.path().display(), size(kept.size())),
    );
    for damage in &kept.damage {
        fact("warning", damage);
    }
    let rows = kept.steps.iter().map(|step| row(step, &state));
    text.push('\n');
    text.push_str(&table(
        &["step", "role", "status", "results", "bytes", "cause"],
        rows.collect(),
        width,
    ));
    for delivery in &kept.deliveries {
        text.push_str(&delivered(own, delivery));
    }
    let next = next(kept, &state);
    for (command, what) in &next {
        text.push_str(&format!("\n{command}\n  {what}\n"));
    }
    Answer {
        text,
        json: show_json(kept, &state, &next),
        code: 0,
    }
}

fn row(step: &Stored, state: &State) -> Vec<String> {
    let record = step.record();
    let (status, cause) = status_of(step, state);
    vec![
        step.plan.plugin.clone(),
        role(step.plan.role).to_owned(),
        status.to_owned(),
        record.map_or(String::new(), |record| record.results.to_string()),
        record.map_or(String::new(), |record| record.bytes.to_string()),
        cause,
    ]
}

/// Returns the word for how a step ended, and why it is not whole.
fn status_of(step: &Stored, state: &State) -> (&'static str, String) {
    match (step.record(), &step.damage) {
        (Some(record), _) => {
            let cause = match &record.from_run {
                _ if !record.is_whole() => cause_of(record),
                Some(run) => format!("of run {run}"),
                None => String::new(),
            };
            (record.status.word(), cause)
        }
        (None, Some(why)) => ("damaged", why.clone()),
        (None, None) if *state == State::Running => ("-", "not ended yet".to_owned()),
        (None, None) if step.begun => ("unclear", "the host ended while it was delivering".to_owned()),
        (None, None) => ("-", "had not ended".to_owned()),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Provider => "provider",
        Role::Check => "check",
        Role::Assistant => "assistant",
        Role::Output => "output",
    }
}

fn delivered(own: &Own, delivery: &Delivery) -> String {
    let steps = delivery.steps.iter().map(|step| {
        let (status, cause) = status_of(step, &State::Killed);
        let colon = if cause.is_empty() { "" } else { ": " };
        clean(&format!("{} {status}{colon}{cause}", step.plan.plugin))
    });
    let steps: Vec<_> = steps.collect();
    let when = local(own, delivery.started.parse().ok());
    format!("\ndelivery {} at {when}: {}\n", delivery.number, steps.join("; "))
}

/// Returns the commands that lead on, each with what it does.
fn next(kept: &Kept, state: &State) -> Vec<(String, String)> {
    let mut next = Vec::new();
    if *state == State::Running {
        return next;
    }
    let id = &kept.run.run;
    let of = |role: Role| kept.steps.iter().filter(move |step| step.plan.role == role);
    let undelivered: Vec<_> = of(Role::Output)
        .map(|step| step.plan.plugin.as_str())
        .filter(|name| kept.sent(name) != Sent::Yes)
        .collect();
    let whole = |step: &Stored| step.record().is_some_and(StepRecord::is_whole);
    let some_results = kept.steps.iter().any(|step| {
        matches!(step.plan.role, Role::Check)
            && step
                .record()
                .is_some_and(|record| record.status != Status::Skipped)
    });
    let has_results = kept.has_results();
    if !undelivered.is_empty() && some_results && has_results {
        next.push((
            format!("opsbox deliver {id} --to {}", undelivered.join(",")),
            "delivers what is kept, without gathering again".to_owned(),
        ));
    }
    let lacking = !undelivered.is_empty() && !has_results;
    if kept.record.is_none() || lacking || !kept.steps.iter().all(whole) {
        next.push((
            format!("opsbox run --resume {id}"),
            "runs what is not whole, takes the rest from here, and delivers to outputs that have not delivered".to_owned(),
        ));
    }
    next
}

fn show_json(kept: &Kept, state: &State, next: &[(String, String)]) -> Value {
    let step = |stored: &Stored| {
        json!({
            "plugin": stored.plan.plugin,
            "role": stored.plan.role,
            "version": stored.plan.version,
            "origin": stored.plan.origin,
            "status": status_of(stored, state).0,
            "cause": Some(status_of(stored, state).1).filter(|cause| !cause.is_empty()),
            "begun": stored.begun,
            "record": stored.record(),
            "damage": stored.damage,
            "file": path_json(&stored.file),
        })
    };
    let sent = |stored: &Stored| kept.sent(&stored.plan.plugin).word();
    let outputs = kept.steps.iter().filter(|step| step.plan.role == Role::Output);
    json!({
        "run": kept.run.run,
        "outcome": state.word(),
        "exit_code": kept.record.as_ref().map(|record| record.exit_code),
        "pipeline": kept.run.pipeline,
        "started": kept.run.started,
        "folder": path_json(kept.path()),
        "bytes": kept.size(),
        "resumed_from": kept.run.resumed_from,
        "config": kept.run.config,
        "steps": kept.steps.iter().map(step).collect::<Vec<_>>(),
        "delivered": outputs.map(|output| (output.plan.plugin.clone(), sent(output).into())).collect::<serde_json::Map<_, Value>>(),
        "damage": kept.damage,
        "deliveries": kept.deliveries.iter().map(|delivery| json!({
            "number": delivery.number,
            "started": delivery.started,
            "exit_code": delivery.record.as_ref().map(|record| record.exit_code),
            "steps": delivery.steps.iter().map(step).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "next": next.iter().map(|(command, _)| command).collect::<Vec<_>>(),
    })
}

fn prune(own: &Own, store: &Store, wish: &Wish, width: u16) -> Result<Answer, Failure> {
    let project = Project::find(&own.environ.cwd)?;
    let limits = Limits::of(&own.environ, project.as_ref())?;
    let file: Option<PathBuf> = project.map(|project| project.path);
    let pruned = store
        .prune(wish, &limits, file.as_deref(), own.environ.now.timestamp())
        .map_err(Failure::usage)?;
    let row = |pruned: &Pruned| {
        let what = match (&pruned.obstacle, wish.dry_run) {
            (Some(obstacle), _) => format!("stays: {obstacle}"),
            (None, true) => format!("would be removed: {}", pruned.why),
            (None, false) => format!("removed: {}", pruned.why),
        };
        vec![pruned.id.clone(), size(pruned.size), what]
    };
    let mut text = table(&["run", "size", ""], pruned.iter().map(row).collect(), width);
    if pruned.is_empty() {
        text = "nothing to remove\n".to_owned();
    }
    let json = |pruned: &Pruned| {
        json!({
            "run": pruned.id,
            "bytes": pruned.size,
            "why": pruned.why,
            "removed": pruned.obstacle.is_none() && !wish.dry_run,
            "obstacle": pruned.obstacle,
        })
    };
    // A run that somebody named and that is still there is not what was asked for.
    let failed = !wish.ids.is_empty() && pruned.iter().any(|pruned| pruned.obstacle.is_some());
    Ok(Answer {
        text,
        json: json!({"dry_run": wish.dry_run, "runs": pruned.iter().map(json).collect::<Vec<_>>()}),
        code: u8::from(failed),
    })
}

/// Returns a time as the user's clock shows it.
fn local(own: &Own, time: Option<jiff::Timestamp>) -> String {
    let zone = own.environ.now.time_zone().clone();
    time.map_or(String::new(), |time| {
        time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

/// Returns a size for people.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        // Only shown, so one digit behind the point is as exact as it need be.
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

//! The summary of a run for people: at most six lines.

use super::Status;
use super::record::{Outcome, Role, RunRecord, SkipReason, StepRecord, hands_on};

const MAX_CAUSES: usize = 3;
const MAX_NAMES: usize = 4;

/// Returns the lines of the summary, worst cause first; `detailed` is whether every gap was shown already.
pub fn lines(record: &RunRecord, detailed: bool) -> Vec<String> {
    let mut lines = vec![counts(record)];
    let causes = causes(&record.steps);
    let shown = if causes.len() > MAX_CAUSES {
        MAX_CAUSES - 1
    } else {
        causes.len()
    };
    lines.extend(causes[..shown].iter().map(Cause::line));
    if causes.len() > shown {
        lines.push(format!("and {} more causes", causes.len() - shown));
    }
    lines.extend(left_out(&record.steps));
    match record.outcome {
        Outcome::Done => {}
        Outcome::Interrupted => {
            let delivered = record.steps.iter().any(|step| {
                step.role == Role::Output && matches!(step.status, Status::Clean | Status::Incomplete)
            });
            let what = if delivered {
                "what had been gathered was delivered"
            } else {
                "nothing was delivered"
            };
            let next = if record.kept {
                format!("; `opsbox run --resume {}` goes on", record.run)
            } else {
                String::new()
            };
            lines.push(format!("interrupted: {what}, the rest is marked{next}"));
        }
        Outcome::Failed | Outcome::Partial => {
            let stale = record
                .steps
                .iter()
                .filter(|step| step.stale && !step.is_whole())
                .count();
            let stale = match stale {
                0 => String::new(),
                1 => "what outputs hold of 1 check may be from an earlier run; ".into(),
                n => format!("what outputs hold of {n} checks may be from an earlier run; "),
            };
            lines.push(match again(record) {
                Some(again) => format!("{stale}{again}"),
                None if detailed => format!("{stale}`-o FILE` keeps the whole record"),
                None => format!("{stale}`-v` shows more, `-o FILE` keeps the whole record"),
            });
        }
    }
    lines
}

/// Returns the command that leads on where outputs failed; `None` where none did, or nothing is kept.
fn again(record: &RunRecord) -> Option<String> {
    let undelivered = |step: &&StepRecord| {
        let missed = matches!(step.status, Status::Failed | Status::Unknown | Status::Incomplete);
        step.role == Role::Output && missed
    };
    let names: Vec<_> = record
        .steps
        .iter()
        .filter(undelivered)
        .map(|step| step.plugin.as_str())
        .collect();
    let run = record.delivery_of.as_ref().unwrap_or(&record.run);
    (record.kept && !names.is_empty()).then(|| {
        if record.deliverable {
            let names = names.join(",");
            format!("what was gathered is kept: `opsbox deliver {run} --to {names}` sends it again")
        } else {
            format!("not all that was gathered could be kept: `opsbox run --resume {run}` gathers the rest again and delivers")
        }
    })
}

fn counts(record: &RunRecord) -> String {
    let of = |role: Role| record.steps.iter().filter(move |step| step.role == role);
    let (data, checks): (Vec<_>, Vec<_>) = of(Role::Check).partition(|step| hands_on(&record.steps, step));
    let mut parts = Vec::new();
    if !checks.is_empty() || data.is_empty() {
        let findings = checks.iter().filter_map(|step| step.findings).sum();
        parts.push(with_statuses(plural(checks.len() as u64, "check"), &checks));
        parts.push(plural(findings, "finding"));
    }
    if !data.is_empty() {
        let name = format!("data of {}", plural(data.len() as u64, "provider"));
        let all_came = data.iter().all(|step| step.status == Status::Clean);
        parts.push(match all_came {
            true => name,
            false => with_statuses(name, &data),
        });
    }
    let outputs = of(Role::Output).count();
    let delivered = of(Role::Output)
        .filter(|step| matches!(step.status, Status::Clean | Status::Incomplete))
        .count();
    parts.push(format!(
        "{delivered} of {} delivered",
        plural(outputs as u64, "output")
    ));
    format!("{}; {:.2} s", parts.join("; "), record.seconds)
}

/// Returns how many of the steps ended in which status, after their name.
fn with_statuses(name: String, steps: &[&StepRecord]) -> String {
    let all = [
        Status::Findings,
        Status::Clean,
        Status::Incomplete,
        Status::Unknown,
        Status::Failed,
        Status::Skipped,
    ];
    let parts = all.into_iter().filter_map(|status| {
        let n_steps = steps.iter().filter(|step| step.status == status).count();
        let word = match status {
            Status::Findings => "with findings",
            _ => status.word(),
        };
        (n_steps > 0).then(|| format!("{n_steps} {word}"))
    });
    format!("{name}: {}", parts.collect::<Vec<_>>().join(", "))
}

fn plural(n_things: u64, thing: &str) -> String {
    if n_things == 1 {
        format!("1 {thing}")
    } else {
        format!("{n_things} {thing}s")
    }
}

/// One cause, with every step that it touches.
struct Cause {
    status: Status,
    plugins: Vec<String>,
    text: String,
}

impl Cause {
    fn line(&self) -> String {
        format!("{} {}: {}", self.status.word(), names(&self.plugins), self.text)
    }
}

fn names(plugins: &[String]) -> String {
    let shown = plugins
        .iter()
        .take(MAX_NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match plugins.len().saturating_sub(MAX_NAMES) {
        0 => shown,
        n => format!("{shown} and {n} more"),
    }
}

fn causes(steps: &[StepRecord]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for step in steps.iter().filter(|step| !step.is_whole()) {
        let text = cause_of(step);
        match causes
            .iter_mut()
            .find(|cause| cause.status == step.status && cause.text == text)
        {
            Some(cause) => cause.plugins.push(step.plugin.clone()),
            None => {
                let plugins = vec![step.plugin.clone()];
                causes.push(Cause {
                    status: step.status,
                    plugins,
                    text,
                });
            }
        }
    }
    // What broke comes before what follows from it.
    causes.sort_by_key(|cause| match cause.status {
        Status::Failed => 0,
        Status::Unknown => 1,
        Status::Incomplete => 2,
        _ => 3,
    });
    causes
}

/// Returns one sentence on why a step is not whole, with its remedy.
pub fn cause_of(step: &StepRecord) -> String {
    // Where a step could not look because of a gap, the gap is the cause and the error what followed.
    let gap_first = step.status == Status::Unknown && !step.gaps.is_empty();
    if let Some(error) = step.errors.first().filter(|_| !gap_first) {
        let hint = error
            .hints
            .first()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        return format!("{}{hint}", error.message);
    }
    if let Some(gap) = step.gaps.first() {
        let more = match step.gaps.len() - 1 {
            0 => String::new(),
            n => format!(", and {}", plural(n as u64, "more gap")),
        };
        return format!("{}{more}", gap.line());
    }
    match &step.skipped {
        Some(SkipReason::Blocked { why } | SkipReason::ByChoice { why }) => why.clone(),
        Some(SkipReason::NotApplicable) => "not applicable here".into(),
        None => "no cause was given".into(),
    }
}

fn left_out(steps: &[StepRecord]) -> Option<String> {
    let left_out: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.skipped {
            Some(SkipReason::ByChoice { why }) => Some(format!(
                "{} ({})",
                step.plugin,
                why.trim_start_matches("left out here: ")
            )),
            _ => None,
        })
        .collect();
    (!left_out.is_empty()).then(|| format!("left out by choice: {}", left_out.join("; ")))
}

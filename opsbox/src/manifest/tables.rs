//! The tables that only set figures and words: `[timeouts]`, `[limits]`, `[restart]`, `[check]`, `[assistant]`, `[handler]`.

use serde_json::{Map, Value};

use super::fields;
use super::parse::EDITORS_SCHEMA;
use super::read::{Report, Table};
use super::{Caps, CheckFacts, Flow, Restart, Severity, Timeouts};

pub(super) fn timeouts(report: &mut Report<'_>, root: &Table<'_>) -> Timeouts {
    let mut timeouts = Timeouts::default();
    if let Some(table) = root.table(report, "timeouts") {
        let mut known = Vec::new();
        for (key, slot) in [
            ("handshake", &mut timeouts.handshake),
            ("grab_config", &mut timeouts.grab_config),
            ("set_data", &mut timeouts.set_data),
            ("activate", &mut timeouts.activate),
            ("hook_idle", &mut timeouts.hook_idle),
            ("hook_total", &mut timeouts.hook_total),
            ("cancel_grace", &mut timeouts.cancel_grace),
            ("stdin_stall", &mut timeouts.stdin_stall),
        ] {
            *slot = table.duration(report, key);
            known.push(key);
        }
        table.only(report, &known, true);
    }
    timeouts
}

pub(super) fn limits(report: &mut Report<'_>, root: &Table<'_>) -> (Option<u64>, Caps) {
    let Some(table) = root.table(report, "limits") else {
        return (None, Caps::default());
    };
    table.only(
        report,
        &["line", "cpu", "memory", "processes", "open_files"],
        true,
    );
    let caps = Caps {
        cpu: table.duration(report, "cpu"),
        memory: table.size(report, "memory"),
        processes: table.count(report, "processes"),
        open_files: table.count(report, "open_files"),
    };
    (table.size(report, "line"), caps)
}

pub(super) fn restart(report: &mut Report<'_>, root: &Table<'_>) -> Restart {
    let Some(table) = root.table(report, "restart") else {
        return Restart::default();
    };
    table.only(report, &["times", "backoff"], true);
    Restart {
        times: table
            .count(report, "times")
            .map(|times| u32::try_from(times).unwrap_or(u32::MAX)),
        backoff: table.duration(report, "backoff"),
    }
}

pub(super) fn check(report: &mut Report<'_>, root: &Table<'_>) -> CheckFacts {
    let Some(table) = root.table(report, "check") else {
        return CheckFacts::default();
    };
    table.only(report, &["severity", "remediation", "reads"], true);
    CheckFacts {
        severity: table
            .choice(report, "severity", &Severity::NAMES)
            .and_then(|name| Severity::from_name(&name)),
        remediation: table.string(report, "remediation"),
        reads: table.strings(report, "reads").unwrap_or_default(),
    }
}

pub(super) fn flow(report: &mut Report<'_>, root: &Table<'_>, legacy: bool) -> Flow {
    let usual = if legacy { Flow::Append } else { Flow::Replace };
    let Some(table) = root.table(report, "assistant") else {
        return usual;
    };
    table.only(report, &["flow"], true);
    match table.choice(report, "flow", &["replace", "append"]).as_deref() {
        Some("replace") => Flow::Replace,
        Some("append") => Flow::Append,
        _ => usual,
    }
}

pub(super) fn handles(report: &mut Report<'_>, root: &Table<'_>, modern: bool) -> Vec<String> {
    let Some(table) = root.table(report, "handler") else {
        return Vec::new();
    };
    table.only(report, &["handles"], modern);
    table.strings(report, "handles").unwrap_or_default()
}

/// Returns every table but `[info]`, and whatever else stands at the outermost level that is not for editors alone.
pub(super) fn extra(root: &Table<'_>) -> Map<String, Value> {
    let own = ["info", EDITORS_SCHEMA];
    let others = root
        .entries()
        .into_iter()
        .filter(|(key, _, _)| !own.contains(key));
    others
        .map(|(key, value, _)| (key.to_owned(), fields::json(value)))
        .collect()
}

impl CheckFacts {
    /// Returns whether a gap of this section touches the check; `None`: one of all the data.
    pub fn is_touched(&self, section: Option<&str>) -> bool {
        section.is_none_or(|section| self.reads.is_empty() || self.reads.iter().any(|read| read == section))
    }
}

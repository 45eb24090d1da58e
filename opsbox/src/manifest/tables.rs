//! The tables that only set figures and words: `[timeouts]`, `[limits]`, `[check]`, `[assistant]`, `[handler]`.

use serde_json::{Map, Value};

use super::fields;
use super::read::{Report, Table};
use super::{CheckFacts, Flow, Severity, Timeouts};

pub(super) fn limits(report: &mut Report<'_>, root: &Table<'_>) -> (Timeouts, Option<u64>) {
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
    let line = root.table(report, "limits").and_then(|table| {
        table.only(report, &["line"], true);
        table.size(report, "line")
    });
    (timeouts, line)
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

/// Returns every table but `[info]`, and whatever else stands at the outermost level.
pub(super) fn extra(root: &Table<'_>) -> Map<String, Value> {
    let others = root.entries().into_iter().filter(|(key, _, _)| *key != "info");
    others
        .map(|(key, value, _)| (key.to_owned(), fields::json(value)))
        .collect()
}

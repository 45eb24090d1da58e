//! The report for people: a table of all rules, and below it what is broken, with what was sent, what came back and how to mend it.

use std::fmt::Write;

use crate::cli::table::table;
use crate::conform::report::{Checked, Report};
use crate::conform::rule::Verdict;

/// So much of a line is shown, in characters.
const SHOWN_CHARS: usize = 400;

pub(super) fn report(report: &Report, columns: u16) -> String {
    // What was never played would hide the one line that says why.
    let played = |checked: &&Checked| checked.verdict != Verdict::NotRun;
    let rows = report.checked.iter().filter(played).map(|checked| {
        vec![
            checked.rule.id.to_owned(),
            checked.verdict.word().to_owned(),
            report.shown(&about(checked)),
        ]
    });
    let mut text = format!("{} ({}), {}\n\n", report.plugin, report.kind, report.origin);
    text.push_str(&table(&["rule", "verdict", "what"], rows.collect(), columns));
    for verdict in [Verdict::Warn, Verdict::Fail] {
        let of = |checked: &&Checked| checked.verdict == verdict;
        for checked in report.checked.iter().filter(of) {
            text.push_str(&details(report, checked));
        }
    }
    let _ = write!(text, "\n{}\n", summary(report));
    text
}

fn about(checked: &Checked) -> String {
    match (&checked.evidence, &checked.reason) {
        (Some(evidence), _) => evidence.why.clone(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => checked.rule.text.to_owned(),
    }
}

fn details(report: &Report, checked: &Checked) -> String {
    let Some(evidence) = &checked.evidence else {
        return String::new();
    };
    let rule = checked.rule;
    let mut text = format!(
        "\n{} {}: {}\n",
        checked.verdict.word(),
        rule.id,
        report.shown(&evidence.why)
    );
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<5} {value}");
    };
    row("rule", rule.text);
    for line in &evidence.sent {
        row("sent", &visible(&report.cut(line, SHOWN_CHARS)));
    }
    for line in &evidence.got {
        row("got", &visible(&report.cut(line, SHOWN_CHARS)));
    }
    row("mend", &visible(&report.shown(checked.mend())));
    text
}

/// Returns a text of a stranger in which nothing acts on the terminal.
fn visible(text: &str) -> String {
    let one = |c: char| {
        if c.is_control() {
            c.escape_debug().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(one).collect()
}

fn summary(report: &Report) -> String {
    let parts = [
        (Verdict::Pass, "pass"),
        (Verdict::Fail, "fail"),
        (Verdict::Warn, "warn"),
        (Verdict::NotApplicable, "not applicable"),
        (Verdict::NotRun, "not run"),
        (Verdict::NotChecked, "not checked"),
    ];
    let parts = parts.into_iter().filter_map(|(verdict, word)| {
        let count = report.count(verdict);
        let always = matches!(verdict, Verdict::Pass | Verdict::Fail);
        (count > 0 || always).then(|| format!("{count} {word}"))
    });
    let counts = parts.collect::<Vec<_>>().join(", ");
    let mut text = format!("{} rules: {counts}", report.checked.len());
    if let Some(why) = &report.harness {
        let _ = write!(
            text,
            "\nnot all could be checked, which is not the plugin's fault: {why}"
        );
    }
    text
}

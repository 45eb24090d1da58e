//! The report as JUnit XML: one test case for each rule.

use std::io;

use super::{Checked, Report};
use crate::conform::rule;
use crate::report::junit::{self, Case, Suite, Verdict};

pub(super) fn report(report: &Report, strict: bool) -> io::Result<String> {
    let case = |checked: &Checked| Case {
        name: format!("{} {}", checked.rule.id, checked.rule.text),
        class: format!("{}.{}", report.kind, report.plugin),
        seconds: None,
        verdict: verdict(report, checked, strict),
    };
    junit::text(&Suite {
        name: format!("opsbox plugin test {}", report.plugin),
        cases: report.checked.iter().map(case).collect(),
    })
}

fn verdict(report: &Report, checked: &Checked, strict: bool) -> Verdict {
    let reason = checked.reason.as_deref().unwrap_or_default();
    let why = checked.evidence.as_ref().map_or(reason, |evidence| &evidence.why);
    let why = report.shown(why);
    match checked.verdict {
        rule::Verdict::Pass => Verdict::Pass,
        rule::Verdict::NotApplicable | rule::Verdict::NotRun => Verdict::Skipped(why),
        rule::Verdict::NotChecked => Verdict::Error(why),
        rule::Verdict::Warn if !strict => Verdict::Output(details(report, checked)),
        rule::Verdict::Fail | rule::Verdict::Warn => Verdict::Failure {
            message: why,
            details: details(report, checked),
        },
    }
}

fn details(report: &Report, checked: &Checked) -> String {
    let Some(evidence) = &checked.evidence else {
        return String::new();
    };
    let mut lines = vec![format!(
        "{}: {}",
        checked.verdict.word(),
        report.shown(&evidence.why)
    )];
    lines.extend(
        evidence
            .sent
            .iter()
            .map(|line| format!("sent: {}", report.cut(line, super::SHOWN_CHARS))),
    );
    lines.extend(
        evidence
            .got
            .iter()
            .map(|line| format!("got: {}", report.cut(line, super::SHOWN_CHARS))),
    );
    lines.push(format!("mend: {}", report.shown(checked.mend())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::rule::Evidence;
    use crate::conform::rules;

    #[test]
    fn texts_of_strangers_are_escaped_and_secrets_are_hidden() {
        let rule = rules::all().next().unwrap();
        let evidence = Evidence {
            why: "<b> & \"x\" with s3cret-value".into(),
            sent: vec!["]]>\u{1b}[31m".into()],
            ..Evidence::default()
        };
        let report = Report {
            plugin: "a<b".into(),
            kind: "input".into(),
            origin: String::new(),
            checked: vec![Checked {
                rule,
                verdict: rule::Verdict::Fail,
                evidence: Some(evidence),
                reason: None,
            }],
            harness: None,
            secrets: vec!["s3cret-value".into()],
        };
        let text = report.junit(false).unwrap();
        assert!(text.contains("classname=\"input.a&lt;b\""), "{text}");
        assert!(
            text.contains("message=\"&lt;b&gt; &amp; &quot;x&quot; with &lt;secret&gt;\""),
            "{text}"
        );
        assert!(text.contains("sent: ]]&gt;\u{fffd}[31m"), "{text}");
        assert!(!text.contains("s3cret-value"), "{text}");
    }
}

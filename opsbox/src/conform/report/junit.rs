//! The report as JUnit XML: one test case for each rule.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::{Checked, Report};
use crate::conform::rule::Verdict;

pub(super) fn report(report: &Report, strict: bool) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let failures = report
        .checked
        .iter()
        .filter(|checked| fails(checked, strict))
        .count();
    let errors = report.count(Verdict::NotChecked);
    let skipped = report.count(Verdict::NotApplicable);
    let numbers = |n: usize| n.to_string();
    let name = format!("opsbox plugin test {}", report.plugin);
    let attributes = [
        ("name", name),
        ("tests", numbers(report.checked.len())),
        ("failures", numbers(failures)),
        ("errors", numbers(errors)),
        ("skipped", numbers(skipped)),
    ];
    let attributes: Vec<(&str, &str)> = attributes
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    writer.write_event(quick_xml::events::Event::Decl(quick_xml::events::BytesDecl::new(
        "1.0",
        Some("UTF-8"),
        None,
    )))?;
    writer
        .create_element("testsuites")
        .with_attributes(attributes.iter().copied())
        .write_inner_content(|writer| {
            writer
                .create_element("testsuite")
                .with_attributes(attributes.iter().copied())
                .write_inner_content(|writer| {
                    report
                        .checked
                        .iter()
                        .try_for_each(|checked| case(writer, report, checked, strict))
                })?;
            Ok(())
        })?;
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    Ok(text)
}

fn fails(checked: &Checked, strict: bool) -> bool {
    checked.verdict == Verdict::Fail || (strict && checked.verdict == Verdict::Warn)
}

fn case(writer: &mut Writer<Vec<u8>>, report: &Report, checked: &Checked, strict: bool) -> io::Result<()> {
    let name = format!("{} {}", checked.rule.id, checked.rule.text);
    let class = format!("{}.{}", report.kind, report.plugin);
    let reason = checked.reason.as_deref().unwrap_or_default();
    let why = checked.evidence.as_ref().map_or(reason, |evidence| &evidence.why);
    let why = allowed(&report.shown(why));
    let element = writer
        .create_element("testcase")
        .with_attributes([("name", name.as_str()), ("classname", class.as_str())]);
    let message = ("message", why.as_str());
    match checked.verdict {
        Verdict::Pass => element.write_empty()?,
        Verdict::NotApplicable => element.write_inner_content(|writer| {
            writer
                .create_element("skipped")
                .with_attribute(message)
                .write_empty()?;
            Ok(())
        })?,
        Verdict::NotChecked => element.write_inner_content(|writer| {
            writer
                .create_element("error")
                .with_attribute(message)
                .write_empty()?;
            Ok(())
        })?,
        Verdict::Fail | Verdict::Warn => element.write_inner_content(|writer| {
            let details = allowed(&details(report, checked));
            let text = BytesText::new(&details);
            let name = if fails(checked, strict) {
                "failure"
            } else {
                "system-out"
            };
            let element = writer.create_element(name);
            let element = if name == "failure" {
                element.with_attribute(message)
            } else {
                element
            };
            element.write_text_content(text)?;
            Ok(())
        })?,
    };
    Ok(())
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
    lines.push(format!("mend: {}", checked.rule.mend));
    lines.join("\n")
}

/// Returns a text without the characters that XML 1.0 has no way to write.
fn allowed(text: &str) -> String {
    let one = |c: char| {
        let fine =
            matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        if fine { c } else { '\u{fffd}' }
    };
    text.chars().map(one).collect()
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
                verdict: Verdict::Fail,
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

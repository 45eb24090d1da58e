//! The text of a Result for people, made where no plugin makes it.

use regorus::Value;

use super::error::shorten;
use super::findings;
use super::spell::Speller;

/// Most findings that are written out; the rest is in the details.
const MAX_LINES: usize = 1000;
/// Longest line of a finding in characters.
const MAX_CHARS: usize = 200;

/// Returns the text: number and description, a line for each finding, then the remediation.
///
/// `details` are the findings as they are sent, with severity and remediation added.
pub fn text(description: &str, details: &Value, remediation: Option<&str>) -> String {
    let count = findings::count(details);
    let head = match count {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let mut text = if description.is_empty() {
        head
    } else {
        format!("{head}: {description}")
    };
    if count == 0 {
        return text;
    }
    let writer = Writer {
        speller: Speller::default(),
        common: remediation,
    };
    let mut lines = writer.lines(details);
    let left = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    for line in lines {
        text.push('\n');
        text.push_str(&line);
    }
    if left > 0 {
        text.push_str(&format!("\n… and {left} more, all of them in the details"));
    }
    if let Some(remediation) = remediation {
        text.push_str("\nRemediation: ");
        text.push_str(remediation);
    }
    text
}

struct Writer<'a> {
    speller: Speller,
    common: Option<&'a str>,
}

impl Writer<'_> {
    fn lines(&self, details: &Value) -> Vec<String> {
        if let Some(sections) = findings::sections(details) {
            let mut lines = Vec::new();
            for (name, items) in sections.into_iter().filter(|(_, items)| !items.is_empty()) {
                lines.push(format!("{}:", self.plain(name)));
                lines.extend(items.into_iter().map(|item| self.line(item)));
            }
            return lines;
        }
        match findings::items(details) {
            Some(items) => items.into_iter().map(|item| self.line(item)).collect(),
            None => vec![self.line(details)],
        }
    }

    fn line(&self, finding: &Value) -> String {
        let member = |names: &[&str]| {
            let fields = finding.as_object().ok()?;
            let found = names.iter().find_map(|name| fields.get(&Value::from(*name)))?;
            (!matches!(found, Value::Null | Value::Undefined)).then(|| self.plain(found))
        };
        let severity = member(&["severity"]).map_or_else(String::new, |severity| format!("[{severity}] "));
        let subject = member(&["resource", "id"]);
        let body = match (member(&["message", "msg"]), subject) {
            (Some(message), Some(subject)) if !message.contains(&subject) => format!("{subject}: {message}"),
            (Some(message), _) => message,
            (None, _) => self.pairs(finding),
        };
        let own = member(&["remediation"]).filter(|own| Some(own.as_str()) != self.common);
        let remedy = own.map_or_else(String::new, |own| format!(" ({own})"));
        let line = format!("- {severity}{body}{remedy}").replace(['\n', '\r', '\t'], " ");
        shorten(&line, MAX_CHARS)
    }

    /// Returns `key=value` for every member that has not its own place in the line.
    fn pairs(&self, finding: &Value) -> String {
        let Ok(fields) = finding.as_object() else {
            return self.plain(finding);
        };
        let mut pairs = Vec::new();
        for (key, value) in fields.iter_sorted() {
            let key = self.plain(key);
            if key != "severity" && key != "remediation" && *value != Value::Undefined {
                pairs.push(format!("{key}={}", shorten(&self.plain(value), 60)));
            }
        }
        pairs.join(" ")
    }

    fn plain(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.to_string(),
            other => self.speller.text(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(json: &str, remediation: Option<&str>, expected: &Expect) {
        expected.assert_eq(&text(
            "Old snapshots",
            &Value::from_json_str(json).unwrap(),
            remediation,
        ));
    }

    #[test]
    fn findings_with_a_message_show_severity_resource_and_message() {
        check(
            r#"[{"message":"is old","resource":"snap-1","severity":"high","remediation":"delete it"},{"message":"vol-2 is\nold","id":"vol-2","remediation":"ask"}]"#,
            Some("delete it"),
            &expect![[r#"
                2 findings: Old snapshots
                - [high] snap-1: is old
                - vol-2 is old (ask)
                Remediation: delete it"#]],
        );
    }

    #[test]
    fn findings_without_a_message_show_their_members() {
        check(
            r#"[{"id":"i-1","cpu":0.0,"tags":{"a":[1]},"severity":"low"}]"#,
            None,
            &expect![[r#"
                1 finding: Old snapshots
                - [low] cpu=0.0 id=i-1 tags={"a":[1]}"#]],
        );
    }

    #[test]
    fn a_report_with_sections_names_those_that_hold_something() {
        check(
            r#"{"new":[],"old":[{"id":"a"},{"id":"b"}]}"#,
            None,
            &expect![[r#"
                2 findings: Old snapshots
                old:
                - id=a
                - id=b"#]],
        );
    }

    #[test]
    fn no_findings_are_said_in_one_line() {
        check("[]", Some("delete it"), &expect!["no findings: Old snapshots"]);
    }

    #[test]
    fn a_long_list_says_how_many_are_left_out() {
        let json = format!("[{}]", vec![r#"{"a":1}"#; 1003].join(","));
        let text = text("", &Value::from_json_str(&json).unwrap(), None);
        assert!(text.starts_with("1003 findings\n"));
        assert!(
            text.ends_with("\n… and 3 more, all of them in the details"),
            "{text}"
        );
    }
}

//! What the suite found, for people and for programs.

mod junit;

use serde_json::{Value, json};

use super::rule::{Evidence, Rule, Verdict};

/// So much of a line is shown to programs, in characters.
const SHOWN_CHARS: usize = 2_000;

/// What the suite found of one plugin.
#[derive(Debug)]
pub struct Report {
    /// The plugin.
    pub plugin: String,
    /// Its type.
    pub kind: String,
    /// Where it came from.
    pub origin: String,
    /// Every rule, in the order of PROTOCOL.md.
    pub checked: Vec<Checked>,
    /// Why the suite itself could not do all of its part.
    pub harness: Option<String>,
    /// Values that are not shown.
    pub(super) secrets: Vec<String>,
}

/// One rule and what was found.
#[derive(Debug)]
pub struct Checked {
    /// The rule.
    pub rule: &'static Rule,
    /// The verdict.
    pub verdict: Verdict,
    /// What a failure or a warning rests on.
    pub evidence: Option<Evidence>,
    /// Why the rule does not apply, or could not be checked.
    pub reason: Option<String>,
}

impl Checked {
    /// Returns how to mend what was found.
    pub fn mend(&self) -> &str {
        let own = self
            .evidence
            .as_ref()
            .and_then(|evidence| evidence.mend.as_deref());
        own.unwrap_or(self.rule.mend)
    }
}

impl Report {
    /// Returns how many rules have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let of = |checked: &&Checked| checked.verdict == verdict;
        self.checked.iter().filter(of).count()
    }

    /// Returns whether a rule is broken; with `strict` also one that is only a SHOULD.
    pub fn is_broken(&self, strict: bool) -> bool {
        self.count(Verdict::Fail) > 0 || (strict && self.count(Verdict::Warn) > 0)
    }

    /// Returns the exit code: 0 for a plugin that keeps the rules, 1 for one that breaks some, 2 where the suite could not tell.
    pub fn exit_code(&self, strict: bool) -> u8 {
        if self.is_broken(strict) {
            1
        } else if self.harness.is_some() {
            2
        } else {
            0
        }
    }

    /// Returns the report as JUnit XML, as CI systems read it; with `strict` warnings are failures.
    ///
    /// # Errors
    /// As the writer's, which writes to memory.
    pub fn junit(&self, strict: bool) -> std::io::Result<String> {
        junit::report(self, strict)
    }

    /// Returns the report for programs.
    pub fn json(&self, strict: bool) -> Value {
        let rules = self.checked.iter().map(|checked| {
            let mut rule = json!({
                "id": checked.rule.id,
                "level": if checked.rule.should { "should" } else { "must" },
                "text": checked.rule.text,
                "verdict": checked.verdict.word(),
            });
            if let Some(reason) = &checked.reason {
                rule["why"] = json!(self.shown(reason));
            }
            if let Some(evidence) = &checked.evidence {
                let lines = |lines: &[String]| -> Value {
                    lines.iter().map(|line| self.cut(line, SHOWN_CHARS)).collect()
                };
                rule["why"] = json!(self.shown(&evidence.why));
                rule["part"] = json!(evidence.scene);
                rule["sent"] = lines(&evidence.sent);
                rule["got"] = lines(&evidence.got);
                rule["mend"] = json!(self.shown(checked.mend()));
            }
            rule
        });
        json!({
            "plugin": {"name": self.plugin, "type": self.kind, "from": self.origin},
            "protocol": opsbox_protocol::VERSION,
            "verdict": if self.is_broken(strict) { "fail" } else if self.harness.is_some() { "not checked" } else { "pass" },
            "summary": {
                "pass": self.count(Verdict::Pass), "fail": self.count(Verdict::Fail), "warn": self.count(Verdict::Warn),
                "not_applicable": self.count(Verdict::NotApplicable), "not_run": self.count(Verdict::NotRun),
                "not_checked": self.count(Verdict::NotChecked),
            },
            "rules": rules.collect::<Vec<_>>(),
        })
    }

    /// Returns a text without secrets.
    pub fn shown(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            let escaped = Value::from(secret.as_str()).to_string();
            text.replace(secret, crate::config::SECRET)
                .replace(escaped.trim_matches('"'), crate::config::SECRET)
        })
    }

    /// Returns a line without secrets and of at most so many characters.
    pub fn cut(&self, line: &str, most: usize) -> String {
        let line = self.shown(line.trim_end_matches('\n'));
        match line.char_indices().nth(most) {
            Some((at, _)) => format!("{}… ({} bytes)", &line[..at], line.len()),
            None => line,
        }
    }
}

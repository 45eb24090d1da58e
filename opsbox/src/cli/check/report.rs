//! What `check test` found: for people, for programs, and for CI systems.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::coverage::Coverage;
use crate::error::Fault;
use crate::report::junit::{self, Case, Suite, Verdict};
use crate::ui::text::clean;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it should.
    Pass,
    /// Not as it should.
    Fail,
    /// It could not be judged.
    Error,
    /// What is expected was written down just now.
    Wrote,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Wrote => "wrote",
        }
    }
}

/// What a test is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// A `test_` rule.
    Rule,
    /// Data, and what is expected of it.
    Case,
}

/// One test.
#[derive(Debug, Serialize)]
pub(super) struct Test {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The policy of a rule; of a case the file with what is expected.
    pub(super) file: String,
    pub(super) line: Option<u64>,
    pub(super) outcome: Outcome,
    /// Why it did not pass.
    pub(super) message: Option<String>,
    pub(super) ms: f64,
}

impl Test {
    /// Makes the entry of policies whose tests could not be run.
    pub(super) fn unusable(folder: &Path, fault: &Fault) -> Self {
        let hints = fault.hints.iter().map(|hint| format!("\nhint: {hint}"));
        Self {
            kind: Kind::Rule,
            name: "policies".into(),
            file: folder.display().to_string(),
            line: None,
            outcome: Outcome::Error,
            message: Some(format!("{}{}", fault.message, hints.collect::<String>())),
            ms: 0.0,
        }
    }
}

/// All tests, and what they reached.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) tests: Vec<Test>,
    pub(super) coverage: Coverage,
}

impl Report {
    /// Returns a line for each test and one that counts them; with `all` the lines of policies that none reached, too.
    pub(super) fn text(&self, all: bool) -> String {
        let mut text = String::new();
        for test in &self.tests {
            text.push_str(&format!(
                "{:5} {} ({}, {:.1} ms)\n",
                test.outcome.word(),
                clean(&test.name),
                clean(&test.place()),
                test.ms
            ));
            for line in test.message.iter().flat_map(|message| message.lines()) {
                text.push_str(&format!("      {}\n", clean(line)));
            }
        }
        text.push_str(&self.coverage.text(all));
        let wrote = match self.count(Outcome::Wrote) {
            0 => String::new(),
            n => format!(", {n} written"),
        };
        text.push_str(&format!(
            "{} passed, {} failed{wrote}\n",
            self.count(Outcome::Pass),
            self.n_failed()
        ));
        text
    }

    /// Returns the same for programs.
    pub(super) fn json(&self) -> Value {
        json!({"tests": self.tests, "coverage": self.coverage.json()})
    }

    /// Returns the same as JUnit XML.
    ///
    /// # Errors
    /// As the writer's, which writes to memory.
    pub(super) fn junit(&self) -> io::Result<String> {
        let case = |test: &Test| Case {
            name: test.name.clone(),
            class: test.file.clone(),
            seconds: Some(test.ms / 1000.0),
            verdict: test.verdict(),
        };
        junit::text(&Suite {
            name: "opsbox check test".to_owned(),
            cases: self.tests.iter().map(case).collect(),
        })
    }

    /// Returns whether no test failed.
    pub(super) fn is_passed(&self) -> bool {
        self.n_failed() == 0
    }

    fn n_failed(&self) -> usize {
        self.count(Outcome::Fail) + self.count(Outcome::Error)
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.tests.iter().filter(|test| test.outcome == outcome).count()
    }
}

impl Test {
    fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }

    fn verdict(&self) -> Verdict {
        let details = self.message.clone().unwrap_or_default();
        let first = details.lines().next().unwrap_or_default().to_owned();
        match self.outcome {
            Outcome::Pass | Outcome::Wrote => Verdict::Pass,
            Outcome::Error => Verdict::Error(details),
            Outcome::Fail => Verdict::Failure {
                message: first,
                details,
            },
        }
    }
}

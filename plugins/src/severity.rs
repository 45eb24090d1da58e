//! How bad a finding is, read from its own `severity`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A severity; the order of variants is worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Info,
    /// None is given, or one that is not known.
    Unknown,
}

impl Severity {
    /// Returns the word that people see; blank where it is not known.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
            Self::Unknown => "",
        }
    }

    fn from_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "medium" => Self::Medium,
            "low" => Self::Low,
            "info" => Self::Info,
            _ => Self::Unknown,
        }
    }
}

/// Returns the severity of one finding.
pub(crate) fn of_finding(finding: &RawValue) -> Severity {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, default)]
        severity: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Word<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Head<'_>>(finding.get())
        .ok()
        .and_then(|head| serde_json::from_str::<Word<'_>>(head.severity?.get()).ok())
        .map_or(Severity::Unknown, |word| Severity::from_word(&word.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Severity {
        of_finding(serde_json::from_str(text).expect("JSON"))
    }

    #[test]
    fn odd_severities_are_unknown_and_worst_comes_first() {
        assert_eq!(
            of(r#"{"a":{"severity":"low"},"severity":"HIGH"}"#),
            Severity::High
        );
        for odd in [r#"{"severity":3}"#, r#"{"severity":"awful"}"#, "{}", "7", "[]"] {
            assert_eq!(of(odd), Severity::Unknown, "{odd}");
        }
        assert!(Severity::Critical < Severity::High && Severity::Info < Severity::Unknown);
    }
}

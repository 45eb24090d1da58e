//! How a plugin came to the handshake: one that never did has one fault, and nothing else can be said of it.

use crate::manifest::{Launch, Manifest};

use super::line::{Answer, Line};
use super::rule::{Evidence, Judged, Rule, unseen};
use super::scene::{Missed, Scene};

/// The rule that is broken where the handshake does not come about.
const RULE: &str = "LIFE-2";
/// Why nothing is said of the other rules.
pub(super) const WHY: &str = "the plugin never came to the handshake";
/// How a shell ends that does not find a program.
const NOT_FOUND: &str = "status 127";
/// So many of its last lines are shown.
const LAST_WORDS: usize = 10;

/// How it went.
pub(super) enum Start {
    /// It shook hands.
    Greeted,
    /// Its program ended instead.
    Ended(Evidence),
    /// It lives, and did not agree.
    Refused,
}

impl Start {
    /// Judges by the first scene.
    pub(super) fn of(whole: &Scene, manifest: &Manifest) -> Self {
        if matches!(whole.answer("initialize"), Some(Answer::Result(_))) {
            return Self::Greeted;
        }
        let missed = whole.ask("initialize").and_then(|ask| ask.missed.as_ref());
        let Some(Missed::Ended(how)) = missed else {
            return Self::Refused;
        };
        let said = |from: &str, lines: Vec<String>| -> Vec<String> {
            let first = lines.len().saturating_sub(LAST_WORDS);
            let named = lines[first..].iter().map(|line| format!("{from}: {line}"));
            named.collect()
        };
        let stdout = whole.lines().map(|(_, line)| Line::text(line)).collect();
        let mut got = said("stdout", stdout);
        got.extend(said("stderr", whole.stderr.clone()));
        if got.is_empty() {
            got.push("nothing, neither on stdout nor on stderr".into());
        }
        Self::Ended(Evidence {
            why: format!("the program {how} before it answered `initialize`"),
            scene: whole.name,
            sent: Vec::new(),
            got,
            mend: Some(mend(manifest)),
        })
    }

    /// Returns what a shell said that did not find a program; `None` where its status does not mean that.
    pub(super) fn lacks_a_program(&self) -> Option<String> {
        match self {
            Self::Ended(evidence) if evidence.why.contains(NOT_FOUND) => evidence.got.last().cloned(),
            _ => None,
        }
    }

    /// Returns what is known of a rule without looking at anything else.
    pub(super) fn verdict(&self, rule: &Rule) -> Option<Judged> {
        match self {
            Self::Ended(evidence) if rule.id == RULE => Some(evidence.clone().broken()),
            Self::Ended(_) => Some(unseen(WHY)),
            Self::Greeted | Self::Refused => None,
        }
    }
}

fn mend(manifest: &Manifest) -> String {
    let Launch::Command { argv } = &manifest.launch else {
        return "mend what its last words name".into();
    };
    let command = argv.join(" ");
    let origin = &manifest.origin;
    let is_missing = |word: &&String| word.starts_with("./") && !manifest.home.join(word).exists();
    match argv.iter().skip(1).find(is_missing) {
        Some(word) => {
            format!("there is no `{word}` in the folder of {origin}: correct `[run] command`, `{command}`")
        }
        None => {
            format!("mend what its last words name, or `[run] command` in {origin}, which starts `{command}`")
        }
    }
}

//! A rule: its id in PROTOCOL.md, what it says, how to mend a plugin that breaks it, and the function that judges.

use std::time::Duration;

use crate::manifest::Manifest;

use super::line::{Answer, Line, Message};
use super::scene::{Ask, Scene};
use super::stage::Facts;

/// One rule of the protocol that can be seen from outside a plugin.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its id in PROTOCOL.md.
    pub id: &'static str,
    /// What it asks of a plugin, in a phrase.
    pub text: &'static str,
    /// What the author does about it, in the imperative.
    pub mend: &'static str,
    /// Whether the protocol only says SHOULD: breaking it is a warning.
    pub should: bool,
    pub(super) judge: fn(&Observed<'_>) -> Judged,
}

/// What a rule is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Kept, as far as was seen.
    Pass,
    /// Broken, where the protocol says MUST.
    Fail,
    /// Broken, where the protocol says SHOULD; or kept in a way that deserves a look.
    Warn,
    /// Does not concern this plugin, or nothing was seen that it could be judged by.
    NotApplicable,
    /// Nothing was played that would show it, since the plugin never came to the handshake.
    NotRun,
    /// The suite could not do its part, which is not the plugin's fault.
    NotChecked,
}

impl Verdict {
    /// Returns the word that people and programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::NotApplicable => "n/a",
            Self::NotRun => "not run",
            Self::NotChecked => "not checked",
        }
    }
}

/// What a judge says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// Kept.
    Kept,
    /// Nothing to judge by, and why.
    Unseen(String),
    /// Broken.
    Broken(Evidence),
    /// Not broken, but a person should look.
    Odd(Evidence),
}

/// What a verdict rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What was wrong, in a sentence without dot.
    pub why: String,
    /// In which scene it was seen.
    pub scene: &'static str,
    /// What was sent, the last first.
    pub sent: Vec<String>,
    /// What came back.
    pub got: Vec<String>,
    /// What to do about this very case, where the rule's own words do not fit.
    pub mend: Option<String>,
}

/// Everything that was seen of a plugin.
pub(super) struct Observed<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) facts: &'a Facts,
    pub(super) scenes: &'a [Scene],
    pub(super) line_bytes: u64,
    /// How long a cancelled call may take; `None`: as long as it likes.
    pub(super) grace: Option<Duration>,
    /// Whether a handler that is there serves the plugin's type.
    pub(super) served: bool,
}

impl Evidence {
    /// Makes evidence of what stands at a place of a scene.
    pub(super) fn at(scene: &Scene, at: usize, why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            scene: scene.name,
            sent: scene.sent_before(at).into_iter().collect(),
            got: scene.got(at).map(Line::text).into_iter().collect(),
            mend: None,
        }
    }

    /// Makes evidence of a request and its answer, or of what came instead.
    pub(super) fn of(scene: &Scene, ask: &Ask, why: impl Into<String>) -> Self {
        let got = match (ask.answer.and_then(|at| scene.got(at)), &ask.missed) {
            (Some(line), _) => vec![line.text()],
            (None, Some(missed)) => {
                let words = missed.words();
                let last = scene.stderr.iter().rev().take(3).rev();
                std::iter::once(words)
                    .chain(last.map(|line| format!("stderr: {line}")))
                    .collect()
            }
            (None, None) => vec!["nothing".into()],
        };
        Self {
            why: why.into(),
            scene: scene.name,
            sent: vec![scene.sent(ask.sent)],
            got,
            mend: None,
        }
    }

    /// Makes evidence that rests on no line.
    pub(super) fn seen(scene: &Scene, why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            scene: scene.name,
            ..Self::default()
        }
    }

    pub(super) fn broken(self) -> Judged {
        Judged::Broken(self)
    }

    pub(super) fn odd(self) -> Judged {
        Judged::Odd(self)
    }
}

/// Returns whether a hook is asked for a list of Results.
pub(super) fn is_list(method: &str) -> bool {
    let hook = opsbox_protocol::Hook::from_method(method);
    hook.is_none_or(|hook| hook.expects() == opsbox_protocol::Expect::Results)
}

pub(super) fn unseen(why: impl Into<String>) -> Judged {
    Judged::Unseen(why.into())
}

impl Observed<'_> {
    /// Returns a scene, where it was played.
    pub(super) fn scene(&self, name: &str) -> Option<&Scene> {
        self.scenes.iter().find(|scene| scene.name == name)
    }

    /// Returns every line that the plugin wrote, with its scene and place.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&Scene, usize, &Line)> {
        self.scenes
            .iter()
            .flat_map(|scene| scene.lines().map(move |(at, line)| (scene, at, line)))
    }

    /// Returns every message that the plugin wrote, with its scene and place.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&Scene, usize, &Message)> {
        self.scenes
            .iter()
            .flat_map(|scene| scene.messages().map(move |(at, message)| (scene, at, message)))
    }

    /// Returns every request that was made, with its scene.
    pub(super) fn asks(&self) -> impl Iterator<Item = (&Scene, &Ask)> {
        self.scenes
            .iter()
            .flat_map(|scene| scene.asks.iter().map(move |ask| (scene, ask)))
    }

    /// Breaks the rule at the first message of which `wrong` says why.
    pub(super) fn each_message(&self, wrong: impl Fn(&Message) -> Option<String>) -> Judged {
        let found = self
            .messages()
            .find_map(|(scene, at, message)| Some(Evidence::at(scene, at, wrong(message)?)));
        found.map_or(Judged::Kept, Judged::Broken)
    }

    /// Breaks the rule at the first line of which `wrong` says why.
    pub(super) fn each_line(&self, wrong: impl Fn(&Line) -> Option<String>) -> Judged {
        let found = self
            .lines()
            .find_map(|(scene, at, line)| Some(Evidence::at(scene, at, wrong(line)?)));
        found.map_or(Judged::Kept, Judged::Broken)
    }

    /// Judges the answer to a request that a scene made: `wrong` says why it breaks the rule.
    pub(super) fn answered(
        &self,
        scene: &str,
        label: &str,
        wrong: impl FnOnce(&Answer) -> Option<String>,
    ) -> Judged {
        let Some(scene) = self.scene(scene) else {
            return unseen("this part of the suite was not played");
        };
        let Some(ask) = scene.ask(label) else {
            return unseen(format!("the part `{}` did not come so far", scene.name));
        };
        match scene.reply(ask).and_then(Message::answer) {
            None => Evidence::of(scene, ask, "the request was not answered").broken(),
            Some(answer) => match wrong(&answer) {
                Some(why) => Evidence::of(scene, ask, why).broken(),
                None => Judged::Kept,
            },
        }
    }

    /// Returns every Result that the plugin answered a hook with, as JSON text, with its scene and request.
    pub(super) fn results(&self) -> Vec<(&Scene, &Ask, String)> {
        let hooks = |ask: &&Ask| self.facts.works.iter().any(|work| work.hook == ask.method);
        let mut found = Vec::new();
        for (scene, ask) in self.asks().filter(|(_, ask)| hooks(ask)) {
            let Some(text) = scene.reply(ask).and_then(|message| message.get("result")) else {
                continue;
            };
            if self.expects_nothing(&ask.method) {
                continue;
            }
            let items = match is_list(&ask.method) {
                true => serde_json::from_str::<Vec<Box<serde_json::value::RawValue>>>(text).ok(),
                false => None,
            };
            match items {
                Some(items) => {
                    found.extend(items.iter().map(|item| (scene, ask, item.get().to_owned())));
                }
                None => found.push((scene, ask, text.to_owned())),
            }
        }
        found
    }

    /// Returns whether a hook's answer is no Result.
    pub(super) fn expects_nothing(&self, method: &str) -> bool {
        let hook = opsbox_protocol::Hook::from_method(method);
        hook.is_none_or(|hook| hook.expects() == opsbox_protocol::Expect::Raw)
    }

    /// Returns the first hook call's error, where it failed: then there is nothing to see of its work.
    pub(super) fn work_failed(&self) -> Option<String> {
        match self.scene("whole")?.answer("work")? {
            Answer::Error(code, message) => Some(format!(
                "the hook failed with {code} ({message}); give it what it needs with --set or --sample"
            )),
            Answer::Result(_) => None,
        }
    }

    /// Returns whether the first hook call was answered with a result: else no later call tells what it fails of.
    pub(super) fn works(&self) -> bool {
        let answer = self.scene("whole").and_then(|whole| whole.answer("work"));
        matches!(answer, Some(Answer::Result(_)))
    }

    /// Returns why no hook was called.
    pub(super) fn no_work(&self) -> String {
        if self.facts.works.is_empty() {
            return match self.manifest.kind {
                crate::manifest::Kind::Other(_) => {
                    "nobody but its handler knows its hooks; name one with --sample".into()
                }
                _ => "it lists no hook that could be called".into(),
            };
        }
        "its hook was not reached".into()
    }
}

/// Returns the first of several judgments that is not kept; unseen ones count only where all are.
pub(super) fn all(judgments: impl IntoIterator<Item = Judged>) -> Judged {
    let (mut odd, mut why, mut kept) = (None, None, false);
    for judged in judgments {
        match judged {
            Judged::Broken(_) => return judged,
            Judged::Odd(_) => odd = odd.or(Some(judged)),
            Judged::Unseen(reason) => why = why.or(Some(reason)),
            Judged::Kept => kept = true,
        }
    }
    match (odd, kept, why) {
        (Some(odd), ..) => odd,
        (None, true, _) | (None, false, None) => Judged::Kept,
        (None, false, Some(why)) => Judged::Unseen(why),
    }
}

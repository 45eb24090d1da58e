//! What was seen of one process: every line in order, every request with its answer, and how the process ended.

use std::time::Duration;

use bytes::Bytes;

use super::line::{Answer, Line, Message};

/// The record of one process, from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    /// Which of the scenes it is.
    pub(crate) name: &'static str,
    /// What was sent and what came, in order.
    pub(crate) entries: Vec<Entry>,
    /// The requests that were made, in order.
    pub(crate) asks: Vec<Ask>,
    /// What it wrote to stderr, line by line.
    pub(crate) stderr: Vec<String>,
    /// What was seen of the process from outside.
    pub(crate) looks: Vec<Look>,
    /// How it ended.
    pub(crate) ending: Option<Ending>,
    /// Why the suite itself could not go on, which is nobody's fault here.
    pub(crate) harness: Option<String>,
}

/// One thing on the wire.
#[derive(Debug)]
pub(crate) struct Entry {
    /// When, since the process was started.
    pub(crate) at: Duration,
    /// Which way, and what.
    pub(crate) what: What,
}

/// Which way a line went, and what it was.
#[derive(Debug)]
pub(crate) enum What {
    /// To the plugin, with its `\n`; of a long one the beginning.
    Sent(Bytes),
    /// From the plugin.
    Got(Line),
    /// Its stdin was closed.
    Closed,
}

/// A request, and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// What the scene calls it.
    pub(crate) label: &'static str,
    /// The method.
    pub(crate) method: String,
    /// Its id.
    pub(crate) id: u64,
    /// Where in `entries` it stands.
    pub(crate) sent: usize,
    /// Where its answer stands; `None` where none came.
    pub(crate) answer: Option<usize>,
    /// Why none came.
    pub(crate) missed: Option<Missed>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missed {
    /// None within this time.
    Late(Duration),
    /// The process ended, in words.
    Ended(String),
    /// The process closed its stdout and lives.
    ClosedStdout,
    /// The kernel stopped the process, mostly since it read from the terminal.
    Stopped,
    /// It said so much that nobody could listen any longer.
    Flooded,
    /// It read nothing for this time.
    Stalled(Duration),
}

/// How a process ended.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// How long after the end of its stdin; `None` where it had to be killed.
    pub(crate) after_eof: Option<Duration>,
    /// How long it was waited for.
    pub(crate) patience: Duration,
    /// Its exit status, where it had one.
    pub(crate) code: Option<i32>,
    /// The end in words.
    pub(crate) words: String,
    /// What it left behind, in words, with the reason why that is wrong.
    pub(crate) left: Vec<String>,
}

/// Something that was seen of the process from outside.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// At which moment: `configured`, `set`, `active`, `worked`.
    pub(crate) when: &'static str,
    /// Sockets that it holds, in words.
    pub(crate) sockets: Vec<String>,
    /// Files that it made in its working directory and around it.
    pub(crate) files: Vec<String>,
    /// Those of them that hold something and that others than the user may read.
    pub(crate) exposed: Vec<String>,
    /// Children that the host could not find, in words.
    pub(crate) strays: Vec<String>,
    /// The command lines of its processes.
    pub(crate) commands: Vec<String>,
    /// Whether its descriptor 1 is still the wire; `None` where that cannot be seen.
    pub(crate) stdout_is_wire: Option<bool>,
}

impl Missed {
    /// Says it in words, to be read after "the answer".
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Late(limit) => format!("no answer within {}", seconds(*limit)),
            Self::Ended(how) => format!("no answer: the process {how}"),
            Self::ClosedStdout => "no answer: it closed its stdout".into(),
            Self::Stopped => {
                "no answer: the kernel stopped the process, as it does when it reads the terminal".into()
            }
            Self::Flooded => "no answer: it wrote too much to be read on".into(),
            Self::Stalled(limit) => format!("no answer: it read nothing for {}", seconds(*limit)),
        }
    }
}

impl Scene {
    /// Returns the request that the scene calls so.
    pub(crate) fn ask(&self, label: &str) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.label == label)
    }

    /// Returns the message that answered a request.
    pub(crate) fn reply(&self, ask: &Ask) -> Option<&Message> {
        self.got(ask.answer?)?.message()
    }

    /// Returns what the answer to a request says.
    pub(crate) fn answer(&self, label: &str) -> Option<Answer> {
        self.reply(self.ask(label)?)?.answer()
    }

    /// Returns the line at this place, where the plugin wrote it.
    pub(crate) fn got(&self, at: usize) -> Option<&Line> {
        match &self.entries.get(at)?.what {
            What::Got(line) => Some(line),
            _ => None,
        }
    }

    /// Returns every line that the plugin wrote, with its place.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(at, entry)| match &entry.what {
                What::Got(line) => Some((at, line)),
                _ => None,
            })
    }

    /// Returns every message that the plugin wrote, with its place.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.lines()
            .filter_map(|(at, line)| line.message().map(|message| (at, message)))
    }

    /// Returns what was sent before this place, the last first.
    pub(crate) fn sent_before(&self, at: usize) -> Option<String> {
        self.entries[..at]
            .iter()
            .rev()
            .find_map(|entry| match &entry.what {
                What::Sent(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            })
    }

    /// Returns what was sent after one place and before another.
    pub(crate) fn sent_between(&self, after: usize, before: usize) -> Vec<String> {
        let between = self.entries.get(after + 1..before).unwrap_or_default();
        let sent = between.iter().filter_map(|entry| match &entry.what {
            What::Sent(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        sent.collect()
    }

    /// Returns what was sent at this place.
    pub(crate) fn sent(&self, at: usize) -> String {
        match self.entries.get(at).map(|entry| &entry.what) {
            Some(What::Sent(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }

    /// Returns what was seen from outside at this moment.
    pub(crate) fn look(&self, when: &str) -> Option<&Look> {
        self.looks.iter().find(|look| look.when == when)
    }
}

/// Returns a time in words.
pub(crate) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

//! Why a plugin could not do what was asked, with whose fault it is and what to do.

use std::time::Duration;

use opsbox_protocol::{ErrorBody, code};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Fault;

/// The hint where nobody but the plugin's author can do something.
const TO_ITS_AUTHOR: &str = "this is a fault of the plugin: report it to its author";

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The plugin's: it crashed, hung, broke the protocol, or says itself that it failed.
    Plugin,
    /// That of what is installed or set here: a program that is missing, a release that does not fit, a field that is wrong.
    Setup,
    /// Nobody's in this step: an interrupt, or a step before it that brought nothing.
    #[default]
    Run,
}

/// A failure of a plugin or of a call to it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PluginError {
    /// The program was not found.
    #[error("program `{program}` not found")]
    NotFound {
        /// The program as the manifest names it.
        program: String,
        /// Where it was looked for.
        looked_in: String,
    },
    /// The operating system would not start it.
    #[error("cannot start `{program}`: {why}")]
    Spawn {
        /// The resolved program.
        program: String,
        /// The system's reason.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Others could have changed what would be started.
    #[error("{}", .0.message)]
    Untrusted(Fault),
    /// A file that its manifest pins is another.
    #[error("`{file}` {why}")]
    Unpinned {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The process ended.
    #[error("the process {how} {when}")]
    Exited {
        /// How, for example `exited with status 3`.
        how: String,
        /// When, for example `during gather_data`.
        when: String,
        /// A guess at the cause.
        guess: Option<String>,
        /// The last lines of stderr.
        stderr: Vec<String>,
    },
    /// The process lives but closed its stdout.
    #[error("it closed its stdout {when}, so no answer can come")]
    ClosedStdout {
        /// When.
        when: String,
    },
    /// A deadline passed.
    #[error("no answer to `{method}` within {limit:?}{idle}")]
    Timeout {
        /// The method in flight.
        method: String,
        /// The deadline.
        limit: Duration,
        /// ` without progress`, or empty.
        idle: &'static str,
        /// The manifest key that sets it.
        key: &'static str,
    },
    /// It did not read its stdin.
    #[error("it read nothing from its stdin for {limit:?} while `{method}` was being sent")]
    Stalled {
        /// The method in flight.
        method: String,
        /// The deadline.
        limit: Duration,
    },
    /// It was stopped: by the kernel, because it used the terminal, or by somebody's signal.
    #[error("the process was stopped {when}{}", by.map_or(String::new(), |by| format!(" by {by}")))]
    Stopped {
        /// When.
        when: String,
        /// The signal that did it; `None` where it cannot be told.
        by: Option<&'static str>,
    },
    /// It used more than its manifest or a flag allows.
    #[error("it used {seen} {when}, and its limit is {limit}")]
    OverLimit {
        /// The key in `[limits]`.
        key: &'static str,
        /// What was seen.
        seen: String,
        /// What is allowed.
        limit: String,
        /// When.
        when: String,
    },
    /// It died again and again.
    #[error("{last}; it was started {started} times and is not started again in this run")]
    GivenUp {
        /// How often it was started for its call.
        started: u32,
        /// What it died of the last time.
        last: Box<PluginError>,
    },
    /// It broke the protocol.
    #[error("it broke the protocol: {why}{when}")]
    Protocol {
        /// What it did.
        why: String,
        /// `, during` the method in flight; empty between calls.
        when: String,
    },
    /// A line over the cap.
    #[error("its answer to `{method}` is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The method in flight.
        method: String,
        /// The cap.
        limit: u64,
    },
    /// The answer has the wrong shape.
    #[error("its answer to `{method}` has the wrong shape: {why}")]
    Shape {
        /// The method.
        method: String,
        /// What is wrong.
        why: String,
    },
    /// It answered with an error.
    #[error("`{method}` failed: {}", .body.message)]
    Answered {
        /// The method.
        method: String,
        /// The error.
        body: Box<ErrorBody>,
    },
    /// It does not implement the hook that its type needs.
    #[error("it does not implement `{method}`, which its type needs (it lists {listed})")]
    NoHook {
        /// The method.
        method: String,
        /// What it lists in `hooks`.
        listed: String,
    },
    /// A policy gave no answer; the message names its file and line.
    #[error("{}", .body.message)]
    Policy {
        /// The error.
        body: Box<ErrorBody>,
    },
    /// A policy's file cannot be read.
    #[error("the policy `{file}` cannot be read: {why}")]
    Unreadable {
        /// The file as the manifest names it.
        file: String,
        /// The system's reason.
        why: String,
    },
    /// The call was cancelled.
    #[error("`{method}` was cancelled")]
    Cancelled {
        /// The method.
        method: String,
    },
    /// The two sides have no protocol version in common.
    #[error("it speaks protocol {theirs}, this host speaks {ours}")]
    Version {
        /// What the plugin speaks.
        theirs: String,
        /// What the host speaks.
        ours: String,
    },
}

impl PluginError {
    /// Makes a breach of the protocol, at a time that is not known yet.
    pub fn protocol(why: impl Into<String>) -> Self {
        Self::Protocol {
            why: why.into(),
            when: String::new(),
        }
    }

    /// Says during which method it came about, where that is not said yet.
    #[must_use]
    pub fn during(mut self, method: Option<&str>) -> Self {
        if let (Self::Protocol { when, .. }, Some(method)) = (&mut self, method)
            && when.is_empty()
        {
            *when = format!(", during `{method}`");
        }
        self
    }

    /// Returns whose fault it is.
    pub fn origin(&self) -> Origin {
        match self {
            Self::NotFound { .. } | Self::Spawn { .. } | Self::Unreadable { .. } | Self::Version { .. } => {
                Origin::Setup
            }
            Self::Answered { body, .. } if body.code == code::CONFIG_INVALID => Origin::Setup,
            Self::Cancelled { .. } => Origin::Run,
            _ => Origin::Plugin,
        }
    }

    /// Returns the error code of the protocol.
    pub fn code(&self) -> i64 {
        match self {
            Self::NotFound { .. }
            | Self::Spawn { .. }
            | Self::Untrusted(_)
            | Self::Unpinned { .. }
            | Self::Unreadable { .. } => code::SPAWN_FAILED,
            Self::Exited { .. } | Self::ClosedStdout { .. } | Self::OverLimit { .. } => code::EXITED,
            Self::GivenUp { last, .. } => last.code(),
            Self::Timeout { .. } | Self::Stalled { .. } | Self::Stopped { .. } => code::TIMEOUT,
            Self::Protocol { .. } | Self::Shape { .. } => code::PROTOCOL_FAULT,
            Self::TooLarge { .. } => code::TOO_LARGE,
            Self::NoHook { .. } => code::METHOD_NOT_FOUND,
            Self::Answered { body, .. } | Self::Policy { body } => code::from_plugin(body.code),
            Self::Cancelled { .. } => code::CANCELLED,
            Self::Version { .. } => code::UNSUPPORTED_PROTOCOL,
        }
    }

    /// Returns what the person at the terminal can do about it, most useful first.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotFound { looked_in, .. } => {
                vec![format!(
                    "install it, or correct `[run] command` in the manifest (looked in {looked_in})"
                )]
            }
            Self::Spawn { hint, .. } => hint.iter().cloned().collect(),
            Self::Untrusted(fault) => fault.hints.clone(),
            Self::Unpinned { .. } => {
                vec!["look at what has changed; where it is what you want, write its hash into `[run] sha256`: `sha256sum FILE`".into()]
            }
            Self::Exited { guess, stderr, .. } => {
                let said = (!stderr.is_empty()).then(|| format!("its last words: {}", stderr.join(" | ")));
                let author = Some(TO_ITS_AUTHOR.to_owned());
                guess.iter().cloned().chain(said).chain(author).collect()
            }
            Self::OverLimit { key, .. } => {
                let flag = match *key {
                    "cpu" => ", or `--max-cpu`",
                    "memory" => ", or `--max-memory`",
                    _ => "",
                };
                vec![format!("set `[limits] {key}` in its manifest{flag}; 0 is no limit")]
            }
            Self::GivenUp { last, .. } => {
                let mut hints = last.hints();
                hints.push("`[restart] times` in its manifest, or `--restarts`, says how often it is started again".into());
                hints
            }
            Self::Timeout { key, .. } if *key != "hook_total" => {
                vec![format!(
                    "set `[timeouts] {key}` in its manifest; 0 turns the deadline off"
                )]
            }
            Self::Timeout { key, .. } => {
                vec![format!(
                    "set `[timeouts] {key}` in its manifest, or `--timeout`; 0 turns the deadline off"
                )]
            }
            Self::TooLarge { .. } => {
                vec!["set `[limits] line` in its manifest, `--max-line` or OPSBOX_MAX_LINE".into()]
            }
            Self::Shape { .. } | Self::Protocol { .. } | Self::NoHook { .. } => {
                vec![TO_ITS_AUTHOR.into()]
            }
            Self::Answered { body, .. } | Self::Policy { body } => body.data().hint.into_iter().collect(),
            Self::Unreadable { .. } => {
                vec!["make it a file of UTF-8 text that the user who runs opsbox may read".into()]
            }
            Self::Stopped {
                by: Some("SIGSTOP" | "SIGTSTP"),
                ..
            } => vec!["somebody, or the plugin itself, sent it that signal; opsbox stops no plugin".into()],
            Self::Stopped { .. } => vec![
                "plugins run in the background and may neither read from the terminal nor change it: give it what it asks for by configuration".into(),
            ],
            Self::Version { .. } => vec!["install a release of the plugin that fits this host".into()],
            Self::ClosedStdout { .. } | Self::Stalled { .. } => {
                vec![TO_ITS_AUTHOR.into()]
            }
            Self::Cancelled { .. } => Vec::new(),
        }
    }

    /// Returns whether the process can take no further call.
    pub fn is_fatal(&self) -> bool {
        !matches!(
            self,
            Self::Answered { .. }
                | Self::NoHook { .. }
                | Self::Policy { .. }
                | Self::Unreadable { .. }
                | Self::Shape { .. }
                | Self::TooLarge { .. }
                | Self::Cancelled { .. }
        )
    }

    /// Names another method than the one that was called, where that is nothing a person knows.
    #[must_use]
    pub fn renamed(mut self, called: &str, known: &str) -> Self {
        match &mut self {
            Self::Exited { when: text, .. }
            | Self::ClosedStdout { when: text }
            | Self::Stopped { when: text, .. }
            | Self::OverLimit { when: text, .. }
            | Self::Timeout { method: text, .. }
            | Self::Stalled { method: text, .. }
            | Self::TooLarge { method: text, .. }
            | Self::Shape { method: text, .. }
            | Self::Answered { method: text, .. }
            | Self::Protocol { when: text, .. }
            | Self::Cancelled { method: text } => *text = text.replace(called, known),
            Self::GivenUp { last, .. } => {
                let named = last.as_ref().clone().renamed(called, known);
                **last = named;
            }
            Self::NotFound { .. }
            | Self::Spawn { .. }
            | Self::Untrusted(_)
            | Self::Unpinned { .. }
            | Self::NoHook { .. }
            | Self::Policy { .. }
            | Self::Unreadable { .. }
            | Self::Version { .. } => {}
        }
        self
    }

    /// Makes a fault that names the plugin.
    pub fn fault(&self, plugin: &str) -> Fault {
        Fault {
            message: format!("plugin `{plugin}`: {self}"),
            hints: self.hints(),
        }
    }
}

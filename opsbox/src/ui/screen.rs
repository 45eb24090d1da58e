//! How the user wants to be spoken to.

use std::path::PathBuf;

use clap::ValueEnum;
use opsbox_protocol::message::LogLevel;

/// How the user is spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screen {
    /// `-q`.
    pub quiet: bool,
    /// `-v`, counted.
    pub verbose: u8,
    /// `--color`.
    pub color: Color,
    /// `--progress`.
    pub progress: Progress,
    /// `--log-format`.
    pub log_format: LogFormat,
    /// `--log_file` of the legacy grammar.
    pub log_file: Option<LogFile>,
}

/// A file that log records are written to as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The file, absolute.
    pub path: PathBuf,
    /// The least level of records in it.
    pub level: LogLevel,
}

/// When color is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Live lines on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// One line for each step that ends.
    Plain,
    /// One JSON object for each event.
    Json,
    /// Nothing.
    None,
}

/// The form of log records on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object for each record.
    Json,
}

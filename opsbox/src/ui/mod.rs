//! The one owner of the terminal: results on stdout, everything else on stderr.

pub mod lane;
pub mod live;
mod log_file;
pub mod screen;
pub mod text;
pub mod trace;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use opsbox_protocol::message::{LogLevel, Terminal};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::plugin::Event;
use live::Live;
use log_file::LogWriter;
use screen::{Color, LogFormat, Progress, Screen};

pub use watch::RunWatch;

/// The number of the live line of a piece of work that is no step of a run.
const WORK: usize = usize::MAX;
/// How much of such a line is shown, in characters.
const DETAIL: usize = 60;

/// The terminal, or what stands in for it.
pub struct Ui {
    options: Screen,
    no_color: bool,
    live: Option<Live>,
    stdout: Mutex<Stdout>,
    log_file: Option<Mutex<LogWriter>>,
}

#[derive(Default)]
struct Stdout {
    closed: bool,
    error: Option<io::Error>,
    /// The error's text, for all that should have been written since.
    why: Option<String>,
}

impl Ui {
    /// Takes the terminal over. `no_color` is whether the user or the terminal wants none.
    pub fn new(options: Screen, no_color: bool) -> Self {
        let live = options.progress == Progress::Auto && !options.quiet && io::stderr().is_terminal();
        let opened = options
            .log_file
            .as_ref()
            .map(|file| (file.path.clone(), LogWriter::open(&file.path)));
        let mut ui = Self {
            options,
            no_color,
            live: live.then(Live::new),
            stdout: Mutex::new(Stdout::default()),
            log_file: None,
        };
        match opened {
            Some((_, Ok(file))) => ui.log_file = Some(Mutex::new(file)),
            Some((path, Err(error))) => {
                ui.warn(&format!(
                    "the log file `{}` cannot be written: {error}",
                    path.display()
                ));
            }
            None => {}
        }
        ui
    }

    /// Returns how the user wants to be spoken to.
    pub fn options(&self) -> &Screen {
        &self.options
    }

    /// Returns the terminal on stdout; `None` where stdout is none.
    pub fn terminal(&self) -> Option<Terminal> {
        let columns = rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| size.ws_col);
        let color = self.color(io::stdout().is_terminal());
        match columns.filter(|columns| *columns > 0) {
            Some(columns) => Some(Terminal { columns, color }),
            None => color.then_some(Terminal { columns: 80, color }),
        }
    }

    fn color(&self, is_terminal: bool) -> bool {
        match self.options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !self.no_color,
        }
    }

    /// Returns the least level of log records that anybody wants to have: the screen or the log file.
    pub fn log_level(&self) -> LogLevel {
        let shown = self.shown_level();
        self.file_level().map_or(shown, |level| level.min(shown))
    }

    fn file_level(&self) -> Option<LogLevel> {
        let file = self.log_file.as_ref().and(self.options.log_file.as_ref());
        file.map(|file| file.level)
    }

    fn shown_level(&self) -> LogLevel {
        match (self.options.quiet, self.options.verbose) {
            (true, _) => LogLevel::Error,
            (false, 0) => LogLevel::Warn,
            (false, 1) => LogLevel::Info,
            (false, 2) => LogLevel::Debug,
            (false, _) => LogLevel::Trace,
        }
    }

    /// Writes text of this program to stdout; what strangers said in it does not act on the terminal.
    pub fn results(&self, text: &str) {
        self.write(&text::clean_text(text));
    }

    /// Writes JSON to stdout.
    pub fn json(&self, text: &str) {
        self.write(&text::json(text));
    }

    /// Writes text that an output plugin made: as it is into a file or a pipe, with nothing but colors to a terminal.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn output(&self, text: &str) -> Result<(), String> {
        match io::stdout().is_terminal() {
            true => self.try_write(&text::colored(text)),
            false => self.try_write(text),
        }
    }

    /// Writes to stdout as it is. A closed pipe is no error; what else goes wrong is kept for [`Self::stdout_error`].
    pub fn write(&self, text: &str) {
        let _kept = self.try_write(text);
    }

    /// Writes to stdout as it is. A closed pipe is no error.
    ///
    /// # Errors
    /// What went wrong, now or before: after an error nothing is written any more.
    fn try_write(&self, text: &str) -> Result<(), String> {
        self.suspended(|| {
            let mut state = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
            if state.closed {
                return state.why.clone().map_or(Ok(()), Err);
            }
            let mut stdout = io::stdout().lock();
            if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
                state.closed = true;
                if error.kind() != io::ErrorKind::BrokenPipe {
                    state.why = Some(error.to_string());
                    state.error = Some(error);
                }
            }
            state.why.clone().map_or(Ok(()), Err)
        })
    }

    /// Returns what went wrong on stdout, if anything did.
    pub fn stdout_error(&self) -> Option<io::Error> {
        self.stdout
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .error
            .take()
    }

    /// Writes one line to stderr, whatever the level; only colors in it act.
    pub fn line(&self, text: &str) {
        self.write_line(&text::colored(text));
    }

    /// Writes one event to stderr.
    pub fn event(&self, event: &Value) {
        self.write_line(&text::json(&event.to_string()));
    }

    fn write_line(&self, text: &str) {
        self.suspended(|| {
            // There is nowhere left to complain to.
            let _written = writeln!(io::stderr().lock(), "{text}");
        });
    }

    /// Shows why a command could not do its work.
    pub fn failure(&self, failure: &Failure) {
        self.line(&text::clean_lines(&failure.to_string()));
    }

    /// Shows a warning of the host's own.
    pub fn warn(&self, message: &str) {
        self.log(LogLevel::Warn, None, message);
    }

    /// Shows a note that people want unless they asked for quiet.
    pub fn note(&self, message: &str) {
        if self.is_json() {
            self.event(&json!({"event": "note", "message": message}));
        } else if !self.options.quiet {
            self.line(&text::clean_lines(message));
        }
    }

    /// Shows that a longer piece of work begins a new step: one live line on a terminal, else a line of its own.
    pub fn works(&self, what: &str) {
        match &self.live {
            Some(live) => {
                live.ended(WORK);
                live.shows(WORK, what, "");
            }
            None if self.options.progress != Progress::None => self.note(what),
            None => {}
        }
    }

    /// Shows what a longer piece of work says meanwhile; only a terminal and `-v` show it.
    pub fn detail(&self, who: &str, line: &str) {
        if let Some(live) = &self.live {
            let cut: String = line.chars().take(DETAIL).collect();
            live.shows(WORK, "", &cut);
        }
        self.log(LogLevel::Info, Some(who), line);
    }

    /// Shows that a longer piece of work goes on, where no live line does.
    pub fn lives(&self, what: &str) {
        if self.live.is_none() && self.options.progress != Progress::None {
            self.note(what);
        }
    }

    /// Takes the live line of a longer piece of work away.
    pub fn worked(&self) {
        if let Some(live) = &self.live {
            live.ended(WORK);
        }
    }

    /// Shows a log record, of a plugin or of the host's own.
    pub fn log(&self, level: LogLevel, plugin: Option<&str>, message: &str) {
        self.keep(level, plugin, message);
        if level < self.shown_level() {
            return;
        }
        if self.options.log_format == LogFormat::Json || self.options.progress == Progress::Json {
            let record = json!({"event": "log", "level": level, "plugin": plugin, "message": message});
            return self.event(&record);
        }
        let name = match level {
            LogLevel::Trace => "trace",
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warning",
            LogLevel::Error => "error",
        };
        let from = plugin.map(|plugin| format!(" {plugin}:")).unwrap_or_default();
        for line in message.lines() {
            self.line(&text::clean(&format!("{name}:{from} {line}")));
        }
    }

    /// Writes a record to the log file alone, where there is one and it wants this level.
    pub fn keep(&self, level: LogLevel, plugin: Option<&str>, message: &str) {
        let wanted = self.file_level().is_some_and(|least| level >= least);
        if let (true, Some(file)) = (wanted, &self.log_file) {
            let record = json!({"time": jiff::Timestamp::now().to_string(), "level": level, "plugin": plugin, "message": message});
            file.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .write(&text::json(&record.to_string()));
        }
    }

    /// Shows what a plugin says outside a run.
    pub fn said(&self, plugin: &str, event: Event) {
        match event {
            Event::Log { level, message } => self.log(level, Some(plugin), &message),
            Event::Stderr(line) => self.log(LogLevel::Info, Some(plugin), &line),
            Event::Warning(message) => self.log(LogLevel::Warn, Some(plugin), &message),
            Event::Output { text, .. } => self.log(LogLevel::Info, Some(plugin), &text),
            Event::Progress(progress) => self.log(LogLevel::Debug, Some(plugin), &live::describe(&progress)),
        }
    }

    /// Returns whether events are written as JSON lines.
    pub fn is_json(&self) -> bool {
        self.options.progress == Progress::Json
    }

    fn suspended<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.live {
            Some(live) => live.suspended(write),
            None => write(),
        }
    }
}

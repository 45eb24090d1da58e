//! From what somebody asked for to what the commands and the terminal take.

use super::host::{Places, Talk};
use super::request::{Color, LogFormat, Progress, RunFlags, Screen};
use super::run::RunRequest;
use crate::environ::Environ;
use crate::ui::{self, UiOptions};

impl From<RunFlags> for RunRequest {
    fn from(flags: RunFlags) -> Self {
        Self {
            pipeline: flags.pipeline,
            places: Places {
                plugin_dirs: flags.plugin_dirs,
                python: flags.python,
            },
            talk: Talk {
                timeout: flags.timeout,
                max_line: flags.max_line,
                no_legacy_environment: flags.no_legacy_env,
            },
            assignments: flags.assignments,
            config: flags.config,
            grammar: flags.grammar,
            jobs: flags.jobs,
            fail_fast: flags.fail_fast,
            record: flags.record,
            record_to_stdout: flags.record_to_stdout,
            ..Self::default()
        }
    }
}

impl Screen {
    /// Returns the options of the terminal; `NO_COLOR` counts where it is not empty.
    pub fn options(&self, environ: &Environ) -> UiOptions {
        UiOptions {
            progress: match self.progress {
                Progress::Auto => ui::Progress::Auto,
                Progress::Plain => ui::Progress::Plain,
                Progress::Json => ui::Progress::Json,
                Progress::None => ui::Progress::None,
            },
            color: match self.color {
                Color::Auto => ui::Color::Auto,
                Color::Always => ui::Color::Always,
                Color::Never => ui::Color::Never,
            },
            no_color: environ.filled("NO_COLOR").is_some(),
            quiet: self.quiet,
            verbose: self.verbose,
            json_log: self.log_format == LogFormat::Json,
        }
    }
}

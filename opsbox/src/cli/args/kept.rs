//! The grammar of kept runs: `runs`, and what `run` takes of an earlier one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::grammar::{Form, Looking, ScreenFlags, Values, duration};

#[derive(Debug, Subcommand)]
pub(super) enum Runs {
    /// List the runs that are kept, the newest first
    List {
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Show one run: what was done, what is kept, what can be done next
    Show {
        /// The run: its id, the beginning of it, or `last`
        run: String,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Write what the providers of a run returned into a folder, without secrets: for `run --replay DIR`, `check test` and bug reports
    Export {
        /// The run: its id, the beginning of it, or `last`
        run: String,
        /// The folder; it is made where it is not there
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Leave this field out, whatever it holds: `details.users[].email` (repeatable)
        #[arg(long, value_name = "FIELD")]
        redact: Vec<String>,
        /// Export though the value of this secret is not known now, so that it is not looked for (repeatable)
        #[arg(long, value_name = "FIELD")]
        accept_unknown: Vec<String>,
        /// Replace files of the folder
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        rest: Looking,
    },
    /// Remove kept runs: without a flag those that the settings want gone; never one that still runs
    Prune {
        /// These runs: ids, beginnings of them, or `last`
        runs: Vec<String>,
        /// Those that began longer ago: 7d, 12h
        #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "runs")]
        older_than: Option<Duration>,
        /// All but the newest N
        #[arg(long, value_name = "N", conflicts_with = "runs")]
        keep_last: Option<usize>,
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
pub(super) struct Keeping {
    /// Keep nothing of the run for `deliver` and `--resume`
    #[arg(long)]
    pub(super) no_keep: bool,
}

#[derive(Debug, Args)]
pub(super) struct Earlier {
    /// Go on from a kept run: what had ended whole is taken from it, the rest is run
    #[arg(long, value_name = "RUN", conflicts_with = "replay")]
    pub(super) resume: Option<String>,
    /// With --resume: also where plugins have changed since; their steps are run again
    #[arg(long, requires = "resume")]
    pub(super) force: bool,
    /// Use the data that the providers of a kept run gathered, or of one that was exported to a folder, instead of gathering
    #[arg(long, value_name = "RUN|DIR")]
    pub(super) replay: Option<String>,
}

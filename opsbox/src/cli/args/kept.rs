//! The grammar of kept runs: `runs`, and what `run` takes of an earlier one.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::grammar::{Form, ScreenFlags, duration};

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
    /// Use the data that the providers of a kept run gathered, instead of gathering
    #[arg(long, value_name = "RUN")]
    pub(super) replay: Option<String>,
}

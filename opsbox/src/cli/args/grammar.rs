//! The modern grammar, as clap reads it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

use super::kept::{Earlier, Keeping, Runs};
use super::plugin::Plugin;
use crate::manifest::units;
use crate::ui::screen::{Color, LogFormat, Progress};

const AFTER: &str = "A pipeline is `inputs-assistant-…-outputs`, such as `disk_space,inodes-sort_severity-cli_out`.\n\
    Each flag has a variable: `--max-line` is OPSBOX_MAX_LINE; OPSBOX_SET_<FIELD> sets a field of a plugin.\n\
    The command line of Opsbox 0.x works as it did: `opsbox --modules a,b-c-d --any_field value`.";

/// Runs pipelines of plugins that check infrastructure.
#[derive(Debug, Parser)]
#[command(name = "opsbox", version, after_help = AFTER, subcommand_required = true, arg_required_else_help = true,
    disable_help_subcommand = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a pipeline
    Run {
        /// The pipeline, or the name of one under `[pipelines]` in opsbox.toml
        #[arg(value_name = "PIPELINE|NAME", required_unless_present_any = ["resume", "replay"])]
        pipeline: Option<String>,
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        keeping: Keeping,
        #[command(flatten)]
        earlier: Earlier,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
    },
    /// Run a real pipeline on this machine, with no credentials and no network
    Demo {
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        keeping: Keeping,
        #[command(flatten)]
        screen: ScreenFlags,
    },
    /// Show what a pipeline would run: plugins, order, configuration and where each came from
    Plan {
        #[command(flatten)]
        pipeline: Pipeline,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Deliver what a kept run gathered to outputs, without gathering again
    Deliver {
        /// The run: its id, the beginning of it, or `last`
        run: String,
        /// To these outputs, of the pipeline or others; without it to those that have not delivered
        #[arg(long, value_name = "OUTPUT,…", value_delimiter = ',')]
        to: Vec<String>,
        /// Deliver once more to outputs of `--to` that have delivered
        #[arg(long, requires = "to")]
        again: bool,
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
    },
    /// Show and remove the runs that are kept
    #[command(subcommand)]
    Runs(Runs),
    /// Show the plugins that are there, add and remove packages of them
    #[command(subcommand)]
    Plugins(Plugins),
    /// For authors of plugins: make, prove, call and replay one
    #[command(subcommand)]
    Plugin(Plugin),
    /// Show configuration and where its values come from
    #[command(subcommand)]
    Config(Config),
    /// Evaluate and test Rego checks
    #[command(subcommand)]
    Check(Check),
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    Version {
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Plugins {
    /// List all plugins, and what cannot be used
    List {
        /// Only plugins of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        #[command(flatten)]
        rest: Looking,
    },
    /// Show one plugin in full
    Show {
        /// The plugin
        name: String,
        #[command(flatten)]
        rest: Looking,
    },
    /// Say why a plugin is not there or cannot be used, and what to do
    Doctor {
        #[command(flatten)]
        rest: Looking,
    },
    /// Add Python packages of plugins to the environment that this program manages
    Add {
        /// Names (`opsbox-ec2-checks`), folders, wheels, or repositories (`git+https://…`)
        #[arg(required_unless_present = "locked", conflicts_with = "locked")]
        what: Vec<String>,
        /// Install exactly what a lock file says, without one: what the environment's own says
        #[arg(long, value_name = "LOCKFILE", num_args = 0..=1)]
        locked: Option<Option<PathBuf>>,
        /// Ignore what the packages demand of Python
        #[arg(long)]
        any_python: bool,
        /// Make the environment with this interpreter
        #[arg(long, value_name = "PATH")]
        python: Option<PathBuf>,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Remove packages that were added, and what nobody else needs of theirs
    Remove {
        /// The packages
        #[arg(required = true)]
        name: Vec<String>,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Show the values that a pipeline's plugins get; never a secret's
    Show {
        #[command(flatten)]
        pipeline: Pipeline,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        rest: Looking,
    },
    /// Say where a field's value comes from, and which places were asked
    Explain {
        /// The field
        field: String,
        /// The pipeline whose plugins are asked; without it all plugins
        pipeline: Option<String>,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        rest: Looking,
    },
    /// Print the JSON Schema of a plugin's configuration
    Schema {
        /// The plugin
        plugin: String,
        #[command(flatten)]
        rest: Looking,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Check {
    /// Evaluate a Rego check on a JSON file
    Eval {
        /// The name of a check, or a `.rego` file
        check: String,
        /// The JSON file: a provider's details, or a Result as `json_out` writes it
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        rest: Looking,
    },
    /// Test checks: the `test_` rules of policies, and data with known findings, `tests/NAME.input.json` and `tests/NAME.expected.json`
    #[command(after_help = "Exit code: 0 all tests passed, 1 some failed, 2 there was nothing to test.")]
    Test {
        /// A check's folder or manifest, a folder of such folders, or one policy
        #[arg(default_value = ".")]
        path: PathBuf,
        /// The version of the language
        #[arg(long, value_name = "VERSION", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
        rego_version: u8,
        /// Test on this data, too: a folder of `runs export`, or one with `NAME.input.json` files (repeatable)
        #[arg(long, value_name = "DIR")]
        data: Vec<PathBuf>,
        /// Write down what the checks find now, where it is not what was expected
        #[arg(long)]
        update: bool,
        /// Show the lines of policies that no test reached
        #[arg(long)]
        coverage: bool,
        /// Write the report as JUnit XML to this file
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Args)]
pub(super) struct Pipeline {
    /// The pipeline, or the name of one under `[pipelines]` in opsbox.toml
    #[arg(value_name = "PIPELINE|NAME")]
    pub(super) pipeline: String,
}

#[derive(Debug, Args)]
pub(super) struct Looking {
    #[command(flatten)]
    pub(super) places: Places,
    #[command(flatten)]
    pub(super) screen: ScreenFlags,
    #[command(flatten)]
    pub(super) form: Form,
}

#[derive(Debug, Args)]
pub(super) struct Places {
    /// Look for plugins in this folder as well (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(super) plugin_dir: Vec<PathBuf>,
    /// Run Python plugins with this interpreter, or that of this virtual environment
    #[arg(long, value_name = "PATH")]
    pub(super) python: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Values {
    /// Set a field of the plugins, or of one: `field=value`, `plugin.field=value` (repeatable)
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(super) set: Vec<String>,
    /// Read fields from this JSON or TOML file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Running {
    /// Run at most N checks at the same time
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) jobs: Option<usize>,
    /// The longest time of one hook: 30s, 5m, 1h; 0 is off
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) timeout: Option<Duration>,
    /// The longest line that a plugin may send: 512MiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) max_line: Option<u64>,
    /// The most memory of one plugin, all its processes together: 2GiB; 0 is off
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) max_memory: Option<u64>,
    /// The most processor time of one process of a plugin: 90s, 10m; 0 is off
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) max_cpu: Option<Duration>,
    /// Start a plugin that crashed at most N times again; 0 is off
    #[arg(long, value_name = "N")]
    pub(super) restarts: Option<u32>,
    /// Stop at the first step that fails
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Hide the AWS_* variables from Python plugins of the original style
    #[arg(long)]
    pub(super) no_legacy_env: bool,
    /// Start every Python plugin by itself, instead of forking them from one warm process
    #[arg(long)]
    pub(super) no_zygote: bool,
    /// Keep every line between host and plugins in this folder, a file for each plugin; secrets are replaced
    #[arg(long, value_name = "DIR")]
    pub(super) trace: Option<PathBuf>,
    /// With --trace: the longest line that is kept whole: 256KiB; of longer ones beginning and end are kept
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) trace_line: Option<u64>,
    /// Print the run's own record to stdout as json
    #[arg(long, value_name = "FORMAT", value_parser = ["json"], hide_possible_values = true)]
    pub(super) format: Option<String>,
    /// Write the run's own record to this file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ScreenFlags {
    /// Say nothing but results and errors
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Say more (repeatable)
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// When to use color: auto, always, never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) color: Color,
    /// How to show progress: auto, plain, json, none
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) progress: Progress,
    /// The form of log lines: text, json
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub(super) log_format: LogFormat,
}

#[derive(Debug, Args)]
pub(super) struct Form {
    /// Answer with JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    units::duration(text).map_err(|wanted| format!("must be {wanted}"))
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    units::size(text).map_err(|wanted| format!("must be {wanted}"))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse::<usize>()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| "must be a whole number of at least 1".to_owned())
}

//! What somebody asked for, whichever grammar it was typed in.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{Assignment, Grammar};
use crate::managed::Options;
use crate::published::Published;
use crate::scaffold;
use crate::store::Wish;
use crate::ui::screen::Screen;

/// One command with all its flags.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Run a pipeline.
    Run(RunFlags),
    /// Run the demo; the pipeline is empty.
    Demo(RunFlags),
    /// Show what would run.
    Plan(Shown<RunFlags>),
    /// Show the arguments that a pipeline's plugins take: `--help` of the legacy grammar.
    Arguments(RunFlags),
    /// Show plugins.
    Plugins(Shown<PluginsQuery>),
    /// Add or remove packages of the managed environment.
    Packages(Shown<Packages>),
    /// Show configuration.
    Config(Shown<ConfigQuery>),
    /// Show or remove kept runs.
    Runs(Shown<RunsQuery>),
    /// Export what the providers of a kept run returned.
    Export(Shown<Exporting>),
    /// Deliver the Results of a kept run.
    Deliver(Delivering),
    /// Evaluate a Rego check on a file.
    CheckEval(Shown<CheckEval>),
    /// Run the tests of Rego policies.
    CheckTest(Shown<CheckTest>),
    /// Make a plugin to start from.
    New(Shown<New>),
    /// Prove that a plugin keeps the protocol.
    PluginTest(Shown<PluginTest>),
    /// Show a trace.
    TraceShow(Shown<TraceShow>),
    /// Play a trace to a plugin.
    Replay(Shown<Replay>),
    /// Make one call by hand.
    Call(Call),
    /// Show, print or write the published schemas.
    Schemas(Shown<SchemaQuery>),
    /// Print a completion script.
    Completions(clap_complete::Shell),
    /// Print the version.
    Version {
        /// As JSON.
        json: bool,
    },
}

impl Request {
    /// Returns the flags about the terminal.
    pub fn screen(&self) -> Screen {
        match self {
            Self::Run(flags) | Self::Demo(flags) | Self::Arguments(flags) => flags.screen.clone(),
            Self::Plan(shown) => shown.query.screen.clone(),
            Self::Plugins(Shown { query, .. }) => query.flags.screen.clone(),
            Self::Packages(Shown { query, .. }) => query.screen.clone(),
            Self::Config(Shown { query, .. }) => query.flags.screen.clone(),
            Self::Runs(Shown { query, .. }) => query.screen.clone(),
            Self::Export(Shown { query, .. }) => query.flags.screen.clone(),
            Self::Deliver(delivering) => delivering.flags.screen.clone(),
            Self::CheckEval(Shown { query, .. }) => query.flags.screen.clone(),
            Self::CheckTest(Shown { query, .. }) => query.screen.clone(),
            Self::New(Shown { query, .. }) => query.screen.clone(),
            Self::PluginTest(Shown { query, .. }) => query.flags.screen.clone(),
            Self::TraceShow(Shown { query, .. }) => query.screen.clone(),
            Self::Replay(Shown { query, .. }) => query.flags.screen.clone(),
            Self::Call(call) => call.flags.screen.clone(),
            Self::Schemas(Shown { query, .. }) => query.screen.clone(),
            Self::Completions(_) | Self::Version { .. } => Screen::default(),
        }
    }
}

/// A question with the form of its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<T> {
    /// The question.
    pub query: T,
    /// Answer with JSON.
    pub json: bool,
}

/// Everything that `run` can be told; the other commands use a part of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFlags {
    /// A pipeline string, or the name of one in `opsbox.toml`.
    pub pipeline: String,
    /// `--plugin-dir`, in order.
    pub plugin_dirs: Vec<PathBuf>,
    /// `--python`; `OPSBOX_PYTHON` is looked up where the interpreter is chosen.
    pub python: Option<PathBuf>,
    /// Fields set by flags.
    pub assignments: Vec<Assignment>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Which command line is spoken.
    pub grammar: Grammar,
    /// `--jobs`.
    pub jobs: Option<usize>,
    /// `--timeout`: the longest time of one hook.
    pub timeout: Option<Duration>,
    /// `--max-line`, in bytes.
    pub max_line: Option<u64>,
    /// `--max-memory`, in bytes.
    pub max_memory: Option<u64>,
    /// `--max-cpu`: the processor time of one process.
    pub max_cpu: Option<Duration>,
    /// `--restarts`: how often a plugin that crashed is started again.
    pub restarts: Option<u32>,
    /// `--fail-fast`.
    pub fail_fast: bool,
    /// `--no-legacy-env`: legacy plugins see no `AWS_*`.
    pub no_legacy_env: bool,
    /// `--no-zygote`: every Python plugin is started by itself.
    pub no_zygote: bool,
    /// `--trace`: the folder where the wire of every plugin is kept.
    pub trace: Option<PathBuf>,
    /// `--trace-line`, in bytes.
    pub trace_line: Option<u64>,
    /// `-o`: where the run's record goes.
    pub record: Option<PathBuf>,
    /// `--format json`: the record goes to stdout.
    pub record_to_stdout: bool,
    /// `--no-keep`: no folder is made for the run.
    pub no_keep: bool,
    /// `--resume`: the kept run that this one goes on from.
    pub resume: Option<String>,
    /// `--replay`: the kept run, or the folder of an exported one, whose providers' data is used.
    pub replay: Option<String>,
    /// `--force`: go on from a run whose plugins were others; their steps are run again.
    pub force: bool,
    /// How the user is spoken to.
    pub screen: Screen,
}

/// A kept run, and what is to be delivered of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivering {
    /// Where plugins and values are looked for, and how the outputs are run.
    pub flags: RunFlags,
    /// The run: an id, the beginning of one, or `last`.
    pub run: String,
    /// The outputs; empty: those of the run that have not delivered.
    pub to: Vec<String>,
    /// Whether an output that has delivered may deliver once more.
    pub again: bool,
}

/// A kept run, and how it is exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Exporting {
    /// Where plugins and the values of secrets are looked for.
    pub flags: RunFlags,
    /// The run: an id, the beginning of one, or `last`.
    pub run: String,
    /// The folder.
    pub folder: PathBuf,
    /// `--redact`: fields that are left out, whatever they hold.
    pub redact: Vec<String>,
    /// `--accept-unknown`: secrets that need not be looked for.
    pub accept_unknown: Vec<String>,
    /// `--force`: whether files of the folder are replaced.
    pub force: bool,
}

/// Which kept runs are shown or removed.
#[derive(Debug, Clone, PartialEq)]
pub struct RunsQuery {
    /// How the user is spoken to.
    pub screen: Screen,
    /// What about them.
    pub what: RunsWhat,
}

/// What about kept runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunsWhat {
    /// All.
    List,
    /// One, in full.
    Show(String),
    /// Remove some.
    Prune(Wish),
}

/// Which plugins are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginsQuery {
    /// Where they are looked for, and how that is told.
    pub flags: RunFlags,
    /// What about them.
    pub what: PluginsWhat,
}

/// What about plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PluginsWhat {
    /// All, or all of one type.
    #[default]
    List,
    /// All of one type.
    OfType(String),
    /// One, in full.
    Show(String),
    /// What is wrong.
    Doctor,
}

/// A change of the managed environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Packages {
    /// What changes.
    pub change: PackagesChange,
    /// How the user is spoken to.
    pub screen: Screen,
}

/// What changes in the managed environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackagesChange {
    /// These are added.
    Add(Vec<String>, Options),
    /// It becomes what a lock file says: this one, or its own.
    Locked(Option<PathBuf>, Options),
    /// These are removed.
    Remove(Vec<String>),
}

/// Which configuration is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigQuery {
    /// Where plugins and values are looked for; the pipeline may be empty for `Explain`.
    pub flags: RunFlags,
    /// What about it.
    pub what: ConfigWhat,
}

/// What about configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigWhat {
    /// The effective values of a pipeline.
    Show,
    /// Where one field's value comes from.
    Explain(String),
    /// The JSON Schema of one plugin's configuration.
    Schema(String),
}

/// A Rego check and the file that it is evaluated on.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckEval {
    /// Where plugins and values are looked for.
    pub flags: RunFlags,
    /// The name of a check, or a `.rego` file.
    pub check: String,
    /// The JSON file.
    pub input: PathBuf,
}

/// A plugin that is made, to start from.
#[derive(Debug, Clone, PartialEq)]
pub struct New {
    /// How the user is spoken to.
    pub screen: Screen,
    /// Its name, type and language.
    pub wish: scaffold::Wish,
    /// `--dir`: the folder in which its own is made.
    pub dir: Option<PathBuf>,
}

/// A plugin that is proved to keep the protocol, or not to.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginTest {
    /// Where plugins and values are looked for, and how long an answer may take.
    pub flags: RunFlags,
    /// A manifest, its folder, or the name of a plugin.
    pub plugin: String,
    /// `--sample`: a file with data for its hook.
    pub sample: Option<PathBuf>,
    /// `--strict`: a warning fails the plugin, too.
    pub strict: bool,
    /// `--junit`: where the report goes as JUnit XML.
    pub junit: Option<PathBuf>,
}

/// Published schemas.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaQuery {
    /// How the user is spoken to.
    pub screen: Screen,
    /// The one that is meant; `None`: all.
    pub schema: Option<&'static Published>,
    /// `--dir`: where they are written.
    pub dir: Option<PathBuf>,
    /// `--force`: over files that are no schemas of ours.
    pub force: bool,
}

/// Policies whose tests run.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckTest {
    /// How the user is spoken to.
    pub screen: Screen,
    /// A folder or a file.
    pub path: PathBuf,
    /// The version of the language: 0 or 1.
    pub rego_version: u8,
    /// `--data`: folders with more data.
    pub data: Vec<PathBuf>,
    /// `--update`: whether what the checks find is written down.
    pub update: bool,
    /// `--coverage`: whether lines that no test reached are shown.
    pub coverage: bool,
    /// `--junit`: where the report goes as JUnit XML.
    pub junit: Option<PathBuf>,
}

/// A trace that is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceShow {
    /// How the user is spoken to.
    pub screen: Screen,
    /// The file.
    pub trace: PathBuf,
    /// Whether long lines are shown in full.
    pub full: bool,
}

/// A trace that is played to a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// Where plugins are looked for; `--set` gives the secrets, `--timeout` the longest time of an answer.
    pub flags: RunFlags,
    /// The trace.
    pub trace: PathBuf,
    /// The plugin: a manifest, its folder, or a name.
    pub plugin: String,
    /// Members that may differ.
    pub ignore: Vec<String>,
    /// Whether nothing may differ.
    pub strict: bool,
}

/// One call by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Where plugins and values are looked for.
    pub flags: RunFlags,
    /// The plugin: a manifest, its folder, or a name.
    pub plugin: String,
    /// The hook.
    pub hook: String,
    /// The file with the parameters; `None`: there are none.
    pub params: Option<PathBuf>,
}

/// The answer of a command that only shows something.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For people; ends with a newline.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// The exit code.
    pub code: u8,
}

//! The grammar of `plugin`: what authors of plugins need.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use super::grammar::{Form, Places, ScreenFlags, Values, duration, size};
use crate::cli::request::{Call, New, PluginTest, Replay, Request, RunFlags, SchemaQuery, Shown, TraceShow};
use crate::error::Failure;
use crate::published::{ALL, Published};
use crate::scaffold::{Kind, Lang, Wish};

#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Make a plugin to start from: a folder with manifest, code, tests and a README of ten lines
    #[command(
        after_help = "Templates: provider, input and output in python, rust, go, node and sh; assistant and handler in python, rust, go and \
        node; rego, a check that is a policy alone, in rego. Each works as it is: its own tests, `opsbox plugin test` and a run \
        pass before you change a line. Nothing is downloaded, and a folder that is there already is left alone."
    )]
    New {
        /// Its name, and its folder's: small letters, digits and `_`
        name: String,
        /// What it does in a pipeline
        #[arg(long = "type", value_name = "TYPE", value_enum)]
        kind: Option<Kind>,
        /// What it is written in
        #[arg(long, value_name = "LANG", value_enum)]
        lang: Option<Lang>,
        /// Make its folder in this one, instead of the working directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Prove that a plugin keeps the protocol: every rule that can be seen from outside
    #[command(
        after_help = "The plugin is started some twenty times, each time in an empty folder that is removed afterwards. Its \
        configuration is made from its schema, and no setting of yours but `--set` counts. An output is called with sample Results.\n\
        Exit code: 0 it keeps the rules, 1 it breaks some, 2 it could not be tested."
    )]
    Test {
        /// The plugin's manifest, its folder, or the name of an installed plugin
        #[arg(value_name = "MANIFEST|NAME")]
        plugin: String,
        /// Set a field of the plugin: `field=value` (repeatable); others are made up from the schema
        #[arg(long, value_name = "FIELD=VALUE")]
        set: Vec<String>,
        /// Data for its hook: a JSON file with a Result, a list of them, or `hook` and `params`
        #[arg(long, value_name = "FILE")]
        sample: Option<PathBuf>,
        /// How long any answer is waited for, instead of a minute or more: 5s, 1m
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<Duration>,
        /// Fail for warnings, too
        #[arg(long)]
        strict: bool,
        /// Write the report as JUnit XML to this file
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// Make one call by hand: the result goes to stdout, what the plugin says beside it to stderr
    #[command(
        after_help = "Exit code: 0 it answered, 4 it answered and could not look at everything (a gap), 1 it failed, 2 it could not be called: no such \
        plugin or hook, configuration or parameters that do not fit."
    )]
    Call {
        /// The plugin's manifest, its folder, or the name of an installed plugin
        #[arg(value_name = "MANIFEST|NAME")]
        plugin: String,
        /// The hook: `gather_data`, `process`, or any other method that the plugin lists; `grab_config` shows its schema
        hook: String,
        /// The hook's parameters: a file with a JSON object; without it there are none
        #[arg(long, value_name = "FILE")]
        params: Option<PathBuf>,
        /// The longest time of the hook: 30s, 5m, 1h; 0 is off
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<Duration>,
        /// Keep every line between host and plugin in this folder; secrets are replaced
        #[arg(long, value_name = "DIR")]
        trace: Option<PathBuf>,
        /// With --trace: the longest line that is kept whole: 256KiB
        #[arg(long, value_name = "SIZE", value_parser = size)]
        trace_line: Option<u64>,
        #[command(flatten)]
        values: Values,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
    },
    /// Show what went over a plugin's wire, as `run --trace DIR` keeps it
    #[command(subcommand)]
    Trace(Trace),
    /// Play the host's side of a trace to a plugin and say where its answers differ
    #[command(
        after_help = "Exit code: 0 it answers as before, 1 it answers otherwise, 2 the trace cannot be played."
    )]
    Replay {
        /// The trace, a file of `run --trace DIR`
        trace: PathBuf,
        /// The plugin's manifest, its folder, or the name of an installed plugin
        #[arg(value_name = "MANIFEST|NAME")]
        plugin: String,
        /// Give a secret field, which the trace does not hold: `field=value` (repeatable)
        #[arg(long, value_name = "FIELD=VALUE")]
        set: Vec<String>,
        /// Let members with this name differ (repeatable)
        #[arg(long, value_name = "MEMBER")]
        ignore: Vec<String>,
        /// Let nothing differ, not even process ids and times
        #[arg(long)]
        strict: bool,
        /// The longest time of an answer: 30s, 5m; a minute where it is not given
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<Duration>,
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
    /// List the JSON Schemas of manifests, messages, records and traces; print one, or write them to a folder
    #[command(
        after_help = "Editors complete a manifest and check it as it is written: `opsbox plugin schema manifest --dir .`, and in the \
        first line of manifest.toml `#:schema ./manifest.json` (Taplo, Even Better TOML). The key `\"$schema\"` does the same."
    )]
    Schema {
        /// The schema; without it all are meant
        #[arg(value_parser = PossibleValuesParser::new(ALL.map(|published| published.name)))]
        name: Option<String>,
        /// Write to this folder, each schema as NAME.json
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Replace files of these names that are no such schemas
        #[arg(long, requires = "dir")]
        force: bool,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Trace {
    /// Show one trace as a sequence, with the time that each call took
    Show {
        /// The trace, one file of `run --trace DIR`: `DIR/PLUGIN.jsonl`
        trace: PathBuf,
        /// Show long lines in full, as far as the trace has them
        #[arg(long)]
        full: bool,
        #[command(flatten)]
        screen: ScreenFlags,
        #[command(flatten)]
        form: Form,
    },
}

/// Returns the request of a command of the group.
///
/// # Errors
/// A usage failure that names the argument.
pub(super) fn request(command: Plugin) -> Result<Request, Failure> {
    match command {
        Plugin::New {
            name,
            kind,
            lang,
            dir,
            screen,
            form,
        } => Ok(Request::New(Shown {
            query: New {
                screen: screen.into(),
                wish: Wish { name, kind, lang },
                dir,
            },
            json: form.json,
        })),
        Plugin::Test {
            plugin,
            set,
            sample,
            timeout,
            strict,
            junit,
            places,
            screen,
            form,
        } => {
            let flags = RunFlags {
                timeout: timeout.filter(|limit| !limit.is_zero()),
                screen: screen.into(),
                ..RunFlags::default()
            };
            let flags = Values { set, config: None }.add(places.add(flags))?;
            Ok(Request::PluginTest(Shown {
                query: PluginTest {
                    flags,
                    plugin,
                    sample,
                    strict,
                    junit,
                },
                json: form.json,
            }))
        }
        Plugin::Call {
            plugin,
            hook,
            params,
            timeout,
            trace,
            trace_line,
            values,
            places,
            screen,
        } => {
            let flags = RunFlags {
                timeout,
                trace,
                trace_line,
                screen: screen.into(),
                ..RunFlags::default()
            };
            Ok(Request::Call(Call {
                flags: values.add(places.add(flags))?,
                plugin,
                hook,
                params,
            }))
        }
        Plugin::Schema {
            name,
            dir,
            force,
            screen,
            form,
        } => Ok(Request::Schemas(Shown {
            query: SchemaQuery {
                screen: screen.into(),
                schema: name.as_deref().and_then(Published::named),
                dir,
                force,
            },
            json: form.json,
        })),
        Plugin::Trace(Trace::Show {
            trace,
            full,
            screen,
            form,
        }) => Ok(Request::TraceShow(Shown {
            query: TraceShow {
                screen: screen.into(),
                trace,
                full,
            },
            json: form.json,
        })),
        Plugin::Replay {
            trace,
            plugin,
            set,
            ignore,
            strict,
            timeout,
            places,
            screen,
            form,
        } => {
            let flags = RunFlags {
                timeout,
                screen: screen.into(),
                ..RunFlags::default()
            };
            let flags = Values { set, config: None }.add(places.add(flags))?;
            Ok(Request::Replay(Shown {
                query: Replay {
                    flags,
                    trace,
                    plugin,
                    ignore,
                    strict,
                },
                json: form.json,
            }))
        }
    }
}

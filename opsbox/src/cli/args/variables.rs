//! `OPSBOX_*` variables that stand for flags, and clap's errors as faults.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, Command, builder::OsStr as ClapStr};

use crate::environ::Environ;
use crate::error::Fault;
use crate::suggest::did_you_mean;

/// Flags whose variable is not read here: `OPSBOX_SET_<FIELD>` sets fields, some belong to a single question, and the choice of the
/// interpreter reads its own, to say so. A kept run, and what happens to it, is named for one command only.
const WITHOUT: [&str; 29] = [
    "set",
    "help",
    "version",
    "json",
    "input",
    "type",
    "python",
    "locked",
    "resume",
    "replay",
    "force",
    "to",
    "again",
    "older-than",
    "keep-last",
    "dry-run",
    "params",
    "ignore",
    "strict",
    "full",
    "sample",
    "junit",
    "lang",
    "dir",
    "redact",
    "accept-unknown",
    "update",
    "coverage",
    "data",
];

/// Gives every flag the value of its variable as default, so that the flag wins where it is given.
///
/// clap's own reading of variables is not used: only `main` reads the process's environment.
pub(super) fn defaults(command: Command, environ: &Environ) -> Command {
    command
        .mut_args(|arg| default(arg, environ))
        .mut_subcommands(|subcommand| {
            if subcommand.get_name() == "__serve" {
                subcommand
            } else {
                defaults(subcommand, environ)
            }
        })
}

fn default(arg: Arg, environ: &Environ) -> Arg {
    let Some(name) = arg
        .get_long()
        .filter(|name| !WITHOUT.contains(name))
        .map(variable)
    else {
        return arg;
    };
    let Some(value) = environ
        .var_os(&name)
        .filter(|value| !value.is_empty())
        .map(OsStr::to_owned)
    else {
        return arg;
    };
    match arg.get_action() {
        ArgAction::SetTrue => arg.default_value(ClapStr::from(truth(value))),
        ArgAction::Append => {
            let parts: Vec<ClapStr> = split(&value).into_iter().map(ClapStr::from).collect();
            arg.hide_default_value(true).default_values(parts)
        }
        ArgAction::Count => arg.default_value(ClapStr::from(value)),
        _ => arg.hide_default_value(true).default_value(ClapStr::from(value)),
    }
}

/// Returns the variable of a flag: `OPSBOX_MAX_LINE` of `max-line`.
fn variable(long: &str) -> String {
    format!("OPSBOX_{}", long.to_uppercase().replace('-', "_"))
}

/// Splits a list of paths as the system writes it.
fn split(value: &OsStr) -> Vec<OsString> {
    std::env::split_paths(value)
        .map(|path| path.into_os_string())
        .filter(|path| !path.is_empty())
        .collect()
}

fn truth(value: OsString) -> OsString {
    match value.to_str().map(str::to_ascii_lowercase).as_deref() {
        Some("1" | "yes" | "on" | "true") => "true".into(),
        Some("0" | "no" | "off" | "false") => "false".into(),
        _ => value,
    }
}

/// Says what an unknown subcommand may have meant: a near one, or a pipeline without `run`.
fn subcommand_hints(word: &str) -> Vec<String> {
    if word.contains('-') {
        return vec![format!("to run a pipeline, write `opsbox run {word}`")];
    }
    let names = super::subcommands();
    let shown = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with('_'));
    did_you_mean(word, shown).into_iter().collect()
}

/// Turns clap's error into a fault: the sentence as message, tips as hints, and the variable where the value came from one.
pub(super) fn fault(err: &clap::Error, argv: &[OsString]) -> Fault {
    let text = err.render().to_string();
    if err.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let words: Vec<String> = argv
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        return Fault::new(format!("`opsbox {}` needs a subcommand", words.join(" ")))
            .hint(format!("see `opsbox {} --help`", words.join(" ")));
    }
    let mut message = Vec::new();
    let mut hints = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            // No argument here is a value that begins with `-`.
            if !tip.contains("use '-- -") {
                hints.push(tip.to_owned());
            }
        } else if let Some(usage) = line.strip_prefix("Usage: ") {
            hints.push(format!("the usage is `{usage}`"));
        } else if !line.starts_with("For more information") {
            message.push(line.strip_prefix("error: ").unwrap_or(line));
        }
    }
    if let (ErrorKind::InvalidSubcommand, Some(word)) = (err.kind(), err.get(ContextKind::InvalidSubcommand))
    {
        hints = subcommand_hints(&word.to_string());
    }
    let known = err
        .get(ContextKind::InvalidArg)
        .map(ToString::to_string)
        .unwrap_or_default();
    if let Some(long) = known
        .strip_prefix("--")
        .and_then(|rest| rest.split([' ', '=']).next())
        && matches!(err.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation)
        && !argv
            .iter()
            .any(|word| word.to_string_lossy().starts_with(&format!("--{long}")))
    {
        hints.push(format!("the value comes from the variable `{}`", variable(long)));
    }
    let mut message = message.join(" ");
    if let (ErrorKind::UnknownArgument, Some(word)) = (err.kind(), torn_pipeline(argv, &known)) {
        message = format!("pipeline `{word}` has an empty name in its first part");
        hints = vec!["write it as `input-output` or `a,b-assistant-c,d`".to_owned()];
    }
    if err.kind() == ErrorKind::UnknownArgument && !known.is_empty() && !known.starts_with('-') {
        message = format!("`{known}` is one argument too many");
    }
    hints.push(format!("see `opsbox{} --help`", subcommand_path(argv)));
    Fault { message, hints }
}

/// Returns the word that was read as short flags but looks like a pipeline: `-x-cli_out`.
fn torn_pipeline<'a>(argv: &'a [OsString], flag: &str) -> Option<&'a str> {
    let mut words = argv.iter().filter_map(|word| word.to_str());
    words.find(|word| {
        flag.len() == 2 && word.starts_with(flag) && !word.starts_with("--") && word[1..].contains('-')
    })
}

/// Returns the subcommands that a command line names, each after a blank.
fn subcommand_path(argv: &[OsString]) -> String {
    let mut command = super::command();
    let mut path = String::new();
    for word in argv.iter().filter_map(|word| word.to_str()) {
        let Some(next) = command.find_subcommand(word).cloned() else {
            break;
        };
        path = format!("{path} {word}");
        command = next;
    }
    path
}

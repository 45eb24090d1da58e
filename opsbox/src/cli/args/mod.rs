//! The modern grammar: a subcommand and its flags; and the choice between it and the legacy one.

mod grammar;
mod kept;
mod plugin;
mod requests;
#[cfg(test)]
mod tests;
mod variables;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

use super::legacy;
use super::request::{Request, RunFlags};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use grammar::Cli;

/// What a command line means.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// Something to do.
    Request(Box<Request>),
    /// Help or version: printed to stdout, exit code 0.
    Text(String),
}

/// Reads a command line without its first item, the program.
///
/// # Errors
/// A usage failure that names the argument and the right way to write it.
pub fn parse(argv: &[OsString], environ: &Environ) -> Result<Parsed, Failure> {
    match argv.first().and_then(|first| first.to_str()) {
        Some("--help" | "--version") if argv.len() == 1 => modern(argv, environ),
        Some(first) if first.starts_with("--") => {
            legacy::parse(argv, environ).map(|request| Parsed::Request(Box::new(request)))
        }
        None if argv.is_empty() => modern(&["--help".into()], environ),
        Some(first) if first.starts_with('-') && !["-h", "-V"].contains(&first) => {
            let words: Vec<String> = argv
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            early_flag(&words).map_or_else(|| modern(argv, environ), Err)
        }
        _ => modern(argv, environ),
    }
}

/// Returns the flags of `run` as variables set them, for the grammar that does not know these flags; the pipeline is empty.
///
/// # Errors
/// A usage failure that names the variable.
pub(crate) fn run_defaults(environ: &Environ) -> Result<RunFlags, Failure> {
    match modern(&["run".into(), "a-b".into()], environ)? {
        Parsed::Request(request) => match *request {
            Request::Run(flags) => Ok(RunFlags {
                pipeline: String::new(),
                ..flags
            }),
            _ => Ok(RunFlags::default()),
        },
        Parsed::Text(_) => Ok(RunFlags::default()),
    }
}

/// Returns the modern grammar, for completion scripts.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Returns the names of all subcommands.
pub(crate) fn subcommands() -> Vec<String> {
    command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}

fn modern(argv: &[OsString], environ: &Environ) -> Result<Parsed, Failure> {
    let command = variables::defaults(Cli::command(), environ);
    let words = std::iter::once(OsString::from("opsbox")).chain(argv.iter().cloned());
    let parsed = command
        .try_get_matches_from(words)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Parsed::Request(Box::new(requests::request(cli.command)?))),
        Err(err) if matches!(err.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Parsed::Text(err.render().to_string()))
        }
        Err(err) => Err(Failure::usage(variables::fault(&err, argv))),
    }
}

/// Says that a flag of a subcommand stands before it; `None` where no word is a subcommand.
pub(crate) fn early_flag(words: &[String]) -> Option<Failure> {
    let names = subcommands();
    let at = words.iter().position(|word| names.contains(word))?;
    let (flag, subcommand) = (words[0].split('=').next().unwrap_or_default(), &words[at]);
    let command = command();
    let nested = command.find_subcommand(subcommand)?;
    // `plugins list` is a subcommand as a whole; other words could be secrets and are not shown.
    let usage = match words.get(at + 1).and_then(|word| nested.find_subcommand(word)) {
        Some(deeper) => format!("{subcommand} {}", deeper.get_name()),
        None if ["run", "plan"].contains(&subcommand.as_str()) => format!("{subcommand} PIPELINE"),
        None => subcommand.clone(),
    };
    let fault = Fault::new(format!("`{flag}` stands before the subcommand `{subcommand}`"));
    Some(Failure::usage(
        fault.hint(format!("flags come after it: `opsbox {usage} {flag} …`")),
    ))
}

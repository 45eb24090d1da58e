//! The grammar of Opsbox 0.x: `--modules a,b-c-d --any_field value …`, read into the same requests as the modern one.
//!
//! Values keep their text here: the field's schema decides what they are, so nothing is guessed.

mod settings;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use opsbox_protocol::message::LogLevel;

use super::args::{early_flag, run_defaults};
use super::request::{PluginsQuery, PluginsWhat, Request, RunFlags, Shown};
use crate::config::{Assignment, Grammar, Raw, SETTINGS};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::suggest::{did_you_mean, nearest};
use crate::ui::screen::LogFile;
use settings::{Settings, one, shown, truth};

/// The levels of the original, each with how much the host says then.
const LEVELS: [(&str, LogLevel); 8] = [
    ("TRACE", LogLevel::Trace),
    ("DEBUG", LogLevel::Debug),
    ("INFO", LogLevel::Info),
    ("SUCCESS", LogLevel::Info),
    ("WARNING", LogLevel::Warn),
    ("WARN", LogLevel::Warn),
    ("ERROR", LogLevel::Error),
    ("CRITICAL", LogLevel::Error),
];

/// Reads a command line of the legacy grammar.
///
/// # Errors
/// A usage failure that names the argument.
pub fn parse(argv: &[OsString], environ: &Environ) -> Result<Request, Failure> {
    let words = texts(argv)?;
    let mut settings = Settings::new(arguments(&words)?, environ);
    // No flag of `run` is known here, but their variables count in every grammar.
    let mut flags = RunFlags {
        grammar: Grammar::Legacy,
        ..run_defaults(environ)?
    };
    if let Some(setting) = settings.argument("config") {
        flags.config = Some(PathBuf::from(one(setting, "a file")?));
    }
    let named = settings.argument("modules");
    if named.is_none()
        && let Some(failure) = early_flag(&words)
    {
        return Err(failure);
    }
    settings.read_files(&flags)?;
    let modules = match named {
        Some(modules) => Some(modules),
        None => settings.take("modules")?,
    };
    if let Some(setting) = modules {
        flags.pipeline = one(setting, "a pipeline without spaces, such as `a,b-c-d`")?;
    }
    let no_keep = environ.filled("OPSBOX_NO_KEEP").map(str::to_ascii_lowercase);
    flags.no_keep = matches!(no_keep.as_deref(), Some("1" | "yes" | "on" | "true"));
    plugin_dirs(&mut settings, &mut flags)?;
    screen(&mut settings, &mut flags, environ)?;
    let help = truth(settings.argument("help"))?;
    let see_all = truth(settings.take("see_all")?)?;
    flags.assignments = settings
        .arguments
        .into_iter()
        .map(|(field, raw)| Assignment {
            plugin: None,
            field,
            raw,
        })
        .collect();
    match (flags.pipeline.is_empty(), help) {
        (false, false) => Ok(Request::Run(flags)),
        (false, true) => Ok(Request::Arguments(flags)),
        // The original's help listed the plugins.
        (true, _) if help || see_all => Ok(Request::Plugins(Shown {
            query: PluginsQuery {
                flags,
                what: PluginsWhat::List,
            },
            json: false,
        })),
        (true, _) => Err(Failure::usage(without_pipeline(&words))),
    }
}

/// Sets the folders of plugins: those of the argument, else of `OPSBOX_PLUGIN_DIR`, which is set already, else of the other places.
fn plugin_dirs(settings: &mut Settings<'_>, flags: &mut RunFlags) -> Result<(), Failure> {
    let setting = match settings.argument("plugin_dir") {
        None if !flags.plugin_dirs.is_empty() => return Ok(()),
        None => settings.take("plugin_dir")?,
        argument => argument,
    };
    match setting {
        None => {}
        Some(setting) => {
            flags.plugin_dirs = match setting.raw {
                Raw::List(paths) => paths.into_iter().map(PathBuf::from).collect(),
                _ => vec![PathBuf::from(one(setting, "a folder")?)],
            };
        }
    }
    Ok(())
}

/// Reads all arguments, in order; of one name the last counts.
fn arguments(words: &[String]) -> Result<Vec<(String, Raw)>, Failure> {
    let mut found: Vec<(String, Raw)> = Vec::new();
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        let (name, first) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        // The original took every `--` out of a name.
        let name = name.replace("--", "");
        if name.is_empty() {
            let fault = Fault::new(format!("`{word}` names no argument")).hint("write `--field value`");
            return Err(Failure::usage(fault));
        }
        let mut values: Vec<String> = first.into_iter().collect();
        while let Some(value) = rest.next_if(|next| !next.starts_with("--")) {
            values.push(value.clone());
        }
        let raw = match values.len() {
            0 => Raw::Bare,
            1 => Raw::Text(values.remove(0)),
            _ => Raw::List(values),
        };
        found.retain(|(known, _)| *known != name);
        found.push((name, raw));
    }
    Ok(found)
}

fn screen(settings: &mut Settings<'_>, flags: &mut RunFlags, environ: &Environ) -> Result<(), Failure> {
    let mut level = log_level(settings)?;
    if truth(settings.take("verbose")?)? {
        level = Some(level.map_or(LogLevel::Debug, |level| level.min(LogLevel::Debug)));
    }
    if truth(settings.take("init_debug")?)? {
        level = Some(LogLevel::Trace);
    }
    let screen = &mut flags.screen;
    if let Some(level) = level {
        (screen.quiet, screen.verbose) = match level {
            LogLevel::Error => (true, 0),
            LogLevel::Warn => (false, 0),
            LogLevel::Info => (false, 1),
            LogLevel::Debug => (false, 2),
            LogLevel::Trace => (false, 3),
        };
    }
    if let Some(setting) = settings.take("log_file")? {
        screen.log_file = Some(LogFile {
            path: environ.absolute(Path::new(&one(setting, "a file")?)),
            // What the original wrote where no level was given; the screen says less by itself now.
            level: level.unwrap_or(LogLevel::Info),
        });
    }
    Ok(())
}

fn log_level(settings: &mut Settings<'_>) -> Result<Option<LogLevel>, Failure> {
    let known = |text: &str| {
        let level = text.to_uppercase();
        LEVELS
            .iter()
            .find(|(name, _)| *name == level)
            .map(|(_, level)| *level)
    };
    let Some(setting) = settings.take("log_level")? else {
        return Ok(None);
    };
    let (origin, is_variable) = (shown(&setting.origin), setting.origin == "LOG_LEVEL");
    let level = one(setting, "a level")?;
    match known(&level) {
        Some(level) => Ok(Some(level)),
        // The variable may be meant for another program, with levels of its own.
        None if is_variable => Ok(None),
        None => {
            let names = LEVELS.map(|(name, _)| name);
            let level = level.to_uppercase();
            let mut fault = Fault::new(format!(
                "{origin} is `{level}`, which is none of {}",
                names.join(", ")
            ));
            fault.hints.extend(did_you_mean(&level, names));
            Err(Failure::usage(fault))
        }
    }
}

fn without_pipeline(words: &[String]) -> Fault {
    let first = words[0].split('=').next().unwrap_or_default();
    let mut fault = Fault::new(format!("no pipeline: `--modules` is missing beside `{first}`"));
    let near = nearest(first.trim_start_matches('-'), SETTINGS);
    fault
        .hints
        .extend(near.map(|name| format!("did you mean `--{name}`?")));
    fault.hints.push(
        "write `opsbox --modules a,b-c-d --field value`, or `opsbox run a,b-c-d --set field=value`"
            .to_owned(),
    );
    fault
}

fn texts(argv: &[OsString]) -> Result<Vec<String>, Failure> {
    let text = |word: &OsString| {
        word.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::usage(Fault::new(format!(
                "the argument `{}` is not UTF-8",
                word.to_string_lossy()
            )))
        })
    };
    argv.iter().map(text).collect()
}

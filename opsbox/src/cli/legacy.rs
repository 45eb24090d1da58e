//! The grammar of Opsbox 0.x: `--modules a,b-c-d --any_field value …`, read into the same requests as the modern one.
//!
//! Values keep their text here: the field's schema decides what they are, so nothing is guessed.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use super::args::early_flag;
use super::request::{PluginsQuery, PluginsWhat, Request, RunFlags, Shown};
use crate::config::{Assignment, Grammar, Raw, object_of};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::suggest::{did_you_mean, nearest};

/// The settings of the host itself; every other argument is a field of a plugin.
pub const SETTINGS: [&str; 9] = [
    "modules",
    "config",
    "plugin_dir",
    "log_level",
    "log_file",
    "see_all",
    "verbose",
    "help",
    "init_debug",
];

const LEVELS: [&str; 8] = [
    "TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "WARN", "ERROR", "CRITICAL",
];

/// Reads a command line of the legacy grammar.
///
/// # Errors
/// A usage failure that names the argument.
pub fn parse(argv: &[OsString], environ: &Environ) -> Result<Request, Failure> {
    let words = texts(argv)?;
    let mut arguments = arguments(&words)?;
    let mut flags = RunFlags {
        grammar: Grammar::Legacy,
        ..RunFlags::default()
    };
    if let Some(raw) = take(&mut arguments, "config") {
        flags.config = Some(PathBuf::from(one("config", raw, "a file")?));
    }
    let modules = take(&mut arguments, "modules");
    if modules.is_none()
        && let Some(failure) = early_flag(&words)
    {
        return Err(failure);
    }
    let file = file_settings(environ, &flags)?;
    if let Some(raw) = modules.or_else(|| from_file(&file, "modules")) {
        flags.pipeline = one("modules", raw, "a pipeline without spaces, such as `a,b-c-d`")?;
    }
    flags.plugin_dirs = match take(&mut arguments, "plugin_dir").or_else(|| from_file(&file, "plugin_dir")) {
        Some(Raw::List(paths)) => paths.into_iter().map(PathBuf::from).collect(),
        Some(raw) => vec![PathBuf::from(one("plugin_dir", raw, "a folder")?)],
        // The variable stands for the flag in every grammar.
        None => environ
            .var_os("OPSBOX_PLUGIN_DIR")
            .map(|list| std::env::split_paths(list).collect())
            .unwrap_or_default(),
    };
    if flags.config.is_none() {
        flags.config = environ.filled("OPSBOX_CONFIG").map(PathBuf::from);
    }
    let no_keep = environ.filled("OPSBOX_NO_KEEP").map(str::to_ascii_lowercase);
    flags.no_keep = matches!(no_keep.as_deref(), Some("1" | "yes" | "on" | "true"));
    screen(&mut arguments, &mut flags)?;
    let help = truth("help", take(&mut arguments, "help"))?;
    let see_all = truth("see_all", take(&mut arguments, "see_all"))?;
    flags.assignments = arguments
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

fn screen(arguments: &mut Vec<(String, Raw)>, flags: &mut RunFlags) -> Result<(), Failure> {
    if truth("verbose", take(arguments, "verbose"))? {
        flags.screen.verbose = 2;
    }
    if truth("init_debug", take(arguments, "init_debug"))? {
        flags.screen.verbose = 3;
    }
    if let Some(raw) = take(arguments, "log_file") {
        flags.screen.log_file = Some(PathBuf::from(one("log_file", raw, "a file")?));
    }
    if let Some(raw) = take(arguments, "log_level") {
        let level = one("log_level", raw, "a level")?.to_uppercase();
        let verbose = match level.as_str() {
            "TRACE" => 3,
            "DEBUG" => 2,
            "INFO" | "SUCCESS" => 1,
            _ => 0,
        };
        if !LEVELS.contains(&level.as_str()) {
            let mut fault = Fault::new(format!(
                "`--log_level` is `{level}`, which is none of {}",
                LEVELS.join(", ")
            ));
            fault.hints.extend(did_you_mean(&level, LEVELS));
            return Err(Failure::usage(fault));
        }
        flags.screen.quiet = matches!(level.as_str(), "ERROR" | "CRITICAL");
        flags.screen.verbose = flags.screen.verbose.max(verbose);
    }
    Ok(())
}

/// Returns what `--config` and the home file say of the host's own settings; the original read them from there too.
fn file_settings(environ: &Environ, flags: &RunFlags) -> Result<Vec<Value>, Failure> {
    let mut files = Vec::new();
    if let Some(path) = &flags.config {
        files.push(object_of(&environ.absolute(path)).map_err(Failure::usage)?);
    }
    if let Some(home) = &environ.home {
        // A bad home file is warned about where fields are read.
        files.extend(object_of(&home.join(".opsbox.json")).ok());
    }
    Ok(files.into_iter().map(Value::Object).collect())
}

fn from_file(files: &[Value], name: &str) -> Option<Raw> {
    let text = files.iter().find_map(|file| file[name].as_str())?;
    Some(Raw::Text(text.to_owned()))
}

fn take(arguments: &mut Vec<(String, Raw)>, name: &str) -> Option<Raw> {
    let at = arguments.iter().position(|(known, _)| known == name)?;
    Some(arguments.remove(at).1)
}

fn one(name: &str, raw: Raw, what: &str) -> Result<String, Failure> {
    let message = match raw {
        Raw::Text(text) if !text.is_empty() => return Ok(text),
        Raw::List(texts) => format!("`--{name}` takes {what}, found {} values", texts.len()),
        _ => format!("`--{name}` needs {what}"),
    };
    Err(Failure::usage(
        Fault::new(message).hint(format!("write `--{name} VALUE`")),
    ))
}

fn truth(name: &str, raw: Option<Raw>) -> Result<bool, Failure> {
    match raw {
        None => Ok(false),
        Some(Raw::Bare) => Ok(true),
        Some(Raw::Text(text)) if ["true", "1", "yes", "on"].contains(&text.to_lowercase().as_str()) => {
            Ok(true)
        }
        Some(Raw::Text(text)) if ["false", "0", "no", "off"].contains(&text.to_lowercase().as_str()) => {
            Ok(false)
        }
        Some(_) => {
            let fault = Fault::new(format!("`--{name}` takes no value"))
                .hint(format!("write `--{name}` alone, last or before another `--`"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environ::tests::environ;

    fn parsed(words: &[&str]) -> Result<Request, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&argv, &environ(folder.path(), &[]))
    }

    fn run(words: &[&str]) -> RunFlags {
        match parsed(words).unwrap() {
            Request::Run(flags) => flags,
            other => panic!("{other:?}"),
        }
    }

    fn fields(words: &[&str]) -> Vec<(String, Raw)> {
        let flags = run(&[&["--modules", "a-b"], words].concat());
        flags
            .assignments
            .into_iter()
            .map(|assignment| (assignment.field, assignment.raw))
            .collect()
    }

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn settings_are_told_from_fields() {
        let flags = run(&[
            "--modules",
            "a,b-c-d",
            "--plugin_dir",
            "p",
            "--config=c",
            "--log_level",
            "debug",
            "--region",
            "sa-east-1",
        ]
        .map(|word| if word == "--config=c" { "--verbose" } else { word }));
        assert_eq!(flags.pipeline, "a,b-c-d");
        assert_eq!(flags.plugin_dirs, [PathBuf::from("p")]);
        assert_eq!(flags.screen.verbose, 2);
        assert_eq!(flags.grammar, Grammar::Legacy);
        assert_eq!(
            flags.assignments,
            [Assignment {
                plugin: None,
                field: "region".into(),
                raw: text("sa-east-1")
            }]
        );
    }

    #[test]
    fn values_keep_their_text_and_their_number() {
        assert_eq!(
            fields(&["--x", "1", "2"]),
            [("x".into(), Raw::List(vec!["1".into(), "2".into()]))]
        );
        assert_eq!(fields(&["--x"]), [("x".into(), Raw::Bare)]);
        assert_eq!(fields(&["--a=b=c"]), [("a".into(), text("b=c"))]);
        assert_eq!(
            fields(&["--a=1", "2"]),
            [("a".into(), Raw::List(vec!["1".into(), "2".into()]))]
        );
        assert_eq!(fields(&["--a="]), [("a".into(), text(""))]);
        assert_eq!(
            fields(&["--a", "-1", "--foo--bar", "-x"]),
            [("a".into(), text("-1")), ("foobar".into(), text("-x"))]
        );
        assert_eq!(
            fields(&["--a", "1", "--b", "2", "--a", "3"]),
            [("b".into(), text("2")), ("a".into(), text("3"))]
        );
        assert_eq!(
            fields(&["--jobs", "4"]),
            [("jobs".into(), text("4"))],
            "no modern flag is recognised here"
        );
    }

    #[test]
    fn help_with_modules_asks_for_their_arguments() {
        assert!(matches!(
            parsed(&["--modules", "a-b", "--help"]),
            Ok(Request::Arguments(_))
        ));
        assert!(matches!(
            parsed(&["--help", "--modules", "a-b"]),
            Ok(Request::Arguments(_))
        ));
        assert!(matches!(
            parsed(&["--help", "--see_all"]),
            Ok(Request::Plugins(_))
        ));
    }

    #[test]
    fn flag_before_the_subcommand_is_told_the_right_order() {
        let text = parsed(&["--jobs", "4", "run", "a-b"]).unwrap_err().to_string();
        assert_eq!(
            text,
            "error: `--jobs` stands before the subcommand `run`\n  hint: flags come after it: `opsbox run PIPELINE --jobs …`"
        );
    }

    #[test]
    fn missing_and_wrong_settings_are_named() {
        let fails = |words: &[&str]| parsed(words).unwrap_err().to_string();
        assert!(fails(&["--plugin_dir", "p"]).contains("no pipeline: `--modules` is missing"));
        assert!(fails(&["--module", "a-b"]).contains("did you mean `--modules`?"));
        assert!(fails(&["--modules"]).contains("`--modules` needs a pipeline"));
        assert!(fails(&["--modules", "a", "b"]).contains("found 2 values"));
        assert!(fails(&["--modules", "a-b", "--log_level", "DEBG"]).contains("did you mean `DEBUG`?"));
        assert!(fails(&["--modules", "a-b", "--config", "none.json"]).contains("cannot read configuration"));
        assert!(fails(&["--"]).contains("names no argument"));
    }

    #[test]
    fn pipeline_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let environ = environ(folder.path(), &[]);
        std::fs::write(
            environ.cwd.join("c.json"),
            r#"{"modules": "x-y", "plugin_dir": "p"}"#,
        )
        .unwrap();
        let argv: Vec<OsString> = ["--config", "c.json"].iter().map(OsString::from).collect();
        let Request::Run(flags) = parse(&argv, &environ).unwrap() else {
            panic!()
        };
        assert_eq!(
            (flags.pipeline.as_str(), flags.plugin_dirs),
            ("x-y", vec![PathBuf::from("p")])
        );
    }
}

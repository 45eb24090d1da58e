//! Where the host's own settings come from in the legacy grammar: arguments, then variables, then files.

use serde_json::{Map, Value};

use crate::cli::request::RunFlags;
use crate::config::{Raw, object_of};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::trust::{self, Concern, Trust};

/// Settings that a variable of their upper-cased name may hold, as in the original. `HELP`, `VERBOSE` and their like are too common:
/// there they ended the program with a traceback.
const VARIABLES: [&str; 4] = ["modules", "plugin_dir", "log_level", "log_file"];

/// A setting, and where it was found.
pub(super) struct Setting {
    /// An argument, a variable or a file, for people.
    pub(super) origin: String,
    /// What it says.
    pub(super) raw: Raw,
}

/// All places that hold settings.
pub(super) struct Settings<'a> {
    pub(super) arguments: Vec<(String, Raw)>,
    environ: &'a Environ,
    files: Vec<(String, Map<String, Value>)>,
}

impl<'a> Settings<'a> {
    /// Starts with the arguments alone.
    pub(super) fn new(arguments: Vec<(String, Raw)>, environ: &'a Environ) -> Self {
        Self {
            arguments,
            environ,
            files: Vec::new(),
        }
    }

    /// Reads the file of `--config` and the home file, which hold settings beside fields.
    ///
    /// # Errors
    /// Where the first one cannot be read.
    pub(super) fn read_files(&mut self, flags: &RunFlags) -> Result<(), Failure> {
        let trust = Trust::of_user(self.environ.filled(trust::VARIABLE));
        if let Some(path) = &flags.config {
            if let Some(Concern::Refused(fault)) = trust.concern(&self.environ.absolute(path)) {
                return Err(Failure::usage(fault));
            }
            let values = object_of(&self.environ.absolute(path)).map_err(Failure::usage)?;
            self.files.push((path.display().to_string(), values));
        }
        if let Some(home) = &self.environ.home {
            // A bad home file, or one that is not trusted, is warned about where fields are read.
            let path = home.join(".opsbox.json");
            let is_refused = matches!(trust.concern(&path), Some(Concern::Refused(_)));
            let values = if is_refused { None } else { object_of(&path).ok() };
            self.files
                .extend(values.map(|values| ("~/.opsbox.json".to_owned(), values)));
        }
        Ok(())
    }

    /// Takes an argument away from those that set fields.
    pub(super) fn argument(&mut self, name: &str) -> Option<Setting> {
        let at = self.arguments.iter().position(|(known, _)| known == name)?;
        Some(Setting {
            origin: format!("--{name}"),
            raw: self.arguments.remove(at).1,
        })
    }

    /// Returns a setting from the strongest place that has it; the argument is taken away.
    ///
    /// # Errors
    /// Where a file holds an object in its place.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<Setting>, Failure> {
        let argument = self.argument(name);
        if argument.is_some() {
            return Ok(argument);
        }
        let elsewhere = self.variable(name);
        if elsewhere.is_some() {
            return Ok(elsewhere);
        }
        self.in_files(name)
    }

    /// Returns a setting that a variable holds.
    pub(super) fn variable(&self, name: &str) -> Option<Setting> {
        let origin = name.to_uppercase();
        let text = self
            .environ
            .filled(&origin)
            .filter(|_| VARIABLES.contains(&name))?;
        let raw = Raw::Text(text.to_owned());
        Some(Setting { origin, raw })
    }

    fn in_files(&self, name: &str) -> Result<Option<Setting>, Failure> {
        let mut found = self
            .files
            .iter()
            .filter_map(|(origin, values)| Some((origin, values.get(name)?)));
        // Null is how JSON writes "not set".
        let Some((origin, value)) = found.find(|(_, value)| !value.is_null()) else {
            return Ok(None);
        };
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            _ => None,
        };
        let raw = match value {
            Value::Array(items) => items.iter().map(text).collect::<Option<_>>().map(Raw::List),
            other => text(other).map(Raw::Text),
        };
        let origin = format!("`{name}` in {origin}");
        match raw {
            Some(raw) => Ok(Some(Setting { origin, raw })),
            None => Err(Failure::usage(Fault::new(format!(
                "{origin} must be a text, found {value}"
            )))),
        }
    }
}

/// Returns the one text of a setting; `what` says what it must be.
///
/// # Errors
/// Where there is none, or more than one.
pub(super) fn one(setting: Setting, what: &str) -> Result<String, Failure> {
    let Setting { origin, raw } = setting;
    let message = match raw {
        Raw::Text(text) if !text.is_empty() => return Ok(text),
        Raw::List(texts) => format!("{} takes {what}, found {} values", shown(&origin), texts.len()),
        _ => format!("{} needs {what}", shown(&origin)),
    };
    let fault = Fault::new(message);
    Err(Failure::usage(match origin.starts_with("--") {
        true => fault.hint(format!("write `{origin} VALUE`")),
        false => fault,
    }))
}

/// Returns whether a setting that is a switch is on.
///
/// # Errors
/// Where its value is neither true nor false.
pub(super) fn truth(setting: Option<Setting>) -> Result<bool, Failure> {
    let Some(Setting { origin, raw }) = setting else {
        return Ok(false);
    };
    match &raw {
        Raw::Bare => return Ok(true),
        Raw::Text(text) if ["true", "1", "yes", "on"].contains(&text.to_lowercase().as_str()) => {
            return Ok(true);
        }
        Raw::Text(text) if ["false", "0", "no", "off"].contains(&text.to_lowercase().as_str()) => {
            return Ok(false);
        }
        _ => {}
    }
    Err(Failure::usage(match origin.starts_with("--") {
        true => Fault::new(format!("`{origin}` takes no value"))
            .hint(format!("write `{origin}` alone, last or before another `--`")),
        false => Fault::new(format!("{} must be true or false", shown(&origin))),
    }))
}

/// Returns a place as it stands in a sentence.
pub(super) fn shown(origin: &str) -> String {
    match origin.starts_with('`') {
        true => origin.to_owned(),
        false => format!("`{origin}`"),
    }
}

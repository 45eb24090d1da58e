//! One policy, parsed and asked: a rule's value, or an error that says where and why there is none.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};

use super::check::Rules;
use super::error::{Place, RegoError, shorten};
use super::{heads, outline, scan};

/// Work units between two looks at the clock; at this number the look costs nothing that could be measured.
const CHECK_INTERVAL: NonZeroU32 = NonZeroU32::new(1000).expect("the number is not zero");
/// Longest line of a policy; the default of 1024 refuses generated tables that do no harm.
const MAX_COLUMNS: NonZeroU32 = NonZeroU32::new(16 * 1024).expect("the number is not zero");

/// The version of the Rego language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Version {
    /// Before OPA 1.0: no `if` and `contains` needed.
    V0,
    /// OPA 1.0 and later.
    #[default]
    V1,
}

/// What a policy is evaluated with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The language.
    pub version: Version,
    /// Whether an error in a built-in function fails the check; else it is undefined.
    pub strict: bool,
    /// How long all evaluations of the policy may take together; `None`: as long as they want.
    pub time: Option<Duration>,
}

/// Makes an engine that holds no policy yet.
pub fn engine(options: Options) -> Engine {
    let mut engine = Engine::new();
    engine.set_rego_v0(options.version == Version::V0);
    engine.set_strict_builtin_errors(options.strict);
    engine.set_gather_prints(true);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: MAX_COLUMNS,
        ..PolicyLengthConfig::default()
    });
    engine
}

/// Makes the interpreter's own timer.
pub(crate) fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: CHECK_INTERVAL,
    }
}

/// Checks and parses a policy into the engine.
///
/// # Errors
/// [`RegoError::Parse`], and what [`scan::check`] finds.
pub fn add_policy(engine: &mut Engine, file: &str, text: &str) -> Result<(), RegoError> {
    scan::check(file, text)?;
    // What cannot be guarded is told by the policy as it is.
    if let Some(guarded) = heads::guarded(text)
        && engine.add_policy(file.to_owned(), guarded).is_ok()
    {
        return Ok(());
    }
    engine
        .add_policy(file.to_owned(), text.to_owned())
        .map(drop)
        .map_err(|error| {
            let (place, message) = locate(file, text, &format!("{error:#}"));
            RegoError::Parse { place, message }
        })
}

/// A parsed policy with its input.
pub struct Policy<'a> {
    engine: Engine,
    file: &'a str,
    text: &'a str,
    package: Vec<String>,
    time: Option<Duration>,
    started: Instant,
}

impl std::fmt::Debug for Policy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("file", &self.file)
            .field("package", &self.package)
            .finish_non_exhaustive()
    }
}

impl<'a> Policy<'a> {
    /// Parses a policy. `file` is how messages name it.
    ///
    /// # Errors
    /// As [`add_policy`].
    pub fn parse(file: &'a str, text: &'a str, options: Options) -> Result<Self, RegoError> {
        let started = Instant::now();
        let mut engine = engine(options);
        add_policy(&mut engine, file, text)?;
        let package = engine
            .get_policy_package_components()
            .ok()
            .and_then(|mut packages| packages.pop())
            .map(|package| package.components)
            .unwrap_or_default();
        Ok(Self {
            engine,
            file,
            text,
            package,
            time: options.time,
            started,
        })
    }

    /// Sets what the policy sees as `input` and `data.config`.
    ///
    /// # Errors
    /// [`RegoError::Data`] where the configuration does not fit beside the policy.
    pub fn set_data(&mut self, input: Value, config: Value) -> Result<(), RegoError> {
        self.engine.set_input(input);
        let mut data = Value::new_object();
        if let Ok(fields) = data.as_object_mut() {
            fields.insert(Value::from("config"), config);
        }
        self.engine.add_data(data).map_err(|error| RegoError::Data {
            what: "the check's configuration",
            why: error.to_string(),
        })
    }

    /// Counts from now on which lines are evaluated.
    pub fn count_lines(&mut self) {
        self.engine.set_enable_coverage(true);
    }

    /// Returns the lines that were evaluated, and those that hold an expression and were not; each counted from 1.
    pub fn lines(&self) -> (Vec<u32>, Vec<u32>) {
        let report = self.engine.get_coverage_report().ok();
        let file = report.and_then(|report| report.files.into_iter().next());
        file.map_or_else(Default::default, |file| {
            (
                file.covered.into_iter().collect(),
                file.not_covered.into_iter().collect(),
            )
        })
    }

    /// Returns what `print` wrote since the last call, line by line.
    pub fn take_prints(&mut self) -> Vec<String> {
        self.engine.take_prints().unwrap_or_default()
    }

    fn no_such_rule(&self, rule: &str) -> RegoError {
        let mut rules: Vec<String> = outline::rules(&self.engine)
            .into_iter()
            .filter(|rule| !rule.is_function)
            .map(|rule| rule.name)
            .collect();
        rules.sort();
        rules.dedup();
        RegoError::NoSuchRule {
            place: Place::file(self.file),
            package: self.package.join("."),
            rule: rule.to_owned(),
            near: outline::near(rule, &rules),
            rules,
        }
    }
}

impl Rules for Policy<'_> {
    fn defines(&self, rule: &str) -> bool {
        self.engine
            .has_declared_rule_rooted_at(self.file, rule)
            .unwrap_or(false)
    }

    fn value(&mut self, rule: &str) -> Result<Value, RegoError> {
        if !self.defines(rule) {
            return Err(self.no_such_rule(rule));
        }
        if let Some(time) = self.time {
            let limit = time.saturating_sub(self.started.elapsed());
            self.engine.set_execution_timer_config(timer(limit));
        }
        let value = evaluate(&mut self.engine, &rule_path(&self.package, rule));
        match value {
            Ok(Value::Undefined) => Err(RegoError::Undefined {
                place: self.place_of(rule),
                rule: rule.to_owned(),
            }),
            Ok(value) => Ok(value),
            Err(text) => {
                Err(failure(self.file, self.text, &text, self.time).or_at(|| self.place_of(rule), rule))
            }
        }
    }

    fn place_of(&self, rule: &str) -> Box<Place> {
        let rules = outline::rules(&self.engine);
        let rule = rule.split('.').next().unwrap_or(rule);
        let mut of_name = rules.iter().filter(|candidate| candidate.name == rule);
        let first = of_name
            .clone()
            .find(|candidate| !candidate.is_default)
            .or_else(|| of_name.next());
        first.map_or_else(
            || Place::file(self.file),
            |rule| Place::line(self.file, self.text, rule.line, None),
        )
    }
}

/// Evaluates the rule at a path; an error is the interpreter's text.
pub(crate) fn evaluate(engine: &mut Engine, path: &str) -> Result<Value, String> {
    let value = engine
        .eval_rule(path.to_owned())
        .map_err(|error| format!("{error:#}"));
    match value {
        // The name is only the beginning of rules like `details.disks := …`; a query gathers them.
        Err(text) if text == "not a valid rule path" => {
            let results = engine
                .eval_query(path.to_owned(), false)
                .map_err(|error| format!("{error:#}"))?;
            let first = results
                .result
                .into_iter()
                .next()
                .and_then(|result| result.expressions.into_iter().next());
            Ok(first.map_or(Value::Undefined, |expression| expression.value))
        }
        other => other,
    }
}

/// Returns the path of a rule, as `data.a["1.0"].rule`; the rule may be a path itself (`report.findings`).
pub(crate) fn rule_path(package: &[String], rule: &str) -> String {
    let is_plain = |part: &str| {
        part.bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
            && !part.starts_with(|first: char| first.is_ascii_digit())
            && !part.is_empty()
    };
    let mut path = String::from("data");
    for part in package.iter().map(String::as_str).chain(rule.split('.')) {
        if is_plain(part) {
            path.push('.');
            path.push_str(part);
        } else {
            path.push_str(&format!("[{}]", serde_json::Value::from(part)));
        }
    }
    path
}

/// Turns the interpreter's text into an error.
pub(crate) fn failure(file: &str, text: &str, error: &str, time: Option<Duration>) -> RegoError {
    // Inside functions the interpreter keeps only the text of an error, so its type cannot be asked.
    if error.contains("execution exceeded time limit") {
        let limit_ms = time.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        return RegoError::OutOfTime {
            place: Place::file(file),
            limit_ms,
        };
    }
    let (place, message) = locate(file, text, error);
    if message.starts_with("recursion detected") {
        return RegoError::Recursive {
            chain: chain(error),
            place,
        };
    }
    RegoError::Evaluation { place, message }
}

/// Reads `--> file:line:column` and `error: message` out of the interpreter's text.
fn locate(file: &str, text: &str, error: &str) -> (Box<Place>, String) {
    let numbers = error.split_once("--> ").and_then(|(_, rest)| {
        let mut parts = rest.lines().next()?.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        Some((parts.next()?.parse().ok()?, column))
    });
    let message = error
        .split_once("\nerror: ")
        .map_or(error, |(_, message)| message)
        .trim();
    let message = shorten(message, 2000);
    match numbers {
        Some((line, column)) => {
            let column = is_as_written(text, line).then_some(column);
            (Place::line(file, text, line, column), message)
        }
        None => (Place::file(file), message),
    }
}

/// Says whether the interpreter saw a line as the author wrote it, so that its columns are the author's.
fn is_as_written(text: &str, line: u32) -> bool {
    let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    heads::guarded(text).is_none_or(|guarded| guarded.lines().nth(line) == text.lines().nth(line))
}

/// Reads the circle out of the interpreter's text: each rule's line stands there once more than it is in the circle.
fn chain(error: &str) -> String {
    let lines: Vec<&str> = error.lines().collect();
    let mut names = Vec::new();
    for (at, _) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.starts_with("--> ") || line.contains(" --> "))
        .skip(1)
    {
        let source = lines
            .get(at + 2)
            .and_then(|line| line.split_once("| "))
            .map_or("", |(_, source)| source);
        let end = source
            .find(|next: char| next != '_' && next != '.' && !next.is_alphanumeric())
            .unwrap_or(source.len());
        names.push(&source[..end]);
    }
    format!("`{}`", names.join("` uses `"))
}

#[cfg(test)]
mod tests;

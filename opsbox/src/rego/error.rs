//! Why a policy gave no answer: each error names file, line and column where known, the source line and the remedy.

use std::fmt;

/// A place in a policy file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as the manifest names it.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1; given only with a line.
    pub column: Option<u32>,
    /// The text of the line, without its indentation.
    pub source: Option<String>,
}

impl Place {
    /// Makes the place of a whole file; boxed, as all places are, to keep errors small.
    pub fn file(file: &str) -> Box<Self> {
        Box::new(Self {
            file: file.to_owned(),
            ..Self::default()
        })
    }

    /// Makes the place of a line of a policy whose text is at hand.
    pub fn line(file: &str, text: &str, line: u32, column: Option<u32>) -> Box<Self> {
        let source = usize::try_from(line)
            .ok()
            .and_then(|line| text.lines().nth(line.checked_sub(1)?))
            .map(|source| shorten(source.trim(), 160));
        Box::new(Self {
            file: file.to_owned(),
            line: Some(line),
            column,
            source,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

/// Returns the text, cut to this many characters with an ellipsis where it is longer.
pub fn shorten(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Why a policy gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegoError {
    /// The policy is not valid Rego.
    #[error("{place}: {message}")]
    Parse {
        /// Where.
        place: Box<Place>,
        /// What the parser says.
        message: String,
    },
    /// The policy's text is over a limit.
    #[error("{place}: the policy is too large: {message}")]
    TooLarge {
        /// The file.
        place: Box<Place>,
        /// Which limit.
        message: String,
    },
    /// Brackets nest deeper than the parser can take in reasonable time.
    #[error("{place}: brackets nest {depth} levels deep, {limit} are allowed")]
    TooDeep {
        /// The bracket that is one too many.
        place: Box<Place>,
        /// The depth reached there.
        depth: usize,
        /// The greatest depth allowed.
        limit: usize,
    },
    /// The policy has no rule of the wanted name.
    #[error("{place}: the policy has no rule `{rule}` in package `{package}`{}", did_you_mean(.near.as_deref()))]
    NoSuchRule {
        /// The line of the package.
        place: Box<Place>,
        /// The policy's package.
        package: String,
        /// The rule that was asked for.
        rule: String,
        /// The rule that was probably meant.
        near: Option<String>,
        /// All rules of the policy.
        rules: Vec<String>,
    },
    /// The rule exists but has no value for this input.
    #[error("{place}: the rule `{rule}` is undefined for this input")]
    Undefined {
        /// The rule's line.
        place: Box<Place>,
        /// The rule.
        rule: String,
    },
    /// `applies` is neither true nor false.
    #[error("{place}: the rule `applies` must be true or false, it is {found}")]
    NotBoolean {
        /// The rule's line.
        place: Box<Place>,
        /// What it is instead.
        found: &'static str,
    },
    /// The rule's value cannot be findings.
    #[error("{place}: the rule `{rule}` must be an object or a list of objects, {found}")]
    NotFindings {
        /// The rule's line.
        place: Box<Place>,
        /// The rule.
        rule: String,
        /// What it is instead, as half a sentence.
        found: String,
    },
    /// Rules or functions depend on themselves.
    #[error("{place}: the policy is recursive: {chain}")]
    Recursive {
        /// The first rule of the circle.
        place: Box<Place>,
        /// The circle in words.
        chain: String,
    },
    /// A rule failed.
    #[error("{place}: {message}")]
    Evaluation {
        /// Where.
        place: Box<Place>,
        /// What failed.
        message: String,
    },
    /// The policy would reach the network, or the surroundings of the server that evaluates it.
    #[error("{place}: the policy uses `{function}`, which reaches further than its input")]
    Reaches {
        /// Where.
        place: Box<Place>,
        /// The function.
        function: String,
    },
    /// The evaluation ran out of time.
    #[error("{place}: the policy did not finish within {limit_ms} ms")]
    OutOfTime {
        /// The file.
        place: Box<Place>,
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The provider's data or the configuration cannot be read.
    #[error("cannot read {what}: {why}")]
    Data {
        /// Which data.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The OPA server is not there, or does not do what it is asked for.
    #[error("the OPA server {url} {what}")]
    Server {
        /// Its URL, without a password.
        url: String,
        /// What is wrong, as half a sentence.
        what: String,
    },
    /// The host wants no answer any more.
    #[error("the evaluation was cancelled")]
    Cancelled,
    /// A plugin wants to set keys in `details["input"]`, and there is no such object.
    #[error("the provider's details have no object `input`")]
    NoInput,
    /// A check came before any data.
    #[error("no provider data was given for the check `{check}`")]
    NoData {
        /// The check.
        check: String,
    },
}

impl RegoError {
    /// Gives an evaluation error without a line the line of the rule that was asked for: some built-in functions do not say where they failed.
    #[must_use]
    pub fn or_at(self, place_of_rule: impl FnOnce() -> Box<Place>, rule: &str) -> Self {
        match self {
            Self::Evaluation { place, message } if place.line.is_none() => Self::Evaluation {
                place: place_of_rule(),
                message: format!("evaluating `{rule}`: {message}"),
            },
            other => other,
        }
    }

    /// Returns a stable word for the kind of error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Parse { .. } => "parse",
            Self::TooLarge { .. } => "too_large",
            Self::TooDeep { .. } => "too_deep",
            Self::NoSuchRule { .. } => "no_such_rule",
            Self::Undefined { .. } => "undefined",
            Self::NotBoolean { .. } => "not_boolean",
            Self::NotFindings { .. } => "not_findings",
            Self::Recursive { .. } => "recursive",
            Self::Evaluation { .. } => "evaluation",
            Self::Reaches { .. } => "reaches",
            Self::OutOfTime { .. } => "out_of_time",
            Self::Data { .. } => "data",
            Self::Server { .. } => "server",
            Self::Cancelled => "cancelled",
            Self::NoInput => "no_input",
            Self::NoData { .. } => "no_data",
        }
    }

    /// Returns the place in the policy; `None` where the policy is not to blame.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Parse { place, .. }
            | Self::TooLarge { place, .. }
            | Self::TooDeep { place, .. }
            | Self::NoSuchRule { place, .. }
            | Self::Undefined { place, .. }
            | Self::NotBoolean { place, .. }
            | Self::NotFindings { place, .. }
            | Self::Recursive { place, .. }
            | Self::Evaluation { place, .. }
            | Self::Reaches { place, .. }
            | Self::OutOfTime { place, .. } => Some(place),
            Self::Data { .. }
            | Self::NoInput
            | Self::NoData { .. }
            | Self::Server { .. }
            | Self::Cancelled => None,
        }
    }

    /// Returns what to do about it: one imperative sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Parse { message, .. } => parse_hint(message),
            Self::TooLarge { .. } => "split the policy, or move its tables into the check's configuration".into(),
            Self::TooDeep { .. } => "name the inner parts as rules of their own, or move the literal into the check's configuration".into(),
            Self::NoSuchRule { rule, near: Some(near), .. } => {
                format!("rename `{near}` to `{rule}`, or set `rule = \"{near}\"` in [rego] of the manifest")
            }
            Self::NoSuchRule { rule, rules, .. } => {
                let known = if rules.is_empty() { "none".into() } else { format!("`{}`", rules.join("`, `")) };
                format!("define `{rule}`, or set `rule` in [rego] of the manifest to one of its rules (it has {known})")
            }
            Self::Undefined { rule, .. } if rule == "applies" => {
                "add `default applies := false`, so that the rule has a value for every input".into()
            }
            Self::Undefined { rule, .. } => format!(
                "the input lacks something that `{rule}` needs: look for a gap of the provider or a misspelt key; where an empty answer is right, write `{rule} contains finding if {{ … }}`"
            ),
            Self::NotBoolean { .. } => "write `default applies := false` and `applies if { … }`".into(),
            Self::NotFindings { .. } => "make each finding an object, for example {\"message\": \"…\", \"resource\": \"…\"}".into(),
            Self::Recursive { .. } => "Rego allows no recursion: break the circle, or use `walk` or `graph.reachable`".into(),
            Self::Evaluation { message, .. } => evaluation_hint(message),
            Self::Reaches { .. } => "have a provider gather what the policy needs, and read it from `input`".into(),
            Self::OutOfTime { .. } => "look for nested loops over the same list and index it first, or give the check more time with [timeouts] hook_total in its manifest".into(),
            Self::Data { .. } | Self::NoInput => "run the provider alone with `json_out` and look at its details".into(),
            Self::Server { .. } => "start the server or correct `opa_url`; without `opa_url` policies are evaluated here".into(),
            Self::Cancelled => "run it again".into(),
            Self::NoData { .. } => "send the provider's data before the check, or with it".into(),
        }
    }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn parse_hint(message: &str) -> String {
    if message.contains("`if` keyword") || message.contains("`contains` keyword") {
        "write the rule in Rego v1 (`rule if { … }`, `rule contains x if { … }`), or set `version = 0` in [rego] of the manifest".into()
    } else {
        "correct the policy; `opsbox check eval` shows whether it parses".into()
    }
}

fn evaluation_hint(message: &str) -> String {
    if message.starts_with("could not find function") {
        "correct the function's name; built-in functions of the network and of the host are not available"
            .into()
    } else if message.contains("unsafe") || message.contains("undefined var") {
        "give the variable a value with `some … in …` or `:=`, or correct its name".into()
    } else if message.contains("conflicts with rule") || message.contains("multiple outputs") {
        "let one rule give the value, or make it a set with `contains`".into()
    } else {
        "test the value before the call, or set `strict = false` in [rego] of the manifest to treat such errors as undefined".into()
    }
}

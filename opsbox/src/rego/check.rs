//! One check: a policy over a provider's data, and the Result made of what it found.

use std::collections::BTreeSet;
use std::time::Duration;

use regorus::Value;
use serde::Deserialize;

use super::data;
use super::engine::{Options, Policy, Version};
use super::error::{Place, RegoError};
use super::findings::{self, Additions};
use super::formatted;
use super::spell::{Speller, write_string};

/// A check as the host sends it.
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    /// The check's name; the Result's name too.
    pub name: String,
    /// How messages name the policy's file.
    pub file: String,
    /// The policy's text.
    pub policy: String,
    /// The version of the language: 0 or 1; `None`: 1, or 0 where the policy is not valid as such and is as the old one.
    #[serde(default)]
    pub version: Option<u8>,
    /// The rule whose value are the findings.
    #[serde(default = "details")]
    pub rule: String,
    /// Whether an error in a built-in function fails the check.
    #[serde(default = "yes")]
    pub strict: bool,
    /// The check's configuration, an object; seen by the policy as `data.config`.
    #[serde(default)]
    pub config: Option<Box<serde_json::value::RawValue>>,
    /// Added to findings that have none.
    #[serde(default)]
    pub severity: Option<String>,
    /// Added to findings that have none.
    #[serde(default)]
    pub remediation: Option<String>,
    /// What the Result is about.
    #[serde(default)]
    pub relates_to: String,
    /// What the Result tells.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether to make the text for people; else it is empty.
    #[serde(default)]
    pub format: bool,
    /// Whether to tell where sets are in what is found.
    #[serde(skip)]
    pub tells_sets: bool,
}

fn yes() -> bool {
    true
}

fn details() -> String {
    "details".into()
}

impl Check {
    /// Returns the check's language; where it is left open, the current one.
    pub fn language(&self) -> Version {
        self.version.map_or(Version::V1, language)
    }
}

/// Returns the language of this number: 0 is the old one, every other the current.
pub fn language(version: u8) -> Version {
    if version == 0 { Version::V0 } else { Version::V1 }
}

/// What a check gave.
#[derive(Debug)]
pub struct Answer {
    /// Whether the check's subject is there at all; false: nothing was looked at.
    pub applies: bool,
    /// The number of findings.
    pub findings: usize,
    /// The Result's JSON text.
    pub result: Vec<u8>,
    /// What the policy printed, line by line.
    pub prints: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// Where sets are in what the policy found, see [`findings::sets`]; empty where nobody asks.
    pub sets: BTreeSet<String>,
}

/// What a check gave, whatever that is, and which lines of its policy it reached.
#[derive(Debug)]
pub struct Examined {
    /// The answer, or why there is none.
    pub answer: Result<Answer, RegoError>,
    /// The lines that were evaluated.
    pub covered: Vec<u32>,
    /// The lines with an expression that were not.
    pub not_covered: Vec<u32>,
}

impl Examined {
    /// Returns its JSON text: `answer` or `error`, `sets`, `covered`, `not_covered`.
    pub fn json(&self) -> Vec<u8> {
        let sets = self
            .answer
            .as_ref()
            .map_or_else(|_| BTreeSet::new(), |answer| answer.sets.clone());
        let facts = serde_json::json!({
            "error": self.answer.as_ref().err().map(|error| {
                serde_json::json!({"message": error.to_string(), "hint": error.hint()})
            }),
            "sets": sets, "covered": self.covered, "not_covered": self.not_covered,
        });
        let mut out = facts.to_string().into_bytes();
        if let Ok(answer) = &self.answer {
            // The answer's text goes in as it is spelt, before the last brace.
            out.pop();
            out.extend_from_slice(b",\"answer\":");
            out.extend_from_slice(&answer.json());
            out.push(b'}');
        }
        out
    }
}

impl Answer {
    /// Returns the answer's JSON text: `applies`, `findings`, `result`.
    pub fn json(&self) -> Vec<u8> {
        let mut out = format!(
            "{{\"applies\":{},\"findings\":{},\"result\":",
            self.applies, self.findings
        )
        .into_bytes();
        out.extend_from_slice(&self.result);
        out.push(b'}');
        out
    }
}

/// Evaluates a check over what a policy sees as `input`.
///
/// # Errors
/// [`RegoError`], as its variants say; never an empty answer instead.
pub fn run(check: &Check, input: Value, time: Option<Duration>) -> Result<Answer, RegoError> {
    let options = Options {
        version: check.language(),
        strict: check.strict,
        time,
    };
    let (mut policy, warning) = parse(check, options)?;
    policy.set_data(input, config(check.config.as_deref())?)?;
    let mut answer = answer(check, &mut policy, Policy::take_prints)?;
    answer.warnings.extend(warning);
    Ok(answer)
}

/// Evaluates a check as [`run`] does, and says how it came to that.
pub fn examine(mut check: Check, input: Value, time: Option<Duration>) -> Examined {
    check.tells_sets = true;
    let check = &check;
    let options = Options {
        version: check.language(),
        strict: check.strict,
        time,
    };
    let (mut policy, warning) = match parse(check, options) {
        Ok(parsed) => parsed,
        Err(error) => {
            return Examined {
                answer: Err(error),
                covered: Vec::new(),
                not_covered: Vec::new(),
            };
        }
    };
    policy.count_lines();
    let answer = config(check.config.as_deref())
        .and_then(|config| policy.set_data(input, config))
        .and_then(|()| answer(check, &mut policy, Policy::take_prints))
        .map(|mut answer| {
            answer.warnings.extend(warning);
            answer
        });
    let (covered, not_covered) = policy.lines();
    Examined {
        answer,
        covered,
        not_covered,
    }
}

/// Parses a check's policy, where its language is left open as the old one, too; then with a warning.
fn parse(check: &Check, options: Options) -> Result<(Policy<'_>, Option<String>), RegoError> {
    let parsed = Policy::parse(&check.file, &check.policy, options);
    let (Err(error @ RegoError::Parse { .. }), None) = (&parsed, check.version) else {
        return parsed.map(|policy| (policy, None));
    };
    let old = Options {
        version: Version::V0,
        ..options
    };
    // Where it is no valid policy in either, the current language's complaint is the useful one.
    let policy = Policy::parse(&check.file, &check.policy, old).map_err(|_| error.clone())?;
    let warning = format!(
        "the policy `{}` of `{}` is in the syntax before OPA 1.0, and OPA 1.0 refuses it: set `version = 0` in [rego] of its manifest, or \
         bring it up to date with `opa fmt --v0-v1 --write`",
        check.file, check.name
    );
    Ok((policy, Some(warning)))
}

/// A policy that can be asked for the values of its rules, here or on a server.
pub(crate) trait Rules {
    /// Returns whether it defines a rule of this name.
    fn defines(&self, rule: &str) -> bool;
    /// Evaluates a rule; the value is never undefined.
    fn value(&mut self, rule: &str) -> Result<Value, RegoError>;
    /// Returns the line of a rule.
    fn place_of(&self, rule: &str) -> Box<Place>;
}

/// Asks a policy what it found and makes the Result of it. `prints` takes what it printed.
///
/// # Errors
/// [`RegoError`], as its variants say; never an empty answer instead.
pub(crate) fn answer<R: Rules>(
    check: &Check,
    policy: &mut R,
    prints: impl FnOnce(&mut R) -> Vec<String>,
) -> Result<Answer, RegoError> {
    let applies = !policy.defines("applies") || applies(policy)?;
    let mut sets = BTreeSet::new();
    let found = if applies {
        let value = policy.value(&check.rule)?;
        if check.tells_sets {
            sets = findings::sets(&value);
        }
        if let Some(found) = findings::fault(&value) {
            return Err(RegoError::NotFindings {
                place: policy.place_of(&check.rule),
                rule: check.rule.clone(),
                found,
            });
        }
        let additions = Additions {
            severity: check.severity.clone(),
            remediation: check.remediation.clone(),
        };
        findings::complete(value, &additions)
    } else {
        Value::new_array()
    };
    Ok(Answer {
        applies,
        findings: findings::count(&found),
        result: result(check, applies, &found),
        prints: prints(policy),
        warnings: Vec::new(),
        sets,
    })
}

/// Reads a configuration; absent and null are an empty one.
///
/// # Errors
/// [`RegoError::Data`] where it is no object.
pub fn config(json: Option<&serde_json::value::RawValue>) -> Result<Value, RegoError> {
    const WHAT: &str = "the check's configuration";
    let value = json.map_or_else(|| Ok(Value::Null), |json| data::parse(WHAT, json.get()))?;
    match value {
        Value::Null => Ok(Value::new_object()),
        value @ Value::Object(_) => Ok(value),
        other => Err(RegoError::Data {
            what: WHAT,
            why: format!("it is {}, not an object", findings::kind(&other)),
        }),
    }
}

fn applies(policy: &mut impl Rules) -> Result<bool, RegoError> {
    match policy.value("applies")? {
        Value::Bool(applies) => Ok(applies),
        other => Err(RegoError::NotBoolean {
            place: policy.place_of("applies"),
            found: findings::kind(&other),
        }),
    }
}

fn result(check: &Check, applies: bool, found: &Value) -> Vec<u8> {
    let description = check.description.as_deref().unwrap_or_default();
    let formatted = match (check.format, applies) {
        (false, _) => String::new(),
        (true, true) => formatted::text(description, found, check.remediation.as_deref()),
        (true, false) if description.is_empty() => "not applicable here".to_owned(),
        (true, false) => format!("not applicable here: {description}"),
    };
    let mut out = Vec::new();
    for (key, text) in [
        ("{\"relates_to\":", check.relates_to.as_str()),
        (",\"result_name\":", &check.name),
        (",\"result_description\":", description),
    ] {
        out.extend_from_slice(key.as_bytes());
        write_string(&mut out, text);
    }
    out.extend_from_slice(b",\"details\":");
    Speller::default().write(&mut out, found);
    out.extend_from_slice(b",\"formatted\":");
    write_string(&mut out, &formatted);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests;

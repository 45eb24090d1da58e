//! The pipeline string: `inputs-assistant-…-outputs`, inputs and outputs as lists with commas.

use std::collections::HashSet;

use crate::error::{Failure, Fault, Kind};

/// Which plugins a pipeline names, by place and in the order written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The text as given.
    pub text: String,
    /// Names before the first `-`: inputs, Rego checks, providers; at least one.
    pub first: Vec<String>,
    /// Names between; may be empty.
    pub assistants: Vec<String>,
    /// Names after the last `-`; at least one.
    pub outputs: Vec<String>,
}

impl Pipeline {
    /// Reads a pipeline string; spaces around names do not count.
    ///
    /// # Errors
    /// A usage failure with all faults: no `-`, an empty name, a comma between assistants, a name that comes twice.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = text.split('-').map(str::trim).collect();
        if parts.len() < 2 {
            return Err(Failure::usage(no_dash(text)));
        }
        let last = parts.len() - 1;
        let names = |part: &str| {
            part.split(',')
                .map(|name| name.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let pipeline = Self {
            text: text.to_owned(),
            first: names(parts[0]),
            assistants: parts[1..last].iter().map(|part| (*part).to_owned()).collect(),
            outputs: names(parts[last]),
        };
        let faults = pipeline.faults();
        if faults.is_empty() {
            Ok(pipeline)
        } else {
            Err(Failure {
                kind: Kind::Usage,
                faults,
            })
        }
    }

    /// Returns all names in the order written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.first
            .iter()
            .chain(&self.assistants)
            .chain(&self.outputs)
            .map(String::as_str)
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (place, names) in [
            ("first", &self.first),
            ("middle", &self.assistants),
            ("last", &self.outputs),
        ] {
            if names.iter().any(String::is_empty) {
                let message = format!("pipeline `{}` has an empty name in its {place} part", self.text);
                faults.push(Fault::new(message).hint("write it as `input-output` or `a,b-assistant-c,d`"));
            }
        }
        for name in self.assistants.iter().filter(|name| name.contains(',')) {
            let split: Vec<&str> = name.split(',').map(str::trim).collect();
            faults.push(
                Fault::new(format!(
                    "pipeline `{}` lists assistants with a comma: `{name}`",
                    self.text
                ))
                .hint(format!(
                    "assistants run one after the other: write `{}`",
                    split.join("-")
                )),
            );
        }
        let mut seen = HashSet::new();
        let mut told = HashSet::new();
        for name in self.names().filter(|name| !name.is_empty()) {
            if !seen.insert(name) && told.insert(name) {
                faults.push(
                    Fault::new(format!("plugin `{name}` comes twice in pipeline `{}`", self.text))
                        .hint(format!("name `{name}` once: each plugin runs once in a run")),
                );
            }
        }
        faults
    }
}

fn no_dash(text: &str) -> Fault {
    if text.trim().is_empty() {
        return Fault::new("the pipeline is empty")
            .hint("write it as `input-output`, such as `host-json_out`");
    }
    Fault::new(format!("pipeline `{text}` has no `-` between inputs and outputs")).hint(format!(
        "name an output after it, such as `{}-cli_out`",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Pipeline::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn parts_keep_the_order_written() {
        let pipeline = Pipeline::parse("a, b-y-x-c,d").unwrap();
        assert_eq!(pipeline.first, ["a", "b"]);
        assert_eq!(pipeline.assistants, ["y", "x"]);
        assert_eq!(pipeline.outputs, ["c", "d"]);
        assert_eq!(
            pipeline.names().collect::<Vec<_>>(),
            ["a", "b", "y", "x", "c", "d"]
        );
    }

    #[test]
    fn pipeline_without_dash_names_an_output_to_add() {
        assert_eq!(
            message("idle"),
            "error: pipeline `idle` has no `-` between inputs and outputs\n  \
             hint: name an output after it, such as `idle-cli_out`"
        );
        assert!(message(" ").contains("the pipeline is empty"));
    }

    #[test]
    fn empty_names_commas_between_assistants_and_repetitions_are_faults() {
        assert!(message("a--b").contains("empty name in its middle part"));
        assert!(message("-a").contains("empty name in its first part"));
        assert!(message("a,-b").contains("empty name in its first part"));
        assert!(message("a-b-").contains("empty name in its last part"));
        assert!(message("a-x,y-b").contains("write `x-y`"));
        assert!(message("a-a").contains("plugin `a` comes twice"));
    }
}

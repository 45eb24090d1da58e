//! Which types of plugins there are templates for, and in which languages.

use clap::ValueEnum;

use crate::error::{Failure, Fault};

/// What a plugin does in a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Gathers data that checks rely on
    Provider,
    /// Makes results by itself
    Input,
    /// A check whose findings a Rego policy makes
    Rego,
    /// Changes the list of results
    Assistant,
    /// Delivers results
    Output,
    /// Runs plugins of a type of its own
    Handler,
}

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Python 3.9 or newer, without a package
    Python,
    /// Rust, with `serde_json` and `rustix`
    Rust,
    /// Go 1.21 or newer, with the standard library
    Go,
    /// Node.js 18 or newer, without a package
    Node,
    /// Any POSIX shell
    Sh,
    /// A policy in Rego, without a program
    Rego,
}

impl Kind {
    /// Returns how manifests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Input => "input",
            Self::Rego => "rego",
            Self::Assistant => "assistant",
            Self::Output => "output",
            Self::Handler => "handler",
        }
    }

    /// Returns it with an article, as sentences need it.
    pub fn one(self) -> &'static str {
        match self {
            Self::Provider => "a provider",
            Self::Input => "an input",
            Self::Rego => "a check",
            Self::Assistant => "an assistant",
            Self::Output => "an output",
            Self::Handler => "a handler",
        }
    }

    /// Returns it at the beginning of a sentence.
    pub(super) fn title(self) -> String {
        self.one().replacen('a', "A", 1)
    }

    /// Returns the languages that there is a template in.
    fn langs(self) -> &'static [Lang] {
        match self {
            Self::Provider | Self::Input | Self::Output => {
                &[Lang::Python, Lang::Rust, Lang::Go, Lang::Node, Lang::Sh]
            }
            Self::Assistant | Self::Handler => &[Lang::Python, Lang::Rust, Lang::Go, Lang::Node],
            Self::Rego => &[Lang::Rego],
        }
    }
}

impl Lang {
    /// Returns how `--lang` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
            Self::Go => "go",
            Self::Node => "node",
            Self::Sh => "sh",
            Self::Rego => "rego",
        }
    }

    /// Returns how people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Node => "Node.js",
            Self::Sh => "shell",
            Self::Rego => "Rego",
        }
    }
}

/// Returns type and language of a template that there is.
///
/// # Errors
/// A usage failure that lists all there are, where one is missing or they do not go together.
pub(super) fn choose(kind: Option<Kind>, lang: Option<Lang>) -> Result<(Kind, Lang), Failure> {
    let refused = |what: String| Err(Failure::usage(Fault::new(what).hint(all())));
    match (kind, lang) {
        (Some(kind), Some(lang)) if kind.langs().contains(&lang) => Ok((kind, lang)),
        (Some(Kind::Rego), None) | (None, Some(Lang::Rego)) => Ok((Kind::Rego, Lang::Rego)),
        (Some(kind), Some(Lang::Sh)) if kind != Kind::Rego => refused(format!(
            "there is no template for {} in shell: it takes Results apart, and a shell has no JSON parser",
            kind.one()
        )),
        (Some(kind), Some(lang)) => refused(format!(
            "there is no template for {} in {}: `--type rego` and `--lang rego` go together",
            kind.one(),
            lang.title()
        )),
        (Some(kind), None) => refused(format!(
            "`--lang` is missing: what is {} to be written in?",
            kind.one()
        )),
        (None, Some(lang)) => refused(format!(
            "`--type` is missing: what is the {} plugin to be?",
            lang.title()
        )),
        (None, None) => refused("`--type` and `--lang` are missing".to_owned()),
    }
}

/// Returns all templates that there are, types of the same languages together.
fn all() -> String {
    let mut groups: Vec<(Vec<&str>, &[Lang])> = Vec::new();
    for kind in Kind::value_variants() {
        match groups.iter_mut().find(|(_, langs)| *langs == kind.langs()) {
            Some((kinds, _)) => kinds.push(kind.name()),
            None => groups.push((vec![kind.name()], kind.langs())),
        }
    }
    let group = |(kinds, langs): (Vec<&str>, &[Lang])| {
        let langs: Vec<_> = langs.iter().map(|lang| lang.name()).collect();
        format!("{} in {}", kinds.join(", "), langs.join(", "))
    };
    let groups: Vec<_> = groups.into_iter().map(group).collect();
    format!("there are: {}", groups.join("; "))
}

//! The requests that the host makes of a plugin.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::incoming::Expect;

/// A request of the life cycle or a hook of the plugin system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// The handshake.
    Initialize,
    /// Asks for the JSON Schema of the plugin's configuration.
    GrabConfig,
    /// Hands over the plugin's configuration.
    SetData,
    /// Prepares the plugin for its work.
    Activate,
    /// Gathers data (provider).
    GatherData,
    /// Makes Results out of providers' data (input).
    Process,
    /// Changes provider data before a Rego check sees it.
    InjectData,
    /// Makes a Result out of a Rego check's findings.
    ReportFindings,
    /// Transforms Results (assistant).
    ProcessInput,
    /// Delivers Results (output).
    ProcessResults,
    /// Runs another plugin (handler).
    ProcessPlugin,
    /// Ends the plugin in good order.
    Shutdown,
}

impl Hook {
    /// Every hook, in the order of the life cycle.
    pub const ALL: [Self; 12] = [
        Self::Initialize,
        Self::GrabConfig,
        Self::SetData,
        Self::Activate,
        Self::GatherData,
        Self::Process,
        Self::InjectData,
        Self::ReportFindings,
        Self::ProcessInput,
        Self::ProcessResults,
        Self::ProcessPlugin,
        Self::Shutdown,
    ];

    /// Returns the method name on the wire.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::GrabConfig => "grab_config",
            Self::SetData => "set_data",
            Self::Activate => "activate",
            Self::GatherData => "gather_data",
            Self::Process => "process",
            Self::InjectData => "inject_data",
            Self::ReportFindings => "report_findings",
            Self::ProcessInput => "process_input",
            Self::ProcessResults => "process_results",
            Self::ProcessPlugin => "process_plugin",
            Self::Shutdown => "shutdown",
        }
    }

    /// Returns the hook with this method name.
    pub fn from_method(method: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.method() == method)
    }

    /// Returns the shape that the hook's result must have.
    pub fn expects(self) -> Expect {
        match self {
            Self::GatherData | Self::InjectData => Expect::Result,
            Self::Process | Self::ProcessInput | Self::ProcessPlugin => Expect::Results,
            Self::ReportFindings => Expect::ResultOrResults,
            _ => Expect::Raw,
        }
    }
}

/// Returns whether a hook of a plugin's own type may have this name: an identifier, or `x-VENDOR/…` of characters that need no escape [HAND-5].
pub fn is_hook_name(name: &str) -> bool {
    let is_plain = |text: &str| {
        let first = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        first && text.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let is_vendors = || {
        let parts = name.strip_prefix("x-").and_then(|rest| rest.split_once('/'));
        let needs_escape = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\');
        parts.is_some_and(|(vendor, method)| !vendor.is_empty() && !method.is_empty())
            && !name.contains(needs_escape)
    };
    is_plain(name) || is_vendors()
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hooks_are_identifiers_or_a_vendors() {
        for name in ["scan", "_s2", "prüfe", "x-acme/tune", "x-acme/tune/fine"] {
            assert!(is_hook_name(name), "{name}");
        }
        let others = [
            "",
            "2s",
            "*",
            "a b",
            "scan\n",
            "scan\"}",
            "$/cancel",
            "host/call_hook",
            "x-acme",
            "x-/tune",
            "x-acme/",
            "x-acme/a\"",
            "x-acme/a\\",
            "x-acme/a b",
            "x-acme/\u{7f}",
        ];
        for name in others {
            assert!(!is_hook_name(name), "{name}");
        }
    }
}

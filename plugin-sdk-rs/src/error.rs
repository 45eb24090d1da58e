//! What may go wrong in a plugin, and how it is told on the wire.

use std::fmt;

use opsbox_protocol::{ErrorBody, ErrorData, code};

use crate::host::HostError;

/// Any error of an author's own. Its whole chain of causes reaches the user.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What hooks return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with a hint: what the user should do about it.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: String,
}

impl Failure {
    /// Makes an error; `message` is lower case and has no final dot, `hint` is imperative.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The call was cancelled; made by [`crate::Ctx::check_cancelled`], so that a hook can leave with `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Where an error arose, for its `data`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) hook: &'a str,
}

impl Place<'_> {
    pub(crate) fn data(self, origin: &str) -> ErrorData {
        ErrorData {
            origin: Some(origin.to_owned()),
            plugin: (!self.plugin.is_empty()).then(|| self.plugin.to_owned()),
            hook: Some(self.hook.to_owned()),
            ..ErrorData::default()
        }
    }

    /// Returns the wire form of an author's error.
    pub(crate) fn hook_failed(self, error: &Error) -> ErrorBody {
        if error.is::<Cancelled>() {
            return self.sdk(code::CANCELLED, "cancelled");
        }
        let mut data = self.data("plugin");
        data.hint = error
            .downcast_ref::<Failure>()
            .map(|failure| failure.hint.clone());
        if let Some(of_host) = error.downcast_ref::<HostError>() {
            // What the called plugin said is the cause.
            let cause = of_host.data();
            (data.hint, data.traceback) = (cause.hint, cause.traceback);
        }
        ErrorBody::with_data(code::HOOK_FAILED, chain(error.as_ref()), &data)
    }

    /// Returns the wire form of a configuration that the plugin cannot use.
    pub(crate) fn config_invalid(self, error: &Error) -> ErrorBody {
        let message = chain(error.as_ref());
        let mut data = self.data("plugin");
        data.hint = error
            .downcast_ref::<Failure>()
            .map(|failure| failure.hint.clone());
        data.fields =
            field_of(&message).map(|field| serde_json::json!([{"field": field, "message": message}]));
        ErrorBody::with_data(code::CONFIG_INVALID, message, &data)
    }

    /// Returns the wire form of a configuration that does not fit its type; `path` leads to the value, from the field on.
    pub(crate) fn config_misfits(self, path: &str, error: &serde_json::Error) -> ErrorBody {
        let message = error.to_string();
        let field =
            field_of(&message).or_else(|| path.split(['.', '[']).next().filter(|field| is_field(field)));
        let Some(field) = field.map(str::to_owned) else {
            return ErrorBody::with_data(code::CONFIG_INVALID, message, &self.data("plugin"));
        };
        let mut data = self.data("plugin");
        data.fields = Some(serde_json::json!([{"field": field, "message": message}]));
        let told = message.contains(&format!("`{field}`"));
        let text = if told {
            message
        } else {
            format!("`{field}`: {message}")
        };
        ErrorBody::with_data(code::CONFIG_INVALID, text, &data)
    }

    /// Returns an error that the SDK itself makes.
    pub(crate) fn sdk(self, code: i64, message: impl Into<String>) -> ErrorBody {
        ErrorBody::with_data(code, message, &self.data("sdk"))
    }
}

/// Returns the error and its causes; a cause whose text already stands in the one above is left out.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Returns whether the first part of a path is a field: the whole object is `.`, what nobody knows `?`.
fn is_field(part: &str) -> bool {
    !part.is_empty() && part != "?"
}

/// Returns the field that serde's own messages name: "missing field `x`", "unknown field `x`, …".
fn field_of(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("missing field `")
        .or_else(|| message.strip_prefix("unknown field `"))?;
    rest.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_causes_is_one_line_without_repetition() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot ask `api`")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("connection refused"));
        assert_eq!(chain(&error), "cannot ask `api`: connection refused");
    }

    #[test]
    fn the_field_of_a_serde_message_is_found() {
        assert_eq!(field_of("missing field `paths`"), Some("paths"));
        assert_eq!(field_of("invalid type"), None);
    }
}

//! What a handler plugin asks of the host while one of its calls is open. Each request is answered exactly once, or refused when it is dropped.

use std::sync::Arc;

use bytes::Bytes;
use opsbox_protocol::{ErrorBody, code, handler, is_hook_name, outgoing};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::peer::{Pieces, Shared};

const SHOWN_CHARS: usize = 100;

/// Where the requests of one call arrive. Sending never waits: the reader of the plugin must not.
pub(crate) type Desk = mpsc::UnboundedSender<HostRequest>;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ask {
    /// The plugins of the run.
    ActivePlugins,
    /// A hook of one of them.
    CallHook {
        /// The plugin.
        plugin: String,
        /// The hook.
        hook: String,
        /// Its parameters, an object: a slice of the line that they came in.
        params: Bytes,
    },
}

/// A request that waits for its answer.
pub(crate) struct HostRequest {
    pub(crate) ask: Ask,
    shared: Arc<Shared>,
    /// The host's own call that the request belongs to.
    call: u64,
    /// The request's id, as JSON text.
    id: String,
    answered: bool,
}

impl HostRequest {
    pub(super) fn new(ask: Ask, shared: Arc<Shared>, call: u64, id: &str) -> Self {
        Self {
            ask,
            shared,
            call,
            id: id.to_owned(),
            answered: false,
        }
    }

    /// Answers with a result, JSON in pieces.
    pub(crate) fn answer(mut self, result: Pieces) {
        let mut pieces = vec![Bytes::from(outgoing::response_head(&self.id))];
        pieces.extend(result);
        pieces.push(Bytes::from_static(outgoing::TAIL.as_bytes()));
        self.send(pieces);
    }

    /// Answers with an error.
    pub(crate) fn refuse(mut self, error: &ErrorBody) {
        self.send(vec![Bytes::from(outgoing::error_line(&self.id, error))]);
    }

    fn send(&mut self, pieces: Pieces) {
        self.answered = true;
        self.shared.answer_request(self.call, pieces);
    }
}

impl Drop for HostRequest {
    fn drop(&mut self) {
        if !self.answered {
            let error = ErrorBody::new(code::CANCELLED, "the call that this belongs to has ended");
            self.send(vec![Bytes::from(outgoing::error_line(&self.id, &error))]);
        }
    }
}

#[derive(Deserialize)]
struct Asked<'a> {
    id: Option<u64>,
    plugin: Option<String>,
    hook: Option<String>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// Reads a request of a method that begins with `host/`: the call it belongs to, and what is asked.
pub(super) fn read(method: &str, params: Option<&RawValue>, line: &Bytes) -> Result<(u64, Ask), ErrorBody> {
    let known = [handler::ACTIVE_PLUGINS, handler::CALL_HOOK];
    if !known.contains(&method) {
        let message = format!(
            "this host offers no method `{}`; it offers {}",
            method.escape_debug(),
            known.join(", ")
        );
        return Err(ErrorBody::new(code::METHOD_NOT_FOUND, message));
    }
    let wrong = |why: String| ErrorBody::new(code::INVALID_PARAMS, format!("`{method}`: {why}"));
    let text = params.map_or("{}", RawValue::get);
    let asked: Asked<'_> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    let lacks = |member: &str| wrong(format!("the member `{member}` is missing"));
    let call = asked.id.ok_or_else(|| lacks("id"))?;
    if method == handler::ACTIVE_PLUGINS {
        return Ok((call, Ask::ActivePlugins));
    }
    let params = match asked.params.map(RawValue::get) {
        None => Bytes::from_static(b"{}"),
        Some(text) if text.starts_with('{') => line.slice_ref(text.as_bytes()),
        Some(_) => return Err(wrong("`params` must be an object".into())),
    };
    let plugin = asked.plugin.ok_or_else(|| lacks("plugin"))?;
    let hook = asked.hook.ok_or_else(|| lacks("hook"))?;
    // It becomes a method on another plugin's wire.
    if !is_hook_name(&hook) {
        let shown: String = hook.chars().take(SHOWN_CHARS).collect();
        let shown = shown.escape_debug();
        return Err(wrong(format!(
            "the hook `{shown}` is neither an identifier nor `x-VENDOR/…`"
        )));
    }
    Ok((call, Ask::CallHook { plugin, hook, params }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, params: &str) -> Result<(u64, Ask), String> {
        let line = Bytes::copy_from_slice(params.as_bytes());
        let text = std::str::from_utf8(&line).unwrap();
        let raw: &RawValue = serde_json::from_str(text).unwrap();
        read(method, Some(raw), &line).map_err(|error| format!("{}: {}", error.code, error.message))
    }

    #[test]
    fn parameters_of_a_hook_stay_the_bytes_that_the_handler_wrote() {
        let (call, ask) = check(
            "host/call_hook",
            r#"{"params":{"n": 1e400 },"hook":"scan","plugin":"a","id":7,"more":1}"#,
        )
        .unwrap();
        let params = Bytes::from_static(br#"{"n": 1e400 }"#);
        assert_eq!(call, 7);
        assert_eq!(
            ask,
            Ask::CallHook {
                plugin: "a".into(),
                hook: "scan".into(),
                params
            }
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = |method, params| check(method, params).unwrap_err();
        assert_eq!(
            error("host/call_hook", r#"{"id":7,"plugin":"a"}"#),
            "-32602: `host/call_hook`: the member `hook` is missing"
        );
        assert_eq!(
            error("host/active_plugins", "{}"),
            "-32602: `host/active_plugins`: the member `id` is missing"
        );
        assert_eq!(
            error(
                "host/call_hook",
                r#"{"id":7,"plugin":"a","hook":"b","params":[]}"#
            ),
            "-32602: `host/call_hook`: `params` must be an object"
        );
        assert_eq!(
            error("host/stop", r#"{"id":7}"#),
            "-32601: this host offers no method `host/stop`; it offers host/active_plugins, host/call_hook"
        );
        assert!(error("host/call_hook", r#"{"id":-7}"#).starts_with("-32602: "));
    }

    #[test]
    fn what_is_no_name_of_a_hook_becomes_no_method() {
        for hook in ["", "$/cancel", "host/call_hook", r#"scan\n\"}"#] {
            let params = format!(r#"{{"id":7,"plugin":"a","hook":"{hook}"}}"#);
            let error = check("host/call_hook", &params).unwrap_err();
            assert!(
                error.starts_with("-32602: `host/call_hook`: the hook `"),
                "{error}"
            );
        }
        assert!(check("host/call_hook", r#"{"id":7,"plugin":"a","hook":"x-acme/tune"}"#).is_ok());
    }
}

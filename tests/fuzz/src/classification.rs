//! One line of a plugin: classified by its keys alone, as serde_json's tree of it says, and cut without a copy.

use opsbox_protocol::{
    ErrorBody, Expect, Incoming, LineFault, Outcome, Payload, ResultView, parse_line, recover_id,
};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// The input is the line.
pub fn check(data: &[u8]) {
    let Ok(line) = std::str::from_utf8(data) else {
        return;
    };
    let expect = |id: &str| match id {
        "1" => Some(Expect::Result),
        "2" => Some(Expect::Results),
        "3" => Some(Expect::ResultOrResults),
        "4" => Some(Expect::Raw),
        _ => None,
    };
    let parsed = parse_line(line, &expect);
    if let Ok(incoming) = &parsed {
        let text = line.trim_start_matches('\u{feff}');
        assert!(
            serde_json::from_str::<IgnoredAny>(text).is_ok(),
            "no JSON, but a message"
        );
        check_slices(incoming, line);
    }
    if let Err(LineFault::Damaged { id: Some(id), .. }) = &parsed {
        check_id(id);
    }
    if let Some(id) = recover_id(line) {
        check_id(&id);
    }
    let text = line.strip_prefix('\u{feff}').unwrap_or(line);
    if let Ok(Value::Object(members)) = serde_json::from_str(text) {
        check_kind(&parsed, &members);
        check_recovered(text, &members);
    }
}

/// An id goes back to its sender byte for byte, inside of JSON.
#[track_caller]
fn check_id(id: &str) {
    let is_json = serde_json::from_str::<IgnoredAny>(id).is_ok();
    assert!(
        is_json && (id.starts_with('"') || id.parse::<i128>().is_ok()),
        "{id:?} cannot be answered"
    );
}

fn check_slices(incoming: &Incoming<'_>, line: &str) {
    match incoming {
        Incoming::Request { id, method, params } => {
            super::assert_lies_in(id, line);
            check_id(id);
            check_call(method, params.map(|params| params.get()), line);
        }
        Incoming::Notification { method, params } => {
            check_call(method, params.map(|params| params.get()), line)
        }
        Incoming::Response { id, outcome } => {
            super::assert_lies_in(id, line);
            check_id(id);
            match outcome {
                Outcome::Result(Payload::Raw(raw)) => super::assert_lies_in(raw.get(), line),
                Outcome::Result(Payload::Results(views)) => {
                    views.iter().for_each(|view| check_view(view, line))
                }
                Outcome::Result(Payload::Fault(_)) | Outcome::Error(_) => {}
            }
        }
    }
}

fn check_call(method: &str, params: Option<&str>, line: &str) {
    // One with escapes is a copy, which is no part of the line.
    if !line.contains('\\') {
        super::assert_lies_in(method, line);
    }
    if let Some(params) = params {
        super::assert_lies_in(params, line);
    }
}

fn check_view(view: &ResultView<'_>, line: &str) {
    super::assert_lies_in(view.raw, line);
    super::assert_lies_in(view.details.get(), view.raw);
    let again = ResultView::parse(view.raw).expect("a Result that was cut out is one");
    assert_eq!(again.raw, view.raw);
    assert_eq!(
        (&again.relates_to, &again.result_name),
        (&view.relates_to, &view.result_name)
    );
}

/// Compares with what the tree says: which message the keys make.
fn check_kind(parsed: &Result<Incoming<'_>, LineFault>, members: &Map<String, Value>) {
    if let Err(LineFault::Damaged { why, .. }) = parsed
        && why.contains("stands twice")
    {
        // The tree keeps the last one and knows of no other.
        return;
    }
    let kind = match parsed {
        Ok(Incoming::Request { .. }) => "request",
        Ok(Incoming::Notification { .. }) => "notification",
        Ok(Incoming::Response {
            outcome: Outcome::Error(_),
            ..
        }) => "error",
        Ok(Incoming::Response { .. }) => "result",
        Err(LineFault::Noise) => "noise",
        Err(LineFault::Damaged { .. }) => "damaged",
    };
    assert_eq!(kind, kind_of(members));
}

fn kind_of(members: &Map<String, Value>) -> &'static str {
    let has = |name: &str| members.contains_key(name);
    let is_minus_zero = |id: f64| id == 0.0 && id.is_sign_negative();
    // `-0` is an integer that the tree holds as a float.
    let is_id =
        |id: &Value| id.is_string() || id.is_i64() || id.is_u64() || id.as_f64().is_some_and(is_minus_zero);
    let Some(version) = members.get("jsonrpc") else {
        return "noise";
    };
    if version != "2.0" || members.get("id").is_some_and(|id| !is_id(id)) {
        return "damaged";
    }
    if let Some(method) = members.get("method") {
        return match () {
            () if !method.is_string() || has("result") || has("error") => "damaged",
            () if has("id") => "request",
            () => "notification",
        };
    }
    match (has("id"), has("result"), members.get("error")) {
        (true, true, None) => "result",
        (true, false, Some(error)) if serde_json::from_str::<ErrorBody>(&error.to_string()).is_ok() => {
            "error"
        }
        _ => "damaged",
    }
}

/// An id that is found in a whole object is the object's own.
fn check_recovered(text: &str, members: &Map<String, Value>) {
    if text.matches("id").count() + text.matches("\\u").count() > 1 {
        return;
    }
    if let Some(id) = recover_id(text) {
        assert_eq!(
            serde_json::from_str::<Value>(&id).ok().as_ref(),
            members.get("id"),
            "{text}"
        );
    }
}

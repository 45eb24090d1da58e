//! What a line of the wire says, also where it holds what the host takes and no text can: half of a surrogate pair, a number beyond all bounds.

use opsbox_protocol::recover_id;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::shape::TraceLine;

/// What a line of the wire is, as far as it can be read. Ids are JSON texts, as they were written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// A request: id, method, parameters.
    Request(String, String, Value),
    /// A notification: method, parameters.
    Notification(String, Value),
    /// An answer: the id, and the result or the error.
    Answer(String, Result<Value, Value>),
    /// Meant as a message, and none: the id where one can be read.
    Broken(Option<String>),
    /// Anything else, or what cannot be told from a line that was cut.
    Other,
}

/// A message, its members as they were written.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "there")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "there")]
    error: Option<&'a RawValue>,
}

/// Reads a member; `null` is one as well.
fn there<'de: 'a, 'a, D: Deserializer<'de>>(reader: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(reader).map(Some)
}

impl Said {
    /// Reads a line; of one that was cut only its beginning is there.
    pub(super) fn of(line: &TraceLine) -> Self {
        if !line.is_whole() {
            return Self::of_beginning(&line.line);
        }
        Self::of_text(&line.line)
    }

    /// Reads a whole line.
    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let broken = || {
            let is_meant = text.contains("\"jsonrpc\"");
            if is_meant {
                Self::Broken(recover_id(text))
            } else {
                Self::Other
            }
        };
        let Ok(message) = serde_json::from_str::<Envelope<'_>>(text) else {
            return broken();
        };
        if message.jsonrpc.is_none() {
            return Self::Other;
        }
        let id = message.id.map(|id| id.get().to_owned());
        let method = message
            .method
            .map(|method| serde_json::from_str::<String>(method.get()));
        match (id, method, message.result, message.error) {
            (Some(id), Some(Ok(method)), None, None) => Self::Request(id, method, params(message.params)),
            (None, Some(Ok(method)), None, None) => Self::Notification(method, params(message.params)),
            (Some(id), None, Some(result), None) => Self::Answer(id, Ok(value(result))),
            (Some(id), None, None, Some(error)) => Self::Answer(id, Err(value(error))),
            _ => broken(),
        }
    }

    /// Reads the envelope of a line that was cut, where it stands before the payload.
    fn of_beginning(text: &str) -> Self {
        let Some(end) = ["\"params\":", "\"result\":", "\"error\":"]
            .iter()
            .filter_map(|name| text.find(name).map(|at| at + name.len()))
            .min()
        else {
            return Self::Other;
        };
        match Self::of_text(&format!("{}null}}", &text[..end])) {
            Self::Broken(_) => Self::Other,
            said => said,
        }
    }
}

fn params(raw: Option<&RawValue>) -> Value {
    raw.map_or_else(|| json!({}), value)
}

/// Returns a value; half of a surrogate pair stands in it as its escape, and what is no value even so is its text.
fn value(raw: &RawValue) -> Value {
    let text = raw.get();
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&with_halves_as_text(text)))
        .unwrap_or_else(|_| Value::from(text))
}

/// Returns a JSON text in which halves of surrogate pairs are the text of their escapes.
fn with_halves_as_text(json: &str) -> String {
    let mut whole = String::with_capacity(json.len() + 8);
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        let escape = &rest[at..];
        let second = escape.get(6..).and_then(surrogate);
        let length = match (surrogate(escape), second) {
            (Some(0xd800..0xdc00), Some(0xdc00..)) => 12,
            (Some(half), _) => {
                whole.push_str(&format!("\\\\u{half:04x}"));
                rest = &escape[6..];
                continue;
            }
            (None, _) => 2,
        };
        let (escape, after) = escape.split_at(length.min(escape.len()));
        whole.push_str(escape);
        rest = after;
    }
    whole + rest
}

/// Returns the half of a surrogate pair whose escape begins a text.
fn surrogate(text: &str) -> Option<u16> {
    let unit = u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..0xe000).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(result: &str) -> Value {
        match Said::of_text(&format!("{{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{result}}}")) {
            Said::Answer(id, Ok(value)) if id == "3" => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_one_whatever_the_host_takes_stands_in_it() {
        assert_eq!(answer("null"), Value::Null);
        assert_eq!(
            answer(r#"{"caf\udce9":["\uD83D\\","\ud83d\ude00","\ud83d\ud83d\ude00"]}"#),
            json!({"caf\\udce9": ["\\ud83d\\", "😀", "\\ud83d😀"]})
        );
        assert_eq!(answer("[1e999, \"\\udce9\"]"), json!("[1e999, \"\\udce9\"]"));
    }

    #[test]
    fn what_was_meant_as_a_message_and_is_none_is_told_from_noise() {
        for (line, said) in [
            (
                r#"{"jsonrpc":"2.0","id":3,"result":{"pin":oops}}"#,
                Said::Broken(Some("3".into())),
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"id":4,"result":1}"#,
                Said::Broken(Some("3".into())),
            ),
            (r#"{"jsonrpc":"2.0","result":1}"#, Said::Broken(None)),
            (r#"{"id":3,"result":1}"#, Said::Other),
            ("hello", Said::Other),
        ] {
            assert_eq!(Said::of_text(line), said, "{line}");
        }
    }
}

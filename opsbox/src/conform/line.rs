//! One line of the wire as the suite sees it: taken apart without mercy, so that each rule can name what it dislikes.

use bytes::Bytes;
use opsbox_protocol::limits;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A line that the plugin wrote.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its bytes, without the `\n`; of an overlong one the beginning.
    pub(crate) bytes: Bytes,
    /// How long it is, in bytes.
    pub(crate) length: u64,
    /// Whether a `\n` ended it.
    pub(crate) ended: bool,
    /// How deep it nests.
    pub(crate) depth: u32,
    /// What it is.
    pub(crate) shape: Shape,
}

/// What a line is, as section 5 of the protocol sorts it.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Empty, or blanks only.
    Blank,
    /// Never meant as a message.
    Noise,
    /// Meant as a message, and not even a JSON object by itself.
    Damaged(Damage),
    /// A JSON object with a member `jsonrpc`.
    Message(Message),
}

/// In which way a line is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Bytes that are no UTF-8.
    Encoding,
    /// Two messages, or parts of them, on one line.
    Mixed,
    /// Text of somebody else before the message.
    Prefixed,
    /// An array of messages.
    Batch,
    /// `NaN`, `Infinity`, or a control character that is not escaped.
    Token,
    /// Too long to be kept.
    Long,
    /// Anything else that is not JSON, such as a part of a message that spans lines.
    Cut,
}

/// The outermost members of a message, in their order, doubled ones included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) members: Vec<(String, Box<RawValue>)>,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Success.
    Result(Value),
    /// Failure: code and message, as far as they are there.
    Error(i64, String),
}

impl Line {
    /// Takes a line apart.
    pub(crate) fn read(bytes: Bytes, length: u64, ended: bool, depth: u32) -> Self {
        let whole = bytes.len() as u64 == length;
        let shape = match shape(&bytes) {
            Shape::Damaged(_) if !whole => Shape::Damaged(Damage::Long),
            shape => shape,
        };
        Self {
            bytes,
            length,
            ended,
            depth,
            shape,
        }
    }

    /// Returns the message; `None` for noise and damage.
    pub(crate) fn message(&self) -> Option<&Message> {
        match &self.shape {
            Shape::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Returns the text, with a mark for each byte that is none.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Message {
    /// Returns the JSON text of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.members.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.get())
    }

    /// Returns a member as a value; `None` also where it nests too deep to be read.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// Returns the method, where there is one and it is a string.
    pub(crate) fn method(&self) -> Option<String> {
        self.get("method")
            .and_then(|text| serde_json::from_str(text).ok())
    }

    /// Returns whether it is a request: it has a method and an id.
    pub(crate) fn is_request(&self) -> bool {
        self.get("method").is_some() && self.get("id").is_some()
    }

    /// Returns whether it is a notification: it has a method and no id.
    pub(crate) fn is_notification(&self) -> bool {
        self.get("method").is_some() && self.get("id").is_none()
    }

    /// Returns whether it is meant as an answer: it has no method.
    pub(crate) fn is_response(&self) -> bool {
        self.get("method").is_none()
    }

    /// Returns the parameters as a value; an empty object where there are none.
    pub(crate) fn params(&self) -> Value {
        self.value("params").unwrap_or_else(|| serde_json::json!({}))
    }

    /// Returns what an answer says; `None` where it has neither `result` nor `error`.
    pub(crate) fn answer(&self) -> Option<Answer> {
        if self.get("error").is_some() {
            let error = self.value("error").unwrap_or_default();
            let code = error["code"].as_i64().unwrap_or_default();
            return Some(Answer::Error(
                code,
                error["message"].as_str().unwrap_or_default().to_owned(),
            ));
        }
        self.get("result")?;
        Some(Answer::Result(self.value("result").unwrap_or_default()))
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Message;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Message { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Returns the names of an object's members that stand in it twice; none where the text is no object.
pub(crate) fn doubled(object: &str) -> Vec<String> {
    let Ok(Message { members }) = serde_json::from_str::<Message>(object) else {
        return Vec::new();
    };
    let mut names: Vec<String> = members.into_iter().map(|(name, _)| name).collect();
    names.sort();
    let twice = names.windows(2).filter(|pair| pair[0] == pair[1]);
    twice.map(|pair| pair[0].clone()).collect()
}

fn shape(bytes: &[u8]) -> Shape {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return match memchr::memmem::find(bytes, b"\"jsonrpc\"") {
            Some(_) => Shape::Damaged(Damage::Encoding),
            None => Shape::Noise,
        };
    };
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .trim_matches([' ', '\t', '\r']);
    if text.is_empty() {
        return Shape::Blank;
    }
    match serde_json::from_str::<Message>(text) {
        Ok(message) if message.get("jsonrpc").is_some() => Shape::Message(message),
        Ok(_) => Shape::Noise,
        Err(_) if !text.contains("\"jsonrpc\"") => Shape::Noise,
        Err(_) => Shape::Damaged(damage(text)),
    }
}

fn damage(text: &str) -> Damage {
    if text.starts_with('[') {
        return Damage::Batch;
    }
    if !text.starts_with('{') {
        return Damage::Prefixed;
    }
    let mut first = serde_json::Deserializer::from_str(text).into_iter::<Message>();
    if matches!(first.next(), Some(Ok(_))) {
        return Damage::Mixed;
    }
    if text.matches("\"jsonrpc\"").count() > 1 {
        return Damage::Mixed;
    }
    let control = text.chars().any(|c| c < ' ' && c != '\t');
    let bare = ["NaN", "Infinity"].iter().any(|word| {
        text.match_indices(word)
            .any(|(at, _)| text[..at].trim_end().ends_with([':', ',', '[', '-']))
    });
    if control || bare {
        Damage::Token
    } else {
        Damage::Cut
    }
}

/// Returns whether the line nests deeper than the protocol allows.
pub(crate) fn is_too_deep(line: &Line) -> bool {
    line.depth > limits::DEPTH
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: &str) {
        let line = Line::read(
            Bytes::copy_from_slice(text.as_bytes()),
            text.len() as u64,
            true,
            0,
        );
        let got = match &line.shape {
            Shape::Message(_) => "message".to_owned(),
            Shape::Damaged(damage) => format!("{damage:?}"),
            other => format!("{other:?}"),
        };
        assert_eq!(got, wanted, "{text}");
    }

    #[test]
    fn broken_lines_are_told_apart_by_what_broke_them() {
        check("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "message");
        check("\u{feff}{\"jsonrpc\":\"1.0\"}\r", "message");
        check(" \t\r", "Blank");
        check("hello", "Noise");
        check("{\"id\":1}", "Noise");
        check("[{\"jsonrpc\":\"2.0\"}]", "Batch");
        check("ready {\"jsonrpc\":\"2.0\"}", "Prefixed");
        check("{\"jsonrpc\":\"2.0\"}{\"jsonrpc\":\"2.0\"}", "Mixed");
        check("{\"jsonrpc\":\"2.0\",\"re{\"jsonrpc\":\"2.0\"}", "Mixed");
        check("{\"jsonrpc\":\"2.0\",\"result\":[NaN]}", "Token");
        check("{\"jsonrpc\":\"2.0\",\"result\":\"a\u{1}b\"}", "Token");
        check("\"jsonrpc\": \"2.0\",", "Prefixed");
        check("{\"jsonrpc\":\"2.0\",\"id\"", "Cut");
    }

    #[test]
    fn members_that_stand_twice_are_found() {
        assert_eq!(doubled("{\"a\":1,\"b\":{\"a\":1},\"a\":2}"), ["a"]);
        assert!(doubled("{\"a\":{\"b\":1},\"b\":2}").is_empty());
        assert!(doubled("[1]").is_empty());
    }
}

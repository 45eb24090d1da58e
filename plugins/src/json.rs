//! Looking into JSON text without building a tree, so that number spellings and key order survive.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object, in their order; a doubled key stands twice.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the members of a JSON object, or `None` where the text is no object.
pub(crate) fn members(raw: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(raw)
        .ok()
        .map(|members| members.0)
}

/// Returns the items of a JSON array, or `None` where the text is no array.
pub(crate) fn items(raw: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw).ok()
}

/// Returns how deep the arrays and objects of JSON text nest.
pub(crate) fn depth(raw: &str) -> u32 {
    let bytes = raw.as_bytes();
    let (mut depth, mut deepest, mut at) = (0_u32, 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = token_end(bytes, at) - 1,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Returns the JSON text of an array.
pub(crate) fn array_of(items: &[&RawValue]) -> String {
    let mut text = String::with_capacity(items.iter().map(|item| item.get().len() + 1).sum::<usize>() + 2);
    text.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(item.get());
    }
    text.push(']');
    text
}

/// Returns the JSON text of an object.
pub(crate) fn object_of<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("{");
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(key).to_string());
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
    text
}

/// Appends JSON text with line ends and two blanks per level. Tokens are copied as they are; `level` is that of the line it begins on.
///
/// `spill` may take what there is, at the end of a line.
pub(crate) fn pretty(raw: &str, level: usize, out: &mut String, spill: &mut dyn FnMut(&mut String)) {
    let bytes = raw.as_bytes();
    let mut level = level;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            open @ (b'{' | b'[') => {
                out.push(char::from(open));
                at += 1;
                while at < bytes.len() && bytes[at].is_ascii_whitespace() {
                    at += 1;
                }
                if at < bytes.len() && matches!(bytes[at], b'}' | b']') {
                    out.push(char::from(bytes[at]));
                    at += 1;
                } else {
                    level += 1;
                    new_line(level, out);
                }
            }
            close @ (b'}' | b']') => {
                level = level.saturating_sub(1);
                new_line(level, out);
                out.push(char::from(close));
                at += 1;
            }
            b',' => {
                out.push(',');
                spill(out);
                new_line(level, out);
                at += 1;
            }
            b':' => {
                out.push_str(": ");
                at += 1;
            }
            _ => {
                let end = token_end(bytes, at);
                out.push_str(&raw[at..end]);
                at = end;
            }
        }
    }
}

fn new_line(level: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", level));
}

/// Returns where the string, number or word that starts here ends.
fn token_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    if bytes[start] == b'"' {
        while at < bytes.len() && bytes[at] != b'"' {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        return (at + 1).min(bytes.len());
    }
    while at < bytes.len() && !matches!(bytes[at], b',' | b'}' | b']') && !bytes[at].is_ascii_whitespace() {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_text_keeps_tokens_and_indents_by_two() {
        let mut out = String::new();
        pretty(
            r#"{"z" :1.50,"a\"}":[ ],"b":{ }, "c":[-0.0,1e400,"x,\\",null,{"d":"é"}]}"#,
            0,
            &mut out,
            &mut |_| {},
        );
        assert_eq!(
            out,
            "{\n  \"z\": 1.50,\n  \"a\\\"}\": [],\n  \"b\": {},\n  \"c\": [\n    -0.0,\n    1e400,\n    \"x,\\\\\",\n    null,\n    {\n      \"d\": \"é\"\n    }\n  ]\n}"
        );
    }

    #[test]
    fn members_keep_order_and_doubled_keys() {
        let members = members(r#"{"b":1.0,"a":2,"b":3}"#).expect("an object");
        let texts: Vec<_> = members.iter().map(|(key, value)| (&**key, value.get())).collect();
        assert_eq!(texts, [("b", "1.0"), ("a", "2"), ("b", "3")]);
        assert_eq!(object_of(texts), r#"{"b":1.0,"a":2,"b":3}"#);
        assert!(items("{}").is_none());
    }

    #[test]
    fn depth_is_not_fooled_by_text() {
        assert_eq!(depth(r#"{"a":"[[[\"[","b":[{"c":[]}]}"#), 4);
        assert_eq!(depth("7"), 0);
    }
}

//! A tree of Rego values straight from JSON text: one allocation for a text, none for a key or a short text that was there just before.

use std::collections::BTreeMap;
use std::fmt;

use regorus::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::parallel;

/// Resources of one kind have the same keys, and many of the same short words; so many of them are remembered.
const REMEMBERED: usize = 1024;
/// Longer texts are hardly ever the same.
const SHORT_BYTES: usize = 32;

/// A shorter text is read before other threads have started.
pub const LARGE_BYTES: usize = 1 << 20;

/// Parses one JSON document, a large one with several threads.
///
/// # Errors
/// Where the text is no JSON document, nests too deep, or holds a number out of range.
pub fn of_json(json: &str) -> serde_json::Result<Value> {
    if json.len() >= LARGE_BYTES
        && let Some(value) = parallel::of_json(json)
    {
        return Ok(value);
    }
    one(json, &mut Seen::new())
}

/// Parses several documents; `None` where one of them cannot be.
pub(super) fn of_texts(texts: &[&RawValue]) -> Option<Vec<Value>> {
    let mut seen = Seen::new();
    texts.iter().map(|text| one(text.get(), &mut seen).ok()).collect()
}

fn one(json: &str, seen: &mut Seen) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = Tree(seen).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Texts that were read before, each in the only place where it can be.
struct Seen(Vec<Value>);

impl Seen {
    fn new() -> Self {
        Self(vec![Value::Null; REMEMBERED])
    }

    fn value(&mut self, text: &str) -> Value {
        if text.len() > SHORT_BYTES {
            return Value::String(text.into());
        }
        let place = &mut self.0[place(text.as_bytes())];
        match place {
            Value::String(there) if **there == *text => place.clone(),
            _ => {
                *place = Value::String(text.into());
                place.clone()
            }
        }
    }
}

/// Returns the place of a text: what tells the texts of one document apart is mostly their length and their ends.
fn place(text: &[u8]) -> usize {
    let end: [u8; 8] = match text.len().checked_sub(8) {
        Some(at) => text[at..].try_into().unwrap_or_default(),
        None => {
            let mut end = [0; 8];
            end[..text.len()].copy_from_slice(text);
            end
        }
    };
    let mixed = u64::from_le_bytes(end)
        .wrapping_add(text.len() as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 48) as usize % REMEMBERED
}

/// Reads a value, or a key.
struct Tree<'s>(&'s mut Seen);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(self.0.value(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Tree(self.0))? {
            all.push(item);
        }
        Ok(Value::from(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = fields.next_key_seed(Tree(self.0))? {
            all.push((key, fields.next_value_seed(Tree(self.0))?));
        }
        // Of a key that stands twice the last one counts, as in all that reads JSON here.
        Ok(Value::from(all.into_iter().collect::<BTreeMap<_, _>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_tree_that_the_engine_makes_itself() {
        for json in [
            "null",
            "[]",
            "{}",
            r#"{"b":[true,false,null],"a":{"":"","ü":"\u00fc\ud83d\ude00"},"a":{"c":1}}"#,
            "[0,-0,1,-1,1.0,-0.0,0.1,1e21,1e-7,18446744073709551615,-9223372036854775808]",
            r#"[{"id":"vol-1","state":"in-use"},{"state":"in-use","id":"vol-2"},{"id":"vol-1"}]"#,
        ] {
            let value = of_json(json).unwrap();
            assert_eq!(value, Value::from_json_str(json).unwrap(), "{json}");
            assert_eq!(value.to_string(), Value::from_json_str(json).unwrap().to_string());
        }
    }

    #[test]
    fn texts_that_share_a_place_are_told_apart() {
        // More texts than there are places, of every length up to one that is not remembered.
        let texts: Vec<_> = (0..5_000)
            .map(|n: usize| format!("{n:0width$}", width = n % (SHORT_BYTES + 4)))
            .collect();
        let json = serde_json::to_string(&[&texts, &texts]).unwrap();
        assert_eq!(of_json(&json).unwrap().to_string(), json);
    }

    #[test]
    fn what_is_no_document_is_refused_as_the_engine_refuses_it() {
        let deep = "[".repeat(200);
        for json in ["", "[1,]", "1 2", r#"{"a"}"#, r#""\ud800""#, "1e400", &deep] {
            let ours = of_json(json).unwrap_err().to_string();
            assert_eq!(
                ours,
                Value::from_json_str(json).unwrap_err().to_string(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_large_document_is_the_same_tree_however_many_read_it() {
        let item = |n: usize| {
            format!(
                r#"{{"id":"vol-{n}","state":"in-use","tags":{{"Name":"n-{}"}},"size":{n}.5}}"#,
                n % 7
            )
        };
        let items = |n: usize| (0..n).map(item).collect::<Vec<_>>().join(",");
        for json in [
            format!("[{}]", items(20_000)),
            format!(r#"{{"a":[{}]}}"#, items(20_000)),
            format!(
                r#"{{"data":{{"relates_to":"a","details":{{"input":{{"v":[{}],"none":[],"n":1,"i":[{}],"v":[{}],"o":{{"x":{{}}}}}},"t":true}},"formatted":null}},"u":-1,"f":1e21}}"#,
                items(10),
                items(15_000),
                items(9_000),
            ),
            format!(
                r#"{{"a":{{"b":{{"c":{{"d":{{"e":[{}],"f":"ü"}}}}}}}}}}"#,
                items(20_000)
            ),
            format!(r#"[[{}],"{}",0]"#, items(3), "x".repeat(LARGE_BYTES)),
        ] {
            assert!(json.len() >= LARGE_BYTES, "{}", json.len());
            let value = of_json(&json).unwrap();
            assert!(value == Value::from_json_str(&json).unwrap(), "{}", &json[..60]);
        }
    }

    #[test]
    fn a_fault_far_inside_a_large_document_is_told_with_its_place() {
        let good = r#"{"n":1},"#.repeat(200_000);
        for bad in ["{", r#"{"n":1e400}"#, r#"{"n":"\ud800"}"#, "01", ""] {
            let json = format!(r#"{{"details":[{good}{bad}]}}"#);
            let ours = of_json(&json).unwrap_err().to_string();
            assert_eq!(
                ours,
                Value::from_json_str(&json).unwrap_err().to_string(),
                "{bad}"
            );
        }
    }
}

//! The outer levels of a large JSON text; its many small parts are left as texts, to be read side by side.

use std::collections::BTreeMap;
use std::fmt;

use regorus::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Lists of resources stand at most so deep: a message, its parameters, a Result, `details`, `input`, a kind of resources.
const LEVELS: usize = 6;

/// A value of the outer levels.
pub(super) enum Sketch {
    /// One that is read already.
    Read(Value),
    /// The next text.
    Text,
    /// A list of so many texts.
    List(usize),
    /// An object.
    Object(Vec<(String, Sketch)>),
}

impl Sketch {
    /// Returns the whole, made of what the texts are read as, in their order; `None` where there are too few.
    pub(super) fn fill(self, read: &mut impl Iterator<Item = Value>) -> Option<Value> {
        Some(match self {
            Self::Read(value) => value,
            Self::Text => read.next()?,
            Self::List(length) => {
                let items: Vec<_> = read.take(length).collect();
                (items.len() == length).then(|| Value::from(items))?
            }
            Self::Object(fields) => {
                let mut all = BTreeMap::new();
                for (key, field) in fields {
                    // Of a key that stands twice the last one counts.
                    all.insert(Value::String(key.into()), field.fill(read)?);
                }
                Value::from(all)
            }
        })
    }
}

/// Returns the sketch of a JSON text, and the texts that it leaves.
///
/// # Errors
/// Where it is no JSON.
pub(super) fn of_json(json: &str) -> serde_json::Result<(Sketch, Vec<&RawValue>)> {
    let mut texts = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let sketch = Outer {
        level: 0,
        texts: &mut texts,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((sketch, texts))
}

/// Reads a value of an outer level.
struct Outer<'t, 'de> {
    level: usize,
    texts: &'t mut Vec<&'de RawValue>,
}

impl<'de> DeserializeSeed<'de> for Outer<'_, 'de> {
    type Value = Sketch;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sketch, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Outer<'_, 'de> {
    type Value = Sketch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::Bool(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::from(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::from(value)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sketch, E> {
        Ok(Sketch::Read(Value::String(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Sketch, A::Error> {
        let before = self.texts.len();
        while let Some(item) = items.next_element()? {
            self.texts.push(item);
        }
        Ok(Sketch::List(self.texts.len() - before))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Sketch, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = fields.next_key()? {
            let level = self.level + 1;
            let field = if level < LEVELS {
                let texts = &mut *self.texts;
                fields.next_value_seed(Outer { level, texts })?
            } else {
                self.texts.push(fields.next_value()?);
                Sketch::Text
            };
            all.push((key, field));
        }
        Ok(Sketch::Object(all))
    }
}

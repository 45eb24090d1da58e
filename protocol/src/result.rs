//! A Result: its owned form, and a view into a line that keeps its bytes.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::count::count_findings;
use crate::incoming::{Expect, Payload};

/// One finding: an object, or any JSON.
pub type Finding = Value;

/// A Result as a plugin makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpsResult {
    /// What the Result is about: a service, a system, for example `ec2`. Outputs use it as a folder.
    pub relates_to: String,
    /// The Result's own name, by convention the check's. Outputs use it as a file name.
    pub result_name: String,
    /// What the Result tells, in a phrase.
    pub result_description: String,
    /// The facts: an object, or a list of objects. Of a check: a list of findings.
    #[schemars(schema_with = "details")]
    pub details: Value,
    /// The same for people: plain text, lines separated by `\n`.
    pub formatted: String,
}

fn details(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]})
}

/// A Result inside a line: its bytes, and where its parts stand. Unknown keys are kept in the bytes.
#[derive(Debug, Clone)]
pub struct ResultView<'a> {
    /// The whole object's JSON text.
    pub raw: &'a str,
    /// The member `relates_to`.
    pub relates_to: Cow<'a, str>,
    /// The member `result_name`.
    pub result_name: Cow<'a, str>,
    /// The member `details`.
    pub details: &'a RawValue,
}

impl<'a> ResultView<'a> {
    /// Reads one Result from its JSON text.
    ///
    /// # Errors
    /// [`ShapeFault`] where the text is not a Result; it names the member.
    pub fn parse(raw: &'a str) -> Result<Self, ShapeFault> {
        match read(raw, Expect::Result) {
            Payload::Results(mut views) if views.len() == 1 => Ok(views.remove(0)),
            Payload::Fault(fault) => Err(fault),
            _ => Err(ShapeFault::new("not a Result")),
        }
    }

    /// Returns how many findings the details hold, as [`count_findings`].
    pub fn count_findings(&self) -> usize {
        count_findings(self.details.get())
    }
}

/// Valid JSON that has not the shape a call expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeFault(String);

impl ShapeFault {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

fn read(line: &str, expect: Expect) -> Payload<'_> {
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let seed = PayloadSeed { line, expect };
    match seed
        .deserialize(&mut deserializer)
        .and_then(|payload| deserializer.end().map(|()| payload))
    {
        Ok(payload) => payload,
        Err(error) => Payload::Fault(ShapeFault::new(format!("not valid JSON: {error}"))),
    }
}

/// Reads a payload of a known shape. JSON of another shape is a [`Payload::Fault`], not an error, so that the rest of the line is still read.
pub(crate) struct PayloadSeed<'a> {
    pub(crate) line: &'a str,
    pub(crate) expect: Expect,
}

impl<'a> PayloadSeed<'a> {
    pub(crate) fn reread(&self, raw: &'a RawValue) -> Payload<'a> {
        read(raw.get(), self.expect)
    }

    fn wrong(&self, got: &str) -> Payload<'a> {
        let wanted = match self.expect {
            Expect::Result => "a Result (an object)",
            Expect::Results => "a list of Results",
            Expect::ResultOrResults | Expect::Raw => "a Result or a list of Results",
        };
        Payload::Fault(ShapeFault::new(format!("expected {wanted}, got {got}")))
    }
}

impl<'a> DeserializeSeed<'a> for PayloadSeed<'a> {
    type Value = Payload<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for PayloadSeed<'a> {
    type Value = Payload<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<Self::Value, A::Error> {
        let view = visit_result(self.line, map)?;
        if self.expect == Expect::Results {
            return Ok(self.wrong("an object"));
        }
        Ok(view.map_or_else(Payload::Fault, |view| Payload::Results(vec![view])))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut views = Vec::new();
        let mut fault = None;
        while let Some(item) = seq.next_element_seed(ItemSeed { line: self.line })? {
            match item {
                Ok(view) => views.push(view),
                Err(why) if fault.is_none() => {
                    fault = Some(ShapeFault::new(format!(
                        "item {} of the list: {why}",
                        views.len()
                    )));
                }
                Err(_) => {}
            }
        }
        if self.expect == Expect::Result {
            return Ok(self.wrong("a list"));
        }
        Ok(fault.map_or(Payload::Results(views), Payload::Fault))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(self.wrong("a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(self.wrong("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(self.wrong("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(self.wrong("a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(self.wrong("a string"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.wrong("null"))
    }
}

struct ItemSeed<'a> {
    line: &'a str,
}

impl<'a> DeserializeSeed<'a> for ItemSeed<'a> {
    type Value = Result<ResultView<'a>, ShapeFault>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let seed = PayloadSeed {
            line: self.line,
            expect: Expect::Result,
        };
        Ok(match deserializer.deserialize_any(seed)? {
            Payload::Results(mut views) if views.len() == 1 => Ok(views.remove(0)),
            Payload::Fault(fault) => Err(fault),
            _ => Err(ShapeFault::new("not a Result")),
        })
    }
}

const MEMBERS: [&str; 5] = [
    "relates_to",
    "result_name",
    "result_description",
    "details",
    "formatted",
];

/// Reads one Result. Every value is skipped as raw text, so the object is passed over once whatever its size.
fn visit_result<'a, A: MapAccess<'a>>(
    line: &'a str,
    mut map: A,
) -> Result<Result<ResultView<'a>, ShapeFault>, A::Error> {
    let mut members: [Option<&'a RawValue>; 5] = [None; 5];
    let mut first: Option<&'a RawValue> = None;
    let mut last: Option<&'a RawValue> = None;
    let mut doubled = None;
    while let Some(key) = map.next_key::<Key<'a>>()? {
        let value: &'a RawValue = map.next_value()?;
        first = first.or(Some(value));
        last = Some(value);
        if let Some(index) = MEMBERS.iter().position(|member| *member == key.0)
            && members[index].replace(value).is_some()
        {
            doubled = Some(MEMBERS[index]);
        }
    }
    Ok(match (first, last, doubled) {
        (_, _, Some(member)) => Err(ShapeFault::new(format!("the member `{member}` stands twice"))),
        (Some(first), Some(last), None) => view_of(object_text(line, first, last), members),
        _ => Err(ShapeFault::new("an empty object is not a Result")),
    })
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn view_of<'a>(raw: &'a str, members: [Option<&'a RawValue>; 5]) -> Result<ResultView<'a>, ShapeFault> {
    let [relates_to, result_name, description, details, formatted] = members;
    let text = |index: usize, value: Option<&'a RawValue>| -> Result<Cow<'a, str>, ShapeFault> {
        let member = MEMBERS[index];
        let value = value.ok_or_else(|| ShapeFault::new(format!("the member `{member}` is missing")))?;
        serde_json::from_str::<Key<'a>>(value.get())
            .map(|key| key.0)
            .map_err(|error| {
                let wrong = if value.get().starts_with('"') {
                    error.to_string()
                } else {
                    "not a string".into()
                };
                ShapeFault::new(format!("the member `{member}` is no text: {wrong}"))
            })
    };
    let relates_to = text(0, relates_to)?;
    let result_name = text(1, result_name)?;
    text(2, description)?;
    let details = details.ok_or_else(|| ShapeFault::new("the member `details` is missing"))?;
    if !is_object_or_list_of_objects(details.get()) {
        return Err(ShapeFault::new(
            "the member `details` must be an object or a list of objects",
        ));
    }
    text(4, formatted)?;
    Ok(ResultView {
        raw,
        relates_to,
        result_name,
        details,
    })
}

/// Looks at the first item of a list only: a list is one kind of thing throughout, and a full look would cost a second pass.
fn is_object_or_list_of_objects(details: &str) -> bool {
    if details.starts_with('{') {
        return true;
    }
    details
        .strip_prefix('[')
        .is_some_and(|items| items.trim_start().starts_with(['{', ']']))
}

/// Returns the text of the object whose first and last values these are.
///
/// Keys come unescaped from the parser, so the object's start is found backwards from its first value: over `:`, the key's closing quote,
/// and the key, whose own quotes stand behind an odd number of backslashes.
fn object_text<'a>(line: &'a str, first: &RawValue, last: &RawValue) -> &'a str {
    let bytes = line.as_bytes();
    let base = line.as_ptr() as usize;
    let first_start = first.get().as_ptr() as usize - base;
    let last_end = last.get().as_ptr() as usize - base + last.get().len();
    let closing = memchr::memrchr(b'"', &bytes[..first_start]).unwrap_or(0);
    let mut quote = closing;
    loop {
        quote = memchr::memrchr(b'"', &bytes[..quote]).unwrap_or(0);
        let slashes = bytes[..quote]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if slashes % 2 == 0 {
            break;
        }
    }
    let start = memchr::memrchr(b'{', &bytes[..quote]).unwrap_or(0);
    let end = last_end + memchr::memchr(b'}', &bytes[last_end..]).map_or(0, |at| at + 1);
    &line[start..end]
}

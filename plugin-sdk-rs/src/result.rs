//! Results: what a hook returns, and what it receives, both with the bytes of their payload kept.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A Result that a hook returns.
///
/// `details` is kept as JSON text: numbers over 2^53, key order and number spellings survive, and a provider can hand over
/// bytes that it never parsed ([`OpsResult::raw_details`]).
#[derive(Debug, Clone)]
pub struct OpsResult(Form);

#[derive(Debug, Clone)]
enum Form {
    Made(Made),
    Raw(Box<RawValue>),
}

#[derive(Debug, Clone, Serialize)]
struct Made {
    relates_to: String,
    result_name: String,
    result_description: String,
    details: Box<RawValue>,
    formatted: String,
}

impl OpsResult {
    /// Makes a Result from what it is about and its own name; `details` is `{}` and the texts are empty until set.
    pub fn new(relates_to: impl Into<String>, result_name: impl Into<String>) -> Self {
        Self(Form::Made(Made {
            relates_to: relates_to.into(),
            result_name: result_name.into(),
            result_description: String::new(),
            details: RawValue::from_string("{}".into()).expect("`{}` is JSON"),
            formatted: String::new(),
        }))
    }

    /// Takes the JSON text of a whole Result as it is. The host checks its shape.
    pub fn from_raw(result: Box<RawValue>) -> Self {
        Self(Form::Raw(result))
    }

    /// Sets what the Result tells.
    #[must_use]
    pub fn description(self, text: impl Into<String>) -> Self {
        self.change(|made| made.result_description = text.into())
    }

    /// Sets `details` from a value that is an object or a list of objects in JSON.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON: a map whose keys are not text, or its own `Serialize` fails.
    pub fn details(self, details: &impl Serialize) -> serde_json::Result<Self> {
        Ok(self.raw_details(to_raw_value(details)?))
    }

    /// Sets `details` from JSON text, which is passed on as it is (line ends between tokens become blanks).
    #[must_use]
    pub fn raw_details(self, details: Box<RawValue>) -> Self {
        self.change(|made| made.details = details)
    }

    /// Sets the text for people.
    #[must_use]
    pub fn formatted(self, text: impl Into<String>) -> Self {
        self.change(|made| made.formatted = text.into())
    }

    fn change(self, change: impl FnOnce(&mut Made)) -> Self {
        match self.0 {
            Form::Made(mut made) => {
                change(&mut made);
                Self(Form::Made(made))
            }
            // A raw Result is opaque: its bytes are the author's.
            raw @ Form::Raw(_) => Self(raw),
        }
    }

    /// Writes the Result as JSON, with the payload's own bytes.
    ///
    /// # Errors
    /// As the writer's.
    pub fn write_json(&self, writer: &mut impl Write) -> io::Result<()> {
        let mut pieces = Vec::new();
        self.pieces(&mut pieces);
        pieces
            .iter()
            .try_for_each(|piece| writer.write_all(piece.as_bytes()))
    }

    /// Appends the Result's JSON text in pieces. What is JSON already is borrowed: a payload may be hundreds of megabytes.
    pub(crate) fn pieces<'a>(&'a self, out: &mut Vec<Cow<'a, str>>) {
        let made = match &self.0 {
            Form::Raw(raw) => return out.push(raw.get().into()),
            Form::Made(made) => made,
        };
        let head = format!(
            "{{\"relates_to\":{},\"result_name\":{},\"result_description\":{},\"details\":",
            quoted(&made.relates_to),
            quoted(&made.result_name),
            quoted(&made.result_description),
        );
        let tail = format!(",\"formatted\":{}}}", quoted(&made.formatted));
        out.extend([head.into(), made.details.get().into(), tail.into()]);
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can always be written as JSON")
}

impl Serialize for OpsResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Made(made) => made.serialize(serializer),
            Form::Raw(raw) => raw.serialize(serializer),
        }
    }
}

impl Serialize for ResultRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.raw).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl From<&ResultRef<'_>> for OpsResult {
    fn from(result: &ResultRef<'_>) -> Self {
        let raw = RawValue::from_string(result.raw.to_owned())
            .expect("a ResultRef holds JSON that was read before");
        Self::from_raw(raw)
    }
}

/// A Result that a hook receives: a view into the message, whose bytes are at hand in [`ResultRef::raw`].
#[derive(Debug, Clone)]
pub struct ResultRef<'a> {
    /// The whole object's JSON text, unknown keys included.
    pub raw: &'a str,
    /// What the Result is about.
    pub relates_to: Cow<'a, str>,
    /// The Result's own name.
    pub result_name: Cow<'a, str>,
    /// What the Result tells.
    pub result_description: Cow<'a, str>,
    /// The JSON text of an object or a list of objects.
    pub details: &'a RawValue,
    /// Text for people.
    pub formatted: Cow<'a, str>,
}

impl<'a> ResultRef<'a> {
    /// Reads `details` into a type of the plugin's own.
    ///
    /// # Errors
    /// Where `details` has another shape.
    pub fn read_details<T: Deserialize<'a>>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.details.get())
    }

    /// Returns whether the Result says that nothing was found. Only of a check that is [whole](crate::Status::is_whole) that is true.
    pub fn is_empty(&self) -> bool {
        opsbox_protocol::are_empty(self.details.get())
    }

    /// Returns an owned copy with the same bytes, to hand on.
    pub fn to_result(&self) -> OpsResult {
        self.into()
    }
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    relates_to: Cow<'a, str>,
    #[serde(borrow)]
    result_name: Cow<'a, str>,
    #[serde(borrow)]
    result_description: Cow<'a, str>,
    #[serde(borrow)]
    details: &'a RawValue,
    #[serde(borrow)]
    formatted: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for ResultRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        let members: Members<'a> = serde_json::from_str(raw).map_err(serde::de::Error::custom)?;
        Ok(Self {
            raw,
            relates_to: members.relates_to,
            result_name: members.result_name,
            result_description: members.result_description,
            details: members.details,
            formatted: members.formatted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = r#"{"formatted":"x","relates_to":"a","result_name":"b\n","result_description":"","details":{"z":1.50,"a":1e400},"extra":0}"#;

    fn text_of(result: &OpsResult) -> String {
        let mut bytes = Vec::new();
        result.write_json(&mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_received_result_keeps_its_bytes_when_it_is_handed_on() {
        let result: ResultRef<'_> = serde_json::from_str(RAW).expect("a Result");
        assert_eq!(result.result_name, "b\n");
        assert_eq!(text_of(&result.to_result()), RAW);
    }

    #[test]
    fn results_in_parameters_keep_their_bytes() {
        let result: ResultRef<'_> = serde_json::from_str(RAW).expect("a Result");
        let owned = result.to_result();
        let made = OpsResult::new("a", "b");
        let params = serde_json::to_string(&(&result, &owned, &made)).expect("JSON");
        assert_eq!(params, format!("[{RAW},{RAW},{}]", text_of(&made)));
    }

    #[test]
    fn raw_details_keep_number_spellings_and_key_order() {
        let details =
            RawValue::from_string(r#"{"z":12345678901234567890123,"a":-0.0}"#.into()).expect("JSON");
        let result = OpsResult::new("a", "b")
            .description("c")
            .raw_details(details)
            .formatted("d\"");
        assert_eq!(
            text_of(&result),
            r#"{"relates_to":"a","result_name":"b","result_description":"c","details":{"z":12345678901234567890123,"a":-0.0},"formatted":"d\""}"#
        );
    }
}

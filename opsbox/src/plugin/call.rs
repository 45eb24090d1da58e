//! Answers of a plugin, kept as slices of the line they came in.

use bytes::Bytes;
use opsbox_protocol::message::GapParams;
use opsbox_protocol::{Payload, ResultView};
use serde_json::value::RawValue;

/// The result of a call.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Any JSON.
    Raw(Bytes),
    /// Results, in the order given.
    Results(Vec<ResultSlice>),
}

impl Reply {
    /// Cuts a payload out of its line.
    ///
    /// # Errors
    /// The reason where the payload has not the expected shape.
    pub(crate) fn cut(line: &Bytes, payload: Payload<'_>) -> Result<Self, String> {
        match payload {
            Payload::Raw(raw) => Ok(Self::Raw(line.slice_ref(raw.get().as_bytes()))),
            Payload::Results(views) => Ok(Self::Results(
                views.iter().map(|view| ResultSlice::cut(line, view)).collect(),
            )),
            Payload::Fault(fault) => Err(fault.to_string()),
        }
    }

    /// Returns the Results; none for a raw answer.
    pub fn into_results(self) -> Vec<ResultSlice> {
        match self {
            Self::Raw(_) => Vec::new(),
            Self::Results(results) => results,
        }
    }
}

/// One validated Result: the bytes that the plugin wrote, shared, never rebuilt.
#[derive(Debug, Clone)]
pub struct ResultSlice {
    /// The object's JSON text.
    pub bytes: Bytes,
    /// The member `relates_to`.
    pub relates_to: String,
    /// The member `result_name`.
    pub result_name: String,
    /// The details' JSON text, a slice of `bytes`.
    pub details: Bytes,
    /// Whether the check that made it saw only part of its data.
    pub partly: bool,
}

impl ResultSlice {
    fn cut(line: &Bytes, view: &ResultView<'_>) -> Self {
        Self {
            bytes: line.slice_ref(view.raw.as_bytes()),
            relates_to: view.relates_to.clone().into_owned(),
            result_name: view.result_name.clone().into_owned(),
            details: line.slice_ref(view.details.get().as_bytes()),
            partly: false,
        }
    }

    /// Reads a Result from its JSON text.
    ///
    /// # Errors
    /// The reason where the text is not a Result.
    pub fn parse(bytes: Bytes) -> Result<Self, String> {
        let text = std::str::from_utf8(&bytes).map_err(|_| "not UTF-8".to_owned())?;
        let view = ResultView::parse(text).map_err(|fault| fault.to_string())?;
        Ok(Self::cut(&bytes.slice_ref(text.as_bytes()), &view))
    }

    /// Reads a JSON document of any layout: a Result, or the details of one that is called `name`.
    ///
    /// # Errors
    /// The reason where it is neither.
    pub fn of_document(text: &str, name: &str) -> Result<Self, String> {
        let value: &RawValue =
            serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
        let line = compact(value.get());
        if let Ok(result) = Self::parse(Bytes::from(line.clone())) {
            return Ok(result);
        }
        let name = serde_json::Value::from(name);
        Self::parse(Bytes::from(format!(
            r#"{{"relates_to":{name},"result_name":{name},"result_description":"","details":{line},"formatted":""}}"#
        )))
    }

    /// Returns `relates_to/result_name`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.relates_to, self.result_name)
    }

    /// Returns whether the details say that nothing was found.
    pub fn is_empty(&self) -> bool {
        std::str::from_utf8(&self.details).is_ok_and(opsbox_protocol::are_empty)
    }

    /// Returns how many findings the details hold.
    pub fn count_findings(&self) -> usize {
        // The slice is part of a line that was found to be UTF-8.
        std::str::from_utf8(&self.details).map_or(0, opsbox_protocol::count_findings)
    }
}

/// Returns valid JSON without spaces between tokens, which plugins may rely on; nothing else is changed.
pub fn compact(text: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let keeps = |c: &char| {
        let kept = in_text || !c.is_ascii_whitespace();
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
        kept
    };
    text.chars().filter(keeps).collect()
}

/// Part of what a call should have looked at could not be looked at.
pub type Gap = GapParams;

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn spaces_go_between_tokens_and_stay_in_texts() {
        let text = "{ \"a b\\\" c\" : [ 1.0 ,\n 12345678901234567890 ] }";
        assert_eq!(compact(text), r#"{"a b\" c":[1.0,12345678901234567890]}"#);
    }
}

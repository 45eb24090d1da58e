//! Parameters of hooks, put together from slices: no payload is copied or rebuilt.

use bytes::Bytes;
use opsbox_protocol::message::StepStatus;

use crate::plugin::ResultSlice;

/// Returns `{"steps":[…],"private":true,"results":[r1,r2,…]}`: `steps` for an output that wants to know how the checks ended, `private`
/// where its files are to be the user's alone.
pub(crate) fn results_of(steps: Option<&[StepStatus]>, private: bool, results: &[ResultSlice]) -> Vec<Bytes> {
    // Names and sentences are always JSON; were they not, the results alone must still arrive.
    let steps = steps.and_then(|steps| serde_json::to_string(steps).ok());
    let steps = steps.map_or_else(String::new, |steps| format!("\"steps\":{steps},"));
    let private = if private { "\"private\":true," } else { "" };
    list_after(format!("{{{steps}{private}\"results\":[").into(), results)
}

/// Returns `{"key":[r1,r2,…]}`.
pub(crate) fn list(key: &str, results: &[ResultSlice]) -> Vec<Bytes> {
    list_after(format!("{{\"{key}\":[").into(), results)
}

/// Returns `head`, then `r1,r2,…]}`.
pub(crate) fn list_after(head: Bytes, results: &[ResultSlice]) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(2 * results.len() + 2);
    pieces.push(head);
    for (index, result) in results.iter().enumerate() {
        if index > 0 {
            pieces.push(Bytes::from_static(b","));
        }
        pieces.push(result.bytes.clone());
    }
    pieces.push(Bytes::from_static(b"]}"));
    pieces
}

/// Returns `{"data":result}`.
pub(crate) fn one(result: &ResultSlice) -> Vec<Bytes> {
    vec![
        Bytes::from_static(b"{\"data\":"),
        result.bytes.clone(),
        Bytes::from_static(b"}"),
    ]
}

/// Returns `{}`.
pub(crate) fn none() -> Vec<Bytes> {
    vec![Bytes::from_static(b"{}")]
}

//! Parameters of hooks, put together from slices: no payload is copied or rebuilt.

use bytes::Bytes;
use opsbox_protocol::message::StepStatus;

use crate::plugin::ResultSlice;

/// Returns `{"steps":[…],"results":[r1,r2,…]}`, for an output that wants to know how the checks ended.
pub(crate) fn results_with_steps(steps: &[StepStatus], results: &[ResultSlice]) -> Vec<Bytes> {
    match serde_json::to_string(steps) {
        Ok(steps) => list_after(format!("{{\"steps\":{steps},\"results\":[").into(), results),
        // Names and sentences are always JSON; were they not, the results alone must still arrive.
        Err(_) => list("results", results),
    }
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

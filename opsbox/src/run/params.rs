//! Parameters of hooks, put together from slices: no payload is copied or rebuilt.

use bytes::Bytes;

use crate::plugin::ResultSlice;

/// Returns `{"key":[r1,r2,…]}`.
pub(crate) fn list(key: &str, results: &[ResultSlice]) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(2 * results.len() + 2);
    pieces.push(Bytes::from(format!("{{\"{key}\":[")));
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

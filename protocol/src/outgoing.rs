//! Writing messages: `jsonrpc`, `id` and `method` first, the payload last, no spaces between tokens.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::code;

/// Returns the head of a request up to and including `"params":`; the payload and [`TAIL`] follow.
pub fn request_head(id: u64, method: &str) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":",
        quoted(method)
    )
}

/// Returns the head of a notification up to and including `"params":`.
pub fn notification_head(method: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":{},\"params\":", quoted(method))
}

/// Returns the head of a successful response up to and including `"result":`. `raw_id` is the id's JSON text, echoed byte for byte.
pub fn response_head(raw_id: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{raw_id},\"result\":")
}

/// What ends every message after its payload.
pub const TAIL: &str = "}\n";

/// Returns a whole error response, with its line end. `error` is an object with `code` and `message`.
pub fn error_line(raw_id: &str, error: &impl Serialize) -> String {
    let body = serde_json::to_string(error)
        .unwrap_or_else(|_| format!("{{\"code\":{},\"message\":\"\"}}", code::INTERNAL));
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{raw_id},\"error\":{body}}}\n")
}

/// Returns a whole request line.
///
/// # Errors
/// Where `params` cannot be written as JSON.
pub fn request_line<P: Serialize>(id: u64, method: &str, params: &P) -> serde_json::Result<String> {
    Ok(format!(
        "{}{}{TAIL}",
        request_head(id, method),
        serde_json::to_string(params)?
    ))
}

/// Returns a whole notification line.
///
/// # Errors
/// Where `params` cannot be written as JSON.
pub fn notification_line<P: Serialize>(method: &str, params: &P) -> serde_json::Result<String> {
    Ok(format!(
        "{}{}{TAIL}",
        notification_head(method),
        serde_json::to_string(params)?
    ))
}

/// Writes a successful response whose result is given as JSON text, then flushes.
///
/// # Errors
/// As the writer's.
pub fn write_response(writer: &mut impl Write, raw_id: &str, result: &[u8]) -> io::Result<()> {
    writer.write_all(response_head(raw_id).as_bytes())?;
    writer.write_all(result)?;
    writer.write_all(TAIL.as_bytes())?;
    writer.flush()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

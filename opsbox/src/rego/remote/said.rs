//! What an OPA server says about a policy that it does not take or cannot evaluate.

use serde::Deserialize;

use super::Server;
use super::http::Response;
use crate::rego::check::Check;
use crate::rego::error::{Place, RegoError, shorten};

/// The longest text of the server that is shown, in characters.
const MOST_CHARS: usize = 2000;

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    row: u32,
}

/// Returns the error that an answer other than 200 means.
///
/// The columns that the server names are those of the text that was sent, so only its lines are told.
pub(super) fn refusal(server: &Server, check: &Check, response: &Response) -> RegoError {
    let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
    let Some(item) = body.errors.into_iter().next() else {
        let text = if body.message.is_empty() {
            String::new()
        } else {
            format!(": {}", shorten(&body.message, MOST_CHARS))
        };
        return server.fault(format!("answered with status {}{text}", response.status));
    };
    let place = match item.location {
        Some(Location { row }) if row > 0 => Place::line(&check.file, &check.policy, row, None),
        _ => Place::file(&check.file),
    };
    let message = shorten(&item.message, MOST_CHARS);
    if item.code.starts_with("rego_") {
        let is_old = check.version != Some(1) && message.contains("keyword is required");
        let why = "; the server takes Rego as of OPA 1.0 only, unless it is started with --v0-compatible";
        let message = if is_old { message + why } else { message };
        RegoError::Parse { place, message }
    } else {
        RegoError::Evaluation { place, message }
    }
}

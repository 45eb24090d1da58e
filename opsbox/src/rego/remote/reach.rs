//! What a policy that goes to an OPA server may not use: the server has functions that reach the network and its own environment.
//!
//! The interpreter of this program has none of them, so a check means the same in both places.

use crate::rego::error::{Place, RegoError};
use crate::rego::scan::{Spot, Token, tokens};

/// Built-in functions, by their parts.
const FUNCTIONS: [[&str; 2]; 3] = [["http", "send"], ["net", "lookup_ip_addr"], ["opa", "runtime"]];

/// Looks for such a function wherever a reference to it may stand, called or not.
///
/// # Errors
/// [`RegoError::Reaches`] for the first one.
pub(crate) fn check(file: &str, text: &str) -> Result<(), RegoError> {
    let spots = tokens(text);
    for at in 0..spots.len() {
        let parts = parts(text, &spots, at);
        if let Some(function) = FUNCTIONS
            .iter()
            .find(|function| parts.get(..2).is_some_and(|start| start == *function))
        {
            return Err(RegoError::Reaches {
                place: Place::line(file, text, spots[at].line, None),
                function: function.join("."),
            });
        }
    }
    Ok(())
}

/// Returns the first parts of a reference that starts here, however it is spelt: `a.b`, `a["b"]`, ``a[`b`]``, with blanks between.
fn parts(text: &str, spots: &[Spot<'_>], at: usize) -> Vec<String> {
    let names = |name: &str| {
        name.split('.')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let after_dot = at
        .checked_sub(1)
        .is_some_and(|before| spots[before].token == Token::Other(b'.'));
    let Token::Name(first) = spots[at].token else {
        return Vec::new();
    };
    if after_dot {
        return Vec::new();
    }
    let mut parts: Vec<String> = names(first);
    let mut rest = &spots[at + 1..];
    while parts.len() < 2 {
        match rest {
            [open, key, close, ..]
                if open.token == Token::Open(b'[')
                    && matches!(key.token, Token::Other(b'"' | b'`'))
                    && close.token == Token::Close(b']') =>
            {
                let literal = &text[key.start..key.end];
                let key = match literal.strip_prefix('`') {
                    Some(raw) => Some(raw.trim_end_matches('`').to_owned()),
                    None => serde_json::from_str(literal).ok(),
                };
                parts.push(key.unwrap_or_default());
                rest = &rest[3..];
            }
            [dot, ..] if dot.token == Token::Other(b'.') => rest = &rest[1..],
            [name, ..] if first.ends_with('.') || follows_dot(spots, rest) => {
                let Token::Name(name) = name.token else {
                    return parts;
                };
                parts.extend::<Vec<String>>(names(name));
                rest = &rest[1..];
            }
            _ => return parts,
        }
    }
    parts
}

/// Says whether the token before the rest is a dot.
fn follows_dot(spots: &[Spot<'_>], rest: &[Spot<'_>]) -> bool {
    let at = spots.len() - rest.len();
    at.checked_sub(1)
        .is_some_and(|before| spots[before].token == Token::Other(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_such_a_function_is_found_with_its_line() {
        for body in [
            "http.send({})",
            "http[\"send\"]({})",
            "http[\"\\u0073end\"]({})",
            "http[`send`]({})",
            "http . send({})",
            "http.\n\tsend({})",
            "count(1) with count as http.send",
            "{y | y := opa.runtime()}",
            "net.lookup_ip_addr(input.x)",
            "f(1); opa[\"runtime\"]()",
        ] {
            let text = format!("package p\nx := {body}\n");
            let error = check("p.rego", &text).unwrap_err().to_string();
            assert!(
                error.starts_with("p.rego:2: the policy uses `"),
                "{body}: {error}"
            );
        }
    }

    #[test]
    fn names_that_only_look_like_one_are_left_alone() {
        for body in [
            "input.http.send",
            "data.http.send",
            "http.sender",
            "\"http.send\" # http.send",
            "net.cidr_contains(\"10.0.0.0/8\", input.ip)",
            "input[\"opa\"].runtime",
            "[http, send]",
            "io.jwt.decode(input.t)",
        ] {
            let text = format!("package p\nx := {body}\n");
            assert_eq!(check("p.rego", &text), Ok(()), "{body}");
        }
    }
}

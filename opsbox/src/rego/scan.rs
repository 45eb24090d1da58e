//! A look at a policy's text before the parser sees it: sizes, the depth of brackets, and functions that may call themselves.
//!
//! The parser's time doubles with each level of nested literals and no timer covers it, and a function that calls itself ends the
//! process; both are found here, with a message.

use std::collections::BTreeMap;

use super::error::{Place, RegoError};

/// Largest policy in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// What is read of a policy's file: an OPA server may take more than the engine here does.
pub(crate) const MOST_READ: u64 = 16 << 20;
/// Most lines of a policy.
pub const MAX_LINES: usize = 20_000;
/// Deepest nesting of brackets and braces; at 12 levels the parser takes a tenth of a second, at 16 two seconds.
pub const MAX_DEPTH: usize = 12;

/// A piece of policy text that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, with its dots: `time.now_ns`.
    Name(&'a str),
    /// An opening bracket of any kind.
    Open(u8),
    /// A closing bracket of any kind.
    Close(u8),
    /// Any other character.
    Other(u8),
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) token: Token<'a>,
    /// Where it starts in the text, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
    pub(super) line: u32,
    column: u32,
    pub(super) starts_line: bool,
}

/// Checks a policy's text.
///
/// # Errors
/// [`RegoError::TooLarge`], [`RegoError::TooDeep`] and [`RegoError::Recursive`] (for functions only; the interpreter finds recursive rules).
pub fn check(file: &str, text: &str) -> Result<(), RegoError> {
    let too_large = |message: String| {
        Err(RegoError::TooLarge {
            place: Place::file(file),
            message,
        })
    };
    if text.len() > MAX_BYTES {
        return too_large(format!("{} bytes, {MAX_BYTES} are allowed", text.len()));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        return too_large(format!("{lines} lines, {MAX_LINES} are allowed"));
    }
    let spots = tokens(text);
    check_depth(file, text, &spots)?;
    check_functions(file, text, &spots)
}

fn check_depth(file: &str, text: &str, spots: &[Spot<'_>]) -> Result<(), RegoError> {
    let mut depth = 0_usize;
    for spot in spots {
        match spot.token {
            Token::Open(b'[' | b'{') => depth += 1,
            Token::Close(b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            let place = Place::line(file, text, spot.line, Some(spot.column));
            return Err(RegoError::TooDeep {
                place,
                depth,
                limit: MAX_DEPTH,
            });
        }
    }
    Ok(())
}

/// A function of the policy: its first line, and the plain names that its definitions call.
#[derive(Debug, Default)]
struct Function<'a> {
    line: u32,
    calls: Vec<&'a str>,
}

/// Reads function definitions as what starts a line outside of all brackets, as `name(`, and their calls as every `name(` up to the next such start.
fn check_functions(file: &str, text: &str, spots: &[Spot<'_>]) -> Result<(), RegoError> {
    let mut functions: BTreeMap<&str, Function<'_>> = BTreeMap::new();
    let mut current: Option<&str> = None;
    let mut depth = 0_usize;
    for (at, spot) in spots.iter().enumerate() {
        let opens_call = matches!(
            spots.get(at + 1),
            Some(Spot {
                token: Token::Open(b'('),
                ..
            })
        );
        match spot.token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Name("else") => {}
            Token::Name(name) if depth == 0 && spot.starts_line => {
                current = opens_call.then_some(name);
                if opens_call {
                    let function = functions.entry(name).or_default();
                    if function.line == 0 {
                        function.line = spot.line;
                    }
                }
            }
            Token::Name(name) if opens_call => {
                if let Some(function) = current.and_then(|current| functions.get_mut(current)) {
                    function.calls.push(name);
                }
            }
            _ => {}
        }
    }
    for (name, function) in &functions {
        if let Some(circle) = circle_from(name, &functions) {
            let place = Place::line(file, text, function.line, None);
            return Err(RegoError::Recursive {
                place,
                chain: format!("`{}`", circle.join("` calls `")),
            });
        }
    }
    Ok(())
}

/// Returns the shortest chain of calls from the function back to itself.
fn circle_from<'a>(start: &'a str, functions: &BTreeMap<&'a str, Function<'a>>) -> Option<Vec<&'a str>> {
    let mut reached_by: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        for callee in functions
            .get(name)
            .into_iter()
            .flat_map(|function| &function.calls)
        {
            let Some((callee, _)) = functions.get_key_value(last_part(callee)) else {
                continue;
            };
            if *callee == start {
                let mut circle = vec![name];
                while let Some(before) = circle.last().and_then(|last| reached_by.get(last)) {
                    circle.push(before);
                }
                circle.reverse();
                circle.push(start);
                return Some(circle);
            }
            if !reached_by.contains_key(callee) {
                reached_by.insert(callee, name);
                queue.push_back(callee);
            }
        }
    }
    None
}

/// A call by full path (`data.package.f(x)`) may mean a function of this policy; a built-in one (`time.clock(x)`) cannot.
fn last_part(name: &str) -> &str {
    match name.strip_prefix("data.") {
        Some(path) => path.rsplit('.').next().unwrap_or(path),
        None => name,
    }
}

/// Cuts a policy's text into what matters of it; comments are left out, a string is one token.
pub(super) fn tokens(text: &str) -> Vec<Spot<'_>> {
    let bytes = text.as_bytes();
    let mut spots = Vec::new();
    let (mut at, mut line, mut line_start, mut starts_line) = (0, 1_u32, 0, true);
    while at < bytes.len() {
        let byte = bytes[at];
        let start = at;
        let start_line = line;
        let column = u32::try_from(at - line_start + 1).unwrap_or(u32::MAX);
        at += 1;
        let token = match byte {
            b'\n' => {
                line += 1;
                line_start = at;
                starts_line = true;
                continue;
            }
            b' ' | b'\t' | b'\r' => continue,
            b'#' => {
                at = end_of(bytes, at, |byte| byte == b'\n');
                continue;
            }
            b'"' | b'`' => {
                let mut escaped = false;
                at = end_of(bytes, at, |next| {
                    let ends = !escaped && (next == byte || (byte == b'"' && next == b'\n'));
                    escaped = byte == b'"' && next == b'\\' && !escaped;
                    ends
                });
                for (index, _) in bytes[start..at]
                    .iter()
                    .enumerate()
                    .filter(|(_, byte)| **byte == b'\n')
                {
                    line += 1;
                    line_start = start + index + 1;
                }
                if bytes.get(at) == Some(&byte) {
                    at += 1;
                }
                Token::Other(byte)
            }
            b'(' | b'[' | b'{' => Token::Open(byte),
            b')' | b']' | b'}' => Token::Close(byte),
            _ if byte == b'_' || byte.is_ascii_alphabetic() => {
                at = end_of(bytes, at, |byte| {
                    byte != b'_' && byte != b'.' && !byte.is_ascii_alphanumeric()
                });
                Token::Name(&text[start..at])
            }
            _ => {
                // A character of several bytes is one piece: nothing is cut inside of it.
                at = text.ceil_char_boundary(at);
                Token::Other(byte)
            }
        };
        spots.push(Spot {
            token,
            start,
            end: at,
            line: start_line,
            column,
            starts_line,
        });
        starts_line = false;
    }
    spots
}

/// Returns the first index from `at` on whose byte ends the piece, or the end of the text.
fn end_of(bytes: &[u8], at: usize, mut ends: impl FnMut(u8) -> bool) -> usize {
    bytes[at..]
        .iter()
        .position(|byte| ends(*byte))
        .map_or(bytes.len(), |length| at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        check("p.rego", text).unwrap_err().to_string()
    }

    #[test]
    fn nesting_is_counted_outside_strings_and_comments() {
        let nested = |depth: usize| {
            format!(
                "package p\n# [[[[[[[[[[[[[[\ns := \"[[[[[[[[[[[[[[\\\"[\"\nr := `[[[[[[[[[[[[[[\n[[`\nx := {}{}",
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert_eq!(check("p.rego", &nested(MAX_DEPTH)), Ok(()));
        assert_eq!(
            error(&nested(MAX_DEPTH + 1)),
            "p.rego:6:18: brackets nest 13 levels deep, 12 are allowed"
        );
    }

    #[test]
    fn a_policy_that_is_too_large_is_refused() {
        assert!(error(&"#".repeat(MAX_BYTES + 1)).contains("too large: 1048577 bytes"));
        assert!(error(&"\n".repeat(MAX_LINES + 1)).contains("too large: 20001 lines"));
    }

    #[test]
    fn a_function_that_calls_itself_is_found() {
        assert_eq!(
            error("package p\nf(x) := f(x)\n"),
            "p.rego:2: the policy is recursive: `f` calls `f`"
        );
        let two = "package p\nimport rego.v1\nf(x) := y if {\n  y := data.p.g(x)\n}\ng(x) := h(x)\nh(x) := [f(x)]\n";
        assert_eq!(
            error(two),
            "p.rego:3: the policy is recursive: `f` calls `g` calls `h` calls `f`"
        );
    }

    #[test]
    fn no_piece_ends_inside_a_character() {
        let text = "package p\nx :ƿ 2 # é\ny := \"é\"é\n";
        for spot in tokens(text) {
            assert!(text.get(spot.start..spot.end).is_some(), "{spot:?}");
        }
    }

    #[test]
    fn functions_that_only_call_others_pass() {
        for text in [
            "package p\nf(x) := count(x)\ng(x) := f(x)\nd := f(g(1))\n",
            "package p\nf(x) := 1 if x > 1\nelse := 2\nd := f(1)\n",
            "package p\nclock(x) := time.clock(x)\n",
            "package p\nf(x) := 1\n# f(1)\nd := \"f(1)\"\n",
        ] {
            assert_eq!(check("p.rego", text), Ok(()), "{text}");
        }
    }
}

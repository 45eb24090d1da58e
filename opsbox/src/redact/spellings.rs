//! The ways in which a secret may be spelt: raw, JSON, URL, base64, hexadecimal digits, and line by line.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

/// Shorter values are not looked for: they are in every text, and what remained would tell them.
pub(super) const LEAST_CHARS: usize = 3;
/// Shorter values are replaced as whole words only.
const WORD_CHARS: usize = 8;
/// Longer secrets are looked for in pieces of this size.
const PIECE_BYTES: usize = 1024;
/// Of a longer secret only so much is looked for.
const MOST_BYTES: usize = 64 * 1024;

/// All spellings of all secrets.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    /// Replaced wherever they stand.
    pub(super) anywhere: BTreeSet<String>,
    /// Replaced as whole words.
    pub(super) words: BTreeSet<String>,
}

impl Spellings {
    /// Takes every text and number of a secret value, however deep.
    pub(super) fn add_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.add_value(item)),
            Value::Object(members) => members.values().for_each(|member| self.add_value(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Takes one secret text, each line of it, and where it is JSON, such as the file of an account, each longer text in it.
    pub(super) fn add(&mut self, secret: &str) {
        let secret = &secret[..secret.floor_char_boundary(MOST_BYTES)];
        if secret.trim_start().starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str(secret)
        {
            self.add_longer(&value);
        }
        let lines = secret.lines().flat_map(|line| [line, line.trim()]);
        let parts: BTreeSet<&str> = [secret, secret.trim()].into_iter().chain(lines).collect();
        for part in parts {
            let mut rest = part;
            while rest.len() > PIECE_BYTES {
                let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
                self.piece(piece);
                rest = after;
            }
            // What is left of a long secret is looked for with what stands before it.
            let last = part.len().saturating_sub(PIECE_BYTES);
            self.piece(&part[part.ceil_char_boundary(last)..]);
        }
    }

    /// Takes the texts in a value that are too long to be any word.
    fn add_longer(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.chars().count() >= WORD_CHARS => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_longer(item)),
            Value::Object(members) => members.values().for_each(|member| self.add_longer(member)),
            _ => {}
        }
    }

    fn piece(&mut self, secret: &str) {
        let n_chars = secret.chars().count();
        if n_chars < LEAST_CHARS {
            return;
        }
        let mut all = escaped(secret);
        all.extend(percent(secret));
        all.push(secret.to_owned());
        if n_chars < WORD_CHARS {
            for alphabet in [STANDARD, URL_SAFE] {
                let whole = alphabet.encode(secret);
                all.push(whole.trim_end_matches('=').to_owned());
                all.push(whole);
            }
            self.words.extend(all);
        } else {
            all.extend(hexadecimal(secret));
            for alphabet in [STANDARD, URL_SAFE] {
                all.extend((0..3).flat_map(|offset| within_base64(secret.as_bytes(), offset, &alphabet)));
            }
            self.anywhere.extend(all);
        }
    }
}

/// Returns a text as it stands in JSON strings of several writers, in JSON within JSON, and in what languages show of their strings.
fn escaped(text: &str) -> Vec<String> {
    let json = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let plain = json(text);
    let ascii = with_codes(&plain, |c| !c.is_ascii(), false);
    let html = with_codes(&plain, |c| "<>&'".contains(c), false);
    // The habits of Gson, and of System.Text.Json, which writes quotes as codes as well.
    let gson = with_codes(&plain, |c| "<>&'=".contains(c), false);
    let net = with_codes(
        &plain.replace("\\\"", "\\u0022"),
        |c| !c.is_ascii() || "<>&'+`".contains(c),
        true,
    );
    let html_less_quote = html.replace("\\u0027", "'");
    let slashes = plain.replace('/', "\\/");
    let twice = [json(&plain), json(&ascii)];
    let shown = text.escape_debug().to_string();
    let shown_double = shown.replace("\\'", "'");
    // Python shows quotes as they are, but for the kind that it puts around the text.
    let shown_single = shown.replace("\\\"", "\"");
    let shown_bare = shown_single.replace("\\'", "'");
    let mut all = vec![plain, ascii, html, html_less_quote, slashes, gson, net];
    all.extend([shown, shown_double, shown_single, shown_bare]);
    all.extend(twice);
    all
}

/// Returns a text with the codes of JSON for some of its characters.
fn with_codes(text: &str, is_coded: impl Fn(char) -> bool, upper: bool) -> String {
    let mut coded = String::new();
    for c in text.chars() {
        if !is_coded(c) {
            coded.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            // Writing to a string cannot fail.
            let _written = match upper {
                true => write!(coded, "\\u{unit:04X}"),
                false => write!(coded, "\\u{unit:04x}"),
            };
        }
    }
    coded
}

/// Returns a text as hexadecimal digits.
fn hexadecimal(text: &str) -> [String; 2] {
    let lower: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    [lower.to_uppercase(), lower]
}

/// Returns a text as it stands in a URL, by the habits of several writers.
fn percent(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (kept, space) in [("", "%20"), ("/", "%20"), ("!'()*", "%20"), ("", "+"), ("*", "+")] {
        let (mut upper, mut lower) = (String::new(), String::new());
        for byte in text.bytes() {
            let c = char::from(byte);
            if c.is_ascii_alphanumeric() || "-._~".contains(c) || kept.contains(c) {
                upper.push(c);
                lower.push(c);
            } else if c == ' ' {
                upper.push_str(space);
                lower.push_str(space);
            } else {
                // Writing to a string cannot fail.
                let _written = write!(upper, "%{byte:02X}").and_then(|()| write!(lower, "%{byte:02x}"));
            }
        }
        all.push(upper);
        all.push(lower);
    }
    all
}

/// Returns the characters of base64 that depend on these bytes alone, where `offset` bytes (0 to 2) stand before them in their group; and
/// the same with what the end of the text adds, where nothing comes after them.
fn within_base64(bytes: &[u8], offset: usize, alphabet: &GeneralPurpose) -> [String; 3] {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let text = alphabet.encode(&padded);
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    let end = &text[first..];
    [&text[first..last], end.trim_end_matches('='), end].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_base64_keeps_of_a_secret_is_the_same_whatever_stands_around_it() {
        let secret = b"s3cr3t/value?";
        for alphabet in [STANDARD, URL_SAFE] {
            for offset in 0..3 {
                let [core, _, _] = within_base64(secret, offset, &alphabet);
                for before in [vec![0xff; offset], vec![b'a'; offset + 3]] {
                    for after in ["", "\u{ff}", "zz", "~~~"] {
                        let whole = [&before[..], secret, after.as_bytes()].concat();
                        let text = alphabet.encode(&whole);
                        assert!(text.contains(&core), "{text} lacks {core}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_huge_secret_costs_a_bounded_number_of_bytes() {
        let mut spellings = Spellings::default();
        spellings.add(&"0123456789abcdef".repeat(100_000));
        let n_bytes: usize = spellings.anywhere.iter().map(String::len).sum();
        assert!(n_bytes < 1 << 20, "{n_bytes}");
    }
}

//! What a JSON string means: its escapes resolved, those of JSON within JSON too, and long words that were broken into lines joined again.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr2};
use serde::de::{Deserializer, Error, Visitor};
use serde_json::Value;

use super::Redactor;
use super::tokens::strings;
use crate::config::SECRET;

/// So often an escaped text may stand within another.
const LEVELS: usize = 8;
/// Words of so many bytes that follow each other are taken for one that was broken, as base64 and hexadecimal digits are.
const LONG_WORD: usize = 32;

impl Redactor {
    /// Returns a string of a JSON text, quotes included, without its secrets; `None` where it holds none. Where it cannot be told what of
    /// it is the secret, it is hidden whole.
    pub(super) fn string(&self, token: &str) -> Option<String> {
        let inner = inner(token);
        if is_plain(inner) {
            return self.spelt(inner);
        }
        let hidden = || Some(quoted(SECRET));
        let Some(meant) = meant(token) else {
            return hidden();
        };
        let shown = self.text(&*meant);
        if self.is_deeper(&shown) {
            return hidden();
        }
        match shown {
            Cow::Owned(shown) => Some(quoted(&shown)),
            Cow::Borrowed(_) => self.spelt(inner),
        }
    }

    /// Takes the secrets out of a string as it is spelt.
    fn spelt(&self, inner: &str) -> Option<String> {
        let Cow::Owned(shown) = self.text(inner) else {
            return None;
        };
        let shown = format!("\"{shown}\"");
        match serde_json::from_str::<serde::de::IgnoredAny>(&shown) {
            Ok(_) => Some(shown),
            // An escape was cut.
            Err(_) => Some(quoted(SECRET)),
        }
    }

    /// Returns where the strings of a JSON text begin that hold a secret which cannot be seen in their spelling.
    pub(super) fn disguised<'a>(&'a self, json: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = json.as_bytes();
        let is_any = memchr2(b'\\', b' ', bytes).is_some();
        let strings = is_any.then(|| strings(bytes)).into_iter().flatten();
        strings
            .filter(|range| self.is_disguised(&json[range.clone()]))
            .map(|range| range.start)
    }

    fn is_disguised(&self, token: &str) -> bool {
        if is_plain(inner(token)) {
            return false;
        }
        let Some(meant) = meant(token) else { return false };
        self.whole(meant.as_bytes()).next().is_some() || self.is_deeper(&meant)
    }

    /// Returns whether a text holds a secret in JSON within it, or in a word that was broken.
    fn is_deeper(&self, text: &str) -> bool {
        if self.is_broken(text) {
            return true;
        }
        let mut text = Cow::Borrowed(text);
        for _ in 0..LEVELS {
            if memchr(b'\\', text.as_bytes()).is_none() {
                return false;
            }
            let next = unescaped(&text);
            if next.len() == text.len() {
                // Backslashes of paths and patterns: no escape was left, and each is longer than what it stands for.
                return false;
            }
            if self.whole(next.as_bytes()).next().is_some() || self.is_broken(&next) {
                return true;
            }
            text = Cow::Owned(next);
        }
        false
    }

    /// Returns whether a text holds a secret in a long word that was broken into lines, or at blanks.
    pub(super) fn is_broken(&self, text: &str) -> bool {
        let mut joined = String::new();
        let mut before: Option<&str> = None;
        let holds = |joined: &str| !joined.is_empty() && self.stands_in(joined);
        for word in text.split_ascii_whitespace() {
            if let Some(before) = before {
                if joined.is_empty() {
                    joined.push_str(before);
                }
                joined.push_str(word);
            }
            before = (word.len() >= LONG_WORD).then_some(word);
            if before.is_none() {
                if holds(&joined) {
                    return true;
                }
                joined.clear();
            }
        }
        holds(&joined)
    }
}

/// Returns whether a string means what is written in it, and holds no word that may have been broken.
pub(super) fn is_plain(inner: &str) -> bool {
    memchr2(b'\\', b' ', inner.as_bytes()).is_none_or(|at| {
        inner.as_bytes()[at] == b' '
            && memchr(b'\\', &inner.as_bytes()[at..]).is_none()
            && !inner.split(' ').any(|word| word.len() >= LONG_WORD)
    })
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn inner(token: &str) -> &str {
    token
        .strip_prefix('"')
        .and_then(|token| token.strip_suffix('"'))
        .unwrap_or(token)
}

/// Returns what a string says, U+FFFD for what is no character; `None` for what is no string of JSON.
pub(super) fn meant(token: &str) -> Option<Cow<'_, str>> {
    if memchr(b'\\', token.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner(token)));
    }
    struct Lossy;
    impl Visitor<'_> for Lossy {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    // As bytes, since as a text half of a surrogate pair is refused.
    let mut reader = serde_json::Deserializer::from_str(token);
    reader.deserialize_bytes(Lossy).ok().map(Cow::Owned)
}

/// Returns a text of any form with the escapes of JSON in it resolved; what is no escape stays.
fn unescaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        shown.push_str(&rest[..at]);
        let (c, length) = escape(&rest[at..]).unwrap_or(('\\', 1));
        shown.push(c);
        rest = &rest[at + length..];
    }
    shown.push_str(rest);
    shown
}

/// Returns the character of the escape at the beginning of a text, and the length of the escape.
fn escape(text: &str) -> Option<(char, usize)> {
    let c = match text.as_bytes().get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => {
            let first = unit(text)?;
            let second = text
                .get(6..)
                .filter(|rest| rest.starts_with("\\u"))
                .and_then(unit);
            let pair = [Some(first), second].into_iter().flatten();
            return match char::decode_utf16(pair).next()? {
                Ok(c) => Some((c, 6 * c.len_utf16())),
                Err(_) => Some(('\u{fffd}', 6)),
            };
        }
        byte @ (b'"' | b'\\' | b'/' | b'\'') => char::from(*byte),
        _ => return None,
    };
    Some((c, 2))
}

fn unit(escape: &str) -> Option<u16> {
    let digits = escape.get(2..6)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET_KEY: &str = "wJalrXUt+nFEMI/K7MDENG==";

    fn shown(token: &str) -> String {
        let redactor = Redactor::of_texts([SECRET_KEY]);
        redactor.string(token).unwrap_or_else(|| token.to_owned())
    }

    fn all_escaped(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
    }

    #[test]
    fn a_secret_is_found_however_its_characters_are_escaped() {
        let all = all_escaped(SECRET_KEY);
        let some = SECRET_KEY.replace('+', "\\u002B").replacen('=', "\\u003d", 1);
        for spelt in [&all, &some, SECRET_KEY] {
            assert_eq!(shown(&format!("\"a {spelt} b\"")), "\"a <secret> b\"");
        }
    }

    #[test]
    fn half_of_a_surrogate_pair_hides_no_secret_beside_it() {
        for half in ["\\ud800", "\\udce9", "\\uD83D\\n"] {
            let token = format!("\"{half} {}\"", all_escaped(SECRET_KEY));
            let shown = shown(&token);
            assert!(
                shown.ends_with("<secret>\"") && shown.contains('\u{fffd}'),
                "{shown}"
            );
        }
        assert_eq!(shown("\"caf\\udce9\""), "\"caf\\udce9\"");
    }

    #[test]
    fn a_text_within_texts_that_holds_a_secret_is_hidden_whole() {
        let mut text = format!("{{\"a\":\"{}\"}}", all_escaped(SECRET_KEY));
        for _ in 0..4 {
            text = quoted(&text);
            assert_eq!(shown(&text), "\"<secret>\"");
        }
        let plain = quoted(&quoted("C:\\new\\Windows is no \\u002 secret"));
        assert_eq!(shown(&plain), plain);
    }

    #[test]
    fn what_was_broken_into_lines_is_joined_before_it_is_looked_through() {
        use base64::Engine as _;
        for before in [36, 41, 46, 51, 56] {
            let text = format!("{}{SECRET_KEY}{}", "x".repeat(before), "y".repeat(90));
            let encoded = base64::engine::general_purpose::STANDARD.encode(&text);
            let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
            for whole in [encoded, hex, text] {
                for (width, end) in [(76, "\\n"), (64, "\\r\\n    "), (60, " ")] {
                    let lines = whole.as_bytes().chunks(width).map(String::from_utf8_lossy);
                    let token = format!("\"key: {}\"", lines.collect::<Vec<_>>().join(end));
                    assert!(shown(&token).contains("<secret>"), "{token}");
                }
            }
        }
        let prose = format!("\"{} wJalr XUt+nFEMI /K7MDENG==\"", "word ".repeat(20));
        assert_eq!(shown(&prose), prose);
    }

    #[test]
    fn escapes_are_resolved_and_what_is_none_stays() {
        assert_eq!(unescaped("a\\u00e9\\ud83d\\ude00\\\"\\/\\n\\"), "aé😀\"/\n\\");
        assert_eq!(
            unescaped("\\ud83dx\\u+123\\q\\u12é4"),
            "\u{fffd}x\\u+123\\q\\u12é4"
        );
    }
}

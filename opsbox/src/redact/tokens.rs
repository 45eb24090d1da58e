//! The tokens of a JSON text: where they end, and which of them a place touches.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// Places in a text, in order, that are passed one after the other.
pub(super) struct Places {
    all: Vec<Range<usize>>,
    passed: usize,
}

impl Places {
    pub(super) fn of(all: Vec<Range<usize>>) -> Self {
        Self { all, passed: 0 }
    }

    /// Returns those that touch a token; tokens are asked about in order.
    pub(super) fn touching<'a>(
        &'a mut self,
        token: &'a Range<usize>,
    ) -> impl Iterator<Item = &'a Range<usize>> {
        let is_past = |range: &Range<usize>| range.end <= token.start;
        while self.all.get(self.passed).is_some_and(is_past) {
            self.passed += 1;
        }
        let near = self.all[self.passed..].iter();
        near.take_while(|range| range.start < token.end)
            .filter(|range| range.end > token.start)
    }
}

/// Returns where the strings of a JSON text stand, quotes included.
pub(super) fn strings(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr(b'"', bytes.get(at..)?)?;
        at = (end_of_string(bytes, start) + 1).min(bytes.len());
        Some(start..at)
    })
}

/// Returns where the string ends that begins at a quote: the place of its last quote.
pub(super) fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(length) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += length;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len().max(at)
}

/// Returns where a string, a number or a word of JSON ends.
pub(super) fn end_of_scalar(bytes: &[u8], start: usize) -> usize {
    let end = if bytes[start] == b'"' {
        end_of_string(bytes, start) + 1
    } else {
        let is_end = |byte: &u8| b" \t\r\n,:]}".contains(byte);
        bytes[start..]
            .iter()
            .position(is_end)
            .map_or(bytes.len(), |length| start + length.max(1))
    };
    end.min(bytes.len())
}

/// Returns where the list or object ends that begins here.
pub(super) fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => at = end_of_string(bytes, at),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

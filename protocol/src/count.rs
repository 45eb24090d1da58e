//! Counting findings in the JSON text of details, in one pass and without a tree.

use crate::recover::string_end;

/// Returns how many findings details hold, given as valid JSON text without blanks around it.
///
/// A list holds one in each element. An object whose members are all lists is a report with sections (`{"old": [...]}`) and holds what
/// its lists hold. Any other object is one finding. `{}` and `[]` are none.
pub fn count_findings(details: &str) -> usize {
    let bytes = details.as_bytes();
    match bytes.first() {
        Some(b'[') => elements(bytes, 0).0,
        Some(b'{') => sections(bytes),
        _ => 0,
    }
}

/// Returns whether details say that nothing was found: `[]`, `{}`, or sections that are all empty. A text or a number says something else.
pub fn are_empty(details: &str) -> bool {
    details.starts_with(['[', '{']) && count_findings(details) == 0
}

/// Stops at the first member that is no list: the object is one finding then.
fn sections(bytes: &[u8]) -> usize {
    let mut n_found = 0;
    let mut at = 1;
    // Between members stand a comma and blanks; the text is valid JSON, so that anything else is the end.
    while let Some(key) = skip(bytes, at, b',').filter(|key| bytes[*key] == b'"') {
        let value = string_end(bytes, key).and_then(|end| skip(bytes, end, b':'));
        let Some(list) = value.filter(|value| bytes[*value] == b'[') else {
            return 1;
        };
        let (n_elements, end) = elements(bytes, list);
        n_found += n_elements;
        at = end;
    }
    n_found
}

/// Returns how many elements the list that starts here has, and the offset behind it.
fn elements(bytes: &[u8], start: usize) -> (usize, usize) {
    let mut n_commas = 0;
    let mut is_empty = true;
    let mut depth = 0_u32;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b'[' | b'{' => {
                is_empty &= depth == 0;
                depth += 1;
            }
            b']' | b'}' if depth <= 1 => {
                at += 1;
                break;
            }
            b']' | b'}' => depth -= 1,
            b',' => n_commas += usize::from(depth == 1),
            b'"' => {
                is_empty = false;
                at = string_end(bytes, at).unwrap_or(bytes.len());
                continue;
            }
            _ => is_empty = false,
        }
        at += 1;
    }
    (if is_empty { 0 } else { n_commas + 1 }, at)
}

/// Returns the offset of the next byte that is neither a blank nor the separator.
fn skip(bytes: &[u8], at: usize, separator: u8) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let next = rest
        .iter()
        .position(|byte| *byte != separator && !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
    Some(at + next)
}

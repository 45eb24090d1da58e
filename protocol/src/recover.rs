//! Finding the id of a message that cannot be parsed, so that its call can fail at once instead of at its deadline.

use serde::de::IgnoredAny;

/// How far behind the first `{` an id is looked for, in bytes.
const REACH: usize = 4096;

/// Returns the JSON text of the outermost `id` of a broken object: an integer or a string that is whole, within 4096 bytes.
///
/// Looks at brackets and strings only; what stands between them may be broken in any way. The id itself is sound JSON, since it may be sent
/// back.
pub fn recover_id(text: &str) -> Option<String> {
    let start = text.find('{').unwrap_or(0);
    let text = &text[..text.floor_char_boundary(start + REACH)];
    let bytes = text.as_bytes();
    let mut depth = 0_u32;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'[' if depth == 0 => return None,
            b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(bytes, at)?;
                if depth == 1
                    && &text[at..end] == "\"id\""
                    && let Some(value) = text[end..].trim_start().strip_prefix(':')
                {
                    return whole_id(value.trim_start());
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the offset behind the closing quote of the string that starts here.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn whole_id(value: &str) -> Option<String> {
    let end = if value.starts_with('"') {
        string_end(value.as_bytes(), 0)?
    } else {
        value.find(|c: char| !c.is_ascii_digit() && c != '-')?
    };
    let (id, rest) = value.split_at(end);
    let is_whole = rest.trim_start().starts_with([',', '}']);
    let is_json = serde_json::from_str::<IgnoredAny>(id).is_ok();
    (is_whole && is_json && is_valid_id(id)).then(|| id.to_owned())
}

/// Returns whether the JSON text of an id is a string or an integer.
pub(crate) fn is_valid_id(id: &str) -> bool {
    id.starts_with('"') || id.parse::<i64>().is_ok() || id.parse::<u64>().is_ok()
}

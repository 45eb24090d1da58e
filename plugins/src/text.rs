//! Text of strangers made fit for a terminal: no control characters, no more columns than there are.

use textwrap::core::display_width;

/// Returns the text on one line: control characters that a terminal would obey are spelt out, white space is one blank.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_control() => out.extend(c.escape_default()),
            // Marks that change the direction of the text around them, or are not seen at all.
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {
                out.extend(c.escape_default());
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns the text cut to this many columns; a cut text ends with `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut width = 0;
    let mut buffer = [0; 4];
    for c in text.chars() {
        width += display_width(c.encode_utf8(&mut buffer));
        if width >= columns {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// Returns the text filled with blanks to this many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!(
        "{text}{}",
        " ".repeat(columns.saturating_sub(display_width(text)))
    )
}

/// Returns a count with its noun, which takes an `s` in the plural.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_direction_marks_are_spelt_out() {
        assert_eq!(
            shown("a\x1b[31mb\n\r\tc\u{202e}d\u{9b}\x07 \n"),
            "a\\u{1b}[31mb c\\u{202e}d\\u{9b}\\u{7}"
        );
    }

    #[test]
    fn cutting_counts_columns_not_bytes() {
        assert_eq!(cut("日本語テキスト", 7), "日本語…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
    }
}

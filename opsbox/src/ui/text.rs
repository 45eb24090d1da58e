//! Text from outside, made harmless before it is shown.

/// Returns one line without terminal escapes and control characters.
pub fn clean(text: &str) -> String {
    console::strip_ansi_codes(text)
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .flat_map(|c| {
            let shown: Vec<char> = if is_harmful(c) {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            shown
        })
        .collect()
}

/// Returns text of several lines, each cleaned.
pub fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Control characters act on the terminal; the others in here turn the order of what is read around.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a duration for people: milliseconds under a second, else seconds.
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_controls_do_not_act() {
        assert_eq!(clean("a\u{1b}[31mb\u{1b}[0m\tc\u{7}\r"), "ab c\\u{7}\\r");
        assert_eq!(clean("x\u{202e}y"), "x\\u{202e}y");
        // ESC c is a whole sequence: it resets a terminal.
        assert_eq!(clean_lines("a\nb\u{1b}c\nd\u{1b}\n"), "a\nb\nd\\u{1b}");
    }
}

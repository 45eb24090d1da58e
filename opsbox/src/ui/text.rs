//! Text from outside, made harmless before it is shown.

use std::borrow::Cow;

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

/// Returns text of several lines, each cleaned; tabs and the end of the last line stay.
pub fn clean_text(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(clean).collect::<Vec<_>>().join("\t");
    let lines: Vec<String> = text
        .split('\n')
        .map(|text| line(text.strip_suffix('\r').unwrap_or(text)))
        .collect();
    lines.join("\n")
}

/// Returns text in which only line ends, tabs, colors and weights act on a terminal; the rest is spelt out.
pub fn colored(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| is_harmful(c) && !matches!(c, '\n' | '\t')) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let kept = match rest.starts_with("\r\n") {
            true => 2,
            false => color_end(rest).unwrap_or(0),
        };
        let taken = match rest.chars().next() {
            Some(c) if kept == 0 => {
                shown.extend(c.escape_default());
                c.len_utf8()
            }
            _ => kept,
        };
        shown.push_str(&rest[..kept]);
        rest = &rest[taken..];
    }
    shown.push_str(rest);
    shown
}

/// Returns the length of the sequence that sets color or weight at the start of a text, if there is one.
fn color_end(text: &str) -> Option<usize> {
    let codes = text.strip_prefix("\u{1b}[")?;
    let end = codes.find(|c: char| !c.is_ascii_digit() && !";:".contains(c))?;
    codes[end..].starts_with('m').then_some("\u{1b}[".len() + end + 1)
}

/// Returns JSON text with every character escaped that acts on a terminal; for a program it says the same.
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_harmful(c) && !matches!(c, '\n' | '\r' | '\t');
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // They stand inside of strings, all of them below U+10000.
        match acts(c) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Says whether a character acts: control characters do on the terminal; the others turn the order of what is read around, or end its line.
pub fn is_harmful(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
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

    #[test]
    fn texts_keep_their_lines_and_outputs_their_colors_and_nothing_else() {
        assert_eq!(clean_text("a\tb\r\n\u{1b}[31mc\u{7}\n\n"), "a\tb\nc\\u{7}\n\n");
        for (given, shown) in [
            (
                "\u{1b}[1;38:5:9mred\u{1b}[0m\tx\r\n",
                "\u{1b}[1;38:5:9mred\u{1b}[0m\tx\r\n",
            ),
            (
                "\u{1b}[2J\u{1b}]52;c;eA==\u{7}",
                "\\u{1b}[2J\\u{1b}]52;c;eA==\\u{7}",
            ),
            (
                "over\rwritten \u{9b}31m \u{8}",
                "over\\rwritten \\u{9b}31m \\u{8}",
            ),
            ("\u{1b}[", "\\u{1b}["),
            ("\u{1b}", "\\u{1b}"),
        ] {
            assert_eq!(colored(given), shown, "{given:?}");
        }
    }

    #[test]
    fn json_says_the_same_and_does_not_act() {
        let value = serde_json::json!({"\u{9b}k": "a\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2028}é"});
        let text = value.to_string();
        let shown = json(&text);
        assert!(!shown.contains(is_harmful), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}

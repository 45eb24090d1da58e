//! Text of strangers: nothing that is shown acts on a terminal, no name of a file leaves its folder.

use std::collections::HashSet;
use std::path::Component;

use opsbox::fuzzing;
use opsbox::redact::userinfo;
use opsbox::ui::text::{clean, clean_lines};
use opsbox_plugins::fuzzing as plugins;

/// The first byte is a number of columns, the rest the text; for names it is cut at each NUL.
pub fn check(data: &[u8]) {
    let [columns, rest @ ..] = data else { return };
    let text = String::from_utf8_lossy(rest);
    for shown in [
        clean(&text),
        fuzzing::cell(&text),
        plugins::shown(&text, usize::from(*columns)),
    ] {
        assert!(!shown.chars().any(acts), "{text:?} is shown as {shown:?}");
    }
    assert!(
        !clean_lines(&text).chars().any(|c| c != '\n' && acts(c)),
        "{text:?}"
    );
    assert_eq!(
        clean(&clean(&text)),
        clean(&text),
        "what is harmless stays as it is"
    );
    check_names(&text);
    let hidden = userinfo(&text);
    assert_eq!(userinfo(&hidden), hidden, "{text:?}");
}

/// Says whether a terminal, or a reader's eye, would obey this character.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_names(text: &str) {
    let names: Vec<(&str, &str)> = text
        .split('\0')
        .map(|part| part.split_once(' ').unwrap_or((part, part)))
        .collect();
    let paths = plugins::paths(&names);
    let different: HashSet<_> = paths.iter().collect();
    assert_eq!(
        different.len(),
        paths.len(),
        "a name is given out twice: {paths:?}"
    );
    for path in &paths {
        let parts: Vec<Component<'_>> = path.components().collect();
        let [Component::Normal(folder), Component::Normal(file)] = parts[..] else {
            panic!("{} leaves its folder", path.display());
        };
        for part in [folder, file] {
            let part = part.to_str().expect("made of text");
            assert!(
                !part.starts_with('.') && part.len() <= 255 && !part.chars().any(acts),
                "{part:?}"
            );
        }
    }
}

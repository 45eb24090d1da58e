//! Metadata of Python packages, and what `plugins add` is asked for.

use std::path::PathBuf;

use opsbox::environ::Environ;
use opsbox::fuzzing;

/// The input is the text of a file: entry points, a list of files, headers, a source or a requirement.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for (name, value) in fuzzing::entry_points(text) {
        assert!(
            text.contains(&name) && text.contains(&value),
            "{name:?} = {value:?} was made up"
        );
        assert!(!name.contains(['\n', '=']) && !value.contains('\n'));
        assert!(text.contains("opsbox.plugins"));
    }
    assert!(fuzzing::recorded(text).len() <= text.lines().count());
    if !text.contains(['\n', '\r']) {
        let line = format!("\"{}\",sha256=abc,12", text.replace('"', "\"\""));
        assert_eq!(
            fuzzing::recorded(&line),
            [text],
            "a name in quotes is read as it was written"
        );
    }
    if let Some(value) = fuzzing::header(text, "Name") {
        assert!(!value.contains('\n') && text.contains(&value));
    }
    if let Some(class) = fuzzing::spelling(text, "Plugin") {
        assert!(class.eq_ignore_ascii_case("plugin") && text.contains(&class));
    }
    let now = "2026-03-31T12:00:00+00:00[+00:00]".parse().expect("a moment");
    let environ = Environ::new([], PathBuf::from("/nowhere"), now);
    if let Ok((what, _)) = fuzzing::requirement(text, &environ) {
        assert!(!what.chars().any(char::is_control), "{what:?}");
        if let Ok((again, secrets)) = fuzzing::requirement(&what, &environ) {
            assert!(secrets.is_empty(), "{what:?} shows {secrets:?}");
            assert_eq!(again, what);
        }
    }
}

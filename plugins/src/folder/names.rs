//! Names of files made from names in Results, which strangers chose.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Longest name in bytes, so that an ending, a number and a temporary name fit into the 255 of file systems.
const MAX_BYTES: usize = 180;

/// The names that one run has given out.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashSet<PathBuf>,
    /// The number to try next for a path that was given out: of many equal names none is looked for from the start.
    next: HashMap<PathBuf, u32>,
}

impl Names {
    /// Returns `<relates_to>/<result_name>.<extension>`; a path that was given out before gets `-2`, `-3`.
    pub(super) fn path_for(&mut self, relates_to: &str, result_name: &str, extension: &str) -> PathBuf {
        let folder = PathBuf::from(safe(relates_to));
        let name = safe(result_name);
        let first = folder.join(format!("{name}.{extension}"));
        if self.given.insert(first.clone()) {
            return first;
        }
        let next = self.next.entry(first).or_insert(2);
        loop {
            let path = folder.join(format!("{name}-{next}.{extension}"));
            *next += 1;
            if self.given.insert(path.clone()) {
                return path;
            }
        }
    }
}

/// Returns one name that stays where it is put: no separator, no control character, not hidden, not empty, not too long.
fn safe(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | '\0' => '_',
            '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    if safe.is_empty() {
        safe.push('_');
    }
    if safe.starts_with('.') {
        safe.replace_range(..1, "_");
    }
    if safe.len() > MAX_BYTES {
        // Two long names with one beginning stay two files, and the same ones in every run.
        // FNV-1a: the standard library's hash may change between its releases.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let mut end = MAX_BYTES;
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        safe.truncate(end);
        safe.push_str(&format!("-{:08x}", hash));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are_unless_they_would_act() {
        for (name, wanted) in [
            ("idle_instances", "idle_instances"),
            ("my check (EU)", "my check (EU)"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("..", "_."),
            ("", "_"),
            ("a/b\\c\0d\ne\x1b[0m", "a_b_c_d_e_[0m"),
            (".hidden", "_hidden"),
        ] {
            assert_eq!(safe(name), wanted, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let [a, b] = ["a", "b"].map(|end| safe(&format!("{}{end}", "é".repeat(64 * 1024))));
        assert!(a.len() < 200 && a != b);
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut names = Names::default();
        let given =
            ["x", "x", "x-2", "x"].map(|name| names.path_for("a", name, "json").display().to_string());
        assert_eq!(given, ["a/x.json", "a/x-2.json", "a/x-2-2.json", "a/x-3.json"]);
    }
}

//! A policy's text: what the look before the parser finds, and what is written in its place, keep lines and meaning.

use opsbox::fuzzing;
use opsbox::rego::scan;

/// Above these the interpreter's parser takes too long for a fuzz target.
const MAX_PARSED: usize = 2000;
const MAX_DEPTH: usize = 4;

/// The input is the policy.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if scan::check("fuzz.rego", text).is_err() {
        return;
    }
    let n_lines = text.matches('\n').count();
    let small = text.len() <= MAX_PARSED && depth(text) <= MAX_DEPTH;
    // A text that is no policy once it is guarded is told as it is, so its lines matter only where it is one.
    if let Some(guarded) = fuzzing::guarded(text)
        && small
        && fuzzing::parses(text)
        && fuzzing::parses(&guarded)
    {
        assert_eq!(
            guarded.matches('\n').count(),
            n_lines,
            "a line moved:\n{text}\n{guarded}"
        );
    }
    if let Some((rewritten, package)) = fuzzing::rewritten(text) {
        assert_eq!(package[0], "own");
        assert!(rewritten.contains("own."), "{rewritten}");
        let more = rewritten.matches('\n').count() - n_lines;
        assert!(more == 0 || more == 2, "a line moved:\n{text}\n{rewritten}");
    }
    for (name, line) in fuzzing::rules(text) {
        assert!(line as usize <= n_lines + 1 && text.contains(&name));
    }
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

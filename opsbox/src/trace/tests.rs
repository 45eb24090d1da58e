//! Reading what is not whole.

use super::read::Recorded;

#[test]
fn a_trace_without_a_whole_line_is_refused() {
    for text in ["", "{\"trace\":1"] {
        let refused = Recorded::from_text(text).map(|trace| trace.lines.len());
        assert_eq!(refused, Err("it has no whole line".to_owned()), "{text}");
    }
}

//! Framing over a blocking reader.

use std::io::BufReader;

use opsbox_protocol::{FrameError, LineReader};

fn lines(bytes: &[u8], cap: u64, buffer: usize) -> Vec<String> {
    let mut reader = LineReader::with_cap(BufReader::with_capacity(buffer, bytes), cap);
    let mut seen = Vec::new();
    loop {
        match reader.next_line() {
            Ok(None) => return seen,
            Ok(Some(line)) => seen.push(line),
            Err(FrameError::Io(error)) => panic!("{error}"),
            Err(error) => seen.push(format!("!{error}")),
        }
    }
}

#[test]
fn crlf_bom_blank_lines_and_a_last_line_without_newline_are_read() {
    for buffer in [1, 2, 3, 64] {
        assert_eq!(
            lines(b"\xef\xbb\xbf{}\r\n\n \r\n[1]\n{\"a\":2}", 100, buffer),
            ["{}", "[1]", "{\"a\":2}"]
        );
    }
}

#[test]
fn a_line_at_the_cap_passes_and_one_byte_more_is_passed_over() {
    for buffer in [1, 2, 64] {
        assert_eq!(
            lines(b"12345\n123456\nabc\n", 5, buffer),
            ["12345", "!a line of more than 5 bytes", "abc"]
        );
    }
}

#[test]
fn a_depth_bomb_and_invalid_utf8_cost_one_line() {
    let bomb = format!("{}\n\u{e9}\n", "[".repeat(10_000));
    assert_eq!(
        lines(bomb.as_bytes(), 1 << 20, 64),
        ["!a line nests 10000 levels deep, 128 are allowed", "é"]
    );
    assert_eq!(lines(b"\xff\xfe\nok\n", 100, 64), ["!a line is not UTF-8", "ok"]);
}

#[test]
fn a_reader_without_a_cap_does_not_judge_depth() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut reader = LineReader::new(deep.as_bytes());
    assert_eq!(reader.next_line().expect("read"), Some(deep.clone()));
}

#[test]
fn the_id_of_a_message_that_is_not_utf8_is_told() {
    for (line, expected) in [
        (
            &b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a\xff\"}"[..],
            Some("7"),
        ),
        (b"{\"id\":7,\"a\":\"\xff\"}", None),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":7,\"a\":\"\xff\"}]", None),
        (b"\xff\"jsonrpc\"", None),
    ] {
        match LineReader::new(line).next_line() {
            Err(FrameError::NotUtf8 { id }) => assert_eq!(id.as_deref(), expected, "{line:?}"),
            other => panic!("{other:?}"),
        }
    }
}

//! Lines of a stream: the same ones in chunks of any size, none over its caps, and those that a plain split finds.

use std::io::BufReader;

use opsbox_protocol::scan::{LineScan, Scanned};
use opsbox_protocol::{FrameError, LineReader, limits};

/// The first byte is the size of the chunks, the second the cap of a line, the rest the stream.
pub fn check(data: &[u8]) {
    let [chunk, cap, stream @ ..] = data else { return };
    let chunk = usize::from(*chunk).max(1);
    let cap = u64::from(*cap);
    assert_eq!(
        scanned(stream, chunk),
        scanned(stream, stream.len().max(1)),
        "chunks of {chunk}"
    );
    assert_eq!(
        scanned(stream, chunk),
        measured(stream),
        "a plain look at each byte"
    );

    let whole = read(LineReader::with_cap(stream, cap));
    let pieces = read(LineReader::with_cap(BufReader::with_capacity(chunk, stream), cap));
    assert_eq!(whole, pieces, "buffers of {chunk}");
    for line in whole.iter().flatten() {
        assert!(
            line.len() as u64 <= cap && measured(line.as_bytes())[0].0 <= limits::DEPTH,
            "{line:?}"
        );
    }
    assert_eq!(read(LineReader::new(stream)), split(stream));
}

/// Returns depth and length of each line, the last one included.
fn scanned(stream: &[u8], chunk: usize) -> Vec<(u32, u64)> {
    let mut scan = LineScan::default();
    let mut lines = Vec::new();
    for mut rest in stream.chunks(chunk) {
        while let Scanned::Ended {
            newline,
            max_depth,
            line_bytes,
        } = scan.feed(rest)
        {
            assert_eq!(rest[newline], b'\n');
            lines.push((max_depth, line_bytes));
            rest = &rest[newline + 1..];
        }
    }
    lines.push((scan.max_depth(), scan.line_bytes()));
    lines
}

/// The same, byte by byte.
fn measured(stream: &[u8]) -> Vec<(u32, u64)> {
    let measure = |line: &[u8]| {
        let (mut depth, mut deepest, mut in_string, mut escaped) = (0_u32, 0_u32, false, false);
        for byte in line {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        (deepest, line.len() as u64)
    };
    stream.split(|byte| *byte == b'\n').map(measure).collect()
}

/// Returns all lines, and a word for each that was passed over.
fn read(mut reader: LineReader<impl std::io::BufRead>) -> Vec<Result<String, String>> {
    let mut lines = Vec::new();
    loop {
        match reader.next_line() {
            Ok(Some(line)) => {
                assert!(!line.contains('\n') && !line.trim().is_empty(), "{line:?}");
                lines.push(Ok(line));
            }
            Ok(None) => return lines,
            Err(FrameError::Io(error)) => panic!("no stream of bytes breaks: {error}"),
            Err(FrameError::NotUtf8 { .. }) => lines.push(Err("not UTF-8".to_owned())),
            Err(error) => lines.push(Err(error.to_string())),
        }
    }
}

/// What a reader without caps must return.
fn split(stream: &[u8]) -> Vec<Result<String, String>> {
    let line = |line: &[u8]| match std::str::from_utf8(line) {
        Err(_) => Some(Err("not UTF-8".to_owned())),
        Ok(text) => {
            let text = text.trim_end_matches('\r');
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            (!text.trim().is_empty()).then(|| Ok(text.to_owned()))
        }
    };
    stream.split(|byte| *byte == b'\n').filter_map(line).collect()
}

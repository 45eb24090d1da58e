//! A scan over the bytes of the wire as they arrive: where lines end and how deep they nest.
//!
//! The scan does not validate JSON. It exists because a payload kept as a slice is skipped, not parsed, and skipping has no
//! limit on depth; and because doing it chunk by chunk hides its cost behind the arrival of the data.

/// Finds the end of each line and its depth, over chunks of any size.
#[derive(Debug, Default)]
pub struct LineScan {
    depth: u32,
    max_depth: u32,
    in_string: bool,
    escaped: bool,
    line_bytes: u64,
}

/// What a chunk held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// The line goes on after the chunk.
    Open,
    /// The line's `\n` stands at this offset of the chunk; the scan is ready for the next line.
    Ended {
        /// Offset of the `\n` in the chunk.
        newline: usize,
        /// The deepest nesting of the line.
        max_depth: u32,
        /// The line's length in bytes, without its `\n`.
        line_bytes: u64,
    },
}

impl LineScan {
    /// Looks at the next bytes, up to and including the first `\n`.
    pub fn feed(&mut self, chunk: &[u8]) -> Scanned {
        match memchr::memchr(b'\n', chunk) {
            None => {
                self.measure(chunk);
                Scanned::Open
            }
            Some(newline) => {
                self.measure(&chunk[..newline]);
                let ended = Scanned::Ended {
                    newline,
                    max_depth: self.max_depth,
                    line_bytes: self.line_bytes,
                };
                *self = Self::default();
                ended
            }
        }
    }

    /// Returns the bytes of the open line so far.
    pub fn line_bytes(&self) -> u64 {
        self.line_bytes
    }

    /// Returns the deepest nesting of the open line so far.
    pub fn max_depth(&self) -> u32 {
        self.max_depth
    }

    fn measure(&mut self, bytes: &[u8]) {
        self.line_bytes += bytes.len() as u64;
        let mut rest = bytes;
        if self.escaped && !rest.is_empty() {
            self.escaped = false;
            rest = &rest[1..];
        }
        while !rest.is_empty() {
            if self.in_string {
                let Some(at) = memchr::memchr2(b'"', b'\\', rest) else {
                    return;
                };
                if rest[at] == b'"' {
                    self.in_string = false;
                    rest = &rest[at + 1..];
                } else if at + 1 == rest.len() {
                    self.escaped = true;
                    return;
                } else {
                    rest = &rest[at + 2..];
                }
                continue;
            }
            let mut at = 0;
            while at < rest.len() {
                match rest[at] {
                    b'"' => {
                        self.in_string = true;
                        at += 1;
                        break;
                    }
                    b'{' | b'[' => {
                        self.depth = self.depth.saturating_add(1);
                        self.max_depth = self.max_depth.max(self.depth);
                    }
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
            rest = &rest[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_of(line: &str, step: usize) -> u32 {
        let mut scan = LineScan::default();
        let bytes = format!("{line}\n").into_bytes();
        for chunk in bytes.chunks(step) {
            if let Scanned::Ended { max_depth, .. } = scan.feed(chunk) {
                return max_depth;
            }
        }
        panic!("no newline seen");
    }

    #[test]
    fn depth_is_the_same_for_every_chunk_size() {
        let line = r#"{"a":[{"b":"]}\"[[["},[["\\"]]],"c":"\\\""}"#;
        for step in 1..line.len() + 1 {
            assert_eq!(depth_of(line, step), 4, "chunks of {step}");
        }
    }

    #[test]
    fn a_line_ends_where_its_newline_stands_and_the_next_starts_afresh() {
        let mut scan = LineScan::default();
        let ended = scan.feed(b"[[[\n{}");
        assert_eq!(
            ended,
            Scanned::Ended {
                newline: 3,
                max_depth: 3,
                line_bytes: 3
            }
        );
        assert_eq!(
            scan.feed(b"{}\n"),
            Scanned::Ended {
                newline: 2,
                max_depth: 1,
                line_bytes: 2
            }
        );
    }
}

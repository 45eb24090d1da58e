//! Reading a trace: its head, its lines, and what a killed host left of the last one.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::shape::{TRACE_VERSION, TraceHead, TraceLine};
use crate::error::Fault;

/// The first line names plugin, release and times; none is longer.
const MOST_HEAD_BYTES: u64 = 1 << 20;

/// A trace.
#[derive(Debug)]
pub struct Recorded {
    /// Whose wire it is.
    pub head: TraceHead,
    /// Its lines, in order.
    pub lines: Vec<TraceLine>,
    /// Whether its last line was cut off, as by a kill of the host.
    pub torn: bool,
}

impl Recorded {
    /// Reads a trace file.
    ///
    /// # Errors
    /// A fault that names file and line.
    pub fn from_file(path: &Path) -> Result<Self, Fault> {
        let bad = |why: String| {
            Fault::new(format!("the trace `{}` cannot be used: {why}", path.display()))
                .hint("`opsbox run PIPELINE --trace DIR` writes one for each plugin: `DIR/PLUGIN.jsonl`")
        };
        if path.is_dir() {
            return Err(bad("it is a folder; name one of the files in it".into()));
        }
        let text = text(path).map_err(bad)?;
        Self::from_text(&text).map_err(bad)
    }

    /// Reads the text of a trace.
    ///
    /// # Errors
    /// What is wrong, with the line's number.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let mut lines: Vec<&str> = text.split('\n').collect();
        // What stands behind the last `\n` is nothing, or a line that was cut off.
        let torn = lines.pop().is_some_and(|last| !last.is_empty());
        let Some((first, rest)) = lines.split_first() else {
            return Err("it has no whole line".into());
        };
        let head: TraceHead = serde_json::from_str(first).map_err(|error| format!("line 1: {error}"))?;
        if head.trace != TRACE_VERSION {
            return Err(format!(
                "it is of version {}, and this release reads version {TRACE_VERSION}",
                head.trace
            ));
        }
        let read = |(index, line): (usize, &&str)| {
            serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 2))
        };
        let lines = rest.iter().enumerate().map(read).collect::<Result<_, String>>()?;
        Ok(Self { head, lines, torn })
    }
}

/// Reads a trace's text; the rest only of what begins as a trace does, since a device would have no end.
fn text(path: &Path) -> Result<String, String> {
    let why = |error: std::io::Error| error.to_string();
    let mut file = BufReader::new(File::open(path).map_err(why)?);
    let mut text = Vec::new();
    (&mut file)
        .take(MOST_HEAD_BYTES)
        .read_until(b'\n', &mut text)
        .map_err(why)?;
    if text.len() as u64 == MOST_HEAD_BYTES {
        return Err(format!("line 1: it has more than {MOST_HEAD_BYTES} bytes"));
    }
    if text.last() == Some(&b'\n') {
        serde_json::from_slice::<TraceHead>(&text).map_err(|error| format!("line 1: {error}"))?;
    }
    file.read_to_end(&mut text).map_err(why)?;
    String::from_utf8(text).map_err(|error| format!("it is not UTF-8: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_refused_by_its_beginning() {
        let fault = Recorded::from_file(Path::new("/dev/zero")).unwrap_err();
        assert!(fault.message.contains("line 1: it has more than"), "{fault:?}");
    }
}

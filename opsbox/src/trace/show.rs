//! A trace as a sequence for people: who said what, when, how large it was, and how long each call took.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::read::Recorded;
use super::said::Said;
use super::shape::{Side, TraceLine};
use crate::ui::text::clean;

/// Widths of the columns before the text.
const COLUMNS_BEFORE: usize = 54;

/// One line of the sequence.
struct Row<'a> {
    line: &'a TraceLine,
    what: String,
    text: String,
    /// How long the call took that this line answers, in milliseconds.
    took: Option<f64>,
}

/// Returns a trace for people; with `full` no line is cut.
pub fn text(trace: &Recorded, width: usize, full: bool) -> String {
    let head = &trace.head;
    let mut text = format!(
        "trace of `{}` in run {}, opsbox {}, {}\n",
        clean(&head.plugin),
        clean(&head.run),
        clean(&head.opsbox),
        clean(&head.started)
    );
    for row in rows(trace) {
        let (line, arrow) = (row.line, arrow(row.line.from));
        let took = row.took.map_or(String::new(), duration);
        let size = if line.from == Side::Process {
            String::new()
        } else {
            size(line.bytes)
        };
        let before = format!(
            "{:>10.1}  {arrow}  {:<22} {size:>9} {took:>8}",
            line.ms,
            clean(&row.what)
        );
        let room = if full {
            usize::MAX
        } else {
            width.saturating_sub(COLUMNS_BEFORE).max(20)
        };
        text.push_str(format!("{before}  {}", cut(&clean(&row.text), room)).trim_end());
        text.push('\n');
    }
    if trace.torn {
        text.push_str("the last line was cut off: the host was killed while it wrote\n");
    }
    text.push_str(
        "milliseconds since the start; > host to plugin, < plugin to host, ! standard error, . the process\n",
    );
    text
}

/// Returns a trace for programs.
pub fn json(trace: &Recorded) -> Value {
    let rows = rows(trace).into_iter().map(|row| {
        json!({
            "ms": row.line.ms,
            "from": row.line.from,
            "bytes": row.line.bytes,
            "what": row.what,
            "took_ms": row.took,
            "line": row.line.line,
            "tail": row.line.tail,
            "redacted": row.line.redacted,
        })
    });
    json!({"head": trace.head, "torn": trace.torn, "lines": rows.collect::<Vec<_>>()})
}

fn rows<'a>(trace: &'a Recorded) -> Vec<Row<'a>> {
    let mut open: HashMap<String, (String, f64)> = HashMap::new();
    let row = |line: &'a TraceLine| {
        let said = match line.from {
            Side::Host | Side::Plugin => Said::of(line),
            Side::Stderr | Side::Process => Said::Other,
        };
        let (what, took, payload) = match said {
            Said::Request(id, method, params) => {
                open.insert(id.clone(), (method.clone(), line.ms));
                (format!("{id} {method}"), None, Some(params))
            }
            Said::Notification(method, params) => (method, None, Some(params)),
            Said::Answer(id, outcome) => {
                let (method, since) = match open.remove(&id) {
                    Some((method, since)) => (method, Some(line.ms - since)),
                    None => ("?".to_owned(), None),
                };
                let word = if outcome.is_ok() { "" } else { " failed" };
                let payload = outcome.unwrap_or_else(|error| error);
                (format!("{id} = {method}{word}"), since, Some(payload))
            }
            Said::Broken(_) | Said::Other => (String::new(), None, None),
        };
        let mut text = match payload {
            Some(payload) if line.is_whole() => payload.to_string(),
            _ => line.line.clone(),
        };
        if let Some(tail) = &line.tail {
            text = format!("{text} … {tail}");
        }
        Row {
            line,
            what,
            text,
            took,
        }
    };
    trace.lines.iter().map(row).collect()
}

fn arrow(side: Side) -> char {
    match side {
        Side::Host => '>',
        Side::Plugin => '<',
        Side::Stderr => '!',
        Side::Process => '.',
    }
}

/// Returns a duration, given in milliseconds.
pub fn duration(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}

/// Returns a text of at most so many characters.
pub fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

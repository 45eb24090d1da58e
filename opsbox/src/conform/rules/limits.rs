//! Section 4: how long, how deep, how many.

use std::collections::BTreeSet;

use opsbox_protocol::limits;

use crate::conform::line::is_too_deep;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::{Scene, What};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "LIM-1",
        text: "no line before the end of the handshake is over 1 MiB",
        mend: "say little in the answer to `initialize`; data belongs into hooks",
        should: false,
        judge: handshake,
    },
    Rule {
        id: "LIM-2",
        text: "no line is longer than `line_bytes` or deeper than `depth`",
        mend: "answer with an error where an answer would be over the limit, or raise `[limits] line` in the manifest",
        should: false,
        judge: longest,
    },
    Rule {
        id: "LIM-3",
        text: "lines of any length are read, and a request that nests too deep for the reader is answered with an error",
        mend: "read lines without a limit of your own; where your JSON library refuses a line, answer its `id` with an error",
        should: false,
        judge: read,
    },
    Rule {
        id: "LIM-4",
        text: "at most `in_flight` requests of the plugin are open at once",
        mend: "wait for answers before you ask more",
        should: false,
        judge: open_requests,
    },
];

fn handshake(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        let answered = scene.ask("initialize").and_then(|ask| ask.answer);
        let long = scene.lines().find(|(at, line)| {
            answered.is_none_or(|answer| *at <= answer) && line.length > limits::HANDSHAKE_LINE_BYTES
        });
        if let Some((at, line)) = long {
            let why = format!("the line has {} bytes, before the handshake is done", line.length);
            return Evidence::at(scene, at, why).broken();
        }
    }
    Judged::Kept
}

fn longest(seen: &Observed<'_>) -> Judged {
    seen.each_line(|line| {
        if line.length > seen.line_bytes {
            return Some(format!(
                "the line has {} bytes, {} are allowed",
                line.length, seen.line_bytes
            ));
        }
        let deep = is_too_deep(line) && line.text().contains("\"jsonrpc\"");
        deep.then(|| {
            format!(
                "the line nests {} levels deep, {} are allowed",
                line.depth,
                limits::DEPTH
            )
        })
    })
}

fn read(seen: &Observed<'_>) -> Judged {
    let long = match seen.answered("long", "long", |_| None) {
        Judged::Broken(evidence) => Judged::Odd(Evidence {
            why: "a request of 1 MiB was not answered".into(),
            ..evidence
        }),
        other => other,
    };
    all([seen.answered("deep", "deep", |_| None), long])
}

fn open_requests(seen: &Observed<'_>) -> Judged {
    let mut some = false;
    for scene in seen.scenes {
        if let Some((at, most)) = most_open(scene, &mut some) {
            let why = format!("{most} requests are open, {} are allowed", limits::IN_FLIGHT);
            return Evidence::at(scene, at, why).broken();
        }
    }
    if some {
        Judged::Kept
    } else {
        unseen("it made no requests")
    }
}

/// Returns where too many requests are open, and how many.
///
/// The suite answers each request as soon as it reads it, so what counts is how many were written in a row.
fn most_open(scene: &Scene, some: &mut bool) -> Option<(usize, usize)> {
    let mut open = BTreeSet::new();
    for (at, entry) in scene.entries.iter().enumerate() {
        match &entry.what {
            What::Got(line) => {
                let Some(message) = line.message().filter(|message| message.is_request()) else {
                    continue;
                };
                *some = true;
                open.insert(message.get("id").unwrap_or_default().to_owned());
                if open.len() > limits::IN_FLIGHT as usize {
                    return Some((at, open.len()));
                }
            }
            What::Sent(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                open.retain(|id| !text.starts_with(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},")));
            }
            What::Closed => {}
        }
    }
    None
}

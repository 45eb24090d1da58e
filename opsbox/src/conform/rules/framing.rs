//! Section 2: lines, and nothing but lines.

use crate::conform::line::{Damage, Line, Shape};
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::{Missed, What};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "FRAME-2",
        text: "each message is one JSON object on one line of UTF-8 that ends with \\n; no other character ends a line",
        mend: "write each message with a JSON library, in UTF-8, on one line with one \\n behind it; split what you read at \\n only",
        should: false,
        judge: one_line,
    },
    Rule {
        id: "FRAME-3",
        text: "no byte order mark, and no \\r before \\n",
        mend: "open stdout without text conversion: no `utf-8-sig`, no line ends of Windows",
        should: false,
        judge: marks,
    },
    Rule {
        id: "FRAME-4",
        text: "lines that are empty or hold only blanks are skipped",
        mend: "skip lines that hold nothing but spaces, tabs and \\r before you parse them",
        should: false,
        judge: |seen| seen.answered("frames", "after blanks", |_| None),
    },
    Rule {
        id: "FRAME-5",
        text: "each message is flushed when it is complete, and messages are not mixed",
        mend: "flush stdout after each line, and let every thread take one lock for a whole line",
        should: false,
        judge: flushed,
    },
    Rule {
        id: "FRAME-6",
        text: "there are no batches: no line that is an array is written, and none is answered",
        mend: "write one object per line; skip a line that is an array, and go on",
        should: false,
        judge: batches,
    },
];

fn one_line(seen: &Observed<'_>) -> Judged {
    let written = seen.each_line(|line| match &line.shape {
        Shape::Damaged(Damage::Encoding) => Some("the line is not UTF-8".into()),
        Shape::Damaged(Damage::Cut) => Some("the line is only a part of a message".into()),
        Shape::Damaged(Damage::Prefixed) if line.text().trim_start().starts_with('"') => {
            Some("the message is spread over several lines".into())
        }
        Shape::Message(_) if !line.ended => Some("no \\n ends the line".into()),
        _ => None,
    });
    let read = ["in pieces", "joined", "joined second", "separators"]
        .map(|label| seen.answered("frames", label, |_| None));
    all(std::iter::once(written).chain(read))
}

fn marks(seen: &Observed<'_>) -> Judged {
    let mark = |line: &Line| {
        let first = line.bytes.starts_with("\u{feff}".as_bytes());
        first.then(|| "a byte order mark stands before the message".to_owned())
    };
    let marked = seen.each_line(mark);
    let ends = seen.lines().find(|(_, _, line)| line.bytes.ends_with(b"\r"));
    let ends = ends.map(|(scene, at, _)| Evidence::at(scene, at, "a \\r stands before the \\n").odd());
    all([marked].into_iter().chain(ends))
}

fn flushed(seen: &Observed<'_>) -> Judged {
    let mixed = seen.each_line(|line| match &line.shape {
        Shape::Damaged(Damage::Mixed) => Some("parts of two messages stand on one line".into()),
        _ => None,
    });
    let Some(whole) = seen.scene("whole") else {
        return mixed;
    };
    // An answer that comes only when stdin ends was kept back.
    let closed = whole
        .entries
        .iter()
        .position(|entry| matches!(entry.what, What::Closed));
    let held = whole.asks.iter().find(|ask| {
        let id = ask.id.to_string();
        let late = matches!(ask.missed, Some(Missed::Late(_)));
        let mut after = whole.messages().filter(|(at, _)| Some(*at) > closed);
        late && after.any(|(_, message)| message.is_response() && message.get("id") == Some(&id))
    });
    match held {
        Some(ask) => Evidence::of(whole, ask, "the answer came only when stdin ended").broken(),
        None => mixed,
    }
}

fn batches(seen: &Observed<'_>) -> Judged {
    let written = seen.each_line(|line| match &line.shape {
        Shape::Damaged(Damage::Batch) => Some("the line is an array".into()),
        _ => None,
    });
    let Some(noise) = seen.scene("noise") else {
        return unseen("this part of the suite was not played");
    };
    let answered = noise
        .messages()
        .find(|(_, message)| message.get("id") == Some("9001"))
        .map(|(at, _)| Evidence::at(noise, at, "a request within an array was answered").broken());
    let lives = seen.answered("noise", "after batch", |_| None);
    all([written, lives].into_iter().chain(answered))
}

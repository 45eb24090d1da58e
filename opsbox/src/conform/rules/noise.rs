//! Sections 5 and 6: what is no message, in either direction, and the standard streams.

use crate::conform::line::{Damage, Shape};
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::{Missed, Scene, seconds};
use crate::conform::stage::END_LIMIT;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "NOISE-1",
        text: "a line that is no message is never answered",
        mend: "answer only objects that have `jsonrpc`, `id` and `method`",
        should: false,
        judge: |seen| no_answer(seen, "after noise", "a line that is no message was answered"),
    },
    Rule {
        id: "NOISE-5",
        text: "of what is broken only a request with a whole id is answered, and with -32600 or -32700",
        mend: "where a line cannot be parsed and no id can be read from it, send nothing (many JSON-RPC libraries answer `\"id\":null`)",
        should: false,
        judge: |seen| no_answer(seen, "after damage", "a broken line without an id was answered"),
    },
    Rule {
        id: "NOISE-6",
        text: "the plugin does not end because of a line that it cannot read",
        mend: "catch what your JSON parser raises, skip the line and go on",
        should: false,
        judge: survives,
    },
    Rule {
        id: "IO-1",
        text: "nothing but messages is written to standard output",
        mend: "print to stderr, or send `log`; move descriptor 1 away before anything else can write to it [IO-2]",
        should: false,
        judge: clean,
    },
    Rule {
        id: "IO-2",
        text: "descriptor 1 is no longer the wire once the plugin runs its own code",
        mend: "duplicate descriptor 1 for your messages and point 1 at 2; in shell: `exec 3>&1 1>&2`",
        should: true,
        judge: moved,
    },
    Rule {
        id: "IO-3",
        text: "the plugin ends within 2 s when its standard input ends, also while a hook runs",
        mend: "read on while a hook runs, and exit at the end of stdin",
        should: false,
        judge: ends,
    },
    Rule {
        id: "IO-5",
        text: "the terminal is not read",
        mend: "ask for values in the configuration, never at `/dev/tty`",
        should: false,
        judge: terminal,
    },
];

/// Judges that nothing was answered between the last fence and this one but this one.
fn no_answer(seen: &Observed<'_>, fence: &str, why: &str) -> Judged {
    let Some(noise) = seen.scene("noise") else {
        return unseen("this part of the suite was not played");
    };
    let place = |label: &str| noise.asks.iter().position(|ask| ask.label == label);
    let Some(index) = place(fence) else {
        return unseen("the part `noise` did not come so far");
    };
    let ids: Vec<String> = noise.asks.iter().map(|ask| ask.id.to_string()).collect();
    // A late answer to what no one asked counts for the stretch in which it came.
    let from = index.checked_sub(1).map_or(0, |before| noise.asks[before].sent);
    let to = noise.asks.get(index + 1).map_or(usize::MAX, |next| next.sent);
    let stray = noise.messages().find(|(at, message)| {
        let id = message.get("id").unwrap_or("none");
        (from..to).contains(at) && message.is_response() && !ids.iter().any(|known| known == id)
    });
    // What provoked it is among the lines between the two questions.
    let provoking = || noise.sent_between(from, noise.asks[index].sent);
    let judged = stray.map(|(at, _)| {
        let evidence = Evidence::at(noise, at, why);
        Evidence {
            sent: provoking(),
            ..evidence
        }
        .broken()
    });
    judged.unwrap_or_else(|| match seen.answered("noise", fence, |_| None) {
        Judged::Kept => Judged::Kept,
        _ => unseen("it could not be asked afterwards"),
    })
}

fn survives(seen: &Observed<'_>) -> Judged {
    all(["after noise", "after damage", "after batch"].map(|label| {
        match seen.answered("noise", label, |_| None) {
            Judged::Broken(evidence) => Judged::Broken(Evidence {
                why: "after lines that it cannot read it answers no more".into(),
                sent: before(seen, label),
                ..evidence
            }),
            other => other,
        }
    }))
}

/// Returns what was sent between the question before this one and this one.
fn before(seen: &Observed<'_>, label: &str) -> Vec<String> {
    let Some(noise) = seen.scene("noise") else {
        return Vec::new();
    };
    let index = noise.asks.iter().position(|ask| ask.label == label);
    let to = index.map_or(0, |index| noise.asks[index].sent);
    let from = index.and_then(|index| index.checked_sub(1));
    noise.sent_between(from.map_or(0, |from| noise.asks[from].sent), to)
}

fn clean(seen: &Observed<'_>) -> Judged {
    seen.each_line(|line| match &line.shape {
        Shape::Noise => Some("the line is no message".into()),
        Shape::Damaged(Damage::Prefixed) if !line.text().trim_start().starts_with('"') => {
            Some("text stands before the message on its line".into())
        }
        _ => None,
    })
}

fn moved(seen: &Observed<'_>) -> Judged {
    let look = seen
        .scenes
        .iter()
        .find_map(|scene| Some((scene, scene.look("worked")?.stdout_is_wire?)));
    match look {
        None => unseen("the process's descriptors cannot be seen here"),
        Some((_, false)) => Judged::Kept,
        Some((scene, true)) => {
            let why =
                "descriptor 1 is still the wire, so a stray print of a library lands among the messages";
            Evidence::seen(scene, why).odd()
        }
    }
}

fn ends(seen: &Observed<'_>) -> Judged {
    all(["idle", "busy"].map(|name| match seen.scene(name) {
        Some(scene) => end_of(scene),
        None => unseen("this part of the suite was not played"),
    }))
}

fn end_of(scene: &Scene) -> Judged {
    let Some(ending) = &scene.ending else {
        return unseen("the process could not be started");
    };
    let doing = match scene.ask("work") {
        Some(ask) => format!(" while `{}` ran", ask.method),
        None if scene.name == "busy" => return unseen("no hook was called"),
        None => String::new(),
    };
    match ending.after_eof {
        None => {
            let patience = seconds(ending.patience);
            let why = format!("it still lived {patience} after the end of its stdin{doing}");
            Evidence::seen(scene, why).broken()
        }
        // A busy machine may be slow, too; only a person can tell.
        Some(after) if after > END_LIMIT => {
            let why = format!("it ended {} after the end of its stdin{doing}", seconds(after));
            Evidence::seen(scene, why).odd()
        }
        Some(_) => Judged::Kept,
    }
}

fn terminal(seen: &Observed<'_>) -> Judged {
    let stopped = seen
        .asks()
        .find(|(_, ask)| ask.missed == Some(Missed::Stopped))
        .map(|(scene, ask)| {
            let why =
                "the kernel stopped the process, as it does when one in the background reads the terminal";
            Evidence::of(scene, ask, why).broken()
        });
    stopped.unwrap_or(Judged::Kept)
}

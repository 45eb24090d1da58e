//! Section 7: the life cycle.

use opsbox_protocol::{Hook, code};

use crate::conform::line::Answer;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::{Look, Scene};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "LIFE-1",
        text: "nothing is sent before `initialize` has arrived, and nothing but its answer before that is complete",
        mend: "send logs and requests only after you have answered `initialize`",
        should: false,
        judge: silent_first,
    },
    Rule {
        id: "LIFE-2",
        text: "`initialize` is answered with a result, without configuration",
        mend: "answer `initialize` first, and load or connect later",
        should: false,
        judge: greeted,
    },
    Rule {
        id: "LIFE-3",
        text: "what is listed in `hooks` is there, in the order of the life cycle, and each hook any number of times",
        mend: "list in `hooks` only what you answer",
        should: false,
        judge: in_order,
    },
    Rule {
        id: "LIFE-4",
        text: "a process may only be asked for its schema; before `activate` nothing is connected, written or sent",
        mend: "open connections and files in `activate`, not at import and not in `grab_config`",
        should: false,
        judge: only_asked,
    },
    Rule {
        id: "LIFE-6",
        text: "`set_data` takes a configuration in which nobody set anything but what is required",
        mend: "take `{\"config\":{}}`, and use your own defaults for what is missing",
        should: false,
        judge: plain_config,
    },
    Rule {
        id: "LIFE-7",
        text: "a hook that comes too early is answered -33002",
        mend: "answer -33002 to hooks until `activate` (or `set_data`) has come",
        should: false,
        judge: early,
    },
    Rule {
        id: "LIFE-9",
        text: "a hook works a second time in the same process",
        mend: "keep nothing that the first call leaves behind, such as a closed connection",
        should: false,
        judge: again,
    },
    Rule {
        id: "LIFE-10",
        text: "after the answer to `shutdown` no message follows, and the process ends",
        mend: "stop all threads that send before you answer `shutdown`; end with stdin",
        should: false,
        judge: last_word,
    },
];

fn silent_first(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes.iter().filter(|scene| scene.name != "early") {
        let Some(ask) = scene.ask("initialize") else {
            continue;
        };
        let answer = ask.answer.unwrap_or(usize::MAX);
        let early = scene.messages().find(|(at, message)| {
            *at < answer && !(message.is_response() && message.get("id") == Some(&ask.id.to_string()))
        });
        if let Some((at, message)) = early {
            let what = if message.is_request() {
                "a request"
            } else if message.is_notification() {
                "a notification"
            } else {
                "an answer"
            };
            let why = if at < ask.sent {
                format!("{what} came before `initialize` was sent")
            } else {
                format!("{what} came before `initialize` was answered")
            };
            return Evidence::at(scene, at, why).broken();
        }
    }
    Judged::Kept
}

fn greeted(seen: &Observed<'_>) -> Judged {
    let judged = seen.answered("whole", "initialize", |answer| match answer {
        Answer::Result(_) => None,
        Answer::Error(code, message) => Some(format!("`initialize` was answered {code}: {message}")),
    });
    match (judged, seen.scene("whole")) {
        // Whatever kept it from being asked, a plugin that never shook hands has kept no rule.
        (Judged::Unseen(_), Some(whole)) => Evidence::seen(whole, "it never came to the handshake").broken(),
        (judged, _) => judged,
    }
}

fn in_order(seen: &Observed<'_>) -> Judged {
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    let mut asked = 0;
    for ask in whole
        .asks
        .iter()
        .filter(|ask| Hook::from_method(&ask.method).is_some())
    {
        asked += 1;
        let refused = match whole.answer(ask.label) {
            Some(Answer::Error(code @ (code::METHOD_NOT_FOUND | code::NOT_READY), _)) => Some(code),
            _ => None,
        };
        if let Some(code) = refused {
            let why = format!(
                "`{}`, which it lists, was answered {code} in its turn",
                ask.method
            );
            return Evidence::of(whole, ask, why).broken();
        }
    }
    if asked > 1 {
        Judged::Kept
    } else {
        unseen("the handshake failed")
    }
}

/// Judges what was seen of a process that is not active yet.
pub(super) fn untouched(scene: &Scene, look: &Look, before: &str) -> Judged {
    if let Some(socket) = look.sockets.first() {
        return Evidence::seen(scene, format!("it holds {socket} before {before}")).broken();
    }
    if let Some(file) = look.files.first() {
        return Evidence::seen(scene, format!("it made the file `{file}` before {before}")).broken();
    }
    Judged::Kept
}

fn only_asked(seen: &Observed<'_>) -> Judged {
    let Some(asked) = seen.scene("asked") else {
        return unseen("this part of the suite was not played");
    };
    let schema = match asked.ask("grab_config") {
        Some(_) => seen.answered("asked", "grab_config", |_| None),
        None => Judged::Kept,
    };
    let looked = asked
        .look("asked")
        .map_or(Judged::Kept, |look| untouched(asked, look, "`activate`"));
    all([schema, seen.answered("asked", "shutdown", |_| None), looked])
}

fn plain_config(seen: &Observed<'_>) -> Judged {
    if !seen.facts.has(Hook::SetData) {
        return unseen("it does not list `set_data`");
    }
    seen.answered("whole", "set_data", |answer| match answer {
        Answer::Result(_) => None,
        Answer::Error(code, message) => Some(format!("it was answered {code}: {message}")),
    })
}

fn early(seen: &Observed<'_>) -> Judged {
    if seen.manifest.legacy {
        return unseen("the bridge calls plugins of Opsbox 0.x in their order, as they expect");
    }
    if seen.facts.works.is_empty() {
        return unseen(seen.no_work());
    }
    let asks = [Hook::SetData, Hook::Activate].map(|hook| seen.facts.has(hook).then(|| format!("`{hook}`")));
    let asks: Vec<_> = asks.into_iter().flatten().collect();
    // One that lists neither is ready as soon as it has answered `initialize`.
    let before_ready = asks.join(" and ");
    let moments = [
        ("before initialize", "`initialize`"),
        ("before ready", &*before_ready),
    ];
    all(moments.map(|(label, what)| {
        seen.answered("early", label, |answer| match answer {
            Answer::Error(code::NOT_READY, _) => None,
            Answer::Result(_) if what.is_empty() => None,
            Answer::Result(_) => Some(format!(
                "a hook that came before {what} was answered with a result instead of -33002"
            )),
            Answer::Error(code, message) => Some(format!(
                "a hook that came before {} was answered {code} ({message}) instead of -33002",
                if what.is_empty() { "it was ready" } else { what }
            )),
        })
    }))
}

fn again(seen: &Observed<'_>) -> Judged {
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    let mut worked = false;
    for (first, second) in [("work", "again"), ("second work", "second again")] {
        let (Some(Answer::Result(_)), Some(ask)) = (whole.answer(first), whole.ask(second)) else {
            continue;
        };
        worked = true;
        let judged = seen.answered("whole", second, |answer| match answer {
            Answer::Result(_) => None,
            Answer::Error(code, message) => Some(format!(
                "`{}` failed the second time with {code}: {message}",
                ask.method
            )),
        });
        if judged != Judged::Kept {
            return judged;
        }
    }
    match (worked, seen.work_failed()) {
        (true, _) => Judged::Kept,
        (false, Some(why)) => unseen(why),
        (false, None) => unseen(seen.no_work()),
    }
}

fn last_word(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        let Some(ask) = scene.ask("shutdown") else {
            continue;
        };
        let Some(answer) = ask.answer else { continue };
        if let Some((at, _)) = scene.messages().find(|(at, _)| *at > answer) {
            return Evidence::at(scene, at, "a message came after the answer to `shutdown`").broken();
        }
        let lives = scene.ending.as_ref().filter(|ending| ending.after_eof.is_none());
        if lives.is_some() {
            let why = "it did not end after `shutdown` and the end of its stdin";
            return Evidence::of(scene, ask, why).broken();
        }
    }
    seen.answered("whole", "shutdown", |_| None)
}

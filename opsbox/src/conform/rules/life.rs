//! Sections 7, 8.1 and 12: the life cycle, the handshake, versions and features.

use opsbox_protocol::{Hook, VERSION, code};
use serde_json::Value;

use crate::conform::line::Answer;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::{Look, Scene};
use crate::manifest::Kind;
use crate::suggest::nearest;

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
    Rule {
        id: "INIT-1",
        text: "`hooks` lists the hook of the plugin's type",
        mend: "list the hook that section 1 names for the type in the manifest",
        should: false,
        judge: role_hook,
    },
    Rule {
        id: "INIT-3",
        text: "the answer to `initialize` has `protocol`, `plugin.name` and `hooks`, of the right types",
        mend: "answer as in section 8.1; take the name from the manifest",
        should: false,
        judge: introduction,
    },
    Rule {
        id: "VER-2",
        text: "the version is the highest that both speak, or the answer is -33001 with `data.supported`",
        mend: "compare `protocol.min` and `.max` with your own range before you answer",
        should: false,
        judge: versions,
    },
    Rule {
        id: "VER-3",
        text: "a feature is used only where both sides listed it, and unknown ones are ignored",
        mend: "send `progress`, `gap` and `output` only if you listed the feature and the host did, too",
        should: false,
        judge: features,
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
    all(["before initialize", "before ready"].map(|label| {
        // One that needs no configuration is ready at once, and may do its work.
        seen.answered("early", label, |answer| match answer {
            Answer::Result(_) | Answer::Error(code::NOT_READY, _) => None,
            Answer::Error(code, message) => Some(format!(
                "a hook that came {label} was answered {code} ({message}) instead of -33002",
                label = label.replace("before ready", "before `set_data` and `activate`")
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

fn role_hook(seen: &Observed<'_>) -> Judged {
    let hook = match &seen.manifest.kind {
        Kind::Provider => Hook::GatherData,
        Kind::Input => Hook::Process,
        Kind::Assistant => Hook::ProcessInput,
        Kind::Output => Hook::ProcessResults,
        Kind::Handler => Hook::ProcessPlugin,
        Kind::Rego => return unseen("both hooks of a Rego check are optional"),
        Kind::Other(name) => return own_type(seen, name),
    };
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    if !matches!(whole.answer("initialize"), Some(Answer::Result(_))) {
        return unseen("`initialize` was not answered with a result");
    }
    seen.answered("whole", "initialize", |_| {
        (!seen.facts.has(hook)).then(|| {
            let hooks = seen.facts.hooks.join(", ");
            format!("`hooks` lists {hooks}, without `{hook}` of its type")
        })
    })
}

/// Judges a type that the protocol does not know: no run takes it without a handler, and it may be a slip of the hand.
fn own_type(seen: &Observed<'_>, name: &str) -> Judged {
    let near = nearest(name, Kind::NAMES).filter(|_| !seen.served);
    match (near, seen.scene("whole")) {
        (Some(near), Some(whole)) => {
            let why = format!("no handler serves the type `{name}` of its manifest; did you mean `{near}`?");
            let mend = Some(format!(
                "write `type = \"{near}\"` in `[info]`, or add the handler: `--plugin-dir DIR`"
            ));
            let evidence = Evidence::seen(whole, why);
            Evidence { mend, ..evidence }.odd()
        }
        _ => unseen("its handler knows what it needs"),
    }
}

fn introduction(seen: &Observed<'_>) -> Judged {
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    let Some(ask) = whole.ask("initialize") else {
        return unseen("`initialize` was not sent");
    };
    let Some(Answer::Result(result)) = whole.answer("initialize") else {
        return unseen("`initialize` was not answered with a result");
    };
    let read = serde_json::from_value::<opsbox_protocol::message::InitializeResult>(result.clone());
    if let Err(error) = read {
        return Evidence::of(whole, ask, format!("the result cannot be read: {error}")).broken();
    }
    let name = result["plugin"]["name"].as_str().unwrap_or_default();
    if name != seen.manifest.name {
        let why = format!(
            "it says that it is `{name}`, the manifest says `{}`",
            seen.manifest.name
        );
        return Evidence::of(whole, ask, why).odd();
    }
    Judged::Kept
}

fn versions(seen: &Observed<'_>) -> Judged {
    let (low, high) = seen.manifest.protocol;
    let newer = seen.answered("newer", "initialize", |answer| match answer {
        Answer::Result(result) => {
            let chosen = result["protocol"].as_u64().unwrap_or_default();
            (!(u64::from(low)..=u64::from(high)).contains(&chosen)).then(|| {
                format!("the host speaks {VERSION} and later, the plugin {low} to {high}; it chose {chosen}")
            })
        }
        Answer::Error(code, _) => Some(format!(
            "a host that speaks later versions, too, was answered {code}"
        )),
    });
    if states_range(seen) {
        // The host compares before it starts such a plugin.
        return newer;
    }
    let Some(apart) = seen.scene("apart") else {
        return newer;
    };
    let refused = seen.answered("apart", "initialize", |answer| match answer {
        Answer::Error(code::UNSUPPORTED_PROTOCOL, _) => {
            let error = apart
                .ask("initialize")
                .and_then(|ask| apart.reply(ask))
                .and_then(|message| message.value("error"));
            let supported = error.unwrap_or_default()["data"]["supported"].clone();
            let told = supported["min"].is_u64() && supported["max"].is_u64();
            (!told).then(|| "the error has no `data.supported` with `min` and `max`".into())
        }
        Answer::Error(code, _) => Some(format!("no common version was answered {code}, not -33001")),
        Answer::Result(_) => Some("it agreed with a host that does not speak its version".into()),
    });
    all([newer, refused])
}

/// Returns whether the manifest states the versions itself.
fn states_range(seen: &Observed<'_>) -> bool {
    let run = seen.manifest.extra.get("run");
    run.is_some_and(|run| run.get("protocol").is_some_and(Value::is_array))
}

fn features(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        for (at, message) in scene.messages().filter(|(_, message)| message.is_notification()) {
            let Some(method) = message.method() else { continue };
            if !["progress", "gap", "output"].contains(&method.as_str()) {
                continue;
            }
            if scene.name == "plain" {
                let why = format!("it sends `{method}` to a host that does not list the feature");
                return Evidence::at(scene, at, why).broken();
            }
            if !seen.facts.features.contains(&method) {
                let why = format!("it sends `{method}`, a feature that it does not list");
                return Evidence::at(scene, at, why).broken();
            }
        }
    }
    seen.answered("newer", "initialize", |answer| match answer {
        Answer::Result(_) => None,
        Answer::Error(code, _) => Some(format!("unknown features were answered {code}")),
    })
}

//! Sections 14 and 17: the process, and what handlers ask.

use opsbox_protocol::{Hook, handler, is_hook_name};

use crate::conform::rule::{Evidence, Judged, Observed, Rule, unseen};
use crate::conform::scene::{Scene, What};
use crate::manifest::Kind;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "PROC-3",
        text: "children stay in the plugin's process group, keep OPSBOX_RUN_ID, and end with it",
        mend: "start children without a session or group of their own, hand your environment on to them, and end them",
        should: false,
        judge: children,
    },
    Rule {
        id: "PROC-4",
        text: "the process ends with status 0 after `shutdown`",
        mend: "exit with 0 after `shutdown`; catch what is raised while you clean up",
        should: true,
        judge: status,
    },
    Rule {
        id: "HAND-5",
        text: "a plugin of a type of its own lists hooks by names that are identifiers or `x-VENDOR/…`",
        mend: "rename the hook; names of section 7 are the host's",
        should: false,
        judge: own_hooks,
    },
    Rule {
        id: "HAND-7",
        text: "only a handler asks the host, and only with the `id` of the call that it serves",
        mend: "send `host/…` requests only while `process_plugin` is open, with its id as `params.id`",
        should: false,
        judge: asking,
    },
    Rule {
        id: "HAND-9",
        text: "a handler writes `params` of `host/call_hook` without spaces",
        mend: "write compact JSON there (Python: `separators=(\",\", \":\")`): the called plugin may rely on it",
        should: true,
        judge: compact,
    },
];

fn children(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        let strays = scene.looks.iter().flat_map(|look| &look.strays);
        let left = scene.ending.iter().flat_map(|ending| &ending.left);
        if let Some(what) = strays.chain(left).next() {
            return Evidence::seen(scene, what.clone()).broken();
        }
    }
    if seen
        .scene("whole")
        .is_some_and(|whole| whole.look("worked").is_some())
    {
        Judged::Kept
    } else {
        unseen("the process ended too early to be looked at")
    }
}

fn status(seen: &Observed<'_>) -> Judged {
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    let answered = whole.ask("shutdown").is_some_and(|ask| ask.answer.is_some());
    let Some(ending) = whole.ending.as_ref().filter(|_| answered) else {
        return unseen("`shutdown` was not answered");
    };
    match (ending.after_eof, ending.code) {
        (_, Some(0)) => Judged::Kept,
        (None, _) => unseen("it did not end by itself"),
        _ => {
            let mut evidence =
                Evidence::seen(whole, format!("after `shutdown` the process {}", ending.words));
            let last = whole.stderr.iter().rev().take(3).rev();
            evidence.got = last.map(|line| format!("stderr: {line}")).collect();
            evidence.odd()
        }
    }
}

fn own_hooks(seen: &Observed<'_>) -> Judged {
    let Kind::Other(_) = &seen.manifest.kind else {
        return unseen("its type is one of the protocol's");
    };
    let Some((whole, ask)) = seen
        .scene("whole")
        .and_then(|whole| Some((whole, whole.ask("initialize").filter(|ask| ask.answer.is_some())?)))
    else {
        return unseen("`initialize` was not answered");
    };
    let life = [Hook::Initialize, Hook::Shutdown];
    for name in &seen.facts.hooks {
        if life.iter().any(|hook| hook.method() == name) {
            let why = format!("`hooks` lists `{name}`, which is always called and never listed");
            return Evidence::of(whole, ask, why).broken();
        }
        if name != handler::ANY_HOOK && !is_hook_name(name) {
            let why = format!("the hook `{name}` is neither an identifier nor `x-VENDOR/…`");
            return Evidence::of(whole, ask, why).broken();
        }
    }
    Judged::Kept
}

fn asking(seen: &Observed<'_>) -> Judged {
    let mut some = false;
    for scene in seen.scenes {
        for (at, message) in scene.messages().filter(|(_, message)| message.is_request()) {
            some = true;
            let method = message.method().unwrap_or_default();
            if seen.manifest.kind != Kind::Handler {
                let why = format!("it asks the host for `{method}`, which only handlers may");
                return Evidence::at(scene, at, why).broken();
            }
            let served = message.params()["id"].as_u64();
            if !served.is_some_and(|id| is_open(scene, id, at)) {
                let why = format!("`{method}` names no open call in `params.id`");
                return Evidence::at(scene, at, why).broken();
            }
        }
    }
    if some {
        Judged::Kept
    } else {
        unseen("it asked nothing")
    }
}

/// Returns whether a hook call with this id was open at this place.
fn is_open(scene: &Scene, id: u64, at: usize) -> bool {
    scene.asks.iter().any(|ask| {
        let work = Hook::from_method(&ask.method) == Some(Hook::ProcessPlugin);
        ask.id == id && work && ask.sent < at && ask.answer.is_none_or(|answer| at < answer)
    })
}

fn compact(seen: &Observed<'_>) -> Judged {
    let mut some = false;
    for scene in seen.scenes {
        for (at, message) in scene.messages() {
            if message.method().as_deref() != Some(handler::CALL_HOOK) {
                continue;
            }
            some = true;
            let value = message.params();
            let Some(text) = message.get("params") else {
                continue;
            };
            // The same JSON without spaces is as long as it can be at least.
            if text.len() > value.to_string().len() && has_spaces(text) {
                let What::Got(_) = &scene.entries[at].what else {
                    continue;
                };
                return Evidence::at(scene, at, "`params` hold spaces between their tokens").odd();
            }
        }
    }
    if some {
        Judged::Kept
    } else {
        unseen("it called no hook")
    }
}

/// Returns whether blanks stand outside strings.
fn has_spaces(json: &str) -> bool {
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => inside = !inside,
            ' ' | '\t' if !inside => return true,
            _ => {}
        }
    }
    false
}

//! Section 15: errors.

use opsbox_protocol::code;
use serde_json::Value;

use crate::conform::line::{Answer, Message};
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ERR-1",
        text: "an error is an object with `code` (integer) and `message` (string), and holds no secret",
        mend: "answer `{\"code\":-33008,\"message\":\"…\"}`; `hint`, `traceback` and `origin` in `data` are strings",
        should: false,
        judge: errors,
    },
    Rule {
        id: "ERR-2",
        text: "no code is sent that is the host's alone or reserved",
        mend: "use -33008 for what your code raises, or a positive code of your own",
        should: false,
        judge: codes,
    },
    Rule {
        id: "ERR-3",
        text: "after an error the plugin stays usable",
        mend: "end the call with the error, not the process",
        should: false,
        judge: usable,
    },
];

/// The codes that only a host makes.
const OF_THE_HOST: [i64; 6] = [
    code::EXITED,
    code::TIMEOUT,
    code::PROTOCOL_FAULT,
    code::TOO_LARGE,
    code::CALL_CYCLE,
    code::SPAWN_FAILED,
];
/// The codes of the reserved range that a plugin may send.
const OF_PLUGINS: [i64; 5] = [
    code::UNSUPPORTED_PROTOCOL,
    code::NOT_READY,
    code::CANCELLED,
    code::CONFIG_INVALID,
    code::HOOK_FAILED,
];

fn error_of(message: &Message) -> Option<Value> {
    message
        .get("error")
        .map(|_| message.value("error").unwrap_or_default())
}

fn errors(seen: &Observed<'_>) -> Judged {
    let shape = seen.each_message(|message| {
        let error = error_of(message)?;
        if !error.is_object() {
            return Some("`error` is no object".into());
        }
        if !error["code"].is_i64() {
            return Some("`code` is no integer".into());
        }
        if !error["message"].is_string() {
            return Some("`message` is no string".into());
        }
        let texts = ["hint", "traceback", "origin", "plugin", "hook"];
        let odd = texts.iter().find(|name| {
            let value = error["data"].get(**name);
            value.is_some_and(|value| !value.is_string() && !value.is_null())
        });
        odd.map(|name| format!("`data.{name}` is no string"))
    });
    let leak = seen.facts.secrets.iter().find_map(|(field, secret)| {
        let mut messages = seen.messages();
        let (scene, at, _) = messages
            .find(|(_, _, message)| message.get("error").is_some_and(|text| text.contains(secret)))?;
        let why = format!("the secret `{field}` stands in an error");
        Some(Evidence::at(scene, at, why).broken())
    });
    all([shape].into_iter().chain(leak))
}

fn codes(seen: &Observed<'_>) -> Judged {
    let broken = seen.each_message(|message| {
        let code = error_of(message)?["code"].as_i64()?;
        if OF_THE_HOST.contains(&code) {
            return Some(format!("the code {code} is the host's alone"));
        }
        let reserved = (-33_099..=-33_000).contains(&code) && !OF_PLUGINS.contains(&code);
        reserved.then(|| format!("the code {code} is reserved"))
    });
    if broken != Judged::Kept {
        return broken;
    }
    let known = |code: i64| code > 0 || OF_PLUGINS.contains(&code) || (-32_768..=-32_000).contains(&code);
    let odd = seen.messages().find_map(|(scene, at, message)| {
        let code = error_of(message)?["code"].as_i64().filter(|code| !known(*code))?;
        let why = format!("the code {code} is neither the protocol's nor positive");
        Some(Evidence::at(scene, at, why).odd())
    });
    odd.unwrap_or(Judged::Kept)
}

fn usable(seen: &Observed<'_>) -> Judged {
    let after = [
        ("wrong params", "wrong params", "after wrong params"),
        ("wrong values", "wrong values", "after wrong values"),
        ("whole", "unknown method", "after notifications"),
        ("early", "before ready", "after early"),
    ];
    let judged = after.map(|(scene, failing, next)| {
        let failed = seen.scene(scene).and_then(|played| played.answer(failing));
        match failed {
            Some(Answer::Error(..)) => match seen.answered(scene, next, |_| None) {
                Judged::Broken(evidence) => Judged::Broken(Evidence {
                    why: "after an error it answers no more".into(),
                    ..evidence
                }),
                other => other,
            },
            _ => unseen("it answered no error"),
        }
    });
    all(judged)
}

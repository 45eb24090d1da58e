//! Sections 8.1 and 12: the handshake, versions and features.

use opsbox_protocol::{Hook, VERSION, code};
use serde_json::Value;

use crate::conform::line::Answer;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::manifest::Kind;
use crate::suggest::nearest;

pub(super) const RULES: &[Rule] = &[
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
    if !seen.facts.introduced {
        return unseen("the answer to `initialize` cannot be read [INIT-3]");
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
        let why = unread(&result).unwrap_or_else(|| format!("the result cannot be read: {error}"));
        return Evidence::of(whole, ask, why).broken();
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

/// Says which of the members that must be there is missing, or is of another type.
fn unread(result: &Value) -> Option<String> {
    let is_text_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_string))
    };
    let wanted: [(&str, &Value, bool, &str); 4] = [
        (
            "protocol",
            &result["protocol"],
            result["protocol"].is_u64(),
            "a whole number",
        ),
        (
            "plugin",
            &result["plugin"],
            result["plugin"].is_object(),
            "an object with `name`",
        ),
        (
            "plugin.name",
            &result["plugin"]["name"],
            result["plugin"]["name"].is_string(),
            "a string",
        ),
        (
            "hooks",
            &result["hooks"],
            is_text_list(&result["hooks"]),
            "a list of strings",
        ),
    ];
    let (name, value, _, kind) = wanted.into_iter().find(|(_, _, fits, _)| !fits)?;
    Some(match value {
        Value::Null => format!("`{name}` is not there; it is to be {kind}"),
        _ => format!("`{name}` is {value}, and is to be {kind}"),
    })
}

fn versions(seen: &Observed<'_>) -> Judged {
    let (low, high) = seen.manifest.protocol;
    if matches!(seen.scene("newer").and_then(|scene| scene.answer("initialize")), Some(Answer::Result(result)) if !result["protocol"].is_u64())
    {
        return unseen("`protocol` in its answer is no whole number [INIT-3]");
    }
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

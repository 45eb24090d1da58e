//! Section 3: members, ids and answers.

use std::collections::{BTreeMap, BTreeSet};

use opsbox_protocol::code;
use serde_json::Value;

use crate::conform::line::{Answer, Damage, Message, Shape, doubled};
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::stage::NO_METHOD;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "MSG-1",
        text: "`jsonrpc` is the string \"2.0\" in each message",
        mend: "write `\"jsonrpc\":\"2.0\"` into each object that you send",
        should: false,
        judge: version,
    },
    Rule {
        id: "MSG-2",
        text: "a message is a request, a notification or an answer by its outermost members alone",
        mend: "an answer has `id` and exactly one of `result` and `error`; look for members at the outermost level only",
        should: false,
        judge: classes,
    },
    Rule {
        id: "MSG-3",
        text: "`method` is a string",
        mend: "write the method as a string",
        should: false,
        judge: |seen| {
            seen.each_message(|message| {
                let text = message.get("method")?;
                (!text.starts_with('"')).then(|| "`method` is no string".into())
            })
        },
    },
    Rule {
        id: "MSG-4",
        text: "`params` is an object; a request with other ones is answered -32602",
        mend: "send `params` as an object, and answer -32602 where they are none",
        should: false,
        judge: params,
    },
    Rule {
        id: "MSG-5",
        text: "an id is an integer or a string, never null",
        mend: "answer with the id of the request; do not answer what has none",
        should: false,
        judge: |seen| {
            seen.each_message(|message| {
                let id = message.get("id")?;
                let valid = id.starts_with('"') || id.parse::<i64>().is_ok() || id.parse::<u64>().is_ok();
                (!valid).then(|| format!("the id is {id}"))
            })
        },
    },
    Rule {
        id: "MSG-6",
        text: "the ids of the plugin's own requests are strings, none of them used twice",
        mend: "number your requests with strings, such as \"p1\", \"p2\"",
        should: false,
        judge: own_ids,
    },
    Rule {
        id: "MSG-7",
        text: "an answer carries the id of its request byte for byte",
        mend: "keep the id's text as it came; a number type of 32 bits, or a float, is too small for 2^53",
        should: false,
        judge: echoed,
    },
    Rule {
        id: "MSG-8",
        text: "every request is answered exactly once",
        mend: "answer each request, also one of an unknown method or with wrong `params`, and answer it once",
        should: false,
        judge: once,
    },
    Rule {
        id: "MSG-9",
        text: "an unknown method is answered -32601, an unknown notification is ignored",
        mend: "answer -32601 to any method that you do not know; answer nothing to a message without `id`",
        should: false,
        judge: unknown,
    },
    Rule {
        id: "MSG-10",
        text: "unknown members are ignored, and no member is written twice",
        mend: "read the members that you know and pass over the others, in the envelope and in every object below it",
        should: false,
        judge: members,
    },
    Rule {
        id: "MSG-11",
        text: "a member that is not set is left out, not null",
        mend: "leave members out that you have no value for",
        should: false,
        judge: |seen| seen.each_message(null_member),
    },
    Rule {
        id: "MSG-12",
        text: "`jsonrpc`, `id`, `method` come first, in this order, and the payload last",
        mend: "write the members in that order; hosts and people read it faster",
        should: true,
        judge: order,
    },
    Rule {
        id: "MSG-14",
        text: "no request of a vendor's method without the vendor's feature, and none that begins with `rpc.`",
        mend: "send `x-VENDOR/…` requests only to a host that listed a feature of that vendor",
        should: false,
        judge: vendors,
    },
    Rule {
        id: "MSG-15",
        text: "text is escaped as JSON wants it, and there is no NaN and no Infinity",
        mend: "write numbers that are finite only (Python: `allow_nan=False`), and escape control characters",
        should: false,
        judge: |seen| {
            seen.each_line(|line| match &line.shape {
                Shape::Damaged(Damage::Token) => {
                    Some("NaN, Infinity or a control character that is not escaped stands in the line".into())
                }
                _ => None,
            })
        },
    },
];

fn version(seen: &Observed<'_>) -> Judged {
    let other = seen.each_message(|message| {
        let text = message.get("jsonrpc")?;
        (text != "\"2.0\"").then(|| format!("`jsonrpc` is {text}"))
    });
    let without = seen.each_line(|line| {
        let Shape::Noise = line.shape else { return None };
        let members: Value = serde_json::from_slice(&line.bytes).ok()?;
        let is_message = members.get("id").is_some() || members.get("method").is_some();
        is_message.then(|| "the object has no `jsonrpc`".into())
    });
    all([other, without])
}

fn classes(seen: &Observed<'_>) -> Judged {
    let written = seen.each_message(|message| {
        let has = |name: &str| message.get(name).is_some();
        if has("method") && (has("result") || has("error")) {
            return Some("it has `method` together with `result` or `error`".into());
        }
        if !has("method") && !has("id") {
            return Some("it has neither `method` nor `id`".into());
        }
        match (has("method"), has("result"), has("error")) {
            (false, true, true) => Some("it has both `result` and `error`".into()),
            (false, false, false) => Some("it has neither `result` nor `error`".into()),
            _ => None,
        }
    });
    // What it answers to the same method without such members is another rule's affair.
    let code_of = |answer: &Answer| match answer {
        Answer::Error(code, _) => Some(*code),
        Answer::Result(_) => None,
    };
    let usual = seen
        .scene("frames")
        .and_then(|frames| frames.answer("after blanks"));
    let usual = usual.as_ref().and_then(code_of);
    let nested = seen.answered("frames", "nested members", |answer| {
        (code_of(answer) != usual).then(|| "members within `params` were taken for the request's own".into())
    });
    let inner = seen.scene("frames").and_then(|frames| {
        let mut messages = frames.messages();
        let (at, _) = messages.find(|(_, message)| message.get("id") == Some("9001"))?;
        Some(Evidence::at(frames, at, "an id within `params` was answered").broken())
    });
    all([written, nested].into_iter().chain(inner))
}

fn params(seen: &Observed<'_>) -> Judged {
    let written = seen.each_message(|message| {
        let text = message.get("params")?;
        (!text.starts_with('{')).then(|| "`params` is no object".into())
    });
    let answered = seen.scene("wrong params").and_then(|scene| {
        let ask = scene.ask("wrong params")?;
        match scene.answer("wrong params")? {
            Answer::Error(code::INVALID_PARAMS, _) => None,
            Answer::Error(code, _) => {
                let why = format!("`params` that are a list were answered {code} instead of -32602");
                Some(Evidence::of(scene, ask, why).odd())
            }
            Answer::Result(_) => {
                let why = "`params` that are a list were answered with a result, not -32602";
                Some(Evidence::of(scene, ask, why).odd())
            }
        }
    });
    all([written].into_iter().chain(answered))
}

fn own_ids(seen: &Observed<'_>) -> Judged {
    let mut some = false;
    for scene in seen.scenes {
        let mut used = BTreeSet::new();
        for (at, message) in scene.messages().filter(|(_, message)| message.is_request()) {
            some = true;
            let id = message.get("id").unwrap_or_default();
            if !id.starts_with('"') {
                return Evidence::at(scene, at, format!("the id {id} is no string")).broken();
            }
            if !used.insert(id.to_owned()) {
                return Evidence::at(scene, at, format!("the id {id} was used before")).broken();
            }
        }
    }
    if some {
        Judged::Kept
    } else {
        unseen("it made no requests")
    }
}

/// Returns the ids that were asked with in a scene.
fn asked(scene: &crate::conform::scene::Scene) -> BTreeMap<String, usize> {
    let asks = scene.asks.iter().filter(|ask| ask.id > 0);
    asks.map(|ask| (ask.id.to_string(), 0)).collect()
}

fn echoed(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        let asked = asked(scene);
        for (at, message) in scene.messages().filter(|(_, message)| message.is_response()) {
            let Some(id) = message.get("id") else { continue };
            let inner = id == "9001" || id == "null";
            if !asked.contains_key(id) && !inner {
                let why = format!("the id {id} is of no request");
                return Evidence::at(scene, at, why).broken();
            }
        }
    }
    seen.answered("frames", "great id", |_| None)
}

fn once(seen: &Observed<'_>) -> Judged {
    for scene in seen.scenes {
        let mut asked = asked(scene);
        for (at, message) in scene.messages().filter(|(_, message)| message.is_response()) {
            let Some(count) = message.get("id").and_then(|id| asked.get_mut(id)) else {
                continue;
            };
            *count += 1;
            if *count > 1 {
                return Evidence::at(scene, at, "the request was answered a second time").broken();
            }
        }
    }
    let missed = seen
        .asks()
        .find(|(_, ask)| ask.id > 0 && ask.missed.is_some())
        .map(|(scene, ask)| {
            let why = if ask.method == NO_METHOD {
                format!("no answer to a method that it does not know ({})", ask.label)
            } else {
                format!("no answer to `{}` ({})", ask.method, ask.label)
            };
            Evidence::of(scene, ask, why).broken()
        });
    missed.unwrap_or(Judged::Kept)
}

fn unknown(seen: &Observed<'_>) -> Judged {
    let method = seen.answered("whole", "unknown method", |answer| match answer {
        Answer::Error(code::METHOD_NOT_FOUND, _) => None,
        Answer::Error(code, _) => Some(format!("an unknown method was answered {code}")),
        Answer::Result(_) => Some("an unknown method was answered with a result".into()),
    });
    all([method, seen.answered("whole", "after notifications", |_| None)])
}

fn members(seen: &Observed<'_>) -> Judged {
    let twice = seen.each_message(|message| {
        let mut names: Vec<&String> = message.members.iter().map(|(name, _)| name).collect();
        names.sort();
        let pair = names.windows(2).find(|pair| pair[0] == pair[1])?;
        Some(format!("the member `{}` stands twice", pair[0]))
    });
    let in_results = seen.results().into_iter().find_map(|(scene, ask, text)| {
        let name = doubled(&text).into_iter().next()?;
        let why = format!("the member `{name}` stands twice in a Result");
        Some(Evidence::of(scene, ask, why).broken())
    });
    let greeted = seen.answered("newer", "initialize", |answer| match answer {
        Answer::Result(_) => None,
        Answer::Error(code, _) => Some(format!("`initialize` with unknown members was answered {code}")),
    });
    // Where the work fails anyhow, unknown members are not what it fails of.
    let worked = match seen.scene("newer").and_then(|scene| scene.ask("work")) {
        Some(_) if seen.works() => seen.answered("newer", "work", |answer| match answer {
            Answer::Result(_) => None,
            Answer::Error(code, _) => Some(format!("a hook with unknown members was answered {code}")),
        }),
        _ => unseen(seen.no_work()),
    };
    let lost = lost_to_unknown(seen);
    all([twice, greeted, worked, lost].into_iter().chain(in_results))
}

/// Compares what an assistant made of its list with what it made of it beside an unknown member.
fn lost_to_unknown(seen: &Observed<'_>) -> Judged {
    let length = |scene: &str| match seen.scene(scene)?.answer("work")? {
        Answer::Result(Value::Array(items)) => Some(items.len()),
        _ => None,
    };
    let (Some(usual), Some(beside)) = (length("whole"), length("newer")) else {
        return unseen("its answers are no lists");
    };
    let scene = seen
        .scene("newer")
        .and_then(|scene| Some((scene, scene.ask("work")?)));
    match scene {
        Some((scene, ask)) if usual != beside => {
            let why = format!("it answers {beside} Results beside an unknown member, and {usual} without");
            Evidence::of(scene, ask, why).broken()
        }
        _ => Judged::Kept,
    }
}

/// Names an optional member of the protocol that is null.
fn null_member(message: &Message) -> Option<String> {
    let optional: &[&str] = match message.method().as_deref() {
        Some("log") => &["/params/level", "/params/fields"],
        Some("progress") => &["/params/total", "/params/unit", "/params/message"],
        Some("output") => &["/params/stream"],
        Some("gap") => &["/params/section", "/params/remedy"],
        Some(_) => &["/params"],
        None => &[
            "/result/features",
            "/result/cancel",
            "/result/plugin/version",
            "/error/data/hint",
            "/error/data/traceback",
            "/error/data/origin",
            "/error/data/plugin",
            "/error/data/hook",
            "/error/data/fields",
        ],
    };
    optional.iter().find_map(|path| {
        let member = path.split('/').nth(1)?;
        let value = message.value(member)?;
        let rest = &path[member.len() + 1..];
        // Only the answer to `initialize` has these members, told by its hooks.
        if member == "result" && value.get("hooks").is_none() {
            return None;
        }
        (value.pointer(rest)? == &Value::Null).then(|| format!("`{}` is null", &path[1..].replace('/', ".")))
    })
}

fn order(seen: &Observed<'_>) -> Judged {
    let wanted = ["jsonrpc", "id", "method", "params", "result", "error"];
    let judged = seen.each_message(|message| {
        let known = message
            .members
            .iter()
            .filter_map(|(name, _)| wanted.iter().position(|wanted| wanted == name));
        let places: Vec<usize> = known.collect();
        let last = message.members.last().map(|(name, _)| name.as_str());
        let is_last = last.is_some_and(|last| ["params", "result", "error", "method"].contains(&last));
        (!places.is_sorted() || !is_last).then(|| {
            let names: Vec<&str> = message.members.iter().map(|(name, _)| name.as_str()).collect();
            format!("the members stand as {}", names.join(", "))
        })
    });
    match judged {
        Judged::Broken(evidence) => Judged::Odd(evidence),
        other => other,
    }
}

fn vendors(seen: &Observed<'_>) -> Judged {
    seen.each_message(|message| {
        let method = message.method()?;
        let vendor = method.starts_with("x-") && message.is_request();
        if vendor {
            return Some(format!(
                "it asks for `{method}`, though the host listed no such feature"
            ));
        }
        method
            .starts_with("rpc.")
            .then(|| format!("`{method}` begins with `rpc.`"))
    })
}

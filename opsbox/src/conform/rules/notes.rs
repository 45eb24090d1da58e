//! Sections 10, 11 and 13: notifications, gaps and cancellation.

use std::time::Duration;

use opsbox_protocol::code;
use opsbox_protocol::message::{Cancel, GapParams, LogParams, OutputParams, ProgressParams};
use serde_json::Value;

use crate::conform::line::{Answer, Message};
use crate::conform::rule::{Evidence, Judged, Observed, Rule, unseen};
use crate::conform::scene::{Entry, Scene, What, seconds};

/// So many `progress` may come in a second.
const MOST_PROGRESS: usize = 10;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "NOTE-2",
        text: "no more than ten `progress` come in a second",
        mend: "send `progress` by the clock, not for each item",
        should: true,
        judge: flood,
    },
    Rule {
        id: "NOTE-4",
        text: "the params of `log`, `progress`, `output` and `gap` have their members, of the right types",
        mend: "send what the tables of section 10 name; `id` is the number of the host's request",
        should: false,
        judge: |seen| {
            let judged = seen.each_message(misshapen);
            let some = seen.messages().any(|(_, _, message)| message.is_notification());
            if judged == Judged::Kept && !some {
                return unseen("it sent no notification");
            }
            judged
        },
    },
    Rule {
        id: "GAP-5",
        text: "towards a host that does not know gaps, what could not be looked at is an error",
        mend: "where `features` of `initialize` lacks `gap`, answer -33008 instead of sending one",
        should: false,
        judge: untold,
    },
    Rule {
        id: "CANC-1",
        text: "a cancelled call is still answered: -33004, or its result",
        mend: "after `$/cancel` answer the call with -33004 as soon as you can stop, or let it run to its result",
        should: false,
        judge: cancelled,
    },
    Rule {
        id: "CANC-2",
        text: "a plugin that says `cooperative` or `hard` answers a cancelled call within the grace",
        mend: "read on while the hook runs, look for `$/cancel` between two pieces of work, and answer -33004; or say `none`",
        should: true,
        judge: heeded,
    },
    Rule {
        id: "CANC-4",
        text: "`$/cancel` for a request that was answered, or is unknown, is ignored",
        mend: "ignore the `id` of a `$/cancel` that you do not find among the open calls",
        should: false,
        judge: |seen| {
            let Some(scene) = seen.scene("cancelled") else {
                return unseen("this part of the suite was not played");
            };
            if scene.ask("work").is_some_and(|ask| ask.answer.is_none()) {
                return unseen("the cancelled call was not answered");
            }
            let asked: Vec<String> = scene.asks.iter().map(|ask| ask.id.to_string()).collect();
            let stray = scene.messages().find(|(_, message)| {
                let id = message.get("id").unwrap_or_default();
                message.is_response() && !asked.iter().any(|known| known == id)
            });
            match stray {
                Some((at, _)) => Evidence::at(scene, at, "a `$/cancel` was answered").broken(),
                None => seen.answered("cancelled", "after cancel", |_| None),
            }
        },
    },
];

fn flood(seen: &Observed<'_>) -> Judged {
    let mut some = false;
    for scene in seen.scenes {
        let times: Vec<(usize, Duration)> = scene
            .messages()
            .filter(|(_, message)| message.method().as_deref() == Some("progress"))
            .map(|(at, _)| (at, scene.entries[at].at))
            .collect();
        some |= !times.is_empty();
        let crowded = times.windows(MOST_PROGRESS + 1).find(|window| {
            let (first, last) = (window[0].1, window[MOST_PROGRESS].1);
            last.saturating_sub(first) < Duration::from_secs(1)
        });
        if let Some(window) = crowded {
            let why = format!("more than {MOST_PROGRESS} `progress` came within a second");
            return Evidence::at(scene, window[MOST_PROGRESS].0, why).odd();
        }
    }
    if some {
        Judged::Kept
    } else {
        unseen("it sent no `progress`")
    }
}

fn misshapen(message: &Message) -> Option<String> {
    if !message.is_notification() {
        return None;
    }
    let method = message.method()?;
    let params = message.params();
    let read = match method.as_str() {
        "log" => serde_json::from_value::<LogParams>(params).map(drop),
        "progress" => serde_json::from_value::<ProgressParams>(params.clone()).map(drop),
        "output" => serde_json::from_value::<OutputParams>(params).map(drop),
        "gap" => serde_json::from_value::<GapParams>(params).map(drop),
        _ => return None,
    };
    read.err()
        .map(|error| format!("the `params` of `{method}` cannot be read: {error}"))
}

fn gaps(scene: &Scene) -> usize {
    let gaps = scene
        .messages()
        .filter(|(_, message)| message.method().as_deref() == Some("gap"));
    gaps.count()
}

fn untold(seen: &Observed<'_>) -> Judged {
    let Some(whole) = seen.scene("whole") else {
        return unseen("this part of the suite was not played");
    };
    if gaps(whole) == 0 {
        return unseen(
            "it could look at everything here, so it sent no `gap`; `--set FIELD=…` with something that it cannot read shows it",
        );
    }
    let Some(Answer::Result(_)) = whole.answer("work") else {
        return unseen("its hook failed");
    };
    seen.answered("plain", "work", |answer| match answer {
        Answer::Error(..) => None,
        Answer::Result(_) => Some("the answer looks whole, though something could not be looked at".into()),
    })
}

fn cancelled(seen: &Observed<'_>) -> Judged {
    if seen
        .scene("cancelled")
        .is_some_and(|scene| scene.ask("work").is_none())
    {
        return unseen(seen.no_work());
    }
    // A hook that fails anyhow may fail of that, too.
    let usual = match seen.scene("whole").and_then(|whole| whole.answer("work")) {
        Some(Answer::Error(code, _)) => Some(code),
        Some(Answer::Result(_)) => None,
        None => return unseen("the hook is not answered where nobody cancels it either"),
    };
    seen.answered("cancelled", "work", |answer| match answer {
        Answer::Result(Value::Null) => Some("the cancelled call was answered with null".into()),
        Answer::Result(_) => None,
        Answer::Error(code, _) if *code == code::CANCELLED || Some(*code) == usual => None,
        Answer::Error(code, message) => Some(format!(
            "the cancelled call was answered {code} ({message}), not -33004"
        )),
    })
}

/// Judges how long a call goes on that was cancelled, where the plugin says that it ends it.
fn heeded(seen: &Observed<'_>) -> Judged {
    if seen.facts.cancel == Cancel::None {
        return unseen("it says `none`: its calls go on after `$/cancel`");
    }
    let Some(grace) = seen.grace else {
        return unseen("`[timeouts] cancel_grace` is off");
    };
    let Some((scene, ask)) = seen
        .scene("cancelled")
        .and_then(|scene| Some((scene, scene.ask("work")?)))
    else {
        return unseen(seen.no_work());
    };
    let (Some(answer), Some(told)) = (ask.answer, first_cancel(scene)) else {
        return unseen("the cancelled call was not answered");
    };
    let took = scene.entries[answer].at.saturating_sub(scene.entries[told].at);
    let cancelled = matches!(scene.answer("work"), Some(Answer::Error(code::CANCELLED, _)));
    if took > grace {
        let grace = seconds(grace);
        let took = seconds(took);
        let why = format!(
            "it does not say `none`, and answered a cancelled call {took} after `$/cancel`; a host waits {grace}"
        );
        return Evidence::of(scene, ask, why).odd();
    }
    if cancelled || usual_time(seen).is_some_and(|usual| usual > grace) {
        return Judged::Kept;
    }
    unseen("its hook ended by itself before a cancel could show; a longer one shows it: `--set`, `--sample`")
}

fn first_cancel(scene: &Scene) -> Option<usize> {
    let is_cancel = |entry: &Entry| match &entry.what {
        What::Sent(bytes) => String::from_utf8_lossy(bytes).contains("\"method\":\"$/cancel\""),
        What::Got(_) | What::Closed => false,
    };
    scene.entries.iter().position(is_cancel)
}

/// Returns how long the hook takes where nobody cancels it.
fn usual_time(seen: &Observed<'_>) -> Option<Duration> {
    let whole = seen.scene("whole")?;
    let ask = whole.ask("work")?;
    Some(
        whole.entries[ask.answer?]
            .at
            .saturating_sub(whole.entries[ask.sent].at),
    )
}

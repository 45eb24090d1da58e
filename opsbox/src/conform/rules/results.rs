//! Sections 8.5 to 9: what hooks answer.

use opsbox_protocol::{Expect, Hook, ResultView};
use serde_json::Value;

use crate::conform::line::Answer;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, is_list, unseen};
use crate::conform::sample::{GREAT_NUMBER, UNKNOWN_MEMBER};
use crate::manifest::{Kind, Severity};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HOOK-1",
        text: "a hook that is asked for a list of Results answers a list of Results",
        mend: "answer `[]`, or a list of Result objects; no null, no single Result, no list in the list",
        should: false,
        judge: shape,
    },
    Rule {
        id: "HOOK-4",
        text: "an assistant hands a Result on with every key and every digit",
        mend: "cut the Results out of the request's line instead of decoding and encoding them",
        should: true,
        judge: handed_on,
    },
    Rule {
        id: "HOOK-6",
        text: "texts of a Result are taken neither for paths nor for commands of the terminal",
        mend: "replace `/`, `\\`, `..` and control characters in names of files, and control characters in what you show",
        should: false,
        judge: hostile,
    },
    Rule {
        id: "PRIV-1",
        text: "files of Results that hold a secret are readable by the user alone",
        mend: "create files with the mode 0600 where `params.private` is true",
        should: false,
        judge: private,
    },
    Rule {
        id: "RES-1",
        text: "a Result has its five members, of the right types",
        mend: "answer `relates_to`, `result_name`, `result_description`, `formatted` as strings and `details` as an object or a list of objects",
        should: false,
        judge: members,
    },
    Rule {
        id: "RES-2",
        text: "further members of a Result begin with `x_`",
        mend: "rename your own members of a Result to `x_…`, or put them into `details`",
        should: true,
        judge: further,
    },
    Rule {
        id: "RES-5",
        text: "`severity` of a finding is info, low, medium, high or critical",
        mend: "use one of the five words, or another name for your own scale",
        should: true,
        judge: severities,
    },
    Rule {
        id: "RES-6",
        text: "no Result holds a secret of the configuration",
        mend: "leave secrets out of `details` and `formatted`",
        should: false,
        judge: secrets,
    },
];

/// Returns why there are no Results to judge.
fn without(seen: &Observed<'_>) -> Judged {
    unseen(seen.work_failed().unwrap_or_else(|| match seen.manifest.kind {
        Kind::Output => "an output answers no Results".into(),
        _ => seen.no_work(),
    }))
}

fn shape(seen: &Observed<'_>) -> Judged {
    let asked = seen.asks().filter(|(_, ask)| {
        Hook::from_method(&ask.method).is_some_and(|hook| hook.expects() == Expect::Results)
    });
    let mut some = false;
    for (scene, ask) in asked {
        let Some(result) = scene.reply(ask).and_then(|message| message.value("result")) else {
            continue;
        };
        some = true;
        let why = match &result {
            Value::Array(items) => items
                .iter()
                .find(|item| !item.is_object())
                .map(|item| format!("the list holds {}", kind_of(item))),
            other => Some(format!("the answer is {}, not a list", kind_of(other))),
        };
        if let Some(why) = why {
            return Evidence::of(scene, ask, why).broken();
        }
    }
    if some {
        return Judged::Kept;
    }
    match &seen.manifest.kind {
        Kind::Provider | Kind::Output => unseen("its hook is not asked for a list"),
        _ => without(seen),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn members(seen: &Observed<'_>) -> Judged {
    let results = seen.results();
    if results.is_empty() {
        return without(seen);
    }
    let mut odd = None;
    for (scene, ask, text) in &results {
        // What is no object at all is a matter of the list [HOOK-1].
        let is_object = text.trim_start().starts_with('{');
        if !is_object && is_list(&ask.method) {
            continue;
        }
        if !is_object {
            let why = format!(
                "`{}` is asked for one Result, an object, and answered something else",
                ask.method
            );
            return Evidence::of(scene, ask, why).broken();
        }
        if let Err(why) = ResultView::parse(text) {
            return Evidence::of(scene, ask, why.to_string()).broken();
        }
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let items = value["details"].as_array();
        if items.is_some_and(|items| items.iter().any(|item| !item.is_object())) {
            let why = "`details` is a list that holds something else than objects";
            return Evidence::of(scene, ask, why).broken();
        }
        // What an assistant hands on was made by others.
        let own = scene.name == "whole" && !is_given(seen, &value);
        let empty = ["relates_to", "result_name"]
            .iter()
            .find(|name| value[**name] == "");
        let escapes = value["formatted"]
            .as_str()
            .is_some_and(|text| text.contains('\u{1b}'));
        let why = match (empty, escapes) {
            (Some(name), _) => format!("`{name}` is empty"),
            (None, true) => "`formatted` holds escape sequences, and is to be plain text".into(),
            (None, false) => continue,
        };
        if own && odd.is_none() {
            odd = Some(Evidence::of(scene, ask, why).odd());
        }
    }
    odd.unwrap_or(Judged::Kept)
}

/// Returns whether a Result is one that the suite gave to the plugin.
fn is_given(seen: &Observed<'_>, result: &Value) -> bool {
    let mut given = seen.facts.works.iter().flat_map(|work| &work.results);
    given.any(|text| {
        let given: Value = serde_json::from_str(text).unwrap_or_default();
        given["relates_to"] == result["relates_to"] && given["result_name"] == result["result_name"]
    })
}

fn handed_on(seen: &Observed<'_>) -> Judged {
    if seen.manifest.kind != Kind::Assistant {
        return unseen("only assistants hand Results on");
    }
    let given = seen.facts.works.iter().flat_map(|work| &work.results);
    let marked = given
        .clone()
        .find(|text| text.contains(GREAT_NUMBER) && text.contains(UNKNOWN_MEMBER));
    let Some(marked) = marked else {
        return unseen("the sample holds no number and no member that could be lost");
    };
    let marked: Value = serde_json::from_str(marked).unwrap_or_default();
    let results = seen.results();
    let found = results.iter().find(|(scene, _, text)| {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        scene.name == "whole"
            && value["relates_to"] == marked["relates_to"]
            && value["result_name"] == marked["result_name"]
    });
    let Some((scene, ask, text)) = found else {
        return seen
            .work_failed()
            .map_or_else(|| unseen("it hands on no Result"), unseen);
    };
    let whole = |list: &Value| list.as_array().map_or(0, Vec::len);
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    if whole(&value["details"]) < whole(&marked["details"]) && !text.contains("vol-0a1") {
        return unseen("it leaves out the finding that would show it");
    }
    if !text.contains(GREAT_NUMBER) {
        return Evidence::of(scene, ask, format!("the number {GREAT_NUMBER} was not kept")).odd();
    }
    if !text.contains(UNKNOWN_MEMBER) {
        return Evidence::of(scene, ask, format!("the member `{UNKNOWN_MEMBER}` was lost")).odd();
    }
    Judged::Kept
}

fn further(seen: &Observed<'_>) -> Judged {
    const KNOWN: [&str; 5] = [
        "relates_to",
        "result_name",
        "result_description",
        "details",
        "formatted",
    ];
    let results = seen.results();
    if results.is_empty() {
        return without(seen);
    }
    for (scene, ask, text) in &results {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
        let mut further = names.filter(|name| !KNOWN.contains(&name.as_str()) && !name.starts_with("x_"));
        if let Some(name) = further.next().filter(|_| !is_given(seen, &value)) {
            return Evidence::of(scene, ask, format!("the Result has a member `{name}`")).odd();
        }
    }
    Judged::Kept
}

fn severities(seen: &Observed<'_>) -> Judged {
    let results = seen.results();
    if results.is_empty() {
        return without(seen);
    }
    if seen.manifest.kind == Kind::Provider {
        return unseen("a provider's data are no findings");
    }
    for (scene, ask, text) in &results {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        let mut words = value["details"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|finding| &finding["severity"]);
        let other = words.find(|word| {
            !word.is_null() && !word.as_str().is_some_and(|word| Severity::NAMES.contains(&word))
        });
        if let Some(word) = other.filter(|_| !is_given(seen, &value)) {
            return Evidence::of(scene, ask, format!("`severity` is {word}")).odd();
        }
    }
    Judged::Kept
}

fn secrets(seen: &Observed<'_>) -> Judged {
    if seen.facts.secrets.is_empty() {
        return unseen("it declares no secret of type string");
    }
    let results = seen.results();
    if results.is_empty() {
        return without(seen);
    }
    for (field, secret) in &seen.facts.secrets {
        if let Some((scene, ask, _)) = results.iter().find(|(_, _, text)| text.contains(secret)) {
            return Evidence::of(scene, ask, format!("the secret `{field}` stands in a Result")).broken();
        }
    }
    Judged::Kept
}

fn private(seen: &Observed<'_>) -> Judged {
    let Some(scene) = seen.scene("private") else {
        return unseen("it is no output that lists the feature `private`");
    };
    let Some(ask) = scene.ask("work").filter(|ask| ask.answer.is_some()) else {
        return unseen("its hook was not reached");
    };
    let ended = scene.look("ended");
    if ended.is_none_or(|look| look.files.is_empty()) {
        return unseen("it wrote no file");
    }
    match ended.and_then(|look| look.exposed.first()) {
        Some(file) => Evidence::of(
            scene,
            ask,
            format!("others may read the file `{file}` that it wrote"),
        )
        .broken(),
        None => Judged::Kept,
    }
}

fn hostile(seen: &Observed<'_>) -> Judged {
    let Some(scene) = seen.scene("hostile") else {
        return unseen("only outputs write files and to the terminal");
    };
    if !matches!(scene.answer("work"), Some(Answer::Result(_) | Answer::Error(..))) {
        return unseen("its hook was not reached");
    }
    let escapes = scene.messages().find(|(_, message)| {
        let text = message.params()["text"].as_str().unwrap_or_default().to_owned();
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        message.method().as_deref() == Some("output") && text.contains(control)
    });
    if let Some((at, _)) = escapes {
        let why = "`output` shows control characters of a Result";
        return Evidence::at(scene, at, why).broken();
    }
    let ended = scene.look("ended").into_iter().flat_map(|look| &look.files);
    let files: Vec<&String> = ended.collect();
    let outside = files.iter().find(|file| !file.starts_with("a/b/work/"));
    let odd = files.iter().find(|file| file.chars().any(char::is_control));
    let why = match (outside, odd) {
        (Some(file), _) => format!("it wrote `{file}`, outside its working directory (which is `a/b/work`)"),
        (None, Some(file)) => format!("the file {file:?} has control characters in its name"),
        (None, None) => return Judged::Kept,
    };
    match scene.ask("work") {
        Some(ask) => Evidence::of(scene, ask, why).broken(),
        None => Evidence::seen(scene, why).broken(),
    }
}

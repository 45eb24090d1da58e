//! Sections 8.2 to 8.4: the schema, the configuration and its secrets.

use opsbox_protocol::{Hook, code};

use crate::conform::line::Answer;
use crate::conform::rule::{Evidence, Judged, Observed, Rule, all, unseen};
use crate::conform::scene::Scene;

use super::life::untouched;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "CONF-1",
        text: "the schema is a JSON Schema of an object with `properties`",
        mend: "answer `{\"type\":\"object\",\"properties\":{…}}`, with no field at all `{}` there",
        should: false,
        judge: schema,
    },
    Rule {
        id: "CONF-2",
        text: "a secret is neither logged nor passed on a command line",
        mend: "leave secrets out of logs, prints and arguments; give them to children by a pipe",
        should: false,
        judge: secrets,
    },
    Rule {
        id: "CONF-4",
        text: "the schema is the same each time",
        mend: "make the schema of the plugin's version alone, not of the time, the machine or the network",
        should: true,
        judge: stable,
    },
    Rule {
        id: "CONF-5",
        text: "defaults are the plugin's own: it works without being sent them",
        mend: "use the default in your code where `config` lacks the field",
        should: false,
        judge: defaults,
    },
    Rule {
        id: "CONF-6",
        text: "a configuration that cannot be accepted is answered -33006, with all fields at once",
        mend: "check the configuration in `set_data`, and answer -33006 with `data.fields`",
        should: false,
        judge: refused,
    },
    Rule {
        id: "CONF-7",
        text: "`set_data` connects to nothing",
        mend: "connect in `activate`",
        should: false,
        judge: |seen| match seen.scene("whole") {
            Some(whole) if whole.ask("set_data").is_some() => {
                whole.look("set").map_or(Judged::Kept, |look| {
                    untouched(whole, look, "`activate`, in `set_data`")
                })
            }
            _ => unseen("it does not list `set_data`"),
        },
    },
];

fn schema(seen: &Observed<'_>) -> Judged {
    if seen.manifest.config_schema.is_some() {
        return unseen("the manifest declares the fields, so `grab_config` is not called");
    }
    if !seen.facts.has(Hook::GrabConfig) {
        return unseen("it does not list `grab_config`");
    }
    seen.answered("whole", "grab_config", |answer| match answer {
        Answer::Error(code, message) => Some(format!("`grab_config` failed with {code}: {message}")),
        Answer::Result(schema) if schema["type"] != "object" => Some("`type` is not \"object\"".into()),
        Answer::Result(schema) if !schema["properties"].is_object() => {
            Some("`properties` is no object".into())
        }
        Answer::Result(schema) => crate::config::faults_of(schema, &serde_json::Map::new())
            .err()
            .map(|why| format!("it is no valid JSON Schema: {why}")),
    })
}

fn secrets(seen: &Observed<'_>) -> Judged {
    if seen.facts.secrets.is_empty() {
        return unseen("it declares no secret of type string");
    }
    for (field, secret) in &seen.facts.secrets {
        for scene in seen.scenes {
            if let Some(evidence) = leak(scene, field, secret) {
                return evidence.broken();
            }
        }
    }
    Judged::Kept
}

/// Returns where a secret turned up that is no answer.
fn leak(scene: &Scene, field: &str, secret: &str) -> Option<Evidence> {
    let told = |place: &str| format!("the secret `{field}` stands in {place}");
    let notified = scene.lines().find(|(_, line)| {
        let answer = line.message().is_some_and(|message| message.is_response());
        !answer && line.text().contains(secret)
    });
    if let Some((at, line)) = notified {
        let method = line.message().and_then(|message| message.method());
        let place = method.map_or("a line on stdout".to_owned(), |method| format!("a `{method}`"));
        return Some(Evidence::at(scene, at, told(&place)));
    }
    if scene.stderr.iter().any(|line| line.contains(secret)) {
        return Some(Evidence::seen(scene, told("a line on stderr")));
    }
    let mut commands = scene.looks.iter().flat_map(|look| &look.commands);
    commands
        .any(|command| command.contains(secret))
        .then(|| Evidence::seen(scene, told("a command line")))
}

fn stable(seen: &Observed<'_>) -> Judged {
    let text = |scene: &str| {
        let scene = seen.scene(scene)?;
        let ask = scene.ask("grab_config")?;
        Some((scene, ask, scene.reply(ask)?.get("result")?.to_owned()))
    };
    let (Some((_, _, first)), Some((scene, ask, second))) = (text("whole"), text("asked")) else {
        return unseen("it was not asked twice for its schema");
    };
    if first == second {
        Judged::Kept
    } else {
        Evidence::of(scene, ask, "a second process answers another schema").odd()
    }
}

fn defaults(seen: &Observed<'_>) -> Judged {
    let properties = seen.facts.schema["properties"].as_object();
    let some = properties.is_some_and(|fields| fields.values().any(|field| field.get("default").is_some()));
    if !some {
        return unseen("no field has a default");
    }
    let Some(spelt) = seen.scene("spelt out") else {
        return Judged::Kept;
    };
    // It failed without the defaults; does it work with them?
    match spelt.answer("work") {
        Some(Answer::Result(_)) => {
            let whole = seen.scene("whole").unwrap_or(spelt);
            let failed = ["set_data", "activate", "work"]
                .iter()
                .find(|label| matches!(whole.answer(label), Some(Answer::Error(..))));
            let why = "it fails where a field is left out, and works where its default is sent";
            match failed.and_then(|label| whole.ask(label)) {
                Some(ask) => Evidence::of(whole, ask, why).broken(),
                None => Judged::Kept,
            }
        }
        _ => unseen(seen.work_failed().unwrap_or_else(|| seen.no_work())),
    }
}

fn refused(seen: &Observed<'_>) -> Judged {
    if !seen.facts.has(Hook::SetData) {
        return unseen("it does not list `set_data`");
    }
    let Some(scene) = seen.scene("wrong values") else {
        return unseen("this part of the suite was not played");
    };
    let Some(ask) = scene.ask("wrong values") else {
        return unseen("its fields take every value");
    };
    let answered = seen.answered("wrong values", "wrong values", |answer| match answer {
        // It accepts what does not fit its schema; the host never sends that.
        Answer::Result(_) | Answer::Error(code::CONFIG_INVALID, _) => None,
        Answer::Error(code, _) => Some(format!("a wrong configuration was answered {code}, not -33006")),
    });
    let error = scene.reply(ask).and_then(|message| message.value("error"));
    let bare = error.filter(|error| {
        let fields = error["data"]["fields"].as_array();
        fields.is_none_or(|fields| fields.iter().any(|field| !field["field"].is_string()))
    });
    let odd = bare.map(|_| Evidence::of(scene, ask, "the error names no fields in `data.fields`").odd());
    all([answered].into_iter().chain(odd))
}

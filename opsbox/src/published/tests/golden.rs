//! Every line that version 1 ever allowed is read by today's types and fits today's schema.

use std::collections::BTreeSet;

use opsbox_protocol::handler::{
    ActivePluginsParams, ActivePluginsResult, CallHookParams, ProcessPluginParams,
};
use opsbox_protocol::message::{
    CancelParams, GapParams, InitializeParams, InitializeResult, LogParams, OutputParams, ProgressParams,
    SetDataParams, Status,
};
use opsbox_protocol::schema::work::{
    InjectDataParams, NoParams, ProcessInputParams, ProcessParams, ProcessResultsParams, ReportFindingsParams,
};
use opsbox_protocol::schema::{METHODS, Writer, part};
use opsbox_protocol::{ErrorBody, Expect, Hook, Incoming, OpsResult, Outcome, Payload, code, parse_line};
use serde::Deserialize;
use serde_json::Value;

use super::{Published, Validator, repository};

/// A line of `lines.jsonl`; a member that this test does not know fails it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    name: String,
    from: String,
    line: String,
    class: String,
    id: Value,
    method: Option<String>,
    note: String,
    /// Of a response: the method of the request that it answers.
    answers: Option<String>,
}

pub(super) fn golden(path: &str) -> String {
    std::fs::read_to_string(repository().join("tests/golden").join(path)).unwrap()
}

fn lines() -> Vec<Golden> {
    let text = golden("lines.jsonl");
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Messages by their class that break a rule all the same, or that no value of JSON in Rust can hold.
const APART: [(&str, &str); 5] = [
    (
        "params_array",
        "params are no object [MSG-4]: answered with -32602",
    ),
    ("message_inside_a_result", "the Result of no method"),
    ("depth_128", "the Result of no method"),
    (
        "big_numbers",
        "1e400 is no number of Rust; the host keeps the bytes",
    ),
    ("lone_surrogate", "no text of Rust; the host keeps the bytes"),
];

fn is_apart(name: &str) -> bool {
    APART.iter().any(|(known, _)| *known == name)
}

/// Reads parameters as today's type of a method.
fn params_of(method: &str, params: Value) -> Result<(), serde_json::Error> {
    fn read<T: for<'a> Deserialize<'a>>(params: Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(params).map(|_| ())
    }
    match method {
        "initialize" => read::<InitializeParams>(params),
        "grab_config" | "activate" | "gather_data" | "shutdown" => read::<NoParams>(params),
        "set_data" => read::<SetDataParams>(params),
        "process" => read::<ProcessParams>(params),
        "inject_data" => read::<InjectDataParams>(params),
        "report_findings" => read::<ReportFindingsParams>(params),
        "process_input" => read::<ProcessInputParams>(params),
        "process_results" => read::<ProcessResultsParams>(params),
        "process_plugin" => read::<ProcessPluginParams>(params),
        "host/active_plugins" => read::<ActivePluginsParams>(params),
        "host/call_hook" => read::<CallHookParams>(params),
        "$/cancel" => read::<CancelParams>(params),
        "log" => read::<LogParams>(params),
        "progress" => read::<ProgressParams>(params),
        "output" => read::<OutputParams>(params),
        "gap" => read::<GapParams>(params),
        unknown => panic!("no type for `{unknown}`"),
    }
}

/// Reads a result as today's type of a method.
fn result_of(method: &str, result: Value) -> Result<(), serde_json::Error> {
    match (method, Hook::from_method(method).map(Hook::expects)) {
        ("initialize", _) => serde_json::from_value::<InitializeResult>(result).map(drop),
        ("host/active_plugins", _) => serde_json::from_value::<ActivePluginsResult>(result).map(drop),
        (_, Some(Expect::Result)) => serde_json::from_value::<OpsResult>(result).map(drop),
        ("process_plugin", _) if result.is_object() => Ok(()),
        (_, Some(Expect::Results)) => serde_json::from_value::<Vec<OpsResult>>(result).map(drop),
        (_, Some(Expect::ResultOrResults)) if result.is_object() => {
            serde_json::from_value::<OpsResult>(result).map(drop)
        }
        (_, Some(Expect::ResultOrResults)) => serde_json::from_value::<Vec<OpsResult>>(result).map(drop),
        _ => Ok(()),
    }
}

#[test]
fn every_golden_message_is_read_by_the_types_of_today() {
    let known: BTreeSet<&str> = METHODS.iter().map(|method| method.name).collect();
    let mut n_read = 0;
    for golden in lines().iter().filter(|golden| !is_apart(&golden.name)) {
        let message: Value = match golden.class.as_str() {
            "fault" | "noise" => continue,
            _ => serde_json::from_str(golden.line.trim_start_matches('\u{feff}')).unwrap(),
        };
        let params = message
            .get("params")
            .cloned()
            .unwrap_or_else(|| serde_json::json!({}));
        let read = match (&golden.method, &golden.answers) {
            (Some(method), _) if known.contains(method.as_str()) => params_of(method, params),
            (None, Some(method)) => result_of(method, message["result"].clone()),
            (None, None) => match message.get("error") {
                Some(error) => serde_json::from_value::<ErrorBody>(error.clone()).map(drop),
                None => continue,
            },
            _ => continue,
        };
        read.unwrap_or_else(|error| panic!("{}: {error}", golden.name));
        n_read += 1;
    }
    assert!(n_read >= 100, "{n_read} lines");
}

#[test]
fn every_golden_result_is_cut_out_of_its_line_as_the_host_does() {
    let mut n_cut = 0;
    for golden in lines() {
        let Some(method) = golden.answers.as_deref() else {
            continue;
        };
        let expect = Hook::from_method(method).map_or(Expect::Raw, Hook::expects);
        if expect == Expect::Raw || golden.name == "process_plugin_result_of_an_output" {
            continue;
        }
        let read = parse_line(&golden.line, &|_| Some(expect)).unwrap();
        let Incoming::Response {
            outcome: Outcome::Result(payload),
            ..
        } = read
        else {
            panic!("{}: not a result", golden.name)
        };
        assert!(
            matches!(payload, Payload::Results(_)),
            "{}: {payload:?}",
            golden.name
        );
        n_cut += 1;
    }
    assert!(n_cut >= 15, "{n_cut} results");
}

#[test]
fn every_golden_message_fits_the_schema_of_today_and_every_fault_does_not() {
    let schema = Published::named("messages").unwrap().schema();
    let line = Validator::of(&schema, "");
    let mut wrong = Vec::new();
    for golden in lines().iter().filter(|golden| !is_apart(&golden.name)) {
        let Ok(message) = serde_json::from_str::<Value>(golden.line.trim_start_matches('\u{feff}')) else {
            assert!(
                ["fault", "noise"].contains(&golden.class.as_str()),
                "{}",
                golden.name
            );
            continue;
        };
        let refused = line.refuses(&message);
        match golden.class.as_str() {
            // A doubled member, a whole number with a fraction and depth are gone once JSON is read.
            "fault" | "noise"
                if ["fault_doubled_result", "fault_float_id_whole", "fault_depth_129"]
                    .contains(&golden.name.as_str()) => {}
            "fault" | "noise" if refused.is_none() => {
                wrong.push(format!("{} is a {}, and fits", golden.name, golden.class))
            }
            "fault" | "noise" => {}
            _ => wrong.extend(refused.map(|why| format!("{}: {why}", golden.name))),
        }
        if let Some(method) = &golden.answers {
            let pointer = format!("/$defs/{}", part(method, "result").replace('/', "~1"));
            let refused = Validator::of(&schema, &pointer).refuses(&message["result"]);
            wrong.extend(refused.map(|why| format!("{}: {why}", golden.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_lines_show_every_method_code_status_and_shape() {
    let lines = lines();
    let mut missing = Vec::new();
    for method in METHODS {
        let (from, class) = match method.from {
            Writer::Host => ("host", method.is_notification()),
            Writer::Plugin => ("plugin", method.is_notification()),
        };
        let class = if class { "notification" } else { "request" };
        let sent = |golden: &&Golden| {
            golden.method.as_deref() == Some(method.name) && golden.from == from && golden.class == class
        };
        if !lines.iter().any(|golden| sent(&golden)) {
            missing.push(format!("`{}` as a {class} of the {from}", method.name));
        }
        let answered = lines
            .iter()
            .any(|golden| golden.answers.as_deref() == Some(method.name));
        if !answered && !method.is_notification() {
            missing.push(format!("an answer to `{}`", method.name));
        }
    }
    for code in code::ALL {
        let text = format!("\"code\":{}", code.number);
        let host_only = code.maker == code::Maker::Host;
        let shown = |golden: &&Golden| golden.line.contains(&text) && (!host_only || golden.from == "host");
        if !lines.iter().any(|golden| shown(&golden)) {
            missing.push(format!("the error {}", code.number));
        }
    }
    for status in ["findings", "clean", "incomplete", "unknown", "failed", "skipped"] {
        assert!(serde_json::from_value::<Status>(status.into()).is_ok());
        if !lines
            .iter()
            .any(|golden| golden.line.contains(&format!("\"status\":\"{status}\"")))
        {
            missing.push(format!("the status `{status}`"));
        }
    }
    for shape in [
        "\"details\":[]",
        "\"details\":{}",
        "\"details\":{\"old\":[",
        "\"details\":[{",
        "\"x_acme_owner\"",
        "\"private\":true",
    ] {
        if !lines.iter().any(|golden| golden.line.contains(shape)) {
            missing.push(shape.to_owned());
        }
    }
    assert_eq!(missing, [] as [&str; 0]);
    assert!(
        lines
            .iter()
            .all(|golden| golden.note.len() < 300 && (golden.id.is_null() || golden.class != "noise"))
    );
}

//! The loop of a session, driven by the harness in memory.

use std::sync::atomic::{AtomicBool, Ordering};

use opsbox_plugin::{
    Assistant, Ctx, Failure, Gap, Harness, NoConfig, OpsResult, Output, Plugin, Provider, Result, ResultRef,
    Service, code,
};
use serde_json::json;
use serde_json::value::RawValue;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Act {
    Gather,
    Fail,
    Panic,
    WaitForCancel,
    TooDeep,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Config {
    /// What to do.
    act: Act,
}

struct Sample(Config);

impl Plugin for Sample {
    type Config = Config;
    const REPORTS_PROGRESS: bool = true;

    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }
}

impl Provider for Sample {
    fn gather_data(&mut self, ctx: &Ctx) -> Result<OpsResult> {
        match self.0.act {
            Act::Gather => {
                ctx.progress(1.0, Some(2.0), "files", "");
                ctx.gap(
                    Gap::new("file `b`", "permission denied")
                        .section("files")
                        .remedy("run as root"),
                );
                ctx.info("half done");
                let details =
                    RawValue::from_string("{\"n\":\n1.50,\r\n\"big\":12345678901234567890123}".into())?;
                Ok(OpsResult::new("files", "sample").raw_details(details))
            }
            Act::Fail => Err(Failure::new("cannot read `a`", "set `paths`").into()),
            Act::Panic => panic!("an assumption broke"),
            Act::WaitForCancel => {
                ctx.info("waiting");
                while !ctx.is_cancelled() {
                    std::thread::yield_now();
                }
                ctx.check_cancelled()?;
                Ok(OpsResult::new("files", "never"))
            }
            Act::TooDeep => {
                let details = format!("{}{}", "[".repeat(130), "]".repeat(130));
                Ok(OpsResult::new("files", "deep").raw_details(RawValue::from_string(details)?))
            }
        }
    }
}

fn ready(act: &str) -> Harness {
    Harness::ready(
        Service::provider::<Sample>().version("1.2.3"),
        json!({ "act": act }),
    )
}

#[test]
fn the_handshake_names_hooks_features_and_version() {
    let mut harness = Harness::start(Service::provider::<Sample>().version("1.2.3"));
    let answer = harness.initialize(&Harness::session()).expect("initialized");
    assert_eq!(
        answer,
        json!({"protocol": 1, "plugin": {"name": "under_test", "version": "1.2.3"}, 
               "hooks": ["grab_config", "set_data", "activate", "gather_data"],
               "features": ["progress", "gap", "output"], "cancel": "cooperative"})
    );
    let schema = harness.call("grab_config", &json!({})).expect("a schema");
    assert_eq!(schema["properties"]["act"]["description"], "What to do.");
    assert_eq!(schema["required"], json!(["act"]));
}

#[test]
fn a_payload_keeps_its_bytes_and_is_one_line() {
    let mut harness = ready("gather");
    let raw = harness.call_raw("gather_data", "{}").expect("gathered");
    assert_eq!(
        raw.get(),
        r#"{"relates_to":"files","result_name":"sample","result_description":"","details":{"n": 1.50,  "big":12345678901234567890123},"formatted":""}"#
    );
    assert_eq!(
        harness.told("progress"),
        [&json!({"id": 4, "done": 1, "total": 2, "unit": "files"})]
    );
    assert_eq!(
        harness.told("gap"),
        [
            &json!({"id": 4, "section": "files", "what": "file `b`", "why": "permission denied", "remedy": "run as root"})
        ]
    );
    assert_eq!(harness.told("log")[0]["message"], "half done");
}

#[test]
fn an_authors_error_names_plugin_hook_and_hint() {
    let error = ready("fail").call("gather_data", &json!({})).expect_err("failed");
    assert_eq!(
        (error.code, error.message.as_str()),
        (code::HOOK_FAILED, "cannot read `a`")
    );
    let data = error.data();
    assert_eq!(
        (
            data.origin.as_deref(),
            data.plugin.as_deref(),
            data.hook.as_deref(),
            data.hint.as_deref()
        ),
        (
            Some("plugin"),
            Some("under_test"),
            Some("gather_data"),
            Some("set `paths`")
        )
    );
}

#[test]
fn a_panic_is_an_error_of_its_call_and_the_plugin_lives() {
    let mut harness = ready("panic");
    let error = harness.call("gather_data", &json!({})).expect_err("panicked");
    assert_eq!(
        (error.code, error.message.as_str()),
        (code::HOOK_FAILED, "the hook panicked: an assumption broke")
    );
    harness
        .call("set_data", &json!({"config": {"act": "gather"}}))
        .expect("configured anew");
    harness.call("activate", &json!({})).expect("activated");
    harness.call("gather_data", &json!({})).expect("gathered");
}

#[test]
fn cancel_reaches_a_running_hook_and_one_that_waits_for_its_turn() {
    let mut harness = ready("wait_for_cancel");
    let running = harness.request("gather_data", "{}");
    let waiting = harness.request("gather_data", "{}");
    assert_eq!(harness.wait_told().params["message"], "waiting");
    harness.cancel(waiting);
    harness.cancel(running);
    for id in [running, waiting] {
        assert_eq!(harness.answer(id).expect_err("cancelled").code, code::CANCELLED);
    }
}

#[test]
fn an_unknown_request_is_answered_while_a_hook_runs() {
    let mut harness = ready("wait_for_cancel");
    let running = harness.request("gather_data", "{}");
    assert_eq!(harness.wait_told().params["message"], "waiting");
    let unknown = harness.request("x-vendor/what", "{}");
    assert_eq!(
        harness.answer(unknown).expect_err("unknown").code,
        code::METHOD_NOT_FOUND
    );
    harness.cancel(running);
    assert_eq!(
        harness.answer(running).expect_err("cancelled").code,
        code::CANCELLED
    );
}

#[test]
fn a_result_over_a_limit_is_an_error_not_a_broken_line() {
    let error = ready("too_deep")
        .call("gather_data", &json!({}))
        .expect_err("too deep");
    assert_eq!(
        error.message,
        "the result of `gather_data` nests 132 levels deep, 128 are allowed"
    );

    let mut harness = Harness::start(Service::provider::<Sample>());
    let mut session = Harness::session();
    session.limits.line_bytes = 100;
    harness.initialize(&session).expect("initialized");
    let error = harness.call("grab_config", &json!({})).expect_err("too long");
    assert!(
        error.message.ends_with("bytes long, 100 are allowed"),
        "{}",
        error.message
    );
}

#[test]
fn calls_out_of_order_and_damaged_ones_are_refused_by_code() {
    let mut harness = Harness::start(Service::provider::<Sample>());
    assert_eq!(
        harness.call("activate", &json!({})).expect_err("too early").code,
        code::NOT_READY
    );
    let mut session = Harness::session();
    session.protocol.min = 2;
    session.protocol.max = 3;
    let error = harness.initialize(&session).expect_err("too new");
    assert_eq!(error.code, code::UNSUPPORTED_PROTOCOL);
    assert_eq!(
        error.data.expect("data")["supported"],
        json!({"min": 1, "max": 1})
    );
    harness.initialize(&Harness::session()).expect("initialized");
    assert_eq!(
        harness
            .call("gather_data", &json!({}))
            .expect_err("too early")
            .code,
        code::NOT_READY
    );
    assert_eq!(
        harness
            .call("process", &json!({}))
            .expect_err("not its role")
            .code,
        code::METHOD_NOT_FOUND
    );
    assert_eq!(
        harness.call("set_data", &json!([])).expect_err("odd").code,
        code::INVALID_PARAMS
    );
    let error = harness
        .call("set_data", &json!({"config": {}}))
        .expect_err("incomplete");
    assert_eq!(error.code, code::CONFIG_INVALID);
    assert_eq!(
        error.data().fields,
        Some(json!([{"field": "act", "message": "missing field `act`"}]))
    );
    let error = harness
        .call("set_data", &json!({"config": {"act": 7}}))
        .expect_err("no text");
    let why = "invalid type: integer `7`, expected string or map";
    assert_eq!(
        (error.message.as_str(), error.data().fields),
        (
            format!("`act`: {why}").as_str(),
            Some(json!([{"field": "act", "message": why}]))
        )
    );
    harness.send_line("no message at all");
    harness.send_line(r#"{"jsonrpc":"2.0","id":99,"method":7}"#);
    assert_eq!(
        harness.answer(99).expect_err("damaged").code,
        code::INVALID_REQUEST
    );
}

struct Reverse;

impl Plugin for Reverse {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

impl Assistant for Reverse {
    fn process_input(&mut self, input: &[ResultRef<'_>], _: &Ctx) -> Result<Vec<OpsResult>> {
        Ok(input.iter().rev().map(ResultRef::to_result).collect())
    }
}

static DELIVERED: AtomicBool = AtomicBool::new(false);

impl Output for Reverse {
    fn process_results(&mut self, results: &[ResultRef<'_>], ctx: &Ctx) -> Result<()> {
        DELIVERED.store(true, Ordering::Relaxed);
        for step in ctx.steps() {
            let why = step.why.as_deref().unwrap_or("-");
            ctx.output(format!("{} {} {why}\n", step.plugin, step.status.word()));
        }
        for result in results {
            ctx.output(format!("{}\n", result.formatted));
        }
        Ok(())
    }
}

const A: &str = r#"{"relates_to":"a","result_name":"a","result_description":"","details":{"x":1e400},"formatted":"first"}"#;
const B: &str = r#"{"formatted":"second","relates_to":"b","result_name":"b","result_description":"","details":[],"extra":-0.0}"#;

#[test]
fn an_assistant_hands_on_the_bytes_it_received() {
    let mut harness = Harness::ready(Service::assistant::<Reverse>(), json!({}));
    let raw = harness
        .call_raw("process_input", &format!("{{\"input\":[{A},{B}]}}"))
        .expect("processed");
    assert_eq!(raw.get(), format!("[{B},{A}]"));
    let error = harness
        .call_raw("process_input", r#"{"input":[{"relates_to":"a"}]}"#)
        .expect_err("no Result");
    assert_eq!(error.code, code::INVALID_PARAMS);
}

/// Returns a Result whose details nest this deep.
fn nested(levels: usize) -> String {
    let details = format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    format!(
        r#"{{"relates_to":"a","result_name":"b","result_description":"","details":{details},"formatted":""}}"#
    )
}

#[test]
fn a_result_at_the_greatest_depth_is_answered_though_the_hosts_line_is_deeper() {
    let mut harness = Harness::ready(Service::assistant::<Reverse>(), json!({}));
    // The answer is an envelope, a list and a Result deep around it, the request one level more.
    let fits = nested(125);
    let answer = harness
        .call_raw("process_input", &format!("{{\"input\":[{fits}]}}"))
        .expect("handed on");
    assert_eq!(answer.get(), format!("[{fits}]"));
    let error = harness
        .call_raw("process_input", &format!("{{\"input\":[{}]}}", nested(126)))
        .expect_err("too deep to be handed on in a list");
    assert_eq!(error.code, code::HOOK_FAILED);
    assert!(
        error.message.ends_with("nests 129 levels deep, 128 are allowed"),
        "{}",
        error.message
    );
    harness
        .call_raw("process_input", &format!("{{\"input\":[{}]}}", nested(100_000)))
        .expect_err("answered, whatever the depth");
}

#[test]
fn an_output_shows_text_through_the_host() {
    let mut harness = Harness::ready(Service::output::<Reverse>(), json!({}));
    harness
        .call_raw("process_results", &format!("{{\"results\":[{A},{B}]}}"))
        .expect("delivered");
    assert!(DELIVERED.load(Ordering::Relaxed));
    assert_eq!(harness.output_text(), "first\nsecond\n");
}

const STEPS: &str = r#"[{"plugin":"a","status":"clean","results":["a/a"],"grown":1},{"plugin":"b","status":"unknown","results":[],"why":"no data"}]"#;

#[test]
fn an_output_is_told_how_the_checks_ended() {
    let mut harness = Harness::start(Service::output::<Reverse>());
    let answer = harness.initialize(&Harness::session()).expect("initialized");
    assert_eq!(answer["features"], json!(["gap", "output", "steps", "private"]));
    harness.call("activate", &json!({})).expect("activated");
    let params = format!("{{\"steps\":{STEPS},\"results\":[{A}]}}");
    harness.call_raw("process_results", &params).expect("delivered");
    assert_eq!(harness.output_text(), "a clean -\nb unknown no data\nfirst\n");
    let error = harness
        .call_raw(
            "process_results",
            r#"{"steps":[{"plugin":"a","status":"green"}],"results":[]}"#,
        )
        .expect_err("no status");
    assert_eq!(error.code, code::INVALID_PARAMS);
}

#[test]
fn steps_that_were_not_agreed_on_are_not_looked_at() {
    let mut harness = Harness::start(Service::output::<Reverse>());
    let mut session = Harness::session();
    session.features.retain(|feature| feature != "steps");
    harness.initialize(&session).expect("initialized");
    harness.call("activate", &json!({})).expect("activated");
    let params = format!("{{\"steps\":{STEPS},\"results\":[{A}]}}");
    harness.call_raw("process_results", &params).expect("delivered");
    assert_eq!(harness.output_text(), "first\n");
}

#[test]
fn towards_a_host_without_gaps_an_incomplete_answer_is_an_error() {
    let mut harness = Harness::start(Service::provider::<Sample>());
    let mut session = Harness::session();
    session.features.clear();
    harness.initialize(&session).expect("initialized");
    harness
        .call("set_data", &json!({"config": {"act": "gather"}}))
        .expect("configured");
    harness.call("activate", &json!({})).expect("activated");
    let error = harness.call("gather_data", &json!({})).expect_err("incomplete");
    assert_eq!(error.message, "cannot look at file `b`: permission denied");
    assert_eq!(
        (harness.told("gap").len(), harness.told("progress").len()),
        (0, 0)
    );
}

#[test]
fn a_plugin_without_configuration_has_an_empty_schema() {
    let schema = Service::assistant::<Reverse>().config_schema();
    assert_eq!(
        (&schema["type"], &schema["properties"]),
        (&json!("object"), &json!({}))
    );
}

//! Handlers and the plugins they serve, through the real loop with a host in memory.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::{Arc, Mutex};

use opsbox_plugin::{
    Cancelled, Ctx, ErrorBody, ErrorData, Handled, Handler, Harness, HookAnswer, HookParams, Host, HostError,
    NoConfig, OpsResult, Plugin, PluginFacts, Result, ResultRef, Service, code,
};
use serde_json::{Value, json};

const RAW: &str =
    r#"{"relates_to":"a","result_name":"b","result_description":"","details":{"n":1e400},"formatted":""}"#;

#[derive(serde::Serialize)]
struct Scan<'a> {
    given: &'a [ResultRef<'a>],
    deep: bool,
}

struct Scanning;

impl Plugin for Scanning {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

impl Handler for Scanning {
    fn process_plugin(
        &mut self,
        plugin: &PluginFacts,
        prior: &[ResultRef<'_>],
        host: &Host,
        _ctx: &Ctx,
    ) -> Result<Vec<OpsResult>> {
        if plugin.kind == "nobody" {
            let names: Vec<_> = host
                .active_plugins()?
                .into_iter()
                .map(|plugin| plugin.name)
                .collect();
            return Ok(vec![OpsResult::new("active", names.join(","))]);
        }
        if plugin.kind == "crowd" {
            let asking: Vec<_> = (0..8)
                .map(|n| {
                    let (host, name) = (host.clone(), plugin.name.clone());
                    std::thread::spawn(move || {
                        let answer = host.call_hook(&name, "double", &json!({ "n": n }))?;
                        Result::Ok(answer.read::<u64>()?)
                    })
                })
                .collect();
            let doubled: Result<Vec<u64>> = asking.into_iter().map(|one| one.join().unwrap()).collect();
            return Ok(vec![
                OpsResult::new("crowd", "crowd").details(&json!({ "doubled": doubled? }))?,
            ]);
        }
        Ok(host
            .call_hook(
                &plugin.name,
                "scan",
                &Scan {
                    given: prior,
                    deep: true,
                },
            )?
            .to_results()?)
    }
}

fn facts(kind: &str) -> Value {
    json!({"name": "cert", "type": kind, "uses": [], "hooks": ["scan"], "later": "a member of a newer host"})
}

fn serve(harness: &mut Harness, kind: &str) -> Result<Value, ErrorBody> {
    let prior: Value = serde_json::from_str(&RAW.replace("1e400", "1")).unwrap();
    harness.call(
        "process_plugin",
        &json!({"plugin": facts(kind), "prior_results": [prior]}),
    )
}

fn harness() -> Harness {
    Harness::ready(Service::handler::<Scanning>(), json!({}))
}

#[test]
fn a_handler_calls_hooks_and_hands_results_on_byte_for_byte() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let mut harness = harness().with_host(move |method, params| {
        kept.lock().unwrap().push((method.to_owned(), params.clone()));
        Ok(json!([{"relates_to":"x","result_name":"y","result_description":"","details":[],"formatted":""}]))
    });
    let answer = serve(&mut harness, "scanner").unwrap();
    assert_eq!(answer[0]["result_name"], "y");
    let asked = asked.lock().unwrap();
    let (method, params) = &asked[0];
    assert_eq!(method, "host/call_hook");
    assert_eq!(params["plugin"], "cert");
    assert_eq!(params["hook"], "scan");
    assert_eq!(params["params"]["given"][0]["details"], json!({"n": 1}));
    assert_eq!(params["id"], 4, "the call that it serves");
}

#[test]
fn results_in_the_parameters_of_a_hook_keep_their_spelling() {
    let mut harness = harness();
    let prior = format!("{{\"plugin\":{},\"prior_results\":[{RAW}]}}", facts("scanner"));
    let id = harness.request("process_plugin", &prior);
    let line = harness.wait_line();
    assert!(line.starts_with(
        r#"{"jsonrpc":"2.0","id":"h1","method":"host/call_hook","params":{"id":4,"plugin":"cert","#
    ));
    assert!(line.contains(&format!(r#""given":[{RAW}]"#)), "{line}");
    harness.send_line(r#"{"jsonrpc":"2.0","id":"h1","result":[]}"#);
    assert_eq!(harness.answer(id).unwrap().get(), "[]");
}

#[test]
fn the_plugins_of_the_run_are_listed() {
    let mut harness = harness().with_host(|method, params| {
        assert_eq!((method, params), ("host/active_plugins", &json!({"id": 4})));
        Ok(json!({"plugins": [facts("nobody"), {"name": "ec2", "type": "provider", "more": 1}]}))
    });
    let answer = serve(&mut harness, "nobody").unwrap();
    assert_eq!(answer[0]["result_name"], "cert,ec2");
}

#[test]
fn several_threads_may_ask_at_once() {
    let mut harness = harness().with_host(|_, params| Ok(json!(2 * params["params"]["n"].as_u64().unwrap())));
    let answer = serve(&mut harness, "crowd").unwrap();
    assert_eq!(
        answer[0]["details"]["doubled"],
        json!([0, 2, 4, 6, 8, 10, 12, 14])
    );
}

#[test]
fn an_error_of_the_plugin_is_the_handlers_with_its_hint() {
    let mut harness = harness().with_host(|_, _| {
        let data = ErrorData {
            hint: Some("open the port".into()),
            traceback: Some("cert.py, line 3".into()),
            ..ErrorData::default()
        };
        Err(ErrorBody::with_data(
            code::HOOK_FAILED,
            "port 443 is closed",
            &data,
        ))
    });
    let error = serve(&mut harness, "scanner").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (code::HOOK_FAILED, "port 443 is closed")
    );
    assert_eq!(error.data().hint.as_deref(), Some("open the port"));
    assert_eq!(error.data().traceback.as_deref(), Some("cert.py, line 3"));
}

#[test]
fn a_cancel_ends_a_handler_that_waits_for_an_answer() {
    let mut harness = harness();
    let id = harness.request(
        "process_plugin",
        &json!({"plugin": facts("scanner"), "prior_results": []}).to_string(),
    );
    assert!(harness.wait_line().contains("host/call_hook"));
    harness.cancel(id);
    assert_eq!(harness.answer(id).unwrap_err().code, code::CANCELLED);
    // An answer that comes too late is nobody's.
    harness.send_line(r#"{"jsonrpc":"2.0","id":"h1","result":[]}"#);
    assert_eq!(harness.call("activate", &json!({})).unwrap(), json!({}));
}

struct Cert;

impl Plugin for Cert {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self> {
        Ok(Self)
    }
}

#[derive(serde::Deserialize)]
struct Target<'a> {
    port: u16,
    #[serde(borrow)]
    given: Option<ResultRef<'a>>,
}

impl Handled for Cert {
    const HOOKS: &'static [&'static str] = &["scan", "gather_data"];

    fn call(&mut self, hook: &str, params: HookParams<'_>, ctx: &Ctx) -> Result<HookAnswer> {
        ctx.check_cancelled()?;
        if hook == "gather_data" {
            return Ok(HookAnswer::of(&"its own meaning")?);
        }
        let Target { port, given } = params.read()?;
        Ok(HookAnswer::of(
            &json!({"port": port, "given": given.as_ref().map(|given| &given.result_name)}),
        )?)
    }
}

#[test]
fn a_plugin_of_a_type_of_its_own_answers_the_hooks_that_it_lists() {
    let mut harness = Harness::start(Service::handled::<Cert>());
    let hello = harness.initialize(&Harness::session()).unwrap();
    assert_eq!(
        hello["hooks"],
        json!(["grab_config", "set_data", "activate", "scan", "gather_data"])
    );
    assert_eq!(
        harness.call("scan", &json!({"port": 1})).unwrap_err().code,
        code::NOT_READY
    );
    harness.call("set_data", &json!({"config": {}})).unwrap();
    harness.call("activate", &json!({})).unwrap();
    let given: Value = serde_json::from_str(&RAW.replace("1e400", "1")).unwrap();
    let answer = harness
        .call("scan", &json!({"port": 443, "given": given}))
        .unwrap();
    assert_eq!(answer, json!({"port": 443, "given": "b"}));
    assert_eq!(
        harness.call("gather_data", &json!({})).unwrap(),
        json!("its own meaning")
    );
    assert_eq!(
        harness.call("scna", &json!({})).unwrap_err().code,
        code::METHOD_NOT_FOUND
    );
    let error = harness.call("scan", &json!({"port": "https"})).unwrap_err();
    assert_eq!(error.code, code::INVALID_PARAMS, "{error:?}");
}

#[test]
fn errors_of_host_and_cancellation_can_be_told_apart() {
    fn told(error: &opsbox_plugin::Error) -> &'static str {
        match error {
            error if error.is::<HostError>() => "host",
            error if error.is::<Cancelled>() => "cancelled",
            _ => "other",
        }
    }
    assert_eq!(told(&Cancelled.into()), "cancelled");
    assert_eq!(told(&"x".into()), "other");
}

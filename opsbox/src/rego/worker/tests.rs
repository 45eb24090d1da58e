//! The worker's protocol, through the real loop in memory.

use super::*;

/// Sends requests (numbered from 1) and returns the lines that came back.
fn session(requests: &[serde_json::Value]) -> Vec<String> {
    let lines = requests.iter().enumerate().map(|(index, request)| {
        let mut line = json!({"jsonrpc": "2.0", "id": index + 1});
        for (key, value) in request.as_object().unwrap() {
            line[key] = value.clone();
        }
        line.to_string()
    });
    exchange(&lines.collect::<Vec<_>>().join("\n"))
}

fn exchange(input: &str) -> Vec<String> {
    let mut output = Vec::new();
    run(lines(input.as_bytes()), &mut output, None).unwrap();
    String::from_utf8(output)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn data(details: &serde_json::Value) -> serde_json::Value {
    json!({"method": DATA, "params": {"provider": "host", "data": result(details)}})
}

fn result(details: &serde_json::Value) -> serde_json::Value {
    json!({"relates_to": "host", "result_name": "host", "result_description": "", "details": details, "formatted": ""})
}

fn check(policy: &str) -> serde_json::Value {
    json!({"method": CHECK, "params": {"check": {"name": "c", "file": "c.rego", "policy": policy, "version": 1, "rule": "details", "strict": true,
        "config": {}, "severity": null, "remediation": null, "relates_to": "host", "description": "C", "format": false}, "timeout_ms": 60000}})
}

#[test]
fn a_session_parses_data_once_and_answers_each_check() {
    let first = check("package a\ndetails contains d if some d in input.disks");
    let second = check("package b\ndetails := {\"n\": count(input.disks)}");
    let answers = session(&[
        json!({"method": "initialize", "params": {"plugin": "rego", "protocol": {"min": 1, "max": 1}}}),
        data(&json!({"disks": [{"used": 91.0}]})),
        first,
        second,
        json!({"method": "shutdown"}),
    ]);
    assert_eq!(
        answers,
        [
            concat!(
                r#"{"jsonrpc":"2.0","id":1,"result":{"protocol":1,"plugin":{"name":"rego","version":""#,
                env!("CARGO_PKG_VERSION"),
                r#""},"hooks":["set_data","activate"],"features":["x-opsbox-rego"],"cancel":"none"}}"#
            ),
            r#"{"jsonrpc":"2.0","id":2,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":3,"result":{"applies":true,"findings":1,"result":{"relates_to":"host","result_name":"c","result_description":"C","details":[{"used":91.0}],"formatted":""}}}"#,
            r#"{"jsonrpc":"2.0","id":4,"result":{"applies":true,"findings":1,"result":{"relates_to":"host","result_name":"c","result_description":"C","details":{"n":1},"formatted":""}}}"#,
            r#"{"jsonrpc":"2.0","id":5,"result":{}}"#,
        ]
    );
}

#[test]
fn data_sent_with_a_check_is_used_for_that_check_only() {
    let policy = "package a\ndetails := {\"x\": input.x}";
    let mut with_data = check(policy);
    with_data["params"]["data"] = result(&json!({"input": {"x": 2}}));
    let answers = session(&[data(&json!({"x": 1})), with_data, check(policy)]);
    assert!(answers[1].contains(r#""details":{"x":2}"#), "{}", answers[1]);
    assert!(answers[2].contains(r#""details":{"x":1}"#), "{}", answers[2]);
}

#[test]
fn an_error_carries_place_source_and_hint() {
    let answers = session(&[data(&json!({})), check("package a\ndetails := [1/0]")]);
    let answer: serde_json::Value = serde_json::from_str(&answers[1]).unwrap();
    assert_eq!(answer["error"]["code"], code::HOOK_FAILED);
    assert_eq!(answer["error"]["message"], "c.rego:2:14: divide by zero");
    let data = &answer["error"]["data"];
    assert_eq!(
        (&data["file"], &data["line"], &data["column"]),
        (&json!("c.rego"), &json!(2), &json!(14))
    );
    assert_eq!(
        (&data["source"], &data["kind"], &data["hook"]),
        (&json!("details := [1/0]"), &json!("evaluation"), &json!(CHECK))
    );
    assert!(data["hint"].as_str().unwrap().contains("strict = false"));
}

#[test]
fn a_check_before_any_data_is_not_ready() {
    let answers = session(&[check("package a\ndetails := []")]);
    assert!(
        answers[0]
            .contains(r#""error":{"code":-33002,"message":"no provider data was given for the check `c`""#),
        "{}",
        answers[0]
    );
}

#[test]
fn unknown_requests_get_method_not_found_and_notifications_nothing() {
    let answers = exchange(concat!(
        "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancel\",\"params\":{\"id\":1}}\n",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"gather_data\"}\n",
    ));
    assert_eq!(
        answers,
        [
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"the Rego worker knows no method `gather_data`"}}"#
        ]
    );
}

#[test]
fn broken_lines_and_parameters_are_answered_and_the_loop_goes_on() {
    let answers = exchange(
        "hello\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"x-opsbox/rego/data\",\"params\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"activate\"}\n",
    );
    assert!(answers[0].contains(r#""method":"log""#), "{}", answers[0]);
    assert!(
        answers[1].starts_with(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600"#),
        "{}",
        answers[1]
    );
    assert!(
        answers[2].starts_with(r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32602"#),
        "{}",
        answers[2]
    );
    assert_eq!(answers[3], r#"{"jsonrpc":"2.0","id":3,"result":{}}"#);
}

#[test]
fn prints_of_a_policy_are_log_messages_before_the_answer() {
    let answers = session(&[
        data(&json!({})),
        check("package a\ndetails := [] if { print(\"seen\") }"),
    ]);
    assert!(
        answers[1].starts_with(r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","message":""#),
        "{}",
        answers[1]
    );
    assert!(answers[1].contains("seen"), "{}", answers[1]);
    assert!(
        answers[2].starts_with(r#"{"jsonrpc":"2.0","id":2,"result":"#),
        "{}",
        answers[2]
    );
}

#[test]
fn tests_of_policies_are_answered_in_order() {
    let answers = session(&[
        json!({"method": TEST, "params": {"files": [{"file": "p.rego", "text": "package p\ntest_a if true\ntest_b if false"}], "config": {}, "version": 1, "filter": null}}),
    ]);
    let answer: serde_json::Value = serde_json::from_str(&answers[0]).unwrap();
    let tests = answer["result"]["tests"].as_array().unwrap();
    assert_eq!(
        tests.iter().map(|test| &test["outcome"]).collect::<Vec<_>>(),
        [&json!("pass"), &json!("fail")]
    );
    assert_eq!(answer["result"]["coverage"][0]["file"], "p.rego");
}

/// Returns details that nest this deep.
fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

fn data_line(details: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"{DATA}","params":{{"provider":"host","data":{{"relates_to":"a","details":{details}}}}}}}"#
    )
}

#[test]
fn data_at_the_greatest_depth_is_taken_and_deeper_data_is_an_error() {
    // A Result in a line of its own stands one level less deep than here.
    let taken = exchange(&data_line(&nested(126)));
    assert_eq!(taken, [r#"{"jsonrpc":"2.0","id":1,"result":{}}"#]);
    for levels in [200, 100_000] {
        let refused = exchange(&data_line(&nested(levels)));
        assert_eq!(refused.len(), 1);
        assert!(
            refused[0].starts_with(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-33008,"#),
            "{}",
            refused[0]
        );
    }
}

#[test]
fn a_request_that_is_not_utf8_is_answered() {
    let mut output = Vec::new();
    let line = b"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"shutdown\",\"params\":\"\xff\"}\n";
    run(lines(&line[..]), &mut output, None).unwrap();
    assert_eq!(
        String::from_utf8(output).unwrap(),
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32700,\"message\":\"a line is not UTF-8\"}}\n"
    );
}

#[test]
fn much_data_are_read_as_little_data_are() {
    let policy = check("package a\ndetails contains d if { some d in input.disks; d.used > 90 }");
    let session_over = |details: &serde_json::Value| session(&[data(details), policy.clone()]);
    let found = json!({"used": 91.5, "name": "ü"});
    let few = json!({"input": {"disks": [{"used": 1}, found]}});
    let mut disks = vec![json!({"used": 1, "name": "x".repeat(100)}); 20_000];
    disks.push(found);
    let many = json!({"input": {"disks": disks, "other": []}});
    assert!(many.to_string().len() > 2 << 20);
    assert_eq!(session_over(&many), session_over(&few));
    // An integer that no double holds, a line that is cut, and data that are none: those take the longer way.
    let long = many
        .to_string()
        .replace("\"other\":[]", "\"other\":[123456789012345678901234567890]");
    let lines = [
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{DATA}","params":{{"data":{{"details":{long}}}}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"2","method":"{DATA}","params":{{"data":{{"details":{long}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":3,"method":"{DATA}","params":{{"data":{long}}}}}"#),
    ];
    let answers = exchange(&lines.join("\n"));
    assert_eq!(answers[0], r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(answers[1].contains("\"error\""), "{}", answers[1]);
    assert!(answers[2].contains("missing field `details`"), "{}", answers[2]);
}

//! Classification of lines and the shape of payloads.

use opsbox_protocol::{Expect, Incoming, LineFault, Outcome, Payload, parse_line};

const RESULT: &str = r#"{"relates_to":"a","result_name":"b","result_description":"c","details":{"n":1e400,"big":12345678901234567890123},"formatted":"x"}"#;

fn parse(line: &str, expect: Expect) -> Result<Incoming<'_>, LineFault> {
    parse_line(line, &move |_| Some(expect))
}

fn results_of(line: &str, expect: Expect) -> Vec<String> {
    match parse(line, expect) {
        Ok(Incoming::Response {
            outcome: Outcome::Result(Payload::Results(views)),
            ..
        }) => views.iter().map(|view| view.raw.to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

fn fault_of(line: &str, expect: Expect) -> String {
    match parse(line, expect) {
        Ok(Incoming::Response {
            outcome: Outcome::Result(Payload::Fault(fault)),
            ..
        }) => fault.to_string(),
        Err(LineFault::Damaged { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn results_are_cut_byte_for_byte_whatever_the_spacing_and_key_order() {
    let odd = r#"{ "x\"{":  {"y":"}"} , "formatted":"x","details":[ ],"relates_to":"a\u0041","result_description":"c", "result_name":"b" }"#;
    let line = format!(r#"{{"jsonrpc":"2.0","id":7,"result":[ {RESULT} , {odd}]}}"#);
    assert_eq!(results_of(&line, Expect::Results), [RESULT, odd]);
    let late_id = format!(r#"{{"result":[{RESULT},{odd}],"jsonrpc":"2.0","id":7}}"#);
    assert_eq!(results_of(&late_id, Expect::Results), [RESULT, odd]);
}

#[test]
fn one_result_is_cut_and_its_unknown_keys_are_kept() {
    let result = RESULT.replace(r#""formatted":"x""#, r#""formatted":"x","extra":[{"a":"]"}]"#);
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    assert_eq!(results_of(&line, Expect::Result), [result]);
}

#[test]
fn a_result_of_the_wrong_shape_names_the_member() {
    let cases = [
        (
            r#"{"relates_to":1}"#,
            "the member `relates_to` is no text: not a string",
        ),
        (
            r#"{"relates_to":"a","result_name":"b"}"#,
            "the member `result_description` is missing",
        ),
        (r#"{}"#, "an empty object is not a Result"),
        (r#"[]"#, "expected a Result (an object), got a list"),
        (r#"null"#, "expected a Result (an object), got null"),
        (r#"3"#, "expected a Result (an object), got a number"),
    ];
    for (payload, why) in cases {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{payload}}}"#);
        assert_eq!(fault_of(&line, Expect::Result), why, "{payload}");
    }
    let details = RESULT.replace(r#""details":{"#, r#""details":7,"y":{"#);
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":[{details}]}}"#);
    assert_eq!(
        fault_of(&line, Expect::Results),
        "item 0 of the list: the member `details` must be an object or a list of objects"
    );
    let doubled = RESULT.replace(r#""formatted""#, r#""relates_to":"z","formatted""#);
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{doubled}}}"#);
    assert_eq!(
        fault_of(&line, Expect::Result),
        "the member `relates_to` stands twice"
    );
}

#[test]
fn a_doubled_member_of_the_envelope_is_a_fault_of_its_call() {
    let line = r#"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#;
    let fault = parse(line, Expect::Raw).expect_err("doubled");
    assert_eq!(
        fault,
        LineFault::Damaged {
            id: Some("1".into()),
            why: "the member `result` stands twice".into(),
            answer: None,
        }
    );
}

#[test]
fn findings_are_counted_for_lists_and_objects() {
    let deep = format!("[{}1{}]", r#"{"a":["#.repeat(62), "]}".repeat(62));
    for (details, count) in [
        ("[]", 0),
        ("[ ]", 0),
        ("[{},{}]", 2),
        (r#"[{"a,]":"\\\"],[","b":[1,2,{}]}]"#, 1),
        (&deep, 1),
        ("{}", 0),
        ("{ \n}", 0),
        ("{ \"a\":1}", 1),
        (r#"{"old":[]}"#, 0),
        (r#"{"old":[],"new":[ ]}"#, 0),
        (r#"{ "a]" : [{"x":[1,2]}, {}] , "b":[[],[1,2]]}"#, 4),
        (r#"{"name":"x","ports":[]}"#, 1),
        (r#"{"ports":[1,2,3],"name":{"a":[]}}"#, 1),
        (r#"{"ids":["a",null,1e400]}"#, 3),
    ] {
        let text = RESULT.replace(r#"{"n":1e400,"big":12345678901234567890123}"#, details);
        let view = opsbox_protocol::ResultView::parse(&text).expect("a Result");
        assert_eq!(view.count_findings(), count, "{details}");
    }
}

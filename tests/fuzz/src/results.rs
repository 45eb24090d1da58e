//! One Result: accepted as its tree says, the same wherever it stands in a line, and its bytes untouched.

use std::fmt;

use opsbox_protocol::{
    Expect, Incoming, OpsResult, Outcome, Payload, ResultView, count_findings, parse_line,
};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The input is the Result's JSON text.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed = ResultView::parse(text);
    if let Ok(tree) = serde_json::from_str::<Value>(text) {
        let wanted = is_result(&tree) && stands_once(text);
        assert_eq!(parsed.is_ok(), wanted, "{:?}", parsed.err());
        if let (true, Ok(result)) = (wanted, serde_json::from_str::<OpsResult>(text)) {
            check_round_trip(&result);
        }
        let compact = tree.to_string();
        assert_eq!(count_findings(&compact), counted(&tree), "{compact}");
    }
    if let Ok(view) = parsed {
        let whole = text.trim_matches([' ', '\t', '\r', '\n']);
        assert_eq!(view.raw, whole);
        super::assert_lies_in(view.details.get(), view.raw);
        check_in_lines(&view, whole);
    }
}

/// A line that holds the Result gives it back, whatever stands around it.
fn check_in_lines(view: &ResultView<'_>, text: &str) {
    if text.contains('\n') {
        return;
    }
    for (line, n_wanted) in [
        (format!(r#"{{"jsonrpc":"2.0","id":1,"result":{text}}}"#), 1),
        (
            format!(r#" {{ "result" :	{text} , "id" : 1, "jsonrpc":"2.0"}}"#),
            1,
        ),
        (format!(r#"{{"jsonrpc":"2.0","id":1,"result":[{text}]}}"#), 1),
        (
            format!(r#"{{"x":[{{"}}":"\\\"{{"}}],"jsonrpc":"2.0","id":1,"result":[ {text} , {text}]}}"#),
            2,
        ),
        (
            format!(r#"{{"result":[{text},{text},{text}],"jsonrpc":"2.0","id":1}}"#),
            3,
        ),
    ] {
        let parsed = parse_line(&line, &|_| Some(Expect::ResultOrResults));
        let Ok(Incoming::Response {
            outcome: Outcome::Result(Payload::Results(views)),
            ..
        }) = parsed
        else {
            panic!("no Result in {line}: {parsed:?}");
        };
        assert_eq!(views.len(), n_wanted, "{line}");
        for found in views {
            assert_eq!(found.raw, text, "{line}");
            assert_eq!(found.relates_to, view.relates_to);
            assert_eq!(found.result_name, view.result_name);
            assert_eq!(found.details.get(), view.details.get());
        }
    }
}

fn check_round_trip(result: &OpsResult) {
    let text = serde_json::to_string(result).expect("a Result is JSON");
    let view = ResultView::parse(&text).expect("what was written can be read");
    assert_eq!(view.relates_to, result.relates_to);
    assert_eq!(view.result_name, result.result_name);
}

fn is_result(tree: &Value) -> bool {
    let text = |name: &str| tree.get(name).is_some_and(Value::is_string);
    let details = match tree.get("details") {
        Some(Value::Object(_)) => true,
        Some(Value::Array(items)) => items.first().is_none_or(Value::is_object),
        _ => false,
    };
    details
        && ["relates_to", "result_name", "result_description", "formatted"]
            .into_iter()
            .all(text)
}

/// What [`count_findings`] promises, by the tree.
fn counted(details: &Value) -> usize {
    match details {
        Value::Array(items) => items.len(),
        Value::Object(members) if members.values().all(Value::is_array) => {
            members.values().filter_map(Value::as_array).map(Vec::len).sum()
        }
        Value::Object(_) => 1,
        _ => 0,
    }
}

/// Returns whether each of a Result's members stands once at most.
fn stands_once(text: &str) -> bool {
    struct Reader;
    impl<'a> Visitor<'a> for Reader {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<bool, A::Error> {
            const MEMBERS: [&str; 5] = [
                "relates_to",
                "result_name",
                "result_description",
                "details",
                "formatted",
            ];
            let mut seen = Vec::new();
            let mut once = true;
            while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                once &= !(MEMBERS.contains(&key.as_str()) && seen.contains(&key));
                seen.push(key);
            }
            Ok(once)
        }
    }
    serde_json::Deserializer::from_str(text)
        .deserialize_map(Reader)
        .unwrap_or(false)
}

//! Assistant my_plugin: puts first how many findings there are, and hands on everything else as it came.

mod wire;

use serde_json::value::{to_raw_value, RawValue};
use serde_json::{json, Map, Value};
use wire::{Answer, Call, Failed, Object};

const FIRST: bool = true; // as in manifest.toml

/// Returns how many findings there are in details.
fn number(details: &RawValue) -> usize {
    match serde_json::from_str::<Vec<&RawValue>>(details.get()) {
        Ok(list) => list.len(),
        Err(_) => usize::from(
            serde_json::from_str::<Object>(details.get()).is_ok_and(|object| !object.is_empty()),
        ),
    }
}

/// Returns a Result that says how many findings each Result has.
fn count(results: &[Box<RawValue>]) -> Result<Value, Failed> {
    let mut found = Map::new();
    for each in results {
        let result: Object = serde_json::from_str(each.get())?;
        let (Some(name), Some(details)) = (result.get("result_name"), result.get("details")) else {
            return Err(Failed::new("a result has no name, or no details"));
        };
        let (name, number): (String, usize) = (serde_json::from_str(name.get())?, number(details));
        let before = found.get(&name).and_then(Value::as_u64).unwrap_or(0);
        found.insert(name, json!(before + number as u64));
    }
    let lines: Vec<_> = found
        .iter()
        .map(|(name, number)| format!("{name}: {number}"))
        .collect();
    let formatted = if lines.is_empty() {
        "no results".into()
    } else {
        lines.join("\n")
    };
    let details = json!({"findings": found});
    Ok(wire::result(
        "summary",
        "my_plugin",
        "how many findings there are",
        &details,
        &formatted,
    ))
}

/// Answers the list that takes the place of the given one.
fn process_input(call: &Call) -> Answer {
    let mut results = call.received("input")?;
    let summary = to_raw_value(&count(&results)?)?;
    let first = call
        .field("my_plugin_first")
        .and_then(Value::as_bool)
        .unwrap_or(FIRST);
    results.insert(if first { 0 } else { results.len() }, summary);
    Ok(serde_json::to_string(&results)?)
}

fn main() -> std::io::Result<()> {
    wire::serve("my_plugin", &[("process_input", process_input)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: &str =
        r#"{"result_name":"a","details":[{"bytes": 12345678901234567890}],"x_mine":1.50}"#;

    fn work(config: Value) -> String {
        let (call, _said) =
            wire::testing::call(&format!("{{\"input\":[{RECEIVED}]}}"), config, "{}");
        process_input(&call).unwrap()
    }

    #[test]
    fn findings_are_counted_by_result() {
        let results = [("a", "[{}]"), ("b", "[]"), ("a", "{\"k\":1}"), ("c", "{}")];
        let text =
            |(name, details)| format!("{{\"result_name\":\"{name}\",\"details\":{details}}}");
        let results = results.map(|result| RawValue::from_string(text(result)).unwrap());
        let summary = count(&results).unwrap();
        assert_eq!(
            summary["details"],
            json!({"findings": {"a": 2, "b": 0, "c": 0}})
        );
        assert_eq!(summary["formatted"], "a: 2\nb: 0\nc: 0");
    }

    #[test]
    fn the_count_stands_first_and_the_result_is_handed_on_as_it_came() {
        assert!(
            work(json!({})).ends_with(&format!("}},{RECEIVED}]")),
            "{}",
            work(json!({}))
        );
    }

    #[test]
    fn the_count_can_stand_last() {
        let answer = work(json!({"my_plugin_first": false}));
        assert!(answer.starts_with(&format!("[{RECEIVED},{{")), "{answer}");
    }
}

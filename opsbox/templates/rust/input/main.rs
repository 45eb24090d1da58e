//! Input my_plugin: finds a machine with too much work.

mod wire;

use std::fs;
use std::path::Path;

use serde_json::{json, Value};
use wire::{Answer, Call, Failed};

const MAX_LOAD: i64 = 4; // as in manifest.toml

/// Returns what is wrong with the load in the text of /proc/loadavg; `None` where there is no load in it.
fn findings(text: &str, max_load: i64) -> Option<Vec<Value>> {
    let load: f64 = text.split(' ').nth(1)?.parse().ok()?;
    if load < max_load as f64 {
        return Some(Vec::new());
    }
    Some(vec![json!({
        "resource": "load",
        "message": format!("the load over 5 minutes is {load}"),
        "load": load,
        "threshold": max_load,
        "severity": "medium",
        "remediation": "Find the busiest processes (`top`), or add processors.",
    })])
}

/// Answers one Result; a load that cannot be read is an error, and not "nothing found".
fn process_from(proc: &Path, call: &Call) -> Answer {
    let max_load = call
        .field("my_plugin_max_load")
        .and_then(Value::as_i64)
        .unwrap_or(MAX_LOAD);
    let text = fs::read_to_string(proc.join("loadavg"))?;
    let found = findings(&text, max_load)
        .ok_or_else(|| Failed::new("there is no load in /proc/loadavg"))?;
    let formatted = found
        .first()
        .and_then(|finding| finding["message"].as_str())
        .unwrap_or("not busy")
        .to_owned();
    let details = Value::Array(found);
    let result = wire::result(
        "host",
        "my_plugin",
        "machines with too much work",
        &details,
        &formatted,
    );
    Ok(json!([result]).to_string())
}

fn main() -> std::io::Result<()> {
    wire::serve(
        "my_plugin",
        &[("process", |call| process_from(Path::new("/proc"), call))],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_below_the_bound_is_clean() {
        assert_eq!(findings("9.00 3.99 9.00 1/234 5678\n", 4), Some(vec![]));
    }

    #[test]
    fn the_bound_itself_is_a_finding() {
        let found = findings("0.00 4.00 0.00 1/234 5678\n", 4).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0]["resource"], &found[0]["load"]),
            (&json!("load"), &json!(4.0))
        );
    }

    #[test]
    fn a_load_that_cannot_be_read_is_an_error() {
        let (call, _said) = wire::testing::call("{}", json!({}), "{}");
        assert!(process_from(Path::new("/no/such/folder"), &call).is_err());
        assert_eq!(findings("", 4), None);
    }
}

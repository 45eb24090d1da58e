//! Findings against those that are expected: what is missing, what is new, and which members of which finding differ.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// So many differences are told.
const MOST_TOLD: usize = 20;
/// Values are cut to this many characters.
const MOST_CHARS: usize = 160;
/// The members that tell which finding it is, the first that is there.
const NAMES: [&str; 2] = ["resource", "id"];

/// Returns the differences, a line for each; empty where there are none. `sets`: the paths at which order means nothing.
pub(super) fn differences(expected: &Value, found: &Value, sets: &[String]) -> Vec<String> {
    let (expected, found) = (sorted(expected, "", sets), sorted(found, "", sets));
    let mut told = Vec::new();
    match (&expected, &found) {
        (Value::Array(expected), Value::Array(found)) => lists(expected, found, &mut told),
        _ => values("", &expected, &found, &mut told),
    }
    let more = told.len().saturating_sub(MOST_TOLD);
    told.truncate(MOST_TOLD);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told
}

/// Returns a value whose sets are in one order, whoever wrote them.
fn sorted(value: &Value, path: &str, sets: &[String]) -> Value {
    match value {
        Value::Array(items) => {
            let inner = format!("{path}[]");
            let mut items: Vec<_> = items.iter().map(|item| sorted(item, &inner, sets)).collect();
            if sets.iter().any(|set| set == path) {
                items.sort_by_cached_key(canonical);
            }
            Value::Array(items)
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), sorted(member, &format!("{path}.{name}"), sets)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Returns a text that is the same for equal values.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<_> = names
                .into_iter()
                .map(|(name, member)| format!("{}:{}", Value::from(name.as_str()), canonical(member)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        // 1 and 1.0 are one number.
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn is_equal(a: &Value, b: &Value) -> bool {
    canonical(a) == canonical(b)
}

/// Compares two lists of findings: those that are alike first, then those that are about the same thing.
fn lists(expected: &[Value], found: &[Value], told: &mut Vec<String>) {
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    for one in found {
        *alike.entry(canonical(one)).or_default() += 1;
    }
    let mut takes = |one: &&Value| match alike.get_mut(&canonical(one)) {
        Some(n @ 1..) => {
            *n -= 1;
            true
        }
        _ => false,
    };
    let missing: Vec<_> = expected.iter().filter(|wanted| !takes(wanted)).collect();
    // What is still counted was not expected.
    let mut left: Vec<_> = found.iter().filter(takes).map(|one| (name(one), one)).collect();
    for wanted in missing {
        let about = name(wanted);
        match left
            .iter()
            .position(|(name, _)| about.is_some() && *name == about)
        {
            Some(at) => {
                let (_, one) = left.remove(at);
                values(&about.unwrap_or_default(), wanted, one, told);
            }
            None => told.push(format!("not found: {}", shown(wanted))),
        }
    }
    told.extend(
        left.iter()
            .map(|(_, one)| format!("not expected: {}", shown(one))),
    );
    if told.is_empty()
        && !expected
            .iter()
            .zip(found)
            .all(|(wanted, one)| is_equal(wanted, one))
    {
        told.push(format!(
            "the order differs: expected {}; found {}",
            order(expected),
            order(found)
        ));
    }
}

fn name(finding: &Value) -> Option<String> {
    NAMES
        .iter()
        .find_map(|name| finding.get(name))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn order(findings: &[Value]) -> String {
    let names: Vec<_> = findings
        .iter()
        .map(|finding| name(finding).unwrap_or_else(|| finding.to_string()))
        .collect();
    cut(&names.join(", "))
}

/// Compares two values that should be alike, member by member.
fn values(path: &str, expected: &Value, found: &Value, told: &mut Vec<String>) {
    if is_equal(expected, found) {
        return;
    }
    let inner = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}: {name}")
        }
    };
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, wanted) in expected {
                match found.get(name) {
                    Some(one) => values(&inner(name), wanted, one, told),
                    None => told.push(format!(
                        "{} is not there, expected {}",
                        inner(name),
                        shown(wanted)
                    )),
                }
            }
            let new = found.iter().filter(|(name, _)| !expected.contains_key(*name));
            told.extend(new.map(|(name, one)| format!("{} is {}, not expected", inner(name), shown(one))));
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (wanted, one)) in expected.iter().zip(found).enumerate() {
                values(&format!("{path}[{index}]"), wanted, one, told);
            }
        }
        _ => {
            let what = if path.is_empty() { "it" } else { path };
            told.push(format!(
                "{what} is {}, expected {}",
                shown(found),
                shown(expected)
            ));
        }
    }
}

fn shown(value: &Value) -> String {
    cut(&value.to_string())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expected: &Value, found: &Value, sets: &[&str], told: &Expect) {
        let sets: Vec<_> = sets.iter().map(|set| (*set).to_owned()).collect();
        told.assert_eq(&differences(expected, found, &sets).join("\n"));
    }

    #[test]
    fn order_counts_in_lists_and_not_in_sets() {
        let (one, two) = (
            json!([{"id": "a"}, {"id": "b"}]),
            json!([{"id": "b"}, {"id": "a"}]),
        );
        check(&one, &two, &[""], &expect![[""]]);
        check(
            &one,
            &two,
            &[],
            &expect![["the order differs: expected a, b; found b, a"]],
        );
        let deep = |ports: Value| json!([{"id": "a", "ports": ports}]);
        check(
            &deep(json!([443, 80])),
            &deep(json!([80, 443])),
            &["[].ports"],
            &expect![[""]],
        );
        check(
            &deep(json!([443, 80])),
            &deep(json!([80, 443])),
            &[],
            &expect![[r"
                a: ports[0] is 80, expected 443
                a: ports[1] is 443, expected 80"]],
        );
    }

    #[test]
    fn findings_are_paired_by_what_they_are_about() {
        check(
            &json!([{"resource": "/var", "severity": "high", "gone": 1}, {"resource": "/home"}]),
            &json!([{"resource": "/tmp"}, {"resource": "/var", "severity": "critical", "new": [1]}]),
            &[],
            &expect![[r#"
                /var: severity is "critical", expected "high"
                /var: gone is not there, expected 1
                /var: new is [1], not expected
                not found: {"resource":"/home"}
                not expected: {"resource":"/tmp"}"#]],
        );
    }

    #[test]
    fn numbers_are_compared_by_value_and_all_else_by_kind() {
        check(
            &json!([{"n": 1, "b": {"c": 2.0}}]),
            &json!([{"b": {"c": 2}, "n": 1.0}]),
            &[],
            &expect![[""]],
        );
        check(
            &json!({"old": [], "n": "1"}),
            &json!({"old": [1], "n": 1}),
            &[],
            &expect![[r#"
                old is [1], expected []
                n is 1, expected "1""#]],
        );
        check(&json!([]), &json!({}), &[], &expect![["it is {}, expected []"]]);
    }

    #[test]
    fn doubled_findings_are_counted() {
        let one = json!({"id": "a"});
        check(
            &json!([one, one]),
            &json!([one]),
            &[""],
            &expect![[r#"not found: {"id":"a"}"#]],
        );
    }
}

//! Findings as the policy gave them: their shape, their number, and what the check's manifest adds to each.

use std::collections::BTreeSet;

use regorus::Value;

/// What the manifest's `[check]` adds to findings that lack it.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// `severity`.
    pub severity: Option<String>,
    /// `remediation`.
    pub remediation: Option<String>,
}

/// Returns what is wrong with the value as findings, as half a sentence; `None` where it is an object or a list of objects.
pub fn fault(value: &Value) -> Option<String> {
    let mut items: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(_) => return None,
        Value::Array(items) => Box::new(items.iter()),
        Value::Set(items) => Box::new(items.iter_sorted()),
        other => return Some(format!("it is {}", kind(other))),
    };
    let odd = items
        .by_ref()
        .enumerate()
        .find(|(_, item)| !matches!(item, Value::Object(_)));
    odd.map(|(index, item)| format!("its item {} is {}", index + 1, kind(item)))
}

/// Returns the value's kind, with its article.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}

/// Returns the number of findings.
///
/// The protocol's rule ([`opsbox_protocol::count_findings`]) for a value that is no text yet: a list holds one in each item; an object whose
/// members are all lists is a report with sections (`{"old_snapshots": [...]}`) and holds what its lists hold, so that empty sections are no
/// finding; any other object is one finding, an empty one none.
pub fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) => match sections(value) {
            Some(sections) => sections.iter().map(|(_, items)| items.len()).sum(),
            None => usize::from(!fields.is_empty()),
        },
        other => items(other).map_or(0, |items| items.len()),
    }
}

/// Returns the sections of a report: name and items of each; `None` where the value is no such object, or an empty one.
pub fn sections(value: &Value) -> Option<Vec<(&Value, Vec<&Value>)>> {
    let fields = value.as_object().ok().filter(|fields| !fields.is_empty())?;
    fields
        .iter_sorted()
        .map(|(name, value)| Some((name, items(value)?)))
        .collect()
}

/// Returns where sets are in a value, whose order means nothing: paths such as `[].ports`, the same for all items of a list.
pub fn sets(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    add_sets(value, "", &mut found);
    found
}

fn add_sets(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| add_sets(item, &format!("{path}[]"), found)),
        Value::Set(items) => {
            found.insert(path.to_owned());
            items
                .iter_sorted()
                .for_each(|item| add_sets(item, &format!("{path}[]"), found));
        }
        Value::Object(fields) => fields.iter_sorted().for_each(|(key, member)| {
            let key = key.as_string().map_or("", |key| &**key);
            add_sets(member, &format!("{path}.{key}"), found);
        }),
        _ => {}
    }
}

/// Returns the items of a list or set.
pub fn items(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Set(items) => Some(items.iter_sorted().collect()),
        _ => None,
    }
}

/// Adds severity and remediation to each finding that is an object and lacks the key.
#[must_use]
pub fn complete(value: Value, additions: &Additions) -> Value {
    let extra: Vec<(Value, Value)> = [
        ("severity", &additions.severity),
        ("remediation", &additions.remediation),
    ]
    .into_iter()
    .filter_map(|(key, text)| Some((Value::from(key), Value::from(text.as_deref()?))))
    .collect();
    if extra.is_empty() {
        return value;
    }
    let in_sections = sections(&value).is_some();
    match value {
        Value::Object(mut fields) if in_sections => {
            for (_, section) in regorus::Rc::make_mut(&mut fields).iter_mut() {
                *section = complete_items(std::mem::replace(section, Value::Null), &extra);
            }
            Value::Object(fields)
        }
        Value::Object(fields) if fields.is_empty() => Value::Object(fields),
        value @ Value::Object(_) => complete_one(value, &extra),
        other => complete_items(other, &extra),
    }
}

/// A set becomes a list in its order, since a changed item could stand elsewhere in it.
fn complete_items(list: Value, extra: &[(Value, Value)]) -> Value {
    let completed = |item: &Value| complete_one(item.clone(), extra);
    match &list {
        Value::Array(items) => Value::from(items.iter().map(completed).collect::<Vec<_>>()),
        Value::Set(items) => Value::from(items.iter_sorted().map(completed).collect::<Vec<_>>()),
        _ => list,
    }
}

fn complete_one(mut finding: Value, extra: &[(Value, Value)]) -> Value {
    if let Ok(fields) = finding.as_object_mut() {
        for (key, value) in extra {
            if !fields.contains_key(key) {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rego::spell::Speller;

    fn value(json: &str) -> Value {
        Value::from_json_str(json).unwrap()
    }

    #[test]
    fn findings_are_counted_by_the_shape_of_the_details() {
        for (json, expected) in [
            ("[]", 0),
            (r#"[{"a":1},{"a":2}]"#, 2),
            ("{}", 0),
            (r#"{"a":1}"#, 1),
            (r#"{"old":[]}"#, 0),
            (r#"{"old":[{"a":1}],"new":[{},{}]}"#, 3),
            (r#"{"name":"x","ports":[]}"#, 1),
        ] {
            assert_eq!(count(&value(json)), expected, "{json}");
            assert_eq!(opsbox_protocol::count_findings(json), expected, "{json}");
        }
    }

    #[test]
    fn sets_are_found_however_deep_and_lists_are_not() {
        let mut engine = regorus::Engine::new();
        let policy = r#"package p
            a := {{"x": {1, 2}, "l": [1]}, {"x": set()}}
            b := [{"l": [{1}]}]"#;
        engine.add_policy("p.rego".into(), policy.into()).unwrap();
        let mut of = |rule: &str| sets(&engine.eval_rule(format!("data.p.{rule}")).unwrap());
        assert_eq!(of("a").into_iter().collect::<Vec<_>>(), ["", "[].x"]);
        assert_eq!(of("b").into_iter().collect::<Vec<_>>(), ["[].l[]"]);
    }

    #[test]
    fn only_objects_and_lists_of_objects_are_findings() {
        for (json, expected) in [
            ("{}", None),
            ("[]", None),
            ("[{}]", None),
            ("1", Some("it is a number")),
            ("true", Some("it is true")),
            (r#"[{},"x"]"#, Some("its item 2 is a string")),
            ("null", Some("it is null")),
        ] {
            assert_eq!(fault(&value(json)).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn severity_and_remediation_go_where_they_are_missing() {
        let additions = Additions {
            severity: Some("high".into()),
            remediation: Some("fix it".into()),
        };
        for (json, expected) in [
            (
                r#"[{"a":1},{"severity":"low"},3]"#,
                r#"[{"a":1,"remediation":"fix it","severity":"high"},{"remediation":"fix it","severity":"low"},3]"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":1,"remediation":"fix it","severity":"high"}"#,
            ),
            (
                r#"{"old":[{"a":1}],"new":[]}"#,
                r#"{"new":[],"old":[{"a":1,"remediation":"fix it","severity":"high"}]}"#,
            ),
            ("{}", "{}"),
            ("[]", "[]"),
        ] {
            assert_eq!(
                Speller::default().text(&complete(value(json), &additions)),
                expected
            );
        }
    }

    #[test]
    fn checks_that_declare_nothing_leave_findings_alone() {
        let json = r#"[{"a":1}]"#;
        assert_eq!(
            Speller::default().text(&complete(value(json), &Additions::default())),
            json
        );
    }
}

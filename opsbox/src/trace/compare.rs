//! Whether a plugin says now what it said then, but for what legitimately differs from one run to the next.

use serde_json::{Map, Value};

use crate::config::SECRET;

/// Members with these names differ by nature; they are passed over where both values are of one type.
const BY_NATURE: [&str; 9] = [
    "pid",
    "ppid",
    "run_id",
    "timestamp",
    "started",
    "ended",
    "elapsed",
    "duration",
    "uptime",
];

/// What is passed over.
#[derive(Debug, Clone, Default)]
pub struct Leniency {
    /// Nothing at all, but for secrets, which the trace does not hold.
    pub strict: bool,
    /// Further members, by name.
    pub ignore: Vec<String>,
    /// Texts that stand for each other: what it was then, what it is now. Run ids and folders.
    pub swaps: Vec<(String, String)>,
}

/// One place where the two differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The place, as a JSON pointer; empty: the whole.
    pub path: String,
    /// What the trace has; `None`: nothing.
    pub then: Option<Value>,
    /// What there is now; `None`: nothing.
    pub now: Option<Value>,
}

/// Returns where two values differ. Objects are compared whatever their order, lists in order, numbers by value.
pub fn compare(then: &Value, now: &Value, leniency: &Leniency) -> Vec<Difference> {
    let mut found = Vec::new();
    leniency.walk("", then, now, &mut found);
    found
}

impl Leniency {
    fn walk(&self, path: &str, then: &Value, now: &Value, found: &mut Vec<Difference>) {
        match (then, now) {
            (Value::Object(then), Value::Object(now)) => self.members(path, then, now, found),
            (Value::Array(old), Value::Array(new)) => {
                for index in 0..old.len().max(new.len()) {
                    let path = format!("{path}/{index}");
                    self.either(&path, old.get(index), new.get(index), found);
                }
            }
            _ if self.is_same(then, now) => {}
            _ => found.push(Difference {
                path: path.to_owned(),
                then: Some(then.clone()),
                now: Some(now.clone()),
            }),
        }
    }

    fn members(
        &self,
        path: &str,
        then: &Map<String, Value>,
        now: &Map<String, Value>,
        found: &mut Vec<Difference>,
    ) {
        let new = now.keys().filter(|name| !then.contains_key(*name));
        for name in then.keys().chain(new) {
            let (old, new) = (then.get(name), now.get(name));
            if self.ignore.iter().any(|ignored| ignored == name) {
                continue;
            }
            let same_type =
                |(old, new): (&Value, &Value)| std::mem::discriminant(old) == std::mem::discriminant(new);
            let by_nature = !self.strict && BY_NATURE.contains(&name.as_str());
            if by_nature && old.zip(new).is_some_and(same_type) {
                continue;
            }
            let escaped = name.replace('~', "~0").replace('/', "~1");
            self.either(&format!("{path}/{escaped}"), old, new, found);
        }
    }

    fn either(&self, path: &str, then: Option<&Value>, now: Option<&Value>, found: &mut Vec<Difference>) {
        match (then, now) {
            (Some(then), Some(now)) => self.walk(path, then, now, found),
            _ => found.push(Difference {
                path: path.to_owned(),
                then: then.cloned(),
                now: now.cloned(),
            }),
        }
    }

    fn is_same(&self, then: &Value, now: &Value) -> bool {
        match (then, now) {
            _ if then == now => true,
            (Value::String(then), _) if then == SECRET => true,
            (Value::String(then), Value::String(now)) => self.is_same_text(then, now),
            (Value::Number(then), Value::Number(now)) => match (then.as_f64(), now.as_f64()) {
                // `1` and `1.0` are one number; whole ones beyond 2^53 were compared as such above.
                (Some(old), Some(new)) => (then.is_f64() || now.is_f64()) && old.total_cmp(&new).is_eq(),
                _ => false,
            },
            _ => false,
        }
    }

    fn is_same_text(&self, then: &str, now: &str) -> bool {
        let is_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
        if !self.strict && is_time(then) && is_time(now) {
            return true;
        }
        let (mut old, mut new) = (then.to_owned(), now.to_owned());
        if !self.strict {
            for (index, (was, is)) in self.swaps.iter().enumerate() {
                let neutral = format!("\u{0}{index}\u{0}");
                old = old.replace(was, &neutral);
                new = new.replace(is, &neutral);
            }
        }
        fits(&old, &new)
    }
}

/// Returns whether a text fits what a trace has, where each `<secret>` may stand for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(SECRET);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(then: &Value, now: &Value, leniency: &Leniency) -> Vec<String> {
        compare(then, now, leniency)
            .into_iter()
            .map(|found| found.path)
            .collect()
    }

    #[test]
    fn order_of_members_and_spelling_of_numbers_do_not_count_and_order_of_lists_does() {
        let plain = Leniency::default();
        let then = json!({"a": 1, "b": {"c": [1, 2]}});
        assert!(paths(&then, &json!({"b": {"c": [1.0, 2]}, "a": 1}), &plain).is_empty());
        assert_eq!(
            paths(&then, &json!({"a": 1, "b": {"c": [2, 1]}}), &plain),
            ["/b/c/0", "/b/c/1"]
        );
        assert_eq!(
            paths(&then, &json!({"b": {"c": [1]}, "x/y": 1}), &plain),
            ["/a", "/b/c/1", "/x~1y"]
        );
        assert_eq!(
            paths(&json!(9007199254740993_u64), &json!(9007199254740992_u64), &plain),
            [""]
        );
    }

    #[test]
    fn what_differs_by_nature_is_passed_over_unless_it_is_of_another_type() {
        let then = json!({"pid": 1, "at": "2026-01-01T00:00:00Z", "run": "in run-1 below /a/b", "n": 1});
        let now = json!({"pid": 2, "at": "2027-01-01T00:00:00Z", "run": "in run-2 below /c", "n": 2});
        let mut leniency = Leniency {
            swaps: vec![("run-1".into(), "run-2".into()), ("/a/b".into(), "/c".into())],
            ..Leniency::default()
        };
        assert_eq!(paths(&then, &now, &leniency), ["/n"]);
        assert_eq!(
            paths(&json!({"pid": 1}), &json!({"pid": "1"}), &leniency),
            ["/pid"]
        );
        leniency.ignore = vec!["n".into()];
        assert!(paths(&then, &now, &leniency).is_empty());
        leniency.strict = true;
        assert_eq!(paths(&then, &now, &leniency), ["/pid", "/at", "/run"]);
    }

    #[test]
    fn a_secret_in_the_trace_stands_for_anything_even_strictly() {
        let strict = Leniency {
            strict: true,
            ..Leniency::default()
        };
        assert!(
            paths(
                &json!("key <secret> of <secret>!"),
                &json!("key a b of c!"),
                &strict
            )
            .is_empty()
        );
        assert_eq!(paths(&json!("key <secret>!"), &json!("key abc"), &strict), [""]);
        assert!(paths(&json!("<secret>"), &json!(12345), &strict).is_empty());
    }
}

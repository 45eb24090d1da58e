//! The rules of parsed policies: their names, lines and packages. Read from the syntax tree only where an error or a test needs them.

use regorus::Engine;
use serde_json::Value;

/// A rule of a policy; several definitions of one name are several rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The file it stands in.
    pub file: String,
    /// The first part of its name: `a` of `a.b[c]`.
    pub name: String,
    /// Its line, counted from 1.
    pub line: u32,
    /// Whether it takes arguments.
    pub is_function: bool,
    /// Whether it is a `default`.
    pub is_default: bool,
}

/// Returns all rules of the engine's policies, file by file, in the order of the text.
///
/// A tree of another shape than expected gives fewer rules, never an error: this serves messages, and the enumeration of tests, which
/// checks the number of files itself.
pub fn rules(engine: &Engine) -> Vec<Rule> {
    let Ok(json) = engine.get_ast_as_json() else {
        return Vec::new();
    };
    let Ok(Value::Array(policies)) = serde_json::from_str(&json) else {
        return Vec::new();
    };
    let of_policy = |policy: &Value| {
        let file = policy["source"]["file"].as_str().unwrap_or_default().to_owned();
        let rules = policy["ast"]["rules"].as_array().cloned().unwrap_or_default();
        rules
            .iter()
            .filter_map(|rule| read(&file, rule))
            .collect::<Vec<_>>()
    };
    policies.iter().flat_map(of_policy).collect()
}

fn read(file: &str, rule: &Value) -> Option<Rule> {
    let (kind, body) = rule.as_object()?.iter().next()?;
    let is_default = kind == "Default";
    let (head, refr) = if is_default {
        ("", &body["refr"])
    } else {
        let (head, inner) = body["head"].as_object()?.iter().next()?;
        (head.as_str(), &inner["refr"])
    };
    Some(Rule {
        file: file.to_owned(),
        name: root_name(refr)?,
        line: u32::try_from(body["span"]["line"].as_u64()?).ok()?,
        is_function: head == "Func",
        is_default,
    })
}

/// Walks `a.b[c]` inwards to `a`.
fn root_name(refr: &Value) -> Option<String> {
    let (kind, inner) = refr.as_object()?.iter().next()?;
    if kind == "Var" {
        inner["value"].as_str().map(str::to_owned)
    } else {
        root_name(&inner["refr"])
    }
}

/// Returns the name that was probably meant.
pub fn near(wanted: &str, names: &[String]) -> Option<String> {
    let score = |name: &&String| strsim::jaro_winkler(wanted, name);
    let best = names.iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(&best) >= 0.8).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_rule_is_listed_with_its_line() {
        let mut engine = Engine::new();
        let text = "package p\ndefault allow := false\nallow if { input }\ns contains 1\nf(x) := x\na.b.c := 1\nd[\"x y\"] := 2\nt if { true } else := false\n";
        engine.add_policy("p.rego".into(), text.into()).unwrap();
        let seen: Vec<String> = rules(&engine)
            .iter()
            .map(|rule| {
                format!(
                    "{}:{}{}{}",
                    rule.name,
                    rule.line,
                    if rule.is_function { "f" } else { "" },
                    if rule.is_default { "d" } else { "" }
                )
            })
            .collect();
        assert_eq!(seen, ["allow:2d", "allow:3", "s:4", "f:5f", "a:6", "d:7", "t:8"]);
    }

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["detials".to_owned(), "allow".to_owned()];
        assert_eq!(near("details", &names), Some("detials".into()));
        assert_eq!(near("zzz", &names), None);
    }
}

//! The worker's answers against OPA's, kept in `tests/fixtures/rego/opa`; where an OPA is at hand, what is kept against it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::value::RawValue;

use super::check::{self, Check};
use super::{data, error::RegoError};

type Golden = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// Where the worker is known to differ: policy, input, and what it says instead. `docs/writing-rego-checks.md` tells each.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("different", "floats", DIFFERENT_ROWS),
    ("different", "mixed", DIFFERENT_ROWS),
    ("different", "wholes", DIFFERENT_ROWS),
];
const DIFFERENT_ROWS: &str = r#"{"rows":[{"absolute":2.0,"count":2,"floor":-1,"fraction":[0.30000000000000004,0.30000000000000004,0.3333333333333333],"large":[1500000000000000000000,2000000000000000000000],"leap_day":[],"listed":"[1]","marshal":"\"<\"","order":false,"quotient":2.0,"spelt":[1.5,1500,1e-07],"upper":"SS"}]}"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/rego/opa")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// Evaluates a policy as a check of the original; `None` where `details` is undefined.
fn ours(policy: &str, text: &str, input: &str) -> Result<Option<String>, RegoError> {
    let check = serde_json::json!({"name": policy, "file": format!("{policy}.rego"), "policy": text, "strict": false});
    let check: Check = serde_json::from_value(check).unwrap();
    let answer = match check::run(&check, data::parse("input", input).unwrap(), None) {
        Err(RegoError::Undefined { .. }) => return Ok(None),
        answer => answer?.result,
    };
    let result: BTreeMap<&str, &RawValue> = serde_json::from_slice(&answer).unwrap();
    Ok(Some(result["details"].get().to_owned()))
}

#[test]
fn every_answer_is_opas_to_the_letter() {
    let golden: Golden = serde_json::from_str(&read("golden.json")).unwrap();
    let inputs = read("inputs.json");
    let inputs: BTreeMap<&str, &RawValue> = serde_json::from_str(&inputs).unwrap();
    let mut faults = Vec::new();
    let mut n_policies = 0;
    for entry in fs::read_dir(folder().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        let policy = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        n_policies += 1;
        for (name, input) in &inputs {
            let opa = &golden[policy][*name];
            let known = DIFFERENT.iter().find(|(p, i, _)| p == &policy && i == name);
            let known = known.map(|(_, _, ours)| (*ours).to_owned());
            let ours = ours(policy, &text, input.get()).unwrap_or_else(|error| Some(error.to_string()));
            if ours.as_ref() != known.as_ref().or(opa.as_ref()) || (known.is_some() && known == *opa) {
                faults.push(format!("{policy} {name}\n  opa:  {opa:?}\n  ours: {ours:?}"));
            }
        }
    }
    assert_eq!(n_policies, golden.len(), "run golden.py: a policy is new or gone");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_kept_of_opa_is_what_it_says() {
    let named = std::env::var_os("OPSBOX_TEST_OPA").map(PathBuf::from);
    let Some(opa) = named.or_else(|| which::which("opa").ok()) else {
        return;
    };
    let golden: Golden = serde_json::from_str(&read("golden.json")).unwrap();
    let inputs = read("inputs.json");
    let inputs: BTreeMap<&str, &RawValue> = serde_json::from_str(&inputs).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for (policy, answers) in &golden {
        for (name, kept) in answers {
            let input = scratch.path().join("input.json");
            fs::write(&input, inputs[name.as_str()].get()).unwrap();
            let file = folder().join(format!("policies/{policy}.rego"));
            let query = format!("data.{policy}.details");
            let output = Command::new(&opa)
                .args(["eval", &query, "--format=json", "--data"])
                .args([&file, Path::new("--input"), &input])
                .output()
                .unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            match kept {
                None => assert_eq!(said.trim(), "{}", "{policy} {name}"),
                Some(kept) => {
                    let dense = |text: &str| {
                        text.split_whitespace()
                            .collect::<String>()
                            .replace("\\u003c", "<")
                    };
                    let dense = |text: &str| dense(text).replace("\\u003e", ">").replace("\\u0026", "&");
                    let value = format!("\"value\":{}", dense(kept));
                    assert!(dense(&said).contains(&value), "{policy} {name}\n{said}\n{kept}");
                }
            }
        }
    }
}

//! What the host refuses of a manifest by its shape, the schema refuses, and the other way round.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{Published, Validator};
use crate::manifest::{Manifest, toml_as_json};

/// Values of every kind that TOML has and JSON knows; dates become texts there.
const PROBES: [&str; 16] = [
    "1",
    "0",
    "-1",
    "1.5",
    "true",
    "\"text\"",
    "\"\"",
    "\" \"",
    "[]",
    "[1]",
    "[\"text\"]",
    "[\"\"]",
    "[0, 1]",
    "[{x = 1}]",
    "{}",
    "{x = 1}",
];

/// Returns the text of a manifest that is right, with this key of a table set to a value besides.
pub(super) fn valid_with(table: &str, key: &str, value: &str) -> String {
    let mut tables: Vec<(&str, Vec<(&str, &str)>)> = match table {
        "rego" => vec![
            ("info", vec![("name", "\"a\""), ("type", "\"rego\"")]),
            ("rego", vec![("rego_file", "\"a.rego\"")]),
        ],
        _ => vec![
            ("info", vec![("name", "\"a\""), ("type", "\"input\"")]),
            ("run", vec![("command", "[\"x\", \"./file\"]")]),
        ],
    };
    let mut text = String::new();
    match table {
        // Keys at the outermost level stand first.
        "$schema" => text.push_str(&format!("\"$schema\" = {value}\n")),
        _ => {
            if !tables.iter().any(|(name, _)| *name == table) {
                tables.push((table, Vec::new()));
            }
            let keys = tables
                .iter_mut()
                .find(|(name, _)| *name == table)
                .map(|(_, keys)| keys)
                .unwrap();
            keys.retain(|(known, _)| *known != key);
            keys.push((key, value));
        }
    }
    for (name, keys) in tables {
        text.push_str(&format!("[{name}]\n"));
        for (key, value) in keys {
            text.push_str(&format!("\"{key}\" = {value}\n"));
        }
    }
    text
}

/// Returns all that the host says against a manifest. Every file that the probes name is there.
pub(super) fn faults_of(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for file in ["a.rego", "text", "text.py", "a.py", "file"] {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    let read = Manifest::from_text(&folder.path().join("manifest.toml"), text);
    let faults = read.err().map(|bad| bad.faults).unwrap_or_default();
    faults.into_iter().map(|fault| fault.message).collect()
}

/// Returns a TOML document as the JSON that editors hold against the schema.
pub(super) fn json(text: &str) -> Value {
    let document = DeTable::parse(text).unwrap();
    let members = document.get_ref().iter();
    let members = members.map(|(key, value)| (key.get_ref().to_string(), value_of(value.get_ref())));
    Value::Object(members.collect::<Map<_, _>>())
}

fn value_of(value: &DeValue<'_>) -> Value {
    toml_as_json(value)
}

/// Notes where host and schema do not agree on a manifest.
fn compare(validator: &Validator, place: &str, text: &str, different: &mut Vec<String>) {
    let (host, schema) = (faults_of(text), validator.refuses(&json(text)));
    match (host.is_empty(), &schema) {
        (true, Some(why)) => different.push(format!("{place}: the schema alone refuses it: {why}")),
        (false, None) => different.push(format!("{place}: the host alone refuses it: {host:?}")),
        _ => {}
    }
}

#[test]
fn host_and_schema_refuse_the_same_values_of_every_key() {
    let schema = Published::named("manifest").unwrap().schema();
    let validator = Validator::of(&schema, "");
    let mut different = Vec::new();
    let mut n_pairs = 0;
    let mut probe = |table: &str, key: &str| {
        for value in PROBES {
            let text = valid_with(table, key, value);
            compare(
                &validator,
                &format!("[{table}] {key} = {value}"),
                &text,
                &mut different,
            );
            n_pairs += 1;
        }
    };
    for (table, shape) in schema["properties"].as_object().unwrap() {
        for key in shape["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            probe(table, key);
        }
    }
    probe("$schema", "");
    let field = &schema["properties"]["config"]["additionalProperties"]["properties"];
    for key in field.as_object().unwrap().keys() {
        probe("config.field", key);
    }
    assert!(n_pairs > 900, "{n_pairs} pairs");
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Texts of keys whose form is more than a type: what a schema says of them by a pattern.
const TEXTS: [(&str, &str, &[&str]); 14] = [
    (
        "info",
        "name",
        &[
            "a-b",
            "a,b",
            "a/b",
            "a\\\\b",
            "a b",
            ".a",
            "a.b",
            "a\\u001b",
            "a\\u202eb",
            "\\u2028",
            "ä1",
            "_",
        ],
    ),
    (
        "timeouts",
        "activate",
        &[
            "30s", "1h30m", "1h 30m", "1 h", "h", "5x", "1.5m", ".5h", "5.s", "1.2.3s", "1h 2", "-1s", "1e3",
            " 7 ", "NaN", "inf", "+5",
        ],
    ),
    ("restart", "backoff", &["250ms", "2min", "3sec", "1d", "1w"]),
    ("limits", "cpu", &["10s", "10"]),
    (
        "limits",
        "line",
        &[
            "512MiB", "64 k", "1GB", "1.5G", "MiB", "5 apples", "-1", " 12 ", "1b", "1ib",
        ],
    ),
    ("limits", "memory", &["2GiB", "2 gib", "2 TiB"]),
    (
        "check",
        "severity",
        &["info", "low", "medium", "high", "critical", "High", "severe"],
    ),
    ("assistant", "flow", &["replace", "append", "both"]),
    (
        "rego",
        "rego_file",
        &["a.rego", "./a.rego", "../a.rego", "/a.rego", "x/../a.rego"],
    ),
    (
        "config.field",
        "type",
        &[
            "string", "integer", "number", "boolean", "array", "object", "null", "int",
        ],
    ),
    (
        "config.field",
        "format",
        &[
            "password",
            "date-time",
            "passwd",
            "secret",
            "sensitive",
            "pwd",
            "x",
        ],
    ),
    (
        "run",
        "sha256",
        &[
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0",
            "gf86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ],
    ),
    ("info", "type", &["input", "provider", "scanner", "\\t"]),
    ("info", "version", &["", "1.2.0"]),
];

#[test]
fn host_and_schema_refuse_the_same_texts() {
    let validator = Validator::named("manifest");
    let mut different = Vec::new();
    for (table, key, texts) in TEXTS {
        for text in texts {
            let text = valid_with(table, key, &format!("\"{text}\""));
            compare(&validator, &text, &text, &mut different);
        }
    }
    for word in ["AWS_*", "A_1", "*", "A B", "A-B", "A*B", "**", ""] {
        let text = valid_with("run", "env", &format!("[\"{word}\"]"));
        compare(&validator, &text, &text, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Whole manifests that differ in what they have beside each other: the tables, and the keys that nobody knows.
const WHOLE: &[&str] = &[
    "",
    "name = 'a'\n",
    "[run]\ncommand = ['x']\n",
    "[info]\nname = 'a'\ntype = 'input'\n",
    "[info]\nname = 'a'\ntype = 'rego'\n",
    "[info]\nname = 'a'\ntype = 'rego'\n[rego]\nrego_file = 'a.rego'\n",
    "[info]\nname = 'a'\ntype = 'rego'\n[rego]\n",
    "[info]\nname = 'a'\ntype = 'rego'\n[run]\ncommand = ['x']\n",
    "[info]\nname = 'a'\ntype = 'input'\n[rego]\nstrict = 1\n[run]\ncommand = ['x']\n",
    "[info]\nname = 'a'\ntype = 'input'\n[rego]\nrego_file = '../a'\n[run]\ncommand = ['x']\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\n",
    "[info]\nname = 'a'\ntype = 'input'\nclass_name = 'A'\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'x.a'\nclass_name = 'A'\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'x/a'\nclass_name = 'A'\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'x.'\nclass_name = 'A'\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\nclass_name = ''\n",
    "[info]\nname = 'a'\ntype = 'rego'\nmodule = 'a'\nclass_name = 'A'\n[rego]\nrego_file = 'a.rego'\ngather_from = 'b'\n",
    "[info]\nname = 'a'\ntype = 'rego'\nmodule = 'a'\n[rego]\nrego_file = 'a.rego'\n",
    // Unknown keys and tables: of a plugin with `[run]`, of a Pluggy plugin, of a policy alone.
    "[info]\nname = 'a'\ntype = 'input'\nnew = 1\n[run]\ncommand = ['x']\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[new]\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[handler]\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\nclass_name = 'A'\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\nclass_name = 'A'\n[new]\nx = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\nclass_name = 'A'\n[check]\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\nmodule = 'a'\nclass_name = 'A'\n[handler]\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'rego'\nmodule = 'a'\nclass_name = 'A'\n[rego]\nrego_file = 'a.rego'\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'rego'\n[rego]\nrego_file = 'a.rego'\nnew = 1\n",
    "[info]\nname = 'a'\ntype = 'rego'\nnew = 1\n[rego]\nrego_file = 'a.rego'\n",
    "[info]\nname = 'a'\ntype = 'rego'\n[rego]\nrego_file = 'a.rego'\n[new]\n",
    "new = 1\n[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n",
    "'$schema' = './manifest.json'\n[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n",
    "'$schema' = 7\n[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n",
    // Fields of the configuration.
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\nsecret = true\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\nsensitive = true\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\npassword = true\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\nwriteOnly = true\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.secret]\ntype = 'string'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config]\nmax = 3\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.'a b']\ntype = 'string'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.'a=b']\ntype = 'string'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.'']\ntype = 'string'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a-b]\ntype = 'string'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = 'integer'\ndefault = 'x'\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = 'integer'\ndefault = 1.5\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = 'number'\ndefault = 1\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = ['string', 'array']\ndefault = []\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = ['string', 'array']\ndefault = {}\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\ntype = ['string', 'int']\n",
    "[info]\nname = 'a'\ntype = 'input'\n[run]\ncommand = ['x']\n[config.a]\nvendor_word = 1\n",
];

#[test]
fn host_and_schema_agree_on_whole_manifests() {
    let validator = Validator::named("manifest");
    let mut different = Vec::new();
    for text in WHOLE {
        compare(&validator, text, text, &mut different);
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    let n_right = WHOLE.iter().filter(|text| faults_of(text).is_empty()).count();
    assert!(
        (8..WHOLE.len() - 20).contains(&n_right),
        "{n_right} of {} are right",
        WHOLE.len()
    );
}

/// What only the host can say: manifests that fit the schema and that it refuses all the same.
const BEYOND: [(&str, &str); 7] = [
    (
        "speaks plugin protocol 2 to 3",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\nprotocol=[2, 3]\n",
    ),
    (
        "the least and the greatest version",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\nprotocol=[2, 1]\n",
    ),
    (
        "does not exist",
        "[info]\nname='a'\ntype='rego'\n[rego]\nrego_file='missing.rego'\n",
    ),
    (
        "is no file of its `command`",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\nsha256={'y'='9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'}\n",
    ),
    (
        "unknown key `descripton`",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\n[config.a]\ndescripton='x'\n",
    ),
    (
        "must be a duration",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\n[timeouts]\nactivate='366d'\n",
    ),
    (
        "must be a size",
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\n[limits]\nline='99999999999GiB'\n",
    ),
];

#[test]
fn what_a_schema_cannot_say_the_host_still_refuses() {
    let validator = Validator::named("manifest");
    for (why, text) in BEYOND {
        assert_eq!(validator.refuses(&json(text)), None, "{text}");
        let said = faults_of(text);
        assert!(said.iter().any(|fault| fault.contains(why)), "{text}: {said:?}");
    }
}

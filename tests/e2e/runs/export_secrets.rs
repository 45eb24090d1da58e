//! `runs export` and `--replay`: secrets that are marked late, stand in other fields or under names that are spelt otherwise.

use std::fs;

use serde_json::json;

use super::{files, output};
use crate::support::{Sandbox, result};

const SECRET: &str = "s3cret-of-the-cloud";
const FIELDS: &str = "[config.login]\ntype = \"string\"\n[config.note]\ntype = \"string\"\n";

/// A provider that says in its data whom it logs in as.
fn cloud(sandbox: &Sandbox, fields: &str) {
    sandbox.write(
        "plugins/cloud/answer.json",
        &result("cloud", "cloud", "{\"n\": \"as LOGIN\"}"),
    );
    let keep = "rest=${line#*'\"login\":\"'}; login=${rest%%'\"'*}; result='{}'";
    let gather = "result=$(sed \"s:LOGIN:$login:g\" \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    let hooks = [("set_data", keep), ("gather_data", gather)];
    sandbox.shell("cloud", "provider", &hooks, &format!("---{fields}"));
    output(sandbox, "out");
}

/// Marks the login as a secret.
fn mark(sandbox: &Sandbox) {
    let manifest = sandbox.read("plugins/cloud/manifest.toml");
    let marked = manifest.replace("[config.login]\n", "[config.login]\nwriteOnly = true\n");
    sandbox.write("plugins/cloud/manifest.toml", &marked);
}

#[track_caller]
fn no_secret_in(sandbox: &Sandbox, folder: &str) {
    for path in files(&sandbox.work().join(folder)) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(SECRET), "{}: {text}", path.display());
    }
}

const EXPORT: [&str; 4] = ["runs", "export", "last", "fixture"];

#[test]
fn a_field_that_was_marked_secret_after_the_run_is_one_for_its_export() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, FIELDS);
    let login = [("OPSBOX_SET_LOGIN", SECRET)];
    sandbox.opsbox_with(&login, &["run", "cloud-out"]).exits(0);
    mark(&sandbox);
    // What the run was configured with is kept with it, so nobody needs to say it again, and another value now is no way around.
    for variables in [&[][..], &[("OPSBOX_SET_LOGIN", "another-login-now")]] {
        sandbox
            .opsbox_with(variables, &[&EXPORT[..], &["--force"]].concat())
            .exits(0)
            .hides(&[SECRET]);
        no_secret_in(&sandbox, "fixture");
        let index = sandbox.document("fixture/export.json");
        let field =
            json!({"plugin": "cloud", "field": "login", "value": null, "secret": true, "origin": null});
        assert_eq!(index["config"], json!([field]));
        assert!(
            sandbox
                .read("work/fixture/cloud.input.json")
                .contains("as <secret>")
        );
    }
}

#[test]
fn a_short_value_that_was_marked_secret_after_the_run_is_named() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, FIELDS);
    sandbox
        .opsbox_with(&[("OPSBOX_SET_LOGIN", "ab")], &["run", "cloud-out"])
        .exits(0);
    mark(&sandbox);
    sandbox
        .opsbox(&EXPORT)
        .exits(2)
        .says(&["`cloud.login` is so short", "--accept-unknown cloud.login"]);
}

#[test]
fn a_configured_field_whose_name_tells_of_a_secret_is_warned_of_and_left_out_by_name() {
    let sandbox = Sandbox::new();
    let fields = "[config.login]\ntype = \"string\"\n[config.db_password]\ntype = \"string\"\n[config.ways]\ntype = \"array\"\n";
    cloud(&sandbox, fields);
    let ways = r#"ways=[{"name": "a", "token": "first-way"}]"#;
    let run = ["run", "cloud-out", "--set", "db_password=hunter22", "--set", ways];
    sandbox.opsbox(&run).exits(0);
    sandbox.opsbox(&EXPORT).exits(0).says(&[
        "names tell of secrets",
        "export.json: config.cloud.db_password",
        "export.json: config.cloud.ways[].token",
    ]);
    let redact = [
        "--force",
        "--redact",
        "config.cloud.db_password",
        "--redact",
        "config.cloud.ways[].token",
    ];
    sandbox
        .opsbox(&[&EXPORT[..], &redact].concat())
        .exits(0)
        .prints(&["config.cloud.db_password"])
        .hides(&["names tell"]);
    let index = sandbox.read("work/fixture/export.json");
    assert!(
        !index.contains("hunter22") && !index.contains("first-way"),
        "{index}"
    );
    assert_eq!(
        sandbox.document("fixture/export.json")["config"][1]["value"],
        json!([{"name": "a", "token": "<secret>"}])
    );
    sandbox
        .opsbox(&[&EXPORT[..], &["--force", "--redact", "config.cloud.nothing"]].concat())
        .exits(2)
        .says(&["no such field"]);
}

#[test]
fn a_field_is_left_out_however_two_providers_spell_its_name_and_so_is_one_below_it() {
    let sandbox = Sandbox::new();
    sandbox.provider("one", r#"{"pr\u00e9nom": {"short": "ana"}}"#, "");
    sandbox.provider("two", r#"{"prénom": {"short": "bo"}}"#, "");
    sandbox.opsbox(&["run", "one,two-cli_out"]).exits(0);
    let redact = ["--redact", "details.prénom", "--redact", "details.prénom.short"];
    sandbox.opsbox(&[&EXPORT[..], &redact].concat()).exits(0);
    for name in ["one", "two"] {
        let data = sandbox.document(&format!("fixture/{name}.input.json"));
        assert_eq!(data["details"], json!({"prénom": "<secret>"}), "{name}");
    }
    let misspelt = [
        "--force",
        "--redact",
        "details.prénom",
        "--redact",
        "details.prénoms",
    ];
    sandbox
        .opsbox(&[&EXPORT[..], &misspelt].concat())
        .exits(2)
        .says(&["`--redact details.prénoms`"]);
}

#[test]
fn what_is_told_of_changed_fields_shows_no_secret_that_stands_in_them() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, FIELDS);
    mark(&sandbox);
    let run = |note: &str, args: &[&str]| {
        let note = format!("{note} {SECRET}");
        let variables = [("OPSBOX_SET_LOGIN", SECRET), ("OPSBOX_SET_NOTE", note.as_str())];
        sandbox.opsbox_with(&variables, args).exits(0)
    };
    run("see", &["run", "cloud-out"]);
    run("ask", &["run", "--replay", "last"])
        .says(&["`cloud.note` was \"see <secret>\"", "and is \"ask <secret>\" now"])
        .hides(&[SECRET]);
}

#[test]
fn a_provider_that_is_also_a_check_of_the_pipeline_has_each_field_once() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, FIELDS);
    sandbox
        .opsbox(&["run", "cloud-out", "--set", "login=ana", "--set", "note=x"])
        .exits(0);
    sandbox.opsbox(&EXPORT).exits(0);
    let index = sandbox.document("fixture/export.json");
    let fields: Vec<_> = index["config"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| field["field"].clone())
        .collect();
    assert_eq!(fields, ["login", "note"]);
}

#[test]
fn what_an_index_says_of_a_steps_role_changes_nothing() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, FIELDS);
    sandbox
        .opsbox(&["run", "cloud-out", "--set", "login=ana"])
        .exits(0);
    sandbox.opsbox(&EXPORT).exits(0);
    let index = sandbox.read("work/fixture/export.json");
    let false_role = index.replacen("\"role\": \"provider\"", "\"role\": \"output\"", 1);
    assert_ne!(false_role, index);
    sandbox.write(
        "work/fixture/export.json",
        &false_role.replace(
            "\"plugin\": \"cloud\",\n        \"role\"",
            "\"plugin\": \"other\",\n        \"role\"",
        ),
    );
    sandbox.write("work/out.broken", "");
    let seen = sandbox
        .opsbox(&["run", "--replay", "fixture", "-o", "record.json"])
        .exits(1);
    seen.says(&["0 of 1 output delivered"]);
    assert_eq!(
        crate::support::step(&sandbox.record(), "cloud")["role"],
        "provider"
    );
}

#[test]
fn an_export_over_an_older_one_leaves_nothing_of_that_and_touches_no_other_file() {
    let sandbox = Sandbox::new();
    sandbox.provider("one", "{\"n\": 1}", "");
    sandbox.provider("two", "{\"n\": 2}", "");
    sandbox.opsbox(&["run", "one,two-cli_out"]).exits(0);
    sandbox.opsbox(&EXPORT).exits(0);
    for own in ["own.input.json", "notes"] {
        sandbox.write(&format!("work/fixture/{own}"), "kept");
    }
    // What an index names that is no data, or lies elsewhere, is not its to remove.
    sandbox.write("work/elsewhere.input.json", "kept");
    let index = sandbox.read("work/fixture/export.json");
    let provider = index.find("\"providers\": [").unwrap() + "\"providers\": [".len();
    let strange = |file: &str| format!("{{\"plugin\": \"x\", \"file\": \"{file}\", \"step\": null}},");
    let (before, after) = index.split_at(provider);
    let more = ["../elsewhere.input.json", "notes"].map(strange).concat();
    sandbox.write("work/fixture/export.json", &format!("{before}{more}{after}"));
    sandbox.opsbox(&["run", "one-cli_out"]).exits(0);
    sandbox.opsbox(&[&EXPORT[..], &["--force"]].concat()).exits(0);
    let mut names: Vec<_> = files(&sandbox.path("work/fixture"))
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["export.json", "notes", "one.input.json", "own.input.json"]
    );
    assert_eq!(sandbox.read("work/elsewhere.input.json"), "kept");
}

//! `runs export` and `run --replay DIR`: what providers returned, taken elsewhere without secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{STATE, folders, last, output, sent};
use crate::support::{Sandbox, Seen, result, step};

const TOKEN: &str =
    "---[config.cloud_token]\ntype = \"string\"\nwriteOnly = true\n[config.region]\ntype = \"string\"\n";

/// A provider that puts its secret into what it returns, `DETAILS` with the secret for `TOKEN` and its base64 for `B64`.
fn cloud(sandbox: &Sandbox, details: &str) {
    sandbox.write("plugins/cloud/answer.json", &result("cloud", "cloud", details));
    let keep = "rest=${line#*'_token\":\"'}; token=${rest%%'\"'*}; result='{}'";
    let gather = "result=$(sed \"s:TOKEN:$token:g; s:B64:$(printf '%s' \"$token\" | base64):g\" \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    let hooks = [("set_data", keep), ("gather_data", gather)];
    sandbox.shell("cloud", "provider", &hooks, TOKEN);
    let policy = "package check\n\ndetails := [{\"id\": i.id} | some i in input.items; i.size > 1.2]\n";
    sandbox.rego("check", "cloud", policy, "");
    output(sandbox, "out");
}

const ITEMS: &str = r#"{"items": [{"id": "a", "size": 1.50, "login": "x TOKEN"}, {"id": "b", "size": 1, "login": "B64"}], "TOKEN": 1}"#;
const SECRET: &str = "s3cret-of-the-cloud";

fn run(sandbox: &Sandbox) {
    sandbox
        .opsbox_with(
            &[("OPSBOX_SET_CLOUD_TOKEN", SECRET)],
            &["run", "check-out", "--set", "region=eu"],
        )
        .exits(0);
}

fn export(sandbox: &Sandbox, more: &[&str]) -> Seen {
    sandbox.opsbox_with(
        &[("OPSBOX_SET_CLOUD_TOKEN", SECRET)],
        &[&["runs", "export", "last", "fixture"], more].concat(),
    )
}

#[track_caller]
fn no_secret_in(folder: &Path) {
    let encoded = STANDARD.encode(SECRET);
    for path in super::files(folder) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains(SECRET) && !text.contains(encoded.trim_end_matches('=')),
            "{}: {text}",
            path.display()
        );
    }
}

#[test]
fn an_exported_run_runs_elsewhere_without_its_provider_and_without_the_store() {
    let sandbox = Sandbox::new();
    sandbox.provider(
        "data",
        "{\"n\" : 1.50,  \"big\": 123456789012345678901234567890}",
        "gap regions \"region 9\" \"access denied\"",
    );
    let policy = "package check\n\ndetails := [{\"n\": input.n, \"big\": input.big}]\n";
    sandbox.rego("check", "data", policy, "");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "check-out"]).exits(4);
    let first = last(&sandbox)["run"].clone();
    let seen = sandbox
        .opsbox(&["runs", "export", "last", "deep/fixture", "--json"])
        .exits(0);
    assert_eq!(seen.json()["export"]["complete"], true);
    fs::remove_dir_all(sandbox.path(STATE)).unwrap();
    fs::remove_dir_all(sandbox.path("plugins/data")).unwrap();
    // What is needed is in the folder, so that may go anywhere.
    fs::rename(
        sandbox.work().join("deep/fixture"),
        sandbox.work().join("fixture"),
    )
    .unwrap();
    for folder in ["fixture", "./fixture"] {
        sandbox
            .opsbox(&["run", "--replay", folder, "-o", "record.json"])
            .exits(4)
            .says(&["region 9: access denied"])
            .hides(&["warning"]);
    }
    let sent = sent(&sandbox, "out");
    assert_eq!(sent[1], sent[0]);
    assert!(
        sent[1].contains("\"n\":1.5") && sent[1].contains("123456789012345678901234567890"),
        "{sent:?}"
    );
    let record = sandbox.record();
    assert_eq!(record["replayed_from"], first);
    assert_eq!(step(&record, "data")["from_run"], first);
    assert_eq!(step(&record, "data")["status"], "incomplete");
    // The new run is kept as any other.
    sandbox.opsbox(&["run", "--replay", "last", "check-out"]).exits(4);
}

#[test]
fn a_fixture_holds_no_secret_however_it_is_spelt_and_says_where_there_was_one() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, ITEMS);
    run(&sandbox);
    let seen = export(&sandbox, &[]).exits(0).hides(&[SECRET]);
    seen.prints(&[
        "cloud.input.json",
        "details.items[].login",
        "details.<secret>",
        "--replay fixture",
    ]);
    no_secret_in(&sandbox.work().join("fixture"));
    let data: Value = sandbox.document("fixture/cloud.input.json");
    let details = json!({
        "items": [{"id": "a", "size": 1.5, "login": "x <secret>"}, {"id": "b", "size": 1, "login": "<secret>"}],
        "<secret>": 1,
    });
    assert_eq!(data["details"], details);
    let index = sandbox.document("fixture/export.json");
    assert_eq!(
        index["providers"][0]["redacted"],
        json!([{"field": "details.<secret>", "times": 1}, {"field": "details.items[].login", "times": 2}])
    );
    let config = index["config"].to_string();
    assert!(
        config.contains("\"eu\"") && config.contains("cloud_token"),
        "{config}"
    );
    // Nobody needs the secret to run on it.
    let policy = sandbox.read("plugins/check/check.rego").replace("1.2", "0");
    sandbox.write("plugins/check/check.rego", &policy);
    sandbox
        .opsbox(&["run", "--replay", "fixture"])
        .exits(0)
        .says(&["`cloud.region` was \"eu\""]);
    assert_eq!(super::sent(&sandbox, "out")[1].matches("\"id\\\":").count(), 0);
    assert!(super::sent(&sandbox, "out")[1].contains("\"b\""));
}

#[test]
fn two_exports_are_the_same_bytes_and_none_overwrites_unasked() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, ITEMS);
    run(&sandbox);
    export(&sandbox, &[]).exits(0);
    let before: Vec<_> = super::files(&sandbox.work().join("fixture"))
        .iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert_eq!(before.len(), 2);
    export(&sandbox, &[])
        .exits(2)
        .says(&["fixture/cloud.input.json` is there already", "--force"]);
    sandbox.write("work/fixture/cloud.input.json", "changed");
    export(&sandbox, &["--force"]).exits(0);
    for (path, bytes) in before {
        assert!(fs::read(&path).unwrap() == bytes, "{}", path.display());
    }
}

#[test]
fn a_secret_that_is_not_known_now_is_named_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, ITEMS);
    run(&sandbox);
    let bare = |more: &[&str]| sandbox.opsbox(&[&["runs", "export", "last", "fixture"], more].concat());
    bare(&[]).exits(2).says(&[
        "the secret `cloud.cloud_token` was set by OPSBOX_SET_CLOUD_TOKEN, and is not set now",
        "--accept-unknown cloud.cloud_token",
    ]);
    assert!(!sandbox.work().join("fixture").exists());
    let short = [("OPSBOX_SET_CLOUD_TOKEN", "ab")];
    sandbox
        .opsbox_with(&short, &["runs", "export", "last", "fixture"])
        .exits(2)
        .says(&["`cloud.cloud_token` is so short"]);
    assert!(!sandbox.work().join("fixture").exists());
    bare(&["--accept-unknown", "cloud_token"])
        .exits(0)
        .says(&["the secret `cloud.cloud_token` was not looked for"]);
    assert_eq!(
        sandbox.document("fixture/export.json")["not_looked_for"],
        json!(["cloud.cloud_token"])
    );
    for file in super::files(&sandbox.work().join("fixture")) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_secret_of_the_runs_own_project_is_found_from_anywhere() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, ITEMS);
    for (file, text) in [
        ("work/token", SECRET),
        (
            "work/opsbox.toml",
            "[pipelines]\nnightly = { pipeline = \"check-out\", set = { cloud_token = \"file:token\", region = \"eu\" } }\n",
        ),
    ] {
        let path = sandbox.write(file, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    sandbox.opsbox(&["run", "nightly"]).exits(0);
    let args = ["runs", "export", "last", "fixture"];
    let mut elsewhere = sandbox.binary(&args);
    sandbox
        .finish(&args, elsewhere.current_dir(sandbox.path("home")))
        .exits(0);
    no_secret_in(&sandbox.path("home/fixture"));
    assert!(
        sandbox
            .read("home/fixture/cloud.input.json")
            .contains("x <secret>")
    );
    fs::remove_file(sandbox.path("work/token")).unwrap();
    let args = ["runs", "export", "last", "other"];
    sandbox
        .opsbox(&args)
        .exits(2)
        .says(&["cloud.cloud_token", "file:token"]);
}

#[test]
fn a_secret_variable_that_plugins_saw_must_be_known_too() {
    let sandbox = Sandbox::new();
    let answer = result("cloud", "cloud", "{\"seen\": \"TOKEN\"}");
    sandbox.write("plugins/cloud/answer.json", &answer);
    let gather = "result=$(sed \"s:TOKEN:$ACME_TOKEN:g\" \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    sandbox.shell(
        "cloud",
        "provider",
        &[("gather_data", gather)],
        "env = [\"ACME_TOKEN\"]",
    );
    let manifest = sandbox.read("plugins/cloud/manifest.toml");
    let manifest = manifest.replace("env = [\"ACME_TOKEN\"]\n", "") + "env = [\"ACME_TOKEN\"]\n";
    sandbox.write("plugins/cloud/manifest.toml", &manifest);
    let acme = [("ACME_TOKEN", SECRET)];
    sandbox.opsbox_with(&acme, &["run", "cloud-cli_out"]).exits(0);
    let args = ["runs", "export", "last", "fixture"];
    sandbox.opsbox(&args).exits(2).says(&[
        "plugins saw the variable `ACME_TOKEN`",
        "--accept-unknown ACME_TOKEN",
    ]);
    sandbox.opsbox_with(&acme, &args).exits(0);
    no_secret_in(&sandbox.work().join("fixture"));
    assert!(
        sandbox
            .read("work/fixture/cloud.input.json")
            .contains("\"seen\": \"<secret>\"")
    );
    for folder in folders(&sandbox) {
        let plan = fs::read_to_string(folder.join("run.json")).unwrap();
        assert!(plan.contains("ACME_TOKEN") && !plan.contains(SECRET), "{plan}");
    }
}

/// The provider, as one that only says itself what its fields are; it is not asked where its data is taken.
fn secretive_cloud(sandbox: &Sandbox) {
    cloud(sandbox, ITEMS);
    let manifest = sandbox.read("plugins/cloud/manifest.toml");
    let (manifest, _) = manifest.split_once("[config.").unwrap();
    sandbox.write("plugins/cloud/manifest.toml", manifest);
    let schema = r#"result='{"type":"object","properties":{"cloud_token":{"type":"string","writeOnly":true},"region":{"type":"string"}}}'"#;
    let script = sandbox.read("plugins/cloud/plugin.sh");
    let script = script.replace(
        "        set_data)",
        &format!("        grab_config) {schema} ;;\n        set_data)"),
    );
    sandbox.write(
        "plugins/cloud/plugin.sh",
        &script.replacen("\"hooks\":[", "\"hooks\":[\"grab_config\",", 1),
    );
}

#[test]
fn what_a_plugin_was_configured_with_is_known_of_a_run_that_took_its_data_too() {
    let sandbox = Sandbox::new();
    secretive_cloud(&sandbox);
    run(&sandbox);
    sandbox.opsbox(&["run", "--replay", "last"]).exits(0);
    sandbox
        .opsbox(&["runs", "export", "last", "fixture"])
        .exits(2)
        .says(&["the secret `cloud.cloud_token` was set by OPSBOX_SET_CLOUD_TOKEN"]);
    export(&sandbox, &[]).exits(0);
    no_secret_in(&sandbox.work().join("fixture"));
}

#[test]
fn fields_are_left_out_by_name_and_names_that_tell_of_secrets_are_warned_of() {
    let sandbox = Sandbox::new();
    let users = r#"{"users": [{"name": "ana", "password": "x1"}, {"name": "bo", "password": "x2"}], "n": 1}"#;
    sandbox.provider("data", users, "");
    sandbox.opsbox(&["run", "data-cli_out"]).exits(0);
    let export =
        |more: &[&str]| sandbox.opsbox(&[&["runs", "export", "last", "fixture", "--force"], more].concat());
    export(&[]).exits(0).says(&[
        "names tell of secrets",
        "data.input.json: details.users[].password",
    ]);
    export(&["--redact", "details.users[].password"])
        .exits(0)
        .hides(&["names tell"]);
    let data: Value = sandbox.document("fixture/data.input.json");
    assert_eq!(
        data["details"]["users"][1],
        json!({"name": "bo", "password": "<secret>"})
    );
    export(&["--redact", "details.users[].pasword"])
        .exits(2)
        .says(&["no such field"]);
}

#[test]
fn what_was_not_kept_is_told_and_the_rest_is_exported() {
    let sandbox = Sandbox::new();
    sandbox.provider("small", "{\"n\": 1}", "");
    sandbox.provider("large", &format!("{{\"text\": \"{}\"}}", "x".repeat(8000)), "");
    sandbox
        .opsbox_with(
            &[("OPSBOX_RUNS_MAX_SIZE", "4KiB")],
            &["run", "small,large-cli_out"],
        )
        .exits(0);
    sandbox
        .opsbox(&["runs", "export", "last", "fixture"])
        .exits(4)
        .prints(&["small.input.json", "it was not kept"]);
    assert_eq!(sandbox.document("fixture/export.json")["complete"], false);
    sandbox
        .opsbox(&["run", "--replay", "fixture", "small-cli_out"])
        .exits(0);
    sandbox
        .opsbox(&["run", "--replay", "fixture", "large-cli_out"])
        .exits(2)
        .says(&["has nothing of the provider `large`", "it was not exported"]);
}

#[test]
fn a_folder_that_is_no_export_is_told() {
    let sandbox = Sandbox::new();
    sandbox.provider("data", "{\"n\": 1}", "");
    super::input(&sandbox, "a");
    sandbox.opsbox(&["run", "a-cli_out"]).exits(0);
    sandbox
        .opsbox(&["runs", "export", "last", "fixture"])
        .exits(2)
        .says(&["has no provider"]);
    sandbox
        .opsbox(&["run", "--replay", "./fixture", "data-cli_out"])
        .exits(2)
        .says(&["export.json", "opsbox runs export RUN DIR"]);
    sandbox.opsbox(&["run", "data-cli_out"]).exits(0);
    sandbox.opsbox(&["runs", "export", "last", "fixture"]).exits(0);
    let index = sandbox.read("work/fixture/export.json");
    for (from, to, says) in [
        ("\"export\": 1", "\"export\": 9", "version 9"),
        ("data.input.json", "../secret.json", "no file of its folder"),
        ("data.input.json", "gone.json", "gone.json"),
        ("{", "", "export.json"),
    ] {
        sandbox.write("work/fixture/export.json", &index.replacen(from, to, 1));
        sandbox
            .opsbox(&["run", "--replay", "fixture", "data-cli_out"])
            .exits(2)
            .says(&[says]);
    }
    sandbox.write("work/fixture/export.json", &index);
    sandbox
        .opsbox(&["run", "--resume", "fixture"])
        .exits(2)
        .says(&["no kept run has the id"]);
}

#[test]
fn a_secret_is_known_where_data_is_replayed_that_holds_it() {
    let sandbox = Sandbox::new();
    secretive_cloud(&sandbox);
    run(&sandbox);
    let token = [("OPSBOX_SET_CLOUD_TOKEN", SECRET)];
    let replay = [
        "run",
        "--replay",
        "last",
        "cloud-json_out",
        "--set",
        "output_folder=out",
    ];
    sandbox
        .opsbox_with(&token, &replay)
        .exits(0)
        .says(&[
            "a secret of the configuration stands in the Results of",
            "`details.items[0].login`",
        ])
        .hides(&[SECRET]);
    let mode = fs::metadata(sandbox.work().join("out/cloud/cloud.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_provider_whose_data_is_replayed_needs_no_configuration() {
    let sandbox = Sandbox::new();
    cloud(&sandbox, ITEMS);
    let manifest = sandbox.read("plugins/cloud/manifest.toml");
    let manifest = manifest.replace("writeOnly = true", "writeOnly = true\nrequired = true");
    sandbox.write("plugins/cloud/manifest.toml", &manifest);
    run(&sandbox);
    export(&sandbox, &[]).exits(0);
    for run in ["last", "fixture"] {
        sandbox.opsbox(&["run", "--replay", run]).exits(0);
    }
    // Nor where it stands first in the pipeline, and its data goes on as it is.
    sandbox
        .opsbox(&["run", "cloud-out", "--replay", "fixture"])
        .exits(0);
    sandbox
        .opsbox(&["run", "check-out"])
        .exits(2)
        .says(&["plugin `cloud` needs `cloud_token`"]);
}

//! Where values come from, which one counts, what a plugin is sent, and what nobody is shown.

use serde_json::{Value, json};

use crate::support::Sandbox;

const FIELDS: &str = "---[config.region]
type = \"string\"
description = \"where to look\"
[config.max]
type = \"integer\"
default = 5
[config.share]
type = \"number\"
[config.deep]
type = \"boolean\"
[config.tags]
type = \"array\"
items = { type = \"string\" }
[config.ports]
type = \"array\"
items = { type = \"integer\" }
[config.since]
type = \"string\"
format = \"date-time\"
[config.api_token]
type = \"string\"
writeOnly = true
";

/// A sandbox with a mirror that declares fields of every type, and the output `out`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.mirror("mirror", "input", FIELDS);
    sandbox.fault("out", "output", "none", "");
    sandbox
}

/// Runs with these variables and `--set` texts, and returns what the mirror was sent.
#[track_caller]
fn sent(variables: &[(&str, &str)], set: &[&str]) -> Value {
    let sandbox = sandbox();
    let mut args = vec!["run", "mirror-out"];
    for text in set {
        args.extend(["--set", text]);
    }
    sandbox.opsbox_with(variables, &args).exits(0);
    sandbox.configured("mirror").unwrap_or_default()
}

#[test]
fn every_layer_wins_over_the_next_one() {
    let sandbox = sandbox();
    let project = sandbox.work().join("opsbox.toml").display().to_string();
    sandbox.write("home/.opsbox.json", r#"{"region": "home"}"#);
    sandbox.write(
        "work/opsbox.toml",
        "[config]\nregion = \"project\"\n[plugins.mirror]\nregion = \"of-plugin\"\n\
         [pipelines.daily]\npipeline = \"mirror-out\"\nset = { region = \"of-pipeline\" }\n",
    );
    let config = sandbox.write("work/extra.json", r#"{"region": "file"}"#);
    let config = config.display().to_string();
    // From the strongest to the weakest: what to take away next, the value that counts, the origin that is told.
    let all: &[(&str, &str)] = &[("REGION", "own"), ("OPSBOX_SET_REGION", "set")];
    let flag: &[&str] = &["--set", "region=flag", "--config", "extra.json"];
    let of_pipeline = format!("{project} [pipelines.daily]");
    type Step<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str, &'a str);
    let steps: [Step<'_>; 6] = [
        ("daily", all, flag, "flag", "--set region"),
        ("daily", all, &flag[2..], "set", "OPSBOX_SET_REGION"),
        ("daily", &all[..1], &flag[2..], "own", "REGION"),
        ("daily", &[], &flag[2..], "file", &config),
        ("daily", &[], &[], "of-pipeline", &of_pipeline),
        ("mirror-out", &[], &[], "of-plugin", &project),
    ];
    for (pipeline, variables, flags, value, origin) in steps {
        let run = [&["run", pipeline], flags].concat();
        sandbox.opsbox_with(variables, &run).exits(0);
        assert_eq!(sandbox.configured("mirror"), Some(json!({"region": value})));
        let show = [&["config", "show", pipeline, "--json"], flags].concat();
        let shown = sandbox.opsbox_with(variables, &show).exits(0).json();
        let field = shown["fields"]
            .as_array()
            .unwrap()
            .iter()
            .find(|field| field["field"] == "region")
            .unwrap();
        assert_eq!(field["value"], value, "{shown:#}");
        assert!(field["origin"].as_str().unwrap().starts_with(origin), "{shown:#}");
    }
    sandbox.write("work/opsbox.toml", "[config]\nregion = \"project\"\n");
    sandbox.opsbox(&["run", "mirror-out"]).exits(0);
    assert_eq!(sandbox.configured("mirror"), Some(json!({"region": "project"})));
    std::fs::remove_file(sandbox.path("work/opsbox.toml")).unwrap();
    sandbox.opsbox(&["run", "mirror-out"]).exits(0);
    assert_eq!(sandbox.configured("mirror"), Some(json!({"region": "home"})));
    sandbox.write("home/.opsbox.json", "{}");
    std::fs::remove_file(sandbox.path("notes/mirror/set_data.json")).unwrap();
    sandbox.opsbox(&["run", "mirror-out"]).exits(0);
    let sent = sandbox.configured("mirror").unwrap_or(json!({}));
    assert_eq!(sent, json!({}), "the default is the plugin's own");
}

#[test]
fn explain_lists_the_places_in_order_and_marks_the_one_that_counts() {
    let sandbox = sandbox();
    sandbox.write("home/.opsbox.json", r#"{"region": "home"}"#);
    let seen = sandbox
        .opsbox_with(
            &[("REGION", "own")],
            &["config", "explain", "region", "mirror-out"],
        )
        .exits(0)
        .prints(&["region of mirror (string): where to look"]);
    let places: Vec<&str> = seen.stdout.lines().skip(2).collect();
    let starts = [
        "   --set region",
        "   OPSBOX_SET_REGION",
        "*  REGION",
        "   ~/.opsbox.json",
        "   the plugin's default",
    ];
    assert_eq!(places.len(), starts.len(), "{seen}");
    for (place, start) in places.iter().zip(starts) {
        assert!(place.starts_with(start), "{seen}");
    }
    sandbox
        .opsbox(&["config", "explain", "regoin", "mirror-out"])
        .exits(2)
        .says(&["no plugin declares the field `regoin`", "did you mean `region`?"]);
    // Without a pipeline all plugins are asked.
    sandbox
        .opsbox(&["config", "explain", "output_folder"])
        .exits(0)
        .prints(&["output_folder of json_out", "output_folder of text_out"]);
}

#[test]
fn schema_and_show_tell_fields_types_and_defaults() {
    let sandbox = sandbox();
    let schema = sandbox.opsbox(&["config", "schema", "mirror"]).exits(0).json();
    assert_eq!(
        schema["properties"]["max"],
        json!({"type": "integer", "default": 5})
    );
    let schema = sandbox.opsbox(&["config", "schema", "json_out"]).exits(0).json();
    assert!(schema["properties"]["output_folder"].is_object(), "{schema:#}");
    sandbox
        .opsbox(&["config", "schema", "miror"])
        .exits(2)
        .says(&["`miror` not found", "did you mean `mirror`?"]);
    let seen = sandbox
        .opsbox(&["config", "show", "mirror-out", "--set", "tags=a,b"])
        .exits(0);
    let rows = [
        "list of integer",
        "list of string",
        "date and time",
        "5",
        "default",
        "--set tags",
    ];
    let seen = seen.prints(&rows);
    assert!(
        seen.stdout.lines().all(|line| line.chars().count() <= 80),
        "{seen}"
    );
    assert_eq!(
        sandbox.starts("mirror"),
        0,
        "fields of a manifest need no process"
    );
}

#[test]
fn a_value_becomes_what_its_field_declares_and_nothing_is_guessed() {
    let config = sent(
        &[],
        &[
            "region=sa-east-1",
            "max=007",
            "share=0.5",
            "deep=yes",
            "tags=a,b",
            "ports=22,80",
            "since=2026-01-31",
        ],
    );
    assert_eq!(config["region"], "sa-east-1");
    assert_eq!((&config["max"], &config["share"]), (&json!(7), &json!(0.5)));
    assert_eq!(
        (&config["deep"], &config["tags"]),
        (&json!(true), &json!(["a", "b"]))
    );
    assert_eq!(config["ports"], json!([22, 80]));
    assert!(
        config["since"]
            .as_str()
            .unwrap()
            .starts_with("2026-01-31T00:00:00"),
        "{config}"
    );
    for word in [
        "no",
        "may",
        "1d",
        "5m",
        "12:30",
        "2024-01",
        "{\"a\":1}",
        "true",
        "12",
        "null",
    ] {
        let set = format!("region={word}");
        assert_eq!(sent(&[], &[&set]), json!({"region": word}));
    }
    assert_eq!(
        sent(&[("OPSBOX_SET_DEEP", "off"), ("MAX", "12")], &[]),
        json!({"deep": false, "max": 12})
    );
}

#[test]
fn a_date_may_be_told_from_now() {
    let config = sent(&[], &["since=90 days ago"]);
    let since: jiff::Timestamp = config["since"].as_str().unwrap().parse().unwrap();
    let days = (jiff::Timestamp::now() - since).total(jiff::Unit::Hour).unwrap() / 24.0;
    assert!((89.9..90.1).contains(&days), "{config}");
}

#[test]
fn a_plugin_is_sent_only_the_fields_that_it_declares_and_somebody_set() {
    let sandbox = sandbox();
    sandbox.mirror("other", "input", "---[config.zone]\ntype = \"string\"\n");
    sandbox.write(
        "home/.opsbox.json",
        r#"{"zone": "z", "something": "else", "max": 3}"#,
    );
    sandbox
        .opsbox(&["run", "mirror,other-out", "--set", "mirror.region=r"])
        .exits(0);
    assert_eq!(
        sandbox.configured("mirror"),
        Some(json!({"max": 3, "region": "r"}))
    );
    assert_eq!(sandbox.configured("other"), Some(json!({"zone": "z"})));
    sandbox
        .opsbox(&["run", "mirror-out", "--set", "other.zone=x"])
        .exits(2)
        .says(&["other", "--set other.zone"]);
}

#[test]
fn a_bad_home_file_is_a_warning_and_is_ignored() {
    let sandbox = sandbox();
    sandbox.write("home/.opsbox.json", "[]");
    sandbox
        .opsbox(&["run", "mirror-out"])
        .exits(0)
        .says(&["warning:", ".opsbox.json", "it is ignored"]);
}

#[test]
fn a_secret_is_shown_nowhere() {
    let sandbox = sandbox();
    sandbox.write("plugins/mirror/leak", "");
    let secret = "geheim-4711";
    let set = "api_token=geheim-4711";
    for args in [
        &["plan", "mirror-out", "--set", set][..],
        &["plan", "mirror-out", "--json", "--set", set],
        &["config", "show", "mirror-out", "--set", set],
        &["config", "show", "mirror-out", "--json", "--set", set],
        &["config", "explain", "api_token", "mirror-out", "--set", set],
        &["config", "explain", "api_token", "--json", "--set", set],
    ] {
        let seen = sandbox.opsbox(args).exits(0).hides(&[secret]);
        seen.prints(&["<secret>"]);
    }
    let args = ["run", "mirror-out", "-vvv", "-o", "record.json", "--set", set];
    let seen = sandbox.opsbox(&args).exits(1).hides(&[secret]);
    seen.says(&[
        "stderr: the token is <secret>",
        "log: the token is <secret>",
        "login with <secret> was refused",
        "is <secret> right?",
    ]);
    let record = sandbox.read("work/record.json");
    assert!(record.contains("login with <secret> was refused"), "{record}");
    assert!(!record.contains(secret), "{record}");
    for form in [
        &["--progress", "json"][..],
        &["--log-format", "json"],
        &["--format", "json"],
    ] {
        let args = [&["run", "mirror-out", "-v", "--set", set], form].concat();
        sandbox.opsbox(&args).exits(1).hides(&[secret]);
    }
    // The plugin itself gets it, whole.
    assert_eq!(sandbox.configured("mirror"), Some(json!({"api_token": secret})));
}

#[test]
fn a_secret_of_the_wrong_type_is_not_shown_in_the_message() {
    let sandbox = Sandbox::new();
    sandbox.mirror(
        "mirror",
        "input",
        "---[config.pin]\ntype = \"integer\"\nformat = \"password\"\n",
    );
    sandbox
        .opsbox(&["run", "mirror-json_out", "--set", "pin=geheim-4711"])
        .exits(2)
        .says(&["`pin` must be an integer", "--set pin"])
        .hides(&["geheim-4711"]);
}

#[test]
fn a_plugin_sees_no_variable_that_it_does_not_declare() {
    let sandbox = Sandbox::new();
    sandbox.mirror("closed", "input", "");
    sandbox.mirror("open", "input", "---env = [\"X_*\", \"EXACT\"]\n");
    sandbox.fault("out", "output", "none", "");
    let variables = [
        ("X_ONE", "1"),
        ("EXACT", "2"),
        ("EXACTLY", "3"),
        ("AWS_SECRET_ACCESS_KEY", "4"),
        ("LC_ALL", "C"),
        ("OPSBOX_SET_SOMETHING", "5"),
    ];
    sandbox
        .opsbox_with(&variables, &["run", "closed,open-out"])
        .exits(0);
    let names = |plugin: &str| -> Vec<String> {
        let text = sandbox.read(&format!("notes/{plugin}/environment"));
        let name = |line: &str| {
            line.strip_prefix("export ")
                .map(|rest| rest.split('=').next().unwrap().to_owned())
        };
        text.lines()
            .filter_map(name)
            .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(&name.as_str()))
            .collect()
    };
    let common = [
        "HOME",
        "LC_ALL",
        "OPSBOX_PLUGIN",
        "OPSBOX_PLUGIN_HOME",
        "OPSBOX_PROTOCOL",
        "OPSBOX_RUN_ID",
        "PATH",
        "TMPDIR",
    ];
    assert_eq!(names("closed"), common);
    let mut open = [&["EXACT", "X_ONE"], &common[..]].concat();
    open.sort_unstable();
    assert_eq!(names("open"), open);
    sandbox
        .opsbox(&["plan", "closed,open-out"])
        .exits(0)
        .prints(&["open: X_*, EXACT"]);
}

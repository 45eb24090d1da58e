//! The command line of Opsbox 0.x goes on working, word for word.

use serde_json::json;

use crate::support::Sandbox;

const FIELDS: &str = "---[config.region]
type = \"string\"
description = \"where to look\"
[config.max]
type = \"integer\"
[config.deep]
type = \"boolean\"
[config.tags]
type = \"array\"
items = { type = \"string\" }
[config.since]
type = \"string\"
format = \"date-time\"
";

/// A sandbox with a mirror and the output `out`, in a folder that only `--plugin_dir` names.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.mirror("mirror", "input", FIELDS);
    sandbox.fault("out", "output", "none", "");
    sandbox
}

/// Runs `--modules mirror-out --plugin_dir …` with these words, and returns what the mirror was sent.
#[track_caller]
fn sent(words: &[&str]) -> serde_json::Value {
    let sandbox = sandbox();
    let args = [&["--modules", "mirror-out", "--plugin_dir", "../plugins"], words].concat();
    sandbox
        .opsbox_with(&[("OPSBOX_PLUGIN_DIR", "")], &args)
        .exits(0)
        .prints(&["fault output saw it"]);
    sandbox.configured("mirror").unwrap_or(json!({}))
}

#[test]
fn any_argument_sets_the_field_of_its_name() {
    assert_eq!(sent(&["--region", "sa-east-1"]), json!({"region": "sa-east-1"}));
    assert_eq!(sent(&["--region=a=b=c"]), json!({"region": "a=b=c"}));
    assert_eq!(sent(&["--region", "-x"]), json!({"region": "-x"}));
    assert_eq!(sent(&["--region="]), json!({"region": ""}));
    assert_eq!(sent(&["--region", "a", "--region", "b"]), json!({"region": "b"}));
    assert_eq!(
        sent(&["--max", "12", "--deep", "no"]),
        json!({"max": 12, "deep": false})
    );
    assert_eq!(sent(&[]), json!({}));
}

#[test]
fn bare_flags_are_true_and_several_values_are_a_list() {
    assert_eq!(sent(&["--deep"]), json!({"deep": true}));
    assert_eq!(sent(&["--deep", "--max", "1"]), json!({"deep": true, "max": 1}));
    assert_eq!(sent(&["--tags", "a", "b", "c"]), json!({"tags": ["a", "b", "c"]}));
    assert_eq!(sent(&["--tags=a", "b"]), json!({"tags": ["a", "b"]}));
    assert_eq!(sent(&["--tags", "a"]), json!({"tags": ["a"]}));
}

#[test]
fn a_date_in_words_needs_no_quotes_to_be_one_value() {
    for words in [&["--since", "90 days ago"][..], &["--since", "90", "days", "ago"]] {
        let sent = sent(words);
        sent["since"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
    }
}

#[test]
fn the_pipeline_may_come_from_the_home_file_or_a_variable() {
    let sandbox = sandbox();
    let run = |variables: &[(&str, &str)]| sandbox.opsbox_with(variables, &["--region", "x"]);
    run(&[]).exits(2).says(&["no pipeline: `--modules` is missing"]);
    run(&[("MODULES", "mirror-out")])
        .exits(0)
        .prints(&["fault output saw it"]);
    sandbox.write("home/.opsbox.json", r#"{"modules": "gone-out", "max": 7}"#);
    run(&[]).exits(2).says(&["plugin `gone` not found"]);
    run(&[("MODULES", "mirror-out")]).exits(0);
    assert_eq!(
        sandbox.configured("mirror"),
        Some(json!({"region": "x", "max": 7}))
    );
}

#[test]
fn the_log_file_holds_what_happened_as_lines_of_json() {
    let sandbox = sandbox();
    sandbox.fault("bad", "input", "error", "");
    let line = ["--modules", "mirror,bad-out", "--log_file", "run.log"];
    let seen = sandbox.opsbox(&line).exits(4);
    let records = |sandbox: &Sandbox| -> Vec<serde_json::Value> {
        let text = sandbox.read("work/run.log");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let found = records(&sandbox);
    let of = |plugin: &str| found.iter().find(|record| record["plugin"] == plugin).unwrap();
    assert_eq!(
        (&of("mirror")["level"], &of("bad")["level"]),
        (&json!("info"), &json!("error")),
        "{seen}"
    );
    assert!(
        of("bad")["message"]
            .as_str()
            .unwrap()
            .contains("no credentials found"),
        "{found:?}"
    );
    for record in &found {
        record["time"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
    }
    // It is appended to, and why nothing ran is in it too.
    sandbox
        .opsbox(&["--modules", "gone-out", "--log_file", "run.log"])
        .exits(2);
    let all = records(&sandbox);
    assert_eq!(all[..found.len()], found[..]);
    assert!(
        all.last().unwrap()["message"]
            .as_str()
            .unwrap()
            .contains("plugin `gone` not found")
    );
    sandbox
        .opsbox(&["--modules", "mirror-out", "--log_file", "none/run.log"])
        .exits(0)
        .says(&["the log file `", "none/run.log` cannot be written"]);
}

#[test]
fn levels_say_more_or_less() {
    let sandbox = sandbox();
    let run = |words: &[&str]| {
        sandbox
            .opsbox(&[&["--modules", "mirror-out"], words].concat())
            .exits(0)
    };
    assert!(!run(&[]).stderr.contains("debug: "));
    for words in [&["--verbose"][..], &["--log_level", "DEBUG"], &["--init_debug"]] {
        run(words).says(&["debug: "]);
    }
    let quiet = run(&["--log_level", "ERROR"]);
    assert_eq!(quiet.stderr, "", "{quiet}");
}

#[test]
fn a_misspelt_variable_is_warned_about_and_changes_nothing() {
    let sandbox = sandbox();
    sandbox
        .opsbox_with(&[("OPSBOX_SET_REGOIN", "x")], &["--modules", "mirror-out"])
        .exits(0)
        .says(&["`OPSBOX_SET_REGOIN`; did you mean `OPSBOX_SET_REGION`?"]);
    assert_eq!(sandbox.configured("mirror").unwrap_or(json!({})), json!({}));
}

#[test]
fn the_pipeline_and_the_folder_may_come_from_a_file() {
    let sandbox = sandbox();
    sandbox.write(
        "work/c.json",
        r#"{"modules": "mirror-out", "plugin_dir": "../plugins", "region": "file", "max": 3}"#,
    );
    sandbox
        .opsbox_with(
            &[("OPSBOX_PLUGIN_DIR", "")],
            &["--config", "c.json", "--region", "flag"],
        )
        .exits(0)
        .prints(&["fault output saw it"]);
    assert_eq!(
        sandbox.configured("mirror"),
        Some(json!({"region": "flag", "max": 3}))
    );
}

#[test]
fn help_with_a_pipeline_is_the_table_of_its_arguments() {
    let sandbox = sandbox();
    for args in [
        ["--modules", "mirror-out", "--help"],
        ["--help", "--modules", "mirror-out"],
    ] {
        let seen = sandbox.opsbox(&args).exits(0).prints(&[
            "ARGUMENT",
            "REQUIRED",
            "DEFAULT",
            "--region",
            "--tags",
            "list of string",
            "where to look",
        ]);
        assert!(
            seen.stdout.lines().all(|line| line.chars().count() <= 80),
            "{seen}"
        );
        seen.hides(&["fault output saw it"]);
    }
    sandbox
        .opsbox(&["--help", "--see_all"])
        .exits(0)
        .prints(&["mirror", "host", "cli_out"]);
}

#[test]
fn help_alone_and_no_word_at_all_are_the_modern_help() {
    let sandbox = sandbox();
    for args in [&[][..], &["--help"]] {
        sandbox
            .opsbox(args)
            .exits(0)
            .prints(&["Usage: opsbox", "run", "plugins", "--modules a,b-c-d"]);
    }
    sandbox.opsbox(&["--version"]).exits(0).prints(&["opsbox "]);
}

#[test]
fn what_is_wrong_is_told_in_the_words_of_this_grammar() {
    let sandbox = sandbox();
    let cases: [(&[&str], &[&str]); 10] = [
        (&["--modules", "mirror"], &["pipeline `mirror` has no `-`"]),
        (
            &["--modules", "mirro-out"],
            &["plugin `mirro` not found", "did you mean `mirror`?"],
        ),
        (&["--modules"], &["`--modules` needs a pipeline"]),
        (
            &["--modules", "a", "b"],
            &["`--modules` takes a pipeline without spaces", "2 values"],
        ),
        (
            &["--plugin_dir", "x"],
            &[
                "no pipeline: `--modules` is missing",
                "--modules a,b-c-d --field value",
            ],
        ),
        (&["--module", "mirror-out"], &["did you mean `--modules`?"]),
        (
            &["--modules", "mirror-out", "--regoin", "x"],
            &[
                "no plugin of this pipeline declares the field `regoin` of `--regoin`",
                "did you mean `region`?",
            ],
        ),
        (
            &["--modules", "mirror-out", "--max", "many"],
            &[
                "plugin `mirror`: `max` must be an integer; found `many` in --max",
                "`--max …`",
            ],
        ),
        (
            &["--modules", "mirror-out", "--max"],
            &["`max` must be an integer, so the flag needs a value"],
        ),
        (
            &["--modules", "mirror-out", "--log_level", "LOUD"],
            &["`--log_level` is `LOUD`", "DEBUG"],
        ),
    ];
    for (args, texts) in cases {
        sandbox
            .opsbox(args)
            .exits(2)
            .says(texts)
            .hides(&["fault output saw it", "--set r", "--set m"]);
    }
    assert_eq!(sandbox.configured("mirror"), None);
}

#[test]
fn a_missing_field_is_told_with_its_flag() {
    let sandbox = sandbox();
    sandbox.mirror(
        "needy",
        "input",
        "---[config.zone]\ntype = \"string\"\nrequired = true\ndescription = \"which zone\"\n",
    );
    sandbox
        .opsbox(&["--modules", "needy-out"])
        .exits(2)
        .says(&["plugin `needy` needs `zone` (string): which zone", "`--zone …`"]);
}

#[test]
fn exit_codes_are_those_of_the_modern_grammar() {
    let sandbox = sandbox();
    sandbox.fault("bad", "input", "error", "");
    sandbox.opsbox(&["--modules", "mirror-out"]).exits(0);
    sandbox
        .opsbox(&["--modules", "mirror,bad-out"])
        .exits(4)
        .says(&["bad", "no credentials found"]);
    sandbox.opsbox(&["--modules", "bad-out"]).exits(1);
}

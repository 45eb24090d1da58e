//! What the suite tells, in which form, and what it does not take for the plugin's fault.

use crate::support::Sandbox;

use super::{report, rule, with_verdict};

#[test]
fn a_failure_is_told_with_what_was_sent_what_came_back_and_how_to_mend_it() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("unknown_is_internal", "input");
    let args = ["plugin", "test", &plugin, "--junit", "report.xml"];
    sandbox.opsbox(&args).exits(1).prints(&[
        "wrong_input (input), ",
        "RULE",
        "MSG-9    fail     an unknown method was answered -32603",
        "FRAME-2  pass",
        "fail MSG-9: an unknown method was answered -32603\n",
        "  rule  an unknown method is answered -32601, an unknown notification is ignored\n",
        "  sent  {\"jsonrpc\":\"2.0\",\"id\":",
        "\"method\":\"opsbox_no_such_method\",\"params\":{}}",
        "  got   {\"jsonrpc\":\"2.0\",\"id\":",
        "\"error\":{\"code\":-32603,\"message\":\"unknown method\"}}",
        "  mend  answer -32601 to any method that you do not know",
        "70 rules: ",
        "fail",
    ]);
    let junit = sandbox.read("work/report.xml");
    let rules = opsbox::conform::rules::all().count();
    assert_eq!(junit.matches("<testcase ").count(), rules, "{junit}");
    assert!(
        junit.contains("<testsuite name=\"opsbox plugin test wrong_input\""),
        "{junit}"
    );
    assert!(
        junit.contains("<failure message=\"an unknown method was answered -32603\""),
        "{junit}"
    );
    assert!(junit.contains("<skipped message="), "{junit}");
}

#[test]
fn a_warning_fails_only_with_strict() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("own_member", "input");
    let (seen, lenient) = report(&sandbox, &[&plugin]);
    assert_eq!(
        (seen.code, &lenient["verdict"]),
        (Some(0), &"pass".into()),
        "{seen}"
    );
    assert_eq!(with_verdict(&lenient, &["warn"]), ["RES-2"], "{seen}");
    let (seen, strict) = report(&sandbox, &[&plugin, "--strict", "--junit", "report.xml"]);
    assert_eq!(
        (seen.code, &strict["verdict"]),
        (Some(1), &"fail".into()),
        "{seen}"
    );
    assert!(sandbox.read("work/report.xml").contains("failures=\"1\""));
}

#[test]
fn a_program_that_is_not_there_is_no_verdict() {
    let sandbox = Sandbox::new();
    sandbox.command("nobody", "input", &["no-such-program-here"], "");
    sandbox
        .opsbox(&["plugin", "test", "nobody"])
        .exits(2)
        .says(&["nobody", "no-such-program-here", "not found"])
        .hides(&["MSG-8"]);
}

#[test]
fn a_plugin_that_ends_at_once_has_one_fault_and_nothing_else_is_said_of_it() {
    let sandbox = Sandbox::new();
    let command = ["sh", "-c", "echo usage: dies; echo sorry >&2; exit 7"];
    sandbox.command("dies", "input", &command, "");
    let (seen, report) = report(&sandbox, &["dies"]);
    assert_eq!(seen.code, Some(1), "{seen}");
    assert_eq!(with_verdict(&report, &["fail"]), ["LIFE-2"], "{seen}");
    let n_rules = report["rules"].as_array().unwrap().len();
    assert_eq!(with_verdict(&report, &["not run"]).len(), n_rules - 1, "{seen}");
    assert_eq!(report["summary"]["not_run"], n_rules - 1, "{seen}");
    let found = rule(&report, "LIFE-2");
    assert_eq!(
        found["why"], "the program exited with status 7 before it answered `initialize`",
        "{seen}"
    );
    assert_eq!(
        found["got"],
        serde_json::json!(["stdout: usage: dies", "stderr: sorry"]),
        "{seen}"
    );
    let mend = found["mend"].as_str().unwrap();
    assert!(
        mend.contains("`[run] command` in ") && mend.contains("starts `sh -c"),
        "{mend}"
    );
    sandbox
        .opsbox(&["plugin", "test", "dies", "--junit", "report.xml"])
        .exits(1)
        .prints(&["LIFE-2  fail ", "stderr: sorry", "0 pass, 1 fail, "])
        .hides(&["FRAME-2", "MSG-8", "list the hook"]);
    let junit = sandbox.read("work/report.xml");
    assert_eq!(junit.matches("<skipped ").count(), n_rules - 1, "{junit}");
}

#[test]
fn a_plugin_that_refuses_the_handshake_passes_no_rule() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("no_hello", "input");
    let (seen, report) = report(&sandbox, &[&plugin]);
    assert_eq!(with_verdict(&report, &["fail"]), ["LIFE-2"], "{seen}");
    assert_eq!(report["summary"]["pass"], 0, "{seen}");
}

#[test]
fn a_type_that_is_a_slip_of_the_hand_is_warned_about_unless_a_handler_serves_it() {
    let sandbox = Sandbox::new();
    let program = super::wrong_plugin().display().to_string();
    sandbox.command("typo", "providr", &[&program, "none", "provider"], "");
    sandbox.opsbox(&["plugin", "test", "typo"]).exits(0).prints(&[
        "warn INIT-1: no handler serves the type `providr` of its manifest; did you mean `provider`?",
        "mend  write `type = \"provider\"`",
    ]);
    sandbox.command("scanning", "scaner", &[&program, "none", "scanner"], "");
    let (seen, scanning) = report(&sandbox, &["scanning"]);
    assert_eq!(rule(&scanning, "INIT-1")["verdict"], "n/a", "{seen}");
    let handles = "---[handler]\nhandles = [\"providr\"]\n";
    sandbox.command("handling", "handler", &[&program, "none", "handler"], handles);
    let (seen, served) = report(&sandbox, &["typo"]);
    assert_eq!(rule(&served, "INIT-1")["verdict"], "n/a", "{seen}");
}

#[test]
fn whether_a_hook_stops_when_it_is_cancelled_is_judged_only_where_it_shows() {
    for (fault, verdict, why) in [
        ("heeds_cancel", "pass", ""),
        ("quick_cancel", "n/a", "a longer one shows it"),
        ("none", "n/a", "it says `none`"),
    ] {
        let sandbox = Sandbox::new();
        let plugin = sandbox.wrong(fault, "input");
        let (seen, report) = report(&sandbox, &[&plugin]);
        let found = rule(&report, "CANC-2");
        assert_eq!(found["verdict"], verdict, "{fault}: {seen}");
        let text = found["why"].as_str().unwrap_or_default();
        assert!(text.contains(why), "{fault}: {text}");
    }
}

#[test]
fn what_is_being_played_is_told_before_it_is_played_and_in_words() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("none", "input");
    let parts = [
        "a whole life",
        "a hook that is cancelled",
        "a host without features",
    ];
    sandbox.opsbox(&["plugin", "test", &plugin, "-v"]).says(&parts);
}

#[test]
fn a_hook_that_fails_for_want_of_its_world_is_not_taken_for_a_broken_rule() {
    let sandbox = Sandbox::new();
    // An error is an answer like any other.
    let plugin = sandbox.wrong("no_service", "input");
    let (seen, report) = report(&sandbox, &[&plugin]);
    assert_eq!(seen.code, Some(0), "{seen}");
    for id in ["HOOK-1", "RES-1", "LIFE-9"] {
        assert_eq!(rule(&report, id)["verdict"], "n/a", "{seen}");
        let why = rule(&report, id)["why"].as_str().unwrap();
        assert!(
            why.contains("cannot reach the service") && why.contains("--set"),
            "{why}"
        );
    }
}

#[test]
fn a_required_field_without_a_known_value_is_asked_for_and_then_used() {
    let sandbox = Sandbox::new();
    let program = super::wrong_plugin().display().to_string();
    let fields = "---[config.account]\ntype = \"string\"\npattern = \"^[0-9]{12}$\"\nrequired = true\n\
                  [config.region]\ntype = \"string\"\nrequired = true\n";
    sandbox.command("wanting", "input", &[&program, "none", "input"], fields);
    sandbox
        .opsbox(&["plugin", "test", "wanting"])
        .exits(2)
        .says(&["`account`", "`wanting`", "--set account=…"])
        .hides(&["`region`"]);
    let (seen, report) = report(&sandbox, &["wanting", "--set", "account=123456789012"]);
    assert_eq!(seen.code, Some(0), "{seen}");
    assert_eq!(report["summary"]["fail"], 0, "{seen}");
    sandbox
        .opsbox(&["plugin", "test", "wanting", "--set", "acount=1"])
        .exits(2)
        .says(&["`acount`", "did you mean `account`"]);
}

#[test]
fn a_secret_of_the_author_is_found_and_never_shown() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("logs_secret", "input");
    let set = ["--set", "wrong_token=correct-horse"];
    let args = ["plugin", "test", &plugin, "--junit", "report.xml", set[0], set[1]];
    sandbox
        .opsbox(&args)
        .exits(1)
        .prints(&[
            "fail CONF-2: the secret `wrong_token` stands in a `log`",
            "<secret>",
        ])
        .hides(&["correct-horse"]);
    assert!(!sandbox.read("work/report.xml").contains("correct-horse"));
    report(&sandbox, &[&plugin, set[0], set[1]])
        .0
        .hides(&["correct-horse"]);
}

#[test]
fn the_users_own_settings_do_not_reach_a_plugin_under_test() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("prints_secret", "input");
    sandbox.write("home/.opsbox.json", r#"{"wrong_token": "token-of-the-home"}"#);
    let seen = sandbox.opsbox_with(
        &[
            ("WRONG_TOKEN", "token-of-a-variable"),
            ("OPSBOX_SET_WRONG_TOKEN", "token-set"),
        ],
        &["plugin", "test", &plugin, "--json"],
    );
    assert!(
        rule(&seen.json(), "CONF-2")["why"]
            .as_str()
            .unwrap()
            .contains("stderr"),
        "{seen}"
    );
    seen.exits(1).hides(&["token-of", "token-set"]);
}

#[test]
fn a_sample_that_is_no_result_is_refused_before_anything_starts() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("none", "assistant");
    sandbox.write("work/sample.json", r#"[{"relates_to": "a"}]"#);
    sandbox
        .opsbox(&["plugin", "test", &plugin, "--sample", "sample.json"])
        .exits(2)
        .says(&[
            "sample.json",
            "place 0",
            "`result_name`",
            "hint: it holds a Result",
        ]);
}

#[test]
fn a_rego_check_without_code_is_referred_to_its_own_tests() {
    Sandbox::new()
        .opsbox(&["plugin", "test", "exposed_ports"])
        .exits(2)
        .says(&["`exposed_ports`", "opsbox check test"]);
}

#[test]
fn nothing_is_left_in_the_users_folders() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.wrong("writes_early", "output");
    report(&sandbox, &[&plugin]);
    let left = |folder: &str| std::fs::read_dir(sandbox.path(folder)).unwrap().count();
    assert_eq!((left("work"), left("tmp")), (0, 0));
}

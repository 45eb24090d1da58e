//! Nothing that was not looked at ends as clean: gaps from odd places, rules that decide on what is missing, steps that are held up.

use crate::support::{Sandbox, result, step};

const NOTHING: &str = "result='[]'";

fn findings(name: &str) -> String {
    format!("result='[{}]'", result("x", name, "[{}]"))
}

#[test]
fn a_gap_reported_while_a_plugin_gets_ready_counts_for_its_first_answer() {
    let sandbox = Sandbox::new();
    let connect = "gap regions 'region eu-west-9' 'access denied'; result='{}'";
    sandbox.shell(
        "look",
        "input",
        &[("activate", connect), ("process", NOTHING)],
        "",
    );
    sandbox
        .opsbox(&["run", "look-json_out", "-o", "record.json"])
        .exits(4)
        .says(&["incomplete look", "region eu-west-9: access denied"]);
    assert_eq!(step(&sandbox.record(), "look")["status"], "incomplete");
}

#[test]
fn a_gap_that_cannot_be_read_or_names_no_open_call_still_is_a_gap() {
    let cases = [
        r#"say '{"jsonrpc":"2.0","method":"gap","params":{"id":3,"what":"no reason"}}'"#,
        r#"say '{"jsonrpc":"2.0","method":"gap","params":{"id":"3","what":"w","why":"y"}}'"#,
        r#"say '{"jsonrpc":"2.0","method":"gap","params":{"id":4711,"what":"w","why":"y"}}'"#,
    ];
    for gap in cases {
        let sandbox = Sandbox::new();
        sandbox.shell("look", "input", &[("process", &format!("{gap}; {NOTHING}"))], "");
        let seen = sandbox
            .opsbox(&["run", "look-json_out", "-q", "-o", "record.json"])
            .exits(4);
        assert_eq!(
            step(&sandbox.record(), "look")["status"],
            "incomplete",
            "{gap}\n{seen}"
        );
    }
}

#[test]
fn whether_a_check_applies_is_unknown_where_what_decides_it_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.provider(
        "source",
        r#"{"disks":[]}"#,
        "gap disks 'the disk /data' 'permission denied'",
    );
    let policy = "package full\napplies := count(input.disks) > 0\ndetails := []\n";
    sandbox.rego("full", "source", policy, "");
    sandbox
        .opsbox(&["run", "full-json_out", "-o", "record.json"])
        .exits(1)
        .says(&["the disk /data"]);
    assert_eq!(step(&sandbox.record(), "full")["status"], "unknown");
}

#[test]
fn what_a_plugin_makes_of_a_policys_findings_is_what_counts() {
    for (policy_finds, plugin_reports, status) in [("[]", "[{}]", "findings"), ("[{}]", "[]", "clean")] {
        let sandbox = Sandbox::new();
        sandbox.provider("source", "{}", "");
        let policy = format!("package own\ndetails := {policy_finds}\n");
        let report = format!("result='{}'", result("x", "own", plugin_reports));
        sandbox.rego(
            "own",
            "source",
            &policy,
            "---[run]\ncommand = [\"sh\", \"./plugin.sh\"]\n",
        );
        sandbox.shell_plugin("own", &[("report_findings", &report)]);
        let seen = sandbox
            .opsbox(&["run", "own-json_out", "-o", "record.json"])
            .exits(0);
        assert_eq!(step(&sandbox.record(), "own")["status"], status, "{seen}");
    }
}

#[test]
fn a_plugin_that_lacks_the_hook_of_its_type_fails_its_handshake() {
    let sandbox = Sandbox::new();
    sandbox.shell("look", "input", &[], "");
    sandbox.input("good", &[result("x", "good", "[]")]);
    sandbox
        .opsbox(&["run", "look,good-json_out", "-o", "record.json"])
        .exits(4)
        .says(&["look", "does not implement `process`"]);
    assert_eq!(step(&sandbox.record(), "look")["status"], "failed");
}

#[test]
fn fail_fast_stops_the_checks_that_wait_for_their_turn() {
    let sandbox = Sandbox::new();
    sandbox.shell("bad", "input", &[("process", "fail 'no luck'")], "");
    let noted = format!("echo x >> \"$OPSBOX_PLUGIN_HOME/called\"; {}", findings("late"));
    for name in ["late1", "late2", "late3", "late4"] {
        sandbox.shell(name, "input", &[("process", &noted)], "");
    }
    let pipeline = "bad,late1,late2,late3,late4-json_out";
    let args = ["run", pipeline, "--jobs", "1", "--fail-fast", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(1);
    let record = sandbox.record();
    for name in ["late1", "late2", "late3", "late4"] {
        assert!(
            !sandbox.path(&format!("plugins/{name}/called")).exists(),
            "{name} was called\n{seen}"
        );
        assert_eq!(step(&record, name)["skipped"]["reason"], "blocked", "{seen}");
    }
}

#[test]
fn a_misspelt_field_of_a_pipelines_own_table_is_no_silent_default() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "work/opsbox.toml",
        "[pipelines]\nnightly = { pipeline = \"disk_space-json_out\", set = { disk_used_percnt = 10 } }\n",
    );
    sandbox.opsbox(&["run", "nightly"]).exits(2).says(&[
        "`disk_used_percnt`",
        "did you mean `disk_used_percent`",
        "[pipelines.nightly]",
    ]);
}

#[test]
fn doctor_names_what_needs_python_where_there_is_none() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "plugins/old/manifest.toml",
        "[info]\nname = \"old\"\nmodule = \"old\"\nclass_name = \"Old\"\ntype = \"input\"\n",
    );
    sandbox.write("plugins/old/old.py", "class Old:\n    pass\n");
    let args = ["plugins", "doctor"];
    let seen = sandbox.finish(&args, sandbox.binary(&args).env("PATH", sandbox.path("tmp")));
    seen.exits(2)
        .prints(&["these plugins need a Python interpreter: old"]);
}

/// Adds an input that makes one Result of its own name, and an output that knows nothing of `steps` and keeps what it is sent.
fn partly(sandbox: &Sandbox, checks: &[(&str, &str, &str)]) {
    for (name, gap, details) in checks {
        let process = format!("{gap}; result='[{}]'", result("x", name, details));
        sandbox.shell(name, "input", &[("process", &process)], "");
    }
    let keep = "printf '%s\\n' \"$line\" >>send.sent; result='{}'";
    sandbox.shell("send", "output", &[("process_results", keep)], "");
}

const GAP: &str = "gap disks 'the disk /data' 'permission denied'";

#[test]
fn an_empty_result_of_a_check_that_saw_only_part_reaches_no_output_as_nothing_found() {
    let sandbox = Sandbox::new();
    partly(
        &sandbox,
        &[("part", GAP, "[]"), ("whole", ":", "[]"), ("found", GAP, "[{}]")],
    );
    sandbox
        .opsbox(&["run", "part,whole,found-send,json_out,text_out"])
        .exits(4)
        .says(&[
            "`send` is not given the empty `x/part`",
            "no file for the empty `x/part`",
            "the disk /data",
        ]);
    let sent = sandbox.read("work/send.sent");
    for (name, is_there) in [("whole", true), ("found", true), ("part", false)] {
        assert_eq!(
            sent.contains(&format!("\"result_name\":\"{name}\"")),
            is_there,
            "{sent}"
        );
        for ending in ["json", "txt"] {
            let file = sandbox.path(&format!("work/findings/x/{name}.{ending}"));
            assert_eq!(file.exists(), is_there, "{}", file.display());
        }
    }
}

#[test]
fn a_whole_check_of_the_same_name_keeps_its_all_clear_and_assistants_lose_no_mark() {
    let sandbox = Sandbox::new();
    partly(&sandbox, &[("part", GAP, "[]"), ("other", GAP, "[]")]);
    let process = format!("result='[{}]'", result("x", "part", "[]"));
    sandbox.shell("whole", "input", &[("process", &process)], "");
    sandbox
        .opsbox(&["run", "part,other,whole-send"])
        .exits(4)
        .says(&["`send` is not given the empty `x/part` and 1 more"]);
    let sent = sandbox.read("work/send.sent");
    assert_eq!(sent.matches("\"result_name\":\"part\"").count(), 1, "{sent}");
    assert!(!sent.contains("\"other\""), "{sent}");
    // An assistant hands both of a name on; which is which cannot be told any more, but `other` can.
    std::fs::remove_file(sandbox.path("work/send.sent")).unwrap();
    sandbox
        .opsbox(&["run", "part,other,whole-sort_severity-send"])
        .exits(4)
        .says(&["`send` is not given the empty `x/other`"]);
    assert!(!sandbox.read("work/send.sent").contains("\"other\""));
    // Nor are they given when they are delivered again.
    std::fs::remove_file(sandbox.path("work/send.sent")).unwrap();
    sandbox
        .opsbox(&["deliver", "last", "--to", "send", "--again"])
        .exits(4)
        .says(&["`send` is not given the empty `x/other`"]);
    assert!(!sandbox.read("work/send.sent").contains("\"other\""));
}

#[test]
fn of_more_such_results_than_a_record_names_none_is_given() {
    let sandbox = Sandbox::new();
    let many = "n=0; all=; while [ $n -lt 1005 ]; do all=\"$all,{\\\"relates_to\\\":\\\"x\\\",\\\"result_name\\\":\\\"r$n\\\",\\\"result_description\\\":\\\"\\\",\\\"details\\\":[],\\\"formatted\\\":\\\"\\\"}\"; n=$((n+1)); done";
    let process = format!("{GAP}; {many}; result=\"[${{all#,}}]\"");
    sandbox.shell("many", "input", &[("process", &process)], "");
    let keep = "printf '%s\\n' \"$line\" >>send.sent; result='{}'";
    sandbox.shell("send", "output", &[("process_results", keep)], "");
    sandbox.opsbox(&["run", "many-send,json_out"]).exits(4);
    assert!(!sandbox.path("work/send.sent").exists());
    assert!(!sandbox.path("work/findings/x").exists());
}

#[test]
fn an_output_for_which_only_such_results_are_left_is_not_called() {
    let sandbox = Sandbox::new();
    partly(&sandbox, &[("part", GAP, "{\"old\":[]}")]);
    sandbox
        .opsbox(&["run", "part-send", "-o", "record.json"])
        .exits(1)
        .says(&["`send` is not given the empty `x/part`"]);
    assert!(!sandbox.path("work/send.sent").exists());
    let record = sandbox.record();
    assert_eq!(step(&record, "send")["status"], "skipped", "{record:#}");
}

#[test]
fn long_texts_of_gaps_and_errors_are_cut_as_those_of_logs_are() {
    let sandbox = Sandbox::new();
    let long = "long=$(head -c 100000 /dev/zero | tr '\\0' x)";
    let gap = format!("{long}; gap disks \"$long\" \"$long\"; {NOTHING}");
    sandbox.shell("look", "input", &[("process", &gap)], "");
    let hint = r#"say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-33008,\"message\":\"$long\",\"data\":{\"hint\":\"$long\"}}}""#;
    sandbox.shell("fails", "input", &[("process", &format!("{long}; {hint}"))], "");
    sandbox
        .opsbox(&["run", "look,fails-cli_out", "-o", "record.json"])
        .exits(4);
    let record = sandbox.record();
    let gap = &step(&record, "look")["gaps"][0];
    let error = &step(&record, "fails")["errors"][0];
    for text in [&gap["what"], &gap["why"], &error["message"], &error["hints"][0]] {
        let text = text.as_str().unwrap();
        assert!(
            text.contains("xxx") && text.ends_with('…'),
            "{} bytes",
            text.len()
        );
        assert!(text.len() < 9_000, "{} bytes", text.len());
    }
}

//! `opsbox deliver`: Results go out again, nothing is gathered again, and nobody gets them twice unasked.

use super::{folders, input, last, output, ran, sent, step};
use crate::support::Sandbox;

/// A pipeline of which one output of two failed.
fn failed() -> Sandbox {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    input(&sandbox, "b");
    output(&sandbox, "good");
    output(&sandbox, "bad");
    sandbox.write("work/bad.broken", "");
    let seen = sandbox.opsbox(&["run", "a,b-good,bad"]).exits(4);
    let id = last(&sandbox)["run"].as_str().unwrap().to_owned();
    seen.says(&[&format!("`opsbox deliver {id} --to bad` sends it again")]);
    sandbox
}

fn mend(sandbox: &Sandbox, name: &str) {
    std::fs::remove_file(sandbox.path(&format!("work/{name}.broken"))).unwrap();
}

#[test]
fn what_failed_gets_the_same_bytes_and_the_rest_nothing() {
    let sandbox = failed();
    mend(&sandbox, "bad");
    sandbox
        .opsbox(&["deliver", "last"])
        .exits(0)
        .says(&["2 checks: 2 with findings", "1 of 1 output delivered"]);
    assert_eq!(sent(&sandbox, "bad"), sent(&sandbox, "good"));
    assert_eq!(
        (ran(&sandbox, "a"), ran(&sandbox, "b"), ran(&sandbox, "good")),
        (1, 1, 1)
    );
    let shown = last(&sandbox);
    assert_eq!(
        shown["delivered"],
        serde_json::json!({"good": "yes", "bad": "yes"})
    );
    assert_eq!(shown["deliveries"][0]["exit_code"], 0);
    assert_eq!(step(&shown["deliveries"][0], "bad")["status"], "clean");
    sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(0)
        .prints(&["delivery 1 at", "bad clean"]);
    // Once more has nothing to do, and says so.
    sandbox
        .opsbox(&["deliver", "last"])
        .exits(0)
        .says(&["every output of run", "--again"]);
    assert_eq!(ran(&sandbox, "bad"), 2);
}

#[test]
fn a_delivery_that_fails_again_is_recorded_and_can_be_tried_again() {
    let sandbox = failed();
    let seen = sandbox
        .opsbox(&["deliver", "last", "-o", "record.json"])
        .exits(1)
        .says(&["no network"]);
    let record = sandbox.record();
    let id = record["delivery_of"].as_str().unwrap();
    let again = format!("`opsbox deliver {id} --to bad` sends it again");
    seen.says(&[&again]);
    assert_eq!(
        (&record["outcome"], &record["kept"]),
        (&"failed".into(), &true.into())
    );
    mend(&sandbox, "bad");
    sandbox.opsbox(&["deliver", id]).exits(0);
    let numbers: Vec<_> = last(&sandbox)["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["exit_code"].clone())
        .collect();
    assert_eq!(numbers, [1, 0]);
    assert_eq!(folders(&sandbox).len(), 1);
}

#[test]
fn nobody_is_sent_twice_unless_asked_to() {
    let sandbox = failed();
    sandbox
        .opsbox(&["deliver", "last", "--to", "good"])
        .exits(2)
        .says(&["`good` has delivered run", "--to good --again"]);
    assert_eq!(ran(&sandbox, "good"), 1);
    sandbox
        .opsbox(&["deliver", "last", "--to", "good", "--again"])
        .exits(0);
    let sent = sent(&sandbox, "good");
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[test]
fn an_output_that_was_not_in_the_pipeline_is_configured_and_gets_all() {
    let sandbox = failed();
    sandbox
        .opsbox(&[
            "deliver",
            "last",
            "--to",
            "json_out",
            "--set",
            "json_out.output_folder=found",
        ])
        .exits(0);
    assert_eq!(std::fs::read_dir(sandbox.path("work/found")).unwrap().count(), 2);
    sandbox
        .opsbox(&["deliver", "last", "--to", "nobody"])
        .exits(2)
        .says(&["`nobody`"]);
    sandbox
        .opsbox(&["deliver", "last", "--to", "a"])
        .exits(2)
        .says(&["`a` is of type input"]);
    sandbox
        .opsbox(&["deliver", "nothing"])
        .exits(2)
        .says(&["no kept run has the id `nothing`", "runs list"]);
}

#[test]
fn an_output_that_delivered_part_is_sent_again_only_by_name() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    let deliver = super::noted("partly", "gap messages \"message 2\" \"refused\"; result='{}'");
    sandbox.shell("partly", "output", &[("process_results", &deliver)], "");
    let seen = sandbox.opsbox(&["run", "a-partly"]).exits(4);
    seen.says(&["--to partly` sends it again"]);
    assert_eq!(last(&sandbox)["delivered"]["partly"], "partly");
    sandbox.opsbox(&["deliver", "last"]).exits(2).says(&[
        "may have what run",
        "or part of it",
        "--to partly",
    ]);
    sandbox.opsbox(&["run", "--resume", "last"]).exits(4);
    assert_eq!(ran(&sandbox, "partly"), 1);
    sandbox.opsbox(&["deliver", "last", "--to", "partly"]).exits(4);
    assert_eq!(ran(&sandbox, "partly"), 2);
}

#[test]
fn an_output_that_died_after_it_began_is_sent_again_only_by_name() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    let deliver = super::noted("dies", "exit 3");
    sandbox.shell("dies", "output", &[("process_results", &deliver)], "");
    sandbox.opsbox(&["run", "a-dies"]).exits(1);
    for _ in 0..2 {
        assert_eq!(last(&sandbox)["delivered"]["dies"], "unclear");
        sandbox.opsbox(&["deliver", "last"]).exits(2).says(&[
            "may have what run",
            "it or the host ended",
            "--to dies",
        ]);
        sandbox
            .opsbox(&["run", "--resume", "last"])
            .exits(1)
            .says(&["so it may have it", "--to dies"]);
    }
    assert_eq!(ran(&sandbox, "dies"), 1);
    sandbox.opsbox(&["deliver", "last", "--to", "dies"]).exits(1);
    assert_eq!(ran(&sandbox, "dies"), 2);
}

#[test]
fn a_run_that_was_not_whole_stays_so() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    sandbox.fault("broken", "input", "error", "");
    output(&sandbox, "out");
    sandbox.write("work/out.broken", "");
    sandbox.opsbox(&["run", "a,broken-out"]).exits(1);
    mend(&sandbox, "out");
    sandbox
        .opsbox(&["deliver", "last"])
        .exits(4)
        .says(&["no credentials found"]);
    assert_eq!(sent(&sandbox, "out").len(), 1);
    // An output that wants to know sees how the checks had ended.
    sandbox
        .opsbox(&["deliver", "last", "--to", "cli_out"])
        .exits(4)
        .prints(&["broken"]);
}

#[test]
fn assistants_are_not_asked_again_and_what_they_made_is_delivered() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    let made = crate::support::result("assistant", "made", "[]");
    sandbox.write("plugins/helper/answer.json", &format!("[{made}]"));
    let answer = super::noted("helper", "result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")");
    sandbox.shell("helper", "assistant", &[("process_input", &answer)], "");
    output(&sandbox, "good");
    output(&sandbox, "bad");
    sandbox.write("work/bad.broken", "");
    sandbox.opsbox(&["run", "a-helper-good,bad"]).exits(4);
    mend(&sandbox, "bad");
    sandbox.opsbox(&["deliver", "last"]).exits(0);
    assert_eq!(ran(&sandbox, "helper"), 1);
    assert_eq!(sent(&sandbox, "bad"), sent(&sandbox, "good"));
    assert!(sent(&sandbox, "bad")[0].contains("\"made\""));
}

#[test]
fn a_provider_that_is_handed_on_is_kept_once_and_delivered() {
    let sandbox = Sandbox::new();
    sandbox.provider("data", "[{\"id\":\"only-once\"}]", "");
    output(&sandbox, "good");
    output(&sandbox, "bad");
    sandbox.write("work/bad.broken", "");
    sandbox.opsbox(&["run", "data-good,bad"]).exits(4);
    let holds = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap().contains("only-once");
    assert_eq!(
        super::files(&folders(&sandbox)[0])
            .iter()
            .filter(|path| holds(path))
            .count(),
        1
    );
    mend(&sandbox, "bad");
    sandbox.opsbox(&["deliver", "last"]).exits(0);
    assert_eq!(sent(&sandbox, "bad"), sent(&sandbox, "good"));
}

#[test]
fn a_damaged_step_is_named_and_nothing_is_delivered() {
    let sandbox = failed();
    mend(&sandbox, "bad");
    let file = step(&last(&sandbox), "a")["file"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    sandbox
        .opsbox(&["deliver", "last"])
        .exits(1)
        .says(&[&file, "damaged", "should have"]);
    assert_eq!(ran(&sandbox, "bad"), 1);
    sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(0)
        .prints(&["damaged"]);
    // Going on runs what is damaged again.
    sandbox.opsbox(&["run", "--resume", "last"]).exits(4);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "b")), (2, 1));
}

#[test]
fn a_damaged_record_is_named_and_costs_nothing_but_the_summary() {
    for text in ["", "{\"run\":", "garbage"] {
        let sandbox = failed();
        mend(&sandbox, "bad");
        let file = folders(&sandbox)[0].join("record.json");
        std::fs::write(&file, text).unwrap();
        let named = format!("the kept file `{}` is damaged", file.display());
        let shown = sandbox.opsbox(&["runs", "show", "last"]).exits(0);
        shown.prints(&["how it ended is not known", "is damaged", "opsbox deliver "]);
        assert!(last(&sandbox)["damage"][0].as_str().unwrap().starts_with(&named));
        sandbox.opsbox(&["runs", "list"]).exits(0).prints(&["damaged"]);
        let seen = sandbox.opsbox(&["deliver", "last"]).exits(0);
        seen.says(&["warning: ", &named])
            .hides(&["had not come to its end"]);
        assert_eq!(sent(&sandbox, "bad"), sent(&sandbox, "good"), "{text}");
        let before = ["a", "b"].map(|name| ran(&sandbox, name));
        sandbox
            .opsbox(&["run", "--resume", "last"])
            .exits(0)
            .says(&["warning: ", &named]);
        assert_eq!(["a", "b"].map(|name| ran(&sandbox, name)), before, "{text}");
    }
}

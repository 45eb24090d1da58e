//! `run --resume` and `run --replay`: what had ended whole is not done again.

use super::{input, last, output, ran, sent, step};
use crate::support::{Sandbox, Seen};

/// Adds an input that fails while `work/NAME.broken` is there.
fn fragile(sandbox: &Sandbox, name: &str) {
    let answer = format!("[{}]", crate::support::result(name, name, "[{\"id\":\"late\"}]"));
    sandbox.write(&format!("plugins/{name}/answer.json"), &answer);
    let work = "if [ -e NAME.broken ]; then fail \"not now\"; else result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\"); fi";
    let process = super::noted(name, &work.replace("NAME", name));
    sandbox.shell(name, "input", &[("process", &process)], "");
    sandbox.write(&format!("work/{name}.broken"), "");
}

fn mend(sandbox: &Sandbox, name: &str) {
    std::fs::remove_file(sandbox.path(&format!("work/{name}.broken"))).unwrap();
}

/// A run of which a check and the only output failed.
fn half_done() -> Sandbox {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    fragile(&sandbox, "late");
    output(&sandbox, "out");
    sandbox.write("work/out.broken", "");
    sandbox.opsbox(&["run", "a,late-out"]).exits(1);
    mend(&sandbox, "late");
    mend(&sandbox, "out");
    sandbox
}

fn resume(sandbox: &Sandbox, more: &[&str]) -> Seen {
    sandbox.opsbox(&[&["run", "--resume", "last", "-o", "record.json"], more].concat())
}

#[test]
fn only_what_was_not_whole_is_run_and_outputs_get_all() {
    let sandbox = half_done();
    let first = last(&sandbox)["run"].clone();
    resume(&sandbox, &["--progress", "plain"])
        .exits(0)
        .says(&[&format!("of run {}", first.as_str().unwrap())]);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "late")), (1, 2));
    let sent = sent(&sandbox, "out");
    assert!(sent[0].contains("1.50") && sent[0].contains("late"), "{sent:?}");
    let record = sandbox.record();
    assert_eq!(record["resumed_from"], first);
    assert_eq!(crate::support::step(&record, "a")["from_run"], first);
    assert!(crate::support::step(&record, "late")["from_run"].is_null());
    // The new run stands on its own: the old one may go.
    assert_ne!(record["run"], first);
    sandbox
        .opsbox(&["runs", "prune", first.as_str().unwrap()])
        .exits(0);
    sandbox
        .opsbox(&["deliver", "last", "--to", "out", "--again"])
        .exits(0);
    assert_eq!(super::sent(&sandbox, "out")[1], sent[0]);
    resume(&sandbox, &[]).exits(2).says(&["is whole", "deliver"]);
}

#[test]
fn an_output_that_delivered_is_not_sent_what_it_has() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "good");
    output(&sandbox, "bad");
    sandbox.write("work/bad.broken", "");
    sandbox.opsbox(&["run", "a-good,bad"]).exits(4);
    mend(&sandbox, "bad");
    resume(&sandbox, &[]).exits(0);
    assert_eq!(
        (ran(&sandbox, "a"), ran(&sandbox, "good"), ran(&sandbox, "bad")),
        (1, 1, 2)
    );
    assert_eq!(sent(&sandbox, "bad"), sent(&sandbox, "good"));
}

#[test]
fn an_output_that_has_less_than_there_is_now_is_left_to_the_user() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    fragile(&sandbox, "late");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "a,late-out"]).exits(4);
    mend(&sandbox, "late");
    let seen = resume(&sandbox, &[]).exits(4);
    assert_eq!(ran(&sandbox, "out"), 1);
    let id = last(&sandbox)["run"].as_str().unwrap().to_owned();
    seen.says(&[
        "is not sent it twice",
        &format!("`opsbox deliver {id} --to out` delivers all"),
    ]);
    sandbox.opsbox(&["deliver", &id, "--to", "out"]).exits(0);
    assert!(sent(&sandbox, "out")[1].contains("late"));
}

#[test]
fn what_one_resume_refused_to_send_the_next_refuses_too() {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    fragile(&sandbox, "late");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "a,late-out"]).exits(4);
    let first = last(&sandbox)["run"].as_str().unwrap().to_owned();
    mend(&sandbox, "late");
    for _ in 0..3 {
        let seen = resume(&sandbox, &[]).exits(4);
        seen.says(&[&format!(
            "it has what run {first} brought, and is not sent it twice"
        )]);
        assert_eq!(last(&sandbox)["delivered"]["out"], "partly");
        sandbox.opsbox(&["deliver", "last"]).exits(2).says(&["--to out"]);
    }
    assert_eq!((ran(&sandbox, "out"), ran(&sandbox, "late")), (1, 2));
    sandbox.opsbox(&["deliver", "last", "--to", "out"]).exits(0);
    resume(&sandbox, &[]).exits(0);
    assert_eq!(ran(&sandbox, "out"), 2);
}

#[test]
fn a_plan_that_changed_is_refused_by_name_and_forced_on_request() {
    let sandbox = half_done();
    let manifest = sandbox.read("plugins/a/manifest.toml");
    sandbox.write("plugins/a/manifest.toml", &format!("{manifest}# changed\n"));
    resume(&sandbox, &[])
        .exits(2)
        .says(&["the manifest or the policy of `a` has changed", "--force"]);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "late")), (1, 1));
    resume(&sandbox, &["--force"]).exits(0);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "late")), (2, 2));
}

#[test]
fn another_version_another_pipeline_and_a_lost_plugin_are_named() {
    let sandbox = half_done();
    let manifest = sandbox.read("plugins/a/manifest.toml");
    sandbox.write(
        "plugins/a/manifest.toml",
        &manifest.replace("[info]", "[info]\nversion = \"2\""),
    );
    resume(&sandbox, &[])
        .exits(2)
        .says(&["`a` was of version none and is of version 2 now"]);
    resume(&sandbox, &["late-out"]).exits(2).says(&[
        "is of the pipeline `a,late-out`, not of `late-out`",
        "leave the pipeline out",
    ]);
    std::fs::remove_dir_all(sandbox.path("plugins/a")).unwrap();
    resume(&sandbox, &[]).exits(2).says(&["`a`"]);
    sandbox
        .opsbox(&["run", "--resume", "nothing"])
        .exits(2)
        .says(&["no kept run has the id `nothing`"]);
    sandbox
        .opsbox(&["run", "--resume", "last", "--replay", "last"])
        .exits(2);
    sandbox.opsbox(&["run", "--force", "a-out"]).exits(2);
    sandbox.opsbox(&["run"]).exits(2);
}

#[test]
fn a_field_that_is_another_now_is_warned_about() {
    let sandbox = Sandbox::new();
    let fields =
        "---[config.region]\ntype = \"string\"\n[config.api_token]\ntype = \"string\"\nwriteOnly = true\n";
    sandbox.fault("set_up", "input", "none", fields);
    output(&sandbox, "out");
    sandbox.write("work/out.broken", "");
    let run = [
        "run",
        "set_up-out",
        "--set",
        "region=eu",
        "--set",
        "api_token=first-secret",
    ];
    sandbox.opsbox(&run).exits(1);
    mend(&sandbox, "out");
    resume(
        &sandbox,
        &["--set", "region=us", "--set", "api_token=other-secret"],
    )
    .exits(0)
    .says(&["`set_up.region` was \"eu\" in run", "and is \"us\" now"])
    .hides(&["first-secret", "other-secret", "set_up.api_token"]);
}

#[test]
fn a_named_pipeline_goes_on_with_its_name() {
    let sandbox = half_done();
    sandbox.write("work/opsbox.toml", "[pipelines]\nnightly = \"a,late-out\"\n");
    sandbox.write("work/out.broken", "");
    sandbox.opsbox(&["run", "nightly"]).exits(1);
    sandbox.write("work/opsbox.toml", "[pipelines]\nnightly = \"a-out\"\n");
    resume(&sandbox, &[]).exits(2).says(&["`nightly` is `a-out` now"]);
    sandbox.write("work/opsbox.toml", "[pipelines]\nnightly = \"a,late-out\"\n");
    mend(&sandbox, "out");
    resume(&sandbox, &[]).exits(0);
    assert_eq!((ran(&sandbox, "a"), ran(&sandbox, "late")), (2, 2));
    std::fs::remove_file(sandbox.path("work/opsbox.toml")).unwrap();
    sandbox
        .opsbox(&[
            "run",
            "--resume",
            sandbox.record()["resumed_from"].as_str().unwrap(),
        ])
        .exits(2)
        .says(&["which is not this folder's"]);
}

#[test]
fn a_provider_that_is_whole_is_not_asked_again_and_one_with_gaps_is() {
    let sandbox = Sandbox::new();
    sandbox.provider("whole", "{\"n\": 1}", "");
    sandbox.provider(
        "holey",
        "{\"n\": 1}",
        "[ -e mended ] || gap regions \"region 9\" \"access denied\"",
    );
    for (check, provider) in [("on_whole", "whole"), ("on_holey", "holey")] {
        sandbox.rego(
            check,
            provider,
            &format!("package {check}\n\ndetails contains {{\"id\": \"f\"}} if input.n == 1\n"),
            "",
        );
    }
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "on_whole,on_holey-out"]).exits(4);
    sandbox.write("work/mended", "");
    resume(&sandbox, &[]).exits(4).says(&["is not sent it twice"]);
    let gathered = |name: &str| sandbox.read(&format!("work/{name}.gathered")).lines().count();
    assert_eq!((gathered("whole"), gathered("holey")), (1, 2));
    assert_eq!(step(&last(&sandbox), "on_holey")["status"], "findings");
}

#[test]
fn replayed_data_meets_new_policies_without_gathering() {
    let sandbox = Sandbox::new();
    sandbox.provider(
        "data",
        "{\"n\": 1.50}",
        "gap regions \"region 9\" \"access denied\"",
    );
    let policy =
        |id: &str| format!("package check\n\ndetails contains {{\"id\": \"{id}\"}} if input.n == 1.5\n");
    sandbox.rego("check", "data", &policy("before"), "");
    output(&sandbox, "out");
    sandbox.opsbox(&["run", "check-out"]).exits(4);
    let first = last(&sandbox)["run"].clone();
    sandbox.rego("check", "data", &policy("after"), "");
    let seen = sandbox
        .opsbox(&["run", "--replay", "last", "-o", "record.json"])
        .exits(4);
    seen.says(&["region 9: access denied"]);
    assert_eq!(sandbox.read("work/data.gathered").lines().count(), 1);
    assert!(
        sent(&sandbox, "out")[1].contains("after"),
        "{:?}",
        sent(&sandbox, "out")
    );
    assert_eq!(sandbox.record()["replayed_from"], first);
    sandbox.provider("other", "[]", "");
    sandbox
        .opsbox(&["run", "--replay", "last", "other-out"])
        .exits(2)
        .says(&["has nothing of the provider `other`"]);
}

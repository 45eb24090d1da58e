//! One call by hand.

use super::traced;

#[test]
fn a_call_by_hand_prints_the_result_and_nothing_else_to_stdout() {
    let (sandbox, _) = traced();
    sandbox.write("work/params.json", "{ \"data\": [ ] }\n");
    let call = |more: &[&str]| sandbox.opsbox(&[&["plugin", "call", "talk"], more].concat());
    let secrets = [
        "--set",
        "api_token=s3cret-token",
        "--params",
        "params.json",
        "--trace",
        "by_hand",
    ];
    let seen = call(&[&["process"], &secrets[..]].concat()).exits(4);
    assert_eq!(seen.json()[0]["details"][0]["token"], "s3cret-token", "{seen}");
    let trace = sandbox.read("work/by_hand/talk.jsonl");
    assert!(
        trace.contains(r#"\"method\":\"process\",\"params\":{\"data\":[]}}"#),
        "{trace}"
    );
    assert!(!trace.contains("s3cret-token"), "{trace}");
    let seen = seen.says(&["could not look at here", "on stderr: <secret>"]);
    assert!(!seen.stderr.contains("s3cret-token"), "{seen}");
    let schema = call(&["grab_config"]).exits(0).json();
    assert_eq!(schema["properties"]["pin"]["writeOnly"], true, "{schema:#}");
}

#[test]
fn a_call_by_hand_says_what_is_wrong_with_hook_parameters_and_plugin() {
    let (sandbox, _) = traced();
    let call = |more: &[&str]| sandbox.opsbox(&[&["plugin", "call"], more].concat());
    call(&["talk", "gather_data"])
        .exits(2)
        .says(&["`talk` has no hook `gather_data`", "it lists set_data, process"]);
    sandbox.write("work/list.json", "[]");
    call(&["talk", "process", "--params", "list.json"])
        .exits(2)
        .says(&["`--params list.json`: a JSON object is expected"]);
    call(&["talk", "process", "--set", "pin=x"])
        .exits(2)
        .says(&["pin"]);
    call(&["disk_space", "process"])
        .exits(2)
        .says(&["has no program", "opsbox check eval disk_space"]);
    call(&["nowhere", "process"])
        .exits(2)
        .says(&["nowhere", "opsbox plugins list"]);
    let failing = sandbox.read("plugins/talk/plugin.sh").replace(
        "gap regions here",
        "fail s3cret-token; continue; gap regions here",
    );
    sandbox.write("plugins/talk/plugin.sh", &failing);
    call(&["talk", "process", "--set", "api_token=s3cret-token"])
        .exits(1)
        .says(&["<secret>"])
        .hides(&["s3cret-token"]);
}

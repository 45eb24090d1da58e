//! What authors are told who name something wrong, forget a secret, or call a plugin that has gaps.

use crate::support::Sandbox;

#[test]
fn a_gap_of_a_call_by_hand_says_what_to_do_about_it() {
    let sandbox = Sandbox::new();
    let gap = r#"say "{\"jsonrpc\":\"2.0\",\"method\":\"gap\",\"params\":{\"id\":$id,\"what\":\"/etc/shadow\",\"why\":\"permission denied\",\"remedy\":\"run as root\"}}""#;
    sandbox.provider("source", "{}", gap);
    sandbox
        .opsbox(&["plugin", "call", "source", "gather_data"])
        .exits(4)
        .says(&["`source` could not look at /etc/shadow: permission denied (run as root)"]);
    sandbox
        .opsbox(&["plugin", "call", "--help"])
        .exits(0)
        .prints(&["Exit code: 0 it answered, 4 "]);
}

#[test]
fn a_folder_without_a_manifest_is_told_as_such_with_those_below_it() {
    let sandbox = Sandbox::new();
    sandbox.provider("source", "{}", "");
    let plugins = sandbox.path("plugins").display().to_string();
    let below = format!("hint: below it there is `{plugins}/source/manifest.toml`");
    for command in [&["plugin", "test"][..], &["plugin", "call"]] {
        let mut args = [command, &[&plugins]].concat();
        if command[1] == "call" {
            args.push("gather_data");
        }
        sandbox
            .opsbox(&args)
            .exits(2)
            .says(&["there is no `manifest.toml` in the folder `", &below])
            .hides(&["not found", "Python"]);
    }
    sandbox
        .opsbox(&["plugin", "test", "./nowhere"])
        .exits(2)
        .says(&["there is no `", "nowhere`", "hint: name a manifest"])
        .hides(&["Python"]);
    sandbox
        .opsbox(&["plugin", "test", "sourc"])
        .exits(2)
        .says(&["plugin `sourc` not found", "did you mean `source`?"]);
}

#[test]
fn a_file_that_the_command_names_and_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    sandbox.command("lost", "input", &["sh", "./nowhere.sh"], "");
    sandbox.opsbox(&["plugin", "test", "lost"]).exits(1).prints(&[
        "mend  there is no `./nowhere.sh` in the folder of ",
        "`sh ./nowhere.sh`",
    ]);
}

#[test]
fn a_replay_names_the_secrets_that_it_could_not_send() {
    let sandbox = Sandbox::new();
    let secret = "case $line in *'\"key\":\"s3cret-value\"'*) result='[]' ;; *) fail 'no way in' ;; esac";
    let keep = "kept=$line; result='{}'";
    let work = secret.replace("$line", "$kept");
    let fields = "---[config.key]\ntype = \"string\"\nwriteOnly = true\n";
    let hooks = [("set_data", keep), ("process", &*work)];
    sandbox.shell("locked", "input", &hooks, fields);
    sandbox
        .opsbox_with(
            &[("OPSBOX_SET_KEY", "s3cret-value")],
            &["run", "locked-json_out", "--trace", "trace"],
        )
        .exits(0);
    let replay = ["plugin", "replay", "trace/locked.jsonl", "locked"];
    sandbox.opsbox(&replay).exits(1).prints(&[
        "`key` was sent as the text `<secret>`, since a trace holds no secrets",
        "give what it was: `--set key=…`",
    ]);
    let seen = sandbox.opsbox(&[&replay[..], &["--json"]].concat()).exits(1);
    assert_eq!(seen.json()["unfilled"], serde_json::json!(["key"]));
    sandbox
        .opsbox(&[&replay[..], &["--set", "key=s3cret-value"]].concat())
        .exits(0)
        .hides(&["was sent as the text"]);
}

#[test]
fn one_argument_too_many_is_told_as_such() {
    Sandbox::new()
        .opsbox(&["plugin", "trace", "show", "a.jsonl", "b.jsonl"])
        .exits(2)
        .says(&["`b.jsonl` is one argument too many", "opsbox plugin trace show"]);
}

#[test]
fn what_a_value_must_be_is_told_in_plain_words() {
    let sandbox = Sandbox::new();
    let fields = "---[config.name]\ntype = \"string\"\nminLength = 1\n[config.size]\ntype = \"integer\"\nmaximum = 9\n";
    sandbox.shell("look", "input", &[("process", "result='[]'")], fields);
    let set = ["--set", "name=", "--set", "size=10"];
    sandbox
        .opsbox(&[&["run", "look-cli_out"][..], &set].concat())
        .exits(2)
        .says(&[
            "`name` must not be empty; found",
            "`size` must be at most 9; found `10`",
        ]);
}

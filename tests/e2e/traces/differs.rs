//! What a replay takes for a difference, within what bounds it listens, and what it gives and shows of secrets.

use super::SECRETS;
use crate::support::{Sandbox, result};

/// A sandbox with a trace of an input that answers with `plugins/says/answer.json`, at first with these details.
fn says(details: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.input("says", &[result("says", "says", details)]);
    sandbox
        .opsbox(&["run", "says-json_out", "--trace", "traces"])
        .exits(0);
    sandbox
}

fn replayed(sandbox: &Sandbox, plugin: &str, more: &[&str]) -> crate::support::Seen {
    let trace = format!("traces/{plugin}.jsonl");
    sandbox.opsbox(&[&["plugin", "replay", &trace, plugin], more].concat())
}

#[test]
fn half_of_a_surrogate_pair_is_compared_like_any_other_character() {
    let sandbox = says(r#"{"file":"caf\udce9","n":1}"#);
    replayed(&sandbox, "says", &[])
        .exits(0)
        .prints(&["2 process", "as before"]);
    let answer = sandbox.read("plugins/says/answer.json");
    sandbox.write("plugins/says/answer.json", &answer.replace("\"n\":1", "\"n\":2"));
    replayed(&sandbox, "says", &[])
        .exits(1)
        .prints(&["/0/details/n", "then  1", "now   2"]);
    sandbox.write("plugins/says/answer.json", &answer.replace("udce9", "udcea"));
    replayed(&sandbox, "says", &[])
        .exits(1)
        .prints(&["/0/details/file", "caf\\\\udce9", "caf\\\\udcea"]);
}

#[test]
fn an_answer_that_cannot_be_read_is_a_difference_at_once() {
    let sandbox = says(r#"{"n":1}"#);
    sandbox.write("plugins/says/answer.json", "[{\"n\":oops}]");
    let seen = replayed(&sandbox, "says", &["--timeout", "5m"]).exits(1);
    seen.prints(&["2 process", "(the answer)", "oops"])
        .hides(&["stopped"]);
}

#[test]
fn what_a_plugin_asks_or_says_besides_now_is_a_difference() {
    let sandbox = says(r#"{"n":1}"#);
    let script = sandbox.read("plugins/says/plugin.sh");
    let now = |more: &str| {
        sandbox.write(
            "plugins/says/plugin.sh",
            &script.replace("process) ", &format!("process) {more}; ")),
        );
        replayed(&sandbox, "says", &[]).exits(1)
    };
    let request = r#"say '{"jsonrpc":"2.0","id":"x1","method":"host/call_hook","params":{"id":3,"plugin":"elsewhere"}}'"#;
    now(request).prints(&[
        "\"x1\" host/call_hook",
        "(the request)",
        "then  nothing",
        "elsewhere",
    ]);
    let twice = r#"say '{"jsonrpc":"2.0","id":1,"result":{}}'"#;
    now(twice).prints(&["(answers to nothing)/0", "1 difference"]);
    sandbox.write(
        "plugins/says/plugin.sh",
        &format!("{script}\nid=9\ngap end late \"too late\"\n"),
    );
    replayed(&sandbox, "says", &[]).exits(1).prints(&[
        "(after the last answer)",
        "(gaps and output)/0",
        "too late",
    ]);
}

#[test]
fn a_replay_listens_within_the_longest_line_that_the_host_allowed() {
    let sandbox = says(r#"{"n":1}"#);
    let trace = sandbox.read("work/traces/says.jsonl");
    let shorter = trace.replace("\\\"line_bytes\\\":268435456", "\\\"line_bytes\\\":4000");
    assert_ne!(trace, shorter);
    sandbox.write("work/traces/says.jsonl", &shorter);
    replayed(&sandbox, "says", &[]).exits(0);
    let script = sandbox.read("plugins/says/plugin.sh");
    let now = |more: &str| {
        sandbox.write(
            "plugins/says/plugin.sh",
            &script.replace("process) ", &format!("process) {more}; ")),
        );
        replayed(&sandbox, "says", &["--timeout", "5m", "--json"])
            .exits(1)
            .json()["stopped"]
            .to_string()
    };
    let endless = "tr '\\0' x </dev/zero >&3";
    assert!(now(endless).contains("no answer to `process`: it wrote a line of more than 4000 bytes"));
    let flood = "while :; do gap regions here why; done";
    assert!(now(flood).contains("it says more than 4000 bytes beside its answers"));
}

#[test]
fn a_plugin_that_reads_nothing_until_it_is_listened_to_is_played_to() {
    let sandbox = Sandbox::new();
    let details = format!("{{\"text\":\"{}\"}}", "x".repeat(3_000_000));
    sandbox.provider("data", &details, "");
    let hooks = [("activate", "result='{}'"), ("process", "result='[]'")];
    sandbox.shell("reads", "input", &hooks, "uses = [\"data\"]");
    let run = [
        "run",
        "reads-json_out",
        "--trace",
        "traces",
        "--trace-line",
        "8MiB",
    ];
    sandbox.opsbox(&run).exits(0);
    let script = sandbox.read("plugins/reads/plugin.sh");
    let chatter = "say \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":$id,\\\"result\\\":{}}\"; yes noise | head -n 1000000 >&3";
    let chatting = script.replace("activate) result='{}'", &format!("activate) {chatter}"));
    assert_ne!(script, chatting);
    sandbox.write("plugins/reads/plugin.sh", &chatting);
    replayed(&sandbox, "reads", &[]).exits(0);
}

#[test]
fn a_secret_is_given_in_the_type_of_its_field_and_shown_nowhere() {
    let sandbox = Sandbox::new();
    let set = "case $line in *'\"pin\":73519246,'*) result='{}' ;; *) fail 'a number is wanted' ;; esac";
    let process = "echo 'login with hunter22-value' >&2; result='[]'";
    sandbox.shell(
        "asks",
        "input",
        &[("set_data", set), ("process", process)],
        SECRETS,
    );
    let given = [
        "--set",
        "api_token=hunter22-value",
        "--set",
        "pin=73519246",
        "--set",
        "region=here",
    ];
    let run = ["run", "asks-json_out", "--trace", "traces"];
    sandbox.opsbox(&[&run[..], &given[..]].concat()).exits(0);
    replayed(&sandbox, "asks", &given).exits(0);
    replayed(&sandbox, "asks", &["--set", "pin=x"])
        .exits(2)
        .says(&["`pin` must be an integer; found <secret> in --set pin"]);
    let script = sandbox.read("plugins/asks/plugin.sh");
    let failing = "fail 'login with hunter22-value refused'";
    sandbox.write("plugins/asks/plugin.sh", &script.replace("result='[]'", failing));
    for more in [&["-v"][..], &["--json", "-v"]] {
        let seen = replayed(&sandbox, "asks", &[&given[..], more].concat()).exits(1);
        seen.prints(&["login with <secret> refused", "login with <secret>"])
            .hides(&["hunter22-value", "73519246"]);
    }
}

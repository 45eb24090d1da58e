//! What a handler may not do: come back to itself, speak for calls that are not open, call what it does not serve.

use crate::support::Sandbox;

#[test]
fn a_handler_that_calls_itself_is_refused_and_may_go_on() {
    let sandbox = Sandbox::new();
    let process = "call self scan '{}'; echo \"$answer\" >answers; result='[]'";
    sandbox.handler("self", &["scanner"], process, "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    assert!(
        answers.contains("-33012") && answers.contains("`self` calls `self`"),
        "{answers}\n{seen}"
    );
}

#[test]
fn only_partners_and_their_own_hooks_can_be_called() {
    let sandbox = Sandbox::new();
    let calls = [
        ("plain", "process"),
        ("json_uot", "process_results"),
        ("cert", "set_data"),
        ("cert", "scna"),
        ("facts", "lookup"),
        ("broken", "gather_data"),
    ];
    let calls =
        calls.map(|(plugin, hook)| format!("call {plugin} {hook} '{{}}'; echo \"$answer\" >>answers"));
    let process = format!("{}; result='[]'", calls.join("; "));
    sandbox.handler("asks", &["scanner"], &process, "uses = [\"facts\", \"broken\"]");
    sandbox.provider("facts", "{}", "");
    sandbox.shell("broken", "provider", &[("gather_data", "fail 'no network'")], "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    sandbox.input("plain", &[]);
    let seen = sandbox
        .opsbox(&["run", "cert,plain-json_out", "--timeout", "60s"])
        .exits(4);
    let answers = sandbox.read("work/answers");
    let lines: Vec<&str> = answers.lines().collect();
    let expected = [
        ["-32600", "plugin `plain` is run by the host itself"],
        ["-32602", "did you mean `json_out`?"],
        ["-32600", "`set_data` of plugin `cert` is for the host to call"],
        ["-32601", "plugin `cert` has no hook `scna`; it lists scan"],
        [
            "-32601",
            "plugin `facts` is a provider, of which only `gather_data` can be called",
        ],
        [
            "-33008",
            "provider `broken` brought no data: `gather_data` failed: no network",
        ],
    ];
    assert_eq!(lines.len(), expected.len(), "{answers}\n{seen}");
    for (line, texts) in lines.iter().zip(expected) {
        for text in texts {
            assert!(line.contains(text), "{line} lacks {text}\n{seen}");
        }
    }
}

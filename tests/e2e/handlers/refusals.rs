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

#[test]
fn what_is_no_name_of_a_hook_is_not_sent_on_to_a_plugin_that_has_any() {
    let sandbox = Sandbox::new();
    let hooks = ["", "$/cancel", "host/call_hook", "scan\\n\\\"}"];
    let calls = hooks.map(|hook| format!("call cert '{hook}' '{{}}'; echo \"$answer\" >>answers"));
    sandbox.handler(
        "asks",
        &["scanner"],
        &format!("{}; result='[]'", calls.join("; ")),
        "",
    );
    sandbox.shell(
        "cert",
        "scanner",
        &[
            ("scan", "result='[]'"),
            ("*", "echo \"$line\" >>reached; result='{}'"),
        ],
        "",
    );
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    assert_eq!(answers.lines().count(), hooks.len(), "{answers}\n{seen}");
    for answer in answers.lines() {
        assert!(
            answer.contains("-32602") && answer.contains("is neither an identifier nor `x-VENDOR/…`"),
            "{answer}"
        );
    }
    // The plugin's case for all hooks sees the life cycle too.
    let reached = sandbox.read("work/reached");
    let is_other = |line: &&str| !line.contains("\"activate\"") && !line.contains("\"shutdown\"");
    assert_eq!(reached.lines().filter(is_other).count(), 0, "{reached}\n{seen}");
}

/// Runs a handler that asks with this text in place of the member `params` and what follows it.
fn asked_badly(members: &str) -> (Sandbox, crate::support::Seen) {
    let sandbox = Sandbox::new();
    let process = format!("ask host/call_hook \"$id\" \"{members}\"; echo \"$answer\" >answers; result='[]'");
    sandbox.handler("asks", &["scanner"], &process, "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox.opsbox(&["run", "cert-json_out", "--timeout", "30s", "-o", "record.json"]);
    (sandbox, seen)
}

#[test]
fn a_request_that_nests_too_deep_is_answered() {
    let deep = "$(printf '{\"a\":%.0s' $(seq 140))1$(printf '}%.0s' $(seq 140))";
    let members = format!(",\\\"plugin\\\":\\\"cert\\\",\\\"hook\\\":\\\"scan\\\",\\\"params\\\":{deep}");
    let (sandbox, seen) = asked_badly(&members);
    let seen = seen
        .exits(0)
        .says(&["asks: sent a damaged message: a line nests 142 levels deep, 128 are allowed"]);
    let answer = sandbox.read("work/answers");
    assert!(
        answer.contains("\"id\":\"h1\"")
            && answer.contains("-32600")
            && answer.contains("nests 142 levels deep"),
        "{answer}\n{seen}"
    );
}

#[test]
fn a_request_that_is_too_long_is_answered() {
    let members = ",\\\"plugin\\\":\\\"cert\\\",\\\"hook\\\":\\\"scan\\\",\\\"params\\\":{\\\"a\\\":\\\"$(printf 'a%.0s' $(seq 9000))\\\"}";
    let sandbox = Sandbox::new();
    let process = format!("ask host/call_hook \"$id\" \"{members}\"; echo \"$answer\" >answers; result='[]'");
    let more = "---[handler]\nhandles = [\"scanner\"]\n[limits]\nline = \"4KiB\"\n";
    sandbox.shell("asks", "handler", &[("process_plugin", &process)], more);
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "30s"])
        .exits(0);
    let answer = sandbox.read("work/answers");
    assert!(
        answer.contains("\"id\":\"h1\"")
            && answer.contains("-32700")
            && answer.contains("a line of more than"),
        "{answer}\n{seen}"
    );
}

#[test]
fn a_request_that_cannot_be_answered_leaves_a_gap() {
    let sandbox = Sandbox::new();
    // Its id would stand after what is cut off.
    let process = "say '{\"jsonrpc\":\"2.0\",\"method\":\"host/call_hook\",\"params\":{'; result='[]'";
    sandbox.handler("asks", &["scanner"], process, "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "30s", "-o", "record.json"])
        .exits(4)
        .says(&["asks: sent a damaged message: not valid JSON"]);
    let step = crate::support::step(&sandbox.record(), "cert").clone();
    assert_eq!(step["status"], "incomplete", "{seen}");
    assert_eq!(
        step["gaps"][0]["what"], "something that it may have asked the host for",
        "{seen}"
    );
}

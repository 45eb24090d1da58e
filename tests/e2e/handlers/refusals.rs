//! What a handler may not do: come back to itself, speak for calls that are not open, call what it does not serve.

use crate::support::{Sandbox, step};

#[test]
fn a_call_that_would_come_back_to_its_handler_is_refused() {
    let sandbox = Sandbox::new();
    let back = |to: &str| {
        format!(
            "call {to} process_plugin '{{\"plugin\":{{\"name\":\"cert\"}},\"prior_results\":[]}}'; [ -n \"$result\" ] || {{ echo \"$answer\" >>answers; refused; }}"
        )
    };
    sandbox.handler("a", &["scanner"], &back("b"), "uses = [\"b\"]");
    sandbox.handler("b", &["other"], &back("a"), "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "60s", "-o", "record.json"])
        .exits(1)
        .says(&[
            "its handler `a`",
            "the call would come back to itself: `a` calls `b` calls `a`",
        ]);
    let answers = sandbox.read("work/answers");
    assert!(answers.contains("\"code\":-33012"), "{answers}\n{seen}");
    assert_eq!(step(&sandbox.record(), "cert")["status"], "failed", "{seen}");
}

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
fn requests_for_a_call_that_is_not_open_are_refused() {
    let sandbox = Sandbox::new();
    // The first call is over when the second one asks for it; the third number was never one.
    let process = "ask host/active_plugins 1 ''; echo \"$answer\" >>answers; [ -z \"$before\" ] || { ask host/active_plugins $before ''; echo \"$answer\" >>answers; }; \
                   before=$id; ask host/call_hook 77 ',\"plugin\":\"one\",\"hook\":\"scan\"'; echo \"$answer\" >>answers; \
                   ask host/stop $id ''; echo \"$answer\" >>answers; ask host/call_hook $id ''; echo \"$answer\" >>answers; result='[]'";
    sandbox.handler("asks", &["scanner"], process, "");
    for name in ["one", "two"] {
        sandbox.shell(name, "scanner", &[("scan", "result='[]'")], "");
    }
    let seen = sandbox
        .opsbox(&["run", "one,two-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 9, "{answers}\n{seen}");
    for line in [lines[0], lines[1], lines[4], lines[5], lines[6]] {
        let refused = line.contains("\"code\":-32600") && line.contains("is not open");
        assert!(refused, "{line}\n{seen}");
    }
    assert!(
        lines[2].contains("this host offers no method `host/stop`"),
        "{}",
        lines[2]
    );
    assert!(
        lines[3].contains("-32602") && lines[3].contains("`plugin` is missing"),
        "{}",
        lines[3]
    );
}

#[test]
fn a_plugin_that_is_no_handler_may_ask_nothing() {
    let sandbox = Sandbox::new();
    let process = "ask host/active_plugins \"$id\" ''; echo \"$answer\" >answers; result='[]'";
    sandbox.shell("curious", "input", &[("process", process)], "");
    let seen = sandbox
        .opsbox(&["run", "curious-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    assert!(
        answers.contains("-32600") && answers.contains("only handlers may ask"),
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

//! Cases 56, 61 and 62 of the faults: what plugins get, what they see, and what is seen of it.

use std::collections::BTreeSet;

use super::{field, no_file_holds, private, secret, spellings_in};
use crate::support::Sandbox;

/// A plugin that keeps what it was configured with in `work/NAME.set`.
const KEEPS: &str =
    "printf '%s' \"$line\" >NAME.set; rest=${line#*'_token\":\"'}; token=${rest%%'\"'*}; result='{}'";

/// What it lets out, in all ways that there are, before it fails.
const LEAKS: &str = r#"
b64() { printf '%s' "$1" | base64 | tr -d '\n'; }
filler() { head -c "$1" /dev/zero | tr '\0' x; }
log() { say "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"$1\",\"message\":\"$2\"}}"; }
url=$(printf '%s' "$token" | sed 's:/:%2F:g; s:+:%2B:g')
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' >proc.seen
for level in debug info warn error; do log $level "$level: $token $url $(b64 "$token") $(b64 "u:$token") $(b64 "us:$token")"; done
log warn "$(filler 8180)$token"
log warn "$(filler 9000)$token"
echo "to stderr: $token $(b64 "u:$token")"
echo "$(filler 65530)$token"
echo "$(filler 290)$token"
say "to stdout: $token"
say "$(filler 195)$token"
say "{\"jsonrpc\":\"2.0\",\"method\":\"$token\"}"
say "{\"jsonrpc\":\"2.0\",\"id\":\"$token\",\"result\":{}}"
say "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"$token\",\"message\":1}}"
say "{\"jsonrpc\":\"2.0\",\"method\":\"output\",\"params\":{\"text\":\"printed $token\\n\",\"stream\":\"stdout\"}}"
say "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":$id,\"done\":1,\"message\":\"at $token\"}}"
gap "$token" "region of $token" "refused $token"
"#;

/// How it ends: with an error that tells all.
const FAILS: &str = r#"say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-33008,\"message\":\"no login with $token\",\"data\":{\"hint\":\"try $url\",\"traceback\":\"Traceback: login('$token')\"}}}""#;

fn leaky(sandbox: &Sandbox, name: &str, then: &str) {
    let keeps = KEEPS.replace("NAME", name);
    let process = format!("{LEAKS}\n{then}");
    let hooks = [("set_data", keeps.as_str()), ("process", process.as_str())];
    sandbox.shell(name, "input", &hooks, &field(&format!("{name}_token")));
}

#[test]
fn case_56_a_secret_that_a_plugin_did_not_declare_does_not_reach_it() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        let keeps = KEEPS.replace("NAME", name);
        let hooks = [("set_data", keeps.as_str()), ("process", "result='[]'")];
        sandbox.shell(name, "input", &hooks, &field(&format!("{name}_token")));
    }
    let [one, two, nobody] = ["one", "two", "nobody"].map(secret);
    let config = format!("{{\"one_token\":\"{one}\",\"two_token\":\"{two}\",\"other_token\":\"{nobody}\"}}");
    private(&sandbox, "home/.opsbox.json", &config);
    sandbox
        .opsbox_with(
            &[("UNDECLARED_TOKEN", &nobody)],
            &["run", "one,two-cli_out", "-vv"],
        )
        .exits(0)
        .hides(&[&one, &two, &nobody]);
    let [of_one, of_two] = ["one", "two"].map(|name| sandbox.read(&format!("work/{name}.set")));
    assert!(of_one.contains(&one) && !of_one.contains(&two), "{of_one}");
    assert!(of_two.contains(&two) && !of_two.contains(&one), "{of_two}");
    no_file_holds(&sandbox.path(""), &nobody, &["home/.opsbox.json"]);
}

#[test]
fn case_61_a_plugin_sees_common_and_declared_variables_and_no_other() {
    let sandbox = Sandbox::new();
    let seen = "tr '\\0' '\\n' </proc/$$/environ | cut -d= -f1 >NAME.env; result='[]'";
    for (name, run) in [("plain", ""), ("declares", "---")] {
        let more = if run.is_empty() {
            ""
        } else {
            "---env = [\"AWS_*\", \"ONE_MORE\"]\n"
        };
        sandbox.shell(name, "input", &[("process", &seen.replace("NAME", name))], more);
    }
    let variables = [
        ("AWS_SESSION_TOKEN", "x"),
        ("ONE_MORE", "x"),
        ("ONE_MORE_2", "x"),
        ("LD_PRELOAD", ""),
        ("PYTHONPATH", "/nowhere"),
        ("OPSBOX_SET_REGION", "x"),
        ("LC_ALL", "C"),
    ];
    sandbox
        .opsbox_with(&variables, &["run", "plain,declares-cli_out"])
        .exits(0);
    let names = |name: &str| -> BTreeSet<String> {
        let text = sandbox.read(&format!("work/{name}.env"));
        // Shells add these to what they start themselves.
        let own = ["PWD", "OLDPWD", "SHLVL", "_"];
        text.lines()
            .filter(|line| !own.contains(line))
            .map(str::to_owned)
            .collect()
    };
    let common = [
        "HOME",
        "LC_ALL",
        "OPSBOX_PLUGIN",
        "OPSBOX_PLUGIN_HOME",
        "OPSBOX_PROTOCOL",
        "OPSBOX_RUN_ID",
        "PATH",
        "TMPDIR",
    ];
    let mut expected: BTreeSet<String> = common.map(str::to_owned).into();
    assert_eq!(names("plain"), expected);
    expected.extend(["AWS_SESSION_TOKEN", "ONE_MORE"].map(str::to_owned));
    assert_eq!(names("declares"), expected);
}

#[test]
fn case_62_no_secret_is_in_any_argument_variable_log_error_record_or_kept_run() {
    let sandbox = Sandbox::new();
    let secret = secret("streams");
    leaky(&sandbox, "leaky", FAILS);
    // Dies with the secret as its last words.
    leaky(&sandbox, "dying", "echo \"last words: $token\"; exit 3");
    sandbox.provider("data", "[{\"id\":\"x\"}]", "");
    sandbox.rego(
        "check",
        "data",
        "package check\n\ndetails contains {\"id\": \"f\"} if count(input) == 1\n",
        "",
    );
    let config = format!("{{\"leaky_token\":\"{secret}\",\"dying_token\":\"{secret}\"}}");
    private(&sandbox, "home/.opsbox.json", &config);
    let pipeline = "leaky,dying,check-json_out";
    for (args, code) in [
        (vec!["run", pipeline, "-vvv", "-o", "record.json"], 4),
        (vec!["run", pipeline, "--progress", "json"], 4),
        (vec!["run", pipeline, "--no-keep", "-o", "-"], 4),
        (vec!["run", "--resume", "last", "-vv"], 4),
        (
            vec![
                "--modules",
                pipeline,
                "--log_level",
                "DEBUG",
                "--log_file",
                "old.log",
            ],
            4,
        ),
        (vec!["deliver", "last", "--to", "text_out", "-vv"], 4),
        (vec!["runs", "list", "--json"], 0),
        (vec!["runs", "show", "last"], 0),
        (vec!["runs", "show", "last", "--json"], 0),
        (vec!["plan", pipeline], 0),
        (vec!["plan", pipeline, "--json"], 0),
        (vec!["config", "show", pipeline], 0),
        (vec!["config", "show", pipeline, "--json"], 0),
        (vec!["config", "explain", "leaky_token", pipeline], 0),
        (vec!["plugins", "show", "leaky"], 0),
        (vec!["plugins", "list"], 0),
        (vec!["plugins", "doctor"], 0),
    ] {
        let seen = sandbox.opsbox(&args).exits(code);
        for text in [&seen.stdout, &seen.stderr] {
            let found = spellings_in(text, &secret);
            assert!(found.is_empty(), "{found:?}\n{seen}");
        }
        if args[0] == "run" && args.contains(&"-vvv") {
            seen.says(&[
                "no login with <secret>",
                "to stderr: <secret>",
                "last words: <secret>",
                "printed <secret>",
            ]);
        }
    }
    let set = sandbox.read("work/leaky.set");
    assert_eq!(
        spellings_in(&set, &secret),
        [secret.as_str()],
        "the plugin itself gets it"
    );
    let processes = sandbox.read("work/proc.seen");
    assert!(
        processes.contains("OPSBOX_PLUGIN=1") && processes.contains("__serve"),
        "it saw its siblings"
    );
    no_file_holds(
        &sandbox.path(""),
        &secret,
        &["home/.opsbox.json", "leaky.set", "dying.set"],
    );
    let log = sandbox.read("work/old.log");
    assert!(
        log.contains("debug: <secret>") && log.contains("x<secret>"),
        "{log}"
    );
}

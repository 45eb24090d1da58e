//! Secrets in what commands for authors show: `check eval` and `plugin call`.

use super::{field, secret, spellings_in};
use crate::support::Sandbox;

#[test]
fn a_check_evaluated_by_hand_shows_no_secret_of_its_configuration() {
    let sandbox = Sandbox::new();
    let policy = "package check
details := [{\"id\": data.config.check_token, data.config.check_token: base64.encode(data.config.check_token)}] if {
    print(\"it is\", data.config.check_token)
    not input.fails
}
details := to_number(data.config.check_token) if input.fails
";
    sandbox.rego("check", "files", policy, &field("check_token"));
    let token = secret("eval");
    let variables = [("OPSBOX_SET_CHECK_TOKEN", token.as_str())];
    sandbox.write("work/fine.json", "{}");
    sandbox.write("work/fails.json", "{\"fails\": true}");
    for (input, more, code) in [
        ("fine.json", &["-vv"][..], 0),
        ("fine.json", &["-vv", "--json"], 0),
        ("fails.json", &[], 1),
    ] {
        let args = [&["check", "eval", "check", "--input", input], more].concat();
        let seen = sandbox.opsbox_with(&variables, &args).exits(code);
        for text in [&seen.stdout, &seen.stderr] {
            assert!(spellings_in(text, &token).is_empty(), "{seen}");
        }
        if code == 0 {
            assert!(
                seen.stdout.contains("<secret>") && seen.stderr.contains("it is <secret>"),
                "{seen}"
            );
        }
        if more.contains(&"--json") {
            assert_eq!(seen.json()["details"][0]["<secret>"], "<secret>");
        }
    }
}

#[test]
fn a_plugin_called_by_hand_shows_no_secret_of_a_variable_that_it_sees() {
    let sandbox = Sandbox::new();
    let process = "echo \"at $ACME_TOKEN\" >&2; fail \"refused $ACME_TOKEN\"";
    sandbox.shell("one", "input", &[("process", process)], "");
    let manifest = sandbox.read("plugins/one/manifest.toml") + "env = [\"ACME_TOKEN\"]\n";
    sandbox.write("plugins/one/manifest.toml", &manifest);
    let token = secret("call");
    let seen = sandbox
        .opsbox_with(&[("ACME_TOKEN", &token)], &["plugin", "call", "one", "process"])
        .exits(1)
        .hides(&[&token]);
    seen.says(&["at <secret>", "refused <secret>"]);
}

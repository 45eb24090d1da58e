//! `env:NAME` and `file:PATH` in configuration files: read late, shown as they are written, told clearly where they cannot be read.

use super::{field, no_file_holds, private, secret};
use crate::support::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let keeps = "printf '%s' \"$line\" >one.set; result='{}'";
    let fields = format!("{}[config.region]\ntype = \"string\"\n", field("one_token"));
    sandbox.shell(
        "one",
        "input",
        &[("set_data", keeps), ("process", "result='[]'")],
        &fields,
    );
    sandbox
}

#[test]
fn a_reference_is_read_when_the_run_needs_it_from_any_file_of_the_configuration() {
    let sandbox = sandbox();
    let secret = secret("reference");
    private(&sandbox, "work/token", &format!("{secret}\n"));
    private(&sandbox, "home/token", &format!("{secret}\r\n"));
    private(&sandbox, "work/env.toml", "one_token = \"env:VAULT_TOKEN\"\n");
    private(&sandbox, "work/file.json", "{\"one_token\": \"file:token\"}");
    private(&sandbox, "work/home.json", "{\"one_token\": \"file:~/token\"}");
    for config in ["env.toml", "file.json", "home.json"] {
        let args = ["run", "one-cli_out", "--config", config, "-vv"];
        let seen = sandbox.opsbox_with(&[("VAULT_TOKEN", &secret)], &args).exits(0);
        assert!(!seen.stderr.contains("warning"), "{seen}");
        assert!(sandbox.read("work/one.set").contains(&secret), "{config}");
    }
    let absolute = format!(
        "[plugins.one]\none_token = \"file:{}\"\n",
        sandbox.path("home/token").display()
    );
    for (place, text) in [
        ("work/opsbox.toml", "[config]\none_token = \"file:token\"\n"),
        ("work/opsbox.toml", absolute.as_str()),
        ("work/opsbox.toml", ""),
        ("home/.opsbox.json", "{\"one_token\": \"file:token\"}"),
    ] {
        private(&sandbox, place, text);
        if text.is_empty() {
            continue;
        }
        std::fs::remove_file(sandbox.work().join("one.set")).unwrap();
        sandbox.opsbox(&["run", "one-cli_out"]).exits(0);
        assert!(sandbox.read("work/one.set").contains(&secret), "{place}: {text}");
    }
    no_file_holds(&sandbox.path("home/.local"), &secret, &[]);
}

#[test]
fn a_reference_is_shown_and_not_read_by_commands_that_only_show() {
    let sandbox = sandbox();
    private(&sandbox, "home/.opsbox.json", "{\"one_token\": \"env:NOT_SET\"}");
    for args in [
        vec!["plan", "one-cli_out"],
        vec!["plan", "one-cli_out", "--json"],
        vec!["config", "show", "one-cli_out"],
        vec!["config", "show", "one-cli_out", "--json"],
        vec!["config", "explain", "one_token", "one-cli_out"],
    ] {
        sandbox.opsbox(&args).exits(0).prints(&["env:NOT_SET"]);
    }
}

#[test]
fn what_a_reference_cannot_be_read_for_is_told_with_plugin_field_and_file() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.work().join("folder")).unwrap();
    private(&sandbox, "work/empty", "\n");
    private(&sandbox, "work/large", &"x".repeat(65_537));
    for (reference, why) in [
        ("env:NOT_SET", "the variable `NOT_SET` is not set"),
        ("env:", "the variable `` is not set"),
        ("file:missing", "No such file"),
        ("file:folder", "it is not a file"),
        ("file:empty", "it is empty"),
        ("file:large", "it has 65537 bytes"),
    ] {
        private(
            &sandbox,
            "work/c.json",
            &format!("{{\"one_token\": \"{reference}\"}}"),
        );
        let place = sandbox.work().join("c.json").display().to_string();
        sandbox
            .opsbox(&["run", "one-cli_out", "--config", "c.json"])
            .exits(2)
            .says(&[
                &format!("plugin `one`: `one_token` is `{reference}` in {place}: "),
                why,
                &format!("write `text:{reference}`"),
            ]);
    }
}

#[test]
fn a_text_that_looks_like_a_reference_can_be_written_and_is_one_in_files_and_secrets_only() {
    let sandbox = sandbox();
    for (token, got) in [
        ("text:env:HOME", "env:HOME"),
        ("text:text:x", "text:x"),
        ("text:plain", "text:plain"),
        ("environment", "environment"),
    ] {
        private(
            &sandbox,
            "work/c.json",
            &format!("{{\"one_token\": \"{token}\", \"region\": \"file:token\"}}"),
        );
        sandbox
            .opsbox(&["run", "one-cli_out", "--config", "c.json"])
            .exits(0);
        let set = sandbox.read("work/one.set");
        assert!(set.contains(&format!("\"one_token\":\"{got}\"")), "{set}");
        assert!(set.contains("\"region\":\"file:token\""), "{set}");
    }
    sandbox
        .opsbox_with(&[("OPSBOX_SET_ONE_TOKEN", "env:HOME")], &["run", "one-cli_out"])
        .exits(0);
    assert!(
        sandbox
            .read("work/one.set")
            .contains("\"one_token\":\"env:HOME\"")
    );
    private(&sandbox, "work/c.json", "{\"region\": \"env:HOME\"}");
    sandbox
        .opsbox(&["run", "one-cli_out", "--config", "c.json"])
        .exits(0)
        .says(&[
            "`region` of plugin `one` is no secret, so `env:HOME`",
            "OPSBOX_SET_REGION",
        ]);
}

#[test]
fn a_secret_that_others_can_see_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = sandbox();
    private(&sandbox, "work/c.json", "{\"one_token\": \"file:token\"}");
    let token = private(&sandbox, "work/token", "geheim-genug");
    let args = ["run", "one-cli_out", "--config", "c.json"];
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.opsbox(&args).exits(0).says(&[&format!(
        "`{}` holds the secret `one_token` and can be read by every user",
        token.display()
    )]);
    sandbox
        .opsbox(&["run", "one-cli_out", "--set", "one_token=geheim-genug"])
        .exits(0)
        .says(&[
            "the secret `one_token` is given as a flag",
            "OPSBOX_SET_ONE_TOKEN",
        ])
        .hides(&["geheim-genug"]);
    let config = sandbox.work().join("c.json");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o666)).unwrap();
    // Where such a file is used all the same, nothing is read for what stands in it.
    let trusting = [("OPSBOX_TRUST_WRITABLE", "1")];
    sandbox.opsbox_with(&trusting, &args).exits(2).says(&[
        "`one_token` is `file:token`",
        "others than you may write to that file",
    ]);
}

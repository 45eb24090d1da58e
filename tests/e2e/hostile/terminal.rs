//! Text of strangers on every way to the terminal: it is shown, and it does not act.

use std::process::Command;

use serde_json::json;

use crate::support::{Sandbox, Seen, binary, program};

/// Clears the screen, sets a title, moves back over what was said, turns the order of letters around, rings: as 7 and as 8 bits.
const BAD: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\r\u{8}\u{7f}\u{85}\u{2028}";

/// Asserts that nothing on the screen but line ends controls a terminal.
#[track_caller]
pub(super) fn acts_on_no_terminal(seen: &Seen) {
    let acts = |c: char| {
        (c.is_control() && !"\n\t".contains(c))
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || "\u{200e}\u{200f}\u{2028}\u{2029}".contains(c)
    };
    for text in [&seen.stdout, &seen.stderr] {
        let found = text.chars().find(|c| acts(*c));
        assert!(
            found.is_none(),
            "{found:?} of `opsbox {}` acts\n{text:?}",
            seen.args.join(" ")
        );
    }
}

/// Spells a text for a TOML or JSON string.
fn quoted(text: &str) -> String {
    let all: String = text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    format!("\"{all}\"")
}

/// A sandbox whose plugins say it everywhere: a provider `loud`, an input `look`, an output `send`, a Rego check `check`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let bad = quoted(BAD);
    let line = format!(
        "say '{}'",
        json!({"jsonrpc": "2.0", "method": "log", "params": {"level": "warn", "message": BAD}})
    );
    let noise = format!("say '{BAD}'; printf '%s\\n' '{BAD}' >&2; {line}");
    let progress = format!(
        "say \"{{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"method\\\":\\\"progress\\\",\\\"params\\\":{{\\\"id\\\":$id,\\\"done\\\":1,\\\"unit\\\":\\\"{BAD}\\\",\\\"message\\\":\\\"m\\\"}}}}\""
    )
    .replace(BAD, "\\\\u001b[2J\\\\u009b31m");
    let gap = "gap '\\u001b[2J' '\\u009b2J' '\\u202e'";
    let result = json!({"relates_to": BAD, "result_name": BAD, "result_description": BAD, "formatted": BAD,
        "details": [{"resource": BAD, "message": BAD, "severity": "high", BAD: BAD}]});
    let description = format!(
        "description = {bad}\n---[config.field]\ntype = \"string\"\ndefault = {bad}\ndescription = {bad}\n"
    );
    sandbox.write("plugins/look/answer.json", &json!([result]).to_string());
    let answer = "result=$(cat \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    sandbox.shell(
        "look",
        "input",
        &[("process", &format!("{noise}; {progress}; {gap}; {answer}"))],
        &description,
    );
    sandbox.write("plugins/loud/answer.json", &json!(result).to_string());
    sandbox.shell(
        "loud",
        "provider",
        &[("gather_data", &format!("{noise}; {answer}"))],
        &description,
    );
    let fails = format!("{noise}; fail '\\u001b[2J\\u009b31m\\u202e'");
    sandbox.shell("broken", "input", &[("process", &fails)], "");
    let output = |stream: &str| {
        let event = json!({"jsonrpc": "2.0", "method": "output", "params": {"text": format!("\u{1b}[31mred\u{1b}[0m {BAD}\n"), "stream": stream}});
        format!("say '{event}'")
    };
    let both = format!("{}; {}; result='{{}}'", output("stdout"), output("stderr"));
    sandbox.shell("send", "output", &[("process_results", &both)], "");
    sandbox.rego(
        "check",
        "loud",
        "package p\ndetails := [{\"message\": input[0].message}]\n",
        "",
    );
    sandbox
}

#[test]
fn nothing_that_a_plugin_says_acts_on_the_terminal_whatever_shows_it() {
    let sandbox = sandbox();
    let set = format!("field={BAD}");
    let set = ["--set", set.as_str()];
    for more in [
        &[][..],
        &["-vvv"],
        &["-q"],
        &["--log-format", "json"],
        &["--progress", "json"],
        &["--format", "json"],
    ] {
        let args = [
            &["run", "look,broken,check-cli_out", "-o", "record.json"],
            &set[..],
            more,
        ]
        .concat();
        acts_on_no_terminal(&sandbox.opsbox(&args).exits(4));
    }
    for args in [
        &["plan", "look,check-cli_out"][..],
        &["plan", "look,check-cli_out", "--json"],
        &["config", "show", "look-cli_out"],
        &["config", "show", "look-cli_out", "--json"],
        &["config", "explain", "field"],
        &["config", "schema", "look"],
        &["plugins", "list"],
        &["plugins", "list", "--json"],
        &["plugins", "show", "look"],
        &["plugins", "show", "look", "--json"],
        &["plugins", "doctor"],
        &["plugins", "doctor", "--json"],
        &["--modules", "look-cli_out", "--help"],
        &[
            "--modules",
            "look-cli_out",
            "--field",
            BAD,
            "--log_level",
            "TRACE",
        ],
        &["runs", "list"],
        &["runs", "list", "--json"],
        &["runs", "show", "last"],
        &["runs", "show", "last", "--json"],
        &["deliver", "last", "--to", "cli_out", "--again"],
        &["run", "--replay", "last", "look,check-cli_out"],
    ] {
        acts_on_no_terminal(&sandbox.opsbox(args));
    }
}

#[test]
fn what_a_person_types_and_names_of_files_do_not_act_either() {
    let sandbox = sandbox();
    let odd = format!("plugins/{}", BAD.replace(['\r', '\u{7f}'], ""));
    sandbox.write(&format!("{odd}/manifest.toml"), "[info]\n");
    sandbox.write(
        &format!("{odd}/fine/manifest.toml"),
        "[info]\nname = \"fine\"\ntype = \"input\"\n[run]\ncommand = [\"gone\"]\n",
    );
    let folder = sandbox.path(&odd).display().to_string();
    sandbox.write("work/opsbox.toml", &format!("[config]\n{} = 1\n", quoted(BAD)));
    for args in [
        &["plugins", "list"][..],
        &["plugins", "doctor"],
        &["plugins", "show", "fine"],
        &["run", "fine-cli_out"],
        &["run", BAD],
        &["run", &format!("{BAD}-{BAD}")],
        &["run", "look-cli_out", "--plugin-dir", &folder],
        &["run", "look-cli_out", "--set", &format!("{BAD}=1")],
        &["run", "look-cli_out", "--config", BAD],
        &["run", "look-cli_out", &format!("--{BAD}")],
        &[&format!("--{BAD}"), BAD],
        &["plugins", "show", BAD],
        &["plugins", "list", "--type", BAD],
        &["config", "explain", BAD],
        &["check", "test", BAD],
        &["check", "eval", BAD, "--input", BAD],
        &["runs", "show", BAD],
        &["deliver", BAD],
        &["plugins", "add", BAD],
        &[BAD],
    ] {
        acts_on_no_terminal(&sandbox.opsbox(args));
    }
}

#[test]
fn an_output_may_color_a_terminal_and_do_nothing_else_to_it_and_a_file_gets_its_bytes() {
    let sandbox = sandbox();
    let seen = sandbox.opsbox(&["run", "look-send"]).exits(4);
    assert!(
        seen.stdout.contains(&format!("\u{1b}[31mred\u{1b}[0m {BAD}\n")),
        "{:?}",
        seen.stdout
    );
    assert!(
        !seen.stderr.contains("\u{1b}[2J") && seen.stderr.contains("\u{1b}[31mred"),
        "{:?}",
        seen.stderr
    );
    let Some(script) = program("script") else { return };
    let mut command = Command::new(script);
    let line = format!("{} run look-send --progress plain", binary().display());
    command.args(["-qec", &line, "/dev/null"]);
    sandbox.surround(&mut command);
    command.env("TERM", "xterm");
    let seen = sandbox.finish(&[&line], &mut command);
    assert!(
        seen.stdout.contains("\u{1b}[31mred\u{1b}[0m"),
        "{:?}",
        seen.stdout
    );
    for bad in ["\u{1b}[2J", "\u{1b}]0;", "\u{9b}", "\u{202e}", "\u{8}", "\u{7}"] {
        assert!(!seen.stdout.contains(bad), "{bad:?}\n{:?}", seen.stdout);
    }
}

#[test]
fn what_a_policy_says_does_not_act() {
    let sandbox = sandbox();
    let policy = format!(
        "package p\ndetails := [{{{0}: {0}, \"n\": print({0})}}]\nother := {0}\n",
        quoted(BAD)
    );
    sandbox.write("plugins/check/check.rego", &policy);
    sandbox.write("work/input.json", "{}");
    let test = format!(
        "package p_test\ntest_{{}} if {{\n\tprint({0})\n\tfalse\n}}\ntest_b if {{ {0} == 1 }}\n",
        quoted(BAD)
    );
    sandbox.write("work/odd/a_test.rego", &test.replace("test_{}", "test_a"));
    for args in [
        &["check", "eval", "check", "--input", "input.json"][..],
        &["check", "eval", "check", "--input", "input.json", "--json"],
        &["check", "test", "odd"],
        &["check", "test", "odd", "--json"],
        &["run", "check-cli_out"],
    ] {
        acts_on_no_terminal(&sandbox.opsbox(args));
    }
}

//! Cases 71 to 74: manifests, Results and files that somebody wrote who means no good, and disks that take nothing more.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use serde_json::{Value, json};

use super::harness::{ends_in_time, finish_in_time};
use super::leftovers;
use crate::bad_input::{refused, sandbox};
use crate::outputs::{files, findings, source};
use crate::support::{Sandbox, Seen, binary, result};

/// Asserts that nothing on the screen but line ends controls a terminal.
#[track_caller]
fn controls_no_terminal(seen: &Seen) {
    let harmless = |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
    assert!(seen.stdout.chars().all(harmless), "{:?}", seen.stdout);
    assert!(seen.stderr.chars().all(harmless), "{:?}", seen.stderr);
}

/// Asserts that a manifest is listed with its reason, and named with it where it is used.
#[track_caller]
fn unusable(sandbox: &Sandbox, name: &str, texts: &[&str]) {
    sandbox
        .opsbox(&["plugins", "list"])
        .exits(0)
        .prints(&["cannot be used:"])
        .prints(texts);
    sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(texts);
    let cannot = format!("plugin `{name}` cannot be used");
    refused(sandbox, &format!("{name}-out"), &[&cannot]).says(texts);
    sandbox
        .opsbox(&["plugins", "show", name])
        .exits(2)
        .says(&[&cannot])
        .says(texts);
}

#[test]
fn case_71_a_manifest_that_cannot_be_used_is_listed_with_its_reason_and_named_when_used() {
    let command = "[run]\ncommand = [\"true\"]\n";
    let long = "x".repeat(10 * 1024 * 1024);
    let cases: [(&str, String, &[&str]); 7] = [
        (
            "typo",
            format!("[info]\nname = \"typo\"\ntype = \"input\"\nusess = []\n{command}"),
            &["typo/manifest.toml`, line 4: unknown key `usess` in `[info]`", "did you mean `uses`?"],
        ),
        (
            "wrong_type",
            "[info]\nname = \"wrong_type\"\ntype = \"input\"\nuses = \"host\"\n[run]\ncommand = \"true\"\n".into(),
            &[
                "line 4: `uses` in `[info]` must be a list of strings",
                "line 6: `command` in `[run]` must be a list of strings",
                "write `command = [",
            ],
        ),
        (
            "no_code",
            "[info]\nname = \"no_code\"\ntype = \"input\"\nmodule = \"gone\"\nclass_name = \"Gone\"\n".into(),
            &["gone.py` of `module = \"gone\"` does not exist", "put `gone.py` beside the manifest"],
        ),
        (
            "no_policy",
            "[info]\nname = \"no_policy\"\ntype = \"rego\"\nuses = [\"host\"]\n[rego]\nrego_file = \"gone.rego\"\n".into(),
            &["gone.rego` does not exist", "correct `rego_file` in `[rego]`"],
        ),
        (
            "bad_toml",
            "[info]\nname = \"bad_toml\ntype = \"input\"\n".into(),
            &["bad_toml/manifest.toml`, line 2: not valid TOML"],
        ),
        (
            "nameless",
            format!("[info]\ntype = \"input\"\n{command}"),
            &["nameless/manifest.toml`, line 1: `[info]` has no `name`", "add `name = "],
        ),
        (
            "too_large",
            format!("[info]\nname = \"too_large\"\ntype = \"input\"\n{command}# {long}\n"),
            &["too_large/manifest.toml`: it has 104", "more than the 1048576 allowed"],
        ),
    ];
    for (name, manifest, texts) in cases {
        let sandbox = sandbox();
        sandbox.write(&format!("plugins/{name}/manifest.toml"), &manifest);
        unusable(&sandbox, name, texts);
        // It is in nobody's way.
        sandbox.opsbox(&["run", "look-out"]).exits(0);
    }
}

#[test]
fn case_71_a_name_or_a_path_of_a_manifest_leads_elsewhere() {
    let info = |name: &str, more: &str| format!("[info]\nname = \"{name}\"\ntype = \"input\"\n{more}\n");
    let run = "[run]\ncommand = [\"true\"]";
    let cases = [
        ("slash", info("../slash", run), "line 2: `name` is"),
        ("control", info("con\\u001b[2Jtrol", run), "line 2: `name` is"),
        ("newline", info("new\\nline", run), "line 2: `name` is"),
        (
            "module",
            info("module", "module = \"../outside\"\nclass_name = \"P\""),
            "../outside",
        ),
        (
            "policy",
            info(
                "policy",
                "uses = [\"host\"]\n[rego]\nrego_file = \"../../p.rego\"",
            )
            .replace("\"input\"", "\"rego\""),
            "../../p.rego",
        ),
    ];
    for (folder, manifest, text) in cases {
        let sandbox = sandbox();
        sandbox.write(&format!("plugins/{folder}/manifest.toml"), &manifest);
        sandbox.write("plugins/outside.py", "class P:\n    pass\n");
        sandbox.write("p.rego", "package policy\ndetails := []\n");
        let place = format!("{folder}/manifest.toml`");
        for command in ["list", "doctor"] {
            let seen = ends_in_time(&sandbox, &["plugins", command]).prints(&[&place, text]);
            controls_no_terminal(&seen);
        }
        ends_in_time(&sandbox, &["run", "look-out"]).exits(0);
    }
}

#[test]
fn case_71_links_that_lead_in_a_circle_end() {
    let sandbox = sandbox();
    symlink(sandbox.path("plugins"), sandbox.path("plugins/look/loop")).unwrap();
    symlink("self", sandbox.path("plugins/self")).unwrap();
    symlink("manifest.toml", sandbox.path("plugins/helper/again.toml")).unwrap();
    fs::create_dir(sandbox.path("plugins/pipe")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        sandbox.path("plugins/pipe/manifest.toml"),
        0o600.into(),
    )
    .unwrap();
    let seen = ends_in_time(&sandbox, &["plugins", "list"]).exits(0);
    assert_eq!(seen.stdout.matches("\nlook ").count(), 1, "{seen}");
    ends_in_time(&sandbox, &["run", "look-out"]).exits(0);
}

#[test]
fn case_72_names_of_strangers_stay_inside_the_folder() {
    let long = "z".repeat(64 * 1024);
    let other = format!("{long}!");
    let escape = "\u{1b}[31mred\u{7}\u{202e}";
    let names = [
        ("../../x", "../../y"),
        ("a/b", "c\nd"),
        ("", ""),
        ("..", "."),
        ("/etc", "passwd\0"),
        ("x", long.as_str()),
        ("x", other.as_str()),
        (escape, escape),
        ("CON", ".hidden"),
    ];
    let results: Vec<_> = names
        .iter()
        .map(|(relates_to, name)| result(relates_to, name, "[]"))
        .collect();
    let sandbox = source(&results);
    let seen = sandbox
        .opsbox(&["run", "source-json_out,text_out,cli_out", "-o", "record.json"])
        .exits(0);
    let written = files(&sandbox, "work/findings");
    assert_eq!(written.len(), 2 * names.len(), "{written:?}\n{seen}");
    for path in &written {
        let parts: Vec<_> = path.split('/').collect();
        assert_eq!(parts.len(), 2, "{path:?}");
        for part in parts {
            assert!(part.len() <= 255 && !part.starts_with('.'), "{path:?}");
            assert!(
                !part.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{path:?}"
            );
        }
    }
    assert_eq!(
        files(&sandbox, "work").len(),
        written.len() + 1,
        "only the record lies beside them\n{seen}"
    );
    assert!(
        !sandbox.path("x").exists() && !sandbox.path("y.json").exists(),
        "{seen}"
    );
    controls_no_terminal(&seen);
}

#[test]
fn case_72_no_escape_sequence_of_a_result_reaches_the_terminal() {
    let bad = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\r\u{8}";
    let finding =
        json!([{"resource": "message", "message": format!("message{bad}"), "severity": bad, bad: bad}])
            .to_string();
    let text = |details: &str| {
        json!({"relates_to": bad, "result_name": bad, "result_description": bad, "formatted": format!("line\n{bad}\tend"),
            "details": serde_json::from_str::<Value>(details).unwrap()})
        .to_string()
    };
    let sandbox = source(&[text(&finding), text("{\"k\":1}"), text("[]")]);
    for more in ["cli_out_show_all=false", "cli_out_show_all=true"] {
        let seen = sandbox
            .opsbox(&["run", "source-cli_out", "--set", more])
            .exits(0)
            .prints(&["message"]);
        controls_no_terminal(&seen);
    }
}

#[test]
fn case_73_a_config_file_that_is_no_object_or_no_file() {
    let sandbox = sandbox();
    let folder = sandbox.work();
    fs::create_dir(folder.join("folder.json")).unwrap();
    sandbox.write("work/list.json", "[1, 2]\n");
    sandbox.write("work/broken.json", "{\n  \"region\": ,\n}\n");
    sandbox.write("work/broken.toml", "region = \n");
    sandbox.write("work/empty.json", "");
    for (file, texts) in [
        ("none.json", &["No such file"][..]),
        ("folder.json", &["it is not a file"]),
        ("list.json", &["object"]),
        ("broken.json", &["line 2"]),
        ("broken.toml", &["line 1"]),
        ("empty.json", &["JSON"]),
    ] {
        let path = folder.join(file).display().to_string();
        for args in [
            vec!["run", "look-out", "--config", file],
            vec!["--modules", "look-out", "--config", file],
        ] {
            sandbox
                .opsbox(&args)
                .exits(2)
                .says(&[&path])
                .says(texts)
                .hides(&["fault output saw it"]);
        }
    }
}

#[test]
fn case_73_a_config_file_that_may_not_be_read() {
    let sandbox = sandbox();
    let path = sandbox.write("work/closed.json", "{}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let Some(seen) = sandbox.as_ordinary_user(&["run", "disk_space-json_out", "--config", "closed.json"])
    else {
        return;
    };
    seen.exits(2).says(&["closed.json", "ermission denied"]);
}

#[test]
fn case_73_a_config_file_that_all_may_write_names_a_command() {
    let sandbox = sandbox();
    let command = ["sh", "-c", "echo run >../ran"];
    let json =
        json!({"command": command, "run": {"command": command}, "plugins": {"look": {"command": command}}});
    for (file, text) in [
        ("config.json", json.to_string()),
        (
            "config.toml",
            format!("command = {command:?}\n[run]\ncommand = {command:?}\n"),
        ),
    ] {
        let path = sandbox.write(&format!("work/{file}"), &text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let seen = ends_in_time(&sandbox, &["run", "look-out", "--config", file]);
        assert!(!sandbox.path("ran").exists(), "the command was run\n{seen}");
    }
    let path = sandbox.write("work/opsbox.toml", &format!("[run]\ncommand = {command:?}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&sandbox, "look-out", &["opsbox.toml", "unknown table `[run]`"]);
    assert!(!sandbox.path("ran").exists(), "the command was run");
}

#[test]
fn case_74_a_read_only_folder_keeps_its_old_file_whole() {
    let sandbox = source(&[result("a", "x", "[]")]);
    sandbox.write("work/locked/a/x.json", "old");
    let args = ["run", "source-json_out", "--set", "output_folder=locked"];
    // Where the tests run as root, this first run gives the folder to the ordinary user.
    let Some(seen) = sandbox.as_ordinary_user(&args) else {
        return;
    };
    seen.exits(0);
    sandbox.write("work/locked/a/x.json", "old");
    for folder in ["work/locked/a", "work/locked"] {
        let mut permissions = fs::metadata(sandbox.path(folder)).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(sandbox.path(folder), permissions).unwrap();
        let seen = sandbox.as_ordinary_user(&args).unwrap().exits(1);
        let seen = seen.says(&[
            "json_out",
            "cannot write `locked",
            "permission denied",
            "set `output_folder`",
        ]);
        assert_eq!(sandbox.read("work/locked/a/x.json"), "old", "{seen}");
    }
}

#[test]
fn case_74_a_file_that_does_not_fit_leaves_the_old_one_whole_and_nothing_half_written() {
    // The same errors as of a full disk, for files over 8 KiB; the signal that comes with them ends who does not expect it.
    for signal in ["trap '' XFSZ", "trap - XFSZ"] {
        let sandbox = source(&[result("a", "x", &findings(&["low"; 500]))]);
        sandbox.write("work/findings/a/x.json", "old");
        let script = format!("{signal}; ulimit -f 16; exec \"$0\" run source-json_out");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(binary());
        sandbox.surround(&mut shell);
        let seen = finish_in_time(&["run, with files of at most 8 KiB"], &mut shell);
        let seen = seen
            .exits(1)
            .says(&["json_out", "cannot write `./findings/a/x.json`"]);
        assert_eq!(sandbox.read("work/findings/a/x.json"), "old", "{seen}");
        assert_eq!(files(&sandbox, "work/findings"), ["a/x.json"], "{seen}");
        leftovers::assert_none(&sandbox, "");
    }
}

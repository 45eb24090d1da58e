//! `[run] sha256`: a plugin whose pinned file is another is not started.

use std::process::Command;

use super::sandbox;
use crate::support::Sandbox;

/// Adds lines to the manifest of `look`.
fn with(sandbox: &Sandbox, lines: &str) {
    let manifest = "[info]\nname = \"look\"\ntype = \"input\"\n[run]\ncommand = [\"sh\", \"./plugin.sh\"]\n";
    sandbox.write("plugins/look/manifest.toml", &format!("{manifest}{lines}\n"));
}

/// Returns what `sha256sum` says of a file.
fn sha256(sandbox: &Sandbox, path: &str) -> String {
    let output = Command::new("sha256sum")
        .arg(sandbox.path(path))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

#[test]
fn the_script_is_pinned_and_not_its_interpreter_and_is_looked_at_before_every_start() {
    let sandbox = sandbox();
    let hash = sha256(&sandbox, "plugins/look/plugin.sh");
    with(&sandbox, &format!("sha256 = \"{}\"", hash.to_uppercase()));
    sandbox.opsbox(&["run", "look-json_out"]).exits(0);
    let script = sandbox.read("plugins/look/plugin.sh");
    sandbox.write("plugins/look/plugin.sh", &format!("{script}# changed\n"));
    let other = sha256(&sandbox, "plugins/look/plugin.sh");
    std::fs::remove_dir_all(sandbox.path("work/findings")).unwrap();
    let texts = ["plugin.sh` has the SHA-256 ", &other, &hash, "`sha256sum FILE`"];
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(1)
        .says(&["look"])
        .says(&texts);
    assert!(
        !sandbox.path("work/findings/fault/look.json").exists(),
        "it was started"
    );
    sandbox.write("plugins/look/plugin.sh", &script);
    sandbox.opsbox(&["run", "look-json_out"]).exits(0);
}

#[test]
fn other_steps_go_on_where_a_pin_does_not_fit() {
    let sandbox = sandbox();
    with(&sandbox, &format!("sha256 = \"{}\"", "0".repeat(64)));
    sandbox.fault("other", "input", "none", "");
    sandbox
        .opsbox(&["run", "look,other-json_out"])
        .exits(4)
        .says(&["failed     look", "has the SHA-256"]);
    assert!(sandbox.path("work/findings/fault/none.json").exists());
}

#[test]
fn a_table_pins_each_file_that_it_names() {
    let sandbox = sandbox();
    let shell = crate::support::program("sh").unwrap();
    let hash = sha256(&sandbox, "plugins/look/plugin.sh");
    let own = sha256(&sandbox, shell.to_str().unwrap());
    with(
        &sandbox,
        &format!("sha256 = {{ sh = \"{own}\", \"./plugin.sh\" = \"{hash}\" }}"),
    );
    sandbox.opsbox(&["run", "look-json_out"]).exits(0);
    with(
        &sandbox,
        &format!("sha256 = {{ sh = \"{hash}\", \"./plugin.sh\" = \"{hash}\" }}"),
    );
    let refused = format!("`{}` has the SHA-256 {own}", shell.display());
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(1)
        .says(&[&refused]);
}

#[test]
fn a_pin_that_pins_nothing_is_a_fault_of_the_manifest() {
    let sandbox = sandbox();
    let zeros = "0".repeat(64);
    for (lines, texts) in [
        (
            "sha256 = \"abc\"".to_owned(),
            &[
                "line 6: `sha256` in `[run]` holds a text that is no SHA-256",
                "sha256sum",
            ][..],
        ),
        (
            "sha256 = 5".to_owned(),
            &["must be a hash or a table of them", "./plugin.sh"],
        ),
        (
            format!("sha256 = {{ \"plugin.sh\" = \"{zeros}\" }}"),
            &["names `plugin.sh`, which is no file of its `command`"],
        ),
    ] {
        with(&sandbox, &lines);
        sandbox
            .opsbox(&["run", "look-json_out"])
            .exits(2)
            .says(&["plugin `look` cannot be used"])
            .says(texts);
    }
    // Which of several files is meant must be said, and an interpreter alone is none.
    for (command, what) in [
        (
            "[\"plugin.sh\", \"./manifest.toml\"]",
            "names 2 files of the manifest's folder",
        ),
        (
            "[\"sh\", \"-c\", \"exit 1\"]",
            "names no file of the manifest's folder",
        ),
    ] {
        let manifest = format!(
            "[info]\nname = \"look\"\ntype = \"input\"\n[run]\ncommand = {command}\nsha256 = \"{zeros}\"\n"
        );
        sandbox.write("plugins/look/manifest.toml", &manifest);
        sandbox
            .opsbox(&["run", "look-json_out"])
            .exits(2)
            .says(&[what, "say which file is meant: `sha256 = { "]);
    }
}

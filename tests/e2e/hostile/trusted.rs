//! Executables, manifests and configuration that others may change: refused or warned about, as SECURITY.md says.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use super::sandbox;
use crate::support::{Sandbox, skipped};

pub(super) const NOBODY: u32 = 65534;

pub(super) fn allow(sandbox: &Sandbox, path: &str, mode: u32) {
    fs::set_permissions(sandbox.path(path), Permissions::from_mode(mode)).unwrap();
}

/// Gives a file to another user; `false` where only root could.
pub(super) fn give(sandbox: &Sandbox, path: &str, group_only: bool) -> bool {
    let file = sandbox.path(path);
    if file.metadata().unwrap().uid() != 0 {
        skipped("root", "only root can give files to others");
        return false;
    }
    chown(&file, (!group_only).then_some(NOBODY), Some(NOBODY)).unwrap();
    true
}

#[test]
fn a_plugin_whose_files_anyone_may_change_is_not_started_and_the_message_says_which_and_why() {
    for path in [
        "plugins/look/manifest.toml",
        "plugins/look/plugin.sh",
        "plugins/look",
        "plugins",
    ] {
        let sandbox = sandbox();
        let mode = if sandbox.path(path).is_dir() { 0o777 } else { 0o666 };
        allow(&sandbox, path, mode);
        let shown = sandbox.path(path).display().to_string();
        let texts = ["is not trusted: anyone may change", shown.as_str(), "chmod o-w"];
        sandbox
            .opsbox(&["run", "look-json_out"])
            .exits(2)
            .says(&["plugin `look` cannot be used"])
            .says(&texts);
        sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(&texts);
        assert!(!sandbox.path("work/findings").exists(), "{path}: it was started");
        // Where permissions mean nothing, it is a warning.
        sandbox
            .opsbox_with(&[("OPSBOX_TRUST_WRITABLE", "1")], &["run", "look-json_out"])
            .exits(0)
            .says(&["warning: ", "is not trusted: anyone may change"]);
    }
}

#[test]
fn a_policy_and_a_python_module_count_as_the_plugins_files() {
    let sandbox = Sandbox::new();
    sandbox.rego("check", "host", "package p\ndetails := []\n", "");
    sandbox.write(
        "plugins/snake/manifest.toml",
        "[info]\nname = \"snake\"\ntype = \"input\"\nmodule = \"snake\"\nclass_name = \"Snake\"\n",
    );
    sandbox.write("plugins/snake/snake.py", "class Snake:\n    pass\n");
    for (path, name) in [
        ("plugins/check/check.rego", "check"),
        ("plugins/snake/snake.py", "snake"),
    ] {
        allow(&sandbox, path, 0o666);
        let refused = format!(
            "plugin `{name}` cannot be used: `{}`",
            sandbox.path(path).display()
        );
        sandbox
            .opsbox(&["run", &format!("{name}-json_out")])
            .exits(2)
            .says(&[&refused]);
    }
}

#[test]
fn a_program_of_path_that_anyone_may_change_is_not_started() {
    let sandbox = Sandbox::new();
    sandbox.script("bin/helper", "#!/bin/sh\nexit 0\n");
    sandbox.command("look", "input", &["helper"], "");
    allow(&sandbox, "bin/helper", 0o777);
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    sandbox
        .opsbox_with(&[("PATH", &path)], &["run", "look-json_out"])
        .exits(1)
        .says(&[
            "look",
            "bin/helper` is not trusted: anyone may change it (mode 777)",
        ]);
}

#[test]
fn another_users_file_and_a_foreign_groups_are_warned_about_and_run() {
    let sandbox = sandbox();
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(0)
        .hides(&["warning"]);
    if !give(&sandbox, "plugins/look/plugin.sh", true) {
        return;
    }
    allow(&sandbox, "plugins/look/plugin.sh", 0o664);
    sandbox.opsbox(&["run", "look-json_out"]).exits(0).says(&[
        "warning: ",
        "plugin.sh` may be changed by the members of group 65534",
    ]);
    allow(&sandbox, "plugins/look/plugin.sh", 0o644);
    give(&sandbox, "plugins/look/plugin.sh", false);
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(0)
        .says(&["warning: ", "plugin.sh` belongs to user 65534"]);
    // Where anyone may put files, one of somebody else's is not taken for the user's own.
    allow(&sandbox, "plugins/look", 0o1777);
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(2)
        .says(&["is not trusted: it belongs to user 65534"]);
}

#[test]
fn a_configuration_that_anyone_may_change_is_refused_in_both_grammars_and_names_no_command() {
    let sandbox = sandbox();
    let marker = sandbox.path("ran");
    let command = serde_json::json!({"command": ["touch", marker], "output_folder": "stolen"}).to_string();
    sandbox.write("work/conf.json", &command);
    // Nothing in a configuration is a command, whoever may write it.
    sandbox
        .opsbox(&["run", "look-json_out", "--config", "conf.json"])
        .exits(0);
    assert!(!marker.exists() && sandbox.path("work/stolen").exists());
    fs::remove_dir_all(sandbox.path("work/stolen")).unwrap();
    allow(&sandbox, "work/conf.json", 0o666);
    for args in [
        &["run", "look-json_out", "--config", "conf.json"][..],
        &["--modules", "look-json_out", "--config", "conf.json"],
    ] {
        sandbox.opsbox(args).exits(2).says(&[
            "work/conf.json` is not trusted: anyone may change it (mode 666)",
            "chmod o-w",
        ]);
    }
    fs::remove_file(sandbox.path("work/conf.json")).unwrap();
    sandbox.write("work/opsbox.toml", "[config]\noutput_folder = \"stolen\"\n");
    allow(&sandbox, "work/opsbox.toml", 0o666);
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(2)
        .says(&["work/opsbox.toml` is not trusted"]);
    fs::remove_file(sandbox.path("work/opsbox.toml")).unwrap();
    // The original ignored a bad file of the home, and so do we, aloud.
    sandbox.write("home/.opsbox.json", "{\"output_folder\": \"stolen\"}");
    allow(&sandbox, "home/.opsbox.json", 0o666);
    for args in [&["run", "look-json_out"][..], &["--modules", "look-json_out"]] {
        sandbox
            .opsbox(args)
            .exits(0)
            .says(&["warning: ", ".opsbox.json` is not trusted", "it is ignored"]);
    }
    assert!(!sandbox.path("work/stolen").exists());
}

#[test]
fn a_project_file_that_somebody_else_left_where_anyone_may_is_refused() {
    let sandbox = sandbox();
    sandbox.write("work/opsbox.toml", "[config]\noutput_folder = \"stolen\"\n");
    if !give(&sandbox, "work/opsbox.toml", false) {
        return;
    }
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(0)
        .says(&["warning: ", "opsbox.toml` belongs to user 65534"]);
    allow(&sandbox, "work", 0o1777);
    sandbox
        .opsbox(&["run", "look-json_out"])
        .exits(2)
        .says(&["opsbox.toml` is not trusted: it belongs to user 65534"]);
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("work/conf.json", "{}");
    let args = ["run", "host-json_out", "--config", "conf.json"];
    allow(&sandbox, "work/conf.json", 0o000);
    // `work` is the ordinary user's; the file in it is given to root again.
    let Some(_) = sandbox.as_ordinary_user(&["version"]) else {
        return;
    };
    if sandbox.path("plugins").metadata().unwrap().uid() == 0 {
        chown(sandbox.path("work/conf.json"), Some(0), Some(0)).unwrap();
    }
    let Some(seen) = sandbox.as_ordinary_user_again(&args) else {
        return;
    };
    seen.exits(2).says(&[
        "cannot read configuration `",
        "work/conf.json`",
        "ermission denied",
    ]);
}

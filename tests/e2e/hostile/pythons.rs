//! Interpreters that strangers put where this program looks for one: started by none that could be another's, and by nobody who needs none.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::sandbox;
use super::trusted::{NOBODY, allow, give};
use crate::support::{Sandbox, python};

/// Writes a program that leaves a mark and then is the real Python; returns the mark.
fn plants(sandbox: &Sandbox, path: &str) -> Option<PathBuf> {
    let real = python()?;
    let mark = sandbox.path("started");
    let text = format!(
        "#!/bin/sh\ntouch {}\nexec {} \"$@\"\n",
        mark.display(),
        real.display()
    );
    sandbox.script(path, &text);
    Some(mark)
}

/// Plants a managed environment in a data folder.
fn plants_managed(sandbox: &Sandbox, data: &str) -> Option<PathBuf> {
    let mark = plants(sandbox, &format!("{data}/python/envs/1/bin/python3"))?;
    sandbox.write(&format!("{data}/python/envs/1/.in-use"), "");
    symlink("envs/1", sandbox.path(&format!("{data}/python/current"))).unwrap();
    Some(mark)
}

fn homeless() -> String {
    format!("tmp/opsbox-homeless-{}", rustix::process::geteuid().as_raw())
}

#[test]
fn without_a_home_nothing_is_started_from_a_folder_that_others_may_write_to() {
    let sandbox = sandbox();
    let folder = homeless();
    let Some(mark) = plants_managed(&sandbox, &format!("{folder}/.local/share")) else {
        return;
    };
    allow(&sandbox, &folder, 0o777);
    for args in [
        &["run", "look-json_out"][..],
        &["plan", "look-json_out"],
        &["config", "show", "look-json_out"],
    ] {
        let seen = sandbox.opsbox_with(&[("HOME", "")], args).exits(0).says(&[
            "warning: there is no HOME",
            &sandbox.path(&folder).display().to_string(),
            "others may write to it (mode 777)",
            "set HOME, or OPSBOX_DATA_DIR",
        ]);
        assert!(!mark.exists(), "it was started\n{seen}");
    }
    let left: Vec<_> = fs::read_dir(sandbox.path("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 1, "what took its place is gone: {left:?}");
    // What would be gone with the command is not installed at all.
    sandbox
        .opsbox_with(&[("HOME", "")], &["plugins", "add", "anything"])
        .exits(2)
        .says(&["error: there is no HOME", "OPSBOX_DATA_DIR"]);
}

#[test]
fn without_a_home_a_folder_of_another_user_is_not_used() {
    let sandbox = sandbox();
    let folder = homeless();
    let Some(mark) = plants_managed(&sandbox, &format!("{folder}/.local/share")) else {
        return;
    };
    if !give(&sandbox, &folder, false) {
        return;
    }
    sandbox
        .opsbox_with(&[("HOME", "")], &["run", "look-json_out"])
        .exits(0)
        .says(&[&format!("it belongs to user {NOBODY}"), "set HOME"]);
    assert!(!mark.exists(), "it was started");
}

#[test]
fn the_managed_environment_is_judged_as_any_program_is() {
    let data = "home/.local/share/opsbox";
    for path in ["python", "python/envs/1", "python/envs/1/bin/python3", ""] {
        let sandbox = sandbox();
        let Some(mark) = plants_managed(&sandbox, data) else {
            return;
        };
        allow(&sandbox, &format!("{data}/{path}"), 0o777);
        sandbox.opsbox(&["run", "look-json_out"]).exits(0).says(&[
            "warning: the managed environment is not used",
            "is not trusted: anyone may change",
            "chmod o-w",
        ]);
        assert!(!mark.exists(), "{path}: it was started");
    }
    let sandbox = sandbox();
    let Some(mark) = plants_managed(&sandbox, data) else {
        return;
    };
    if give(&sandbox, &format!("{data}/python"), false) {
        let seen = sandbox.opsbox(&["run", "look-json_out"]).exits(0);
        seen.says(&["warning: ", &format!("belongs to user {NOBODY}")]);
        assert!(mark.exists(), "a warning keeps nothing from being used");
        fs::set_permissions(sandbox.path("home"), Permissions::from_mode(0o755)).unwrap();
    }
}

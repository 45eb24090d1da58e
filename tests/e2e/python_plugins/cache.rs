//! A cache folder that cannot be written costs Python plugins nothing but time; where nothing can be written, only they fail.

use std::fs;

use crate::support::{Sandbox, python, result, step};

/// A sandbox with a Python plugin and one that needs none; `None` without a Python.
fn sandbox() -> Option<Sandbox> {
    python()?;
    let sandbox = Sandbox::new();
    sandbox.finds("snake", "{'a': 1}");
    sandbox.input("plain", &[result("fault", "plain", "[{\"id\":\"a\"}]")]);
    // Nothing can be made below a file, whoever asks.
    sandbox.write("home/.cache", "");
    Some(sandbox)
}

#[test]
fn python_plugins_run_though_the_cache_folder_cannot_be_written() {
    let Some(sandbox) = sandbox() else { return };
    let args = ["run", "snake,plain-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(0).says(&[
        "warning: the cache folder `",
        "home/.cache/opsbox` cannot be written",
        "OPSBOX_CACHE_DIR",
    ]);
    assert_eq!(seen.stderr.matches("the cache folder").count(), 1, "{seen}");
    assert_eq!(step(&sandbox.record(), "snake")["status"], "findings");
    for args in [
        &["plan", "snake-json_out"][..],
        &["plugins", "doctor"],
        &["--modules", "snake-json_out"],
    ] {
        sandbox.opsbox(args).exits(0);
    }
    let left: Vec<_> = fs::read_dir(sandbox.path("tmp")).unwrap().collect();
    assert!(left.is_empty(), "what took its place is gone: {left:?}");
    // Who needs no Python hears nothing of it.
    fs::remove_dir_all(sandbox.path("plugins/snake")).unwrap();
    sandbox
        .opsbox(&["run", "plain-json_out"])
        .exits(0)
        .hides(&["warning"]);
}

#[test]
fn where_nothing_can_be_written_only_python_plugins_fail() {
    let Some(sandbox) = sandbox() else { return };
    let nowhere = sandbox.path("home/.cache").display().to_string();
    let args = ["run", "snake,plain-json_out", "-o", "record.json"];
    sandbox
        .opsbox_with(&[("TMPDIR", &nowhere)], &args)
        .exits(4)
        .says(&["snake", "cannot be written", "OPSBOX_CACHE_DIR"])
        .hides(&["execute permission"]);
    assert_eq!(step(&sandbox.record(), "snake")["status"], "failed");
    assert_eq!(step(&sandbox.record(), "plain")["status"], "findings");
}

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

#[test]
fn the_python_that_an_environment_was_made_with_is_the_choice_of_who_made_it() {
    let sandbox = sandbox();
    let Some((environment, _)) = sandbox.environment("work/.venv") else {
        return;
    };
    let Some(mark) = plants(&sandbox, "tools/python3") else {
        return;
    };
    allow(&sandbox, "tools", 0o777);
    let own = environment.join("bin/python3");
    fs::remove_file(&own).unwrap();
    symlink(sandbox.path("tools/python3"), &own).unwrap();
    let seen = sandbox.opsbox(&[
        "plugins",
        "doctor",
        "--python",
        &environment.display().to_string(),
    ]);
    assert!(mark.exists(), "it was not asked\n{seen}");
    assert!(
        format!("{}{}", seen.stdout, seen.stderr).contains("anyone may change what is in"),
        "{seen}"
    );
}

/// Makes `./.venv` with an input `greet`, whose interpreter leaves a mark when it is started; returns the mark.
fn folders_own(sandbox: &Sandbox) -> Option<PathBuf> {
    let (environment, packages) = sandbox.environment("work/.venv")?;
    let own = environment.join("bin/python3");
    let real = environment.join("bin/python3.real");
    let base = own.canonicalize().unwrap();
    fs::remove_file(&own).unwrap();
    symlink(base, &real).unwrap();
    let mark = sandbox.path("started");
    let text = format!(
        "#!/bin/sh\ntouch {}\nexec {} \"$@\"\n",
        mark.display(),
        real.display()
    );
    sandbox.script("work/.venv/bin/python3", &text);
    sandbox.entry_point(&packages, "opsbox-greet", "greet = greet.greet:Greet");
    let folder = packages.join("greet");
    fs::create_dir(&folder).unwrap();
    let manifest = "[info]\nname = \"greet\"\nmodule = \"greet\"\nclass_name = \"Greet\"\ntype = \"input\"\n";
    fs::write(folder.join("manifest.toml"), manifest).unwrap();
    let source = "from opsbox.plugins import Result\n\nclass Greet:\n    def process(self, data):\n        return [Result(relates_to='test', \
                  result_name='greet', result_description='d', details=[{'a': 1}], formatted='-')]\n";
    fs::write(folder.join("greet.py"), source).unwrap();
    Some(mark)
}

#[test]
fn the_interpreter_of_the_working_folders_environment_is_started_only_for_a_plugin_that_runs_on_it() {
    let sandbox = sandbox();
    let Some(mark) = folders_own(&sandbox) else { return };
    for args in [
        &["plugins", "list"][..],
        &["plugins", "show", "look"],
        &["plan", "look-json_out"],
        &["config", "show", "look-json_out"],
        &["config", "explain", "output_folder"],
        &["run", "look-json_out"],
        &["demo"],
        &["--modules", "look-json_out"],
    ] {
        let seen = sandbox.opsbox(args).exits(0);
        assert!(!mark.exists(), "it was started\n{seen}");
        if args.contains(&"list") {
            seen.prints(&["greet", "package opsbox-greet"]);
        } else if args.contains(&"explain") {
            seen.says(&["only where a pipeline names them", "greet"]);
        }
    }
    sandbox.opsbox(&["--modules", "greet-json_out"]).exits(0);
    assert!(mark.exists(), "it was not started");
    assert!(sandbox.path("work/findings/test/greet.json").exists());
}

#[test]
fn modules_of_the_working_folder_are_not_imported_where_an_interpreter_is_asked() {
    let sandbox = sandbox();
    let Some(python) = python() else { return };
    let mark = sandbox.path("imported");
    let code = format!("open({:?}, 'w').close()\n", mark.display().to_string());
    for name in ["json", "os", "__future__", "sitecustomize", "encodings"] {
        sandbox.write(&format!("work/{name}.py"), &code);
    }
    let python = python.display().to_string();
    let seen = sandbox.opsbox(&["plugins", "list", "--python", &python]).exits(0);
    assert!(!mark.exists(), "{seen}");
    sandbox.opsbox(&["plugins", "doctor", "--python", &python]);
    assert!(!mark.exists(), "{seen}");
}

#[test]
fn an_interpreter_that_anyone_could_change_runs_nothing_whoever_chose_it() {
    for path in ["work/.venv", "work/.venv/bin/python3", "work/.venv/pyvenv.cfg"] {
        let sandbox = sandbox();
        let Some(mark) = folders_own(&sandbox) else { return };
        let environment = sandbox.path("work/.venv").display().to_string();
        let is_folder = sandbox.path(path).is_dir();
        allow(&sandbox, path, if is_folder { 0o777 } else { 0o757 });
        let why = [
            "is not started",
            "is not trusted: anyone may change",
            environment.as_str(),
        ];
        for variables in [&[][..], &[("VIRTUAL_ENV", environment.as_str())]] {
            let run = |pipeline: &str| sandbox.opsbox_with(variables, &["run", pipeline]);
            run("look-json_out").exits(0).says(&why).says(&["warning: "]);
            run("greet-json_out").exits(2).says(&why);
        }
        sandbox
            .opsbox_with(&[("OPSBOX_PYTHON", &environment)], &["run", "look-json_out"])
            .exits(2)
            .says(&why)
            .says(&["error: ", "(from OPSBOX_PYTHON)"]);
        assert!(!mark.exists(), "{path}: it was started");
        // Where permissions mean nothing, it is a warning.
        sandbox
            .opsbox_with(&[("OPSBOX_TRUST_WRITABLE", "1")], &["run", "greet-json_out"])
            .exits(0)
            .says(&["warning: "]);
        assert!(mark.exists());
    }
}

//! Folders whose names are no UTF-8: everything works in them, and JSON names them as well as it can.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Sandbox, Seen};

/// A sandbox and the name of a folder in it, with a check and its case.
fn odd() -> (Sandbox, std::path::PathBuf) {
    let sandbox = Sandbox::new();
    let folder = sandbox.work().join(OsStr::from_bytes(b"caf\xe9"));
    sandbox.provider("source", "{\"n\": 1}", "");
    sandbox.rego(
        "chk",
        "source",
        "package chk\ndetails := [{\"n\": input.n}]\n",
        "",
    );
    sandbox.write("plugins/chk/tests/one.input.json", "{\"n\": 1}");
    fs::create_dir(&folder).unwrap();
    fs::rename(sandbox.path("plugins"), folder.join("plugins")).unwrap();
    (sandbox, folder)
}

#[test]
fn commands_work_in_a_folder_whose_name_is_no_text() {
    let (sandbox, folder) = odd();
    fs::write(
        folder.join("opsbox.toml"),
        "[pipelines]\nnightly = \"chk-cli_out\"\n",
    )
    .unwrap();
    let run = |args: &[&str]| -> Seen {
        let mut command = sandbox.binary(args);
        command.current_dir(&folder).env("OPSBOX_PLUGIN_DIR", "plugins");
        sandbox.finish(args, &mut command).hides(&["panicked"])
    };
    for args in [
        &["plan", "nightly"][..],
        &["plan", "nightly", "--json"],
        &["plugins", "list", "--json"],
        &["plugins", "show", "chk", "--json"],
        &["plugins", "doctor", "--json"],
        &["config", "show", "nightly", "--json"],
        &["run", "nightly", "-o", "record.json"],
        &["runs", "list", "--json"],
        &["runs", "show", "last", "--json"],
        &["runs", "export", "last", "fixture"],
        &["runs", "export", "last", "other", "--json"],
        &["run", "--replay", "./fixture"],
        &["deliver", "last", "--to", "cli_out", "--again"],
        &[
            "check",
            "test",
            "plugins/chk",
            "--data",
            "fixture",
            "--update",
            "--json",
        ],
        &["check", "test", "plugins/chk", "--data", "fixture", "--coverage"],
        &["plugin", "new", "aa", "--type", "input", "--lang", "sh"],
        &["plugin", "new", "bb", "--type", "input", "--lang", "sh", "--json"],
        &["plugin", "schema", "--dir", "schemas", "--json"],
    ] {
        run(args).exits(0);
    }
    // A path that is shown is not the path: nobody goes on with another folder instead.
    let listed = run(&["plugins", "show", "chk", "--json"]).exits(0).json();
    let manifest = listed["origin"]["manifest"].as_str().unwrap();
    assert!(manifest.contains("caf\u{fffd}/plugins/chk"), "{manifest}");
    let kept = run(&["runs", "list", "--json"]).exits(0).json();
    assert_eq!(kept["runs"].as_array().map(Vec::len), Some(2), "{kept}");
}

#[test]
fn a_folder_that_is_named_and_is_no_text_is_written_and_told() {
    let (sandbox, folder) = odd();
    let run = |args: &[&str], named: &[u8]| -> Seen {
        let mut command = sandbox.binary(args);
        command
            .arg(OsStr::from_bytes(named))
            .env("OPSBOX_PLUGIN_DIR", folder.join("plugins"));
        sandbox.finish(args, &mut command).hides(&["panicked"])
    };
    sandbox
        .finish(
            &["run"],
            sandbox
                .binary(&["run", "chk-cli_out"])
                .env("OPSBOX_PLUGIN_DIR", folder.join("plugins")),
        )
        .exits(0);
    run(&["runs", "export", "last"], b"fix\xff").exits(0);
    assert!(
        sandbox
            .work()
            .join(OsStr::from_bytes(b"fix\xff"))
            .join("export.json")
            .is_file()
    );
    let new = ["plugin", "new", "aa", "--type", "input", "--lang", "sh", "--dir"];
    run(&new, b"new\xff").exits(0);
    assert!(
        sandbox
            .work()
            .join(OsStr::from_bytes(b"new\xff"))
            .join("aa")
            .is_dir()
    );
}

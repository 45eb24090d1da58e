//! Manifests of strangers: what leaves its folder, acts on a terminal, is too large or has no end.

use std::fs;
use std::os::unix::fs::symlink;

use super::sandbox;

#[test]
fn a_path_that_leaves_the_manifests_folder_is_refused() {
    let sandbox = sandbox();
    sandbox.write("outside.rego", "package p\ndetails := []\n");
    sandbox.script("outside.sh", "#!/bin/sh\ntouch ran\n");
    let rego = |name: &str, file: &str| {
        let manifest = format!(
            "[info]\nname = \"{name}\"\ntype = \"rego\"\nuses = [\"host\"]\n[rego]\nrego_file = \"{file}\"\n"
        );
        sandbox.write(&format!("plugins/{name}/manifest.toml"), &manifest);
    };
    let outside = sandbox.path("outside.rego").display().to_string();
    rego("above", "../../outside.rego");
    rego("absolute", &outside);
    rego("hidden_above", "sub/../../../outside.rego");
    for name in ["above", "absolute", "hidden_above"] {
        sandbox
            .opsbox(&["run", &format!("{name}-json_out")])
            .exits(2)
            .says(&["`rego_file` is `", "which leaves the manifest's folder"]);
    }
    for (name, command) in [("up", "../../outside.sh"), ("around", "./x/../../../outside.sh")] {
        sandbox.command(name, "input", &[command], "");
        sandbox
            .opsbox(&["run", &format!("{name}-json_out")])
            .exits(1)
            .says(&[name, "leaves the manifest's folder"]);
    }
    assert!(!sandbox.path("work/ran").exists());
}

#[test]
fn a_name_with_separators_or_control_characters_is_refused_and_never_acts() {
    let cases = [
        ("a/b", "holds '/'"),
        ("..", "begins with a dot"),
        ("a\\\\b", "holds '\\\\'"),
        ("a\\u001b[2Jb", "holds '\\u{1b}'"),
        ("a\\u009bb", "holds '\\u{9b}'"),
        ("a\\nb", "holds '\\n'"),
        ("a b", "holds ' '"),
        ("a\\u202eb", "holds '\\u{202e}'"),
    ];
    for (name, reason) in cases {
        let sandbox = sandbox();
        let manifest = format!("[info]\nname = \"{name}\"\ntype = \"input\"\n[run]\ncommand = [\"true\"]\n");
        sandbox.write("plugins/odd/manifest.toml", &manifest);
        for seen in [
            sandbox.opsbox(&["plugins", "list"]).exits(0).prints(&[reason]),
            sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(&[reason]),
        ] {
            super::terminal::acts_on_no_terminal(&seen);
        }
        sandbox.opsbox(&["run", "look-json_out"]).exits(0);
    }
}

#[test]
fn files_without_end_and_loops_of_links_hold_nobody_up() {
    let sandbox = sandbox();
    let manifest = "[info]\nname = \"huge\"\ntype = \"input\"\n[run]\ncommand = [\"true\"]\n";
    let large = format!("{manifest}# {}\n", "x".repeat(10 * 1024 * 1024));
    sandbox.write("plugins/huge/manifest.toml", &large);
    fs::create_dir_all(sandbox.path("plugins/zero")).unwrap();
    symlink("/dev/zero", sandbox.path("plugins/zero/manifest.toml")).unwrap();
    let pipe = sandbox.path("plugins/zero/pipe.toml");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    symlink(sandbox.path("plugins/b"), sandbox.path("plugins/a")).unwrap();
    symlink(sandbox.path("plugins/a"), sandbox.path("plugins/b")).unwrap();
    symlink(sandbox.path("plugins"), sandbox.path("plugins/look/round")).unwrap();
    symlink("self.toml", sandbox.path("plugins/self.toml")).unwrap();
    let mut deep = sandbox.path("plugins");
    for _ in 0..60 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(&[
        "huge/manifest.toml`: it has 10485",
        "more than the 1048576 allowed",
        "zero/manifest.toml` is no file: a broken link, a pipe or a device",
        "zero/pipe.toml` is no file",
        "self.toml` is no file",
    ]);
    sandbox.opsbox(&["run", "look-json_out"]).exits(0);
}

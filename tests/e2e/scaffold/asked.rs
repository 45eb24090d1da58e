//! What `plugin new` is asked for and cannot make: one message that says what it can, and nothing is written.

use std::fs;
use std::process::Command;

use crate::support::{Sandbox, binary};

/// Asserts that this is refused with these texts, and that nothing was made.
#[track_caller]
fn refused(words: &[&str], texts: &[&str]) {
    let sandbox = Sandbox::new();
    let args = [&["plugin", "new"], words].concat();
    let seen = sandbox.opsbox(&args).exits(2).says(texts);
    assert_eq!(seen.stderr.matches("error: ").count(), 1, "{seen}");
    assert_eq!(fs::read_dir(sandbox.work()).unwrap().count(), 0, "{seen}");
}

const ALL: &str = "there are: provider, input, output in python, rust, go, node, sh; rego in rego; assistant, handler in python, rust, go, node";

#[test]
fn what_there_is_no_template_for_is_refused_with_all_there_are() {
    for (kind, one) in [("assistant", "an assistant"), ("handler", "a handler")] {
        let why = format!("there is no template for {one} in shell");
        refused(
            &["mine", "--type", kind, "--lang", "sh"],
            &[&why, "no JSON parser", ALL],
        );
    }
    refused(
        &["mine", "--type", "provider", "--lang", "rego"],
        &["no template for a provider in Rego", "go together", ALL],
    );
    refused(
        &["mine", "--type", "rego", "--lang", "go"],
        &["no template for a check in Go", ALL],
    );
}

#[test]
fn what_is_missing_is_asked_for() {
    refused(&["mine"], &["`--type` and `--lang` are missing", ALL]);
    refused(
        &["mine", "--type", "input"],
        &["`--lang` is missing", "an input", ALL],
    );
    refused(
        &["mine", "--lang", "node"],
        &["`--type` is missing", "Node.js", ALL],
    );
    refused(&["--lang", "go", "--type", "input"], &["<NAME>"]);
}

#[test]
fn an_unknown_language_or_type_is_answered_with_those_there_are() {
    refused(
        &["mine", "--type", "input", "--lang", "perl"],
        &["'perl'", "python, rust, go, node, sh, rego"],
    );
    refused(
        &["mine", "--type", "check", "--lang", "go"],
        &["'check'", "provider, input, rego, assistant"],
    );
}

#[test]
fn a_type_with_one_language_needs_no_other_word() {
    for words in [["--type", "rego"], ["--lang", "rego"]] {
        let sandbox = Sandbox::new();
        sandbox
            .opsbox(&[&["plugin", "new", "mine"], &words[..]].concat())
            .exits(0);
        assert!(
            sandbox
                .read("work/mine/manifest.toml")
                .contains("type = \"rego\"")
        );
    }
}

#[test]
fn a_name_that_cannot_be_taken_is_refused_with_one_that_can() {
    let cases = [
        ("Disk-Load", "take `disk_load`"),
        ("2nd disk", "take `my_2nd_disk`"),
        ("../away", "take `away`"),
        ("größe", "take `gr_e`"),
        ("host", "take `my_host`"),
        ("cli_out", "a plugin that ships has it"),
        ("general", "a plugin that ships has it"),
    ];
    for (name, text) in cases {
        refused(
            &[name, "--type", "input", "--lang", "go"],
            &["is no name for a new plugin", text],
        );
    }
    // Of signs alone no name can be made.
    for name in ["", "--_", "..", "é"] {
        let args = ["plugin", "new", "--type", "input", "--lang", "go", "--", name];
        Sandbox::new()
            .opsbox(&args)
            .exits(2)
            .says(&["is no name for a new plugin: small letters"])
            .hides(&["take `"]);
    }
    let long = "a".repeat(41);
    refused(
        &[&long, "--type", "input", "--lang", "go"],
        &["more than 40 characters"],
    );
    refused(
        &["every", "--lang", "rego"],
        &["word of Rego's", "take `my_every`"],
    );
}

#[test]
fn what_is_there_already_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    let args = ["plugin", "new", "mine", "--type", "input", "--lang", "sh"];
    sandbox.write("work/mine/notes.txt", "mine");
    sandbox
        .opsbox(&args)
        .exits(2)
        .says(&["work/mine` is there already", "--dir DIR"]);
    let left: Vec<_> = fs::read_dir(sandbox.path("work/mine")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(sandbox.read("work/mine/notes.txt"), "mine");
    // A file, and a link to nowhere, are there as well.
    fs::remove_dir_all(sandbox.path("work/mine")).unwrap();
    sandbox.write("work/mine", "a file");
    sandbox.opsbox(&args).exits(2).says(&["is there already"]);
    assert_eq!(sandbox.read("work/mine"), "a file");
    fs::remove_file(sandbox.path("work/mine")).unwrap();
    std::os::unix::fs::symlink("nowhere", sandbox.path("work/mine")).unwrap();
    sandbox.opsbox(&args).exits(2).says(&["is there already"]);
    assert!(!sandbox.path("work/nowhere").exists());
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_the_cause() {
    let sandbox = Sandbox::new();
    sandbox.write("work/file", "");
    let args = [
        "plugin",
        "new",
        "mine",
        "--type",
        "input",
        "--lang",
        "sh",
        "--dir",
        "file/below",
    ];
    sandbox
        .opsbox(&args)
        .exits(1)
        .says(&["cannot make the folder", "file/below", "--dir DIR"]);
}

#[test]
fn a_folder_that_cannot_be_written_whole_is_not_left_in_parts() {
    let sandbox = Sandbox::new();
    let mut command = Command::new("sh");
    let line = format!(
        "ulimit -f 1; {} plugin new mine --type input --lang go",
        binary().display()
    );
    command.args(["-c", &line]);
    sandbox.surround(&mut command);
    let seen = sandbox.finish(&[&line], &mut command).exits(1);
    seen.says(&["cannot write", "work/mine/", "File too large"]);
    assert_eq!(fs::read_dir(sandbox.work()).unwrap().count(), 0);
}

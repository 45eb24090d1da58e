//! Both the words people type and what they become.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::cli::request::{RunFlags, Shown};
use crate::config::{Assignment, Raw};
use crate::environ::tests::environ;
use crate::ui::screen::{Color, Progress};

fn parsed(words: &[&str], vars: &[(&str, &str)]) -> Result<Parsed, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    parse(&argv, &environ(folder.path(), vars))
}

fn request(words: &[&str], vars: &[(&str, &str)]) -> Request {
    match parsed(words, vars).unwrap() {
        Parsed::Request(request) => *request,
        Parsed::Text(text) => panic!("{text}"),
    }
}

fn run(words: &[&str], vars: &[(&str, &str)]) -> RunFlags {
    match request(&[&["run", "a-b"], words].concat(), vars) {
        Request::Run(flags) => flags,
        other => panic!("{other:?}"),
    }
}

fn fails(words: &[&str], vars: &[(&str, &str)]) -> String {
    parsed(words, vars).unwrap_err().to_string()
}

#[test]
fn grammar_is_sound() {
    command().debug_assert();
}

#[test]
fn flags_of_run_become_a_request() {
    let flags = run(
        &[
            "--set",
            "ec2.a=b=c",
            "--config",
            "c.json",
            "--plugin-dir",
            "p",
            "--plugin-dir=q",
            "--jobs",
            "3",
            "--timeout",
            "5m",
            "--max-line",
            "1GiB",
            "--fail-fast",
            "-o",
            "r.json",
            "--format",
            "json",
            "-vv",
            "--color",
            "never",
        ],
        &[],
    );
    assert_eq!(flags.pipeline, "a-b");
    assert_eq!(
        flags.assignments,
        [Assignment {
            plugin: Some("ec2".into()),
            field: "a".into(),
            raw: Raw::Text("b=c".into())
        }]
    );
    assert_eq!(flags.plugin_dirs, [PathBuf::from("p"), PathBuf::from("q")]);
    assert_eq!(
        (flags.jobs, flags.timeout, flags.max_line),
        (Some(3), Some(Duration::from_secs(300)), Some(1 << 30))
    );
    assert!(flags.fail_fast && flags.record_to_stdout);
    assert_eq!((flags.screen.verbose, flags.screen.color), (2, Color::Never));
}

#[test]
fn variables_stand_for_flags_and_flags_win() {
    let vars = [
        ("OPSBOX_JOBS", "7"),
        ("OPSBOX_PLUGIN_DIR", "/x:/y"),
        ("OPSBOX_FAIL_FAST", "1"),
        ("OPSBOX_PROGRESS", "plain"),
        ("OPSBOX_VERBOSE", "2"),
        ("OPSBOX_COLOR", ""),
        ("OPSBOX_CONFIG", "c.json"),
        ("OPSBOX_OUTPUT", "o.json"),
    ];
    let flags = run(&[], &vars);
    assert_eq!(
        (flags.jobs, flags.fail_fast, flags.screen.verbose),
        (Some(7), true, 2)
    );
    assert_eq!(flags.plugin_dirs, [PathBuf::from("/x"), PathBuf::from("/y")]);
    assert_eq!(
        (flags.screen.progress, flags.screen.color),
        (Progress::Plain, Color::Auto)
    );
    assert_eq!(
        (flags.config, flags.record),
        (Some("c.json".into()), Some("o.json".into()))
    );
    let flags = run(&["--jobs", "2", "--plugin-dir", "/z"], &vars);
    assert_eq!(
        (flags.jobs, flags.plugin_dirs),
        (Some(2), vec![PathBuf::from("/z")])
    );
}

#[test]
fn bad_variable_is_named() {
    let text = fails(&["run", "a-b"], &[("OPSBOX_JOBS", "many")]);
    assert!(
        text.contains("the value comes from the variable `OPSBOX_JOBS`"),
        "{text}"
    );
    let text = fails(&["run", "a-b"], &[("OPSBOX_FAIL_FAST", "maybe")]);
    assert!(text.contains("OPSBOX_FAIL_FAST"), "{text}");
}

#[test]
fn usage_errors_name_the_remedy() {
    let text = fails(&["rnu", "a-b"], &[]);
    assert!(
        text.contains("unrecognized subcommand 'rnu'") && text.contains("did you mean `run`?"),
        "{text}"
    );
    let text = fails(&["host-cli_out"], &[]);
    assert!(text.contains("write `opsbox run host-cli_out`"), "{text}");
    let text = fails(&["run"], &[]);
    assert!(
        text.contains("<PIPELINE|NAME>") && text.contains("opsbox run --help"),
        "{text}"
    );
    let text = fails(&["run", "a-b", "--jobs", "0"], &[]);
    assert!(text.contains("must be a whole number of at least 1"), "{text}");
    assert!(!text.contains("OPSBOX_JOBS"), "{text}");
    let text = fails(&["run", "a-b", "--set", "region"], &[]);
    assert!(text.contains("`--set region` has no `=`"), "{text}");
}

#[test]
fn help_and_version_are_texts() {
    for words in [&[][..], &["--help"], &["-h"], &["run", "--help"], &["--version"]] {
        let Parsed::Text(text) = parsed(words, &[]).unwrap() else {
            panic!("{words:?}")
        };
        assert!(text.contains("opsbox"), "{text}");
    }
    let Parsed::Text(text) = parsed(&["--help"], &[]).unwrap() else {
        panic!()
    };
    assert!(
        text.contains("--modules a,b-c-d"),
        "the help points to the legacy grammar: {text}"
    );
    assert!(!text.contains("__serve"));
}

#[test]
fn every_subcommand_is_there() {
    assert!(matches!(request(&["demo"], &[]), Request::Demo(_)));
    assert!(matches!(
        request(&["plan", "a-b", "--json"], &[]),
        Request::Plan(Shown { json: true, .. })
    ));
    assert!(matches!(
        request(&["plugins", "doctor"], &[]),
        Request::Plugins(_)
    ));
    assert!(matches!(
        request(&["config", "explain", "region"], &[]),
        Request::Config(_)
    ));
    assert!(matches!(
        request(&["check", "eval", "a", "--input", "x.json"], &[]),
        Request::CheckEval(_)
    ));
    assert!(matches!(request(&["check", "test"], &[]), Request::CheckTest(_)));
    assert!(matches!(
        request(&["completions", "bash"], &[]),
        Request::Completions(_)
    ));
    assert_eq!(
        request(&["version", "--json"], &[]),
        Request::Version { json: true }
    );
}

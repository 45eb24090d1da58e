//! The legacy grammar, word by word.

use super::*;
use crate::environ::tests::environ;
use crate::ui::screen::Screen;

fn parsed(words: &[&str]) -> Result<Request, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    parse(&argv, &environ(folder.path(), &[]))
}

fn run(words: &[&str]) -> RunFlags {
    match parsed(words).unwrap() {
        Request::Run(flags) => flags,
        other => panic!("{other:?}"),
    }
}

fn fields(words: &[&str]) -> Vec<(String, Raw)> {
    let flags = run(&[&["--modules", "a-b"], words].concat());
    flags
        .assignments
        .into_iter()
        .map(|assignment| (assignment.field, assignment.raw))
        .collect()
}

fn text(text: &str) -> Raw {
    Raw::Text(text.to_owned())
}

#[test]
fn settings_are_told_from_fields() {
    let flags = run(&[
        "--modules",
        "a,b-c-d",
        "--plugin_dir",
        "p",
        "--config=c",
        "--log_level",
        "debug",
        "--region",
        "sa-east-1",
    ]
    .map(|word| if word == "--config=c" { "--verbose" } else { word }));
    assert_eq!(flags.pipeline, "a,b-c-d");
    assert_eq!(flags.plugin_dirs, [PathBuf::from("p")]);
    assert_eq!(flags.screen.verbose, 2);
    assert_eq!(flags.grammar, Grammar::Legacy);
    assert_eq!(
        flags.assignments,
        [Assignment {
            plugin: None,
            field: "region".into(),
            raw: text("sa-east-1")
        }]
    );
}

#[test]
fn values_keep_their_text_and_their_number() {
    assert_eq!(
        fields(&["--x", "1", "2"]),
        [("x".into(), Raw::List(vec!["1".into(), "2".into()]))]
    );
    assert_eq!(fields(&["--x"]), [("x".into(), Raw::Bare)]);
    assert_eq!(fields(&["--a=b=c"]), [("a".into(), text("b=c"))]);
    assert_eq!(
        fields(&["--a=1", "2"]),
        [("a".into(), Raw::List(vec!["1".into(), "2".into()]))]
    );
    assert_eq!(fields(&["--a="]), [("a".into(), text(""))]);
    assert_eq!(
        fields(&["--a", "-1", "--foo--bar", "-x"]),
        [("a".into(), text("-1")), ("foobar".into(), text("-x"))]
    );
    assert_eq!(
        fields(&["--a", "1", "--b", "2", "--a", "3"]),
        [("b".into(), text("2")), ("a".into(), text("3"))]
    );
    assert_eq!(
        fields(&["--jobs", "4"]),
        [("jobs".into(), text("4"))],
        "no modern flag is recognised here"
    );
}

#[test]
fn help_with_modules_asks_for_their_arguments() {
    assert!(matches!(
        parsed(&["--modules", "a-b", "--help"]),
        Ok(Request::Arguments(_))
    ));
    assert!(matches!(
        parsed(&["--help", "--modules", "a-b"]),
        Ok(Request::Arguments(_))
    ));
    assert!(matches!(
        parsed(&["--help", "--see_all"]),
        Ok(Request::Plugins(_))
    ));
}

#[test]
fn flag_before_the_subcommand_is_told_the_right_order() {
    let text = parsed(&["--jobs", "4", "run", "a-b"]).unwrap_err().to_string();
    assert_eq!(
        text,
        "error: `--jobs` stands before the subcommand `run`\n  hint: flags come after it: `opsbox run PIPELINE --jobs …`"
    );
}

#[test]
fn missing_and_wrong_settings_are_named() {
    let fails = |words: &[&str]| parsed(words).unwrap_err().to_string();
    assert!(fails(&["--plugin_dir", "p"]).contains("no pipeline: `--modules` is missing"));
    assert!(fails(&["--module", "a-b"]).contains("did you mean `--modules`?"));
    assert!(fails(&["--modules"]).contains("`--modules` needs a pipeline"));
    assert!(fails(&["--modules", "a", "b"]).contains("found 2 values"));
    assert!(fails(&["--modules", "a-b", "--log_level", "DEBG"]).contains("did you mean `DEBUG`?"));
    assert!(fails(&["--modules", "a-b", "--config", "none.json"]).contains("cannot read configuration"));
    assert!(fails(&["--"]).contains("names no argument"));
}

#[test]
fn pipeline_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let environ = environ(folder.path(), &[]);
    std::fs::write(
        environ.cwd.join("c.json"),
        r#"{"modules": "x-y", "plugin_dir": "p"}"#,
    )
    .unwrap();
    let argv: Vec<OsString> = ["--config", "c.json"].iter().map(OsString::from).collect();
    let Request::Run(flags) = parse(&argv, &environ).unwrap() else {
        panic!()
    };
    assert_eq!(
        (flags.pipeline.as_str(), flags.plugin_dirs),
        ("x-y", vec![PathBuf::from("p")])
    );
}

/// Reads a command line with these variables; `c.json` and `~/.opsbox.json` hold these texts.
fn placed(words: &[&str], vars: &[(&str, &str)], config: &str, home: &str) -> Result<Request, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let environ = environ(folder.path(), vars);
    std::fs::write(environ.cwd.join("c.json"), config).unwrap();
    std::fs::write(folder.path().join("home/.opsbox.json"), home).unwrap();
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    parse(&argv, &environ)
}

#[test]
fn settings_come_from_arguments_then_variables_then_files() {
    let check = |words: &[&str], vars: &[(&str, &str)], pipeline: &str, folder: &str| {
        let config = r#"{"modules": "file-out", "plugin_dir": "file"}"#;
        let home = r#"{"modules": "home-out", "plugin_dir": "home"}"#;
        let Request::Run(flags) = placed(words, vars, config, home).unwrap() else {
            panic!()
        };
        let expected = (pipeline, vec![PathBuf::from(folder)]);
        assert_eq!(
            (flags.pipeline.as_str(), flags.plugin_dirs),
            expected,
            "{words:?} {vars:?}"
        );
    };
    let all = [
        ("MODULES", "var-out"),
        ("PLUGIN_DIR", "var"),
        ("OPSBOX_PLUGIN_DIR", "own"),
    ];
    check(
        &[
            "--modules",
            "flag-out",
            "--plugin_dir",
            "flag",
            "--config",
            "c.json",
        ],
        &all,
        "flag-out",
        "flag",
    );
    check(&["--config", "c.json"], &all, "var-out", "own");
    check(&["--config", "c.json"], &all[..2], "var-out", "var");
    check(&["--config", "c.json"], &[], "file-out", "file");
    check(&["--verbose"], &[("OPSBOX_CONFIG", "c.json")], "file-out", "file");
    check(&["--verbose"], &[("MODULES", "")], "home-out", "home");
}

#[test]
fn switches_and_levels_come_from_files_too() {
    let screen = |vars: &[(&str, &str)], home: &str| {
        let words = ["--modules", "a-b"];
        let Request::Run(flags) = placed(&words, vars, "{}", home).unwrap() else {
            panic!()
        };
        flags.screen
    };
    assert_eq!(screen(&[], r#"{"verbose": true}"#).verbose, 2);
    assert_eq!(
        screen(&[], r#"{"verbose": "false", "log_level": "info"}"#).verbose,
        1
    );
    assert_eq!(
        screen(&[], r#"{"verbose": true, "log_level": "ERROR"}"#).verbose,
        2
    );
    assert!(screen(&[], r#"{"log_level": "critical"}"#).quiet);
    assert_eq!(screen(&[], r#"{"init_debug": true}"#).verbose, 3);
    assert_eq!(
        screen(&[("LOG_LEVEL", "TRACE")], r#"{"log_level": "ERROR"}"#).verbose,
        3
    );
    assert_eq!(
        screen(
            &[("LOG_LEVEL", "loud"), ("VERBOSE", "zzz"), ("HELP", "foo")],
            "{}"
        ),
        Screen::default()
    );
    let file = |vars: &[(&str, &str)], home: &str| screen(vars, home).log_file.unwrap();
    let by_default = file(&[("LOG_FILE", "/a.log")], "{}");
    assert_eq!(
        (by_default.path, by_default.level),
        (PathBuf::from("/a.log"), LogLevel::Info)
    );
    assert_eq!(
        file(&[], r#"{"log_file": "a", "log_level": "error"}"#).level,
        LogLevel::Error
    );
    assert!(file(&[], r#"{"log_file": "~/a"}"#).path.ends_with("home/a"));
}

#[test]
fn variables_of_flags_count_here_too() {
    let vars = [
        ("OPSBOX_JOBS", "3"),
        ("OPSBOX_FAIL_FAST", "1"),
        ("OPSBOX_PYTHON", "/p"),
    ];
    let Request::Run(flags) = placed(&["--modules", "a-b"], &vars, "{}", "{}").unwrap() else {
        panic!()
    };
    assert_eq!((flags.jobs, flags.fail_fast, flags.python), (Some(3), true, None));
    let failure = placed(&["--modules", "a-b"], &[("OPSBOX_JOBS", "many")], "{}", "{}").unwrap_err();
    assert!(
        failure.to_string().contains("the variable `OPSBOX_JOBS`"),
        "{failure}"
    );
}

#[test]
fn what_is_wrong_in_a_file_names_the_file() {
    let fails = |home: &str| {
        placed(&["--modules=a-b"], &[], "{}", home)
            .unwrap_err()
            .to_string()
    };
    assert!(fails(r#"{"log_level": "loud"}"#).contains("`log_level` in ~/.opsbox.json is `LOUD`"));
    assert!(fails(r#"{"verbose": "zzz"}"#).contains("`verbose` in ~/.opsbox.json must be true or false"));
    assert!(fails(r#"{"log_file": {"a": 1}}"#).contains("`log_file` in ~/.opsbox.json must be a text"));
    let none = placed(&["--verbose"], &[], "{}", r#"{"modules": ["a", "b"]}"#)
        .unwrap_err()
        .to_string();
    assert!(
        none.contains("`modules` in ~/.opsbox.json takes a pipeline without spaces"),
        "{none}"
    );
}

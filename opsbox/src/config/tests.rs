//! Layers, conversion and faults as a user meets them.

use std::path::Path;

use expect_test::{Expect, expect};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::environ::tests::environ;

struct Case {
    folder: TempDir,
    vars: Vec<(&'static str, &'static str)>,
    flags: Vec<&'static str>,
    config: Option<&'static str>,
    grammar: Grammar,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            vars: vec![],
            flags: vec![],
            config: None,
            grammar: Grammar::Modern,
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let environ = environ(self.folder.path(), &self.vars);
        let project = Project::find(&environ.cwd)?;
        let assignments: Vec<Assignment> = self
            .flags
            .iter()
            .map(|text| Assignment::parse(text).unwrap())
            .collect();
        let given = Given {
            assignments: &assignments,
            config: self.config.map(|name| environ.absolute(Path::new(name))),
            project: project.as_ref(),
            named: Some("nightly"),
            grammar: self.grammar,
        };
        Settings::load(&environ, &given)
    }

    fn resolve(&self, schema: Value, legacy: bool) -> Resolution {
        let wanted = Wanted {
            plugin: "ports",
            schema: &schema,
            legacy,
        };
        self.settings().unwrap().resolve(&[wanted])
    }

    fn faults(&self, schema: Value, legacy: bool, expected: Expect) {
        let faults = self.resolve(schema, legacy).faults;
        let failure = Failure {
            kind: crate::error::Kind::Usage,
            faults,
        };
        let text = failure
            .to_string()
            .replace(&self.folder.path().display().to_string(), "[T]");
        expected.assert_eq(&format!("{text}\n"));
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "region": {"type": "string", "description": "where to\n look"},
            "max_open": {"type": "integer", "default": 5, "minimum": 1, "description": "ports that may be open"},
            "api_token": {"type": "string", "writeOnly": true, "minLength": 8},
            "path": {"type": "string"},
        },
        "required": ["region"],
    })
}

#[test]
fn the_nearest_source_wins_and_is_remembered() {
    let project = "[config]\nregion = 'project'\nmax_open = 1\n[plugins.ports]\nmax_open = 2\n[plugins.other]\nmax_open = 99\n\
        [pipelines]\nnightly = { pipeline = 'a-b', set = { max_open = 3 } }\n";
    let mut case = Case::new()
        .file("opsbox.toml", project)
        .file(
            "home/.opsbox.json",
            r#"{"region": "home", "api_token": "12345678"}"#,
        )
        .file("work/my.json", r#"{"max_open": "4"}"#);
    let check = |case: &Case, field: &str, value: Value, origin: &str| {
        let resolution = case.resolve(schema(), false);
        assert_eq!(resolution.faults, []);
        let report = resolution.plugins[0]
            .fields
            .iter()
            .find(|report| report.name == field)
            .unwrap();
        let origin = origin.replace("[T]", &case.folder.path().display().to_string());
        assert_eq!(
            (report.value.clone(), report.origin.as_deref()),
            (Some(value), Some(origin.as_str()))
        );
    };
    check(&case, "api_token", json!("12345678"), "~/.opsbox.json");
    check(&case, "region", json!("project"), "[T]/opsbox.toml [config]");
    check(&case, "max_open", json!(3), "[T]/opsbox.toml [pipelines.nightly]");
    case.config = Some("my.json");
    check(&case, "max_open", json!(4), "[T]/work/my.json");
    case.vars = vec![("MAX_OPEN", "5"), ("REGION", "")];
    check(&case, "max_open", json!(5), "MAX_OPEN");
    check(&case, "region", json!("project"), "[T]/opsbox.toml [config]");
    case.vars.push(("OPSBOX_SET_MAX_OPEN", "6"));
    check(&case, "max_open", json!(6), "OPSBOX_SET_MAX_OPEN");
    case.flags = vec!["ports.max_open=8", "max_open=7"];
    check(&case, "max_open", json!(8), "--set max_open");
}

#[test]
fn a_field_that_one_plugin_calls_a_secret_is_one_for_all() {
    let mut case = Case::new();
    case.vars = vec![("OPSBOX_SET_API_TOKEN", "12345678")];
    let (marked, open) = (
        json!({"properties": {"api_token": {"type": "string", "writeOnly": true}}}),
        json!({"properties": {"api_token": {"type": "string", "minLength": 99}, "region": {"type": "string"}}}),
    );
    let wanted = [("open", &open), ("marked", &marked)].map(|(plugin, schema)| Wanted {
        plugin,
        schema,
        legacy: false,
    });
    let settings = case.settings().unwrap();
    for resolution in [settings.resolve(&wanted), settings.survey(&wanted)] {
        let fields = &resolution.plugins[0].fields;
        assert_eq!(fields[0].shown().as_deref(), Some("<secret>"));
        assert!(!fields[1].secret, "another field stays what it is");
        assert!(
            !format!("{:?}", resolution.faults).contains("12345678"),
            "{:?}",
            resolution.faults
        );
        let asked = settings.explain(&fields[0]);
        assert!(
            asked
                .iter()
                .all(|asked| asked.value.as_deref() != Some("12345678"))
        );
    }
}

#[test]
fn only_what_somebody_set_is_sent() {
    let mut case = Case::new();
    case.flags = vec!["region=a=b=c"];
    let resolution = case.resolve(schema(), false);
    assert_eq!(
        Value::Object(resolution.plugins[0].values.clone()),
        json!({"region": "a=b=c"})
    );
    assert_eq!(
        resolution.plugins[0].fields[1].shown_default().as_deref(),
        Some("5")
    );
}

#[test]
fn common_variables_are_no_configuration() {
    let mut case = Case::new();
    case.vars = vec![("PATH", "/bin"), ("REGION", "r"), ("SECRET_THING", "x")];
    let resolution = case.resolve(schema(), false);
    assert_eq!(
        Value::Object(resolution.plugins[0].values.clone()),
        json!({"region": "r"})
    );
}

#[test]
fn all_missing_and_wrong_fields_come_together() {
    let mut case = Case::new().file("work/my.json", r#"{"api_token": "short", "path": 7}"#);
    case.config = Some("my.json");
    case.flags = vec!["max_open=many", "regoin=x"];
    case.faults(
        schema(),
        false,
        expect![[r#"
            error: plugin `ports`: `max_open` must be an integer; found `many` in --set max_open
              hint: correct it there, or set it with `--set max_open=…`
              hint: `max_open` is: ports that may be open
            error: plugin `ports` needs `region` (string): where to look
              hint: set it with `--set region=…`, the variable `OPSBOX_SET_REGION`, or `region = …` under `[plugins.ports]` in opsbox.toml
            error: plugin `ports`: `api_token` does not fit what the plugin asks of it; found <secret> in [T]/work/my.json
              hint: correct it there, or set it with `--set api_token=…`
            error: plugin `ports`: `path` must be a string, not a number; found `7` in [T]/work/my.json
              hint: correct it there, or set it with `--set path=…`
            error: no plugin of this pipeline declares the field `regoin` of `--set regoin`
              hint: did you mean `region`?
              hint: fields are: api_token, max_open, path, region
        "#]],
    );
}

#[test]
fn limits_of_the_schema_are_kept() {
    let mut case = Case::new();
    case.flags = vec!["max_open=0", "region=x"];
    case.faults(
        schema(),
        false,
        expect![[r#"
            error: plugin `ports`: `max_open` must be at least 1; found `0` in --set max_open
              hint: correct it there, or set it with `--set max_open=…`
              hint: `max_open` is: ports that may be open
        "#]],
    );
}

#[test]
fn an_old_command_line_that_names_an_interpreter_is_told_the_variable() {
    let mut case = Case::new();
    case.grammar = Grammar::Legacy;
    case.flags = vec!["python=/env"];
    case.faults(
        json!({"properties": {"region": {"type": "string"}}}),
        true,
        expect![[r#"
            error: no plugin of this pipeline declares the field `python` of `--python`
              hint: name the interpreter by the variable OPSBOX_PYTHON
              hint: fields are: region
        "#]],
    );
}

#[test]
fn old_plugins_hide_secrets_by_name_and_are_set_by_their_own_flags() {
    let mut case = Case::new();
    case.grammar = Grammar::Legacy;
    let schema = json!({"properties": {
        "aws_secret_access_key": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "token": {"type": "integer"},
        "region": {"type": "string"},
    }, "required": ["region"]});
    case.flags = vec!["aws_secret_access_key=abc", "token=x", "oai_key=1"];
    let resolution = case.resolve(schema.clone(), true);
    assert_eq!(resolution.plugins[0].fields[0].shown().as_deref(), Some(SECRET));
    let [flag, unused] = &resolution.warnings[..] else {
        panic!("{:?}", resolution.warnings)
    };
    assert!(
        flag.starts_with("the secret `aws_secret_access_key` is given as a flag"),
        "{flag}"
    );
    assert_eq!(unused, "no plugin of this pipeline uses `--oai_key …`");
    case.faults(
        schema,
        true,
        expect![[r#"
            error: plugin `ports`: `token` must be an integer; found `x` in --token
              hint: correct it there, or set it with `--token …`
            error: plugin `ports` needs `region` (string)
              hint: set it with `--region …`, the variable `OPSBOX_SET_REGION`, or `region = …` under `[plugins.ports]` in opsbox.toml
        "#]],
    );
}

#[test]
fn explain_says_what_each_place_says() {
    let mut case = Case::new().file("home/.opsbox.json", r#"{"api_token": "12345678", "max_open": 9}"#);
    case.vars = vec![("MAX_OPEN", "5")];
    let schema = schema();
    let wanted = Wanted {
        plugin: "ports",
        schema: &schema,
        legacy: false,
    };
    let shown = |field: &str| -> Vec<String> {
        let settings = case.settings().unwrap();
        let resolution = settings.survey(&[wanted]);
        let mut reports = resolution.plugins[0].fields.iter();
        let asked = settings.explain(reports.find(|report| report.name == field).unwrap());
        asked
            .iter()
            .map(|a| format!("{}{} {:?}", if a.wins { "*" } else { "" }, a.origin, a.value))
            .collect()
    };
    assert_eq!(
        shown("max_open"),
        [
            "--set max_open None",
            "OPSBOX_SET_MAX_OPEN None",
            "*MAX_OPEN Some(\"5\")",
            "~/.opsbox.json Some(\"9\")",
            "the plugin's default Some(\"5\")"
        ]
    );
    assert!(shown("api_token").contains(&"*~/.opsbox.json Some(\"<secret>\")".to_owned()));
}

#[cfg(unix)]
#[test]
fn secret_in_a_file_that_others_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let case = Case::new().file("home/.opsbox.json", r#"{"api_token": "12345678", "region": "r"}"#);
    let path = case.folder.path().join("home/.opsbox.json");
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let warnings = case.resolve(schema(), false).warnings;
    assert!(
        warnings[0].contains("holds the secret `api_token`"),
        "{warnings:?}"
    );
    mode(0o600);
    assert_eq!(case.resolve(schema(), false).warnings, [] as [String; 0]);
}

#[test]
fn bad_files_are_named_with_line_and_remedy() {
    let fails = |name: &'static str, text: &str| {
        let mut case = Case::new().file(&format!("work/{name}"), text);
        case.config = Some(name);
        case.settings()
            .unwrap_err()
            .to_string()
            .replace(&case.folder.path().display().to_string(), "[T]")
    };
    assert!(
        fails("a.json", "{\n1}").contains("`[T]/work/a.json`, line 2: not valid JSON: key must be a string")
    );
    assert!(fails("a.json", "[]").contains("must be an object, found a list"));
    assert!(fails("a.toml", "a = 1\nb =\n").contains("`[T]/work/a.toml`, line 2: not valid TOML"));
    let mut case = Case::new();
    case.config = Some("none.json");
    assert!(
        case.settings()
            .unwrap_err()
            .to_string()
            .contains("cannot read configuration")
    );
    let home = Case::new().file("home/.opsbox.json", "no");
    assert!(home.settings().unwrap().warnings[0].ends_with("it is ignored"));
}

#[test]
fn project_file_reports_all_its_faults() {
    let case = Case::new().file(
        "opsbox.toml",
        "pipelnes = 1\nregion = 'x'\n[pipelines]\na = 3\nb = { pipline = 'a-b' }\n[plugins]\nx = 1\n",
    );
    let text = case.settings().unwrap_err().to_string();
    for part in [
        "did you mean `pipelines`?",
        "put fields under `[config]`: `region = …`",
        "pipeline `a` is not a string",
        "did you mean `pipeline`?",
        "`plugins.x` must be a table",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn variable_that_is_nearly_a_fields_is_warned_about() {
    let warnings = |vars: &[(&'static str, &'static str)]| {
        let mut case = Case::new();
        case.vars = vars.to_vec();
        case.flags = vec!["region=eu"];
        case.resolve(schema(), false).warnings
    };
    assert_eq!(
        warnings(&[("OPSBOX_SET_MAX_OPNE", "1")]),
        [
            "no plugin of this pipeline declares the field of the variable `OPSBOX_SET_MAX_OPNE`; did you mean `OPSBOX_SET_MAX_OPEN`?"
        ]
    );
    // Another pipeline's, the right one, and the right one beside the other.
    assert_eq!(warnings(&[("OPSBOX_SET_SLACK_CHANNEL", "x")]), [""; 0]);
    assert_eq!(warnings(&[("OPSBOX_SET_MAX_OPEN", "1")]), [""; 0]);
    assert_eq!(
        warnings(&[("OPSBOX_SET_MAX_OPEN", "1"), ("OPSBOX_SET_MAX_OPNE", "1")]),
        [""; 0]
    );
}

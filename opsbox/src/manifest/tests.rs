//! What manifests become, and what is said about bad ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// Writes files into a fresh folder and reads `manifest.toml` of it.
fn read(text: &str, files: &[&str]) -> (TempDir, Result<Manifest, BadManifest>) {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        std::fs::write(folder.path().join(file), "").unwrap();
    }
    let path = folder.path().join("manifest.toml");
    std::fs::write(&path, text).unwrap();
    let manifest = Manifest::from_file(&path);
    (folder, manifest)
}

fn good(text: &str, files: &[&str]) -> Manifest {
    read(text, files).1.unwrap()
}

/// Compares all faults of a manifest, with the folder's name left out.
fn faults(text: &str, expected: Expect) {
    let (folder, manifest) = read(text, &[]);
    let mut shown = String::new();
    for fault in manifest.unwrap_err().faults {
        shown.push_str(&fault.message);
        shown.push('\n');
        for hint in fault.hints {
            shown.push_str(&format!("  hint: {hint}\n"));
        }
    }
    expected.assert_eq(&shown.replace(&format!("{}/", folder.path().display()), ""));
}

#[test]
fn published_rego_manifest_is_read_as_it_is() {
    let text = "[info]\nname = \"idle_instances\"\nmodule = \"idle_instances\"\nclass_name = \"IdleInstances\"\n\
        type = \"rego\"\nuses = [\"rego\", \"ec2\"]\n\n[rego]\ndescription = \"Check for idle EC2 instances.\"\n\
        rego_file = \"idle_instances.rego\"\ngather_from = \"ec2\"";
    let manifest = good(text, &["idle_instances.py", "idle_instances.rego"]);
    assert_eq!(manifest.name, "idle_instances");
    assert_eq!(manifest.kind, Kind::Rego);
    assert_eq!(manifest.uses, ["rego", "ec2"]);
    assert!(manifest.legacy);
    assert_eq!(manifest.flow, Flow::Append);
    assert_eq!(manifest.env, ["AWS_*"]);
    let rego = manifest.rego.unwrap();
    assert!(
        !rego.strict,
        "a check with a Python class keeps OPA's lenient way"
    );
    assert_eq!((rego.version, rego.rule.as_str()), (None, "details"));
    assert_eq!(
        rego.policy,
        Policy::File(manifest.home.join("idle_instances.rego"))
    );
    assert!(matches!(
        manifest.launch,
        Launch::Python {
            entry_point: false,
            ..
        }
    ));
    assert_eq!(manifest.warnings, [] as [String; 0]);
}

#[test]
fn old_manifest_keeps_unknown_keys_with_a_warning() {
    let text = "[info]\nname='a'\nmodule='x.y.a'\nclass_name='A'\ntype='input'\nuse=['b']\n[extra]\nz=1\n";
    let manifest = good(text, &["a.py"]);
    assert_eq!(manifest.warnings.len(), 2);
    assert!(
        manifest.warnings[0].ends_with("line 6: unknown key `use` in `[info]`; did you mean `uses`?"),
        "{:?}",
        manifest.warnings
    );
    assert!(manifest.warnings[1].ends_with("line 7: unknown table `[extra]`"));
}

#[test]
fn a_type_of_its_own_has_tables_of_its_own_and_typing_errors_are_told_all_the_same() {
    let old =
        "[info]\nname='a'\nmodule='x.y.a'\nclass_name='A'\ntype='scanner'\n[scanner]\ndepth=2\n[confg]\n";
    let manifest = good(old, &["a.py"]);
    assert_eq!(manifest.extra["scanner"]["depth"], 2);
    assert_eq!(manifest.warnings.len(), 1, "{:?}", manifest.warnings);
    assert!(
        manifest.warnings[0].ends_with("line 8: unknown table `[confg]`; did you mean `config`?"),
        "{:?}",
        manifest.warnings
    );
}

#[test]
fn entry_point_value_says_what_to_import() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.toml");
    std::fs::write(
        &path,
        "[info]\nname='cli_out'\nmodule='cli'\nclass_name='Other'\ntype='output'\n",
    )
    .unwrap();
    let facts = EntryPointFacts {
        distribution: "d",
        version: "1.2",
        value: "cli.cli:CLIOutput [extra]",
        interpreter: &Arc::new(Interpreter::unknown(Path::new("/p/bin/python"))),
    };
    let manifest = Manifest::from_entry_point(&path, facts).unwrap();
    assert_eq!(
        manifest.launch,
        Launch::Python {
            module: "cli.cli".into(),
            class_name: "CLIOutput".into(),
            entry_point: true
        }
    );
    assert_eq!(manifest.version.as_deref(), Some("1.2"));
    assert_eq!(
        manifest.origin.to_string(),
        format!("package d 1.2 ({})", path.display())
    );
}

#[test]
fn every_new_table_is_read() {
    let text = r#"
[info]
name = "ports"
type = "input"
uses = ["host"]
[run]
command = ["bin/ports", "--serve"]
protocol = [1, 3]
env = ["AWS_*"]
[timeouts]
hook_total = "1h"
hook_idle = 0
[limits]
line = "512MiB"
[check]
severity = "high"
remediation = "Close it."
reads = ["sockets"]
[assistant]
flow = "append"
[config.zone]
type = "string"
required = true
[config.max_open]
type = "integer"
default = 5
description = "ports that may be open"
"#;
    let manifest = good(text, &[]);
    assert_eq!(
        manifest.launch,
        Launch::Command {
            argv: vec!["bin/ports".into(), "--serve".into()]
        }
    );
    assert_eq!(manifest.protocol, (1, 3));
    assert_eq!(manifest.timeouts.hook_total, Some(Duration::from_secs(3600)));
    assert_eq!(manifest.timeouts.hook_idle, Some(Duration::ZERO));
    assert_eq!(manifest.timeouts.handshake, None);
    assert_eq!(manifest.max_line, Some(512 << 20));
    assert_eq!(manifest.check.severity, Some(Severity::High));
    assert_eq!(manifest.flow, Flow::Append);
    assert_eq!(
        manifest.config_schema,
        Some(json!({
            "type": "object",
            "properties": {
                "zone": {"type": "string"},
                "max_open": {"type": "integer", "default": 5, "description": "ports that may be open"},
            },
            "required": ["zone"],
        }))
    );
    assert!(!manifest.legacy);
}

#[test]
fn bundled_check_needs_no_code() {
    let text = "[info]\nname='inodes'\ntype='rego'\nuses=['host']\n[rego]\nrego_file='inodes.rego'\n";
    let manifest = Manifest::bundled("inodes", text, Some("package inodes")).unwrap();
    assert_eq!(manifest.launch, Launch::Nothing);
    assert_eq!(manifest.home, PathBuf::new());
    let rego = manifest.rego.unwrap();
    assert_eq!(rego.policy, Policy::Embedded("package inodes"));
    assert!(rego.strict);
}

#[test]
fn all_faults_of_a_manifest_are_reported_with_their_lines() {
    faults(
        "[info]\nname = \"my-plugin\"\ntyp = \"input\"\nuses = \"ec2\"\n\n[run]\ncomand = [\"x\"]\nenv = [\"A B\"]\n\
         [timeouts]\nhook_totl = \"1h\"\nactivate = \"soon\"\n[limits]\nline = \"huge\"\n[check]\nseverity = \"hihg\"\n\
         [config]\nmax = 3\n[config.min]\ntype = \"int\"\ndescripton = \"x\"\n[confg.a]\n",
        expect![[r#"
            manifest `manifest.toml`, line 1: `[info]` has no `type`
              hint: add `type = "input"` to `[info]`
            manifest `manifest.toml`, line 2: `name` is "my-plugin", which holds '-'
              hint: use letters, digits and `_`: pipelines are split at `-` and `,`
            manifest `manifest.toml`, line 3: unknown key `typ` in `[info]`
              hint: did you mean `type`?
            manifest `manifest.toml`, line 4: `uses` in `[info]` must be a list of strings, found the string "ec2"
              hint: write `uses = ["…"]`
            manifest `manifest.toml`, line 6: `[run]` has no `command`
              hint: add `command = ["bin/plugin"]` to `[run]`
            manifest `manifest.toml`, line 7: unknown key `comand` in `[run]`
              hint: did you mean `command`?
            manifest `manifest.toml`, line 8: `env` in `[run]` holds `A B`, which is no variable's name
              hint: write names, or beginnings of names with a star: `env = ["AWS_*"]`
            manifest `manifest.toml`, line 10: unknown key `hook_totl` in `[timeouts]`
              hint: did you mean `hook_total`?
            manifest `manifest.toml`, line 11: `activate` in `[timeouts]` must be a duration such as "30s", "5m", "1h" or a number of seconds, found the string "soon"
            manifest `manifest.toml`, line 13: `line` in `[limits]` must be a size such as "512MiB", "64KiB" or a number of bytes, found the string "huge"
            manifest `manifest.toml`, line 15: `severity` in `[check]` is `hihg`, which is none of info, low, medium, high, critical
              hint: did you mean `high`?
            manifest `manifest.toml`, line 17: `config.max` must be a table, found the number 3
              hint: write it as a heading: `[config.max]`
            manifest `manifest.toml`, line 19: `type` in `[config.min]` is `int`, which is none of string, integer, number, boolean, array, object, null
            manifest `manifest.toml`, line 20: unknown key `descripton` in `[config.min]`
              hint: did you mean `description`?
            manifest `manifest.toml`, line 21: unknown table `[confg]`
              hint: did you mean `config`?
        "#]],
    );
}

#[test]
fn missing_files_and_paths_that_leave_the_folder_are_named() {
    faults(
        "[info]\nname='a'\ntype='rego'\nmodule='pkg.a'\nclass_name='A'\n[rego]\nrego_file='../secret.rego'\n",
        expect![[r#"
            manifest `manifest.toml`, line 4: code file `a.py` of `module = "pkg.a"` does not exist
              hint: put `a.py` beside the manifest, or correct `module`
            manifest `manifest.toml`, line 7: `rego_file` is `../secret.rego`, which leaves the manifest's folder
              hint: put the policy beside the manifest or below it
        "#]],
    );
    faults(
        "[info]\nname='a'\ntype='rego'\n[rego]\nrego_file='a.rego'\nversion=2\n",
        expect![[r#"
            manifest `manifest.toml`, line 5: policy `a.rego` does not exist
              hint: put the policy there, or correct `rego_file` in `[rego]`
            manifest `manifest.toml`, line 6: `version` in `[rego]` must be 0 or 1
              hint: write `version = 0` for old policies, or leave it out
        "#]],
    );
}

#[test]
fn manifest_that_says_too_little_is_told_what_to_add() {
    faults(
        "[info]\nname='a'\ntype='input'\n",
        expect![[r#"
            manifest `manifest.toml`, line 1: neither `[run]` nor `module` and `class_name` say what to start
              hint: add a table `[run]` with `command = ["bin/a"]`
              hint: or, for a Python class, `module = "a"` and `class_name = "…"`
        "#]],
    );
    faults(
        "name = 'a'\n",
        expect![[r#"
            manifest `manifest.toml`, line 1: no `[info]` table
              hint: begin the file with `[info]`, then `name = "…"` and `type = "…"`
        "#]],
    );
    faults(
        "[info]\nname='a'\ntype='input'\n[run]\ncommand=['x']\nprotocol=[2,3]\n",
        expect![[r#"
            manifest `manifest.toml`, line 6: speaks plugin protocol 2 to 3, this host speaks 1
        "#]],
    );
}

#[test]
fn text_that_is_no_toml_names_the_line() {
    let (_folder, manifest) = read("[info]\nname = \n", &[]);
    let fault = &manifest.unwrap_err().faults[0];
    assert!(fault.message.contains("line 2: not valid TOML: "), "{fault:?}");
}

#[test]
fn oversized_manifest_is_refused_unread() {
    let (_folder, manifest) = read(&"#".repeat((1 << 20) + 1), &[]);
    let fault = &manifest.unwrap_err().faults[0];
    assert!(
        fault
            .message
            .ends_with("it has 1048577 bytes, more than the 1048576 allowed"),
        "{fault:?}"
    );
}

#[test]
fn names_with_separators_or_control_characters_are_refused() {
    for name in ["a b", "a,b", "a/b", "a\\u001bb", ".hidden", "a-b"] {
        let text = format!("[info]\nname=\"{name}\"\ntype='input'\n[run]\ncommand=['x']\n");
        assert!(read(&text, &[]).1.is_err(), "{name}");
    }
}

#[test]
fn what_looks_like_a_secret_and_is_none_is_refused() {
    faults(
        "[info]\nname = \"a\"\ntype = \"input\"\n[run]\ncommand = [\"x\"]\n\
         [config.a]\nsecret = true\n[config.b]\nsensitive = true\n[config.c]\nformat = \"passwd\"\n[config.d]\nformat = \"secret\"\n",
        expect![[r#"
            manifest `manifest.toml`, line 7: unknown key `secret` in `[config.a]`
              hint: did you mean `writeOnly`? `writeOnly = true` makes the field a secret
            manifest `manifest.toml`, line 9: unknown key `sensitive` in `[config.b]`
              hint: did you mean `writeOnly`? `writeOnly = true` makes the field a secret
            manifest `manifest.toml`, line 11: `format` in `[config.c]` is `passwd`, which makes no secret
              hint: did you mean `password`? `writeOnly = true` makes any field a secret
            manifest `manifest.toml`, line 13: `format` in `[config.d]` is `secret`, which makes no secret
              hint: did you mean `password`? `writeOnly = true` makes any field a secret
        "#]],
    );
}

//! What `opsbox plugins` shows.

use crate::discover::Unusable;
use std::path::PathBuf;

use expect_test::expect;

use super::*;
use crate::discover::Replaced;
use crate::environ::tests::environ;
use crate::manifest::Origin;
use crate::plan::tests::plugin;

fn catalog() -> Catalog {
    Catalog {
        plugins: vec![
            plugin("p", "cli_out", "output", &[]),
            plugin("p", "host", "provider", &[]),
            plugin("p", "idle", "rego", &["host", "rego"]),
            plugin("p", "same", "input", &[]),
            plugin("q", "same", "input", &[]),
        ],
        unusable: vec![Unusable {
            name: Some("broken".into()),
            place: PathBuf::from("/p/broken/manifest.toml"),
            distribution: Some("opsbox-broken".into()),
            faults: vec![Fault::new("no manifest").hint("write one")],
        }],
        replaced: vec![Replaced {
            manifest: plugin("q", "cli_out", "output", &[]),
            by: Origin::Bundled,
            warn: true,
        }],
        warnings: vec!["plugin folder `/none` does not exist".into()],
        sources: vec!["built in".into()],
        ..Catalog::default()
    }
}

#[test]
fn list_shows_what_is_there_and_what_is_not_used() {
    let answer = list(&catalog(), None, 80).unwrap();
    assert_eq!(answer.json["unusable"][0]["name"], "broken");
    expect![[r#"
        NAME     TYPE      DESCRIPTION  FROM
        idle     rego                   /p/idle/manifest.toml
        same     input                  /p/same/manifest.toml
        same     input                  /q/same/manifest.toml
        cli_out  output                 /p/cli_out/manifest.toml
        host     provider               /p/host/manifest.toml
        5 plugins; one in full: `opsbox plugins show NAME`

        cannot be used:
          broken of package opsbox-broken
            no manifest
              hint: write one

        replaced:
          `cli_out` is built in here; the one of /q/cli_out/manifest.toml is not used

        warning: plugin folder `/none` does not exist
    "#]]
    .assert_eq(&answer.text);
    let failure = list(&catalog(), Some("ouput"), 80).unwrap_err();
    assert!(failure.to_string().contains("did you mean `output`?"));
    assert!(
        list(&catalog(), Some("output"), 80)
            .unwrap()
            .text
            .contains("cli_out")
    );
}

#[test]
fn show_tells_all_about_one() {
    let schema = json!({"properties": {"max": {"type": "integer", "default": 5, "description": "at most"}}});
    let answer = show(&catalog(), "idle", Some(&schema), 80).unwrap();
    expect![[r#"
        idle
        ABOUT    WHAT
        type     rego
        version  1.0.0
        from     /p/idle/manifest.toml
        started  policy of this program, no code
        uses     host, rego
        policy   x.rego, rule details, Rego v1

        FIELD  TYPE     DEFAULT  DESCRIPTION
        max    integer  5        at most
    "#]]
    .assert_eq(&answer.text);
    assert!(
        show(&catalog(), "idel", None, 80)
            .unwrap_err()
            .to_string()
            .contains("did you mean `idle`?")
    );
}

#[test]
fn doctor_names_each_problem_and_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = catalog();
    let mut manifest = plugin("p", "node", "input", &[]).as_ref().clone();
    manifest.launch = Launch::Command {
        argv: vec!["no-such-program".into()],
    };
    catalog.plugins.push(std::sync::Arc::new(manifest));
    catalog.python_fault = Some(Fault::new("no Python interpreter found").hint("install it"));
    let answer = super::super::doctor::doctor(&catalog, &environ(folder.path(), &[]), &[], Vec::new());
    assert_eq!(answer.code, 2);
    expect![[r#"
        python:
          no Python interpreter found
            hint: install it
        managed environment:
          none; `opsbox plugins add NAME` makes one
        places:
          built in

        cannot be used:
          broken of package opsbox-broken
            no manifest
              hint: write one

        replaced:
          `cli_out` is built in here; the one of /q/cli_out/manifest.toml is not used

        warning: plugin folder `/none` does not exist

        problems:
          plugin `same` is there 2 times: /p/same/manifest.toml; /q/same/manifest.toml
            hint: rename one of them, remove one, or leave its folder out of `--plugin-dir`
          plugin `node`: program `no-such-program` is not beside the manifest or on `PATH`
            hint: install it, or correct `command` in `/p/node/manifest.toml`
    "#]]
    .assert_eq(&answer.text);
}

//! What a pipeline becomes, and what is said about one that cannot run.

use std::path::PathBuf;

use expect_test::{Expect, expect};

use super::*;
use crate::discover::{Replaced, Unusable};
use crate::manifest::Origin;

/// Makes a plugin of a type that uses others, from `folder`.
pub(crate) fn plugin(folder: &str, name: &str, kind: &str, uses: &[&str]) -> Arc<Manifest> {
    let rego = if kind == "rego" {
        "[rego]\nrego_file = 'x.rego'\n"
    } else {
        ""
    };
    let handles = if name == "judging" {
        "[handler]\nhandles = ['rego', 'provider']\n"
    } else if kind == "handler" {
        "[handler]\nhandles = ['odd', 'input']\n"
    } else {
        ""
    };
    let text = format!("[info]\nname = '{name}'\ntype = '{kind}'\nuses = {uses:?}\n{rego}{handles}");
    let mut manifest = Manifest::bundled("test", &text, Some("package x")).unwrap();
    manifest.origin = Origin::Folder {
        manifest: PathBuf::from(format!("/{folder}/{name}/manifest.toml")),
    };
    Arc::new(manifest)
}

fn catalog() -> Catalog {
    let plugins = vec![
        plugin("p", "ec2", "provider", &["account"]),
        plugin("p", "account", "provider", &[]),
        plugin("p", "host", "provider", &[]),
        plugin("p", "idle", "rego", &["rego", "ec2"]),
        plugin("p", "stray", "rego", &["ec2", "rego"]),
        plugin("p", "both", "rego", &["ec2", "host"]),
        plugin("p", "none", "rego", &["rego"]),
        plugin("p", "ports", "input", &["host", "ec2"]),
        plugin("p", "lost", "input", &["hots"]),
        plugin("p", "a", "provider", &["b"]),
        plugin("p", "b", "provider", &["a"]),
        plugin("p", "round", "input", &["a"]),
        plugin("p", "wrong", "input", &["limit"]),
        plugin("p", "limit", "assistant", &["general"]),
        plugin("p", "sort", "assistant", &[]),
        plugin("p", "cli_out", "output", &["general"]),
        plugin("p", "json_out", "output", &[]),
        plugin("p", "twice", "input", &[]),
        plugin("q", "twice", "input", &[]),
        plugin("p", "special", "handler", &[]),
        plugin("p", "judging", "handler", &["host"]),
        plugin("p", "mine", "input", &["special"]),
        plugin("p", "judge", "rego", &["judging"]),
        plugin("p", "strange", "odd", &[]),
        plugin("p", "typo", "ouput", &[]),
    ];
    let sources = vec!["built in".to_owned(), "folder `/p`".to_owned()];
    Catalog {
        plugins,
        sources,
        ..Catalog::default()
    }
}

fn plan(text: &str) -> Result<Plan, Failure> {
    Plan::make(&Pipeline::parse(text).unwrap(), &catalog())
}

fn names(planned: &[Planned]) -> Vec<&str> {
    planned
        .iter()
        .map(|planned| planned.manifest.name.as_str())
        .collect()
}

fn fails(text: &str, expected: Expect) {
    expected.assert_eq(&format!("{}\n", plan(text).unwrap_err()));
}

#[test]
fn providers_are_shared_and_closed_over() {
    let plan = plan("stray,ports,idle-sort-limit-json_out,cli_out").unwrap();
    assert_eq!(names(&plan.checks), ["stray", "ports", "idle"]);
    assert_eq!(names(&plan.providers), ["account", "ec2", "host"]);
    assert_eq!(plan.checks[0].providers, [1]);
    assert_eq!(plan.checks[1].providers, [2, 1]);
    assert_eq!(plan.providers[1].providers, [0]);
    assert_eq!(names(&plan.assistants), ["sort", "limit"]);
    assert_eq!(names(&plan.outputs), ["json_out", "cli_out"]);
    assert_eq!(plan.checks[0].handler, Handler::Rego);
    assert_eq!(plan.checks[1].handler, Handler::General);
    assert_eq!(plan.plugins().len(), 10);
}

#[test]
fn provider_in_the_first_stage_is_handed_on() {
    let plan = plan("ec2,idle-json_out").unwrap();
    assert_eq!(names(&plan.providers), ["account", "ec2"]);
    assert_eq!(plan.checks[0].providers, [1]);
    assert!(plan.checks[0].pass_through());
    assert_eq!(plan.plugins().len(), 4);
}

#[test]
fn handler_plugins_serve_what_names_them_or_what_nothing_built_in_serves() {
    let plan = plan("mine,strange-cli_out").unwrap();
    assert_eq!(plan.checks[0].handler, Handler::Plugin("special".into()));
    assert_eq!(plan.checks[1].handler, Handler::Plugin("special".into()));
    assert_eq!(names(&plan.handlers), ["special"]);
    fails(
        "typo-cli_out",
        expect![[r#"
            error: no handler serves type `ouput` of plugin `typo`
              hint: did you mean `output`?
              hint: types of this host: provider, input, rego, assistant, output, handler
        "#]],
    );
}

#[test]
fn a_rego_check_of_a_handler_plugin_needs_no_provider_and_the_handler_brings_its_own() {
    let plan = plan("judge,idle-limit-strange").unwrap();
    assert_eq!(plan.checks[0].handler, Handler::Plugin("judging".into()));
    assert_eq!(plan.checks[1].handler, Handler::Rego);
    assert_eq!(plan.outputs[0].handler, Handler::Plugin("special".into()));
    assert_eq!(names(&plan.providers), ["host", "account", "ec2"]);
    assert_eq!(names(&plan.handlers), ["judging", "special"]);
    let members: Vec<_> = plan
        .members()
        .enumerate()
        .map(|(index, planned)| (planned.manifest.name.as_str(), plan.is_partner(index)))
        .filter_map(|(name, is_partner)| is_partner.then_some(name))
        .collect();
    assert_eq!(members, ["judge", "strange", "judging", "special"]);
    assert_eq!(plan.handler_index("special"), Some(8));
}

#[test]
fn all_faults_of_a_pipeline_come_at_once() {
    fails(
        "idel,twice,round,lost,wrong-special-cli_out",
        expect![[r#"
            error: plugin `idel` not found
              hint: did you mean `idle`?
              hint: plugins come from: built in; folder `/p`
              hint: see what is there with `opsbox plugins list`, or add a folder with `--plugin-dir DIR` (`--plugin_dir DIR` beside `--modules`)
            error: plugin `twice` is there 2 times: /p/twice/manifest.toml; /q/twice/manifest.toml
              hint: rename one of them, remove one, or leave its folder out of `--plugin-dir`
            error: plugins use each other in a circle: `a` uses `b` uses `a`
              hint: take one of the names out of `uses` in its manifest
            error: `lost` uses `hots`: plugin `hots` not found
              hint: did you mean `host`?
              hint: plugins come from: built in; folder `/p`
              hint: see what is there with `opsbox plugins list`, or add a folder with `--plugin-dir DIR` (`--plugin_dir DIR` beside `--modules`)
            error: `wrong` uses `limit`, which is of type assistant; only providers and handlers can be used
              hint: take `limit` out of `uses`, and name it in the pipeline
            error: `special` is a handler, which does not stand in a pipeline
              hint: name it in a plugin's manifest: `uses = ["special"]`
        "#]],
    );
}

#[test]
fn plugin_in_the_wrong_place_is_told_its_place() {
    fails(
        "limit-ports-host",
        expect![[r#"
            error: `limit` is of type assistant, which does not stand first, before the first `-`
              hint: put `limit` in the middle, between two `-`
            error: `ports` is of type input, which does not stand in the middle, between two `-`
              hint: put `ports` first, before the first `-`
            error: `host` is of type provider, which does not stand last, after the last `-`
              hint: put `host` first, before the first `-`
        "#]],
    );
}

#[test]
fn rego_check_uses_exactly_one_provider() {
    fails(
        "both,none-cli_out",
        expect![[r#"
            error: rego check `both` uses 2 providers (ec2, host); it can use only one
              hint: leave one of them in `uses` of its manifest
            error: rego check `none` uses no provider, so there is no data to look at
              hint: name one in its manifest, such as `uses = ["host"]`
        "#]],
    );
}

#[test]
fn unusable_plugin_is_named_with_its_reason() {
    let mut catalog = catalog();
    catalog.unusable.push(Unusable {
        name: Some("broken".into()),
        place: PathBuf::from("/p/broken/manifest.toml"),
        distribution: None,
        faults: vec![Fault::new("manifest `m`, line 3: unknown key").hint("did you mean `type`?")],
    });
    let failure = Plan::make(&Pipeline::parse("broken-cli_out").unwrap(), &catalog).unwrap_err();
    expect![[r#"
        error: plugin `broken` cannot be used: manifest `m`, line 3: unknown key
          hint: did you mean `type`?"#]]
    .assert_eq(&failure.to_string());
}

#[test]
fn replaced_plugin_warns_whoever_uses_the_name() {
    let mut catalog = catalog();
    let manifest = plugin("q", "cli_out", "output", &[]);
    catalog.replaced.push(Replaced {
        manifest,
        by: Origin::Bundled,
        warn: true,
    });
    let plan = Plan::make(&Pipeline::parse("ports-cli_out").unwrap(), &catalog).unwrap();
    assert_eq!(
        plan.warnings,
        ["`cli_out` is built in here; the one of /q/cli_out/manifest.toml is not used"]
    );
    let plan = Plan::make(&Pipeline::parse("ports-json_out").unwrap(), &catalog).unwrap();
    assert_eq!(plan.warnings, [] as [String; 0]);
}

#[test]
fn python_plugin_without_python_says_so() {
    let mut catalog = catalog();
    let mut manifest = plugin("p", "snake", "input", &[]).as_ref().clone();
    manifest.launch = Launch::Python {
        module: "m".into(),
        class_name: "C".into(),
        entry_point: false,
    };
    catalog.plugins.push(Arc::new(manifest));
    catalog.python_fault =
        Some(Fault::new("no Python interpreter found").hint("install Python 3.9 or newer"));
    let failure = Plan::make(&Pipeline::parse("snake-cli_out").unwrap(), &catalog).unwrap_err();
    expect![[r#"
        error: Python is needed for `snake`: no Python interpreter found
          hint: install Python 3.9 or newer"#]]
    .assert_eq(&failure.to_string());
}

#[test]
fn a_handler_that_lists_no_types_is_named_where_one_is_missing() {
    let text = "[info]\nname = 'scanning'\ntype = 'handler'\n";
    let mut catalog = catalog();
    let handler = Manifest::bundled("test", text, None).unwrap();
    catalog.plugins.push(Arc::new(handler));
    catalog.plugins.push(plugin("p", "cert", "scanner", &[]));
    let pipeline = Pipeline::parse("cert-cli_out").unwrap();
    let failure = Plan::make(&pipeline, &catalog).unwrap_err();
    let wanted = "if handler `scanning` is to serve it, write `handles = [\"scanner\"]` under `[handler]` in its manifest";
    assert!(
        failure.faults[0].hints.iter().any(|hint| hint == wanted),
        "{failure}"
    );
}

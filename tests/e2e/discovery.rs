//! What is found, where, which one counts, and what it costs to ask.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::{Sandbox, Seen};

/// Writes the manifest of an input that runs a program of that name beside it.
fn plugin(sandbox: &Sandbox, folder: &str, name: &str, about: &str) {
    sandbox.write(
        &format!("{folder}/manifest.toml"),
        &format!("[info]\nname = \"{name}\"\ntype = \"input\"\ndescription = \"{about}\"\n[run]\ncommand = [\"run.sh\"]\n"),
    );
    sandbox.script(&format!("{folder}/run.sh"), "#!/bin/sh\n");
}

/// Returns the entry of a plugin in `plugins list --json`.
fn listed<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let plugins = list["plugins"].as_array().unwrap();
    plugins.iter().find(|plugin| plugin["name"] == name)
}

#[track_caller]
fn fits(seen: &Seen, columns: usize) {
    let long: Vec<_> = seen
        .stdout
        .lines()
        .filter(|line| line.chars().count() > columns)
        .collect();
    assert!(long.is_empty(), "{long:#?}\n{seen}");
}

#[test]
fn several_plugin_folders_are_searched_through_and_through() {
    let sandbox = Sandbox::new();
    plugin(&sandbox, "plugins/of_variable", "of_variable", "");
    plugin(&sandbox, "one/first", "first", "");
    plugin(&sandbox, "one/deep/er/second", "second", "");
    plugin(&sandbox, "two", "third", "");
    // Any file name will do, but for Python's own.
    sandbox.write(
        "two/other.toml",
        &sandbox.read("two/manifest.toml").replace("third", "fourth"),
    );
    sandbox.write(
        "two/pyproject.toml",
        &sandbox.read("two/manifest.toml").replace("third", "fifth"),
    );
    sandbox.write("two/settings.toml", "[tool]\nx = 1\n");
    let dirs = ["--plugin-dir", "../one", "--plugin-dir", "../two", "--json"];
    let list = sandbox
        .opsbox(&[&["plugins", "list"], &dirs[..]].concat())
        .exits(0)
        .json();
    for name in ["first", "second", "third", "fourth"] {
        assert!(listed(&list, name).is_some(), "{name} is missing: {list:#}");
    }
    assert_eq!(listed(&list, "fifth"), None);
    assert_eq!(
        listed(&list, "of_variable"),
        None,
        "a flag takes the variable's place"
    );
    assert_eq!(list["unusable"].as_array().unwrap().len(), 0, "{list:#}");
    let both = format!(
        "{}:{}",
        sandbox.path("one").display(),
        sandbox.path("two").display()
    );
    let list = sandbox
        .opsbox_with(&[("OPSBOX_PLUGIN_DIR", &both)], &["plugins", "list", "--json"])
        .json();
    assert!(listed(&list, "first").is_some() && listed(&list, "third").is_some());
}

#[test]
fn link_loops_end_and_a_plugin_reached_twice_is_one() {
    let sandbox = Sandbox::new();
    plugin(&sandbox, "plugins/look", "look", "");
    symlink(sandbox.path("plugins"), sandbox.path("plugins/look/up")).unwrap();
    symlink(sandbox.path("plugins/look"), sandbox.path("plugins/again")).unwrap();
    symlink(sandbox.path("plugins/nowhere"), sandbox.path("plugins/dangling")).unwrap();
    let seen = sandbox.opsbox(&["plugins", "list", "--json"]).exits(0);
    let list = seen.json();
    let times = list["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|plugin| plugin["name"] == "look");
    assert_eq!(times.count(), 1, "{seen}");
}

#[test]
fn hidden_folders_and_those_of_other_tools_are_passed_over() {
    let sandbox = Sandbox::new();
    for folder in [".git", ".venv", "node_modules", "__pycache__"] {
        plugin(&sandbox, &format!("plugins/{folder}/look"), "look", "");
    }
    let list = sandbox.opsbox(&["plugins", "list", "--json"]).exits(0).json();
    assert_eq!(listed(&list, "look"), None);
}

#[test]
fn a_folder_that_is_not_there_is_a_warning_and_is_named_where_a_plugin_is_missed() {
    let sandbox = Sandbox::new();
    sandbox.write("work/file", "");
    sandbox
        .opsbox(&["plugins", "list", "--plugin-dir", "gone", "--plugin-dir", "file"])
        .exits(0)
        .prints(&["/work/gone` does not exist", "/work/file` is not a folder"]);
    sandbox
        .opsbox(&["run", "look-cli_out", "--plugin-dir", "gone"])
        .exits(2)
        .says(&["/work/gone`, which does not exist"]);
}

#[test]
fn built_in_goes_before_folder_and_folder_before_package_and_what_is_replaced_is_told() {
    let sandbox = Sandbox::new();
    let Some((environment, packages)) = sandbox.environment("venv") else {
        return;
    };
    sandbox.fault("look", "input", "none", "");
    sandbox.fault("cli_out", "output", "none", "");
    for name in ["look", "alone", "rego"] {
        let package = format!("pack_{name}");
        sandbox.entry_point(
            &packages,
            &format!("opsbox-{name}"),
            &format!("{name} = {package}:Plug"),
        );
        fs::create_dir(packages.join(&package)).unwrap();
        let code = "class Plug:\n    def process(self, data):\n        return []\n";
        fs::write(packages.join(&package).join("__init__.py"), code).unwrap();
        let manifest = format!(
            "[info]\nname = \"{name}\"\ntype = \"input\"\nmodule = \"{package}\"\nclass_name = \"Plug\"\n"
        );
        fs::write(packages.join(&package).join("manifest.toml"), manifest).unwrap();
    }
    let environment = environment.display().to_string();
    let python = ["--python", &environment];
    let seen = sandbox
        .opsbox(&[&["plugins", "list"], &python[..]].concat())
        .exits(0)
        .prints(&["package opsbox-alone", "replaced:", "`cli_out` is built in here"]);
    fits(&seen, 200);
    let list = sandbox
        .opsbox(&[&["plugins", "list", "--json"], &python[..]].concat())
        .json();
    assert_eq!(listed(&list, "look").unwrap()["origin"]["kind"], "folder");
    assert_eq!(listed(&list, "cli_out").unwrap()["origin"]["kind"], "bundled");
    assert_eq!(listed(&list, "alone").unwrap()["origin"]["kind"], "entry_point");
    assert_eq!(
        listed(&list, "rego"),
        None,
        "the name means the handler of this host"
    );
    assert_eq!(list["replaced"].as_array().unwrap().len(), 3, "{list:#}");
    // A run says so only of what it names.
    sandbox
        .opsbox(&[&["run", "look-json_out"], &python[..]].concat())
        .exits(0)
        .says(&["warning: ", "`look` of ", "is used", "opsbox-look", "is not"])
        .hides(&["`cli_out`"]);
    // A virtual environment that is active is searched without being named.
    sandbox
        .opsbox_with(&[("VIRTUAL_ENV", &environment)], &["run", "alone-json_out"])
        .exits(0);
}

#[test]
fn plugins_show_tells_all_about_one() {
    let sandbox = Sandbox::new();
    sandbox.mirror(
        "mirror",
        "input",
        "description = \"shows what it was told\"\nuses = [\"host\"]\n---env = [\"X_*\"]\n[check]\nseverity = \"high\"\n\
         remediation = \"Do something about it.\"\n[config.region]\ntype = \"string\"\ndescription = \"where to look\"\n",
    );
    let seen = sandbox.opsbox(&["plugins", "show", "mirror"]).exits(0).prints(&[
        "mirror",
        "shows what it was told",
        "host",
        "high",
        "Do something about it.",
        "X_*",
        "region",
        "where to look",
    ]);
    fits(&seen, 80);
    let json = sandbox
        .opsbox(&["plugins", "show", "mirror", "--json"])
        .exits(0)
        .json();
    assert_eq!(json["config_schema"]["properties"]["region"]["type"], "string");
    for bundled in ["host", "disk_space", "cli_out", "sort_severity"] {
        fits(&sandbox.opsbox(&["plugins", "show", bundled]).exits(0), 80);
    }
    sandbox
        .opsbox(&["plugins", "show", "miror"])
        .exits(2)
        .says(&["`miror` not found", "did you mean `mirror`?"]);
}

#[test]
fn lists_fit_eighty_columns_and_say_the_same_as_json() {
    let sandbox = Sandbox::new();
    plugin(
        &sandbox,
        "plugins/look",
        "look",
        "a description that goes on and on, far past what one line can hold",
    );
    let seen = sandbox.opsbox(&["plugins", "list"]).exits(0);
    let tables: Vec<&str> = seen
        .stdout
        .lines()
        .take_while(|line| !line.contains("opsbox plugins show"))
        .collect();
    assert!(tables.len() > 10, "{seen}");
    fits(&seen, 80);
    let wide = sandbox
        .opsbox_with(&[("COLUMNS", "200")], &["plugins", "list"])
        .exits(0);
    assert!(wide.stdout.contains("far past what one line can hold"), "{wide}");
    let json = sandbox.opsbox(&["plugins", "list", "--json"]).exits(0).json();
    for entry in json["plugins"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        assert!(
            tables.iter().any(|line| line.starts_with(&format!("{name} "))),
            "{name}\n{seen}"
        );
    }
    let inputs = sandbox
        .opsbox(&["plugins", "list", "--type", "output", "--json"])
        .exits(0)
        .json();
    assert!(
        inputs["plugins"]
            .as_array()
            .unwrap()
            .iter()
            .all(|entry| entry["type"] == "output")
    );
    sandbox
        .opsbox(&["plugins", "list", "--type", "outptu"])
        .exits(2)
        .says(&["no plugin is of type `outptu`", "did you mean `output`?"]);
}

#[test]
fn doctor_is_content_where_all_is_well_and_shows_where_it_looked() {
    let sandbox = Sandbox::new();
    sandbox.fault("look", "input", "none", "");
    let folder = sandbox.path("plugins").display().to_string();
    let seen = sandbox.opsbox(&["plugins", "doctor"]).exits(0);
    seen.prints(&["python:", "built in", &folder, "plugins can be used"]);
    let json = sandbox.opsbox(&["plugins", "doctor", "--json"]).exits(0).json();
    assert_eq!(json["faults"].as_array().unwrap().len(), 0);
    sandbox.write("plugins/bad/manifest.toml", "[info]\n");
    let json = sandbox.opsbox(&["plugins", "doctor", "--json"]).exits(2).json();
    assert!(
        json["unusable"][0]["place"]
            .as_str()
            .unwrap()
            .ends_with("bad/manifest.toml"),
        "{json:#}"
    );
    assert!(
        json["unusable"][0]["faults"][0]["hints"][0].is_string(),
        "{json:#}"
    );
}

#[test]
fn doctor_parses_the_policies() {
    let sandbox = Sandbox::new();
    let rule = "details contains {\"message\": \"m\"} if input.a\n";
    sandbox.rego("fine", "host", &format!("package fine\n\n{rule}"), "");
    sandbox.opsbox(&["plugins", "doctor"]).exits(0);
    sandbox.rego("torn", "host", "package torn\n\ndetails contains {\n", "");
    let seen = sandbox.opsbox(&["plugins", "doctor"]).exits(2);
    seen.prints(&["plugin `torn`", "torn.rego:", "opsbox check test"])
        .hides(&["plugin `fine`"]);
}

#[test]
fn no_plugin_is_started_to_list_it() {
    let sandbox = Sandbox::new();
    sandbox.mirror("mirror", "input", "");
    sandbox.write("plugins/mirror/schema.json", "{\"type\":\"object\"}\n");
    for args in [
        &["plugins", "list"][..],
        &["plugins", "doctor"],
        &["run", "mirror-gone"],
        &["--help"],
    ] {
        sandbox.opsbox(args);
    }
    assert_eq!(sandbox.starts("mirror"), 0);
}

#[test]
fn a_plugin_is_asked_for_its_fields_once_until_one_of_its_files_changes() {
    let sandbox = Sandbox::new();
    sandbox.mirror("mirror", "input", "");
    let schema = |field: &str| {
        format!("{{\"type\":\"object\",\"properties\":{{\"{field}\":{{\"type\":\"string\"}}}}}}\n")
    };
    sandbox.write("plugins/mirror/schema.json", &schema("region"));
    let plan = |field: &str| {
        sandbox
            .opsbox(&["plan", "mirror-json_out"])
            .exits(0)
            .prints(&[field])
    };
    plan("region");
    assert_eq!(sandbox.starts("mirror"), 1);
    assert_eq!(sandbox.calls("mirror"), ["initialize", "grab_config", "shutdown"]);
    plan("region");
    sandbox
        .opsbox(&["config", "show", "mirror-json_out"])
        .exits(0)
        .prints(&["region"]);
    sandbox
        .opsbox(&["plugins", "show", "mirror"])
        .exits(0)
        .prints(&["region"]);
    sandbox
        .opsbox(&["--modules", "mirror-json_out", "--help"])
        .exits(0)
        .prints(&["--region"]);
    assert_eq!(sandbox.starts("mirror"), 1, "the answer was not remembered");
    sandbox.write("plugins/mirror/schema.json", &schema("province"));
    plan("province").hides(&["region"]);
    assert_eq!(sandbox.starts("mirror"), 2);
    // A neighbour's change does not concern it.
    sandbox.mirror("neighbour", "input", "");
    plan("province");
    assert_eq!(sandbox.starts("mirror"), 2);
    // A damaged cache is no cache.
    let cache = sandbox.path("home/.cache/opsbox/schemas");
    let entries: Vec<_> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!entries.is_empty());
    entries.iter().for_each(|entry| fs::write(entry, "{").unwrap());
    plan("province");
    assert_eq!(sandbox.starts("mirror"), 3);
}

#[test]
fn a_plugin_that_cannot_be_asked_is_a_warning_of_the_plan() {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", "exits_with_words", "");
    sandbox
        .opsbox(&["plan", "bad-json_out"])
        .exits(0)
        .says(&[
            "warning:",
            "plugin `bad`",
            "exited with status 7",
            "its fields are not known",
        ])
        .prints(&["bad", "json_out"]);
}

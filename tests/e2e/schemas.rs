//! `opsbox plugin schema`: what is published is listed, printed and written, and a manifest may name its schema.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::support::{Sandbox, binary, repository};

const PUBLISHED: [&str; 7] = [
    "docs/schema/manifest.json",
    "protocol/schema/messages.json",
    "docs/schema/run-record.json",
    "docs/schema/trace.json",
    "docs/schema/stored-run.json",
    "docs/schema/stored-step.json",
    "docs/schema/exported-run.json",
];

#[test]
fn schemas_are_listed_with_version_and_id() {
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&["plugin", "schema"]).exits(0);
    seen.prints(&["urn:opsbox:manifest:1 ", "urn:opsbox:stored-step:1 "]);
    let listed = sandbox.opsbox(&["plugin", "schema", "--json"]).exits(0).json();
    let listed = listed["schemas"].as_array().unwrap();
    assert_eq!(listed.len(), PUBLISHED.len());
    for (entry, file) in listed.iter().zip(PUBLISHED) {
        let text = fs::read_to_string(repository().join(file)).unwrap();
        let published: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(entry["id"], published["$id"], "{file}");
    }
}

#[test]
fn a_schema_is_printed_as_it_is_published() {
    let sandbox = Sandbox::new();
    for file in PUBLISHED {
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".json");
        let seen = sandbox.opsbox(&["plugin", "schema", name]).exits(0);
        assert_eq!(
            seen.stdout,
            fs::read_to_string(repository().join(file)).unwrap(),
            "{file}"
        );
    }
    sandbox
        .opsbox(&["plugin", "schema", "manifst"])
        .exits(2)
        .says(&["manifest", "run-record"]);
}

#[test]
fn schemas_are_written_to_a_folder_that_is_made() {
    let sandbox = Sandbox::new();
    let seen = sandbox
        .opsbox(&["plugin", "schema", "--dir", "editor/schemas"])
        .exits(0);
    for file in PUBLISHED {
        let name = file.rsplit('/').next().unwrap();
        let written = fs::read_to_string(sandbox.path("work/editor/schemas").join(name)).unwrap();
        assert_eq!(
            written,
            fs::read_to_string(repository().join(file)).unwrap(),
            "{name}"
        );
        assert!(
            seen.stdout.contains(&format!("editor/schemas/{name}\n")),
            "{seen}"
        );
    }
    sandbox
        .opsbox(&["plugin", "schema", "manifest", "--dir", "one"])
        .exits(0);
    let names: Vec<_> = fs::read_dir(sandbox.path("work/one")).unwrap().collect();
    assert_eq!(names.len(), 1);
    sandbox.write("work/file", "");
    sandbox
        .opsbox(&["plugin", "schema", "--dir", "file"])
        .exits(2)
        .says(&["cannot make the folder", "file"]);
}

#[test]
fn a_manifest_that_names_its_schema_runs_and_no_handler_is_told_of_it() {
    let sandbox = Sandbox::new();
    let body =
        "[info]\nname = \"many\"\ntype = \"rego\"\nuses = [\"host\"]\n[rego]\nrego_file = \"many.rego\"\n";
    sandbox.write("plugins/many/many.rego", "package many\n\ndetails := []\n");
    for head in [
        "\"$schema\" = \"./manifest.json\"\n",
        "#:schema ./manifest.json\n",
    ] {
        sandbox.write("plugins/many/manifest.toml", &format!("{head}{body}"));
        sandbox.opsbox(&["run", "many-json_out"]).exits(0);
    }
    sandbox.write("plugins/many/manifest.toml", &format!("\"$schema\" = 1\n{body}"));
    sandbox
        .opsbox(&["run", "many-json_out"])
        .exits(2)
        .says(&["line 1: `$schema` must be a string"]);
}

#[test]
fn a_file_of_the_projects_own_is_not_overwritten_by_a_schema() {
    let sandbox = Sandbox::new();
    let own = r#"{"name": "a web app", "start_url": "/"}"#;
    sandbox.write("work/app/manifest.json", own);
    for args in [
        &["plugin", "schema", "manifest", "--dir", "app"][..],
        &["plugin", "schema", "--dir", "app"],
    ] {
        sandbox
            .opsbox(args)
            .exits(2)
            .says(&["app/manifest.json` is there already", "--force"]);
        assert_eq!(sandbox.read("work/app/manifest.json"), own);
        assert_eq!(fs::read_dir(sandbox.path("work/app")).unwrap().count(), 1);
    }
    let published = sandbox.opsbox(&["plugin", "schema", "manifest"]).exits(0).stdout;
    sandbox
        .opsbox(&["plugin", "schema", "manifest", "--dir", "app", "--force"])
        .exits(0);
    assert_eq!(sandbox.read("work/app/manifest.json"), published);
    // An older schema of ours is replaced as it is, and others may read what the umask says.
    sandbox.write("work/app/manifest.json", r#"{"$id": "urn:opsbox:manifest:0"}"#);
    let args = ["plugin", "schema", "--dir", "app"];
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask 027; exec \"$@\"", "sh"])
        .arg(binary())
        .args(args);
    sandbox.surround(&mut shell);
    sandbox.finish(&args, &mut shell).exits(0);
    assert_eq!(sandbox.read("work/app/manifest.json"), published);
    for name in ["manifest", "trace"] {
        let file = sandbox.path(&format!("work/app/{name}.json"));
        let mode = fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o640, "{name}");
    }
}

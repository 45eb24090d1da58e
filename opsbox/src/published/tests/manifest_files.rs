//! Every manifest of the repository, and every one that a document shows, fits the schema.

use std::path::{Path, PathBuf};

use super::manifest_shapes::json;
use super::{Validator, repository};

/// Returns every TOML file with an `[info]` table below a folder.
fn manifests_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            if text.contains("[info]") {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_manifest_of_the_repository_fits_the_schema() {
    let validator = Validator::named("manifest");
    let mut wrong = Vec::new();
    let mut n_manifests = 0;
    for folder in [
        "plugins",
        "plugin-sdk-rs/examples",
        "opsbox/templates/manifest",
        "tests/fixtures/seed",
        "tests/fixtures/python",
        "tests/fixtures/rego",
    ] {
        for (path, text) in manifests_below(&repository().join(folder)) {
            let mut value = json(&text);
            let bundled =
                folder == "plugins" && !path.components().any(|part| part.as_os_str() == "examples");
            if bundled && value["info"]["type"] != "rego" {
                // What is part of the binary says no program.
                value["run"] = serde_json::json!({"command": ["opsbox"]});
            }
            wrong.extend(
                validator
                    .refuses(&value)
                    .map(|why| format!("{}: {why}", path.display())),
            );
            n_manifests += 1;
        }
    }
    assert!(n_manifests >= 35, "{n_manifests} manifests");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_manifest_that_a_document_shows_fits_the_schema_and_the_host() {
    let validator = Validator::named("manifest");
    let mut n_shown = 0;
    for file in [
        "README.md",
        "protocol/PROTOCOL.md",
        "docs/writing-rego-checks.md",
        "docs/handlers.md",
    ] {
        let text = std::fs::read_to_string(repository().join(file)).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if !block.contains("[info]") {
                continue;
            }
            assert_eq!(validator.refuses(&json(block)), None, "{file}: {block}");
            n_shown += 1;
        }
    }
    assert!(n_shown >= 4, "{n_shown} manifests");
}

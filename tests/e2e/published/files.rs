//! The outputs whose names are built in here: their published classes, under other names.

use serde_json::json;

use super::compatibility::{Claim, claim};
use super::{World, two_results};
use crate::support::step;

pub(super) const CLAIMS: &[Claim] = &[
    claim!("cli_out", "the terminal", "same", cli_out),
    claim!("json_out", "a folder", "same", json_out),
    claim!("text_out", "a folder", "same", text_out),
];

/// The published classes: plugin, module and class.
pub(super) const PUBLISHED: [(&str, &str, &str); 3] = [
    ("cli_out", "cli.cli", "CLIOutput"),
    ("json_out", "json_file.json_file", "JSONFileOutput"),
    ("text_out", "text_file.text_file", "TextFileOutput"),
];

pub(super) const OUTPUT: &str = "type = \"output\"\nuses = [\"general\"]\n";

#[test]
fn cli_out() {
    let Some(world) = World::new() else { return };
    let (_, module, class) = PUBLISHED[0];
    world.under_another_name("published", module, class, OUTPUT);
    let seen = world.run("two-published", &json!({})).exits(0).prints(&[
        "CLI output",
        "You have 2 results from the following plugins: ['stray_ebs', 'console_access']",
        "[{'id': 'vol-1', 'size': 8}, {'id': 'vol-2', 'size': 1.5}]",
        "{'users': ['ana']}",
    ]);
    assert_eq!(
        step(&world.sandbox.record(), "published")["status"],
        "clean",
        "{seen}"
    );
}

#[test]
fn json_out() {
    let Some(world) = World::new() else { return };
    let (_, module, class) = PUBLISHED[1];
    world.under_another_name("published", module, class, OUTPUT);
    world
        .run("two-published", &json!({"output_folder": "out"}))
        .exits(0);
    let [first, second] = ["ec2/stray_ebs", "iam/console_access"]
        .map(|name| world.sandbox.json(&format!("work/out/{name}.json")));
    assert_eq!(json!([first, second]), two_results());
}

#[test]
fn text_out() {
    let Some(world) = World::new() else { return };
    let (_, module, class) = PUBLISHED[2];
    world.under_another_name("published", module, class, OUTPUT);
    world
        .run("two-published", &json!({"output_folder": "out"}))
        .exits(0);
    let read = |name: &str| world.sandbox.read(&format!("work/out/{name}.txt"));
    assert_eq!(read("ec2/stray_ebs"), "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve");
    assert_eq!(read("iam/console_access"), "ana may log in");
}

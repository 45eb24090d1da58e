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

const OUTPUT: &str = "type = \"output\"\nuses = [\"general\"]\n";

#[test]
fn cli_out() {
    let Some(world) = World::new() else { return };
    world.under_another_name("published", "cli.cli", "CLIOutput", OUTPUT);
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
    world.under_another_name("published", "json_file.json_file", "JSONFileOutput", OUTPUT);
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
    world.under_another_name("published", "text_file.text_file", "TextFileOutput", OUTPUT);
    world
        .run("two-published", &json!({"output_folder": "out"}))
        .exits(0);
    let read = |name: &str| world.sandbox.read(&format!("work/out/{name}.txt"));
    assert_eq!(read("ec2/stray_ebs"), "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve");
    assert_eq!(read("iam/console_access"), "ana may log in");
}

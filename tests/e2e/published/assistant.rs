//! The assistant, against language models of both makes, played on this machine.

use serde_json::{Value, json};

use super::compatibility::{Claim, claim};
use super::{World, two_results};
use crate::support::{Server, step};

pub(super) const CLAIMS: &[Claim] = &[claim!(
    "cost_savings",
    "an OpenAI API and an Anthropic API",
    "the original cannot load it; the list it puts among the Results is flattened, an error it hides makes it incomplete",
    cost_savings
)];

const PIPELINE: &str = "two-cost_savings-json_out";

/// Runs the assistant with these settings; returns what each output file holds, by its path.
fn advised(world: &World, settings: &Value, folder: &str, code: i32) -> Vec<(String, Value)> {
    let mut settings = settings.clone();
    settings["output_folder"] = json!(folder);
    world.run(PIPELINE, &settings).exits(code);
    let root = world.sandbox.work().join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&root)
        .unwrap()
        .flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (
            name,
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        )
    };
    files.iter().map(read).collect()
}

/// Returns path and text of each file.
fn texts(files: &[(String, Value)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(name, result)| (name.as_str(), result["formatted"].as_str().unwrap()))
        .collect()
}

#[test]
fn cost_savings() {
    let Some(world) = World::new() else { return };
    let server = Server::start(&world.sandbox, "services.py", &[]);
    world.sandbox.internet(&server);
    let openai = json!({"arrigator": false, "oai_key": "right-token"});
    assert_eq!(
        texts(&advised(&world, &openai, "openai", 0)),
        [
            ("ec2/stray_ebs.json", "Delete vol-1, vol-2."),
            ("iam/console_access.json", "Nothing to delete.")
        ]
    );
    let claude = json!({"arrigator": false, "claude_key": "right-token"});
    let two = two_results();
    let [first, second] = [0, 1].map(|index| two[index]["formatted"].as_str().unwrap());
    assert_eq!(
        texts(&advised(&world, &claude, "claude", 0)),
        [
            (
                "cost_savings_console_access/Cost Savings.json",
                "Nothing to delete."
            ),
            ("cost_savings_stray_ebs/Cost Savings.json", "Delete vol-1, vol-2."),
            ("ec2/stray_ebs.json", first),
            ("iam/console_access.json", second)
        ]
    );
    let whole = json!({"arrigator": true, "discard_prior": true, "claude_key": "right-token"});
    let files = advised(&world, &whole, "whole", 0);
    let one = [(
        "cost_savings/Cost Savings Aggregated.json",
        "Delete vol-1, vol-2.",
    )];
    assert_eq!(texts(&files), one);
    assert_eq!(
        files[0].1["details"],
        json!([{"id": "vol-1", "size": 8}, {"id": "vol-2", "size": 1.5}, {"users": ["ana"]}])
    );
}

#[test]
fn advice_that_was_not_given_is_not_taken_for_advice() {
    let Some(world) = World::new() else { return };
    let server = Server::start(&world.sandbox, "services.py", &["openai"]);
    world.sandbox.internet(&server);
    let unasked = [
        (json!({"arrigator": false, "oai_key": "wrong"}), "Error code: 401"),
        (
            json!({"arrigator": false}),
            "needs the field `oai_key` or `claude_key`",
        ),
    ];
    for (settings, why) in unasked {
        let files = advised(&world, &settings, "out", 4);
        let step = step(&world.sandbox.record(), "cost_savings").clone();
        assert_eq!(step["status"], "incomplete", "{step:#}");
        assert!(step["gaps"][0]["why"].as_str().unwrap().contains(why), "{step:#}");
        // What was found is delivered all the same.
        assert_eq!(json!([files[0].1, files[1].1]), two_results());
    }
}

//! The outputs that write to services of the internet, against these services played on this machine.

use serde_json::{Value, json};

use super::compatibility::{Claim, claim};
use super::{World, minor_of};
use crate::support::{Seen, Server, packages_for_github, step};

pub(super) const CLAIMS: &[Claim] = &[
    claim!("slack_out", "a Slack Web API", "same", slack_out),
    claim!(
        "jira_out",
        "a Jira REST API and a language model",
        "same; without a key for a language model it says which fields to set",
        jira_out
    ),
    claim!(
        "github_out",
        "a GitHub REST API",
        "needs Python 3.12, and says so on an older one; the original demands 3.11 and cannot load it",
        github_out
    ),
    claim!(
        "pagerduty_out",
        "a PagerDuty Events API and a language model",
        "the original cannot load it; it sends the last Result only and fails without `create_description`, as the package has it",
        pagerduty_out
    ),
    claim!(
        "azure_out",
        "an Azure DevOps REST API",
        "it indexes a Result like a dict and sends nothing: the original ends with 0, here the step is incomplete and the exit code 4",
        azure_out
    ),
];

const SERVICES: &str = "services.py";

/// Starts the services and sends the sandbox's plugins there; those that are named refuse everything.
fn services(world: &World, refused: &[&str]) -> Server {
    let server = Server::start(&world.sandbox, SERVICES, refused);
    world.sandbox.internet(&server);
    server
}

/// Returns the bodies of the requests to one service.
fn bodies(server: &Server, service: &str) -> Vec<Value> {
    let requests = server.asked(service).into_iter();
    requests.map(|mut request| request["body"].take()).collect()
}

/// Asserts that the output's step is incomplete, for this reason.
#[track_caller]
fn incomplete(world: &World, seen: &Seen, output: &str, why: &str) {
    let step = step(&world.sandbox.record(), output).clone();
    assert_eq!(step["status"], "incomplete", "{seen}");
    let gap = &step["gaps"][0];
    assert_eq!(
        gap["what"],
        format!("part of the delivery of `{output}`"),
        "{step:#}"
    );
    assert!(gap["why"].as_str().unwrap().contains(why), "{step:#}");
}

fn slack_settings() -> Value {
    json!({"slack_token": "right-token", "slack_channel": "#ops"})
}

#[test]
fn slack_out() {
    let Some(world) = World::new() else { return };
    let server = services(&world, &[]);
    // The library of Slack brings a package `slack` of its own, which the plugin's module is put into and which needs aiohttp.
    world
        .run("two-slack_out", &slack_settings())
        .exits(0)
        .says(&["slack/__init__.py` of another package cannot be imported (No module named 'aiohttp')"]);
    assert_eq!(
        bodies(&server, "slack"),
        [
            json!({"channel": "#ops", "text": "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve"}),
            json!({"channel": "#ops", "text": "  ana may log in"})
        ]
    );
}

#[test]
fn what_slack_refuses_is_not_taken_for_sent() {
    let Some(world) = World::new() else { return };
    let _server = services(&world, &["slack"]);
    let seen = world.run("two-slack_out", &slack_settings()).exits(4);
    incomplete(
        &world,
        &seen,
        "slack_out",
        "Error sending message to Slack: invalid_auth",
    );
}

fn jira_settings(server: &Server) -> Value {
    json!({"jira_url": server.url("jira"), "jira_email": "ops@example.org", "jira_api_token": "t", "jira_project_key": "OPS"})
}

#[test]
fn jira_out() {
    let Some(world) = World::new() else { return };
    let server = services(&world, &[]);
    let mut settings = jira_settings(&server);
    settings["oai_key"] = json!("right-token");
    world.run("two-jira_out", &settings).exits(0);
    let asked = server.asked("jira");
    let made: Vec<(&str, &str)> = asked
        .iter()
        .map(|request| {
            (
                request["path"].as_str().unwrap(),
                request["body"]["fields"]["summary"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        made,
        [
            ("/field/search", ""),
            ("/issue", "EC2"),
            ("/issue", "Delete vol-1, vol-2."),
            ("/issue/OPS-2/attachments", ""),
            ("/issue", "EC2"),
            ("/issue", "Nothing to delete."),
            ("/issue/OPS-4/attachments", ""),
        ]
    );
    let attached = asked[3]["body"].as_str().unwrap();
    assert!(
        attached.contains(r#"[{"id": "vol-1", "size": 8}, {"id": "vol-2", "size": 1.5}]"#),
        "{attached}"
    );
}

#[test]
fn jira_out_without_a_key_says_which_fields_to_set() {
    let Some(world) = World::new() else { return };
    let server = services(&world, &[]);
    world
        .run("two-jira_out", &jira_settings(&server))
        .exits(1)
        .says(&[
            "failed     jira_out, ",
            "`AppConfig().embed_model` needs the field `oai_key` or `claude_key`",
        ]);
}

#[test]
fn github_out() {
    let Some(world) = World::new() else { return };
    let settings = json!({"github_token": "right-token", "repo_owner": "acme", "repo_name": "ops", "labels": "cost,ec2"});
    if minor_of(&world.python) < 12 {
        let seen = world.run("two-github_out", &settings);
        seen.exits(1)
            .says(&["needs Python 3.12 or newer: ", "github/github.py, line 161"]);
    }
    let Some(world) = packages_for_github().map(World::on) else {
        return;
    };
    let server = services(&world, &[]);
    world.run("two-github_out", &settings).exits(0);
    let asked = server.asked("github");
    let paths: Vec<&str> = asked
        .iter()
        .map(|request| request["path"].as_str().unwrap())
        .collect();
    let issue = "/repos/acme/ops/issues";
    assert_eq!(paths, ["/gists", issue, "/gists", issue]);
    assert_eq!(
        asked[0]["body"]["files"],
        json!({"stray_ebs.txt": {"content": "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve"}})
    );
    assert_eq!(asked[1]["body"]["labels"], json!(["cost", "ec2"]));
    assert_eq!(
        asked[1]["body"]["body"],
        "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve"
    );
    let title = asked[1]["body"]["title"].as_str().unwrap();
    assert!(
        title.starts_with("OpsBox Optimization Check - ") && title.ends_with(" - stray_ebs"),
        "{title}"
    );
}

#[test]
fn pagerduty_out() {
    let Some(world) = World::new() else { return };
    let server = services(&world, &[]);
    let settings =
        json!({"routing_key": "right-token", "create_description": true, "oai_key": "right-token"});
    world
        .run("two-pagerduty_out", &settings)
        .exits(0)
        .says(&["`PagerDutyOutput` was taken, which differs in case only"])
        .prints(&["Incident triggered successfully!"]);
    let sent = json!({"payload": {"summary": "Nothing to delete.", "severity": "critical", "source": "EC2"},
        "routing_key": "right-token", "event_action": "trigger"});
    assert_eq!(bodies(&server, "pagerduty"), [sent]);
    let seen = world
        .run("two-pagerduty_out", &json!({"routing_key": "right-token"}))
        .exits(4);
    incomplete(&world, &seen, "pagerduty_out", "Error sending Pagerduty: ");
    assert_eq!(
        server.asked("pagerduty").len(),
        1,
        "nothing more was sent\n{seen}"
    );
}

#[test]
fn azure_out() {
    let Some(world) = World::new() else { return };
    let server = services(&world, &[]);
    let settings = json!({"azure_devops_token": "t", "azure_devops_organization": "acme", "azure_devops_project": "ops",
        "azure_devops_username": "ana"});
    let seen = world.run("two-azure_out", &settings).exits(4);
    incomplete(
        &world,
        &seen,
        "azure_out",
        "Error sending Ticket: 'Result' object is not subscriptable",
    );
    assert_eq!(server.record(), [] as [Value; 0], "{seen}");
}

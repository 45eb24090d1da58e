//! The outputs that write to services of the internet, against these services played on this machine.

use serde_json::{Value, json};

use super::World;
use super::compatibility::{Claim, claim};
use crate::support::{Server, step};

pub(super) const CLAIMS: &[Claim] = &[claim!("slack_out", "a Slack Web API", "same", slack_out)];

const SERVICES: &str = "services.py";

#[test]
fn slack_out() {
    let Some(world) = World::new() else { return };
    let server = Server::start(&world.sandbox, SERVICES, &[]);
    world.sandbox.internet(&server);
    let settings = json!({"slack_token": "right-token", "slack_channel": "#ops"});
    world.run("two-slack_out", &settings).exits(0);
    let sent: Vec<Value> = server
        .asked("slack")
        .into_iter()
        .map(|mut request| request["body"].take())
        .collect();
    assert_eq!(
        sent,
        [
            json!({"channel": "#ops", "text": "vol-1 of 8 GiB\nvol-2 of 1.5 GiB — naïve"}),
            json!({"channel": "#ops", "text": "  ana may log in"})
        ]
    );
}

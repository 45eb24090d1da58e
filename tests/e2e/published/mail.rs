//! The output that sends mail, against an SMTP server with TLS and login.

use serde_json::{Value, json};

use super::World;
use super::compatibility::{Claim, claim};
use crate::support::{Server, step};

pub(super) const CLAIMS: &[Claim] = &[claim!(
    "email_out",
    "an SMTP server with TLS and login",
    "the original cannot load it; the second mail repeats the first one's text and subject, as the package has it",
    email_out
)];

fn settings(server: &Server, password: &str) -> Value {
    json!({"smtp_username": "ops@example.org", "smtp_password": password, "smtp_server": "127.0.0.1",
        "smtp_port": server.port.to_string(), "receiver_email_list": "a@example.org,b@example.org"})
}

#[test]
fn email_out() {
    let Some(world) = World::new() else { return };
    let server = Server::start(&world.sandbox, "mail.py", &["secret"]);
    let seen = world.run("two-email_out", &settings(&server, "secret")).exits(0);
    let seen = seen.says(&["warning: entry point `opsbox_email_out` of package opsbox-email-output 0.1.5"]);
    let told = seen.stderr.matches("was taken for it").count();
    assert_eq!(told, 1, "what was assumed is said once\n{seen}");
    let mails = server.record();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    for mail in &mails {
        assert_eq!(mail["from"], "ops@example.org");
        assert_eq!(mail["to"], json!(["a@example.org", "b@example.org"]));
    }
    let text = mails[0]["text"].as_str().unwrap();
    assert!(
        text.contains("Subject: OpsBox Check Results: stray_ebs"),
        "{text}"
    );
}

#[test]
fn a_refused_login_is_not_taken_for_a_delivery() {
    let Some(world) = World::new() else { return };
    let server = Server::start(&world.sandbox, "mail.py", &["secret"]);
    let seen = world.run("two-email_out", &settings(&server, "wrong")).exits(4);
    let step = step(&world.sandbox.record(), "email_out").clone();
    assert_eq!(step["status"], "incomplete", "{seen}");
    let why = step["gaps"][0]["why"].as_str().unwrap();
    assert!(why.contains("Error sending email: (535"), "{step:#}");
    assert_eq!(server.record(), [] as [Value; 0]);
}

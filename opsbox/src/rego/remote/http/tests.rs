//! What is said of servers that cannot be reached or trusted.

use super::*;

fn client(base: &str) -> Client {
    Client::new(base, None, Interrupt::default()).unwrap()
}

fn get(client: &Client) -> Result<Response, Trouble> {
    client.send(
        http::Method::GET,
        "/",
        Arc::default(),
        Duration::from_secs(60),
        Patience::None,
    )
}

#[test]
fn a_server_that_is_not_there_is_told_with_the_systems_reason() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let Err(Trouble::Failed(why)) = get(&client(&format!("http://user:geheim@{address}"))) else {
        panic!("somebody answered");
    };
    assert!(
        why.starts_with("cannot be reached: ") && why.contains("refused"),
        "{why}"
    );
    assert!(!why.contains("geheim"), "{why}");
}

#[test]
fn after_an_interrupt_nothing_is_asked_but_what_clears_up() {
    let interrupt = Interrupt::default();
    let client = Client::new("http://127.0.0.1:9", None, interrupt.clone()).unwrap();
    interrupt.set();
    assert_eq!(get(&client), Err(Trouble::Interrupted));
}

#[test]
fn certificates_come_from_a_file_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").unwrap();
    let refused = |file: &std::path::Path| {
        Client::new("https://opa.test", file.to_str(), Interrupt::default()).unwrap_err()
    };
    assert!(refused(&empty).contains("holds no certificate"));
    assert!(refused(&folder.path().join("none.pem")).contains("there are no certificates in"));
}

//! Against a small server on loopback that behaves as each test wants, badly for the most part.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use super::*;

/// What the server does with a request.
enum Reply {
    Status(u16, &'static str),
    /// It never answers.
    Hang,
    /// It closes the connection.
    Close,
    /// It closes the connection, and takes no other.
    Die,
}

/// The requests that a server saw: method, path and body.
type Seen = Arc<Mutex<Vec<(String, String, String)>>>;

fn serve(answer: impl Fn(&str, &str) -> Reply + Send + 'static) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some((method, path, body)) = request(&mut stream) else {
                continue;
            };
            log.lock().unwrap().push((method.clone(), path.clone(), body));
            match answer(&method, &path) {
                Reply::Status(status, text) => {
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        text.len()
                    );
                    let _gone = stream.write_all(format!("{head}{text}").as_bytes());
                }
                Reply::Hang => open.push(stream),
                Reply::Close => {}
                Reply::Die => return,
            }
        }
    });
    (url, seen)
}

fn request(stream: &mut TcpStream) -> Option<(String, String, String)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((method, path, String::from_utf8(body).ok()?))
}

fn check(policy: &str) -> Check {
    let check = serde_json::json!({"name": "my check", "file": "c.rego", "policy": policy, "relates_to": "ec2", "config": {"max": 5}});
    serde_json::from_value(check).unwrap()
}

fn evaluate_within(
    url: &str,
    policy: &str,
    time: Option<Duration>,
) -> (Result<String, String>, Option<String>) {
    let server = Server::at(url, None, Interrupt::default()).unwrap();
    let input = data::parse("data", r#"{"n":1.0,"m":12345678901234567890123}"#).unwrap();
    let (answer, warning) = server.run(&check(policy), &input, time);
    let answer = answer
        .map(|answer| String::from_utf8(answer.json()).unwrap())
        .map_err(|error| error.to_string());
    (answer, warning)
}

fn evaluate(url: &str, policy: &str) -> (Result<String, String>, Option<String>) {
    evaluate_within(url, policy, Some(Duration::from_secs(60)))
}

const POLICY: &str = "package a.b\n\ndetails := [{\"n\": input.n, \"max\": data.config.max}]\n";

/// Asserts that what was put was deleted, last.
#[track_caller]
fn cleared(seen: &Seen) {
    let seen = seen.lock().unwrap();
    let put = seen
        .iter()
        .find(|(method, ..)| method == "PUT")
        .expect("nothing was put");
    let last = seen.last().expect("nothing was asked");
    assert_eq!((last.0.as_str(), &last.1), ("DELETE", &put.1));
}

#[test]
fn a_policy_is_put_asked_and_deleted_under_a_name_of_its_own() {
    let (url, seen) = serve(|method, _| match method {
        "POST" => Reply::Status(
            200,
            r#"{"result":[{"n":1.0,"big":12345678901234567890123,"s":[2]}]}"#,
        ),
        _ => Reply::Status(200, "{}"),
    });
    let mut names = Vec::new();
    for _ in 0..2 {
        seen.lock().unwrap().clear();
        let (answer, warning) = evaluate(&format!("{url}///"), POLICY);
        assert_eq!(
            (answer.unwrap().as_str(), warning),
            (
                "{\"applies\":true,\"findings\":1,\"result\":{\"relates_to\":\"ec2\",\"result_name\":\"my check\",\
                 \"result_description\":\"\",\"details\":[{\"big\":12345678901234567890123,\"n\":1.0,\"s\":[2]}],\"formatted\":\"\"}}",
                None
            )
        );
        cleared(&seen);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 3, "{seen:?}");
        let unique = seen[0].1.split('/').nth(4).unwrap().to_owned();
        assert_eq!(seen[0].1, format!("/v1/policies/opsbox/{unique}/my%20check"));
        assert_eq!(
            seen[0].2,
            format!(
                "package {unique}.a.b\n\ndetails := [{{\"n\": input.n, \"max\": data.{unique}.a.b.{unique}_config.max}}]\n\n\
                 {unique}_config := {{\"max\":5}}\n"
            )
        );
        assert_eq!(
            seen[1].1,
            format!("/v1/data/{unique}/a/b/details?strict-builtin-errors=true")
        );
        assert_eq!(seen[1].2, r#"{"input":{"m":12345678901234567890123,"n":1.0}}"#);
        names.push(unique);
    }
    assert_ne!(names[0], names[1], "two evaluations must never meet");
}

#[test]
fn a_policy_that_does_not_apply_is_asked_for_nothing_more() {
    let (url, seen) = serve(|method, _| match method {
        "POST" => Reply::Status(200, r#"{"result":false}"#),
        _ => Reply::Status(200, "{}"),
    });
    let (answer, _) = evaluate(&url, "package p\ndefault applies := false\ndetails := []\n");
    assert!(answer.unwrap().starts_with("{\"applies\":false"));
    assert_eq!(seen.lock().unwrap().len(), 3);
    cleared(&seen);
}

#[test]
fn whatever_the_question_brings_the_policy_is_deleted() {
    const ERRORS: &str = r#"{"code":"internal_error","message":"m","errors":[{"code":"eval_builtin_error","message":"div: divide by zero","location":{"row":3,"col":80}}]}"#;
    for (reply, says) in [
        (
            Reply::Status(200, "{}"),
            "c.rego:3: the rule `details` is undefined for this input",
        ),
        (
            Reply::Status(200, r#"{"result":7}"#),
            "must be an object or a list of objects, it is a number",
        ),
        (
            Reply::Status(200, "<html>"),
            "gave an answer that cannot be read: expected value",
        ),
        (
            Reply::Status(200, r#"{"result":1e999}"#),
            "cannot read the OPA server's answer",
        ),
        (Reply::Status(404, "not here"), "answered with status 404"),
        (Reply::Status(500, ERRORS), "c.rego:3: div: divide by zero"),
        (
            Reply::Status(503, r#"{"message":"try later"}"#),
            "answered with status 503: try later",
        ),
        (Reply::Status(302, ""), "answered with status 302"),
        (Reply::Close, "OPA server http://127.0.0.1:"),
    ] {
        let reply = Mutex::new(Some(reply));
        let (url, seen) = serve(move |method, _| match method {
            "POST" => reply.lock().unwrap().take().unwrap_or(Reply::Close),
            _ => Reply::Status(200, "{}"),
        });
        let (answer, warning) = evaluate(&url, POLICY);
        let error = answer.unwrap_err();
        assert!(error.contains(says), "`{error}` lacks `{says}`");
        assert_eq!(warning, None, "{says}");
        cleared(&seen);
    }
}

#[test]
fn a_policy_that_is_refused_is_deleted_too() {
    const ERRORS: &str = r#"{"code":"invalid_parameter","message":"m","errors":[{"code":"rego_parse_error","message":"`if` keyword is required before rule body","location":{"row":3,"col":1}}]}"#;
    for (status, body, says) in [
        (400, ERRORS, "c.rego:3: `if` keyword is required"),
        (500, "oh", "answered with status 500"),
        (
            401,
            r#"{"message":"who are you"}"#,
            "answered with status 401: who are you",
        ),
    ] {
        let (url, seen) = serve(move |method, _| match method {
            "PUT" => Reply::Status(status, body),
            _ => Reply::Status(404, ""),
        });
        let (answer, warning) = evaluate(&url, POLICY);
        let error = answer.unwrap_err();
        assert!(error.contains(says), "`{error}` lacks `{says}`");
        assert_eq!(warning, None, "not found is as good as deleted");
        cleared(&seen);
    }
}

#[test]
fn a_server_that_hangs_is_given_up_at_the_limit_and_told_to_delete() {
    for hangs_at in ["PUT", "POST"] {
        let (url, seen) = serve(move |method, _| {
            if method == hangs_at {
                Reply::Hang
            } else {
                Reply::Status(200, "{}")
            }
        });
        let (answer, warning) = evaluate_within(&url, POLICY, Some(Duration::from_millis(300)));
        assert_eq!(
            answer.unwrap_err(),
            "c.rego: the policy did not finish within 300 ms",
            "{hangs_at}"
        );
        assert_eq!(warning, None);
        cleared(&seen);
    }
}

#[test]
fn a_server_that_dies_or_refuses_to_delete_leaves_the_findings_and_a_warning() {
    for last in [403, 0] {
        let (url, _) = serve(move |method, _| match method {
            "PUT" => Reply::Status(200, "{}"),
            "POST" => Reply::Status(200, r#"{"result":[{"a":1}]}"#),
            _ if last == 0 => Reply::Die,
            _ => Reply::Status(last, ""),
        });
        let (answer, warning) = evaluate(&url.replace("//", "//user:geheim@"), POLICY);
        assert!(answer.unwrap().contains("\"findings\":1"));
        let warning = warning.unwrap();
        assert!(
            warning.starts_with("the policy of `my check` may still be on the OPA server: "),
            "{warning}"
        );
        assert!(
            warning.contains("curl -X DELETE http://<secret>@127.0.0.1:"),
            "{warning}"
        );
        assert!(warning.contains("/v1/policies/opsbox/opsbox_"), "{warning}");
        assert!(!warning.contains("geheim"), "{warning}");
    }
}

#[test]
fn a_cancel_ends_the_wait_at_once_and_deletes() {
    for cancelled_at in ["PUT", "POST"] {
        let interrupt = Interrupt::default();
        let signal = interrupt.clone();
        let (url, seen) = serve(move |method, _| {
            if method != cancelled_at {
                return Reply::Status(200, "{}");
            }
            signal.set();
            // An upload that still arrives is waited for, so that it is not deleted before it is there.
            if method == "PUT" {
                Reply::Status(200, "{}")
            } else {
                Reply::Hang
            }
        });
        let server = Server::at(&url, None, interrupt).unwrap();
        let (answer, warning) = server.run(&check(POLICY), &Value::Null, None);
        assert_eq!(answer.unwrap_err(), RegoError::Cancelled);
        assert_eq!(warning, None);
        cleared(&seen);
    }
}

#[test]
fn a_server_is_there_where_its_root_answers_with_200() {
    for (status, fits) in [(200, true), (404, false), (500, false)] {
        let (url, seen) = serve(move |_, _| Reply::Status(status, ""));
        let reached = Server::at(&url, None, Interrupt::default()).unwrap().reach();
        assert_eq!(reached.is_ok(), fits, "{reached:?}");
        assert_eq!(seen.lock().unwrap()[0].1, "/");
    }
}

#[test]
fn what_is_no_url_of_a_server_is_refused_without_its_password() {
    for url in [
        "opa:8181",
        "ftp://h",
        "http://",
        "http://u:geheim@h o",
        "http://u:geheim@h/?q=1",
        "",
    ] {
        let error = Server::at(url, None, Interrupt::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("has an address that is no URL"), "{url}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_named_with_its_neighbours() {
    let (url, seen) = serve(|_, _| Reply::Status(200, "{}"));
    let (answer, _) = evaluate(&url, "package p\ndetials := []\n");
    assert_eq!(
        answer.unwrap_err(),
        "c.rego: the policy has no rule `details` in package `p`; did you mean `detials`?"
    );
    cleared(&seen);
}

//! The sample plugins as real processes: descriptors, the end of the process, and a start by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// Returns a sample plugin, which Cargo builds beside the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let target = test
        .parent()
        .and_then(std::path::Path::parent)
        .expect("a test lies in target/PROFILE/deps");
    target.join("examples").join(name)
}

fn start(name: &str) -> Child {
    Command::new(example(name))
        .env("OPSBOX_PLUGIN", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the sample starts")
}

const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":{"min":1,"max":1},"#,
    r#""host":{"name":"test","version":"0","pid":1},"plugin":"sample","limits":{"line_bytes":1000000,"depth":128,"#,
    r#""in_flight":64,"log_bytes":8192,"stderr_line_bytes":65536},"features":[],"log_level":"info","cwd":"/","terminal":null}}"#,
);

#[test]
fn started_by_hand_it_says_what_it_is_and_exits_64() {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(example("countdown"))
        .env_remove("OPSBOX_PLUGIN")
        .stdin(Stdio::null())
        .output()
        .expect("the sample starts");
    let stderr = String::from_utf8(stderr).expect("UTF-8");
    assert_eq!((status.code(), stdout.len()), (Some(64), 0), "{stderr}");
    assert!(stderr.starts_with("countdown is a plugin of Opsbox"), "{stderr}");
}

#[test]
fn the_process_ends_when_the_host_closes_stdin_even_while_a_hook_runs() {
    let mut child = start("countdown");
    let mut stdin = child.stdin.take().expect("piped");
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    for line in [
        INITIALIZE,
        r#"{"jsonrpc":"2.0","id":2,"method":"set_data","params":{"config":{"steps":2,"step_ms":3600000}}}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"activate","params":{}}"#,
    ] {
        writeln!(stdin, "{line}").expect("the plugin reads");
        let answer = answers.next().expect("an answer").expect("readable");
        assert!(answer.contains("\"result\":"), "{answer}");
    }
    writeln!(
        stdin,
        r#"{{"jsonrpc":"2.0","id":4,"method":"gather_data","params":{{}}}}"#
    )
    .expect("the plugin reads");
    drop(stdin);
    assert!(child.wait().expect("ended").success());
    assert!(answers.next().is_none(), "nothing follows");
}

#[test]
fn a_whole_session_of_the_input_sample() {
    let mut child = start("large_lists");
    let mut stdin = child.stdin.take().expect("piped");
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    let data = r#"{"relates_to":"a","result_name":"a","result_description":"","details":{"x":[1,2]},"formatted":""}"#;
    let process = format!(r#"{{"jsonrpc":"2.0","id":3,"method":"process","params":{{"data":[{data}]}}}}"#);
    let mut last = String::new();
    for line in [
        INITIALIZE,
        r#"{"jsonrpc":"2.0","id":2,"method":"activate","params":{}}"#,
        &process,
    ] {
        writeln!(stdin, "{line}").expect("the plugin reads");
        last = answers.next().expect("an answer").expect("readable");
    }
    assert_eq!(
        last,
        concat!(
            r#"{"jsonrpc":"2.0","id":3,"result":[{"relates_to":"a","result_name":"large_lists","#,
            r#""result_description":"Lists that hold more items than allowed.","#,
            r#""details":[{"resource":"a.x","items":2}],"formatted":"1 large lists"}]}"#
        )
    );
    drop(stdin);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut stderr)
        .expect("UTF-8");
    assert_eq!(
        (child.wait().expect("ended").code(), stderr.as_str()),
        (Some(0), "")
    );
}

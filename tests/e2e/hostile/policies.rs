//! A policy can neither read files nor reach the network, here or on an OPA server, as far as this program decides it.

use std::net::TcpListener;

use crate::support::{OpaServer, Sandbox, step};

/// What reaches out, with the function that the message must name.
const REACHING: [(&str, &str); 6] = [
    ("http.send({\"method\": \"get\", \"url\": \"URL\"})", "http.send"),
    ("http[\"send\"]({\"method\": \"get\", \"url\": \"URL\"})", "http"),
    ("opa.runtime()", "opa.runtime"),
    ("net.lookup_ip_addr(\"localhost\")", "net.lookup_ip_addr"),
    ("io.read_file(\"/etc/passwd\")", "io.read_file"),
    ("[n | n := count([1]) with count as http.send]", "http"),
];

/// A check whose findings are what an expression says.
fn sandbox(expression: &str, url: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.provider("source", "{\"n\":1}", "");
    let policy = format!(
        "package p\ndetails := [{{\"got\": {}}}]\n",
        expression.replace("URL", url)
    );
    sandbox.rego("check", "source", &policy, "");
    sandbox
}

#[test]
fn no_function_of_the_network_or_of_files_is_there() {
    // Whoever reached out would be waiting here.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    for (expression, function) in REACHING {
        let sandbox = sandbox(expression, &url);
        sandbox
            .opsbox(&["run", "check-json_out", "-o", "record.json"])
            .exits(1)
            .says(&["check", "check.rego"]);
        let error = step(&sandbox.record(), "check")["errors"][0]["message"].to_string();
        assert!(error.contains(function), "{expression}: {error}");
        assert!(listener.accept().is_err(), "{expression} reached out");
    }
}

#[test]
fn a_policy_cannot_read_a_file_by_its_imports_or_its_data() {
    let sandbox = sandbox("data.secret", "");
    sandbox.write("plugins/check/secret.json", "{\"secret\": \"geheim\"}");
    sandbox.write("plugins/check/data.json", "{\"secret\": \"geheim\"}");
    sandbox
        .opsbox(&["run", "check-json_out"])
        .exits(1)
        .says(&["the rule `details` is undefined"])
        .hides(&["geheim"]);
}

#[test]
fn an_opa_server_gets_no_policy_that_reaches_out() {
    let Some(server) = OpaServer::start() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let set = format!("opa_url={}", server.url);
    for (expression, _) in REACHING {
        let sandbox = sandbox(expression, &url);
        let seen = sandbox.opsbox(&["run", "check-json_out", "--set", &set]).exits(1);
        let known = !expression.starts_with("io.");
        let text = if known {
            "reaches further than its input"
        } else {
            "io.read_file"
        };
        assert!(seen.stderr.contains(text), "{expression}\n{seen}");
        assert!(listener.accept().is_err(), "{expression} reached out");
    }
    // One that stays at home is evaluated.
    let sandbox = sandbox("crypto.sha256(\"x\")", "");
    sandbox.opsbox(&["run", "check-json_out", "--set", &set]).exits(0);
}

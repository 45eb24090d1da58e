//! `opa_url`: policies evaluated by an OPA server, and cleared away there.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{MAX_PORT, OPEN_PORTS, SERVICES};
use crate::support::{Hanging, OpaServer, Sandbox, step, venv};

const LIMIT: Duration = Duration::from_secs(60);

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.provider("source", SERVICES, "");
    sandbox.rego("check", "source", OPEN_PORTS, MAX_PORT);
    sandbox
}

#[test]
fn a_server_gives_what_the_worker_gives_and_keeps_nothing() {
    let Some(server) = OpaServer::start() else { return };
    let sandbox = sandbox();
    let policies = [
        (
            "references",
            "package a.b[\"c-d\"]\nimport data.a.b[\"c-d\"].limit\nimport data.config\nlimit := config.max_port\n\
                        details contains {\"resource\": s.name, \"limit\": limit, \"same\": data.a.b[\"c-d\"].limit} if {\n\tsome s in input.services\n\ts.port > limit\n}\n",
        ),
        ("skipped", "package s\ndefault applies := false\ndetails := []\n"),
        (
            "sets",
            "package sets\ndetails := {\"a\": {s.port | some s in input.services}, \"b\": [1 / 3, 1.5 + 1.5, \"\\u00e9\\n\", null]}\n",
        ),
        ("unset", "package u\ndetails := [input.nothing]\n"),
        ("broken", "package p\ndetails := [1 |\n"),
        (
            "strict",
            "package p\ndetails := [{\"n\": 1 / (input.services[0].port - 80)}]\n",
        ),
    ];
    for (name, policy) in policies {
        sandbox.rego(name, "source", policy, MAX_PORT);
    }
    let run = |more: &[&str]| {
        let all = "check,references,skipped,sets,unset,broken,strict-json_out";
        sandbox
            .opsbox(&[&["run", all, "-o", "record.json"], more].concat())
            .exits(4);
        let outcome = |name: &str| {
            let file = sandbox.path(&format!("work/findings/source/{name}.json"));
            let found = file
                .is_file()
                .then(|| sandbox.read(&format!("work/findings/source/{name}.json")));
            let step = step(&sandbox.record(), name).clone();
            (step["status"].clone(), found)
        };
        let outcomes: Vec<_> = policies
            .iter()
            .map(|(name, _)| outcome(name))
            .chain([outcome("check")])
            .collect();
        std::fs::remove_dir_all(sandbox.path("work/findings")).unwrap();
        outcomes
    };
    let local = run(&[]);
    let remote = run(&["--set", &format!("opa_url={}/", server.url)]);
    assert_eq!(local, remote);
    assert_eq!(server.policies(), r#"{"result":[]}"#);
    sandbox
        .opsbox(&[
            "run",
            "unset,broken,strict-json_out",
            "--set",
            &format!("opa_url={}", server.url),
        ])
        .exits(1)
        .says(&[
            "unset.rego:2: the rule `details` is undefined",
            "broken.rego:",
            "strict.rego:2: div: divide by zero",
        ])
        .hides(&["opsbox/opsbox_"]);
    assert_eq!(server.policies(), r#"{"result":[]}"#);
}

#[test]
fn runs_with_the_same_package_do_not_meet() {
    let Some(server) = OpaServer::start() else { return };
    let sandboxes: Vec<_> = (0..4)
        .map(|n| {
            let sandbox = Sandbox::new();
            sandbox.provider("source", SERVICES, "");
            let policy = format!("package same\nhelper := {n}\ndetails := [{{\"n\": data.same.helper, \"max\": data.config.max_port}}]\n");
            sandbox.rego("check", "source", &policy, MAX_PORT);
            sandbox
        })
        .collect();
    let url = format!("rego.opa_url={}", server.url);
    std::thread::scope(|scope| {
        for (n, sandbox) in sandboxes.iter().enumerate() {
            let url = &url;
            scope.spawn(move || {
                for round in 0..3 {
                    let max = format!("max_port={}", n * 10 + round);
                    sandbox
                        .opsbox(&["run", "check-json_out", "--set", url, "--set", &max])
                        .exits(0);
                    let found = &sandbox.document("findings/source/check.json")["details"];
                    assert_eq!(found, &json!([{"n": n, "max": n * 10 + round}]));
                }
            });
        }
    });
    assert_eq!(server.policies(), r#"{"result":[]}"#);
}

#[test]
fn a_python_check_of_the_original_runs_on_a_server_in_the_legacy_grammar() {
    let (Some(server), Some(python)) = (OpaServer::start(), venv()) else {
        return;
    };
    let sandbox = Sandbox::new();
    sandbox.provider("source", &format!("{{\"input\":{SERVICES}}}"), "");
    let source = "from opsbox import Result

class P:
    def set_data(self, model): pass

    def inject_data(self, data):
        data.details['input']['limit'] = 7000
        return data

    def report_findings(self, data):
        data.formatted = 'told by hand'
        return data
";
    let more = "uses = [\"source\", \"rego\"]\n[rego]\nrego_file = \"old.rego\"\ndescription = \"d\"";
    sandbox.legacy_with("old", "rego", more, source);
    let policy = "package old\r\nimport rego.v1\r\nallow if true\r\ndetails := [s | some s in input.services; s.port > input.limit]\r\n";
    sandbox.write("plugins/old/old.rego", policy);
    let python = python.to_str().unwrap();
    sandbox
        .opsbox_with(
            &[("OPSBOX_PYTHON", python)],
            &["--modules", "old-json_out", "--opa_url", &server.url],
        )
        .exits(0);
    assert_eq!(
        sandbox.document("findings/old/old.json"),
        json!({"relates_to": "old", "result_name": "old", "result_description": "d",
               "details": [{"name": "app", "port": 8080}], "formatted": "told by hand"})
    );
    assert_eq!(server.policies(), r#"{"result":[]}"#);
}

#[test]
fn an_interrupt_removes_the_policy_before_it_ends_the_run() {
    for signal in [Signal::INT, Signal::TERM] {
        let sandbox = sandbox();
        let server = Hanging::at("POST");
        let url = format!("opa_url={}", server.url);
        let mut child = sandbox.start(&["run", "check-json_out", "--set", &url]);
        let mut path = String::new();
        loop {
            let (method, asked) = server.seen.recv_timeout(LIMIT).expect("the server is not asked");
            match method.as_str() {
                "PUT" => path = asked,
                "POST" => break,
                _ => {}
            }
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(server.seen.recv_timeout(LIMIT), Ok(("DELETE".to_owned(), path)));
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
        assert!(!stderr.contains("may still be"), "{stderr}");
    }
}

#[test]
fn a_limit_ends_a_check_whose_server_hangs_and_removes_the_policy() {
    let sandbox = sandbox();
    let server = Hanging::at("POST");
    let url = format!("opa_url={}", server.url);
    sandbox
        .opsbox(&["run", "check-json_out", "--set", &url, "--timeout", "1s"])
        .exits(1)
        .says(&["check.rego: the policy did not finish within 1000 ms"]);
    let asked: Vec<_> = server.seen.try_iter().map(|(method, _)| method).collect();
    assert_eq!(asked, ["GET", "PUT", "POST", "DELETE"]);
}

#[test]
fn a_server_that_is_not_there_fails_the_checks_and_is_named_without_its_password() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let sandbox = sandbox();
    sandbox.rego("other", "source", OPEN_PORTS, MAX_PORT);
    let url = format!("http://user:geheim@{address}");
    let seen = sandbox
        .opsbox(&[
            "run",
            "check,other-json_out",
            "--set",
            &format!("opa_url={url}"),
            "-o",
            "record.json",
        ])
        .exits(1)
        .says(&[
            &format!("the OPA server http://<secret>@{address} cannot be reached"),
            "refused",
            "`opa_url`",
        ])
        .hides(&["geheim"]);
    assert!(!sandbox.read("work/record.json").contains("geheim"), "{seen}");
    for name in ["check", "other"] {
        assert_eq!(step(&sandbox.record(), name)["status"], "failed", "{seen}");
    }
}

#[test]
fn a_server_with_a_certificate_is_believed_only_where_its_authority_is_trusted() {
    let sandbox = sandbox();
    let certificate = sandbox.path("opa.pem");
    let Some(server) = OpaServer::start_tls(&certificate) else {
        return;
    };
    let run = [
        "run",
        "check-json_out",
        "--set",
        &format!("opa_url={}", server.url),
    ];
    sandbox
        .opsbox_with(&[("SSL_CERT_FILE", certificate.to_str().unwrap())], &run)
        .exits(0);
    let found = sandbox.document("findings/source/check.json")["details"].clone();
    assert_eq!(
        found,
        json!([{"resource": "cache", "port": 6379}, {"resource": "app", "port": 8080}])
    );
    std::fs::remove_dir_all(sandbox.path("work/findings")).unwrap();
    sandbox
        .opsbox_with(&[], &run)
        .exits(1)
        .says(&["check", &server.url, "certificate", "`opa_url`"]);
    assert!(!sandbox.path("work/findings/source/check.json").exists());
}

#[test]
fn the_field_is_shown_where_a_pipeline_has_rego_checks() {
    let sandbox = sandbox();
    sandbox.input("plain", &[]);
    let says = |args: &[&str]| sandbox.opsbox_with(&[("OPA_URL", "http://u:geheim@opa:8181")], args);
    says(&["plan", "check-json_out"])
        .exits(0)
        .prints(&["opa_url", "http://<secret>@opa:8181", "OPA_URL"])
        .hides(&["geheim"]);
    says(&["plan", "check-json_out", "--json"])
        .exits(0)
        .hides(&["geheim"]);
    says(&["config", "explain", "opa_url", "check-json_out"])
        .exits(0)
        .prints(&[
            "opa_url of rego",
            "the OPA server that evaluates",
            "OPSBOX_SET_OPA_URL",
            "*  OPA_URL",
        ])
        .hides(&["geheim"]);
    says(&["--modules", "check-json_out", "--help"])
        .exits(0)
        .prints(&["--opa_url", "rego"]);
    says(&["plan", "plain-json_out"])
        .exits(0)
        .hides(&["opa_url", "OPA_URL"]);
    sandbox
        .opsbox(&["run", "plain-json_out", "--set", "opa_url=http://h"])
        .exits(2)
        .says(&["no plugin of this pipeline declares the field `opa_url`"]);
    sandbox
        .opsbox(&["run", "check-json_out", "--set", "opa_url=opa:8181"])
        .exits(2)
        .says(&["`opa_url`", "opa:8181"]);
}

#[test]
fn every_source_of_configuration_may_name_the_server() {
    let Some(server) = OpaServer::start() else { return };
    let policy = "package p\ndetails := [{\"on_a_server\": is_string(crypto.sha256(\"x\"))}]\n";
    let sandbox = Sandbox::new();
    sandbox.provider("source", "{}", "");
    sandbox.rego("check", "source", policy, "");
    let url = server.url.as_str();
    sandbox.write("work/conf.json", &json!({"opa_url": url}).to_string());
    sandbox.write("work/null.json", r#"{"opa_url": null}"#);
    let run = ["run", "check-json_out"];
    let remotely = |variables: &[(&str, &str)], args: &[&str]| {
        sandbox.opsbox_with(variables, args).exits(0);
        let found = sandbox.document("findings/source/check.json")["details"].clone();
        assert_eq!(found, json!([{"on_a_server": true}]), "{variables:?} {args:?}");
        std::fs::remove_dir_all(sandbox.path("work/findings")).unwrap();
    };
    remotely(&[("OPA_URL", url)], &run);
    remotely(&[("OPSBOX_SET_OPA_URL", url)], &run);
    remotely(&[], &["run", "check-json_out", "--config", "conf.json"]);
    remotely(&[], &["--modules", "check-json_out", "--opa_url", url]);
    sandbox.write(
        "work/opsbox.toml",
        &format!("[plugins.rego]\nopa_url = \"{url}\"\n"),
    );
    remotely(&[], &run);
    sandbox.write("work/opsbox.toml", "");
    sandbox
        .opsbox(&["run", "check-json_out", "--config", "null.json"])
        .exits(1);
}

//! Servers of the internet that plugins talk to, played on this machine by scripts of `tests/fixtures/servers`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{Sandbox, packages, repository};

/// A running server; it ends with the value.
pub struct Server {
    child: Child,
    record: PathBuf,
    /// The port on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// Starts a script with the interpreter of [`packages`]; it gets the path of its record, then `args`, and prints its port.
    pub fn start(sandbox: &Sandbox, script: &str, args: &[&str]) -> Self {
        let python = packages().expect("a test that starts a server has the packages");
        let record = sandbox.path(&format!("{script}.jsonl"));
        Self::run(&python, script, &record, args)
    }

    fn run(python: &Path, script: &str, record: &Path, args: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(repository().join("tests/fixtures/servers").join(script))
            .arg(record)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse();
        Self {
            port: port.unwrap_or_else(|_| panic!("{script} printed {line:?} in the place of its port")),
            child,
            record: record.to_owned(),
        }
    }

    /// Returns the start of the URLs of one service of this server.
    pub fn url(&self, service: &str) -> String {
        format!("http://127.0.0.1:{}/{service}", self.port)
    }

    /// Returns what was asked of the server so far, in order.
    pub fn record(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.record).unwrap_or_default();
        let lines = text.lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns what was asked of one service, in order.
    pub fn asked(&self, service: &str) -> Vec<Value> {
        let mut record = self.record();
        record.retain(|entry| entry["service"] == service);
        record
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Sandbox {
    /// Sends what plugins of [`packages`] ask of the real services to the same services of a server.
    pub fn internet(&self, server: &Server) {
        let hosts = [
            ("https://slack.com", "slack"),
            ("https://api.github.com", "github"),
            ("https://events.pagerduty.com", "pagerduty"),
            ("https://dev.azure.com", "azure"),
        ];
        let urls: serde_json::Map<String, Value> = hosts
            .map(|(host, service)| (host.to_owned(), json!(server.url(service))))
            .into_iter()
            .collect();
        let environ = json!({
            "OPENAI_API_BASE": format!("{}/v1", server.url("openai")),
            "ANTHROPIC_BASE_URL": server.url("anthropic"),
        });
        let endpoints = json!({"environ": environ, "urls": urls});
        self.write("home/.opsbox-test-endpoints.json", &endpoints.to_string());
    }
}

//! The mock of AWS that `tests/original/aws/server.py` is, for one test.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::repository;

/// A server that ends with this value.
pub(super) struct Cloud {
    server: Child,
    /// Its address.
    pub(super) url: String,
    /// The id of a key that it knows.
    pub(super) key: String,
    /// The secret of that key.
    pub(super) secret: String,
}

impl Cloud {
    /// Starts it with pinned content.
    pub(super) fn filled(python: &Path) -> Self {
        Self::start(python, &[])
    }

    /// Starts it with one user, who may do nothing.
    pub(super) fn denying(python: &Path) -> Self {
        Self::start(python, &["--denied"])
    }

    fn start(python: &Path, args: &[&str]) -> Self {
        let mut server = Command::new(python)
            .arg(repository().join("tests/original/aws/server.py"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let [url, key, secret] = <[String; 3]>::try_from(words).expect("the mock of AWS did not start");
        Self {
            server,
            url,
            key,
            secret,
        }
    }

    /// Returns the variables that lead to it.
    pub(super) fn variables(&self) -> [(&str, &str); 3] {
        [
            ("AWS_ENDPOINT_URL", &self.url),
            ("AWS_ACCESS_KEY_ID", &self.key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret),
        ]
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It serves until its input ends.
        drop(self.server.stdin.take());
        let _ended = self.server.wait();
    }
}

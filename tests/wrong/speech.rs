//! The mouth and the ears of the plugin: how its lines get onto the wire, rightly or wrongly.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, dup2_stdout};
use serde_json::{Value, json};

/// What writes to the host.
pub(crate) struct Mouth {
    fault: String,
    wire: File,
    n_said: u32,
    /// Lines that are kept back.
    kept: Vec<u8>,
}

/// Returns what reads from the host; descriptor 0 is the null device afterwards.
pub(crate) fn ears() -> Box<dyn BufRead> {
    let wire = fcntl_dupfd_cloexec(io::stdin(), 3).expect("there is a stdin");
    dup2_stdin(File::open("/dev/null").expect("there is a null device")).expect("it can be moved");
    Box::new(BufReader::new(File::from(wire)))
}

impl Mouth {
    /// Takes descriptor 1 over.
    pub(crate) fn take(fault: &str) -> Self {
        let wire = fcntl_dupfd_cloexec(io::stdout(), 3).expect("there is a stdout");
        if fault != "keeps_stdout" {
            dup2_stdout(io::stderr()).expect("it can be moved");
        }
        Self {
            fault: fault.to_owned(),
            wire: wire.into(),
            n_said: 0,
            kept: Vec::new(),
        }
    }

    pub(crate) fn log(&mut self, text: &str) {
        let mut params = json!({"level": "info", "message": text});
        if self.fault == "log_without_message" {
            params = json!({"level": "info", "text": text});
        }
        self.say(&json!({"jsonrpc": "2.0", "method": "log", "params": params}));
    }

    /// Writes a message in the order jsonrpc, id, method, payload.
    pub(crate) fn say(&mut self, message: &Value) {
        self.n_said += 1;
        let text = message.to_string();
        let is_answer = message.get("method").is_none();
        let bytes = match self.fault.as_str() {
            "pretty" => format!("{message:#}\n").into_bytes(),
            "latin1" => self.latin(&text),
            "bom" => format!("\u{feff}{text}\n").into_bytes(),
            "writes_crlf" => format!("{text}\r\n").into_bytes(),
            "writes_batches" if is_answer => format!("{text}\n[{text}]\n").into_bytes(),
            "mixed" if self.n_said == 2 => format!("{text}{text}\n{text}\n").into_bytes(),
            "old_version" => text.replacen("\"2.0\"", "\"1.0\"", 1).into_bytes_line(),
            "no_jsonrpc" if self.n_said > 1 && is_answer => {
                text.replacen("\"jsonrpc\":\"2.0\",", "", 1).into_bytes_line()
            }
            "both" if message.get("result").is_some() => text
                .replacen(",\"result\":", ",\"error\":null,\"result\":", 1)
                .into_bytes_line(),
            "method_number" => {
                format!("{{\"jsonrpc\":\"2.0\",\"method\":7,\"params\":{{}}}}\n{text}\n").into_bytes()
            }
            "params_list" if is_answer && self.n_said > 1 => {
                format!("{{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":[]}}\n{text}\n").into_bytes()
            }
            "answers_twice" if self.n_said == 3 => format!("{text}\n{text}\n").into_bytes(),
            "doubled_member" => text
                .replacen("{\"jsonrpc\"", "{\"x\":1,\"x\":2,\"jsonrpc\"", 1)
                .into_bytes_line(),
            "payload_first" => self.payload_first(message),
            "vendor_request" if self.n_said == 3 => format!(
                "{text}\n{{\"jsonrpc\":\"2.0\",\"id\":\"p1\",\"method\":\"x-acme/tune\",\"params\":{{}}}}\n"
            )
            .into_bytes(),
            "prints" if self.n_said == 2 => format!("a stray print\n{text}\n").into_bytes(),
            "prints_before" if self.n_said == 2 => format!("progress: {text}\n").into_bytes(),
            _ => text.into_bytes_line(),
        };
        if self.fault == "unflushed" {
            return self.kept.extend(bytes);
        }
        self.raw(&bytes);
    }

    /// Writes bytes as they are; a host that is gone does not mind.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        drop(self.wire.write_all(bytes).and_then(|()| self.wire.flush()));
    }

    /// Writes what was kept back.
    pub(crate) fn finish(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        self.raw(&kept);
    }

    fn latin(&self, text: &str) -> Vec<u8> {
        let mut bytes = text.replace("how many", "how many\u{1}").into_bytes();
        bytes
            .iter_mut()
            .filter(|byte| **byte == 1)
            .for_each(|byte| *byte = 0xe9);
        bytes.push(b'\n');
        bytes
    }

    fn payload_first(&self, message: &Value) -> Vec<u8> {
        let mut members: Vec<String> = message
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        members.reverse();
        format!("{{{}}}\n", members.join(",")).into_bytes()
    }
}

/// A text as the bytes of a line.
trait Line {
    fn into_bytes_line(self) -> Vec<u8>;
}

impl Line for String {
    fn into_bytes_line(self) -> Vec<u8> {
        let mut bytes = self.into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

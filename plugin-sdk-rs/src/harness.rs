//! A host in memory for tests: the plugin runs through the real loop, without a process.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use opsbox_protocol::message::{
    FEATURES, HostInfo, InitializeParams, Limits, LogLevel, Terminal, VersionRange,
};
use opsbox_protocol::{ErrorBody, Incoming, LineReader, Outcome, Payload, limits, outgoing, parse_line};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::service::Service;
use crate::session;

/// A test that waits longer than this for an answer has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a plugin told while its hooks ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// `log`, `progress`, `gap` or `output`.
    pub method: String,
    /// The parameters.
    pub params: Value,
}

/// A plugin under test.
///
/// # Examples
/// ```
/// # use opsbox_plugin::*;
/// # struct Hello;
/// # impl Plugin for Hello {
/// #     type Config = NoConfig;
/// #     fn configure(_: NoConfig) -> Result<Self> { Ok(Self) }
/// # }
/// # impl Provider for Hello {
/// #     fn gather_data(&mut self, _: &Ctx) -> Result<OpsResult> { Ok(OpsResult::new("hello", "world")) }
/// # }
/// let mut harness = Harness::ready(Service::provider::<Hello>(), serde_json::json!({}));
/// let result = harness.call("gather_data", &serde_json::json!({})).expect("gathered");
/// assert_eq!(result["result_name"], "world");
/// ```
pub struct Harness {
    to_plugin: Sender<Vec<u8>>,
    lines: Receiver<String>,
    next_id: u64,
    told: Vec<Told>,
    host: Option<Box<HostFn>>,
}

/// Answers what a handler asks: method and parameters in, result or error out.
type HostFn = dyn FnMut(&str, &Value) -> Result<Value, ErrorBody> + Send;

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness")
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

impl Harness {
    /// Starts the plugin's loop; nothing is sent yet.
    pub fn start(service: Service) -> Self {
        let (to_plugin, plugin_reads) = mpsc::channel();
        let (plugin_writes, from_plugin) = mpsc::channel();
        let (lines_tx, lines) = mpsc::channel();
        thread::spawn(move || {
            session::run(service, Inlet::new(plugin_reads), Outlet(plugin_writes), || {});
        });
        thread::spawn(move || {
            let mut reader = LineReader::with_cap(io::BufReader::new(Inlet::new(from_plugin)), u64::MAX);
            while let Ok(Some(line)) = reader.next_line() {
                if lines_tx.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            to_plugin,
            lines,
            next_id: 1,
            told: Vec::new(),
            host: None,
        }
    }

    /// Answers what a [`crate::Handler`] asks of the host: `host/active_plugins` and `host/call_hook`, each with its
    /// parameters.
    #[must_use]
    pub fn with_host(
        mut self,
        host: impl FnMut(&str, &Value) -> Result<Value, ErrorBody> + Send + 'static,
    ) -> Self {
        self.host = Some(Box::new(host));
        self
    }

    /// Starts the plugin and brings it to the point where its hooks can be called.
    ///
    /// # Panics
    /// Where the handshake, the configuration or the activation fails.
    pub fn ready(service: Service, config: Value) -> Self {
        let mut harness = Self::start(service);
        harness
            .initialize(&Self::session())
            .expect("the handshake succeeds");
        harness
            .call("set_data", &json!({ "config": config }))
            .expect("the configuration is accepted");
        harness
            .call("activate", &json!({}))
            .expect("the plugin activates");
        harness
    }

    /// Returns parameters for `initialize`: every log level, a terminal of 80 columns without color.
    pub fn session() -> InitializeParams {
        InitializeParams {
            protocol: VersionRange { min: 1, max: 1 },
            host: HostInfo {
                name: "harness".into(),
                version: "0".into(),
                pid: std::process::id(),
            },
            plugin: "under_test".into(),
            limits: Limits::with_line_bytes(limits::LINE_BYTES),
            features: FEATURES.map(str::to_owned).to_vec(),
            log_level: LogLevel::Trace,
            cwd: "/".into(),
            terminal: Some(Terminal {
                columns: 80,
                color: false,
            }),
        }
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// What the plugin answered.
    pub fn initialize(&mut self, session: &InitializeParams) -> Result<Value, ErrorBody> {
        let params = serde_json::to_value(session).expect("the parameters are plain data");
        self.call("initialize", &params)
    }

    /// Calls a hook and waits for its answer.
    ///
    /// # Errors
    /// What the plugin answered.
    ///
    /// # Panics
    /// Where the plugin ends or does not answer.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, ErrorBody> {
        let raw = self.call_raw(method, &params.to_string())?;
        Ok(serde_json::from_str(raw.get()).expect("JSON that was read before"))
    }

    /// Calls a hook with parameters as JSON text, and returns the result's own bytes.
    ///
    /// # Errors
    /// What the plugin answered.
    ///
    /// # Panics
    /// Where the plugin ends or does not answer.
    pub fn call_raw(&mut self, method: &str, params: &str) -> Result<Box<RawValue>, ErrorBody> {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// Sends a request without waiting; the answer is had with [`Harness::answer`].
    pub fn request(&mut self, method: &str, params: &str) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_line(&format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":{params}}}",
            json!(method)
        ));
        id
    }

    /// Cancels a call.
    pub fn cancel(&mut self, id: u64) {
        self.send_line(&format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"$/cancel\",\"params\":{{\"id\":{id}}}}}"
        ));
    }

    /// Sends any line.
    pub fn send_line(&mut self, line: &str) {
        // A plugin that has ended shows when its answer is waited for.
        drop(self.to_plugin.send(format!("{line}\n").into_bytes()));
    }

    /// Waits for the answer to a request; what the plugin tells meanwhile is kept.
    ///
    /// # Errors
    /// What the plugin answered.
    ///
    /// # Panics
    /// Where the plugin ends, does not answer, or answers another call.
    pub fn answer(&mut self, id: u64) -> Result<Box<RawValue>, ErrorBody> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the plugin answers");
            match parse_line(&line, &|_| None).expect("the plugin writes messages") {
                Incoming::Response {
                    id: answered,
                    outcome,
                } => {
                    assert_eq!(answered, id.to_string(), "the answer to another call: {line}");
                    return match outcome {
                        Outcome::Error(error) => Err(error),
                        Outcome::Result(Payload::Raw(raw)) => Ok(raw.to_owned()),
                        Outcome::Result(other) => panic!("an unexpected payload: {other:?}"),
                    };
                }
                Incoming::Notification { method, params } => self.keep(&method, params),
                Incoming::Request { id, method, params } => {
                    let reply = self.asked(id, &method, params.map_or("{}", RawValue::get));
                    self.send_line(reply.trim_end());
                }
            }
        }
    }

    /// Waits for the plugin's next line, whatever it is: for tests of what a handler asks.
    ///
    /// # Panics
    /// Where the plugin ends.
    pub fn wait_line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the plugin writes")
    }

    /// Waits for the next thing that the plugin tells, while a call is open.
    ///
    /// # Panics
    /// Where the plugin ends, or answers instead.
    pub fn wait_told(&mut self) -> Told {
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .expect("the plugin tells something");
        match parse_line(&line, &|_| None) {
            Ok(Incoming::Notification { method, params }) => self.keep(&method, params),
            other => panic!("expected a notification, got {other:?}"),
        }
        self.told.last().cloned().expect("it was just kept")
    }

    /// Returns what the plugin told with this method so far, in order.
    pub fn told(&self, method: &str) -> Vec<&Value> {
        self.told
            .iter()
            .filter(|told| told.method == method)
            .map(|told| &told.params)
            .collect()
    }

    /// Returns all text for the user's standard output so far.
    pub fn output_text(&self) -> String {
        self.told("output")
            .iter()
            .filter_map(|params| params["text"].as_str())
            .collect()
    }

    fn asked(&mut self, id: &str, method: &str, params: &str) -> String {
        let params = serde_json::from_str(params).expect("JSON that was read before");
        let host = self
            .host
            .as_mut()
            .unwrap_or_else(|| panic!("the plugin requested `{method}`, and the harness has no `with_host`"));
        match host(method, &params) {
            Ok(result) => format!("{}{result}{}", outgoing::response_head(id), outgoing::TAIL),
            Err(error) => outgoing::error_line(id, &error),
        }
    }

    fn keep(&mut self, method: &str, params: Option<&RawValue>) {
        let params = params.map_or(Value::Null, |raw| {
            serde_json::from_str(raw.get()).expect("JSON that was read before")
        });
        self.told.push(Told {
            method: method.to_owned(),
            params,
        });
    }
}

/// The reading end of a pipe in memory.
struct Inlet {
    chunks: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
}

impl Inlet {
    fn new(chunks: Receiver<Vec<u8>>) -> Self {
        Self {
            chunks,
            current: io::Cursor::default(),
        }
    }
}

impl Read for Inlet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n_bytes = self.current.read(buffer)?;
            if n_bytes > 0 || buffer.is_empty() {
                return Ok(n_bytes);
            }
            match self.chunks.recv() {
                Ok(chunk) => self.current = io::Cursor::new(chunk),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// The writing end of a pipe in memory.
struct Outlet(Sender<Vec<u8>>);

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .send(bytes.to_vec())
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

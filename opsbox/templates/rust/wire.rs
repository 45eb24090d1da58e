//! Speaks the Opsbox protocol, version 1; what the plugin does is in `main.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{json, Map, Value};

#[cfg(test)]
pub mod testing;

const UNKNOWN_METHOD: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const NO_VERSION: i64 = -33001;
const NOT_READY: i64 = -33002;
const CANCELLED: i64 = -33004;
const HOOK_FAILED: i64 = -33008;
const FEATURES: [&str; 3] = ["progress", "gap", "output"];

/// An object whose members are still text, every digit as it came.
pub type Object = BTreeMap<String, Box<RawValue>>;
/// What a hook answers: JSON on one line.
pub type Answer = Result<String, Failed>;
/// Does the work of a call.
pub type Hook = fn(&Call) -> Answer;

/// An error with a code of the protocol.
#[derive(Debug)]
pub struct Failed {
    code: i64,
    pub message: String,
}

impl Failed {
    /// Makes an error of the hook.
    pub fn new(message: impl Into<String>) -> Self {
        Self::with_code(HOOK_FAILED, message)
    }

    fn with_code(code: i64, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// Returns a Result with its five members; write its `details` with `json!`.
#[allow(dead_code)]
pub fn result(
    relates_to: &str,
    name: &str,
    description: &str,
    details: &Value,
    formatted: &str,
) -> Value {
    json!({"relates_to": relates_to, "result_name": name, "result_description": description,
        "details": details, "formatted": formatted})
}

/// The host's side: what is written to it, and what it says beside its requests.
struct Host {
    out: Mutex<Box<dyn Write + Send>>,
    answers: Mutex<Receiver<Object>>,
    stopping: Mutex<BTreeSet<String>>,
    features: Mutex<Vec<String>>,
    asked: Mutex<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    fn new(out: Box<dyn Write + Send>, answers: Receiver<Object>) -> Self {
        Self {
            out: Mutex::new(out),
            answers: Mutex::new(answers),
            stopping: Mutex::default(),
            features: Mutex::default(),
            asked: Mutex::new(0),
        }
    }

    /// Writes one message, whole; a host that is gone is seen by the reader.
    fn send(&self, members: &str) {
        let mut out = lock(&self.out);
        let _gone = out.write_all(format!("{{\"jsonrpc\":\"2.0\",{members}}}\n").as_bytes());
        let _gone = out.flush();
    }

    fn notify(&self, method: &str, params: &Value) {
        self.send(&format!("\"method\":\"{method}\",\"params\":{params}"));
    }

    fn knows(&self, feature: &str) -> bool {
        lock(&self.features).iter().any(|known| known == feature)
    }
}

/// One call of a hook: its parameters and configuration, and what the plugin may say meanwhile.
pub struct Call {
    host: Arc<Host>,
    id: String,
    params: Object,
    config: Map<String, Value>,
}

#[allow(dead_code)] // Each type of plugin uses some of these.
impl Call {
    /// Returns a field of the configuration, where somebody set it.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.config.get(name)
    }

    /// Returns a parameter.
    pub fn param(&self, name: &str) -> Result<&RawValue, Failed> {
        let missing = || Failed::with_code(INVALID_PARAMS, format!("`{name}` is missing"));
        self.params
            .get(name)
            .map(|text| &**text)
            .ok_or_else(missing)
    }

    /// Returns the Results under a parameter, each as its text.
    pub fn received(&self, name: &str) -> Result<Vec<Box<RawValue>>, Failed> {
        Ok(serde_json::from_str(self.param(name)?.get())?)
    }

    /// Reports that something could not be looked at; a host that knows no gaps needs the error.
    pub fn gap(&self, what: &str, why: &str, section: &str) -> Result<(), Failed> {
        if !self.host.knows("gap") {
            return Err(Failed::new(format!("cannot look at {what}: {why}")));
        }
        let id = &self.id;
        let more = json!({"what": what, "why": why, "section": section}).to_string();
        self.host.send(&format!(
            "\"method\":\"gap\",\"params\":{{\"id\":{id},{}",
            &more[1..]
        ));
        Ok(())
    }

    /// Tells how far the work is; the error says that the call was cancelled.
    pub fn progress(&self, done: u64, total: u64, unit: &str) -> Result<(), Failed> {
        if lock(&self.host.stopping).contains(&self.id) {
            return Err(Failed::with_code(CANCELLED, "cancelled"));
        }
        if self.host.knows("progress") {
            let id = &self.id;
            let more = json!({"done": done, "total": total, "unit": unit}).to_string();
            self.host.send(&format!(
                "\"method\":\"progress\",\"params\":{{\"id\":{id},{}",
                &more[1..]
            ));
        }
        Ok(())
    }

    /// Prints for the user; only outputs do that.
    pub fn output(&self, text: &str) {
        if self.host.knows("output") {
            self.host.notify("output", &json!({"text": text}));
        } else {
            self.host.notify("log", &json!({"message": text}));
        }
    }

    /// Calls a hook of another plugin through the host and returns its text; only handlers may.
    pub fn call_hook(&self, plugin: &str, hook: &str, params: &Value) -> Answer {
        let number = {
            let mut asked = lock(&self.host.asked);
            *asked += 1;
            format!("\"p{asked}\"")
        };
        let more = json!({"plugin": plugin, "hook": hook, "params": params}).to_string();
        let params = format!("{{\"id\":{},{}", self.id, &more[1..]);
        self.host.send(&format!(
            "\"id\":{number},\"method\":\"host/call_hook\",\"params\":{params}"
        ));
        let answers = lock(&self.host.answers);
        while let Ok(answer) = answers.recv() {
            if answer.get("id").map(|id| id.get()) != Some(number.as_str()) {
                continue;
            }
            if let Some(result) = answer.get("result") {
                return Ok(result.get().to_owned());
            }
            let error: Value =
                serde_json::from_str(answer.get("error").map_or("null", |error| error.get()))?;
            return Err(Failed::new(
                error["message"].as_str().unwrap_or("the host refused"),
            ));
        }
        Err(Failed::with_code(CANCELLED, "the host is gone"))
    }
}

/// Serves the host over standard input and output until the host closes them.
pub fn serve(name: &str, hooks: &[(&str, Hook)]) -> io::Result<()> {
    let (reader, writer) = take_stdio()?;
    let (to_loop, requests) = channel();
    let (to_hook, answers) = channel();
    let host = Arc::new(Host::new(Box::new(writer), answers));
    let heard = Arc::clone(&host);
    std::thread::spawn(move || {
        listen(BufReader::new(reader), &heard, &to_loop, &to_hook);
        drop((to_loop, to_hook));
        // The host is gone: what still runs has a second.
        std::thread::sleep(Duration::from_secs(1));
        std::process::exit(1);
    });
    let mut config = None;
    for (id, request) in requests {
        let answer = answer(name, hooks, &host, &mut config, &id, &request);
        host.send(&match answer {
            Ok(result) => format!("\"id\":{id},\"result\":{result}"),
            Err(Failed { code, message }) => {
                format!(
                    "\"id\":{id},\"error\":{}",
                    json!({"code": code, "message": message})
                )
            }
        });
        lock(&host.stopping).remove(&id);
    }
    Ok(())
}

/// Sorts lines: requests go to the loop, answers to who waits, cancellations are noted at once.
fn listen(
    mut reader: impl BufRead,
    host: &Host,
    requests: &Sender<(String, Object)>,
    answers: &Sender<Object>,
) {
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        let text = String::from_utf8_lossy(&line);
        let parsed = serde_json::from_str::<Object>(text.trim_start_matches('\u{feff}'));
        line = Vec::new();
        let Ok(message) = parsed else { continue };
        let text_of = |member: &str| message.get(member).map(|text| text.get());
        if text_of("jsonrpc") != Some("\"2.0\"") {
            continue;
        }
        match (text_of("id").filter(|id| is_id(id)), text_of("method")) {
            (Some(id), Some(_)) => drop(requests.send((id.to_owned(), message))),
            (Some(_), None) => drop(answers.send(message)),
            (None, Some("\"$/cancel\"")) => {
                let params = serde_json::from_str::<Object>(text_of("params").unwrap_or("{}"));
                if let Some(id) = params.ok().and_then(|mut params| params.remove("id")) {
                    lock(&host.stopping).insert(id.get().to_owned());
                }
            }
            _ => {}
        }
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with('"') || text.bytes().all(|byte| byte.is_ascii_digit())
}

fn answer(
    name: &str,
    hooks: &[(&str, Hook)],
    host: &Arc<Host>,
    config: &mut Option<Map<String, Value>>,
    id: &str,
    request: &Object,
) -> Answer {
    let params: Object =
        serde_json::from_str(request.get("params").map_or("{}", |params| params.get()))
            .map_err(|_| Failed::with_code(INVALID_PARAMS, "`params` is no object"))?;
    let method: String = serde_json::from_str(request["method"].get())
        .map_err(|_| Failed::with_code(-32600, "`method` is no text"))?;
    match method.as_str() {
        "initialize" => return initialize(name, hooks, host, &params),
        "shutdown" => return Ok("{}".into()),
        "set_data" => {
            let given = params.get("config").map_or("null", |config| config.get());
            let given: Map<String, Value> = serde_json::from_str(given)
                .map_err(|_| Failed::with_code(INVALID_PARAMS, "`config` is no object"))?;
            *config = Some(given);
            return Ok("{}".into());
        }
        _ => {}
    }
    let Some((_, hook)) = hooks.iter().find(|(known, _)| *known == method) else {
        return Err(Failed::with_code(UNKNOWN_METHOD, "unknown method"));
    };
    let Some(config) = config.clone() else {
        return Err(Failed::with_code(
            NOT_READY,
            format!("`{method}` came before `set_data`"),
        ));
    };
    let (host, id) = (Arc::clone(host), id.to_owned());
    hook(&Call {
        host,
        id,
        params,
        config,
    })
}

fn initialize(name: &str, hooks: &[(&str, Hook)], host: &Host, params: &Object) -> Answer {
    let read = |member: &str| -> Result<Value, Failed> {
        Ok(serde_json::from_str(
            params.get(member).map_or("null", |text| text.get()),
        )?)
    };
    if read("protocol")?["min"].as_u64() > Some(1) {
        return Err(Failed::with_code(
            NO_VERSION,
            "this plugin speaks version 1 of the protocol",
        ));
    }
    let features = read("features")?;
    let known = features
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    *lock(&host.features) = known.map(str::to_owned).collect();
    let hooks: Vec<&str> = ["set_data"]
        .into_iter()
        .chain(hooks.iter().map(|(hook, _)| *hook))
        .collect();
    let who = json!({"name": name, "version": "0.1.0"});
    let hello = json!({"protocol": 1, "plugin": who, "hooks": hooks, "features": FEATURES, "cancel": "cooperative"});
    Ok(hello.to_string())
}

/// Puts standard input and output aside, so that a stray print, or a child's output, goes to standard error.
fn take_stdio() -> io::Result<(File, File)> {
    let reader = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let writer = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((reader.into(), writer.into()))
}

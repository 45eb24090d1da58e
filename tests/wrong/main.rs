//! A plugin that keeps every rule of the protocol but one: `wrong FAULT TYPE`. With the fault `none` it keeps them all.
//!
//! It has no SDK, so that it can be wrong in any way. `speech` writes, `work` does what hooks do, this file hears and answers.

mod speech;
mod work;

use std::io::BufRead;
use std::path::PathBuf;

use serde_json::{Value, json};
use speech::Mouth;

/// The plugin, and what it was told so far.
struct Plugin {
    fault: String,
    role: String,
    mouth: Mouth,
    greeted: bool,
    config: Option<Value>,
    active: bool,
    n_works: u32,
    host_features: Vec<String>,
    /// Sockets and children that must stay open.
    held: Vec<std::net::UdpSocket>,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let fault = args.next().unwrap_or_default();
    let role = args.next().unwrap_or_else(|| "provider".into());
    let mouth = Mouth::take(&fault);
    let mut plugin = Plugin {
        fault,
        role,
        mouth,
        greeted: false,
        config: None,
        active: false,
        n_works: 0,
        host_features: Vec::new(),
        held: Vec::new(),
    };
    plugin.begin();
    let mut ears = speech::ears();
    while let Some(line) = next_line(&mut *ears, &plugin.fault) {
        plugin.hear(&line, &mut *ears);
    }
    plugin.mouth.finish();
    if plugin.is("ignores_eof") {
        loop {
            std::thread::park();
        }
    }
}

/// Returns the next line without its end.
fn next_line(ears: &mut dyn BufRead, fault: &str) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    if ears.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
        return None;
    }
    line.pop();
    if fault == "splits_at_separators" {
        // What stands behind the first separator is lost, as for a reader that takes it for the end of the line.
        let text = String::from_utf8_lossy(&line).into_owned();
        line = text.split('\u{2028}').next().unwrap_or_default().into();
    }
    Some(line)
}

impl Plugin {
    fn is(&self, fault: &str) -> bool {
        self.fault == fault
    }

    /// Returns whether the suite plays this scene.
    fn plays(&self, scene: &str) -> bool {
        std::env::var("OPSBOX_RUN_ID").is_ok_and(|id| id.ends_with(scene))
    }

    fn begin(&mut self) {
        match self.fault.as_str() {
            "connects_early" => self.connect(),
            "writes_early" => drop(std::fs::write("early.txt", "early")),
            "speaks_first" => self.mouth.log("here I am"),
            "asks_first" => self.mouth.say(
                &json!({"jsonrpc": "2.0", "id": "p1", "method": "host/active_plugins", "params": {"id": 1}}),
            ),
            _ => {}
        }
    }

    fn connect(&mut self) {
        self.held.extend(std::net::UdpSocket::bind(("127.0.0.1", 0)));
    }

    fn hear(&mut self, line: &[u8], ears: &mut dyn BufRead) {
        if line.iter().all(|byte| b" \t\r".contains(byte)) {
            if self.is("blank_ends") {
                std::process::exit(0);
            }
            return;
        }
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            return self.puzzled(line);
        };
        if let Some(batch) = message.as_array() {
            if self.is("answers_batches") {
                batch
                    .iter()
                    .for_each(|each| self.refuse(&each["id"], -32601, "unknown method"));
            }
            return;
        }
        if !message.is_object() || message.get("jsonrpc").is_none() {
            if self.is("answers_noise") {
                self.refuse(&Value::Null, -32600, "no message");
            }
            return;
        }
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let Some(id) = message.get("id").filter(|_| message.get("method").is_some()) else {
            return self.notified(&method, &message["params"]);
        };
        let inner = message["params"].get("id").filter(|_| self.is("reads_nested"));
        let id = inner.unwrap_or(id);
        let id = match id.as_u64().filter(|_| self.is("small_ids")) {
            Some(number) => json!(number as u32),
            None => id.clone(),
        };
        self.asked(&id, &method, &message["params"], line, ears);
    }

    /// A line that is no JSON.
    fn puzzled(&mut self, line: &[u8]) {
        let deep = line.iter().filter(|byte| **byte == b'[').count() > 100;
        if deep {
            // Its parser gives up at 128 levels; the id stands at the start of the line.
            if self.is("refuses_depth") {
                return;
            }
            let text = String::from_utf8_lossy(line).into_owned();
            let id = text
                .split("\"id\":")
                .nth(1)
                .and_then(|rest| rest.split(',').next());
            let id: Value = id.and_then(|id| id.parse().ok()).unwrap_or_default();
            return self.refuse(&id, -32700, "it nests too deep");
        }
        let meant = line.windows(9).any(|window| window == b"\"jsonrpc\"");
        match self.fault.as_str() {
            "ends_at_damage" if meant => std::process::exit(1),
            "answers_damage" if meant => self.refuse(&Value::Null, -32700, "damaged"),
            "answers_noise" if !meant => self.refuse(&Value::Null, -32700, "no message"),
            _ => {}
        }
    }

    fn notified(&mut self, method: &str, params: &Value) {
        match (self.fault.as_str(), method) {
            ("answers_cancel", "$/cancel") => self.refuse(&params["id"], -33004, "cancelled"),
            ("ends_at_unknown_notifications", "opsbox_no_such_notification") => std::process::exit(1),
            _ => {}
        }
    }

    fn asked(&mut self, id: &Value, method: &str, params: &Value, line: &[u8], ears: &mut dyn BufRead) {
        if !params.is_object() {
            return self.refuse(id, -32602, "`params` is no object");
        }
        match method {
            "initialize" => self.initialize(id, params),
            "shutdown" => self.shutdown(id),
            _ if !self.greeted && !self.is("works_before_hello") => self.too_early(id),
            "grab_config" => self.grab_config(id),
            "set_data" => self.set_data(id, params),
            "activate" if self.is("lists_too_much") => self.refuse(id, -32601, "unknown method"),
            "activate" => {
                self.active = true;
                self.answer(id, json!({}));
            }
            _ if !work::hooks(&self.role).contains(&method) => match self.fault.as_str() {
                "ignores_unknown" => {}
                "unknown_is_internal" => self.refuse(id, -32603, "unknown method"),
                "ends_after_error" => {
                    self.refuse(id, -32601, "unknown method");
                    std::process::exit(0);
                }
                _ => self.refuse(id, -32601, "unknown method"),
            },
            _ if !self.active && !self.is("works_unready") && !self.is("works_before_hello") => {
                self.too_early(id)
            }
            _ => work::work(self, id, method, params, line, ears),
        }
    }

    fn too_early(&mut self, id: &Value) {
        let code = if self.is("early_hook_fails") {
            -33008
        } else {
            -33002
        };
        self.refuse(id, code, "not ready");
    }

    fn initialize(&mut self, id: &Value, params: &Value) {
        let known = [
            "protocol",
            "host",
            "plugin",
            "limits",
            "features",
            "log_level",
            "cwd",
            "terminal",
        ];
        let names = params.as_object().into_iter().flatten();
        let unknown = names
            .map(|(name, _)| name)
            .any(|name| !known.contains(&name.as_str()));
        if self.is("no_hello") || (self.is("strict_members") && unknown) {
            return self.refuse(id, -32602, "I do not like this");
        }
        let (low, high) = (&params["protocol"]["min"], &params["protocol"]["max"]);
        let range = low.as_u64().unwrap_or(1)..=high.as_u64().unwrap_or(1);
        if !range.contains(&1) && !self.is("any_version") {
            let error = json!({"code": -33001, "message": "I speak version 1", "data": {"supported": {"min": 1, "max": 1}}});
            return self
                .mouth
                .say(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
        self.greeted = true;
        let features = params["features"].as_array().into_iter().flatten();
        self.host_features = features.filter_map(Value::as_str).map(str::to_owned).collect();
        let mut hooks = vec!["grab_config", "set_data", "activate"];
        if !self.is("no_role_hook") {
            hooks.extend(work::hooks(&self.role));
        }
        if self.is("odd_hook_name") {
            hooks.push("scan it!");
        }
        let mut features = vec!["gap", "output", "steps", "private"];
        if !self.is("unlisted_feature") {
            features.push("progress");
        }
        let mut result = json!({
            "protocol": if self.is("any_version") { high.clone() } else { json!(1) },
            "plugin": {"name": params["plugin"], "version": "1.0.0"}, "hooks": hooks, "features": features,
            "cancel": if ["ignores_cancel", "heeds_cancel", "quick_cancel"].contains(&self.fault.as_str()) { "cooperative" } else { "none" },
        });
        match self.fault.as_str() {
            "nameless" => drop(
                result["plugin"]
                    .as_object_mut()
                    .and_then(|plugin| plugin.remove("name")),
            ),
            "long_hello" => result["plugin"]["version"] = json!("1".repeat(1 << 21)),
            "null_members" => result["plugin"]["version"] = Value::Null,
            _ => {}
        }
        self.answer(id, result);
    }

    fn grab_config(&mut self, id: &Value) {
        let description = if self.is("schema_of_the_day") {
            format!("how many, in process {}", std::process::id())
        } else {
            "how many".to_owned()
        };
        let schema = json!({
            "type": "object",
            "properties": {
                "wrong_limit": {"type": "integer", "minimum": 1, "default": 5, "description": description},
                "wrong_token": {"type": "string", "writeOnly": true, "description": "token of the service"},
            },
        });
        let schema = if self.is("schema_list") {
            json!([schema])
        } else {
            schema
        };
        self.answer(id, schema);
    }

    fn set_data(&mut self, id: &Value, params: &Value) {
        let config = &params["config"];
        let limit = config.get("wrong_limit");
        if limit.is_none() && self.is("wants_all") {
            return self.refuse(id, -33006, "`wrong_limit` is missing");
        }
        if limit.is_some_and(|limit| !limit.is_u64()) {
            let message = if self.is("secret_in_error") {
                format!("cannot use {config}")
            } else {
                "`wrong_limit` must be a whole number".to_owned()
            };
            let code = if self.is("wrong_code") { -32602 } else { -33006 };
            let fields = json!([{"field": "wrong_limit", "message": "must be a whole number"}]);
            let error = json!({"code": code, "message": message, "data": {"fields": fields}});
            self.mouth
                .say(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
            if self.is("ends_after_error") {
                std::process::exit(0);
            }
            return;
        }
        if self.is("connects_in_set_data") {
            self.connect();
        }
        if self.is("logs_secret") && config.get("wrong_token").is_some() {
            self.mouth.log(&format!("configured with {config}"));
        }
        self.config = Some(config.clone());
        self.answer(id, json!({}));
    }

    fn shutdown(&mut self, id: &Value) {
        self.answer(id, json!({}));
        match self.fault.as_str() {
            "talks_after_shutdown" => self.mouth.log("good bye"),
            "exits_with_3" => std::process::exit(3),
            _ => {}
        }
    }

    fn secret(&self) -> Option<&str> {
        self.config.as_ref()?.get("wrong_token")?.as_str()
    }

    fn answer(&mut self, id: &Value, result: Value) {
        self.mouth
            .say(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    fn refuse(&mut self, id: &Value, code: i64, message: &str) {
        let error = match self.fault.as_str() {
            "error_text" => json!(message),
            _ => json!({"code": code, "message": message}),
        };
        self.mouth
            .say(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
    }

    /// Returns the file that a careless output writes a Result to.
    fn careless_path(result: &Value) -> PathBuf {
        let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        PathBuf::from("findings")
            .join(text("relates_to"))
            .join(text("result_name"))
    }
}

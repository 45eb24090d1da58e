//! What the plugin's hooks do, rightly or wrongly.

use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};

use crate::Plugin;

/// Returns the hooks of a type.
pub(crate) fn hooks(role: &str) -> &'static [&'static str] {
    match role {
        "provider" => &["gather_data"],
        "input" => &["process"],
        "rego" => &["inject_data", "report_findings"],
        "assistant" => &["process_input"],
        "output" => &["process_results"],
        "handler" => &["process_plugin"],
        _ => &["scan"],
    }
}

/// Does the work of a hook and answers it.
pub(crate) fn work(
    plugin: &mut Plugin,
    id: &Value,
    method: &str,
    params: &Value,
    line: &[u8],
    ears: &mut dyn BufRead,
) {
    plugin.n_works += 1;
    if plugin.n_works > 1 && plugin.is("works_once") {
        return plugin.refuse(id, -33008, "the connection is closed");
    }
    if plugin.is("no_defaults")
        && plugin
            .config
            .as_ref()
            .is_none_or(|config| config.get("wrong_limit").is_none())
    {
        return plugin.refuse(id, -33008, "KeyError: 'wrong_limit'");
    }
    if plugin.is("no_service") {
        return plugin.refuse(id, -33008, "cannot reach the service");
    }
    misbehave(plugin, id);
    if plugin.is("cancel_is_an_error") && plugin.plays("cancelled") {
        let mut cancel = Vec::new();
        drop(ears.read_until(b'\n', &mut cancel));
        return plugin.refuse(id, -32603, "interrupted");
    }
    match plugin.fault.as_str() {
        // Longer than the grace of its manifest.
        "ignores_cancel" if plugin.plays("cancelled") => std::thread::sleep(Duration::from_millis(1500)),
        "heeds_cancel" if plugin.plays("cancelled") => {
            let mut cancel = Vec::new();
            drop(ears.read_until(b'\n', &mut cancel));
            return plugin.refuse(id, -33004, "cancelled");
        }
        _ => {}
    }
    if plugin.is("host_code") {
        return plugin.refuse(id, -33003, "my process ended");
    }
    let told = plugin.host_features.iter().any(|feature| feature == "gap");
    if method == "gather_data" {
        if told {
            let gap = json!({"id": id, "section": "b", "what": "/etc/shadow", "why": "permission denied"});
            notify(plugin, "gap", gap);
        } else if !plugin.is("hides_gap") {
            return plugin.refuse(id, -33008, "cannot look at /etc/shadow: permission denied");
        }
    }
    progress(plugin, id);
    match method {
        "process_input" => return hand_on(plugin, id, params, line),
        "process_results" => return deliver(plugin, id, params),
        "process_plugin" if !ask_host(plugin, id, ears) => return,
        _ => {}
    }
    let result = made(plugin);
    answer(plugin, id, method, result);
}

fn notify(plugin: &mut Plugin, method: &str, params: Value) {
    plugin
        .mouth
        .say(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
}

fn progress(plugin: &mut Plugin, id: &Value) {
    plugin.mouth.log("working");
    let knows = plugin.host_features.iter().any(|feature| feature == "progress");
    let n_times = match plugin.fault.as_str() {
        "floods_progress" => 30,
        _ => 1,
    };
    if knows {
        (0..n_times).for_each(|done| notify(plugin, "progress", json!({"id": id, "done": done})));
    }
}

/// Does what has nothing to do with the answer.
fn misbehave(plugin: &mut Plugin, id: &Value) {
    match plugin.fault.as_str() {
        "reads_terminal" => drop(kill_process(getpid(), Signal::TTIN)),
        "leaves_a_child" => {
            let child = Command::new("sleep")
                .arg("1000")
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            drop(child);
        }
        "asks_though_no_handler" => {
            let params = json!({"id": id});
            plugin.mouth.say(
                &json!({"jsonrpc": "2.0", "id": "p1", "method": "host/active_plugins", "params": params}),
            );
        }
        "prints_secret" => {
            if let Some(secret) = plugin.secret() {
                drop(writeln!(std::io::stderr(), "token {secret}"));
            }
        }
        "secret_on_command_line" => {
            let words = plugin.secret().unwrap_or("none").to_owned();
            let child = Command::new("sh")
                .args(["-c", "sleep 1000; true", &words])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            drop(child);
        }
        _ => {}
    }
}

fn made(plugin: &Plugin) -> Value {
    let mut result = json!({
        "relates_to": "wrong", "result_name": "wrong", "result_description": "what is wrong",
        "details": [{"resource": "a", "severity": "low"}], "formatted": "a",
    });
    if plugin.role == "provider" {
        result["details"] = json!({"a": [1, 2]});
    }
    match plugin.fault.as_str() {
        "no_formatted" => drop(
            result
                .as_object_mut()
                .and_then(|result| result.remove("formatted")),
        ),
        "own_member" => result["color"] = json!("red"),
        "odd_severity" => result["details"][0]["severity"] = json!("SEVERE"),
        "secret_in_result" => result["formatted"] = json!(plugin.secret().unwrap_or_default()),
        "too_long" => result["formatted"] = json!("x".repeat(100 << 10)),
        _ => {}
    }
    result
}

fn answer(plugin: &mut Plugin, id: &Value, method: &str, result: Value) {
    let one = ["gather_data", "inject_data", "report_findings"].contains(&method);
    let whole = match plugin.fault.as_str() {
        "single_result" => result,
        "nested_lists" => json!([[result]]),
        "list_for_one" => json!([result]),
        _ if one => result,
        _ => json!([result]),
    };
    match plugin.fault.as_str() {
        "nan" | "too_deep" => {
            let extra = if plugin.is("nan") {
                "NaN".to_owned()
            } else {
                format!("{}{}", "[".repeat(200), "]".repeat(200))
            };
            let text = whole.to_string().replacen(
                "\"relates_to\"",
                &format!("\"x_extra\":{extra},\"relates_to\""),
                1,
            );
            let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{text}}}\n");
            plugin.mouth.raw(line.as_bytes());
        }
        _ => plugin.answer(id, whole),
    }
}

/// Hands the Results on, byte for byte.
fn hand_on(plugin: &mut Plugin, id: &Value, params: &Value, line: &[u8]) {
    let text = String::from_utf8_lossy(line).into_owned();
    let list = match text.find("\"input\":") {
        Some(at) if !plugin.is("loses_members") => text[at + 8..text.len() - 2].to_owned(),
        _ => {
            let keep = |result: &Value| {
                let mut result = result.clone();
                if let Some(result) = result.as_object_mut() {
                    result.remove("x_conformance");
                }
                result
            };
            let results = params["input"].as_array().into_iter().flatten().map(keep);
            Value::Array(results.collect()).to_string()
        }
    };
    let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{list}}}\n");
    plugin.mouth.raw(line.as_bytes());
}

fn deliver(plugin: &mut Plugin, id: &Value, params: &Value) {
    for result in params["results"].as_array().into_iter().flatten() {
        let name = result["result_name"].as_str().unwrap_or_default();
        let knows = plugin.host_features.iter().any(|feature| feature == "output");
        let shown: String = if plugin.is("shows_escapes") {
            name.to_owned()
        } else {
            name.chars().filter(|c| !c.is_control()).collect()
        };
        if knows {
            notify(plugin, "output", json!({"text": format!("{shown}\n")}));
        }
        if plugin.is("writes_paths") {
            let path = Plugin::careless_path(result);
            drop(path.parent().map(std::fs::create_dir_all));
            drop(std::fs::write(path, result.to_string()));
        }
    }
    if plugin.is("public_files") {
        drop(std::fs::write("delivered.json", params["results"].to_string()));
        let open = std::fs::Permissions::from_mode(0o644);
        drop(std::fs::set_permissions("delivered.json", open));
    }
    plugin.answer(id, json!({}));
}

/// Asks the host as handlers do; returns whether there is still something to answer.
fn ask_host(plugin: &mut Plugin, id: &Value, ears: &mut dyn BufRead) -> bool {
    let n_asks = if plugin.is("asks_65") { 65 } else { 1 };
    let mut lines = String::new();
    for n in 0..n_asks {
        let own = match plugin.fault.as_str() {
            "number_ids" => json!(n),
            _ => json!(format!("p{}-{n}", plugin.n_works)),
        };
        let served = match plugin.fault.as_str() {
            "asks_for_no_call" => &json!(999),
            _ => id,
        };
        let mut params = json!({"id": served, "plugin": "sample_plugin", "hook": "process"}).to_string();
        if plugin.is("writes_spaces") {
            params = params.replace("\":", "\": ");
        }
        lines += &format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{own},\"method\":\"host/call_hook\",\"params\":{params}}}\n"
        );
    }
    plugin.mouth.raw(lines.as_bytes());
    let mut answered = 0;
    while answered < n_asks {
        let mut line = Vec::new();
        if ears.read_until(b'\n', &mut line).unwrap_or(0) == 0 {
            return false;
        }
        let message: Value = serde_json::from_slice(&line).unwrap_or_default();
        answered += i32::from(message.get("method").is_none());
    }
    true
}

//! A plugin without an SDK that misbehaves on request: `fault FAULT`, one fault for each way a plugin can fail.
//!
//! Everything it says is written out by hand, so that it can be wrong in any way.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "stdout is its wire, stderr its voice"
)]

use std::io::{self, BufRead, Write};
use std::time::Duration;

/// What the plugin does wrong, and where.
struct Faults {
    name: String,
    role: String,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let faults = Faults {
        name: args.next().unwrap_or_default(),
        role: args.next().unwrap_or_else(|| "input".into()),
    };
    faults.before_start();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let method = text_between(&line, "\"method\":\"", "\"").unwrap_or_default();
        let Some(id) = text_between(&line, "\"id\":", ",") else {
            continue;
        };
        faults.answer(&id, &method, &line);
        if method == "shutdown" && faults.name != "ignores_shutdown" {
            return;
        }
    }
    if faults.name == "ignores_shutdown" {
        forever();
    }
}

impl Faults {
    fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn before_start(&self) {
        match self.name.as_str() {
            "exits_at_once" => std::process::exit(0),
            "exits_with_words" => {
                eprintln!("{}\nthe last line it said", "x".repeat(100 * 1024));
                std::process::exit(7);
            }
            "banner" => (0..50).for_each(|n| say(&format!("banner line {n}"))),
            "endless_noise" => loop {
                say("noise, noise, noise");
            },
            "request_first" => {
                say(r#"{"jsonrpc":"2.0","id":"p1","method":"host/active_plugins","params":{}}"#);
            }
            _ => {}
        }
    }

    fn answer(&self, id: &str, method: &str, line: &str) {
        match method {
            "initialize" => self.initialize(id),
            "grab_config" => reply(
                id,
                r#"{"type":"object","properties":{"fault_note":{"type":"string"}}}"#,
            ),
            "set_data" | "activate" => reply(id, "{}"),
            "shutdown" if self.is("ignores_shutdown") => {}
            "shutdown" => reply(id, "{}"),
            "gather_data" | "process" | "process_input" | "process_results" => self.work(id, method, line),
            _ => say(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"unknown"}}}}"#
            )),
        }
    }

    fn initialize(&self, id: &str) {
        let hook = match self.role.as_str() {
            "provider" => "gather_data",
            "assistant" => "process_input",
            "output" => "process_results",
            _ => "process",
        };
        let hello = |protocol: u32| {
            format!(
                r#"{{"protocol":{protocol},"plugin":{{"name":"fault","version":"1"}},"hooks":["grab_config","set_data","activate","{hook}"],"features":["progress","gap","output"],"cancel":"none"}}"#
            )
        };
        match self.name.as_str() {
            "never_shakes_hands" => forever(),
            "protocol_9" => reply(id, &hello(9)),
            "hello_of_wrong_shape" => reply(id, r#"{"hello":"world"}"#),
            "wrong_id" => reply("4711", &hello(1)),
            _ => reply(id, &hello(1)),
        }
    }

    fn work(&self, id: &str, method: &str, line: &str) {
        match self.name.as_str() {
            "exits_in_hook" => {
                eprintln!("about to leave");
                std::process::exit(3);
            }
            "aborts_in_hook" => std::process::abort(),
            "never_answers" => forever(),
            "garbage_in_hook" => {
                say("Traceback (most recent call last): this is not JSON");
                reply(id, &self.good(method, line));
            }
            "wrong_shape" => reply(id, r#"{"results":"none"}"#),
            "half_a_line" => {
                print!(r#"{{"jsonrpc":"2.0","id":{id},"result":[{{"relates_to":"x""#);
                flush();
                std::process::exit(0);
            }
            "damaged_answer" => say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":[}}"#)),
            "answers_twice" => {
                reply(id, &self.good(method, line));
                reply(id, &self.good(method, line));
            }
            "too_long" => {
                let text = "y".repeat(3 * 1024 * 1024);
                reply(id, &self.result(&format!(r#"[{{"text":"{text}"}}]"#), method));
            }
            "closes_stdout" => {
                if let Ok(null) = std::fs::File::open("/dev/null") {
                    let _moved = rustix::stdio::dup2_stdout(null);
                }
                forever();
            }
            "gap" => {
                say(&format!(
                    r#"{{"jsonrpc":"2.0","method":"gap","params":{{"id":{id},"section":"regions","what":"region eu-west-9","why":"access denied","remedy":"grant ec2:Describe*"}}}}"#
                ));
                reply(id, &self.good(method, line));
            }
            "error" => say(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-33008,"message":"no credentials found","data":{{"hint":"set AWS_PROFILE","traceback":"Traceback: secret internals"}}}}}}"#
            )),
            "log_flood" => {
                for n in 0..20_000 {
                    say(&format!(
                        r#"{{"jsonrpc":"2.0","method":"log","params":{{"level":"warn","message":"flood {n}"}}}}"#
                    ));
                }
                reply(id, &self.good(method, line));
            }
            "escapes" => reply(
                id,
                &self.result(
                    r#"[{"id":"\u001b[2Jcleared","message":"a\u001b]0;title\u0007b","severity":"high"}]"#,
                    method,
                ),
            ),
            "leaves_a_child" => {
                // The grandchild keeps stdout and the group; it must not outlive the plugin.
                let _child = std::process::Command::new("sleep").arg("300").spawn();
                reply(id, &self.good(method, line));
            }
            _ => reply(id, &self.good(method, line)),
        }
    }

    fn good(&self, method: &str, line: &str) -> String {
        match method {
            "process_results" => {
                say(
                    r#"{"jsonrpc":"2.0","method":"output","params":{"text":"fault output saw it\n","stream":"stdout"}}"#,
                );
                "{}".into()
            }
            "process_input" => {
                let start = line.find("\"input\":").map_or(0, |at| at + 8);
                line[start..line.len() - 2].to_owned()
            }
            _ => self.result(r#"[{"id":"a","message":"found a","severity":"low"}]"#, method),
        }
    }

    fn result(&self, details: &str, method: &str) -> String {
        let result = format!(
            r#"{{"relates_to":"fault","result_name":"{}","result_description":"a fault","details":{details},"formatted":"a fault"}}"#,
            self.name
        );
        if method == "gather_data" {
            result
        } else {
            format!("[{result}]")
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    flush();
}

fn flush() {
    if io::stdout().flush().is_err() {
        std::process::exit(0);
    }
}

fn reply(id: &str, result: &str) {
    say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
}

fn forever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn text_between(line: &str, before: &str, after: &str) -> Option<String> {
    let start = line.find(before)? + before.len();
    let end = line[start..].find(after)? + start;
    Some(line[start..end].to_owned())
}

//! A plugin without an SDK that misbehaves on request: `fault NAME [ROLE [MORE]]`. Everything it says is written out by hand, so that it can
//! be wrong in any way; what it can do wrong stands in one table, the sum of the modules' `FAULTS`.

#![allow(
    unreachable_pub,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program has no outside; stdout is its wire, stderr its voice"
)]

mod call;
mod framing;
mod life_cycle;
mod semantics;
mod start;
mod table;
mod watching;
mod wire;

use std::io::{BufRead, BufReader, Read, stdin};

use call::{Call, text_between};
use table::{At, act, find, forever};
use wire::{Slowly, Wire};

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let Some(fault) = find(&name) else {
        eprintln!("there is no fault `{name}`; there are:\n{}", table::listed());
        std::process::exit(64);
    };
    let mut call = Call {
        fault: fault.name,
        role: args.next().unwrap_or_else(|| "input".into()),
        more: args.next().unwrap_or_default(),
        wire: fault.wire,
        id: String::new(),
        method: String::new(),
        line: String::new(),
    };
    act(At::Start, &call);
    let slowly = (call.wire == Wire::ReadsSlowly).then(Slowly::default);
    let reader: Box<dyn Read> = match slowly {
        Some(slowly) => Box::new(slowly),
        None => Box::new(stdin().lock()),
    };
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            break;
        }
        call.line = line.trim_end().to_owned();
        call.method = text_between(&line, "\"method\":\"", "\"").unwrap_or_default();
        let number = |text: String| {
            let text = text.trim_start_matches(['"', 'p']);
            text.chars().take_while(char::is_ascii_digit).collect()
        };
        call.id = text_between(&line, "\"id\":", "}")
            .map(number)
            .unwrap_or_default();
        if !answer(&call) {
            return;
        }
    }
    if !act(At::End, &call) {
        return;
    }
    forever();
}

/// Answers one line, in the fault's way where it has one; returns whether to go on.
fn answer(call: &Call) -> bool {
    act(At::Line, call);
    let at = match call.method.as_str() {
        "initialize" => At::Hello,
        "grab_config" => At::Schema,
        "set_data" => At::Configure,
        "activate" => At::Activate,
        "shutdown" => At::Shutdown,
        "$/cancel" => At::Cancel,
        "" => {
            act(At::Answer, call);
            return true;
        }
        _ => At::Work,
    };
    if act(at, call) {
        return true;
    }
    match at {
        At::Hello => call.reply(&call.hello(1, "none")),
        At::Schema => {
            call.reply(r#"{"type":"object","properties":{"fault_note":{"type":"string"}}}"#);
        }
        At::Work => call.reply(&call.good()),
        At::Cancel => {}
        _ => call.reply("{}"),
    }
    at != At::Shutdown
}

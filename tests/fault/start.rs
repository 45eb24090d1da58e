//! Faults before and in the handshake.

use std::time::Duration;

use crate::table::{At, Fault, fault, forever};

pub const FAULTS: &[Fault] = &[
    fault(
        "exits_at_once",
        "exits 0 before it reads anything",
        At::Start,
        |_| std::process::exit(0),
    ),
    fault(
        "exits_with_words",
        "exits 7 with 100 KiB on stderr",
        At::Start,
        |_| {
            eprintln!("{}\nthe last line it said", "x".repeat(100 * 1024));
            std::process::exit(7);
        },
    ),
    fault(
        "never_shakes_hands",
        "never answers `initialize`",
        At::Hello,
        |_| forever(),
    ),
    fault(
        "shakes_hands_late",
        "answers `initialize` after so many milliseconds",
        At::Hello,
        |call| {
            std::thread::sleep(Duration::from_millis(call.number()));
            call.reply(&call.hello(1, "none"));
        },
    ),
    fault(
        "protocol_9",
        "chooses a protocol of the future",
        At::Hello,
        |call| {
            call.reply(&call.hello(9, "none"));
        },
    ),
    fault(
        "refuses_the_protocol",
        "answers `initialize` with error -33001",
        At::Hello,
        |call| call.refuse(r#"{"code":-33001,"message":"2 to 3"}"#),
    ),
    fault(
        "hello_of_wrong_shape",
        "says hello in its own words",
        At::Hello,
        |call| {
            call.reply(r#"{"hello":"world"}"#);
        },
    ),
    fault(
        "wrong_id",
        "answers `initialize` with an id of its own",
        At::Hello,
        |call| {
            call.reply_to("4711", &call.hello(1, "none"));
        },
    ),
    fault(
        "request_first",
        "asks before it has answered `initialize`",
        At::Start,
        |call| {
            call.say(r#"{"jsonrpc":"2.0","id":"p1","method":"host/active_plugins","params":{}}"#);
        },
    ),
    fault("banner", "prints 50 lines first", At::Start, |call| {
        (0..50).for_each(|n| call.say(&format!("banner line {n}")));
    }),
    fault("endless_noise", "prints without end", At::Start, |call| {
        loop {
            call.say("noise, noise, noise");
        }
    }),
    fault("echoes", "prints every line that it reads", At::Line, |call| {
        call.say(&format!("got: {}", call.line.len()));
    }),
    fault(
        "answers_in_noise",
        "prints 300 lines whenever it is told something",
        At::Line,
        |call| (0..300).for_each(|n| call.say(&format!("noise {n}"))),
    ),
];

//! Faults in how a line is made.

use std::time::Duration;

use crate::table::{At, Fault, fault, forever, on_wire};
use crate::wire::{Wire, write};

pub const FAULTS: &[Fault] = &[
    on_wire("windows", "writes a BOM, CRLF and blank lines", Wire::Windows),
    on_wire("bytewise", "writes every byte by itself", Wire::Bytewise),
    on_wire("paired", "writes two messages at once", Wire::Paired),
    fault(
        "no_last_newline",
        "answers without a line end, and is gone",
        At::Work,
        |call| {
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{}}}"#, call.id, call.good());
            write(answer.as_bytes());
            std::process::exit(0);
        },
    ),
    fault(
        "half_a_line",
        "writes half an answer, and is gone",
        At::Work,
        |call| {
            write(
                format!(
                    r#"{{"jsonrpc":"2.0","id":{},"result":[{{"relates_to":"x""#,
                    call.id
                )
                .as_bytes(),
            );
            std::process::exit(0);
        },
    ),
    fault(
        "line_of",
        "answers in a line of so many bytes, line end not counted",
        At::Work,
        |call| {
            let answer = |text: &str| {
                let found = call.found(&format!(r#"[{{"text":"{text}"}}]"#));
                format!(r#"{{"jsonrpc":"2.0","id":{},"result":{found}}}"#, call.id)
            };
            let filling = call.number() as usize - answer("").len();
            call.say(&answer(&"y".repeat(filling)));
        },
    ),
    fault(
        "line_without_end",
        "begins an answer and writes without end",
        At::Work,
        |call| {
            write(format!(r#"{{"jsonrpc":"2.0","id":{},"result":[{{"text":""#, call.id).as_bytes());
            let block = vec![b'y'; 1024 * 1024];
            loop {
                write(&block);
            }
        },
    ),
    fault(
        "trickles",
        "writes an answer that never ends, byte by byte",
        At::Work,
        |call| {
            write(format!(r#"{{"jsonrpc":"2.0","id":{},"result":[""#, call.id).as_bytes());
            loop {
                write(b"y");
                std::thread::sleep(Duration::from_millis(5));
            }
        },
    ),
    fault("not_utf8", "answers in Latin-1", At::Work, |call| {
        write(format!(r#"{{"jsonrpc":"2.0","id":{},"result":["#, call.id).as_bytes());
        write(b"\"caf\xe9\"]}\n");
    }),
    fault(
        "noise_not_utf8",
        "prints in Latin-1, then answers",
        At::Work,
        |call| {
            write(b"caf\xe9 \xff\xfe\n");
            call.reply(&call.good());
        },
    ),
    fault("damaged_answer", "answers with damaged JSON", At::Work, |call| {
        call.say(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":[}}"#, call.id));
    }),
    fault("batch", "answers in a batch", At::Work, |call| {
        let answer = format!(
            r#"[{{"jsonrpc":"2.0","id":{},"result":{}}}]"#,
            call.id,
            call.good()
        );
        call.say(&answer);
    }),
    fault(
        "scalars",
        "prints JSON that is no object, then answers",
        At::Work,
        |call| {
            for line in ["42", "\"text\"", "null", "true", "[]", "{}"] {
                call.say(line);
            }
            call.reply(&call.good());
        },
    ),
    fault(
        "wrong_shape",
        "answers with an object for a list",
        At::Work,
        |call| {
            call.reply(r#"{"results":"none"}"#);
        },
    ),
    fault(
        "deep",
        "answers with lists in lists, so many levels",
        At::Work,
        |call| {
            let levels = call.number() as usize;
            let lists = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            call.reply(&call.found(&format!("{{\"lists\":{lists}}}")));
        },
    ),
    fault(
        "details",
        "answers with the details that stand in a file",
        At::Work,
        |call| {
            call.reply(&call.found(&call.file()));
        },
    ),
    fault("answer", "answers with what stands in a file", At::Work, |call| {
        call.reply(&call.file());
    }),
    fault("raw_nul", "answers with a NUL byte in a text", At::Work, |call| {
        call.reply(&call.found("[{\"text\":\"a\0b\"}]"));
    }),
    fault(
        "damages_often",
        "sends three damaged messages, then waits",
        At::Work,
        |call| {
            (0..3).for_each(|_| call.say(r#"{"jsonrpc":"2.0","method":}"#));
            forever();
        },
    ),
];

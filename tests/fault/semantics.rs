//! Faults in what a message says.

use crate::table::{At, Fault, fault};

pub const FAULTS: &[Fault] = &[
    fault(
        "unknown_id",
        "answers a call that nobody made",
        At::Work,
        |call| {
            call.reply_to("999999", &call.good());
            call.reply_to("\"text\"", "{}");
            call.reply(&call.good());
        },
    ),
    fault("answers_twice", "answers twice", At::Work, |call| {
        call.reply(&call.good());
        call.reply(&call.found("[]"));
    }),
    fault("result_and_error", "answers with both", At::Work, |call| {
        call.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{},"error":{{"code":-33008,"message":"no"}}}}"#,
            call.id,
            call.good()
        ));
    }),
    fault(
        "neither",
        "answers with neither result nor error",
        At::Work,
        |call| {
            call.say(&format!(r#"{{"jsonrpc":"2.0","id":{}}}"#, call.id));
        },
    ),
    fault(
        "null_id",
        "sends an error for nobody, then answers",
        At::Work,
        |call| {
            call.say(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#);
            call.reply(&call.good());
        },
    ),
    fault(
        "falling_ids",
        "sends 64 answers, the right one last",
        At::Work,
        |call| {
            let own: u64 = call.id.parse().unwrap_or_default();
            for id in (own + 1..own + 64).rev() {
                call.reply_to(&id.to_string(), &call.found("[]"));
            }
            call.reply(&call.good());
        },
    ),
    fault(
        "asks_for_the_unknown",
        "calls a method that no host has",
        At::Work,
        |call| {
            call.notify("x-none/heard", "{}");
            let id = &call.id;
            call.say(&format!(
                r#"{{"jsonrpc":"2.0","id":"p{id}","method":"x-none/asked","params":{{}}}}"#
            ));
        },
    ),
    fault(
        "asks_for_the_unknown",
        "and finds the answer",
        At::Answer,
        |call| {
            call.reply(&call.found(&format!("[{}]", call.line)));
        },
    ),
    fault(
        "huge_message",
        "answers with a message of 1 MiB",
        At::Work,
        |call| {
            let message = "it went wrong, ".repeat(1024 * 1024 / 15);
            call.refuse(&format!(r#"{{"code":-33008,"message":"{message}"}}"#));
        },
    ),
    fault(
        "knows_no_method",
        "does not know the hook that it lists",
        At::Work,
        |call| {
            call.refuse(r#"{"code":-32601,"message":"no such method"}"#);
        },
    ),
    fault(
        "error",
        "answers with an error, a hint and a traceback",
        At::Work,
        |call| {
            call.refuse(
            r#"{"code":-33008,"message":"no credentials found","data":{"hint":"set AWS_PROFILE","traceback":"Traceback: secret internals"}}"#,
        );
        },
    ),
    fault(
        "huge_traceback",
        "answers with a traceback of 1 MiB",
        At::Work,
        |call| {
            let traceback = "File x.py, line 1\\n".repeat(1024 * 1024 / 19);
            call.refuse(&format!(
                r#"{{"code":-33008,"message":"it went wrong","data":{{"traceback":"{traceback}"}}}}"#
            ));
        },
    ),
    fault("code", "answers with an error of this code", At::Work, |call| {
        call.refuse(&format!(
            r#"{{"code":{},"message":"a code of its choice","data":{{"origin":"host"}}}}"#,
            call.more
        ));
    }),
    fault(
        "odd_progress",
        "reports progress that falls, leaves its bounds and comes after the answer",
        At::Work,
        |call| {
            let progress = |id: &str, done: &str| {
                call.notify("progress", &format!(r#"{{"id":{id},"done":{done},"total":4}}"#));
            };
            for done in ["3", "1", "-5", "1e300", "4", "9"] {
                progress(&call.id, done);
            }
            progress("999999", "1");
            call.reply(&call.good());
            progress(&call.id, "2");
        },
    ),
    fault("log_flood", "logs 100,000 records", At::Work, |call| {
        for n in 0..100_000 {
            call.notify("log", &format!(r#"{{"level":"warn","message":"flood {n}"}}"#));
        }
        call.reply(&call.good());
    }),
    fault("gap", "reports a gap", At::Work, |call| {
        call.notify(
            "gap",
            &format!(
                r#"{{"id":{},"section":"regions","what":"region eu-west-9","why":"access denied","remedy":"grant ec2:Describe*"}}"#,
                call.id
            ),
        );
        call.reply(&call.good());
    }),
    fault("garbage", "prints a traceback, then answers", At::Work, |call| {
        call.say("Traceback (most recent call last): this is not JSON");
        call.reply(&call.good());
    }),
];

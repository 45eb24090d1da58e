//! Faults of a process: how it ends, and what it does with its streams and its children.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::call::{Call, text_between};
use crate::table::{At, Fault, fault, forever};

pub const FAULTS: &[Fault] = &[
    fault("exits_in_hook", "exits 3 in its hook", At::Work, exits),
    fault("exits_in_set_data", "exits 3 in `set_data`", At::Configure, exits),
    fault("exits_in_activate", "exits 3 in `activate`", At::Activate, exits),
    fault("exits_in_shutdown", "exits 3 in `shutdown`", At::Shutdown, exits),
    fault(
        "exits_in_grab_config",
        "exits 3 in `grab_config`",
        At::Schema,
        exits,
    ),
    fault(
        "exits_after_set_data",
        "answers `set_data`, and exits 3",
        At::Configure,
        |call| {
            call.reply("{}");
            exits(call);
        },
    ),
    fault("dies_in_hook", "gets a signal in its hook", At::Work, dies),
    fault(
        "dies_in_shutdown",
        "gets a signal in `shutdown`",
        At::Shutdown,
        dies,
    ),
    fault("panics_in_hook", "panics in its hook", At::Work, |_| {
        panic!("no more")
    }),
    fault("never_answers", "never answers its hook", At::Work, |_| forever()),
    fault("stops_itself", "is stopped in its hook", At::Work, |_| {
        let _sent = kill_process(getpid(), Signal::STOP);
    }),
    fault(
        "closes_stdout",
        "closes stdout in its hook, and lives",
        At::Work,
        |_| {
            if let Ok(null) = std::fs::File::open("/dev/null") {
                let _moved = rustix::stdio::dup2_stdout(null);
            }
            forever();
        },
    ),
    fault(
        "closes_stdin",
        "closes stdin after its hello, and lives",
        At::Hello,
        |call| {
            if let Ok(null) = std::fs::File::open("/dev/null") {
                let _moved = rustix::stdio::dup2_stdin(null);
            }
            call.reply(&call.hello(1, "none"));
            forever();
        },
    ),
    fault(
        "stops_reading",
        "reads nothing after `activate`",
        At::Activate,
        |call| {
            call.reply("{}");
            forever();
        },
    ),
    fault(
        "shouts",
        "writes 1 MiB and a line of 200 KiB to stderr",
        At::Work,
        |call| {
            (0..512).for_each(|n| eprintln!("{n:04} {}", "s".repeat(2042)));
            eprintln!("{}", "L".repeat(200 * 1024));
            call.reply(&call.good());
        },
    ),
    fault(
        "floods_everything",
        "floods log and stderr at once, then answers",
        At::Work,
        |call| {
            std::thread::scope(|scope| {
                scope.spawn(|| (0..20_000).for_each(|n| eprintln!("stderr {n}")));
                for n in 0..20_000 {
                    call.notify("log", &format!(r#"{{"level":"warn","message":"log {n}"}}"#));
                }
            });
            call.reply(&call.good());
        },
    ),
    fault(
        "ignores_cancel",
        "says it can be cancelled",
        At::Hello,
        cancellable,
    ),
    fault("ignores_cancel", "and never answers", At::Work, |_| {}),
    fault("cancels_late", "says it can be cancelled", At::Hello, cancellable),
    fault("cancels_late", "waits for that", At::Work, |_| {}),
    fault(
        "cancels_late",
        "and answers after so many milliseconds",
        At::Cancel,
        |call| {
            std::thread::sleep(Duration::from_millis(call.number()));
            call.reply(&call.found("[]"));
        },
    ),
    fault(
        "cancels_in_noise",
        "says it can be cancelled",
        At::Hello,
        cancellable,
    ),
    fault("cancels_in_noise", "waits for that", At::Work, |_| {}),
    fault(
        "cancels_in_noise",
        "and prints before it answers",
        At::Cancel,
        |call| {
            (0..50).for_each(|n| call.say(&format!("cancelling {n}")));
            call.refuse(r#"{"code":-33004,"message":"cancelled"}"#);
        },
    ),
    fault("answers_late", "says it can be cancelled", At::Hello, cancellable),
    fault(
        "answers_late",
        "and answers after so many milliseconds",
        At::Work,
        |call| {
            std::thread::sleep(Duration::from_millis(call.number()));
            call.reply(&call.good());
        },
    ),
    fault(
        "ignores_shutdown",
        "does not answer `shutdown`",
        At::Shutdown,
        |_| {},
    ),
    fault("ignores_end", "lives on after the end of stdin", At::End, |_| {}),
    fault("ignores_all", "ignores SIGTERM", At::Start, |call| {
        without_signals(&call.more)
    }),
    fault("ignores_all", "and `shutdown`", At::Shutdown, |_| {}),
    fault("ignores_all", "and the end of stdin", At::End, |_| {}),
    fault(
        "leaves_a_child",
        "leaves a child that holds its stdout",
        At::Work,
        |call| {
            let _child = Command::new("sleep").arg("300").spawn();
            call.reply(&call.good());
        },
    ),
    fault(
        "leaves_daemons",
        "leaves so many children in sessions of their own, and exits",
        At::Work,
        |call| {
            for _ in 0..call.number() {
                let _child = Command::new("setsid").args(["sleep", "300"]).spawn();
            }
            exits(call);
        },
    ),
];

fn exits(_: &Call) {
    eprintln!("about to leave");
    std::process::exit(3);
}

/// Ends by the signal of this name.
fn dies(call: &Call) {
    let signal = match call.more.as_str() {
        "SEGV" => Signal::SEGV,
        "ABORT" => Signal::ABORT,
        _ => Signal::KILL,
    };
    // The runtime takes the first SIGSEGV for a full stack, and lets go of it.
    for _ in 0..2 {
        let _sent = kill_process(getpid(), signal);
    }
    forever();
}

fn cancellable(call: &Call) {
    call.reply(&call.hello(1, "cooperative"));
}

/// Becomes this program once more, with signals that are ignored: only what a process inherits can be ignored without unsafe code.
fn without_signals(more: &str) {
    let ignored = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| text_between(&status, "SigIgn:\t", "\n"))
        .and_then(|mask| u64::from_str_radix(&mask, 16).ok())
        .is_some_and(|mask| mask & (1 << 14) != 0);
    if ignored {
        return;
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP INT TERM; exec \"$@\"", "sh"]);
    shell.args(std::env::args().take(3)).arg(more);
    let error = shell.exec();
    eprintln!("cannot start a shell: {error}");
    std::process::exit(64);
}

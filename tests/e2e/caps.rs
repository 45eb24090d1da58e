//! Limits on what a plugin may use: one that meets a limit is told apart from one that crashed, and the others go on.

use crate::support::{Sandbox, result, step, venv};

/// Runs `greedy,good-json_out` where `greedy` does this in its hook, and asserts that `good` was delivered whole.
#[track_caller]
fn beside_a_good_one(does: &str, limits: &str, flags: &[&str]) -> (Sandbox, crate::support::Seen) {
    let sandbox = Sandbox::new();
    let process = format!(
        "echo x >>calls; {does}; result='[{}]'",
        result("test", "greedy", "[{}]")
    );
    let more = format!("---[restart]\nbackoff = 0\n[limits]\n{limits}\n");
    sandbox.shell("greedy", "input", &[("process", &process)], &more);
    sandbox.input("good", &[result("test", "good", "[{}]")]);
    let args = [
        &[
            "run",
            "greedy,good-json_out",
            "--timeout",
            "60s",
            "-o",
            "record.json",
        ],
        flags,
    ]
    .concat();
    let seen = sandbox.opsbox(&args);
    assert_eq!(step(&sandbox.record(), "good")["status"], "findings", "{seen}");
    sandbox.document("findings/test/good.json");
    (sandbox, seen)
}

/// Asserts that it was ended at its limit, in words, and not started again.
#[track_caller]
fn meets(does: &str, limits: &str, flags: &[&str], says: &[&str]) {
    let (sandbox, seen) = beside_a_good_one(does, limits, flags);
    let seen = seen.exits(4).says(says).hides(&["started again", "SIGKILL"]);
    assert_eq!(step(&sandbox.record(), "greedy")["status"], "failed", "{seen}");
    assert_eq!(
        step(&sandbox.record(), "greedy")["errors"][0]["code"],
        -33003,
        "{seen}"
    );
    assert_eq!(sandbox.read("work/calls"), "x\n", "{seen}");
}

const BUSY: &str = "while :; do :; done";
/// About 64 MB in one process that then only waits.
const LARGE: &str = "text=$(head -c 64000000 /dev/zero | tr \"\\0\" x); sleep 1000 & wait";

#[test]
fn processor_time_ends_a_plugin_with_its_limit_and_the_setting() {
    let says = [
        "greedy",
        "it used 1s of processor time during `process`, and its limit is 1s",
        "`[limits] cpu` in its manifest, or `--max-cpu`",
    ];
    meets(BUSY, "cpu = 1", &[], &says);
    meets(BUSY, "", &["--max-cpu", "1s"], &says);
    // In a child of the plugin, which then only sees that it ended.
    meets(&format!("sh -c '{BUSY}'; exit $?"), "cpu = \"1s\"", &[], &says);
}

#[test]
fn a_plugin_that_ignores_the_signal_is_ended_a_moment_later() {
    let says = ["of processor time during `process`, and its limit is 1s"];
    meets(&format!("trap '' XCPU; {BUSY}"), "cpu = 1", &[], &says);
}

#[test]
fn memory_is_that_of_all_its_processes() {
    let says = [
        "MiB of memory during `process`, and its limit is 30 MiB",
        "`[limits] memory` in its manifest, or `--max-memory`",
    ];
    meets(LARGE, "memory = \"30MiB\"", &[], &says);
    meets(
        &format!("sh -c '{LARGE}' & wait"),
        "memory = \"30MiB\"",
        &[],
        &says,
    );
    meets(LARGE, "memory = \"1GiB\"", &["--max-memory", "30MiB"], &says);
}

#[test]
fn a_limit_of_zero_is_none_and_a_plugin_below_its_limits_ends_well() {
    let large = LARGE.replace("; sleep 1000 & wait", "");
    let (_sandbox, seen) = beside_a_good_one(&large, "memory = \"30MiB\"", &["--max-memory", "0"]);
    seen.exits(0);
    let limits = "cpu = 60\nmemory = \"1GiB\"\nprocesses = 30\nopen_files = 100";
    let (_sandbox, seen) = beside_a_good_one(&large, limits, &[]);
    seen.exits(0);
}

#[test]
fn processes_are_counted() {
    let many = "for n in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait";
    let says = [
        " processes during `process`, and its limit is 5",
        "set `[limits] processes` in its manifest; 0 is no limit",
    ];
    meets(many, "processes = 5", &[], &says);
}

#[test]
fn open_files_are_limited_and_core_dumps_are_off() {
    let (sandbox, seen) = beside_a_good_one("cat /proc/self/limits >limits", "open_files = 64", &[]);
    seen.exits(0);
    let limits = sandbox.read("work/limits");
    let values = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(values("Max open files"), ["64", "64"], "{limits}");
    // A limit of one byte lets the kernel neither write a dump nor start a program that takes one.
    assert!(
        matches!(values("Max core file size")[0].as_str(), "0" | "1"),
        "{limits}"
    );

    let hint = "it met its limit of 64 open files: raise `[limits] open_files` in its manifest";
    let dies = "echo 'cannot open x: Too many open files' >&2; exit 2";
    let (_sandbox, seen) = beside_a_good_one(dies, "open_files = 64", &["--restarts", "0"]);
    seen.exits(4).says(&["exited with status 2", hint]);
    let (_sandbox, seen) = beside_a_good_one("fail 'Too many open files'", "open_files = 64", &[]);
    seen.exits(4).says(&[hint]);
    let (_sandbox, seen) = beside_a_good_one("fail 'Too many open files'", "", &[]);
    seen.exits(4).hides(&["open_files"]);
}

#[test]
fn forked_python_plugins_have_limits_too() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let source = |body: &str| {
        format!(
            "import os, time\nfrom core.plugins import Result\n\nclass P:\n    def process(self, data):\n        {body}\n        \
             limits = open('/proc/self/limits').read()\n        \
             return [Result(relates_to='test', result_name='limits', result_description='d', details=[{{'limits': limits}}], formatted='')]\n"
        )
    };
    sandbox.legacy_with("busy", "input", "[limits]\ncpu = 1", &source("while True: pass"));
    sandbox.legacy_with(
        "large",
        "input",
        "[limits]\nmemory = \"120MiB\"",
        &source("self.text = b'x' * 200_000_000; time.sleep(1000)"),
    );
    sandbox.legacy_with("plain", "input", "[limits]\nopen_files = 99", &source("pass"));
    let args = ["run", "busy,large,plain-json_out", "-vv", "-o", "record.json"];
    let seen = sandbox.opsbox_on(&python, &args).exits(4).says(&[
        "the warm Python parent is ready",
        "it used 1s of processor time during `process`, and its limit is 1s",
        "MiB of memory during `process`, and its limit is 120 MiB",
    ]);
    assert_eq!(step(&sandbox.record(), "plain")["status"], "findings", "{seen}");
    let limits = sandbox.read("work/findings/test/limits.json");
    assert!(
        limits.contains("Max core file size        1 ") || limits.contains("Max core file size        0 "),
        "{limits}"
    );
    assert!(limits.contains("Max open files            99 "), "{limits}");
}

#[test]
fn the_tables_of_a_manifest_are_checked_like_all_others() {
    let sandbox = Sandbox::new();
    sandbox.shell(
        "odd",
        "input",
        &[("process", "result='[]'")],
        "---[limits]\nprocesses = -1\nmemmory = 3\n[restart]\ntimes = \"two\"\n",
    );
    sandbox.opsbox(&["run", "odd-json_out"]).exits(2).says(&[
        "`processes` in `[limits]` must be a whole number, 0 or greater, found the number -1",
        "unknown key `memmory` in `[limits]`",
        "did you mean `memory`",
        "`times` in `[restart]` must be a whole number, 0 or greater",
    ]);
}

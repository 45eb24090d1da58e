//! Handlers and their plugins that fail, die, hang or are interrupted.

use rustix::process::Signal;

use crate::signals::Running;
use crate::support::{Sandbox, result, step};

/// A handler `scanning`, a plugin `cert` with this `scan`, and one `good` that finds one thing.
fn scanners(scan: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.scanning();
    sandbox.shell("cert", "scanner", &[("scan", scan)], more);
    let made = crate::support::result("net", "good", "[{}]");
    sandbox.shell("good", "scanner", &[("scan", &format!("result='[{made}]'"))], "");
    sandbox
}

const RUN: [&str; 6] = [
    "run",
    "cert,good-json_out",
    "--timeout",
    "60s",
    "-o",
    "record.json",
];

#[test]
fn an_error_of_the_plugin_reaches_the_handler_and_fails_only_its_step() {
    let sandbox = scanners("fail 'port 443 is closed'", "");
    let seen = sandbox
        .opsbox(&RUN)
        .exits(4)
        .says(&["failed cert: its handler `scanning`: `process_plugin` failed: port 443 is closed"]);
    assert_eq!(step(&sandbox.record(), "good")["findings"], 1, "{seen}");
}

#[test]
fn a_plugin_that_dies_during_its_handlers_call_is_named_at_once() {
    let sandbox = scanners("echo 'out of luck' >&2; kill -9 $$", "");
    let seen = sandbox
        .opsbox(&RUN)
        .exits(4)
        .says(&["failed cert: plugin `cert`: the process was killed"]);
    let record = sandbox.record();
    let errors = &step(&record, "cert")["errors"];
    assert_eq!(errors[0]["code"], -33003, "{errors:#}\n{seen}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(message.contains("during `scan`"), "{message}");
    assert!(
        errors[0]["hints"].to_string().contains("out of luck"),
        "{errors:#}"
    );
    let handler = errors[1]["message"].as_str().unwrap();
    assert!(handler.starts_with("its handler `scanning`"), "{handler}");
    assert_eq!(step(&record, "good")["findings"], 1, "{seen}");
}

#[test]
fn a_plugin_that_dies_leaves_a_gap_even_where_its_handler_does_not_mind() {
    let sandbox = scanners("kill -9 $$", "");
    sandbox.handler(
        "scanning",
        &["scanner"],
        "name_of; call $name scan '{}'; result='[]'",
        "",
    );
    let seen = sandbox.opsbox(&RUN).exits(4);
    let record = sandbox.record();
    let cert = step(&record, "cert");
    assert_eq!(cert["status"], "incomplete", "{seen}");
    assert_eq!(cert["gaps"][0]["what"], "`scan` of plugin `cert`", "{seen}");
}

#[test]
fn an_error_that_a_handler_swallows_leaves_a_gap() {
    let sandbox = scanners("fail 'port 443 is closed'", "");
    let swallowing = "name_of; call $name scan '{}'; call $name scan '{}'; result='[]'";
    sandbox.handler("scanning", &["scanner"], swallowing, "");
    let seen = sandbox.opsbox(&RUN).exits(4).says(&["port 443 is closed"]);
    let record = sandbox.record();
    let cert = step(&record, "cert");
    assert_eq!(cert["status"], "incomplete", "{seen}");
    assert_eq!(cert["gaps"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(cert["gaps"][0]["what"], "`scan` of plugin `cert`", "{seen}");
    assert_eq!(step(&record, "good")["status"], "clean", "{seen}");
    // Trying a hook that is not there is no failure.
    let trying = "name_of; call $name no_such_hook '{}'; result='[]'";
    sandbox.handler("scanning", &["scanner"], trying, "");
    sandbox.opsbox(&RUN).exits(0);
}

#[test]
fn a_provider_that_failed_leaves_a_gap_where_a_handler_goes_on_without_its_data() {
    let sandbox = scanners("result='[]'", "");
    sandbox.fault("estate", "provider", "error", "");
    let swallowing = "name_of; call estate gather_data '{}'; call $name scan '{}'";
    sandbox.handler("scanning", &["scanner"], swallowing, "");
    let args = ["run", "estate,cert-json_out", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(4);
    let record = sandbox.record();
    let cert = step(&record, "cert");
    assert_eq!(cert["status"], "incomplete", "{seen}");
    assert_eq!(cert["gaps"][0]["what"], "the data of provider `estate`", "{seen}");
}

#[test]
fn a_handler_that_dies_fails_its_steps_and_no_other() {
    let sandbox = scanners("result='[]'", "");
    sandbox.handler(
        "scanning",
        &["scanner"],
        "name_of; call $name scan '{}'; kill -9 $$",
        "",
    );
    sandbox.input("plain", &[]);
    let args = [
        "run",
        "cert,plain,good-json_out",
        "--jobs",
        "1",
        "--timeout",
        "60s",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(4).says(&[
        "its handler `scanning`: the process was killed (SIGKILL)",
        "during `process_plugin`",
    ]);
    let record = sandbox.record();
    for (name, status) in [("cert", "failed"), ("good", "failed"), ("plain", "clean")] {
        assert_eq!(step(&record, name)["status"], status, "{name}\n{seen}");
    }
}

#[test]
fn a_handler_that_cannot_start_or_is_not_configured_fails_its_steps_by_name() {
    let sandbox = scanners("result='[]'", "");
    sandbox.command(
        "scanning",
        "handler",
        &["no-such-program"],
        "---[handler]\nhandles = [\"scanner\"]\n",
    );
    sandbox
        .opsbox(&RUN)
        .exits(1)
        .says(&["failed cert, good: its handler `scanning`: program `no-such-program` not found"]);
    sandbox.fault(
        "scanning",
        "handler",
        "none",
        "---[handler]\nhandles = [\"scanner\"]\n",
    );
    sandbox
        .opsbox(&RUN)
        .exits(1)
        .says(&["its handler `scanning`: it does not implement `process_plugin`, which its type needs"]);
}

#[test]
fn a_plugin_that_hangs_is_named_when_its_handlers_time_is_up() {
    let sandbox = scanners("sleep 1000 & wait", "---[timeouts]\ncancel_grace = \"100ms\"\n");
    let args = ["run", "cert-json_out", "--timeout", "1s", "-o", "record.json"];
    let seen = sandbox.opsbox(&args).exits(1);
    let record = sandbox.record();
    let cert = step(&record, "cert");
    assert_eq!(cert["status"], "failed", "{seen}");
    let errors = cert["errors"].to_string();
    assert!(
        errors.contains("no answer to") && errors.contains("`scan`") && errors.contains("plugin `cert`"),
        "{errors}\n{seen}"
    );
}

#[test]
fn a_plugin_with_a_deadline_of_its_own_fails_its_handlers_call() {
    let sandbox = scanners(
        "sleep 1000 & wait",
        "---[timeouts]\nhook_total = \"300ms\"\ncancel_grace = \"100ms\"\n",
    );
    let args = ["run", "cert,good-json_out", "-o", "record.json"];
    let seen = sandbox
        .opsbox(&args)
        .exits(4)
        .says(&["failed cert: plugin `cert`: no answer to `scan` within 300ms"]);
    assert_eq!(step(&sandbox.record(), "good")["findings"], 1, "{seen}");
}

#[test]
fn an_interrupt_cancels_the_handler_and_what_it_called() {
    let grace = "---[timeouts]\ncancel_grace = \"200ms\"\n";
    let sandbox = scanners("sleep 1000 & wait", grace);
    let handler = sandbox.read("plugins/scanning/manifest.toml");
    sandbox.write(
        "plugins/scanning/manifest.toml",
        &format!("{handler}\n{}", grace.trim_start_matches('-')),
    );
    sandbox.input("plain", &[crate::support::result("net", "plain", "[{}]")]);
    let args = [
        "run",
        "plain,cert-json_out",
        "--timeout",
        "60s",
        "-o",
        "record.json",
    ];
    let mut running = Running::start(&sandbox, &args);
    running.wait_for_end_of("plain");
    running.wait_for("cert", "scan");
    running.signal(Signal::INT);
    let (status, _, stderr) = running.finish();
    assert_eq!(status.code(), Some(130), "{stderr}");
    let record = sandbox.record();
    assert_eq!(step(&record, "cert")["status"], "unknown", "{stderr}");
    assert_eq!(step(&record, "json_out")["status"], "clean", "{stderr}");
    sandbox.document("findings/net/plain.json");
}

#[test]
fn the_second_interrupt_ends_a_plugin_that_a_handler_waits_for() {
    let sandbox = scanners("sleep 1000 & wait", "---[timeouts]\ncancel_grace = 0\n");
    let handler = sandbox.read("plugins/scanning/manifest.toml");
    sandbox.write(
        "plugins/scanning/manifest.toml",
        &format!("{handler}\n[timeouts]\ncancel_grace = 0\n"),
    );
    let mut running = Running::start(&sandbox, &["run", "cert-json_out"]);
    running.wait_for("cert", "scan");
    running.signal(Signal::INT);
    running.wait_for_text("once more ends everything");
    running.signal(Signal::INT);
    let (status, _, stderr) = running.finish();
    assert_eq!(status.code(), Some(130), "{stderr}");
}

#[test]
fn an_answer_before_the_called_plugin_is_done_ends_the_call() {
    let sandbox = scanners("sleep 1000 & wait", "---[timeouts]\ncancel_grace = \"100ms\"\n");
    let hasty = "name_of; say \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":\\\"h1\\\",\\\"method\\\":\\\"host/call_hook\\\",\\\"params\\\":{\\\"id\\\":$id,\\\"plugin\\\":\\\"$name\\\",\\\"hook\\\":\\\"scan\\\"}}\"; result='[]'";
    sandbox.handler("scanning", &["scanner"], hasty, "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "60s", "-o", "record.json"])
        .exits(0);
    assert_eq!(step(&sandbox.record(), "cert")["status"], "clean", "{seen}");
}

#[test]
fn an_empty_result_of_a_check_that_saw_only_part_reaches_no_output_through_a_handler() {
    let sandbox = Sandbox::new();
    let process =
        "name_of; printf '%s\\n' \"$line\" >>given; call $name work '{}'; [ -n \"$result\" ] || refused";
    sandbox.handler("working", &["worker"], process, "");
    sandbox.shell("last", "worker", &[("work", "result='{}'")], "");
    for (name, details) in [("part", "[]"), ("found", "[{}]")] {
        let process = format!(
            "gap disks 'the disk /data' 'permission denied'; result='[{}]'",
            result("x", name, details)
        );
        sandbox.shell(name, "input", &[("process", &process)], "");
    }
    sandbox
        .opsbox(&["run", "part,found-last"])
        .exits(4)
        .says(&["`last` is not given the empty `x/part`"]);
    let given = sandbox.read("work/given");
    assert!(
        given.contains("\"result_name\":\"found\"") && !given.contains("part"),
        "{given}"
    );
    sandbox
        .opsbox(&["run", "part-last", "-o", "record.json"])
        .exits(1);
    assert_eq!(sandbox.read("work/given"), given);
    assert_eq!(step(&sandbox.record(), "last")["status"], "skipped");
}

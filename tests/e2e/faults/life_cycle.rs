//! Cases 38 to 50: processes that end, hang, close their streams, shout, or leave others behind. Cases 51 and 52 are in `interrupts`.

use super::harness::Case;
use crate::support::{result, step};

/// Deadlines that a plugin meets that can be cancelled and is not.
const SHORT: &str = "[timeouts]\nhook_total = \"300ms\"\ncancel_grace = \"300ms\"";
/// The same, with more patience than any test has.
const PATIENT: &str = "[timeouts]\nhook_total = \"300ms\"\ncancel_grace = \"60s\"";

#[test]
fn case_38_the_process_dies_in_a_hook() {
    let by_signal = |signal: &str| Case::of("dies_in_hook").with(signal).run();
    by_signal("SEGV").fails("process", &["crashed (SIGSEGV)"]);
    by_signal("ABORT").fails("process", &["aborted (SIGABRT)"]);
    by_signal("KILL").fails("process", &["was killed (SIGKILL)", "want of memory"]);
    Case::of("panics_in_hook")
        .run()
        .fails("process", &["exited with status 101", "no more"]);
    Case::of("exits_in_hook")
        .run()
        .fails("process", &["exited with status 3", "about to leave"]);
}

#[test]
fn case_38_a_handler_dies_with_ten_calls_pending() {
    for signal in ["SEGV", "KILL", "TERM"] {
        let case = Case::of("none");
        let asks = r#"name_of; i=0; while [ $i -lt 10 ]; do i=$((i+1)); say "{\"jsonrpc\":\"2.0\",\"id\":\"h$i\",\"method\":\"host/call_hook\",\"params\":{\"id\":$id,\"plugin\":\"$name\",\"hook\":\"scan\"}}"; done; kill -SIGNAL $$"#;
        case.sandbox
            .handler("scanning", &["scanner"], &asks.replace("SIGNAL", signal), "");
        case.sandbox
            .shell("bad", "scanner", &[("scan", "result='[]'")], "");
        let ran = case.run_what_is_there();
        ran.fails("process_plugin", &["its handler `scanning`: the process"]);
    }
}

#[test]
fn case_39_stdout_is_closed_and_the_process_lives() {
    Case::of("closes_stdout")
        .run()
        .fails("process", &["closed its stdout"]);
}

#[test]
fn case_40_stdin_is_closed_and_the_process_lives() {
    Case::of("closes_stdin")
        .run()
        .fails("grab_config", &["closed its stdin, so it can be told nothing"]);
}

#[test]
fn case_41_stdin_is_not_read_while_10_mib_are_sent() {
    let case = Case::of("stops_reading")
        .info("uses = [\"source\"]")
        .tables("[timeouts]\nstdin_stall = \"500ms\"");
    case.bulk("source", 10 * 1024 * 1024);
    case.run()
        .fails("process", &["read nothing from its stdin for 500ms"]);
}

#[test]
fn case_43_a_mebibyte_on_stderr() {
    let ran = Case::of("shouts").flags(&["-v"]).run().lives(&["bad"]);
    let longest = ran.seen.stderr.lines().map(str::len).max().unwrap();
    assert!(longest < 65 * 1024, "a line of {longest} bytes");
    assert!(ran.count("LLLL") > 0, "the line of 200 KiB is not shown at all");
}

#[test]
fn case_45_a_cancel_is_ignored() {
    Case::of("ignores_cancel")
        .tables(SHORT)
        .run()
        .fails("process", &["no answer", "within 300ms", "[timeouts] hook_total"]);
}

#[test]
fn case_46_a_cancelled_call_is_answered_late_early_or_never() {
    let texts = ["no answer", "within 300ms"];
    Case::of("cancels_late")
        .with(100)
        .tables(PATIENT)
        .run()
        .fails("process", &texts);
    Case::of("cancels_late")
        .with(30_000)
        .tables(SHORT)
        .run()
        .fails("process", &texts);
    // The answer and the cancel meet on their way.
    for milliseconds in [298, 300, 302] {
        let ran = Case::of("answers_late").with(milliseconds).tables(PATIENT).run();
        if ran.seen.code == Some(0) {
            ran.lives(&[]);
        } else {
            ran.fails("process", &texts);
        }
    }
    Case::of("never_answers")
        .tables(SHORT)
        .run()
        .fails("process", &texts);
}

#[test]
fn case_47_shutdown_the_end_of_stdin_and_sigterm_are_ignored() {
    // All at once: the ladders run side by side.
    let case = Case::of("ignores_all")
        .and_input("silent", "ignores_shutdown")
        .and_input("waiting", "ignores_end");
    let ran = case.run().lives(&[]);
    for name in ["silent", "waiting"] {
        assert_eq!(step(&ran.record, name)["status"], "findings", "{}", ran.seen);
    }
}

#[test]
fn case_48_the_process_dies_in_shutdown() {
    Case::of("exits_in_shutdown").run().lives(&[]);
    Case::of("dies_in_shutdown").with("SEGV").run().lives(&[]);
    Case::of("dies_in_shutdown")
        .with("KILL")
        .role("output")
        .run()
        .lives(&[]);
}

#[test]
fn and_a_death_at_any_time_of_the_start_fails_the_step_alone() {
    for (fault, hook) in [
        ("exits_in_grab_config", "grab_config"),
        ("exits_in_set_data", "set_data"),
        ("exits_in_activate", "activate"),
        // Whether the next call is on its way already is nobody's to say.
        ("exits_after_set_data", ""),
    ] {
        Case::of(fault)
            .run()
            .fails(hook, &["exited with status 3", "about to leave"]);
    }
}

#[test]
fn and_a_death_in_every_role_leaves_the_others_whole() {
    for (kind, hook) in [
        ("provider", "gather_data"),
        ("assistant", "process_input"),
        ("output", "process_results"),
    ] {
        Case::of("exits_in_hook")
            .role(kind)
            .run()
            .fails(hook, &["exited with status 3"]);
        Case::of("never_answers")
            .role(kind)
            .tables(SHORT)
            .run()
            .fails(hook, &["within 300ms"]);
    }
}

#[test]
fn and_a_child_that_holds_stdout_holds_nobody_up() {
    Case::of("leaves_a_child").run().lives(&[]);
}

#[test]
fn and_children_in_sessions_of_their_own_are_ended_too() {
    Case::of("leaves_daemons")
        .with(30)
        .run()
        .fails("process", &["exited with status 3"]);
}

#[test]
fn and_a_flood_on_every_stream_hurts_no_delivery() {
    let ran = Case::of("floods_everything").run().lives(&["floods"]);
    let lines = ran.seen.stderr.lines().count();
    assert!(lines < 5_000, "{lines} lines");
    Case::of("floods_everything")
        .role("output")
        .run()
        .lives(&["floods"]);
}

#[test]
fn and_noise_during_a_cancel_is_only_noise() {
    let ran = Case::of("cancels_in_noise").tables(PATIENT).run();
    ran.fails("process", &["no answer", "within 300ms"])
        .seen
        .says(&["cancelling 0", "cancelling 49"]);
}

#[test]
fn and_a_stopped_process_is_told_from_a_slow_one() {
    Case::of("stops_itself").run().fails(
        "process",
        &["the process was stopped", "by SIGSTOP", "sent it that signal"],
    );
}

#[test]
fn and_no_descriptor_of_the_host_reaches_a_plugin() {
    let ran = Case::of("counts_descriptors").run().lives(&[]);
    let found = ran.details("counts_descriptors");
    let targets = found.as_array().unwrap().iter();
    let targets: Vec<_> = targets
        .map(|one| one["target"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        targets
            .iter()
            .filter(|target| target.starts_with("pipe:"))
            .count()
            >= 3,
        "{targets:?}"
    );
    // What whoever started the tests had open and did not close is not the host's.
    let own = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let own: Vec<_> = own
        .filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.display().to_string()))
        .collect();
    let new: Vec<_> = targets.iter().filter(|target| !own.contains(target)).collect();
    assert_eq!(new.len(), 3, "{new:?} of {targets:?}, not in {own:?}");
}

#[test]
fn and_a_plugin_dies_while_its_handler_waits_for_it() {
    let case = Case::of("none");
    case.sandbox.scanning();
    case.sandbox.shell(
        "bad",
        "scanner",
        &[("scan", "setsid sleep 300 & echo 'out of luck' >&2; kill -9 $$")],
        "",
    );
    let made = result("net", "fine", "[{}]");
    case.sandbox
        .shell("fine", "scanner", &[("scan", &format!("result='[{made}]'"))], "");
    let ran = case.beside("fine").run_what_is_there();
    let ran = ran.fails(
        "scan",
        &["plugin `bad`: the process was killed (SIGKILL)", "out of luck"],
    );
    assert_eq!(step(&ran.record, "fine")["findings"], 1, "{}", ran.seen);
}

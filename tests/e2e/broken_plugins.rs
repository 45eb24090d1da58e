//! A plugin may crash, hang, flood or print garbage: the run goes on and says so.

use crate::support::Sandbox;

#[test]
fn a_deadline_of_zero_is_off_and_the_flag_sets_the_default() {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", "never_answers", "");
    sandbox
        .opsbox(&["run", "bad-json_out", "--timeout", "1s"])
        .exits(1)
        .says(&["no answer to `process` within 1s"]);
}

#[test]
fn fail_fast_stops_the_run_and_delivers_nothing() {
    let sandbox = Sandbox::new();
    sandbox.fault("bad", "input", "error", "");
    sandbox.fault("out", "output", "none", "");
    sandbox
        .opsbox(&["run", "bad-out", "--fail-fast"])
        .exits(1)
        .hides(&["fault output saw it"]);
}

#[test]
fn a_run_without_any_delivery_has_failed() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "none", "");
    sandbox.fault("out", "output", "exits_in_hook", "");
    sandbox
        .opsbox(&["run", "good-out"])
        .exits(1)
        .says(&["out", "`process_results`", "status 3"]);
}

//! What is repeated a thousand times leaves nothing behind; the benchmarks do more of it.

use std::process::Command;

use crate::support::example;

#[test]
fn case_63_a_thousand_plugins_started_and_stopped_leave_no_descriptor_and_no_process() {
    // A process of its own, since the tests beside this one open and close what they like.
    let output = Command::new(example("bench"))
        .args(["soak-cycles", "--rounds", "1000"])
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(
        stdout.contains("1000 plugins started and stopped"),
        "{stdout}{stderr}"
    );
}

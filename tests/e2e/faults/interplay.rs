//! Cases 54 to 63, as far as they are about faults and not about secrets: plugins that meet each other through the host, and what it keeps.

use std::fs;

use super::harness::{Case, ends_in_time};
use super::leftovers;
use crate::support::{Sandbox, fault_plugin, step};

/// What is sent to a slow consumer, in bytes.
const MUCH: usize = 10 * 1024 * 1024;

/// Makes something else of a file.
type Damage = fn(&[u8]) -> Vec<u8>;

#[test]
fn case_54_a_call_cycle() {
    let sandbox = Sandbox::new();
    let back = |to: &str| {
        format!(
            "call {to} process_plugin '{{\"plugin\":{{\"name\":\"cert\"}},\"prior_results\":[]}}'; [ -n \"$result\" ] || {{ echo \"$answer\" >>answers; refused; }}"
        )
    };
    sandbox.handler("a", &["scanner"], &back("b"), "uses = [\"b\"]");
    sandbox.handler("b", &["other"], &back("a"), "");
    sandbox.shell("cert", "scanner", &[("scan", "result='[]'")], "");
    let seen = sandbox
        .opsbox(&["run", "cert-json_out", "--timeout", "60s", "-o", "record.json"])
        .exits(1)
        .says(&[
            "its handler `a`",
            "the call would come back to itself: `a` calls `b` calls `a`",
        ]);
    let answers = sandbox.read("work/answers");
    assert!(answers.contains("\"code\":-33012"), "{answers}\n{seen}");
    assert_eq!(step(&sandbox.record(), "cert")["status"], "failed", "{seen}");
}

#[test]
fn case_55_a_request_for_a_call_that_is_over_or_never_was() {
    let sandbox = Sandbox::new();
    // The first call is over when the second one asks for it; the third number was never one.
    let process = "ask host/active_plugins 1 ''; echo \"$answer\" >>answers; [ -z \"$before\" ] || { ask host/active_plugins $before ''; echo \"$answer\" >>answers; }; \
                   before=$id; ask host/call_hook 77 ',\"plugin\":\"one\",\"hook\":\"scan\"'; echo \"$answer\" >>answers; \
                   ask host/stop $id ''; echo \"$answer\" >>answers; ask host/call_hook $id ''; echo \"$answer\" >>answers; result='[]'";
    sandbox.handler("asks", &["scanner"], process, "");
    for name in ["one", "two"] {
        sandbox.shell(name, "scanner", &[("scan", "result='[]'")], "");
    }
    let seen = sandbox
        .opsbox(&["run", "one,two-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines.len(), 9, "{answers}\n{seen}");
    for line in [lines[0], lines[1], lines[4], lines[5], lines[6]] {
        let refused = line.contains("\"code\":-32600") && line.contains("is not open");
        assert!(refused, "{line}\n{seen}");
    }
    assert!(
        lines[2].contains("this host offers no method `host/stop`"),
        "{}",
        lines[2]
    );
    assert!(
        lines[3].contains("-32602") && lines[3].contains("`plugin` is missing"),
        "{}",
        lines[3]
    );
}

#[test]
fn case_55_a_request_of_a_plugin_that_is_no_handler() {
    let sandbox = Sandbox::new();
    let process = "ask host/active_plugins \"$id\" ''; echo \"$answer\" >answers; result='[]'";
    sandbox.shell("curious", "input", &[("process", process)], "");
    let seen = sandbox
        .opsbox(&["run", "curious-json_out", "--timeout", "60s"])
        .exits(0);
    let answers = sandbox.read("work/answers");
    assert!(
        answers.contains("-32600") && answers.contains("only handlers may ask"),
        "{answers}\n{seen}"
    );
}

#[test]
fn case_58_an_output_fails_while_others_deliver() {
    Case::of("exits_in_hook")
        .role("output")
        .run()
        .fails("process_results", &["exited with status 3"]);
    Case::of("error")
        .role("output")
        .run()
        .fails("process_results", &["no credentials found", "set AWS_PROFILE"]);
    Case::of("never_answers")
        .role("output")
        .tables("[timeouts]\nhook_total = \"500ms\"")
        .run()
        .fails("process_results", &["within 500ms"]);
}

#[test]
fn case_59_a_slow_consumer() {
    let case = Case::of("reads_slowly")
        .role("output")
        .tables("[timeouts]\nstdin_stall = \"60s\"");
    case.bulk("source", MUCH);
    let ran = case.beside("source").and_output("keeps").run().lives(&[]);
    let kept = ran.sandbox.read("work/keeps").len();
    assert!(kept > MUCH, "{kept} bytes");
}

#[test]
fn case_60_what_is_cached_is_damaged_or_stale() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "plenty", "");
    let asks: [&[&str]; 2] = [&["plan", "good-json_out"], &["config", "show", "good-json_out"]];
    let answers = asks.map(|args| ends_in_time(&sandbox, args).exits(0).stdout);
    let cached = || -> Vec<_> {
        leftovers::files_below(&sandbox.path("home/.cache/opsbox"))
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect()
    };
    assert!(!cached().is_empty(), "nothing is cached");
    let damages: [Damage; 5] = [
        |_| Vec::new(),
        |_| b"\xff\xfe not JSON".to_vec(),
        |text| text[..text.len() / 2].to_vec(),
        |_| b"{\"of\":\"another shape\"}".to_vec(),
        |_| b"[".repeat(100_000),
    ];
    for damage in damages {
        for path in cached() {
            let text = fs::read(&path).unwrap();
            fs::write(&path, damage(&text)).unwrap();
        }
        for (args, answer) in asks.iter().zip(&answers) {
            let seen = ends_in_time(&sandbox, args).exits(0);
            assert_eq!(&seen.stdout, answer, "{seen}");
        }
        ends_in_time(&sandbox, &["run", "good-json_out"]).exits(0);
    }
    // A plugin that is another one now is asked anew.
    sandbox.shell(
        "good",
        "input",
        &[
            (
                "grab_config",
                r#"result='{"type":"object","properties":{"new_field":{"type":"integer"}}}'"#,
            ),
            ("process", "result='[]'"),
        ],
        "",
    );
    ends_in_time(&sandbox, &["plan", "good-json_out"])
        .exits(0)
        .prints(&["new_field"])
        .hides(&["fault_note"]);
    leftovers::assert_none(&sandbox, "");
}

#[test]
fn case_60_a_folder_for_what_is_cached_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    sandbox.fault("good", "input", "plenty", "");
    sandbox.write("home/.cache", "a file in the way");
    let args = ["run", "good-json_out", "-o", "record.json"];
    let seen = ends_in_time(&sandbox, &args).exits(0);
    assert_eq!(step(&sandbox.record(), "good")["findings"], 200, "{seen}");
}

#[test]
fn case_63_a_thousand_starts_leave_no_descriptor_and_no_zombie() {
    let mut case = Case::of("none").and_output("counts");
    let notes = case.sandbox.path("work/starts").display().to_string();
    let program = fault_plugin();
    // There are more than may live at once, so each is started to be asked and started again to work.
    let names: Vec<_> = (0..510).map(|n| format!("p{n}")).collect();
    for name in &names {
        let command = [program.to_str().unwrap(), "notes_starts", "input", &notes];
        case.sandbox.command(name, "input", &command, "");
        case = case.beside(name);
    }
    let ran = case.run().lives(&[]);
    let n_starts = ran.sandbox.read("work/starts").lines().count();
    assert!(n_starts >= 1_000, "{n_starts} starts");
    let counts = ran.sandbox.read("work/counts");
    let (descriptors, zombies) = counts.split_once(' ').unwrap();
    assert_eq!(zombies, "0", "{}", ran.seen);
    // Its own, and five for each plugin that lives at this moment.
    let descriptors: usize = descriptors.parse().unwrap();
    assert!(descriptors < 100, "{descriptors} descriptors are open");
}

//! A provider that stands first in a pipeline, gaps that are many, progress, and the check that PROTOCOL.md prints: each is shown as what it is.

use crate::support::{Sandbox, repository, result, step};

const ACCOUNTS: &str = r#"{"users":[{"name":"ana"},{"name":"bob"}],"groups":[{"name":"staff"}]}"#;
const POLICY: &str =
    "package extra_root\n\ndetails := [user | some user in input.users; user.name == \"toor\"]\n";

#[test]
fn a_provider_that_is_handed_on_brings_data_and_neither_screen_nor_summary_counts_findings() {
    let sandbox = Sandbox::new();
    sandbox.provider("accounts", ACCOUNTS, "");
    sandbox
        .opsbox(&["run", "accounts-cli_out", "-o", "record.json"])
        .exits(0)
        .says(&["\ndata of 1 provider; 1 of 1 output delivered; "])
        .prints(&["accounts:\n"])
        .hides(&["finding", "check"]);
    sandbox.rego("extra_root", "accounts", POLICY, "");
    sandbox
        .opsbox(&["run", "accounts,extra_root-cli_out"])
        .exits(0)
        .says(&["\n1 check: 1 clean; 0 findings; data of 1 provider; 1 of 1 output delivered; "])
        .prints(&["accounts:\n", "nothing found by: extra_root\n"])
        .hides(&["3 findings"]);
    let again = sandbox
        .opsbox(&["deliver", "last", "--to", "cli_out", "--again"])
        .exits(0);
    again.prints(&["accounts:\n"]).hides(&["3 findings"]);
}

#[test]
fn data_that_are_not_whole_or_missing_are_told_in_the_summary() {
    let sandbox = Sandbox::new();
    let gap = "gap users 'the file' 'permission denied'";
    sandbox.provider("accounts", ACCOUNTS, gap);
    sandbox
        .opsbox(&["run", "accounts-cli_out"])
        .exits(4)
        .says(&["\ndata of 1 provider: 1 incomplete; "])
        .prints(&["incomplete accounts: the file: permission denied"]);
    sandbox.shell("broken", "provider", &[("gather_data", "fail 'no way in'")], "");
    sandbox
        .opsbox(&["run", "broken-cli_out"])
        .exits(1)
        .says(&["\ndata of 1 provider: 1 unknown; "]);
}

#[test]
fn outputs_are_told_which_results_are_data() {
    let sandbox = Sandbox::new();
    sandbox.provider("accounts", ACCOUNTS, "");
    sandbox.rego("extra_root", "accounts", POLICY, "");
    sandbox
        .opsbox(&["run", "accounts,extra_root-cli_out", "--trace", "trace"])
        .exits(0);
    let trace = sandbox.read("work/trace/cli_out.jsonl");
    let told = [
        r#"{\"plugin\":\"accounts\",\"status\":\"clean\",\"data\":true,\"results\":[\""#,
        r#"{\"plugin\":\"extra_root\",\"status\":\"clean\",\"results\":["#,
    ];
    for text in told {
        assert!(trace.contains(text), "no {text} in {trace}");
    }
}

#[test]
fn every_gap_is_shown_with_v_and_once() {
    let sandbox = Sandbox::new();
    let gaps = ["2", "5", "6", "7"].map(|line| format!("gap users 'passwd line {line}' 'has 2 fields'"));
    sandbox.provider("accounts", ACCOUNTS, &gaps.join("; "));
    sandbox.rego("extra_root", "accounts", POLICY, "");
    let pipeline = "extra_root-cli_out";
    sandbox
        .opsbox(&["run", pipeline, "--no-keep"])
        .exits(4)
        .says(&["passwd line 2: has 2 fields, and 3 more gaps", "`-v` shows more"])
        .hides(&["passwd line 5", "passwd line 7"]);
    let seen = sandbox.opsbox(&["run", pipeline, "--no-keep", "-v"]).exits(4);
    for line in ["5", "6", "7"] {
        let gap = format!("info: accounts: could not look at passwd line {line}: has 2 fields\n");
        assert_eq!(seen.stderr.matches(&gap).count(), 1, "{gap}{seen}");
    }
    seen.says(&["`-o FILE` keeps the whole record"])
        .hides(&["`-v` shows more"]);
}

#[test]
fn whole_numbers_of_progress_stay_whole() {
    let sandbox = Sandbox::new();
    let say = |progress: &str| {
        let line = format!(
            "{{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"method\\\":\\\"progress\\\",\\\"params\\\":{{\\\"id\\\":$id,{progress}}}}}"
        );
        format!("say \"{line}\"")
    };
    let whole = say(r#"\"done\":9007199254740993,\"total\":1.5e3"#);
    let work = format!("{whole}; result='[{}]'", result("x", "look", "[]"));
    sandbox.shell("look", "input", &[("process", &work)], "");
    sandbox
        .opsbox(&["run", "look-json_out", "--progress", "json", "-o", "record.json"])
        .exits(0)
        .says(&["\"done\":9007199254740993,\"total\":1500.0"]);
    assert_eq!(step(&sandbox.record(), "look")["status"], "clean");
}

/// Returns the first block of this language behind a heading of the document.
fn block<'a>(document: &'a str, heading: &str, language: &str) -> &'a str {
    let (_, rest) = document.split_once(heading).unwrap();
    let (_, rest) = rest.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_rego_check_of_the_protocols_page_finds_and_has_no_answer_without_its_section() {
    let document = std::fs::read_to_string(repository().join("protocol/PROTOCOL.md")).unwrap();
    let heading = "### `[rego]`, of type `rego`";
    let manifest = block(&document, heading, "toml");
    // A plugin of that name ships.
    let manifest = manifest
        .replace("name = \"exposed_ports\"", "name = \"page\"")
        .replace("[\"host\"]", "[\"estate\"]");
    let sandbox = Sandbox::new();
    sandbox.write("plugins/page/manifest.toml", &manifest);
    sandbox.write(
        "plugins/page/exposed_ports.rego",
        block(&document, heading, "rego"),
    );
    sandbox.provider("estate", r#"{"sockets":[{"port":22},{"port":8080}]}"#, "");
    sandbox
        .opsbox(&["run", "page-cli_out", "-o", "record.json"])
        .exits(0)
        .prints(&["tcp/8080: other machines can reach it"])
        .hides(&["tcp/22"]);
    for (gap, status) in [
        ("", "failed"),
        ("gap sockets '/proc/net' 'permission denied'", "unknown"),
    ] {
        sandbox.provider("estate", "{}", gap);
        let seen = sandbox
            .opsbox(&["run", "page-json_out", "-o", "record.json"])
            .exits(1);
        assert_eq!(step(&sandbox.record(), "page")["status"], status, "{seen}");
    }
}

//! Screens made of Results and of the statuses of checks.

use opsbox_plugin::{Status, StepStatus};

use super::*;

fn step(plugin: &str, status: Status, why: Option<&str>) -> StepStatus {
    StepStatus {
        plugin: plugin.to_owned(),
        status,
        data: false,
        results: vec![format!("host/{plugin}")],
        why: why.map(str::to_owned),
    }
}

const PLAIN: Screen = Screen {
    columns: 80,
    color: false,
    show_all: false,
};

fn render(screen: Screen, results: &str) -> String {
    render_with(screen, results, &[])
}

fn render_with(screen: Screen, results: &str, steps: &[StepStatus]) -> String {
    let results = serde_json::from_str::<Vec<ResultRef<'_>>>(results).expect("Results");
    screen.render(&results, Checks(steps))
}

fn result(name: &str, details: &str, formatted: &str) -> String {
    let formatted = serde_json::Value::from(formatted);
    format!(
        r#"{{"relates_to":"host","result_name":"{name}","result_description":"","details":{details},"formatted":{formatted}}}"#
    )
}

#[test]
fn findings_stand_worst_first_and_quiet_checks_are_named() {
    let disk = r#"[{"resource":"/home","message":"/home is 86 % full","severity":"medium"},
        {"resource":"/var","message":"/var is 97 % full","severity":"critical"}]"#;
    let ports = r#"[{"resource":"tcp/22","message":"tcp port 22 is open on every address (sshd), which is much too long for a row","severity":"high"}]"#;
    let all = [
        result("disk_space", disk, "x"),
        result("exposed_ports", ports, "x"),
        result("inodes", "[]", ""),
    ];
    assert_eq!(
        render(PLAIN, &format!("[{}]", all.join(","))),
        "3 findings of 2 checks: 1 critical, 1 high, 1 medium\n\
         \x20 critical  disk_space     /var is 97 % full\n\
         \x20 high      exposed_ports  tcp/22: tcp port 22 is open on every address (sshd),…\n\
         \x20 medium    disk_space     /home is 86 % full\n\
         nothing found by: inodes\n"
    );
}

#[test]
fn the_first_screen_stays_under_25_lines_and_80_columns_whatever_comes() {
    let finding =
        r#"{"resource":"a very long name of a resource that goes on and on and on and on","severity":"low"}"#;
    let mut all = Vec::new();
    let mut texts = Vec::new();
    for index in 0..40 {
        let findings = vec![finding; 50].join(",");
        all.push(result(
            &format!("a_check_with_quite_a_long_name_{index}"),
            &format!("[{findings}]"),
            "",
        ));
        texts.push(result(
            &format!("summary_{index}"),
            "{}",
            &"a line of text\n".repeat(100),
        ));
        all.push(texts[index].clone());
        all.push(result(&format!("quiet_{index}"), "[]", ""));
    }
    let all = format!("[{}]", all.join(","));
    let texts = format!("[{}]", texts.join(","));
    let odd = [
        Status::Failed,
        Status::Unknown,
        Status::Incomplete,
        Status::Skipped,
    ];
    let long = "a cause that needs more than one line ".repeat(3);
    for n_odd in 0..40 {
        let mut steps = vec![step("not_here", Status::Skipped, None)];
        for index in 0..n_odd {
            let name = format!("a_check_with_quite_a_long_name_{index}");
            steps.push(step(&name, odd[index % 4], Some(&format!("{long}{}", index % 3))));
        }
        for results in [&*all, &texts, "[]"] {
            let text = render_with(PLAIN, results, &steps);
            assert!(text.lines().count() < 25, "{n_odd}: {text}");
            assert!(
                text.lines().all(|line| display_width(line) <= 80),
                "{n_odd}: {text}"
            );
            for status in odd.iter().take(n_odd) {
                let word = status.word();
                assert!(
                    text.lines().any(|line| line.starts_with(word)),
                    "{n_odd}: no {word}: {text}"
                );
            }
        }
    }
    let text = render(PLAIN, &all);
    assert!(text.lines().count() < 25, "{text}");
    assert!(text.lines().all(|line| display_width(line) <= 80), "{text}");
    assert!(
        text.contains("… 1988 more; all of them: --set cli_out_show_all=true"),
        "{text}"
    );
    let whole = render(
        Screen {
            show_all: true,
            ..PLAIN
        },
        &all,
    );
    assert!(whole.lines().count() > 2000, "{}", whole.lines().count());
}

#[test]
fn text_alone_is_shown_as_it_is_without_escapes() {
    let text = render(
        PLAIN,
        &format!(
            "[{}]",
            result("summary", "{}", "\n    one\n      two \u{1b}[2J\n")
        ),
    );
    assert_eq!(text, "summary:\n  one\n    two \\u{1b}[2J\n");
}

#[test]
fn color_marks_severities_only() {
    let finding = r#"[{"resource":"a","severity":"high"}]"#;
    let text = render(
        Screen { color: true, ..PLAIN },
        &format!("[{}]", result("c", finding, "")),
    );
    assert_eq!(
        text,
        "1 finding of 1 check: 1 \u{1b}[31mhigh\u{1b}[0m\n  \u{1b}[31mhigh    \u{1b}[0m  c  a\n"
    );
}

#[test]
fn beside_findings_every_check_that_is_not_whole_is_named() {
    let all = [
        result("disk_space", r#"[{"resource":"/var","severity":"high"}]"#, ""),
        result("inodes", "[]", ""),
        result("passwords", "[]", ""),
        result("renamed", "[]", ""),
    ];
    let mut steps = vec![
        step("disk_space", Status::Findings, None),
        step("inodes", Status::Clean, None),
        step(
            "passwords",
            Status::Incomplete,
            Some("/etc/shadow: permission denied"),
        ),
        step("idle", Status::Unknown, Some("its provider `ec2` failed")),
        step("quiet", Status::Clean, None),
    ];
    steps[4].results.clear();
    assert_eq!(
        render_with(PLAIN, &format!("[{}]", all.join(",")), &steps),
        "1 finding of 1 check: 1 high\n\
         \x20 high      disk_space  /var\n\
         unknown idle: its provider `ec2` failed\n\
         incomplete passwords: /etc/shadow: permission denied\n\
         nothing found by: inodes, quiet\n"
    );
}

#[test]
fn texts_alone_do_not_hide_a_check_that_failed() {
    let summary = format!("[{}]", result("summary", "{}", "0 findings"));
    assert_eq!(
        render_with(PLAIN, &summary, &[step("a", Status::Failed, Some("it broke"))]),
        "summary:\n  0 findings\nfailed a: it broke\n"
    );
}

#[test]
fn clean_checks_alone_are_no_findings() {
    let clean = format!("[{}]", result("inodes", "[]", ""));
    assert_eq!(
        render_with(PLAIN, &clean, &[step("inodes", Status::Clean, None)]),
        "no findings\nnothing found by: inodes\n"
    );
}

#[test]
fn no_results_are_not_shown_as_no_findings() {
    let failed = [step("a", Status::Failed, Some("it broke"))];
    assert_eq!(
        render_with(PLAIN, "[]", &failed),
        "nothing was looked at\nfailed a: it broke\n"
    );
    assert!(!render(PLAIN, "[]").contains("no findings"));
}

#[test]
fn a_report_with_sections_is_counted_by_its_lists_where_a_check_made_it() {
    let old = result(
        "old_objects",
        r#"{"old":[{"key":"a"},{"key":"b","severity":"low"}],"older":[]}"#,
        "two of them",
    );
    let none = result("idle", r#"{"idle":[]}"#, "none idle");
    let all = format!("[{old},{none}]");
    let steps = [
        step("old_objects", Status::Findings, None),
        step("idle", Status::Clean, None),
    ];
    assert_eq!(
        render_with(PLAIN, &all, &steps),
        "2 findings of 1 check: 1 low\n\
         \x20 low       old_objects  b\n\
         \x20           old_objects  a\n\
         nothing found by: idle\n"
    );
    assert_eq!(
        render(PLAIN, &all),
        "old_objects:\n\
         \x20 two of them\n\
         idle:\n\
         \x20 none idle\n"
    );
}

#[test]
fn the_data_of_a_provider_are_a_text_and_no_findings() {
    let accounts = result(
        "accounts",
        r#"{"users":[{"name":"ana"},{"name":"bob"}],"groups":[{"name":"staff"}]}"#,
        "2 users, 1 group",
    );
    let listed = result("volumes", r#"[{"volume":"a"},{"volume":"b"}]"#, "2 volumes");
    let none = result("extra_root", "[]", "");
    let all = format!("[{accounts},{listed},{none}]");
    let data = |name: &str| StepStatus {
        data: true,
        ..step(name, Status::Clean, None)
    };
    let steps = [
        data("accounts"),
        data("volumes"),
        step("extra_root", Status::Clean, None),
    ];
    assert_eq!(
        render_with(PLAIN, &all, &steps),
        "accounts:\n\
         \x20 2 users, 1 group\n\
         volumes:\n\
         \x20 2 volumes\n\
         nothing found by: extra_root\n"
    );
}

//! The eight checks that ship: on a fixed host for exact findings, on this very machine, and as the demo.

use serde_json::{Value, json};

use crate::support::{Sandbox, Seen, repository, step};

const CHECKS: [&str; 8] = [
    "disk_space",
    "inodes",
    "memory_pressure",
    "exposed_ports",
    "zombie_processes",
    "passwordless_users",
    "ssh_hardening",
    "reboot_pending",
];

fn eval(check: &str, fixture: &str, more: &[&str]) -> Seen {
    let input = repository().join("plugins/checks/fixtures").join(fixture);
    let args = [
        "check",
        "eval",
        check,
        "--input",
        input.to_str().unwrap(),
        "--json",
    ];
    Sandbox::new().opsbox(&[&args[..], more].concat()).exits(0)
}

/// Asserts what a check finds on the fixed host: resource and severity, worst first.
#[track_caller]
fn finds(check: &str, wanted: &[(&str, &str)]) -> Value {
    let seen = eval(check, "host.json", &[]);
    let answer = seen.json();
    assert_eq!(answer["result_name"], check, "{seen}");
    let details = answer["details"].as_array().unwrap();
    let found: Vec<_> = details
        .iter()
        .map(|found| {
            (
                found["resource"].as_str().unwrap(),
                found["severity"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, wanted, "{seen}");
    for found in details {
        let says = |key: &str| found[key].as_str().is_some_and(|text| !text.is_empty());
        assert!(says("message") && says("remediation"), "{found:#}");
    }
    answer
}

#[test]
fn every_check_finds_what_is_wrong_with_a_host() {
    let found = finds("disk_space", &[("/var/lib/data", "critical"), ("/", "medium")]);
    assert_eq!(
        found["details"][0]["message"],
        "/var/lib/data is 97.4 % full, 5.2 GiB of 200.0 GiB available"
    );
    finds("inodes", &[("/var/spool", "critical")]);
    finds("memory_pressure", &[("memory", "medium"), ("swap", "medium")]);
    let ports = [
        ("tcp/6379", "high"),
        ("tcp/80", "medium"),
        ("udp/161", "medium"),
        ("tcp/8080", "medium"),
    ];
    finds("exposed_ports", &ports);
    finds(
        "zombie_processes",
        &[("collector (pid 1204)", "low"), ("nginx (pid 731)", "low")],
    );
    finds("passwordless_users", &[("backup-op", "high")]);
    finds(
        "ssh_hardening",
        &[
            ("PermitEmptyPasswords (Match user backup-op)", "critical"),
            ("PermitRootLogin", "high"),
            ("Ciphers", "medium"),
            ("PasswordAuthentication", "medium"),
            ("MaxAuthTries", "low"),
            ("X11Forwarding", "low"),
        ],
    );
    finds("reboot_pending", &[("reboot", "medium")]);
}

#[test]
fn every_check_finds_nothing_wrong_with_a_healthy_host() {
    for check in CHECKS {
        let seen = eval(check, "healthy_host.json", &[]);
        let answer = seen.json();
        assert_eq!(answer["details"], json!([]), "{seen}");
        assert!(
            answer["formatted"].as_str().unwrap().starts_with("no findings"),
            "{seen}"
        );
    }
}

#[test]
fn a_threshold_decides_and_is_checked() {
    let seen = eval(
        "disk_space",
        "host.json",
        &[
            "--set",
            "disk_used_percent=60",
            "--set",
            "disk_ignore_mounts=[\"/\"]",
        ],
    );
    let answer = seen.json();
    let found: Vec<_> = answer["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| &found["resource"])
        .collect();
    assert_eq!(found, ["/var/lib/data", "/var/spool"], "{seen}");
    Sandbox::new()
        .opsbox(&["run", "disk_space-cli_out", "--set", "disk_used_percent=101"])
        .exits(2)
        .says(&["disk_used_percent", "100"]);
}

#[test]
fn data_without_the_section_is_an_error_and_never_clean() {
    let sandbox = Sandbox::new();
    sandbox.write("work/empty.json", "{}");
    for check in CHECKS {
        let seen = sandbox.opsbox(&["check", "eval", check, "--input", "empty.json"]);
        assert!(!seen.stdout.contains("no findings"), "{seen}");
        seen.exits(1).says(&[check, "is undefined for this input"]);
    }
}

#[test]
fn the_tests_of_the_checks_pass() {
    let folder = repository().join("plugins/checks");
    let seen = Sandbox::new()
        .opsbox(&["check", "test", folder.to_str().unwrap()])
        .exits(0);
    let n_tests = seen
        .stdout
        .lines()
        .filter(|line| line.starts_with("pass  "))
        .count();
    assert!(n_tests >= 8 * 5, "{seen}");
    seen.prints(&[&format!("{n_tests} passed, 0 failed")]);
}

#[test]
fn all_checks_run_over_this_very_machine() {
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&[
        "run",
        &format!("{}-json_out", CHECKS.join(",")),
        "-o",
        "record.json",
    ]);
    let record = sandbox.record();
    for check in CHECKS {
        let made = step(&record, check);
        let status = made["status"].as_str().unwrap();
        let applies = status != "skipped";
        assert!(
            ["findings", "clean", "incomplete", "unknown", "skipped"].contains(&status),
            "{check}\n{seen}"
        );
        assert!(
            applies || made["skipped"]["reason"] == "not_applicable",
            "{made:#}"
        );
        let looked = ["findings", "clean"].contains(&status);
        let file = sandbox.path(&format!("work/findings/host/{check}.json"));
        assert!(!looked || file.exists(), "{check}\n{seen}");
        assert!(applies || !file.exists(), "{check}\n{seen}");
    }
    let whole = record["outcome"] == "done";
    seen.exits(if whole { 0 } else { 4 });
}

#[test]
fn the_demo_shows_findings_of_this_machine_and_exits_with_0() {
    let sandbox = Sandbox::new();
    let seen = sandbox
        .opsbox(&["demo"])
        .exits(0)
        .says(&["demo: opsbox run disk_space", "1 of 1 output delivered"]);
    assert!(seen.stdout.lines().count() < 25, "{seen}");
}

#[test]
fn the_demo_leaves_out_what_an_ordinary_user_may_not_read_by_name() {
    let sandbox = Sandbox::new();
    let Some(seen) = sandbox.as_ordinary_user(&["demo", "-o", "record.json"]) else {
        return;
    };
    let seen = seen.exits(0);
    let record = sandbox.record();
    assert_eq!(record["outcome"], "done", "{seen}");
    let left_out: Vec<_> = record["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["skipped"]["reason"] == "by_choice")
        .map(|step| step["plugin"].as_str().unwrap().to_owned())
        .collect();
    if std::fs::read("/etc/shadow").is_ok() {
        // Root may read it, and so the user that it stepped down to may not.
        assert!(left_out.contains(&"passwordless_users".to_owned()), "{seen}");
    }
    for check in left_out {
        assert!(seen.stderr.contains(&check), "{check}\n{seen}");
    }
}

#[test]
fn an_ordinary_users_check_of_what_it_may_not_read_is_not_clean() {
    let sandbox = Sandbox::new();
    let args = [
        "run",
        "passwordless_users,disk_space-json_out",
        "-o",
        "record.json",
    ];
    let Some(seen) = sandbox.as_ordinary_user(&args) else {
        return;
    };
    let record = sandbox.record();
    if step(&record, "host")["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .all(|gap| gap["section"] != "passwords")
    {
        return eprintln!("skipped: this user may read /etc/shadow, or there is none");
    }
    let seen = seen.exits(4).says(&["/etc/shadow: permission denied"]);
    let status = |name: &str| step(&record, name)["status"].as_str().unwrap().to_owned();
    assert!(
        ["unknown", "incomplete"].contains(&status("passwordless_users").as_str()),
        "{seen}"
    );
    assert!(
        ["clean", "findings", "skipped"].contains(&status("disk_space").as_str()),
        "{seen}"
    );
}

#[test]
fn the_demo_needs_neither_python_nor_a_home_that_can_be_written() {
    let sandbox = Sandbox::new();
    let bin = sandbox.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let seen = sandbox
        .finish(&["demo"], sandbox.binary(&["demo"]).env("PATH", &bin))
        .exits(0);
    seen.says(&["note: no `python3` on PATH, so the Python assistant `summary` is left out"]);
    if crate::support::python().is_none() {
        return;
    }
    let seen = sandbox
        .finish(&["demo"], sandbox.binary(&["demo"]).env("HOME", "/proc/none"))
        .exits(0);
    seen.says(&[
        "cannot be written",
        "OPSBOX_CACHE_DIR",
        "the Python assistant `summary` is left out",
    ]);
}

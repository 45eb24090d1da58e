//! The providers that ship, `host` and `files`, as a run sees them.

use serde_json::{Value, json};

use crate::support::{Sandbox, Seen, step};

/// Asserts a type for each key of an object: `n`umber, `s`tring, `b`oolean, `l`ist, `o`bject, `?` may be null as well.
#[track_caller]
fn has(value: &Value, keys: &[(&str, &str)]) {
    for (key, kinds) in keys {
        let found = &value[*key];
        let kind = match found {
            Value::Null if value.get(*key).is_some() => '?',
            Value::Null => 'x',
            Value::Number(_) => 'n',
            Value::String(_) => 's',
            Value::Bool(_) => 'b',
            Value::Array(_) => 'l',
            Value::Object(_) => 'o',
        };
        assert!(
            kinds.contains(kind),
            "`{key}` is {found}, wanted one of `{kinds}`\n{value:#}"
        );
    }
}

/// Asserts the types of the keys of every item of a list, and that there are at least so many.
#[track_caller]
fn each_has(list: &Value, at_least: usize, keys: &[(&str, &str)]) {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list:#}"));
    assert!(items.len() >= at_least, "{list:#}");
    for item in items {
        has(item, keys);
    }
}

#[test]
fn host_brings_every_section_with_the_types_that_checks_rely_on() {
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&["run", "host-json_out", "-o", "record.json"]);
    let result = sandbox.document("findings/host/host.json");
    let details = &result["details"];
    has(
        &details["os"],
        &[
            ("id", "s"),
            ("name", "s"),
            ("kernel", "s"),
            ("arch", "s"),
            ("hostname", "s"),
            ("container", "s?"),
            ("boot_time", "s"),
            ("uptime_seconds", "n"),
        ],
    );
    has(&details["load"], &[("one", "n"), ("five", "n"), ("fifteen", "n")]);
    has(
        &details["cpus"],
        &[("logical", "n"), ("physical", "n?"), ("model", "s")],
    );
    has(
        &details["memory"],
        &[
            ("total_bytes", "n"),
            ("available_bytes", "n"),
            ("used_bytes", "n"),
        ],
    );
    has(
        &details["swap"],
        &[("total_bytes", "n"), ("free_bytes", "n"), ("used_bytes", "n")],
    );
    has(
        details,
        &[
            ("filesystems", "l"),
            ("interfaces", "l"),
            ("sockets", "l"),
            ("sshd", "o"),
            ("reboot", "o"),
            ("units", "o"),
        ],
    );
    let space = [
        ("mount", "s"),
        ("device", "s"),
        ("type", "s"),
        ("total_bytes", "n"),
        ("used_percent", "n?"),
        ("inodes_used_percent", "n?"),
        ("read_only", "b"),
    ];
    each_has(&details["filesystems"], 0, &space);
    each_has(
        &details["mounts"],
        1,
        &[("device", "s"), ("mount", "s"), ("type", "s"), ("options", "l")],
    );
    each_has(
        &details["sockets"],
        0,
        &[
            ("protocol", "s"),
            ("address", "s"),
            ("port", "n"),
            ("scope", "s"),
            ("pid", "n?"),
            ("process", "s?"),
        ],
    );
    each_has(
        &details["processes"],
        2,
        &[
            ("pid", "n"),
            ("ppid", "n"),
            ("name", "s"),
            ("state", "s"),
            ("memory_bytes", "n"),
            ("age_seconds", "n"),
        ],
    );
    each_has(
        &details["users"],
        1,
        &[
            ("name", "s"),
            ("uid", "n"),
            ("gid", "n"),
            ("home", "s"),
            ("shell", "s"),
            ("login", "b"),
        ],
    );
    has(
        &details["sshd"],
        &[
            ("installed", "b"),
            ("running", "b"),
            ("files", "l"),
            ("settings", "o"),
        ],
    );
    has(&details["reboot"], &[("pending", "b"), ("reasons", "l")]);
    has(&details["units"], &[("systemd", "b"), ("failed", "l")]);
    let total = details["memory"]["total_bytes"].as_u64().unwrap();
    assert!(
        total >= details["memory"]["available_bytes"].as_u64().unwrap() && total > 1 << 20,
        "{seen}"
    );
    let record = sandbox.record();
    let gaps = step(&record, "host")["gaps"].as_array().unwrap();
    assert_eq!(gaps.is_empty(), record["exit_code"] == 0, "{seen}");
    for gap in gaps {
        has(gap, &[("section", "s"), ("what", "s"), ("why", "s")]);
    }
    assert_eq!(
        details.get("passwords").is_none(),
        gaps.iter().any(|gap| gap["section"] == "passwords"),
        "{seen}"
    );
}

#[test]
fn host_sees_a_port_that_this_test_listens_on() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sandbox = Sandbox::new();
    let seen = sandbox.opsbox(&["run", "host-json_out"]);
    let result = sandbox.document("findings/host/host.json");
    let sockets = result["details"]["sockets"].as_array().unwrap();
    let socket = sockets
        .iter()
        .find(|socket| socket["port"] == port)
        .unwrap_or_else(|| panic!("{seen}"));
    assert_eq!(socket["scope"], "loopback", "{socket:#}");
    assert_eq!(socket["pid"], std::process::id(), "{socket:#}");
}

fn run_files(sandbox: &Sandbox, paths: &str, more: &[&str]) -> Seen {
    let set = format!("paths={paths}");
    let args = ["run", "files-json_out", "-o", "record.json", "--set", &set];
    sandbox.opsbox(&[&args[..], more].concat())
}

fn data_of(sandbox: &Sandbox, path: &str) -> Value {
    let result = sandbox.document("findings/files/files.json");
    let files = result["details"]["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path);
    file.unwrap_or_else(|| panic!("no {path}: {result:#}"))["data"].clone()
}

#[test]
fn files_makes_documents_of_every_format() {
    let sandbox = Sandbox::new();
    for (path, text) in [
        ("a.yaml", "b: [x, 1.5, yes]\nnone: ~\n"),
        ("b.yml", "n: 1\n---\nn: 2\n"),
        ("c.toml", "d = 2024-01-02T03:04:05Z\n[t]\nx = [1, 2.0]\n"),
        ("d.csv", "name,note\nweb,\"x, y\"\n"),
        ("e.jsonl", "{\"a\": 1}\n\n[2]\n"),
        ("f.ini", "top = 1\n[s]\nk = v\nflag\n"),
        ("sub/deeper/g.json", "[]"),
        ("sub/.hidden.json", "!"),
    ] {
        sandbox.write(&format!("work/docs/{path}"), text);
    }
    run_files(&sandbox, "docs/**/*", &[]).exits(0);
    assert_eq!(
        data_of(&sandbox, "docs/a.yaml"),
        json!({"b": ["x", 1.5, "yes"], "none": null})
    );
    assert_eq!(data_of(&sandbox, "docs/b.yml"), json!([{"n": 1}, {"n": 2}]));
    assert_eq!(
        data_of(&sandbox, "docs/c.toml"),
        json!({"d": "2024-01-02T03:04:05Z", "t": {"x": [1, 2.0]}})
    );
    assert_eq!(
        data_of(&sandbox, "docs/d.csv"),
        json!([{"name": "web", "note": "x, y"}])
    );
    assert_eq!(data_of(&sandbox, "docs/e.jsonl"), json!([{"a": 1}, [2]]));
    assert_eq!(
        data_of(&sandbox, "docs/f.ini"),
        json!({"top": "1", "s": {"k": "v", "flag": null}})
    );
    assert_eq!(data_of(&sandbox, "docs/sub/deeper/g.json"), json!([]));
    run_files(&sandbox, "**/d.*", &["--set", "base=docs"]).exits(0);
    assert_eq!(
        data_of(&sandbox, "d.csv"),
        json!([{"name": "web", "note": "x, y"}])
    );
    sandbox.write("work/docs/like.conf", "k = v\n");
    run_files(&sandbox, "docs/like.conf", &["--set", "format=ini"]).exits(0);
    assert_eq!(data_of(&sandbox, "docs/like.conf"), json!({"k": "v"}));
    run_files(&sandbox, "docs/like.conf", &["--set", "format=xml"])
        .exits(2)
        .says(&["format", "xml", "yaml"]);
}

#[test]
fn files_hands_json_on_byte_for_byte() {
    let sandbox = Sandbox::new();
    let document =
        r#"{"z": 1.50,  "a":12345678901234567890123,"e":"\u00e9\/","dup":1,"dup":2, "exp":1E5,"t":[ ]}"#;
    sandbox.write("work/a.json", document);
    let keep = "printf '%s\\n' \"$line\" >seen.json; result='{}'";
    sandbox.shell("keep", "output", &[("process_results", keep)], "");
    sandbox
        .opsbox(&["run", "files-keep", "--set", "paths=a.json"])
        .exits(0);
    let line = sandbox.read("work/seen.json");
    assert!(line.contains(&format!("\"data\":{document}")), "{line}");
}

#[test]
fn a_broken_file_is_a_gap_and_the_others_are_gathered() {
    let sandbox = Sandbox::new();
    sandbox.write("work/d/good.json", "{\"n\": 1}");
    sandbox.write("work/d/bad.json", "{\n\"a\": 1,\n}");
    sandbox.write("work/d/bad.toml", "a = 1\nb = \n");
    sandbox.write("work/d/what.xyz", "");
    sandbox.rego(
        "check",
        "files",
        "package p\ndetails := [{\"path\": f.path} | some f in input.files]\n",
        "",
    );
    let paths = "[\"d/*.json\",\"d/*.toml\",\"d/what.xyz\",\"none/*.csv\"]";
    let seen = run_files(&sandbox, paths, &[])
        .exits(4)
        .says(&["incomplete", "and 3 more gaps"]);
    assert_eq!(data_of(&sandbox, "d/good.json"), json!({"n": 1}), "{seen}");
    let record = sandbox.record();
    let gaps: Vec<_> = step(&record, "files")["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| {
            format!(
                "{}: {}",
                gap["what"].as_str().unwrap(),
                gap["why"].as_str().unwrap()
            )
        })
        .collect();
    for wanted in [
        "d/bad.json: not JSON: line 3",
        "d/bad.toml: not TOML: line 2",
        "none/*.csv: no file matches",
        "d/what.xyz: its ending tells no format",
    ] {
        assert!(
            gaps.iter().any(|gap| gap.starts_with(wanted)),
            "{wanted}\n{gaps:#?}"
        );
    }
    let seen = run_files(&sandbox, "d/*.json", &[]).exits(4).says(&[
        "incomplete files",
        "d/bad.json: not JSON: line 3",
        "(correct the file)",
    ]);
    assert_eq!(data_of(&sandbox, "d/good.json"), json!({"n": 1}), "{seen}");
    let set = format!("paths={paths}");
    let seen = sandbox
        .opsbox(&["run", "check-json_out", "-o", "record.json", "--set", &set])
        .exits(4);
    assert_eq!(step(&sandbox.record(), "check")["status"], "incomplete", "{seen}");
    assert_eq!(
        sandbox.document("findings/files/check.json")["details"],
        json!([{"path": "d/good.json"}]),
        "{seen}"
    );
}

#[test]
fn a_file_that_may_not_be_read_is_a_gap() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let secret = sandbox.write("work/secret.json", "{}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    let args = ["run", "files-json_out", "--set", "paths=*.json"];
    let Some(seen) = sandbox.as_ordinary_user(&args) else {
        return;
    };
    seen.exits(4).says(&[
        "secret.json: permission denied",
        "run opsbox as a user who may read it",
    ]);
}

#[test]
fn files_without_paths_or_with_a_bad_glob_say_so() {
    let sandbox = Sandbox::new();
    sandbox
        .opsbox(&["run", "files-json_out"])
        .exits(2)
        .says(&["`files` needs `paths`", "--set paths="]);
    run_files(&sandbox, "a[b", &[]).exits(2).says(&["bad glob `a[b`"]);
    run_files(&sandbox, "[]", &[])
        .exits(2)
        .says(&["`paths` is empty"]);
}

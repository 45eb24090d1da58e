//! What is written while a run goes on, and that a run goes on where nothing can be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use super::{STATE, files, folders, input, last, output, step};
use crate::support::{Sandbox, binary};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    input(&sandbox, "a");
    output(&sandbox, "out");
    sandbox
}

/// Runs the binary by a shell that does this first.
fn after(sandbox: &Sandbox, first: &str, args: &[&str]) -> crate::support::Seen {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
        .arg(binary())
        .args(args);
    sandbox.surround(&mut command);
    sandbox.finish(args, &mut command)
}

#[test]
fn a_run_is_kept_with_plan_steps_results_and_record() {
    let sandbox = sandbox();
    sandbox.opsbox(&["run", "a-out", "-o", "record.json"]).exits(0);
    let record = sandbox.record();
    let shown = last(&sandbox);
    assert_eq!(record["kept"], true);
    assert_eq!(
        (&shown["run"], &shown["outcome"]),
        (&record["run"], &"done".into())
    );
    for (kept, said) in shown["steps"]
        .as_array()
        .unwrap()
        .iter()
        .zip(record["steps"].as_array().unwrap())
    {
        assert_eq!(&kept["record"], said);
    }
    let file = step(&shown, "a")["file"].as_str().unwrap();
    let text = fs::read_to_string(file).unwrap();
    let answer = sandbox.read("plugins/a/answer.json");
    // The Result stands there in the bytes of the plugin, spaces and zeros included.
    assert_eq!(text.lines().nth(1).unwrap(), &answer[1..answer.len() - 1]);
    let on_disk: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folders(&sandbox)[0].join("record.json")).unwrap()).unwrap();
    assert_eq!(on_disk, record);
    sandbox
        .opsbox(&["runs", "list"])
        .exits(0)
        .prints(&["done", "a-out"]);
    sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(0)
        .prints(&["done (exit code 0)", "check", "output"]);
}

#[test]
fn everything_is_private_under_any_umask() {
    for umask in ["umask 000", "umask 077", "umask 022"] {
        let sandbox = sandbox();
        after(&sandbox, umask, &["run", "a-out"]).exits(0);
        let folder = folders(&sandbox).remove(0);
        for file in files(&folder) {
            let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{umask}: {}", file.display());
        }
        for folder in [&folder, &folder.join("steps"), &sandbox.path(STATE).join("runs")] {
            let mode = fs::metadata(folder).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{umask}: {}", folder.display());
        }
    }
}

#[test]
fn no_secret_of_the_configuration_is_kept() {
    let sandbox = sandbox();
    let fields =
        "---[config.api_token]\ntype = \"string\"\nwriteOnly = true\n[config.region]\ntype = \"string\"\n";
    sandbox.fault("secretive", "input", "none", fields);
    let secret = "s3cret-that-nobody-keeps";
    let token = format!("api_token={secret}");
    sandbox
        .opsbox(&[
            "run",
            "secretive-out",
            "--set",
            &token,
            "--set",
            "region=eu-north",
        ])
        .exits(0);
    let mut kept = String::new();
    for file in files(&sandbox.path(STATE)) {
        kept.push_str(&fs::read_to_string(file).unwrap());
    }
    assert!(!kept.contains(secret), "{kept}");
    let config = &last(&sandbox)["config"];
    assert_eq!(config[0]["field"], "api_token");
    assert_eq!(
        (&config[0]["value"], &config[0]["secret"]),
        (&serde_json::Value::Null, &true.into())
    );
    assert_eq!(
        (&config[1]["value"], &config[1]["origin"]),
        (&"eu-north".into(), &"--set region".into())
    );
}

#[test]
fn no_password_of_a_url_is_kept_or_shown() {
    let sandbox = sandbox();
    let field = "---[config.mirrors]\ntype = \"array\"\nitems = { type = \"string\" }\n";
    let says = "echo 'bob comes with opensesame' >&2; fail 'opensesame is not his word'";
    sandbox.shell("talker", "input", &[("process", says)], field);
    sandbox.provider("data", "{\"n\": 1}", "");
    sandbox.rego(
        "check",
        "data",
        "package check\n\ndetails contains {\"id\": \"f\"} if input.n == 1\n",
        "",
    );
    let args = [
        "run",
        "a,talker,check-out",
        "--set",
        "mirrors=[\"http://x.test\", \"http://bob:opensesame@mirror.test/\"]",
        "--set",
        // Nobody listens there.
        "opa_url=http://bob:0p3ns3s4m3@127.0.0.1:1",
        "-vv",
        "-o",
        "record.json",
    ];
    let seen = sandbox.opsbox(&args).exits(4);
    seen.hides(&["opensesame", "0p3ns3s4m3"])
        .says(&["<secret> is not his word"]);
    let mut kept = sandbox.read("work/record.json");
    for file in files(&sandbox.path(STATE)) {
        kept.push_str(&fs::read_to_string(file).unwrap());
    }
    assert!(
        !kept.contains("opensesame") && !kept.contains("0p3ns3s4m3"),
        "{kept}"
    );
    assert!(
        kept.contains("http://<secret>@mirror.test/") && kept.contains("http://<secret>@127.0.0.1:1"),
        "{kept}"
    );
}

#[test]
fn nothing_is_kept_where_nobody_wants_it() {
    let sandbox = sandbox();
    sandbox.opsbox(&["run", "a-out", "--no-keep"]).exits(0);
    for (name, value) in [
        ("OPSBOX_NO_KEEP", "1"),
        ("OPSBOX_RUNS_KEEP", "0"),
        ("OPSBOX_RUNS_MAX_SIZE", "0"),
    ] {
        sandbox.opsbox_with(&[(name, value)], &["run", "a-out"]).exits(0);
    }
    sandbox
        .opsbox_with(&[("OPSBOX_NO_KEEP", "yes")], &["--modules", "a-out"])
        .exits(0);
    sandbox.write("work/opsbox.toml", "[runs]\nkeep = 0\n");
    sandbox.write("work/out.broken", "");
    sandbox
        .opsbox(&["run", "a-out", "-o", "record.json"])
        .exits(1)
        .hides(&["opsbox deliver"]);
    assert_eq!(sandbox.record()["kept"], false);
    assert!(folders(&sandbox).is_empty());
    sandbox
        .opsbox(&["runs", "list"])
        .exits(0)
        .prints(&["no run is kept in"]);
    sandbox
        .opsbox(&["config", "show", "a-out"])
        .exits(0)
        .prints(&["runs are not kept", "[runs]"]);
}

#[test]
fn config_show_says_how_runs_are_kept_and_since_where() {
    let sandbox = sandbox();
    let show = ["config", "show", "a-out", "--json"];
    let runs = sandbox.opsbox(&show).exits(0).json()["runs"].clone();
    assert_eq!(runs["keep_seconds"], 30 * 24 * 3600);
    assert_eq!(
        (&runs["max_size_bytes"], &runs["keep_origin"]),
        (&(1u64 << 30).into(), &"default".into())
    );
    sandbox.write("work/opsbox.toml", "[runs]\nkeep = \"7d\"\nmax_size = \"5MiB\"\n");
    let runs = sandbox
        .opsbox_with(&[("OPSBOX_RUNS_KEEP", "2h")], &show)
        .exits(0)
        .json()["runs"]
        .clone();
    assert_eq!(
        (&runs["keep_seconds"], &runs["keep_origin"]),
        (&7200.into(), &"OPSBOX_RUNS_KEEP".into())
    );
    assert_eq!(runs["max_size_bytes"], 5 << 20);
    assert!(
        runs["max_size_origin"]
            .as_str()
            .unwrap()
            .ends_with("opsbox.toml [runs]"),
        "{runs}"
    );
    sandbox.write("work/opsbox.toml", "[runs]\nkeep = \"soon\"\nkeeep = \"7d\"\n");
    sandbox.opsbox(&["run", "a-out"]).exits(2).says(&[
        "`runs.keep` must be a duration",
        "unknown key `keeep` in `[runs]`",
        "did you mean `keep`?",
    ]);
    sandbox
        .opsbox_with(&[("OPSBOX_RUNS_MAX_SIZE", "big")], &["config", "show", "a-out"])
        .exits(2);
}

/// Asserts that a run delivered, and said once what is lost.
#[track_caller]
fn goes_on(seen: crate::support::Seen, texts: &[&str]) -> crate::support::Seen {
    let seen = seen.exits(0).says(texts);
    assert_eq!(
        seen.stderr.matches("so `opsbox deliver` and `--resume`").count(),
        1,
        "{seen}"
    );
    seen
}

#[test]
fn a_state_folder_that_cannot_be_written_costs_a_warning() {
    let sandbox = sandbox();
    sandbox.write("home/.local/state", "a file in the way");
    goes_on(
        sandbox.opsbox(&["run", "a-out", "-o", "record.json"]),
        &["this run is not kept", "runs`: "],
    );
    let record = sandbox.record();
    assert_eq!(record["kept"], false);
    assert!(
        record["warnings"][0]
            .as_str()
            .unwrap()
            .contains("this run is not kept"),
        "{record:#}"
    );
}

#[test]
fn a_read_only_state_folder_costs_a_warning() {
    let sandbox = sandbox();
    let local = sandbox.path("home/.local");
    fs::create_dir(&local).unwrap();
    fs::set_permissions(&local, Permissions::from_mode(0o555)).unwrap();
    let Some(seen) = sandbox.as_ordinary_user(&["run", "a-out"]) else {
        return;
    };
    goes_on(seen, &["this run is not kept", "Permission denied"]);
}

#[test]
fn a_planted_folder_of_runs_is_not_used() {
    let sandbox = sandbox();
    fs::create_dir_all(sandbox.path(STATE)).unwrap();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    symlink(sandbox.path("elsewhere"), sandbox.path(STATE).join("runs")).unwrap();
    goes_on(sandbox.opsbox(&["run", "a-out"]), &["it is a symbolic link"]);
    assert_eq!(fs::read_dir(sandbox.path("elsewhere")).unwrap().count(), 0);
    sandbox
        .opsbox(&["runs", "list"])
        .exits(1)
        .says(&["it is a symbolic link", "OPSBOX_STATE_DIR"]);
}

#[test]
fn without_a_home_runs_are_kept_below_the_folder_for_temporary_files() {
    let sandbox = sandbox();
    sandbox.opsbox_with(&[("HOME", "")], &["run", "a-out"]).exits(0);
    let user = fs::metadata(sandbox.path("")).unwrap().uid();
    let folder = sandbox.path(&format!("tmp/opsbox-homeless-{user}"));
    assert_eq!(
        folder.metadata().unwrap().mode() & 0o777,
        0o700,
        "the user's alone"
    );
    let runs = folder.join(".local/state/runs");
    assert_eq!(fs::read_dir(runs).unwrap().count(), 1);
}

#[test]
fn a_full_disk_costs_the_data_that_does_not_fit_and_a_warning() {
    let sandbox = sandbox();
    // The limit of file sizes stands for a full disk: a provider's 200 KiB do not fit, the rest does.
    let big = format!("[{{\"id\":\"{}\"}}]", "x".repeat(200 * 1024));
    sandbox.provider("big", &big, "");
    let policy = "package small\n\ndetails contains {\"id\": \"f\"} if count(input) == 1\n";
    sandbox.rego("small", "big", policy, "");
    // The first run makes the files of the cache, some of which are larger.
    sandbox.opsbox(&["run", "small-out", "--no-keep"]).exits(0);
    let seen = after(&sandbox, "ulimit -f 40", &["run", "small-out"]);
    goes_on(
        seen,
        &["this run is kept only in part", "File too large", "000-big.jsonl"],
    );
    let shown = last(&sandbox);
    assert_eq!(step(&shown, "big")["status"], "clean");
    let left: Vec<_> = files(&folders(&sandbox)[0]);
    assert!(
        left.iter()
            .all(|file| !file.file_name().unwrap().to_str().unwrap().starts_with('.')),
        "{left:?}"
    );
    // What the check made is there, so it can be delivered; what the provider brought is not.
    sandbox
        .opsbox(&["deliver", "last", "--to", "out", "--again"])
        .exits(0);
    sandbox
        .opsbox(&["run", "--replay", "last", "small-out"])
        .exits(2)
        .says(&["the Results of `big`", "were not kept"]);
}

#[test]
fn with_no_room_at_all_the_run_still_delivers() {
    let sandbox = Sandbox::new();
    sandbox.fault("a", "input", "none", "");
    sandbox.opsbox(&["run", "a-cli_out", "--no-keep"]).exits(0);
    let seen = after(&sandbox, "ulimit -f 0", &["run", "a-cli_out"]);
    goes_on(seen, &["this run is not kept", "File too large"]);
    assert!(folders(&sandbox).is_empty());
}

#[test]
fn a_run_beyond_the_size_keeps_how_its_steps_ended() {
    let sandbox = sandbox();
    let small = [("OPSBOX_RUNS_MAX_SIZE", "20")];
    goes_on(
        sandbox.opsbox_with(&small, &["run", "a-out"]),
        &["the Results of `a` are not kept", "[runs] max_size"],
    );
    assert_eq!(step(&last(&sandbox), "a")["status"], "findings");
    sandbox
        .opsbox(&["deliver", "last", "--to", "out", "--again"])
        .exits(1)
        .says(&["the Results of `a`", "were not kept"]);
}

#[test]
fn what_could_not_be_kept_is_not_offered_for_delivery_but_gathered_again() {
    let sandbox = sandbox();
    let fails = "[ -f work-is-there ] && result='{}' || fail 'no way'";
    sandbox.shell("sends", "output", &[("process_results", fails)], "");
    let big = format!("[{{\"id\":\"{}\"}}]", "x".repeat(200 * 1024));
    sandbox.provider("big", &big, "");
    sandbox.opsbox(&["run", "a-out", "--no-keep"]).exits(0);
    let small = [("OPSBOX_RUNS_MAX_SIZE", "20")];
    let run = ["run", "a-sends", "-o", "record.json"];
    let ways: [(&str, crate::support::Seen); 2] = [
        ("disk", after(&sandbox, "ulimit -f 40", &["run", "big-sends"])),
        ("size", sandbox.opsbox_with(&small, &run)),
    ];
    for (way, seen) in ways {
        let seen = seen.exits(1).says(&["run --resume", "gathers the rest again"]);
        assert!(!seen.stderr.contains("opsbox deliver 2"), "{way}: {seen}");
    }
    let record = sandbox.record();
    assert_eq!(
        (&record["kept"], &record["deliverable"]),
        (&true.into(), &false.into())
    );
    let shown = sandbox
        .opsbox(&["runs", "show", "last"])
        .exits(0)
        .prints(&["run --resume"]);
    shown.hides(&["opsbox deliver"]);
    sandbox.write("work/work-is-there", "");
    sandbox.opsbox(&["run", "--resume", "last"]).exits(0);
}

#[test]
fn a_run_that_never_began_is_not_kept() {
    let sandbox = sandbox();
    let fields = "---[config.must]\ntype = \"string\"\n[config]\nrequired = [\"must\"]\n";
    sandbox.fault("needs", "input", "none", fields);
    let seen = sandbox.opsbox(&["run", "needs-out", "--set", "must_not=1"]);
    assert_eq!(seen.code, Some(2), "{seen}");
    assert!(folders(&sandbox).is_empty());
}

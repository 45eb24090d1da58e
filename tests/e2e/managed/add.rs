//! Folders, wheels and repositories come in, by either installer, and their plugins run.

use std::fs;
use std::process::Command;

use super::World;
use crate::support::{program, python};

#[test]
fn a_folder_is_added_and_runs() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "hello");
    let seen = world
        .opsbox(&["plugins", "add", "./greet"])
        .exits(0)
        .prints(&[
            "added: greet 0.3, from /",
            "plugins: greet (input)",
            "opsbox 1.0.0+light",
            "next: ",
        ])
        .says(&[
            "making an environment with Python 3",
            &format!("installing {}", world.sandbox.path("work").display()),
        ]);
    assert!(seen.stderr.contains(&format!(" by {} ", world.by)), "{seen}");
    assert_eq!(world.found("greet"), "hello");
    let listed = world.opsbox(&["plugins", "list", "--json"]).exits(0).json();
    let plugins = listed["plugins"].as_array().unwrap();
    let greet = plugins.iter().find(|plugin| plugin["name"] == "greet").unwrap();
    assert_eq!(greet["origin"]["managed"], true, "{greet:#}");
    assert_eq!(greet["origin"]["version"], "0.3", "{greet:#}");
    let python = world.current().unwrap().join("bin/python3").display().to_string();
    assert_eq!(greet["origin"]["python"], python, "{greet:#}");
    let args = ["plugins", "show", "greet", "--json"];
    let shown = world.opsbox(&args).exits(0).json();
    assert_eq!(shown["python"], python, "{shown:#}");
    world
        .opsbox(&["plan", "greet-json_out"])
        .exits(0)
        .prints(&[&python, "(from managed)"]);
    world.holds_nothing_spare();
}

#[test]
fn a_wheel_is_added_and_the_light_distribution_beside_it_is_sound() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "of a wheel");
    world.facts("greet", "0.3", "", "opsbox>=0.2");
    let wheel = world.wheel("greet");
    world
        .opsbox(&["plugins", "add", &wheel])
        .exits(0)
        .prints(&["added: greet 0.3, from /"]);
    assert_eq!(world.found("greet"), "of a wheel");
    let light = world.locked("opsbox");
    assert_eq!(
        (&light["version"], &light["source"]),
        (&"1.0.0+light".into(), &"light".into())
    );
    let check = "
import base64, csv, hashlib, importlib.metadata, io, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
record = next(name for name in archive.namelist() if name.endswith('RECORD'))
rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
assert sorted(row[0] for row in rows) == sorted(archive.namelist())
for path, digest, size in rows:
    if path != record:
        data = archive.read(path)
        own = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
        assert (digest, size) == (f'sha256={own}', str(len(data))), path
assert {name.split('/')[0] for name in archive.namelist()} == {'opsbox', 'opsbox-1.0.0+light.dist-info'}
assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())
";
    let path = world
        .sandbox
        .path("home/.local/share/opsbox/python/wheels/opsbox-1.0.0+light-py3-none-any.whl");
    let output = Command::new(python().unwrap())
        .args(["-c", check])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let hash = String::from_utf8(output.stdout).unwrap();
    assert_eq!(light["hashes"][0], format!("sha256:{}", hash.trim()));
}

#[test]
fn a_repository_is_added_with_its_commit_and_the_lock_file_keeps_to_it() {
    let Some(world) = World::uv() else { return };
    if program("git").is_none() {
        return;
    }
    let folder = world.project("greet", "0.3", "first");
    let git = |args: &[&str]| {
        let who = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "commit.gpgsign=false",
        ];
        let output = Command::new("git")
            .args(who)
            .args(args)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let address = format!("git+file://{}", folder.display());
    world
        .opsbox(&["plugins", "add", &address])
        .exits(0)
        .prints(&["added: greet 0.3, from file://", &commit[..12]]);
    assert_eq!(world.locked("greet")["commit"], commit);
    world.project("greet", "0.3", "second");
    git(&["commit", "-qam", "second"]);
    world.opsbox(&["plugins", "add", "--locked"]).exits(0);
    assert_eq!(world.found("greet"), "first", "the lock file names the commit");
    world.opsbox(&["plugins", "add", &address]).exits(0);
    assert_eq!(world.found("greet"), "second");
    world
        .opsbox(&["plugins", "remove", "greet"])
        .exits(0)
        .prints(&["is removed"]);
}

#[test]
fn two_at_once_wait_for_each_other_and_both_come_in() {
    let Some(world) = World::uv() else { return };
    world.project("one", "1", "1");
    world.project("two", "2", "2");
    let start = |what: &str| {
        let mut command = world.command(&["plugins", "add", what]);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [start("./one"), start("./two")];
    for child in both {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(
        (world.found("one").as_str(), world.found("two").as_str()),
        ("1", "2")
    );
    assert_eq!(world.environments(), 1);
}

#[test]
fn what_was_removed_is_gone_and_so_is_what_only_it_needed() {
    let Some(world) = World::uv() else { return };
    world.project("one", "1", "1");
    world.project("two", "2", "2");
    world.facts("two", "2", "", "toml");
    world.opsbox(&["plugins", "add", "./one", "./two"]).exits(0);
    assert_eq!(world.locked("toml")["source"], "index");
    world
        .opsbox(&["plugins", "remove", "toml"])
        .exits(2)
        .says(&["`toml` was not added by itself", "what was added: one, two"]);
    world
        .opsbox(&["plugins", "remove", "on"])
        .exits(2)
        .says(&["`on` is not in the managed environment", "did you mean `one`?"]);
    world
        .opsbox(&["plugins", "remove", "Two"])
        .exits(0)
        .prints(&["gone: toml 0.10.2, two 2"]);
    assert_eq!(world.found("one"), "1");
    world
        .opsbox(&["run", "two-json_out"])
        .exits(2)
        .says(&["plugin `two` not found"]);
    world
        .opsbox(&["plugins", "remove", "one"])
        .exits(0)
        .prints(&["nothing is left"]);
    assert!(world.current().is_none() && world.environments() == 0);
    world
        .opsbox(&["plugins", "remove", "one"])
        .exits(2)
        .says(&["there is no managed environment"]);
}

#[test]
fn a_run_keeps_its_environment_while_it_is_replaced() {
    let Some(world) = World::uv() else { return };
    let mark = world.sandbox.path("work/go");
    let begun = world.signal("work/begun");
    world.project("slow", "1", "1");
    let source = format!(
        "import os, time\nopen({:?}, 'w').close()\nwhile not os.path.exists({mark:?}):\n    time.sleep(0.02)\nimport slow.later\nfrom opsbox import Result\n\n\
         class P:\n    def process(self, data):\n        \
         return Result(relates_to='test', result_name='slow', result_description='d', details=[{{'name': __file__}}], formatted='-')\n",
        begun
    );
    world.sandbox.write("work/slow/slow/slow.py", &source);
    world.sandbox.write("work/slow/slow/later.py", "");
    world.opsbox(&["plugins", "add", "./slow"]).exits(0);
    let before = world.current().unwrap();
    let mut command = world.command(&["run", "slow-json_out"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    fs::read(&begun).unwrap();
    world.project("one", "1", "1");
    world.opsbox(&["plugins", "add", "./one"]).exits(0);
    assert_ne!(world.current().unwrap(), before);
    fs::write(&mark, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found = world.sandbox.json("work/findings/test/slow.json");
    let path = found["details"][0]["name"].as_str().unwrap();
    assert!(path.starts_with(before.to_str().unwrap()), "{path}");
    // Nobody uses it any more, so the next change removes it.
    world.opsbox(&["plugins", "remove", "slow"]).exits(0);
    assert!(!before.exists());
}

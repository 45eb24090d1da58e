//! What fails leaves the environment as it was, and says why and what to do.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::{World, wheelhouse};

#[track_caller]
pub(super) fn a_failure_leaves_everything(world: &World) {
    world.project("good", "1", "still here");
    world.opsbox(&["plugins", "add", "./good"]).exits(0);
    let before = (world.current(), world.lock());
    world.project("bad", "1", "-");
    world.facts("bad", "1", "", "pluggy<1");
    let seen = world.opsbox(&["plugins", "add", "./bad"]).exits(1).says(&[
        &format!("{} failed; its last lines:", world.by),
        "pluggy",
        "nothing was changed",
    ]);
    assert!(seen.stdout.is_empty(), "{seen}");
    world.sandbox.write(
        "work/bad/backend.py",
        "raise RuntimeError('the build is broken')\n",
    );
    world
        .opsbox(&["plugins", "add", "./bad"])
        .exits(1)
        .says(&["the build is broken", "nothing was changed"]);
    assert_eq!((world.current(), world.lock()), before);
    assert_eq!(world.environments(), 1, "nothing half made is left");
    assert_eq!(world.found("good"), "still here");
}

#[test]
fn by_uv() {
    let Some(world) = World::uv() else { return };
    a_failure_leaves_everything(&world);
}

#[test]
fn an_interrupt_leaves_everything() {
    let Some(world) = World::uv() else { return };
    world.project("slow", "1", "-");
    let begun = world.signal("begun");
    world
        .sandbox
        .write("work/slow/slow-build", &begun.display().to_string());
    let mut child = world.command(&["plugins", "add", "./slow"]);
    let child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::fs::read(&begun).unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted; nothing was changed"), "{said}");
    assert!(world.current().is_none() && world.environments() == 0);
}

#[test]
fn what_a_kill_left_behind_goes_with_the_next_change() {
    let Some(world) = World::uv() else { return };
    world.project("slow", "1", "in time");
    let begun = world.signal("begun");
    let slow = world
        .sandbox
        .write("work/slow/slow-build", &begun.display().to_string());
    let mut child = world.command(&["plugins", "add", "./slow"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::fs::read(&begun).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(slow).unwrap();
    let root = world.sandbox.path("home/.local/share/opsbox/python");
    std::os::unix::fs::symlink("envs/1", root.join(".current-4711")).unwrap();
    world.opsbox(&["plugins", "add", "./slow"]).exits(0);
    assert_eq!(world.found("slow"), "in time");
    world.holds_nothing_spare();
}

#[test]
fn an_environment_that_cannot_be_read_is_not_taken_for_none() {
    let Some(world) = World::uv() else { return };
    world.project("good", "1", "still here");
    world.project("two", "1", "-");
    world.opsbox(&["plugins", "add", "./good"]).exits(0);
    let (before, lock) = (world.current().unwrap(), world.lock());
    let in_use = before.join(".in-use");
    std::fs::remove_file(&in_use).unwrap();
    for args in [&["plugins", "add", "./two"][..], &["plugins", "remove", "good"]] {
        world.opsbox(args).exits(1).says(&[
            &in_use.display().to_string(),
            "the managed environment cannot be read",
            "nothing was changed",
        ]);
        assert_eq!(world.current().as_ref(), Some(&before));
        assert_eq!(world.lock(), lock);
    }
    std::fs::write(&in_use, "").unwrap();
    world.opsbox(&["plugins", "add", "./two"]).exits(0);
    assert_eq!(world.found("good"), "still here");
}

#[test]
fn what_packages_demand_of_python_is_kept_or_ignored() {
    let Some(world) = World::uv() else { return };
    world.project("late", "1", "runs all the same");
    for demand in [">=3.99", "==3.2.*"] {
        world.facts("late", "1", demand, "");
        let wheel = world.wheel("late");
        world.opsbox(&["plugins", "add", &wheel]).exits(1).says(&[
            "no Python that all packages accept",
            demand,
            "there is: 3.",
            "--any-python",
        ]);
        assert!(world.current().is_none());
        world
            .opsbox(&["plugins", "add", &wheel, "--any-python"])
            .exits(0)
            .prints(&["plugins: late (input)"]);
        assert_eq!(world.found("late"), "runs all the same");
        assert_eq!(world.lock()["any_python"], true);
        world.opsbox(&["plugins", "remove", "late"]).exits(0);
    }
}

#[test]
fn without_python_or_a_folder_to_write_to_it_says_what_to_do() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "1", "-");
    let args = ["plugins", "add", "./greet"];
    let nowhere = world.sandbox.path("tmp");
    let mut command = world.command(&args);
    command.env("PATH", &nowhere);
    world
        .sandbox
        .finish(&args, &mut command)
        .exits(1)
        .says(&["no Python to make an environment with", "--python PATH"]);
    let mut command = world.command(&args);
    command.env("OPSBOX_DATA_DIR", world.sandbox.write("file", "").join("data"));
    world
        .sandbox
        .finish(&args, &mut command)
        .exits(1)
        .says(&["cannot write to `", "OPSBOX_DATA_DIR"]);
    let args = ["plugins", "add", "./greet", "--python", "/no/python"];
    world
        .opsbox(&args)
        .exits(2)
        .says(&["no Python interpreter at `/no/python`"]);
}

#[test]
fn without_a_network_it_says_so() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "1", "-");
    let args = ["plugins", "add", "./greet"];
    let mut command = world.command(&args);
    // Port 1 of this machine: nobody answers there.
    wheelhouse::not_only(&mut command);
    let nobody = "http://127.0.0.1:1/simple";
    command
        .env("UV_DEFAULT_INDEX", nobody)
        .env("UV_HTTP_RETRIES", "0")
        .env("UV_CACHE_DIR", world.sandbox.path("cold"));
    world.sandbox.finish(&args, &mut command).exits(1).says(&[
        "uv failed; its last lines:",
        "cannot be reached",
        "nothing was changed",
    ]);
    assert!(world.current().is_none());
}

#[test]
fn what_cannot_be_added_is_refused_before_anything_is_made() {
    let Some(world) = World::uv() else { return };
    for (what, said) in [
        ("./gone", "there is no folder or file"),
        (".", "is no Python project"),
        ("opsbox==0.2.5", "is the light distribution of this program"),
        ("no name", "is no name of a package"),
    ] {
        world.opsbox(&["plugins", "add", what]).exits(2).says(&[said]);
    }
    assert_eq!(world.environments(), 0);
}

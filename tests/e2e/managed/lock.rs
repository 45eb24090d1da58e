//! The lock file gives the same again, and refuses what is not the same.

use std::fs;

use super::World;

#[track_caller]
pub(super) fn a_lock_file_gives_the_same_again(world: &World) {
    world.project("greet", "0.3", "hello");
    let wheel = world.wheel("greet");
    world.opsbox(&["plugins", "add", &wheel]).exits(0);
    let lock = world.lock();
    for package in lock["packages"].as_array().unwrap() {
        let hash = package["hashes"][0].as_str().unwrap_or_default();
        assert!(hash.starts_with("sha256:") && hash.len() == 71, "{package:#}");
    }
    fs::copy(
        world.current().unwrap().join("opsbox-lock.json"),
        world.sandbox.path("work/mine.json"),
    )
    .unwrap();
    world.opsbox(&["plugins", "remove", "greet"]).exits(0);
    world
        .opsbox(&["plugins", "add", "--locked", "mine.json"])
        .exits(0)
        .prints(&["plugins: greet (input)"]);
    assert_eq!(world.lock()["packages"], lock["packages"]);
    assert_eq!(world.found("greet"), "hello");
    // Another wheel under the same name is refused, and the environment stays.
    world.project("greet", "0.3", "forged");
    world.wheel("greet");
    let before = world.current();
    world
        .opsbox(&["plugins", "add", "--locked", "mine.json"])
        .exits(1)
        .says(&[
            "greet",
            "is not the one that the lock file names",
            "nothing was changed",
        ]);
    assert_eq!(world.current(), before);
    assert_eq!(world.found("greet"), "hello");
    assert_eq!(world.environments(), 1);
}

#[test]
fn by_uv() {
    let Some(world) = World::uv() else { return };
    a_lock_file_gives_the_same_again(&world);
}

#[test]
fn what_is_no_lock_file_says_so() {
    let Some(world) = World::uv() else { return };
    world
        .opsbox(&["plugins", "add", "--locked"])
        .exits(2)
        .says(&["there is no managed environment", "--locked LOCKFILE"]);
    world
        .opsbox(&["plugins", "add", "--locked", "gone.json"])
        .exits(2)
        .says(&["gone.json", "cannot be read"]);
    world.sandbox.write("work/other.json", "{\"lock\": 99}");
    world
        .opsbox(&["plugins", "add", "--locked", "other.json"])
        .exits(2)
        .says(&["it is of form 99"]);
    world
        .opsbox(&["plugins", "add", "x", "--locked", "other.json"])
        .exits(2)
        .says(&["cannot be used with"]);
    world.opsbox(&["plugins", "add"]).exits(2).says(&["WHAT"]);
}

//! Which plugin a name means where several environments hold it.

use std::fs;

use super::World;
use crate::support::Environment;

/// Installs a plugin `greet` that finds `says` into an environment that somebody else made.
fn installs(environment: &Environment, says: &str) {
    let folder = environment.packages.join("greet");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("__init__.py"), "").unwrap();
    let source = format!(
        "from opsbox import Result\n\nclass P:\n    def process(self, data):\n        \
         return Result(relates_to='test', result_name='greet', result_description='d', details=[{{'name': '{says}'}}], formatted='-')\n"
    );
    fs::write(folder.join("greet.py"), source).unwrap();
    let manifest = "[info]\nname = \"greet\"\nmodule = \"greet\"\nclass_name = \"P\"\ntype = \"input\"\n";
    fs::write(folder.join("manifest.toml"), manifest).unwrap();
    environment.installs("greet_of_mine", &["greet = greet.greet:P"]);
}

#[test]
fn an_interpreter_that_was_chosen_comes_before_the_managed_one_and_one_on_path_after_it() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "managed");
    world.project("only", "1", "only managed");
    world.opsbox(&["plugins", "add", "./greet", "./only"]).exits(0);
    let environment = world.sandbox.python_environment().unwrap();
    installs(&environment, "chosen");
    let found = |variables: &[(&str, String)]| {
        let args = ["run", "greet,only-json_out"];
        let mut command = world.command(&args);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let seen = world.sandbox.finish(&args, &mut command).exits(0);
        let name = |plugin: &str| {
            let found = world.sandbox.json(&format!("work/findings/test/{plugin}.json"));
            found["details"][0]["name"].as_str().unwrap().to_owned()
        };
        assert_eq!(name("only"), "only managed", "{seen}");
        name("greet")
    };
    let prefix = environment
        .python
        .ancestors()
        .nth(2)
        .unwrap()
        .display()
        .to_string();
    let path = format!("{prefix}/bin:{}", std::env::var("PATH").unwrap());
    assert_eq!(found(&[("PATH", path.clone())]), "managed");
    assert_eq!(found(&[("OPSBOX_PYTHON", prefix.clone())]), "chosen");
    assert_eq!(found(&[("VIRTUAL_ENV", prefix.clone())]), "chosen");
    let args = ["plugins", "list"];
    let mut command = world.command(&args);
    let listed = world.sandbox.finish(&args, command.env("PATH", path));
    listed.exits(0).prints(&[
        "replaced:",
        "`greet` of package greet 0.3 (",
        "the one of package greet_of_mine 1.2.3 (",
    ]);
    let args = ["plan", "greet,only-json_out", "--python", &prefix];
    world.opsbox(&args).exits(0).prints(&[
        "python of greet: ",
        "(from --python)",
        "python of only: ",
        "(from managed)",
        "of package greet_of_mine 1.2.3 (",
    ]);
}

#[test]
fn without_another_python_the_managed_one_runs_what_is_in_folders() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "managed");
    world.opsbox(&["plugins", "add", "./greet"]).exits(0);
    world
        .sandbox
        .finds("plain", "{'prefix': __import__('sys').prefix}");
    let args = ["run", "plain,greet-json_out"];
    let mut command = world.command(&args);
    let nowhere = world.sandbox.path("tmp");
    world.sandbox.finish(&args, command.env("PATH", nowhere)).exits(0);
    let found = world.sandbox.json("work/findings/test/plain.json");
    assert_eq!(
        found["details"]["prefix"],
        world.current().unwrap().display().to_string()
    );
}

#[test]
fn a_damaged_environment_is_named_and_can_be_made_anew() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "mended");
    world.opsbox(&["plugins", "add", "./greet"]).exits(0);
    let folder = world.current().unwrap();
    for name in ["python", "python3"] {
        fs::remove_file(folder.join("bin").join(name)).unwrap();
    }
    world.opsbox(&["plugins", "doctor"]).exits(2).prints(&[
        "the managed environment cannot be used",
        "opsbox plugins add --locked",
    ]);
    world.opsbox(&["plugins", "add", "--locked"]).exits(0);
    assert_eq!(world.found("greet"), "mended");
}

//! A published package of the registry, with what it needs.

use std::process::Command;

use super::World;

#[test]
fn the_ec2_checks_come_in_with_a_fraction_of_what_the_original_brings() {
    let Some(world) = World::registry() else { return };
    world
        .opsbox(&["plugins", "add", "opsbox-ec2-checks==0.2.0", "--any-python"])
        .exits(0)
        .prints(&[
            "added: opsbox-ec2-checks 0.2.0",
            "idle_instances (rego)",
            "ec2 (provider)",
            "opsbox 1.0.0+light",
        ])
        .hides(&["llama"]);
    // The original's install has 169 packages; a quarter of them is the most that is allowed here.
    let n_packages = world.lock()["packages"].as_array().unwrap().len();
    assert!(n_packages <= 42, "{n_packages} packages");
    let plan = world.opsbox(&["plan", "idle_instances-cli_out", "--json"]);
    let plan = plan.json();
    assert_eq!(plan["steps"][0]["origin"]["managed"], true, "{plan:#}");
    world.opsbox(&["plugins", "doctor"]).exits(0).prints(&[
        "managed environment:\n",
        "packages by uv ",
        "all ",
        "can be used",
    ]);
    // The names that plugins import are there without the bridge as well.
    let interpreter = world.current().unwrap().join("bin/python");
    let names = "import importlib.util, importlib.metadata as m; from opsbox import Result; from opsbox.plugins import Registry\n\
                 assert importlib.util.find_spec('core') is None; print(m.version('opsbox'), m.metadata('opsbox').get_all('Provides-Extra'))";
    let output = Command::new(interpreter).args(["-c", names]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        said.trim(),
        "1.0.0+light ['dates', 'llm']",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

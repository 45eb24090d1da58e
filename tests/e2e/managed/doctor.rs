//! What the doctor says of environments and plugins, and the commands that it names.

use std::fs;

use super::World;
use crate::support::Sandbox;

/// A plugin with one fault of each kind.
const LACKING: &str = "
import os
import no_such_module_of_mine
from no_such_package_of_mine.deep import thing
from opsbox.plugins import Result, Nonesuch
import opsbox.config as config
from helper_beside import found

try:
    import optional_thing_of_mine
except ImportError:
    optional_thing_of_mine = None

def later():
    import yaml_of_mine
    return config.AppConfig, config.NoSuchThing

class P:
    def process(self, data):
        return []
";

#[test]
fn each_thing_that_a_plugin_lacks_is_named_with_its_place_and_the_command() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    sandbox.legacy("lacking", "input", LACKING);
    sandbox.write(
        "plugins/lacking/helper_beside.py",
        "import deeper_thing_of_mine\nopen('imported', 'w')\n",
    );
    sandbox.write("plugins/lacking/test_lacking.py", "import pytest_of_mine\n");
    sandbox.legacy(
        "broken",
        "input",
        "class P:\n    def process(self, data):\n        return [1\n",
    );
    sandbox.legacy("sound", "input", "import json\nfrom opsbox import Result, AppConfig\nfrom core.plugins import Result\n\nclass P:\n    pass\n");
    let python = environment.python.display().to_string();
    let seen = sandbox
        .opsbox_on(&environment.python, &["plugins", "doctor"])
        .exits(2)
        .prints(&[
            &format!("at {python} (from OPSBOX_PYTHON)"),
            "no `opsbox` is in it, and none is needed",
            "none; `opsbox plugins add NAME` makes one",
            "plugin `lacking` imports what is not in the environment of Python 3.",
            "`no_such_module_of_mine` (",
            "lacking.py:3)",
            "`no_such_package_of_mine.deep` (",
            "`deeper_thing_of_mine` (",
            "helper_beside.py:1)",
            "`yaml_of_mine` (",
            &format!("{python} -m pip install no-such-module-of-mine no-such-package-of-mine yaml-of-mine deeper-thing-of-mine"),
                "plugin `lacking` takes `Nonesuch` from `opsbox.plugins` (",
            "plugin `lacking` takes `NoSuchThing` from `opsbox.config` (",
            &format!("install the original beside it: `{python} -m pip install 'opsbox<1'`"),
            "plugin `broken` cannot be read by Python 3.",
            "broken.py:3",
        ]);
    for absent in [
        "optional_thing",
        "pytest_of_mine",
        "`sound`",
        "takes `Result`",
        "takes `AppConfig`",
        "`os`",
    ] {
        assert!(!seen.stdout.contains(absent), "`{absent}` is named\n{seen}");
    }
    assert!(!sandbox.path("work/imported").exists(), "nothing is imported");
    let json = sandbox
        .opsbox_on(&environment.python, &["plugins", "doctor", "--json"])
        .exits(2)
        .json();
    let lacks = &json["environments"][0]["seen"]["plugins"]["lacking"];
    assert_eq!(
        lacks["imports"][0]["module"], "no_such_module_of_mine",
        "{json:#}"
    );
    assert_eq!(lacks["imports"][0]["line"], 3, "{json:#}");
    assert_eq!(json["managed"], serde_json::Value::Null);
    assert_eq!(json["python"]["from"], "OPSBOX_PYTHON");
}

#[test]
fn what_a_package_demands_and_needs_is_a_note_and_no_fault() {
    let sandbox = Sandbox::new();
    let Some(environment) = sandbox.python_environment() else {
        return;
    };
    let folder = environment.packages.join("mine");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("mine.py"), "class P:\n    pass\n").unwrap();
    fs::write(folder.join("__init__.py"), "").unwrap();
    let manifest = "[info]\nname = \"mine\"\nmodule = \"mine\"\nclass_name = \"P\"\ntype = \"input\"\n";
    fs::write(folder.join("manifest.toml"), manifest).unwrap();
    environment.installs("mine_package", &["mine = mine.mine:P"]);
    let info = environment.packages.join("mine_package-1.2.3.dist-info/METADATA");
    let needs = "Requires-Dist: thing-of-mine (>=2)\nRequires-Dist: old-thing>=3\nRequires-Dist: extra-thing; extra == \"x\"\n\
                 Requires-Dist: other-thing; python_version < \"3.0\"\nRequires-Dist: opsbox>=0.2\nRequires-Dist: opsbox-rego-handler\n";
    fs::write(
        info,
        format!(
            "Metadata-Version: 2.1\nName: mine-package\nVersion: 1.2.3\nRequires-Python: ==3.2.*\n{needs}"
        ),
    )
    .unwrap();
    environment.installs("old_thing", &[]);
    let opsbox = environment.packages.join("opsbox-0.2.5.dist-info");
    fs::create_dir_all(&opsbox).unwrap();
    fs::write(
        opsbox.join("METADATA"),
        "Metadata-Version: 2.1\nName: opsbox\nVersion: 0.2.5\n",
    )
    .unwrap();
    sandbox
        .opsbox_on(&environment.python, &["plugins", "doctor"])
        .exits(0)
        .prints(&[
            "the original `opsbox` 0.2.5 is in it",
            "package mine-package demands Python ==3.2.*, and it runs with 3.",
            "`opsbox plugins add mine-package` makes an environment",
            "package mine-package needs thing-of-mine (>=2), which is not there",
            "package mine-package needs old-thing>=3, which is there as 1.2.3",
            "-m pip install 'old-thing>=3'`; or have the plugin managed: `opsbox plugins add mine-package`",
            "can be used",
        ])
        .hides(&["extra-thing", "other-thing", "rego-handler"]);
}

#[test]
fn the_managed_environment_is_shown_with_what_was_added() {
    let Some(world) = World::uv() else { return };
    world.project("greet", "0.3", "-");
    world.sandbox.write(
        "work/greet/greet/greet.py",
        "import lacks_this_of_mine\n\nclass P:\n    pass\n",
    );
    world.opsbox(&["plugins", "add", "./greet"]).exits(0);
    let folder = world.current().unwrap().display().to_string();
    world.opsbox(&["plugins", "doctor"]).exits(2).prints(&[
        "(from PATH: there is no `--python`",
        &format!("at {folder}/bin/python"),
        "`opsbox` 1.0.0+light is in it",
        "packages by uv ",
        "added: greet 0.3",
        &format!("lock file: {folder}/opsbox-lock.json"),
        "plugin `greet` imports what is not in the environment",
        "install it: `opsbox plugins add lacks-this-of-mine`",
    ]);
    let json = world.opsbox(&["plugins", "doctor", "--json"]).exits(2).json();
    assert_eq!(json["managed"]["requested"][0]["name"], "greet", "{json:#}");
}

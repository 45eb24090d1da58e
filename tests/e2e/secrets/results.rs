//! A Result that holds a secret: delivered as it is, warned of, and private on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{KEPT, field, private, secret};
use crate::support::{Sandbox, result, venv};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// An input that puts its secret into a Result.
fn holder(sandbox: &Sandbox, secret: &str) {
    let answer = result(
        "host",
        "found",
        "[{\"id\":\"a\"},{\"id\":\"b\",\"login\":{\"with\":\"TOKEN\"}}]",
    );
    sandbox.write("plugins/holder/answer.json", &format!("[{answer}]"));
    let keep = "rest=${line#*'_token\":\"'}; token=${rest%%'\"'*}; result='{}'";
    let process = "result=$(sed \"s:TOKEN:$token:\" \"$OPSBOX_PLUGIN_HOME/answer.json\")";
    sandbox.shell(
        "holder",
        "input",
        &[("set_data", keep), ("process", process)],
        &field("holder_token"),
    );
    private(
        sandbox,
        "home/.opsbox.json",
        &format!("{{\"holder_token\":\"{secret}\"}}"),
    );
}

#[test]
fn a_result_that_holds_a_secret_is_delivered_whole_and_its_files_are_private() {
    let sandbox = Sandbox::new();
    let secret = secret("result").replace('/', "-");
    holder(&sandbox, &secret);
    let seen = sandbox
        .opsbox(&[
            "run",
            "holder-json_out,text_out",
            "-o",
            "record.json",
            "--set",
            "output_folder=out",
        ])
        .exits(0)
        .hides(&[&secret])
        .says(&[
            "a secret of the configuration stands in the Results of check `holder`",
            "`details[1].login.with` of `host/found`",
        ]);
    assert_eq!(seen.stderr.matches("stands in the Results").count(), 1, "{seen}");
    let record = sandbox.record();
    let warnings = record["warnings"].to_string();
    assert!(
        warnings.contains("check `holder`") && !warnings.contains(&secret),
        "{warnings}"
    );
    for file in ["out/host/found.json", "out/host/found.txt", "record.json"] {
        assert_eq!(mode(&sandbox.work().join(file)), 0o600, "{file}");
    }
    assert!(
        sandbox.read("work/out/host/found.json").contains(&secret),
        "it is not altered"
    );
    let runs = sandbox.path("home/.local/state/opsbox/runs");
    let run = std::fs::read_dir(runs)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let run = { run }.find(|path| path.join("steps").is_dir()).unwrap();
    for entry in std::fs::read_dir(run.join("steps")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn what_is_delivered_again_is_private_too_though_the_secret_is_no_longer_set() {
    let sandbox = Sandbox::new();
    holder(&sandbox, &secret("again").replace('/', "-"));
    let word = "--set=output_folder=out";
    sandbox.opsbox(&["run", "holder-json_out", word, "-o", "record.json"]);
    std::fs::remove_file(sandbox.path("home/.opsbox.json")).unwrap();
    let run = sandbox.record()["run"].as_str().unwrap().to_owned();
    for folder in ["second", "third"] {
        let word = format!("--set=output_folder={folder}");
        sandbox
            .opsbox(&["deliver", &run, "--to", "json_out", "--again", &word])
            .exits(0);
        assert_eq!(mode(&sandbox.work().join(folder).join("host/found.json")), 0o600);
    }
}

#[test]
fn where_nobody_can_tell_any_more_whether_a_result_holds_a_secret_its_files_are_private() {
    let sandbox = Sandbox::new();
    holder(&sandbox, &secret("marks").replace('/', "-"));
    let word = "--set=output_folder=out";
    sandbox.opsbox(&["run", "holder-json_out", word, "-o", "record.json"]);
    std::fs::remove_file(sandbox.path("home/.opsbox.json")).unwrap();
    let run = sandbox.record()["run"].as_str().unwrap().to_owned();
    let marks = sandbox.path(&format!("{KEPT}/runs/{run}/marks"));
    let damages: [(&str, &dyn Fn()); 5] = [
        ("gone", &|| {}),
        ("empty", &|| std::fs::write(&marks, "").unwrap()),
        ("cut", &|| std::fs::write(&marks, "+").unwrap()),
        ("garbage", &|| std::fs::write(&marks, "garbage").unwrap()),
        ("folder", &|| std::fs::create_dir(&marks).unwrap()),
    ];
    for (name, damage) in damages {
        std::fs::remove_file(&marks).unwrap();
        damage();
        let word = format!("--set=output_folder={name}");
        sandbox
            .opsbox(&["deliver", &run, "--to", "json_out", "--again", &word])
            .exits(0)
            .says(&[
                &format!("the kept file `{}` is damaged", marks.display()),
                "a Result may hold a secret",
            ]);
        assert_eq!(
            mode(&sandbox.work().join(name).join("host/found.json")),
            0o600,
            "{name}"
        );
        if name == "gone" {
            std::fs::write(&marks, "").unwrap();
        }
    }
}

#[test]
fn files_are_as_open_as_ever_where_no_result_holds_a_secret() {
    let sandbox = Sandbox::new();
    holder(&sandbox, "not-in-any-result");
    sandbox.write(
        "plugins/holder/answer.json",
        &format!("[{}]", result("host", "found", "[]")),
    );
    let seen = sandbox
        .opsbox(&["run", "holder-json_out", "--set", "output_folder=out"])
        .exits(0);
    assert!(!seen.stderr.contains("stands in"), "{seen}");
    let plain = sandbox.write("work/plain", "");
    assert_eq!(mode(&sandbox.work().join("out/host/found.json")), mode(&plain));
}

#[test]
fn a_python_output_of_either_kind_writes_private_files_too() {
    let Some(python) = venv() else { return };
    let sandbox = Sandbox::new();
    let secret = secret("python").replace('/', "-");
    holder(&sandbox, &secret);
    sandbox.write(
        "plugins/old/old.py",
        "from pluggy import HookimplMarker\n\
         from pydantic import BaseModel\n\
         hookimpl = HookimplMarker('opsbox')\n\
         class Old:\n    \
             @hookimpl\n    \
             def grab_config(self):\n        \
                 class Config(BaseModel):\n            \
                     pass\n        \
                 return Config\n    \
             @hookimpl\n    \
             def set_data(self, model):\n        \
                 pass\n    \
             @hookimpl\n    \
             def proccess_results(self, results):\n        \
                 open('old.out', 'w').write(str(results[0].details))\n",
    );
    sandbox.write(
        "plugins/old/manifest.toml",
        "[info]\nname = \"old\"\ntype = \"output\"\nmodule = \"old\"\nclass_name = \"Old\"\nuses = []\n",
    );
    let python = python.to_str().unwrap();
    sandbox
        .opsbox(&["run", "holder-old", "--python", python])
        .exits(0);
    assert!(sandbox.read("work/old.out").contains(&secret));
    assert_eq!(mode(&sandbox.work().join("old.out")), 0o600);
}

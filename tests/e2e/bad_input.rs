//! Whatever is wrong with what a person gives, one message names the thing and the remedy, and the exit code is right.

use std::fs;

use crate::support::{Sandbox, Seen, fault_plugin, python};

/// A sandbox with an input `look`, an output `out`, an assistant `helper` and a provider `source`.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, kind) in [
        ("look", "input"),
        ("out", "output"),
        ("helper", "assistant"),
        ("source", "provider"),
    ] {
        sandbox.fault(name, kind, "none", "");
    }
    sandbox
}

/// Runs a pipeline that cannot run, and asserts that nothing was run for it.
#[track_caller]
pub fn refused(sandbox: &Sandbox, pipeline: &str, texts: &[&str]) -> Seen {
    sandbox
        .opsbox(&["run", pipeline])
        .exits(2)
        .says(texts)
        .hides(&["fault output saw it", "panicked"])
}

#[test]
fn an_unknown_plugin_is_named_with_the_nearest_one_and_the_places_that_were_searched() {
    let sandbox = sandbox();
    let folder = sandbox.path("plugins").display().to_string();
    refused(
        &sandbox,
        "lok-out",
        &[
            "error: plugin `lok` not found",
            "did you mean `look`?",
            &folder,
            "opsbox plugins list",
            "--plugin-dir DIR",
        ],
    );
    refused(
        &sandbox,
        "lok-cliout",
        &["`lok` not found", "`cliout` not found", "did you mean `cli_out`?"],
    );
}

#[test]
fn a_pipeline_of_the_wrong_form_shows_the_right_one() {
    let sandbox = sandbox();
    refused(&sandbox, "look", &["pipeline `look` has no `-`", "look-cli_out"]);
    for (pipeline, part) in [
        ("look--out", "middle"),
        ("look-", "last"),
        (",look-out", "first"),
        ("look-out,", "last"),
        ("-look-out", "first"),
    ] {
        let empty = format!("pipeline `{pipeline}` has an empty name in its {part} part");
        refused(&sandbox, pipeline, &[&empty, "input-output"]);
    }
    refused(
        &sandbox,
        "look-helper,helper2-out",
        &["lists assistants with a comma", "write `helper-helper2`"],
    );
    refused(&sandbox, "", &["the pipeline is empty", "host-json_out"]);
}

#[test]
fn a_plugin_in_the_wrong_place_is_told_the_right_one() {
    let sandbox = sandbox();
    refused(
        &sandbox,
        "out-look",
        &[
            "`out` is of type output",
            "put `out` last",
            "`look` is of type input",
            "put `look` first",
        ],
    );
    refused(
        &sandbox,
        "look-source-out",
        &["`source` is of type provider", "put `source` first"],
    );
    refused(
        &sandbox,
        "helper-out",
        &["`helper` is of type assistant", "put `helper` in the middle"],
    );
    refused(
        &sandbox,
        "rego-out",
        &["`rego` is a handler of this host and does not stand in a pipeline"],
    );
}

#[test]
fn a_plugin_named_twice_in_a_pipeline_is_refused() {
    let sandbox = sandbox();
    refused(
        &sandbox,
        "look,look-out,out",
        &[
            "plugin `look` comes twice in pipeline `look,look-out,out`",
            "plugin `out` comes twice",
            "name `look` once",
        ],
    );
}

#[test]
fn a_plugin_that_is_there_twice_is_refused_with_both_places() {
    let sandbox = sandbox();
    let manifest = sandbox.read("plugins/look/manifest.toml");
    sandbox.write("plugins/copy/manifest.toml", &manifest);
    refused(
        &sandbox,
        "look-out",
        &[
            "plugin `look` is there 2 times",
            "plugins/copy/manifest.toml",
            "plugins/look/manifest.toml",
            "rename one",
        ],
    );
    sandbox
        .opsbox(&["plugins", "doctor"])
        .exits(2)
        .prints(&["plugin `look` is there 2 times"]);
}

#[test]
fn what_a_plugin_uses_must_be_there_once_and_not_in_a_circle() {
    let sandbox = sandbox();
    sandbox.fault("missing", "input", "none", "uses = [\"sourc\"]\n");
    sandbox.fault("doubled", "input", "none", "uses = [\"source\", \"source\"]\n");
    sandbox.fault("mutual", "provider", "none", "uses = [\"friend\"]\n");
    sandbox.fault("friend", "provider", "none", "uses = [\"mutual\"]\n");
    sandbox.fault("narcissus", "provider", "none", "uses = [\"narcissus\"]\n");
    sandbox.fault("strange", "input", "none", "uses = [\"out\"]\n");
    let cases: [(&str, &[&str]); 5] = [
        (
            "missing-out",
            &[
                "`missing` uses `sourc`: plugin `sourc` not found",
                "did you mean `source`?",
            ],
        ),
        (
            "doubled-out",
            &["`doubled` uses `source` twice", "plugins/doubled/manifest.toml"],
        ),
        (
            "mutual-out",
            &[
                "in a circle: `mutual` uses `friend` uses `mutual`",
                "out of `uses`",
            ],
        ),
        ("narcissus-out", &["in a circle: `narcissus` uses `narcissus`"]),
        (
            "strange-out",
            &[
                "`strange` uses `out`, which is of type output",
                "take `out` out of `uses`",
            ],
        ),
    ];
    for (pipeline, texts) in cases {
        refused(&sandbox, pipeline, texts);
    }
    sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(&[
        "`missing` uses `sourc`",
        "`doubled` uses `source` twice",
        "in a circle",
        "`strange` uses `out`",
    ]);
}

#[test]
fn a_name_with_a_dash_is_refused_where_it_stands_and_where_it_is_used() {
    let sandbox = sandbox();
    sandbox.fault("disk-full", "input", "none", "");
    let reason = "`name` is \"disk-full\", which holds '-'";
    sandbox.opsbox(&["plugins", "list"]).exits(0).prints(&[reason]);
    refused(
        &sandbox,
        "disk-full-out",
        &["`disk-full` cannot be named in a pipeline", "without `-`"],
    );
}

#[test]
fn a_type_that_nothing_handles_is_named_with_the_nearest_one() {
    let sandbox = sandbox();
    sandbox.fault("slip", "inptu", "none", "");
    let texts = [
        "no handler serves type `inptu` of plugin `slip`",
        "did you mean `input`?",
    ];
    refused(&sandbox, "slip-out", &texts);
    sandbox.opsbox(&["plugins", "doctor"]).exits(2).prints(&texts);
}

#[test]
fn a_command_that_cannot_be_started_says_why() {
    let sandbox = sandbox();
    let script = |name: &str, text: &str| {
        sandbox.command(name, "input", &["run.sh"], "");
        sandbox.script(&format!("plugins/{name}/run.sh"), text);
    };
    sandbox.command("absent", "input", &["no-such-program"], "");
    sandbox.command("outside", "input", &["../look/run.sh"], "");
    sandbox.command("sleeping", "input", &["run.sh"], "");
    sandbox.write("plugins/sleeping/run.sh", "#!/bin/sh\n");
    script("no_interpreter", "#!/no/such/interpreter\n");
    script("windows", "#!/bin/sh\r\necho\r\n");
    script("headless", "echo hello\n");
    let cases: [(&str, &[&str]); 5] = [
        ("absent", &["program `no-such-program`", "install it, or correct"]),
        (
            "sleeping",
            &["is not executable", "chmod +x", "plugins/sleeping/run.sh"],
        ),
        ("no_interpreter", &["`#!` line that names `/no/such/interpreter`"]),
        ("windows", &["line ends of Windows"]),
        ("headless", &["a script without a `#!` line"]),
    ];
    let doctor = sandbox.opsbox(&["plugins", "doctor"]).exits(2);
    for (name, texts) in cases {
        sandbox
            .opsbox(&["run", &format!("{name}-out")])
            .exits(1)
            .says(&[name])
            .says(texts);
        // A good check beside it goes on.
        sandbox
            .opsbox(&["run", &format!("look,{name}-out")])
            .exits(4)
            .prints(&["fault output saw it"]);
        for text in texts {
            assert!(doctor.stdout.contains(text), "doctor lacks `{text}`\n{doctor}");
        }
    }
    sandbox
        .opsbox(&["run", "outside-out"])
        .says(&["outside", "leaves the manifest's folder"]);
}

#[test]
fn all_missing_wrong_and_unknown_fields_are_reported_together_and_no_hook_is_called() {
    let sandbox = Sandbox::new();
    let schema = r#"{"type":"object","properties":{"region":{"type":"string","description":"where to look"},"max":{"type":"integer"}},"required":["region"]}"#;
    for (name, kind) in [("first", "input"), ("second", "input"), ("out", "output")] {
        sandbox.mirror(name, kind, "");
    }
    sandbox.write("plugins/first/schema.json", &format!("{schema}\n"));
    sandbox.write(
        "plugins/second/schema.json",
        "{\"type\":\"object\",\"properties\":{\"zone\":{\"type\":\"string\"},\"deep\":{\"type\":\"boolean\"}},\"required\":[\"zone\"]}\n",
    );
    let args = [
        "run",
        "first,second-out",
        "--set",
        "max=many",
        "--set",
        "deep=perhaps",
        "--set",
        "regoin=eu",
    ];
    sandbox.opsbox(&args).exits(2).says(&[
        "plugin `first` needs `region` (string): where to look",
        "--set region=…",
        "OPSBOX_SET_REGION",
        "[plugins.first]",
        "plugin `first`: `max` must be an integer; found `many` in --set max",
        "plugin `second` needs `zone` (string)",
        "plugin `second`: `deep` must be a boolean",
        "no plugin of this pipeline declares the field `regoin`",
        "did you mean `region`?",
    ]);
    for name in ["first", "second", "out"] {
        let calls = sandbox.calls(name);
        let asked = ["initialize", "grab_config", "shutdown"];
        assert!(
            calls.iter().all(|call| asked.contains(&call.as_str())),
            "{name} was called: {calls:?}"
        );
    }
    assert!(!sandbox.path("work/findings").exists(), "an output was made");
    // `plan` says the same without a run.
    sandbox.opsbox(&["plan", "first,second-out"]).exits(2).prints(&[
        "it cannot run like this:",
        "plugin `first` needs `region`",
        "plugin `second` needs `zone`",
    ]);
}

#[test]
fn a_bad_project_file_is_named_with_table_and_key() {
    let sandbox = sandbox();
    sandbox.write("work/opsbox.toml", "[pipelines.daily]\npipelin = \"look-out\"\n");
    refused(&sandbox, "daily", &["opsbox.toml", "pipelin", "pipeline"]);
    sandbox.write("work/opsbox.toml", "[pipelines\n");
    refused(&sandbox, "daily", &["opsbox.toml", "line 1"]);
}

#[test]
fn without_python_only_what_needs_it_is_refused() {
    let sandbox = sandbox();
    sandbox.write(
        "plugins/snake/manifest.toml",
        "[info]\nname = \"snake\"\ntype = \"input\"\nmodule = \"snake\"\nclass_name = \"Snake\"\n",
    );
    sandbox.write("plugins/snake/snake.py", "class Snake:\n    pass\n");
    fs::create_dir(sandbox.path("empty")).unwrap();
    let path = sandbox.path("empty").display().to_string();
    let variables = [("PATH", path.as_str())];
    sandbox
        .opsbox_with(&variables, &["run", "look,snake-out"])
        .exits(2)
        .says(&[
            "Python is needed for `snake`",
            "install Python 3.9 or newer",
            "--python",
        ]);
    sandbox
        .opsbox_with(&variables, &["run", "look-out"])
        .exits(0)
        .prints(&["fault output saw it"])
        .hides(&["ython"]);
    sandbox
        .opsbox_with(&variables, &["plugins", "list"])
        .exits(0)
        .prints(&["snake"]);
    sandbox
        .opsbox_with(&variables, &["plugins", "doctor"])
        .prints(&["no Python"]);
}

#[test]
fn an_interpreter_that_was_named_and_is_none_is_refused() {
    let sandbox = sandbox();
    let program = fault_plugin().display().to_string();
    for named in ["/no/such/python", "/bin/false", &program] {
        let seen = sandbox.opsbox(&["run", "look-out", "--python", named]).exits(2);
        seen.says(&[named, "--python"]);
    }
}

#[test]
fn an_entry_point_whose_package_is_broken_is_listed_and_hurts_nobody() {
    let sandbox = sandbox();
    let Some((environment, packages)) = sandbox.environment("venv") else {
        return;
    };
    let whole = |name: &str, code: &str| {
        sandbox.entry_point(
            &packages,
            &format!("opsbox-{name}"),
            &format!("{name} = {name}.plug:Plug"),
        );
        fs::create_dir_all(packages.join(name)).unwrap();
        let manifest = format!(
            "[info]\nname = \"{name}\"\ntype = \"input\"\nmodule = \"{name}.plug\"\nclass_name = \"Plug\"\n"
        );
        fs::write(packages.join(name).join("manifest.toml"), manifest).unwrap();
        fs::write(packages.join(name).join("__init__.py"), "").unwrap();
        fs::write(packages.join(name).join("plug.py"), code).unwrap();
    };
    sandbox.entry_point(&packages, "opsbox-gone", "gone = gone.plug:Plug");
    sandbox.entry_point(&packages, "opsbox-classless", "classless = look");
    whole("bare", "");
    fs::remove_file(packages.join("bare/manifest.toml")).unwrap();
    whole(
        "needy",
        "import no_such_package\n\nclass Plug:\n    def process(self, data):\n        return []\n",
    );
    whole("crooked", "class Plug(:\n");
    whole(
        "renamed",
        "class Plugin:\n    def process(self, data):\n        return []\n",
    );
    let environment = environment.display().to_string();
    let run = |args: &[&str]| sandbox.opsbox(&[args, &["--python", &environment]].concat());
    run(&["plugins", "list"]).exits(0).prints(&[
        "gone of package opsbox-gone",
        "--force-reinstall opsbox-gone",
        "classless of package opsbox-classless",
        "it names no class",
        "bare of package opsbox-bare",
        "there is no manifest",
        "needy",
    ]);
    run(&["run", "gone-out"]).exits(2).says(&[
        "plugin `gone` cannot be used",
        "package opsbox-gone 1.0",
        "--force-reinstall",
    ]);
    run(&["run", "look,needy-out"])
        .exits(4)
        .says(&["needy", "no_such_package"])
        .prints(&["fault output saw it"]);
    run(&["run", "look,crooked-out"])
        .exits(4)
        .says(&["crooked", "syntax"]);
    run(&["run", "look,renamed-out"])
        .exits(4)
        .says(&["renamed", "`Plug`"]);
}

#[test]
fn a_python_plugin_that_breaks_names_its_line_and_no_traceback() {
    let sandbox = sandbox();
    if python().is_none() {
        return;
    }
    sandbox.write(
        "plugins/snake/manifest.toml",
        "[info]\nname = \"snake\"\ntype = \"input\"\nmodule = \"snake\"\nclass_name = \"Snake\"\n",
    );
    sandbox.write(
        "plugins/snake/snake.py",
        "class Snake:\n    def process(self, data):\n        return 1 / 0\n",
    );
    sandbox
        .opsbox(&["run", "look,snake-out"])
        .exits(4)
        .says(&["snake", "division by zero"])
        .hides(&["Traceback (most recent call last)"]);
}

#[test]
fn a_flag_that_is_unknown_wrong_or_misplaced_is_told_the_right_way() {
    let sandbox = sandbox();
    let cases: [(&[&str], &[&str]); 10] = [
        (
            &["run", "look-out", "--jobs", "0"],
            &["'0' for '--jobs <N>'", "at least 1", "opsbox run --help"],
        ),
        (&["run", "look-out", "--job", "2"], &["'--job'", "'--jobs'"]),
        (
            &["run", "look-out", "--bogus"],
            &["'--bogus'", "opsbox run --help"],
        ),
        (
            &["run", "look-out", "--timeout", "soon"],
            &["'soon'", "--timeout", "30s"],
        ),
        (
            &["run", "look-out", "--set", "region"],
            &["`--set region` has no `=`", "field=value"],
        ),
        (
            &["--jobs", "4", "run", "look-out"],
            &[
                "`--jobs` stands before the subcommand `run`",
                "`opsbox run PIPELINE --jobs …`",
            ],
        ),
        (
            &["-q", "run", "look-out"],
            &["`-q` stands before", "`opsbox run PIPELINE -q …`"],
        ),
        (
            &["--json", "plugins", "list"],
            &["`--json` stands before", "`opsbox plugins list --json …`"],
        ),
        (
            &["config", "show"],
            &["<PIPELINE|NAME>", "opsbox config show --help"],
        ),
        (&["look-out"], &["write `opsbox run look-out`"]),
    ];
    for (args, texts) in cases {
        sandbox
            .opsbox(args)
            .exits(2)
            .says(texts)
            .hides(&["'-- --bogus'", "panicked"]);
    }
    sandbox
        .opsbox_with(&[("OPSBOX_JOBS", "0")], &["run", "look-out"])
        .exits(2)
        .says(&["OPSBOX_JOBS", "at least 1"]);
}

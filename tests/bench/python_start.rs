//! Many small Python checks on one provider: forked from a warm parent, and each started by itself.

use std::path::{Path, PathBuf};

use crate::report::{self, Series};
use crate::tree::{self, Measure, Watched};
use crate::{Options, Outcome};

const NUMBERS: [usize; 4] = [1, 2, 5, 20];
const MIB: f64 = 1024.0 * 1024.0;

/// What is measured of one way to start the plugins.
#[derive(Default)]
struct Way {
    wall: Series,
    cpu: Series,
    pss: Series,
}

pub(crate) fn measure(options: &Options) -> Outcome {
    let folder = options.folder()?;
    plugins(&folder.path.join("plugins"))?;
    let python = python(options)?;
    for n_checks in NUMBERS {
        let names: Vec<String> = (0..n_checks).map(name).collect();
        let pipeline = format!("{}-json_out", names.join(","));
        let run = |flags: &[&str], measure| {
            let watched = Watched::run(
                tree::command(&options.opsbox, &folder.path)
                    .args(["run", &pipeline, "--plugin-dir", "plugins", "--python"])
                    .arg(&python)
                    .args(flags),
                measure,
            )?;
            match watched.code {
                Some(0) => Ok(watched),
                code => Err(Box::<dyn std::error::Error + Send + Sync>::from(format!(
                    "ended with {code:?}:\n{}",
                    watched.stderr
                ))),
            }
        };
        run(&[], None)?;
        let ways: [&[&str]; 2] = [&[], &["--no-zygote"]];
        let mut measured = [Way::default(), Way::default()];
        for _ in 0..options.rounds {
            for (way, flags) in measured.iter_mut().zip(ways) {
                // Time is taken without a watcher, which costs a processor.
                let watched = run(flags, None)?;
                way.wall.push(watched.wall.as_secs_f64() * 1e3);
                way.cpu.push(watched.cpu.as_secs_f64() * 1e3);
                way.pss.push(run(flags, Some(Measure::Pss))?.peak as f64 / MIB);
            }
        }
        let [forked, started] = measured;
        let figure = format!("Python checks on one Python provider: {n_checks}");
        report::heading(&figure, options.rounds)?;
        report::row("wall, forked", "ms", &forked.wall)?;
        report::row("wall, each started (--no-zygote)", "ms", &started.wall)?;
        report::row("wall, forked over started", "×", &forked.wall.over(&started.wall))?;
        report::row("processor, forked", "ms", &forked.cpu)?;
        report::row("processor, each started", "ms", &started.cpu)?;
        report::row(
            "processor, forked over started",
            "×",
            &forked.cpu.over(&started.cpu),
        )?;
        report::row("most PSS at one moment, forked", "MiB", &forked.pss)?;
        report::row("most PSS at one moment, started", "MiB", &started.pss)?;
    }
    Ok(())
}

/// Returns the interpreter: the one given, else that of the tests, which has what plugins import.
fn python(options: &Options) -> Outcome<PathBuf> {
    if let Some(python) = &options.python {
        return Ok(python.clone());
    }
    let own = std::env::current_exe()?;
    let of_tests = own
        .ancestors()
        .nth(3)
        .map(|target| target.join("test-venv/bin/python"))
        .filter(|path| path.is_file());
    of_tests.ok_or_else(|| {
        "no environment of the tests: run them once, or name an interpreter with `--python`".into()
    })
}

fn name(index: usize) -> String {
    format!("check_{index:02}")
}

/// A provider with 100 volumes, and checks as the published ones are: pluggy, pydantic, loguru, a field with a default.
fn plugins(root: &Path) -> Outcome {
    let write = |name: &str, kind: &str, more: &str, source: &str| -> Outcome {
        let home = root.join(name);
        std::fs::create_dir_all(&home)?;
        let info = format!(
            "[info]\nname = \"{name}\"\nmodule = \"{name}\"\nclass_name = \"P\"\ntype = \"{kind}\"\n{more}"
        );
        std::fs::write(home.join("manifest.toml"), info)?;
        Ok(std::fs::write(home.join(format!("{name}.py")), source)?)
    };
    let head = "from loguru import logger\nfrom opsbox import Result\nfrom pluggy import HookimplMarker\n\
                from pydantic import BaseModel, Field\n\nhookimpl = HookimplMarker(\"opsbox\")\n\n\n";
    let provider = "class P:\n    @hookimpl\n    def gather_data(self):\n        \
         volumes = [{\"id\": f\"vol-{n}\", \"size\": n} for n in range(100)]\n        \
         return Result(relates_to=\"disk\", result_name=\"volumes\", result_description=\"d\", \
         details={\"volumes\": volumes}, formatted=\"\")\n";
    write("volumes", "provider", "", &format!("{head}{provider}"))?;
    for index in 0..NUMBERS[NUMBERS.len() - 1] {
        let name = name(index);
        let check = format!(
            "class Config(BaseModel):\n    least_{index}: int = Field({index}, description=\"least size\")\n\n\n\
             class P:\n    @hookimpl\n    def grab_config(self):\n        return Config\n\n    @hookimpl\n    \
             def set_data(self, model):\n        self.least = model.least_{index}\n\n    @hookimpl\n    \
             def process(self, data):\n        logger.debug(\"checking\")\n        \
             small = [each for each in data[0].details[\"volumes\"] if each[\"size\"] < self.least]\n        \
             return Result(relates_to=\"disk\", result_name=\"{name}\", result_description=\"small volumes\", \
             details=small, formatted=str(small))\n"
        );
        write(
            &name,
            "input",
            "uses = [\"volumes\"]\n",
            &format!("{head}{check}"),
        )?;
    }
    Ok(())
}

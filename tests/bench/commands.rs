//! Commands that start no plugin: `--version`, `--help` and `plugins list` with 100 manifests.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::report::{self, Series};
use crate::{Options, Outcome, tree};

const N_MANIFESTS: usize = 100;
/// A short command is over many times before this.
const SETTLED: Duration = Duration::from_millis(300);

pub(crate) fn measure(options: &Options) -> Outcome {
    let folder = options.folder()?;
    let plugins = folder.path.join("plugins");
    manifests(&plugins)?;
    let plugins = plugins.to_str().ok_or("the folder's path is not UTF-8")?;
    let commands: [(&str, Vec<&str>); 4] = [
        ("/bin/true, for comparison", vec![]),
        ("opsbox --version (goal 10)", vec!["--version"]),
        ("opsbox --help (goal 10)", vec!["--help"]),
        (
            "opsbox plugins list, 100 manifests (goal 50)",
            vec!["plugins", "list", "--plugin-dir", plugins],
        ),
    ];
    let start = |words: &[&str]| {
        let program = if words.is_empty() {
            Path::new("/bin/true")
        } else {
            &options.opsbox
        };
        let mut command = tree::command(program, &folder.path);
        command.args(words);
        command
    };
    let cold = timed(&mut start(&commands[3].1))?;
    let mut walls = commands.each_ref().map(|_| Series::default());
    for _ in 0..options.rounds * 3 {
        for (series, (_, words)) in walls.iter_mut().zip(&commands) {
            series.push(timed(&mut start(words))?.as_secs_f64() * 1e3);
        }
    }
    report::heading("wall time, process start to end", options.rounds * 3)?;
    for (series, (name, _)) in walls.iter().zip(&commands) {
        report::row(name, "ms", series)?;
    }
    report::line(&format!(
        "  the first `plugins list` of all, with no cache: {:.1} ms",
        cold.as_secs_f64() * 1e3
    ))?;
    report::heading("peak of resident memory", options.rounds)?;
    for (name, words) in &commands[1..] {
        let mut peaks = Series::default();
        for _ in 0..options.rounds {
            peaks.push(peak(&mut start(words))? as f64 / (1024.0 * 1024.0));
        }
        let name = name.split(" (").next().unwrap_or(name);
        report::row(name, "MiB", &peaks)?;
    }
    Ok(())
}

fn timed(command: &mut Command) -> Outcome<Duration> {
    let since = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = since.elapsed();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{command:?} ended with {}:\n{text}", output.status).into());
    }
    Ok(took)
}

/// Lets the command run until it blocks at its output, for a full pipe, and reads its peak there: all but the printing is done by then.
/// `wait4` would not do: what it reports begins with the peak of the process that started the command.
fn peak(command: &mut Command) -> Outcome<u64> {
    let (reader, writer) = rustix::pipe::pipe()?;
    let size = rustix::pipe::fcntl_setpipe_size(&writer, 4096)?;
    let mut writer = std::fs::File::from(writer);
    writer.write_all(&vec![b'.'; size])?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()?;
    // The command still holds the pipe's writing end, without which the reader would see no end.
    command.stdout(Stdio::null());
    std::thread::sleep(SETTLED);
    if child.try_wait()?.is_some() {
        return Err(format!("{command:?} ended without printing").into());
    }
    let peak = tree::peak_of(&child.id().to_string())?;
    let mut text = Vec::new();
    std::fs::File::from(reader).read_to_end(&mut text)?;
    child.wait()?;
    Ok(peak)
}

/// Half of them programs, half Rego checks, each in a folder of its own.
fn manifests(plugins: &Path) -> Outcome {
    for index in 0..N_MANIFESTS {
        let name = format!("plugin_{index:03}");
        let home = plugins.join(&name);
        std::fs::create_dir_all(&home)?;
        let manifest = if index % 2 == 0 {
            format!(
                "[info]\nname = \"{name}\"\ntype = \"provider\"\ndescription = \"Gathers things of kind {index}\"\nversion = \"1.0.0\"\n\n\
                 [run]\ncommand = [\"./serve\", \"--kind\", \"{index}\"]\nenv = [\"AWS_*\"]\n\n[timeouts]\nhook_total = \"10m\"\n"
            )
        } else {
            std::fs::write(
                home.join("check.rego"),
                format!(
                    "package {name}\n\ndetails := [x | some x in input.items; x.size > data.config.max_size_{index}]\n"
                ),
            )?;
            format!(
                "[info]\nname = \"{name}\"\ntype = \"rego\"\nuses = [\"plugin_{:03}\", \"rego\"]\ndescription = \"Checks things of kind {index}\"\n\n\
                 [rego]\nrego_file = \"check.rego\"\n\n[check]\nseverity = \"high\"\nremediation = \"Make it smaller.\"\n\n\
                 [config.max_size_{index}]\ntype = \"integer\"\ndefault = 5\ndescription = \"largest size\"\n",
                index - 1
            )
        };
        std::fs::write(home.join("manifest.toml"), manifest)?;
        let program = home.join("serve");
        std::fs::write(&program, "#!/bin/sh\n")?;
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

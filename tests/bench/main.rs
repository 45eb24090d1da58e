//! The benchmarks: one command for each figure, ratios against a baseline that is measured in the same rounds.
//!
//! Nothing here decides what is good enough: the goals stand in README.md, beside what was measured.

mod bulk;
mod checks;
mod child;
mod commands;
mod kills;
mod latency;
mod peer;
mod python_start;
mod rego;
mod report;
mod soak;
mod tree;
mod volumes;

use std::path::PathBuf;
use std::process::ExitCode;

/// Any failure ends the benchmark; its text is all that is needed.
type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const USAGE: &str = "\
usage: bench FIGURE [--opsbox PATH] [--rounds N] [--calls N] [--megabytes N] [--volumes N] [--keep DIR] [--python PATH]
figures: latency | bulk | bulk-memory | commands | checks | python-start | rego | kills |
         soak-cycles | soak-calls | soak-plugins | soak-runs
";

/// What a figure may be told.
#[derive(Clone)]
struct Options {
    /// The binary that is measured.
    opsbox: PathBuf,
    rounds: usize,
    calls: usize,
    megabytes: usize,
    volumes: usize,
    /// The interpreter of Python plugins; without it that of the tests.
    python: Option<PathBuf>,
    /// Where files are made; without it a folder that is removed at the end.
    keep: Option<PathBuf>,
}

impl Options {
    /// Makes a folder for a figure's files.
    fn folder(&self) -> Outcome<Folder> {
        match &self.keep {
            Some(path) => {
                std::fs::create_dir_all(path)?;
                Ok(Folder {
                    path: path.canonicalize()?,
                    _temporary: None,
                })
            }
            None => {
                let temporary = tempfile::tempdir()?;
                Ok(Folder {
                    path: temporary.path().to_owned(),
                    _temporary: Some(temporary),
                })
            }
        }
    }
}

struct Folder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Outcome {
    let Some((figure, rest)) = args.split_first() else {
        return Err(USAGE.into());
    };
    if figure == "child" {
        return child::serve(rest);
    }
    let options = options(rest)?;
    report::line(&report::surroundings(&options.opsbox))?;
    match figure.as_str() {
        "latency" => latency::measure(&options),
        "bulk" => bulk::measure(&options),
        "bulk-once" => bulk::once(&options),
        "bulk-memory" => bulk::memory(&options),
        "commands" => commands::measure(&options),
        "checks" => checks::measure(&options),
        "python-start" => python_start::measure(&options),
        "rego" => rego::measure(&options),
        "kills" => kills::measure(&options),
        "soak-cycles" => soak::cycles(&options),
        "soak-calls" => soak::calls(&options),
        "soak-plugins" => soak::plugins(&options),
        "soak-runs" => soak::runs(&options),
        other => Err(format!("no figure `{other}`\n{USAGE}").into()),
    }
}

fn options(args: &[String]) -> Outcome<Options> {
    let own = std::env::current_exe()?;
    // target/release/examples/bench stands one folder below target/release/opsbox.
    let beside = own
        .parent()
        .and_then(|folder| folder.parent())
        .map(|folder| folder.join("opsbox"));
    let mut options = Options {
        opsbox: beside.unwrap_or_else(|| PathBuf::from("opsbox")),
        rounds: 9,
        calls: 20_000,
        megabytes: 128,
        volumes: 100_000,
        python: None,
        keep: None,
    };
    let mut words = args.iter();
    while let Some(flag) = words.next() {
        let value = words
            .next()
            .ok_or_else(|| format!("`{flag}` needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--opsbox" => options.opsbox = PathBuf::from(value).canonicalize()?,
            "--rounds" => options.rounds = value.parse()?,
            "--calls" => options.calls = value.parse()?,
            "--megabytes" => options.megabytes = value.parse()?,
            "--volumes" => options.volumes = value.parse()?,
            "--python" => options.python = Some(PathBuf::from(value)),
            "--keep" => options.keep = Some(PathBuf::from(value)),
            other => return Err(format!("no flag `{other}`\n{USAGE}").into()),
        }
    }
    Ok(options)
}

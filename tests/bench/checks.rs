//! The eight host checks in one run, over the whole tree of processes.

use crate::report::{self, Series};
use crate::tree::{self, Measure, Watched};
use crate::{Options, Outcome};

const PIPELINE: &str = "disk_space,inodes,memory_pressure,exposed_ports,zombie_processes,passwordless_users,ssh_hardening,reboot_pending-json_out";
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(options: &Options) -> Outcome {
    let folder = options.folder()?;
    let run_with = |measure, more: &[&str]| {
        let watched = Watched::run(
            tree::command(&options.opsbox, &folder.path)
                .args(["run", PIPELINE])
                .args(more)
                .arg("--set")
                .arg(format!(
                    "output_folder={}",
                    folder.path.join("findings").display()
                )),
            measure,
        )?;
        // 4: whole but for what this machine or user does not let anybody see.
        match watched.code {
            Some(0 | 4) => Ok(watched),
            code => Err(Box::<dyn std::error::Error + Send + Sync>::from(format!(
                "ended with {code:?}:\n{}",
                watched.stderr
            ))),
        }
    };
    let run = |measure| run_with(measure, &[]);
    let first = run(None)?;
    let mut unkept = Series::default();
    let (mut wall, mut rss, mut pss, mut peaks) = (
        Series::default(),
        Series::default(),
        Series::default(),
        Series::default(),
    );
    let mut last = None;
    for _ in 0..options.rounds {
        // The wall time is taken without a watcher, which costs a processor.
        wall.push(run(None)?.wall.as_secs_f64() * 1e3);
        unkept.push(run_with(None, &["--no-keep"])?.wall.as_secs_f64() * 1e3);
        pss.push(run(Some(Measure::Pss))?.peak as f64 / MIB);
        let watched = run(Some(Measure::Rss))?;
        rss.push(watched.peak as f64 / MIB);
        peaks.push(watched.sum_of_peaks as f64 / MIB);
        last = Some(watched);
    }
    report::heading("eight host checks, one run", options.rounds)?;
    report::row("wall (goal 60)", "ms", &wall)?;
    report::row("wall with --no-keep", "ms", &unkept)?;
    report::row("most PSS at one moment, summed (goal 60)", "MiB", &pss)?;
    report::row("most RSS at one moment, summed", "MiB", &rss)?;
    report::row("sum of every process's own RSS peak", "MiB", &peaks)?;
    report::line(&format!(
        "  exit code {:?}; the first run of all took {:.1} ms",
        first.code,
        first.wall.as_secs_f64() * 1e3
    ))?;
    if let Some(watched) = last {
        processes(&watched)?;
    }
    Ok(())
}

/// Prints who took what in one run.
pub(crate) fn processes(watched: &Watched) -> Outcome {
    report::line(&format!(
        "  {} processes, seen {} times:",
        watched.n_processes, watched.n_samples
    ))?;
    for (words, peak) in &watched.processes {
        let short: String = words
            .chars()
            .rev()
            .take(60)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        report::line(&format!("    {:>8.1} MiB  {short}", *peak as f64 / MIB))?;
    }
    Ok(())
}

//! What is printed: minimum and median of every series, and where it was measured.

use std::io::Write;
use std::path::Path;

use crate::Outcome;

/// One series of measurements.
#[derive(Default, Clone)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[n / 2],
            n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        }
    }

    /// Divides round by round, so that what slows a whole round falls out.
    pub(crate) fn over(&self, base: &Self) -> Self {
        Self(self.0.iter().zip(&base.0).map(|(own, base)| own / base).collect())
    }
}

/// Prints a heading for rows of [`row`].
pub(crate) fn heading(figure: &str, rounds: usize) -> Outcome {
    line(&format!("{figure}, {rounds} rounds"))?;
    line(&format!("  {:<44}{:>10}{:>10}{:>10}", "", "min", "median", "max"))
}

/// Prints a series.
pub(crate) fn row(name: &str, unit: &str, series: &Series) -> Outcome {
    let name = format!("{name} [{unit}]");
    let (min, median, max) = (series.min(), series.median(), series.max());
    line(&format!("  {name:<44}{min:>10.2}{median:>10.2}{max:>10.2}"))
}

pub(crate) fn line(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Says why there is no figure. Where stderr is closed nobody is there to hear it.
pub(crate) fn complain(error: &dyn std::error::Error) {
    drop(writeln!(std::io::stderr().lock(), "bench: {error}"));
}

/// Returns one line on the machine and the build.
pub(crate) fn surroundings(opsbox: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        line.split_once(':')
            .map_or("?", |(_, value)| value)
            .trim()
            .to_owned()
    };
    let build = if cfg!(debug_assertions) {
        "DEBUG BUILD, no figure"
    } else {
        "release"
    };
    let size = std::fs::metadata(opsbox).map_or(0, |meta| meta.len());
    format!(
        "# {build} | {} | cpus allowed {} | Linux {} | load {} | {} of {} bytes",
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/self/status"), "Cpus_allowed_list"),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/proc/loadavg").split(' ').next().unwrap_or("?"),
        opsbox.display(),
        size,
    )
}

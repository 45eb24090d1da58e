//! How long runs are kept and how much room they may take: `[runs]` of `opsbox.toml`, `OPSBOX_RUNS_*`, defaults.

use std::time::Duration;

use crate::config::Project;
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::manifest::units;

const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);
const MAX_SIZE: u64 = 1 << 30;

/// A setting, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<T> {
    /// The value.
    pub value: T,
    /// Where it came from, for people.
    pub origin: String,
}

/// How long runs are kept and how much room they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long; zero: runs are not kept at all.
    pub keep: Bound<Duration>,
    /// How many bytes; what one run keeps is below it as well.
    pub max_size: Bound<u64>,
    /// Whether `max_size` is the project's, and so is about the project's runs alone.
    pub of_project: bool,
}

impl Limits {
    /// Reads the settings.
    ///
    /// # Errors
    /// A usage failure where a variable is no duration or no size.
    pub fn of(environ: &Environ, project: Option<&Project>) -> Result<Self, Failure> {
        let bad = |name: &str, wanted: String| {
            Failure::usage(Fault::new(format!("the variable `{name}` must be {wanted}")))
        };
        let keep_name = "OPSBOX_RUNS_KEEP";
        let size_name = "OPSBOX_RUNS_MAX_SIZE";
        let own = |name: &str| environ.filled(name).map(str::to_owned);
        let keep = own(keep_name)
            .map(|text| units::duration(&text).map_err(|wanted| bad(keep_name, wanted)))
            .transpose()?;
        let max_size = own(size_name)
            .map(|text| units::size(&text).map_err(|wanted| bad(size_name, wanted)))
            .transpose()?;
        let of_file = project.map(|project| format!("{} [runs]", project.path.display()));
        let (file_keep, file_size) =
            project.map_or((None, None), |project| (project.runs.keep, project.runs.max_size));
        let of_project = max_size.is_none() && file_size.is_some();
        Ok(Self {
            keep: choose(keep, keep_name, file_keep, of_file.as_deref(), KEEP),
            max_size: choose(max_size, size_name, file_size, of_file.as_deref(), MAX_SIZE),
            of_project,
        })
    }

    /// Returns whether runs are kept at all.
    pub fn keeps(&self) -> bool {
        !self.keep.value.is_zero() && self.max_size.value > 0
    }
}

fn choose<T>(own: Option<T>, name: &str, file: Option<T>, of_file: Option<&str>, default: T) -> Bound<T> {
    let (value, origin) = match (own, file) {
        (Some(value), _) => (value, name),
        (None, Some(value)) => (value, of_file.unwrap_or_default()),
        (None, None) => (default, "default"),
    };
    Bound {
        value,
        origin: origin.to_owned(),
    }
}

//! `opsbox plugin test`: the conformance suite on one plugin.

mod text;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::host::{self, Own};
use crate::cli::request::{PluginTest, Shown};
use crate::cli::{named, signals};
use crate::config::{Given, Settings};
use crate::conform::{self, Wishes};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::ui::Ui;

/// Where nothing else is shown meanwhile, something is said this often.
const STILL: Duration = Duration::from_secs(10);

/// Tests a plugin, shows what was found and returns the exit code.
///
/// # Errors
/// A usage failure where the plugin cannot be tried, or the file of `--junit` cannot be written.
pub async fn prove(own: &Own, ui: &Arc<Ui>, shown: &Shown<PluginTest>, columns: u16) -> Result<u8, Failure> {
    let query = &shown.query;
    let catalog = host::catalog(own, &query.flags)?;
    if let Some(path) = &query.junit {
        without_old(&own.environ.absolute(path))?;
    }
    let manifest = named::manifest_of(own, &catalog, &query.plugin)?;
    let ctx = host::session_context(own, ui, &catalog, &query.flags);
    // Only what is said here counts: the suite must not reach real services with the user's own settings.
    let bare = Environ::new([], own.environ.cwd.clone(), own.environ.now.clone());
    let given = Given {
        assignments: &query.flags.assignments,
        ..Given::default()
    };
    let settings = Settings::load(&bare, &given)?;
    let wishes = Wishes {
        sample: query.sample.as_deref().map(|path| own.environ.absolute(path)),
        limit: query.flags.timeout,
        served: catalog.serves(&manifest.kind),
    };
    let (ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    let name = manifest.name.clone();
    ui.works(&format!("testing `{name}`"));
    let part = RefCell::new(String::new());
    let said = |about: &str| {
        ui.detail(&name, about);
        about.clone_into(&mut part.borrow_mut());
    };
    let proving = conform::prove(&manifest, &ctx, interrupts.halt(), &settings, &wishes, &said);
    let proved = meanwhile(proving, STILL, |passed| {
        let about = part.borrow();
        ui.lives(&format!("testing `{name}` since {} s: {about}", passed.as_secs()));
    })
    .await;
    ui.worked();
    interrupts.check()?;
    let report = proved?;
    if let Some(path) = &query.junit {
        write(&own.environ.absolute(path), &report.junit(query.strict))?;
    }
    match shown.json {
        true => ui.json(&format!("{:#}\n", report.json(query.strict))),
        false => ui.results(&text::report(&report, columns)),
    }
    Ok(report.exit_code(query.strict))
}

/// Waits for work to be done, and tells each time that it goes on for so long again.
async fn meanwhile<T>(work: impl Future<Output = T>, every: Duration, mut tell: impl FnMut(Duration)) -> T {
    let since = Instant::now();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(every) => tell(since.elapsed()),
        }
    }
}

/// Removes a report of an earlier time: where none comes of this one, an old all-clear must not stay.
///
/// # Errors
/// A usage failure where it is there and cannot be removed.
pub(super) fn without_old(path: &Path) -> Result<(), Failure> {
    match path.is_file().then(|| fs::remove_file(path)) {
        Some(Err(error)) => Err(cannot_write(path, &error)),
        Some(Ok(())) | None => Ok(()),
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(Fault::new(format!("cannot write `{}`: {error}", path.display())))
}

/// Writes a report to a file.
pub(super) fn write(path: &Path, text: &std::io::Result<String>) -> Result<(), Failure> {
    let text = text.as_ref().map_err(|error| cannot_write(path, error))?;
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn work_that_takes_long_is_told_of_until_it_is_done() {
        let (told, heard) = tokio::sync::watch::channel(0);
        let work = async {
            let mut heard = heard.clone();
            // It ends only when it was told of twice.
            heard.wait_for(|n_told| *n_told == 2).await.map(|n_told| *n_told)
        };
        let last = Cell::new(Duration::ZERO);
        let done = meanwhile(work, Duration::from_millis(1), |passed| {
            assert!(passed > last.replace(passed));
            told.send_modify(|n_told| *n_told += 1);
        });
        assert_eq!(done.await.unwrap(), 2);
    }
}

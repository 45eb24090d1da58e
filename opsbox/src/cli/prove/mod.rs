//! `opsbox plugin test`: the conformance suite on one plugin.

mod text;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::cli::host::{self, Own};
use crate::cli::request::{PluginTest, Shown};
use crate::cli::{signals, wire};
use crate::config::{Given, Settings};
use crate::conform::{self, Wishes};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::ui::Ui;

/// Tests a plugin, shows what was found and returns the exit code.
///
/// # Errors
/// A usage failure where the plugin cannot be tried, or the file of `--junit` cannot be written.
pub async fn prove(own: &Own, ui: &Arc<Ui>, shown: &Shown<PluginTest>, columns: u16) -> Result<u8, Failure> {
    let query = &shown.query;
    let catalog = host::catalog(own, &query.flags)?;
    let manifest = wire::manifest_of(own, &catalog, &query.plugin)?;
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
    };
    let (ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    let name = manifest.name.clone();
    ui.works(&format!("testing `{name}`"));
    let said = |part: &str| ui.detail(&name, part);
    let proved = conform::prove(&manifest, &ctx, interrupts.halt(), &settings, &wishes, &said).await;
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

/// Writes a report to a file.
pub(super) fn write(path: &Path, text: &std::io::Result<String>) -> Result<(), Failure> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::usage(Fault::new(format!("cannot write `{}`: {error}", path.display())))
    };
    let text = text.as_ref().map_err(|error| fault(error))?;
    fs::write(path, text).map_err(|error| fault(&error))
}

//! `opsbox check test`: the `test_` rules of policies, and checks over data with known findings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cases::{self, Data};
use super::find::{Found, MANIFEST};
use super::report::{Report, Test};
use super::rules;
use super::worker::Evaluator;
use crate::bounded::read_text;
use crate::cli::host::{self, Own};
use crate::cli::prove;
use crate::cli::request::{CheckTest, RunFlags};
use crate::cli::signals::{self, Interrupts};
use crate::discover::Catalog;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;
use crate::plugin::{PluginError, SessionContext};
use crate::rego::scan::MOST_READ;
use crate::ui::Ui;

/// Runs the tests below a path, shows how they ended and returns the exit code: 1 where one failed.
///
/// # Errors
/// Where there is no policy or no test, or a policy or a manifest cannot be used.
pub(in crate::cli) async fn test(
    own: &Own,
    ui: &Arc<Ui>,
    query: &CheckTest,
    json: bool,
) -> Result<u8, Failure> {
    if let Some(path) = &query.junit {
        prove::without_old(&own.environ.absolute(path))?;
    }
    let ctx = host::session_context(own, ui, &Catalog::default(), &RunFlags::default());
    let path = own.environ.absolute(&query.path);
    let path = match path.parent() {
        Some(folder) if path.file_name().is_some_and(|name| name == MANIFEST) && path.is_file() => folder,
        _ => &path,
    };
    let data = query
        .data
        .iter()
        .map(|folder| Data::of(&own.environ.absolute(folder)));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    let found = Found::below(path)?;
    let checks = found.checks(|folder| !data.is_empty() || cases::has_own(folder))?;
    let (ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    let testing = Testing {
        ui,
        ctx: &ctx,
        interrupts: &interrupts,
        query,
    };
    let mut report = Report::default();
    let mut unusable = Vec::new();
    for (folder, files) in &found.policies {
        match testing.rules(folder, files, &mut report).await {
            // The others are tested all the same.
            Err(failure) if failure.kind == Kind::Usage => {
                unusable.extend(failure.faults.into_iter().map(|fault| (folder, fault)));
            }
            other => other?,
        }
    }
    for (folder, manifest) in &checks {
        testing.cases(folder, manifest, &data, &mut report).await?;
    }
    if !unusable.is_empty() && report.tests.is_empty() {
        let faults = unusable.into_iter().map(|(_, fault)| fault).collect();
        return Err(Failure {
            kind: Kind::Usage,
            faults,
        });
    }
    let entries = unusable
        .iter()
        .map(|(folder, fault)| Test::unusable(folder, fault));
    report.tests.extend(entries);
    if report.tests.is_empty() {
        let fault = Fault::new(format!("no test in `{}`", path.display())).hint(
            "write rules whose names begin with `test_` in files beside the policy, or put data into `tests/NAME.input.json`",
        );
        return Err(Failure::usage(fault));
    }
    if let Some(path) = &query.junit {
        prove::write(&own.environ.absolute(path), &report.junit())?;
    }
    match json {
        true => ui.json(&format!("{:#}\n", report.json())),
        false => ui.results(&report.text(query.coverage)),
    }
    match unusable.is_empty() {
        true => Ok(u8::from(!report.is_passed())),
        false => Ok(Kind::Usage.exit_code()),
    }
}

struct Testing<'a> {
    ui: &'a Arc<Ui>,
    ctx: &'a SessionContext,
    interrupts: &'a Interrupts,
    query: &'a CheckTest,
}

impl Testing<'_> {
    /// Runs the `test_` rules of a folder.
    async fn rules(&self, folder: &Path, files: &[PathBuf], report: &mut Report) -> Result<(), Failure> {
        // What cannot be read is told by whoever needs it.
        let is_tested =
            |file: &PathBuf| read_text(file, MOST_READ).map_or(true, |(text, _)| text.contains("test_"));
        if !files.iter().any(is_tested) {
            return Ok(());
        }
        let version = self.query.rego_version;
        let outcomes = rules::run(self.ui, self.ctx, files, version, self.interrupts.halt()).await;
        self.interrupts.check()?;
        let outcomes = outcomes.map_err(|error| {
            let fault = error.fault(&folder.display().to_string());
            match error {
                // The file cannot be used; else whoever evaluates it failed.
                PluginError::Policy { .. } | PluginError::Unreadable { .. } => Failure::usage(fault),
                _ => Failure::run(fault),
            }
        })?;
        if outcomes.tests.is_empty() {
            return Ok(());
        }
        report.tests.extend(outcomes.tests.into_iter().map(Into::into));
        for lines in &outcomes.coverage {
            report
                .coverage
                .add(&lines.file, &lines.covered, &lines.not_covered);
        }
        Ok(())
    }

    /// Runs the cases of a check.
    async fn cases(
        &self,
        folder: &Path,
        manifest: &Manifest,
        data: &[Data],
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut evaluator = Evaluator::new(self.ui, self.ctx, self.interrupts.halt());
        for case in cases::of_check(folder, manifest, data)? {
            let test = case
                .run(manifest, &mut evaluator, &mut report.coverage, self.query.update)
                .await;
            if self.interrupts.aborted() {
                break;
            }
            report.tests.push(test);
        }
        evaluator.stop().await;
        self.interrupts.check()
    }
}

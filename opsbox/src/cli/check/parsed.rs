//! Whether the policies of the Rego checks that are there can be parsed; `plugins doctor` asks.

use std::path::Path;
use std::sync::Arc;

use super::rules;
use crate::cli::host::{self, Own};
use crate::cli::request::RunFlags;
use crate::cli::signals;
use crate::discover::Catalog;
use crate::error::Fault;
use crate::manifest::Policy;
use crate::ui::Ui;

/// Returns what is wrong with policies, by their checks. The child that evaluates policies parses them, as in a run.
pub(in crate::cli) async fn unparsed(
    own: &Own,
    ui: &Arc<Ui>,
    catalog: &Catalog,
    flags: &RunFlags,
) -> Vec<Fault> {
    let of_check = |manifest: &crate::manifest::Manifest| match &manifest.rego.as_ref()?.policy {
        Policy::File(path) => Some((
            manifest.name.clone(),
            path.clone(),
            manifest.rego.as_ref()?.version,
        )),
        Policy::Embedded(_) => None,
    };
    let policies: Vec<_> = catalog
        .plugins
        .iter()
        .filter_map(|manifest| of_check(manifest))
        .collect();
    if policies.is_empty() {
        return Vec::new();
    }
    let ctx = host::session_context(own, ui, catalog, flags);
    let (ctx, interrupts) = signals::guarded(&ctx, ui, signals::OF_A_QUESTION);
    let mut faults = Vec::new();
    for (check, path, version) in policies {
        let files = [path];
        let first = rules::run(ui, &ctx, &files, version.unwrap_or(1), interrupts.halt()).await;
        let error = match (first, version) {
            (Ok(_), _) => continue,
            // What is no policy of today may be one of old, where the check leaves that open.
            (Err(error), None) => match rules::run(ui, &ctx, &files, 0, interrupts.halt()).await {
                Ok(_) => continue,
                Err(_) => error,
            },
            (Err(error), Some(_)) => error,
        };
        let mut fault = error.fault(&check);
        fault.hints.push(again(&files[0]));
        faults.push(fault);
    }
    faults
}

fn again(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new("."));
    format!(
        "mend the policy and try it: `opsbox check test {}`",
        folder.display()
    )
}

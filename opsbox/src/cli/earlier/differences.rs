//! What is another now than in the kept run: plugins, which keep it from being gone on with, and fields, which are told.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Earlier, Taking};
use crate::cli::dispatch;
use crate::cli::host::Own;
use crate::cli::run::Prepared;
use crate::cli::schemas;
use crate::config::Wanted;
use crate::error::{Failure, Fault, Kind};
use crate::manifest::Manifest;
use crate::plugin::{SessionContext, launch};
use crate::redact::Redactor;
use crate::store::Kept;
use crate::store::shape::{StoredPlan, StoredRun};
use crate::ui::Ui;

impl Earlier {
    /// Returns the steps whose plugins are others than they were.
    pub(super) fn changed(
        &self,
        kept: &Kept,
        prepared: &Prepared,
        now: &[StoredPlan],
    ) -> Result<BTreeSet<usize>, Failure> {
        let run = &kept.run;
        let id = self.id();
        if prepared.plan.pipeline != run.pipeline {
            let fault = Fault::new(format!(
                "run `{id}` was of the pipeline `{}`; `{}` is `{}` now",
                run.pipeline,
                run.name.as_deref().unwrap_or_default(),
                prepared.plan.pipeline
            ));
            return Err(Failure::usage(
                fault.hint("run the pipeline anew, without `--resume`"),
            ));
        }
        let mut changed = BTreeSet::new();
        let mut faults = Vec::new();
        for (index, plan) in now.iter().enumerate() {
            let difference = match self.stored(plan) {
                Some(stored) => stored.plan.difference(plan),
                None => Some(format!("`{}` was not part of run `{id}`", plan.plugin)),
            };
            if let Some(difference) = difference {
                changed.insert(index);
                faults.push(Fault::new(difference));
            }
        }
        if self.force || faults.is_empty() {
            return Ok(changed);
        }
        if let Some(last) = faults.last_mut() {
            last.hints.push(format!(
                "`opsbox run --resume {id} --force` runs these again and takes the rest from run `{id}`"
            ));
        }
        Err(Failure {
            kind: Kind::Usage,
            faults,
        })
    }

    /// Warns of fields that are another now than when what is taken was made, and keeps the schemas by which their secrets are known.
    pub(super) async fn compare_configuration(
        &self,
        own: &Own,
        ui: &Arc<Ui>,
        ctx: &SessionContext,
        prepared: &Prepared,
        taking: &mut Taking,
    ) -> Result<(), Failure> {
        let names: BTreeSet<_> = taking
            .steps
            .values()
            .map(|taken| taken.record.plugin.as_str())
            .collect();
        let manifests: Vec<_> = prepared
            .plan
            .plugins()
            .into_iter()
            .filter(|manifest| names.contains(manifest.name.as_str()))
            .collect();
        let schemas = schemas::schemas(&own.environ, ui, ctx, &prepared.catalog, &manifests).await?;
        let mut wanted = dispatch::wanted(&manifests, &schemas);
        for taken in taking.steps.values_mut() {
            let own = wanted.iter().find(|wanted| wanted.plugin == taken.record.plugin);
            taken.schema = own.map(|wanted| wanted.schema.clone());
        }
        // Of a plugin that could not be asked nothing is known now.
        wanted.retain(|wanted| *wanted.schema != Value::Bool(true));
        let names: BTreeSet<_> = wanted.iter().map(|wanted| wanted.plugin).collect();
        let now = StoredRun::fields(&prepared.settings.survey(&wanted).plugins);
        let was: Vec<_> = self
            .config()
            .iter()
            .filter(|field| names.contains(field.plugin.as_str()))
            .collect();
        // A secret may stand in a field that is none, too.
        let secrets = secrets(ctx, prepared, &wanted);
        let shown = |value: Option<&Value>| match value {
            Some(value) => secrets.text(value.to_string()).into_owned(),
            None => "not set".to_owned(),
        };
        let warn = |plugin: &str, field: &str, was: String, is: String| {
            ui.warn(&format!(
                "`{plugin}.{field}` was {was} in run {} and is {is} now; what is taken of `{plugin}` is from then",
                self.id()
            ));
        };
        for field in &now {
            let old = was
                .iter()
                .find(|old| old.plugin == field.plugin && old.field == field.field);
            let differs = old.is_none_or(|old| old.value != field.value);
            // Which fields are secrets, plugins decide together, and not all of them are asked here.
            let secret = field.secret || old.is_some_and(|old| old.secret);
            if !secret && differs {
                let old = old.and_then(|old| old.value.as_ref());
                warn(
                    &field.plugin,
                    &field.field,
                    shown(old),
                    shown(field.value.as_ref()),
                );
            }
        }
        for old in was.iter().filter(|old| !old.secret) {
            if !now
                .iter()
                .any(|field| field.plugin == old.plugin && field.field == old.field)
            {
                warn(
                    &old.plugin,
                    &old.field,
                    shown(old.value.as_ref()),
                    "not set".into(),
                );
            }
        }
        Ok(())
    }
}

/// Finds the secrets of the plugins whose fields are known here: of those that are wanted, and of all others whose manifests declare them.
fn secrets(ctx: &SessionContext, prepared: &Prepared, wanted: &[Wanted<'_>]) -> Redactor {
    let plugins = prepared.plan.plugins();
    let is_wanted = |manifest: &Manifest| wanted.iter().any(|wanted| wanted.plugin == manifest.name);
    let others = plugins.iter().filter(|manifest| !is_wanted(manifest));
    let others = others.filter_map(|manifest| {
        Some(Wanted {
            plugin: &manifest.name,
            schema: manifest.config_schema.as_ref()?,
            legacy: manifest.legacy,
        })
    });
    let all: Vec<_> = wanted.iter().copied().chain(others).collect();
    let resolution = prepared.settings.resolve(&all);
    let variables = launch::seen_by(plugins.iter().map(Arc::as_ref), ctx);
    let variables = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    Redactor::of_run(&resolution.plugins, variables)
}

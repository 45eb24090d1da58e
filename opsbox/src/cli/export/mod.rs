//! `opsbox runs export`: what the providers of a kept run returned, as files for others, without secrets.

mod configured;
mod sought;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::cli::host::Own;
use crate::cli::request::{Answer, Exporting};
use crate::cli::runs::size;
use crate::cli::table::{clean, path_json, table};
use crate::error::{Failure, Fault, Kind};
use crate::redact::{self, Redacted, Redactor};
use crate::report::summary::cause_of;
use crate::report::{Role, Status};
use crate::store::exported::{
    self, DATA, EXPORT_VERSION, ExportedProvider, ExportedRun, INDEX, RedactedField,
};
use crate::store::kept::tame;
use crate::store::shape::StoredData;
use crate::store::{Kept, Store, Stored};
use crate::ui::Ui;
use configured::Configured;

/// The exit code where something of the run could not be exported.
const PARTIAL: u8 = 4;
/// So many fields are named in a warning.
const MOST_NAMED: usize = 5;

/// Exports a run and says what was written, and what was taken out of it.
///
/// # Errors
/// Where the run cannot be used, a secret of it is not known, or the folder cannot be written; nothing is written then.
pub(super) async fn export(
    own: &Own,
    ui: &std::sync::Arc<Ui>,
    query: &Exporting,
    columns: u16,
) -> Result<Answer, Failure> {
    let kept = Store::at(&own.environ.state_dir)
        .find(&query.run)
        .map_err(Failure::usage)?;
    let _claim = kept.claim().map_err(Failure::usage)?;
    for damage in &kept.damage {
        ui.warn(&format!("{damage}; the run is exported without it"));
    }
    let sought = sought::sought(own, ui, query, &kept.run).await?;
    let mut made = Made::default();
    let mut names = BTreeSet::new();
    for stored in kept.steps.iter().filter(|step| step.plan.role == Role::Provider) {
        made.provider(&kept, stored, &sought.redactor, &query.redact, &mut names);
    }
    made.configured = Configured::of(&kept.run, &made.providers, &sought, &query.redact);
    made.check(&kept, query)?;
    let index = made.index(&kept, &sought);
    let text = serde_json::to_string_pretty(&index)
        .map_err(|error| Failure::run(Fault::new(format!("cannot write `{INDEX}`: {error}"))))?;
    made.files.push((INDEX.to_owned(), text + "\n"));
    let folder = own.environ.absolute(&query.folder);
    let private = !index.not_looked_for.is_empty();
    exported::write(&folder, &made.files, private, query.force).map_err(Failure::usage)?;
    made.warn(ui, &index);
    Ok(Answer {
        text: text_of(query, &index, &made, columns),
        json: json!({"folder": path_json(&folder), "export": index}),
        code: if index.complete { 0 } else { PARTIAL },
    })
}

/// What is to be written, and what was seen on the way.
#[derive(Default)]
struct Made {
    providers: Vec<ExportedProvider>,
    files: Vec<(String, String)>,
    configured: Configured,
    telling: BTreeMap<String, u64>,
}

impl Made {
    fn provider(
        &mut self,
        kept: &Kept,
        stored: &Stored,
        redactor: &Redactor,
        hide: &[String],
        names: &mut BTreeSet<String>,
    ) {
        let plan = &stored.plan;
        let mut step = stored.record().cloned();
        if let Some(step) = &mut step {
            redactor.step(step);
            redactor.names(step);
            step.from_run = None;
        }
        let mut provider = ExportedProvider {
            plugin: plan.plugin.clone(),
            version: plan.version.clone(),
            file: None,
            missing: stored.damage.clone(),
            step,
            redacted: Vec::new(),
        };
        match kept.results(stored) {
            Ok(results) => {
                // Of several only the first was ever seen by a check.
                if let Some(text) = results
                    .first()
                    .and_then(|result| str::from_utf8(&result.bytes).ok())
                {
                    let Redacted {
                        text,
                        hidden,
                        telling,
                    } = redact::json(text, Some(redactor), hide);
                    let fields = hidden.into_iter();
                    provider.redacted = fields
                        .map(|(field, times)| RedactedField { field, times })
                        .collect();
                    let file = file_name(&plan.plugin, names);
                    for (field, n) in telling {
                        *self.telling.entry(format!("{file}: {field}")).or_default() += n;
                    }
                    self.files.push((file.clone(), text));
                    provider.file = Some(file);
                }
            }
            // The message would name a path of this machine.
            Err(_) => provider.missing = Some(why_missing(stored)),
        }
        self.providers.push(provider);
    }

    /// Looks whether there is something to export, and whether every field of `--redact` was there.
    fn check(&self, kept: &Kept, query: &Exporting) -> Result<(), Failure> {
        let id = &kept.run.run;
        if self.providers.is_empty() {
            let fault = Fault::new(format!(
                "run `{id}` has no provider, so there is nothing to export"
            ));
            return Err(Failure::usage(fault));
        }
        let is_there = |field: &String| {
            let mut redacted = self.providers.iter().flat_map(|provider| &provider.redacted);
            redacted.any(|redacted| redacted.field == *field) || self.configured.hidden.contains_key(field)
        };
        // What is below a field that is hidden whole is not looked at any more.
        let is_below = |field: &str, other: &String| {
            let rest = field.strip_prefix(other.as_str());
            rest.is_some_and(|rest| rest.starts_with(['.', '['])) && is_there(other)
        };
        let known =
            |field: &&String| is_there(field) || query.redact.iter().any(|other| is_below(field, other));
        let faults: Vec<_> = query
            .redact
            .iter()
            .filter(|field| !known(field))
            .map(|field| {
                Fault::new(format!("`--redact {field}`: run `{id}` has no such field"))
                    .hint("write the path from the Result on, with `[]` for all items of a list: `details.users[].email`")
            })
            .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Failure {
            kind: Kind::Usage,
            faults,
        })
    }

    fn index(&self, kept: &Kept, sought: &sought::Sought) -> ExportedRun {
        let run = &kept.run;
        ExportedRun {
            export: EXPORT_VERSION,
            run: run.run.clone(),
            opsbox: run.opsbox.clone(),
            started: run.started.clone(),
            pipeline: run.pipeline.clone(),
            complete: self
                .providers
                .iter()
                .all(|provider| provider.missing.is_none() && provider.step.is_some()),
            config: self.configured.fields.clone(),
            providers: self.providers.clone(),
            not_looked_for: sought.accepted.clone(),
        }
    }

    fn warn(&self, ui: &Ui, index: &ExportedRun) {
        for name in &index.not_looked_for {
            ui.warn(&format!(
                "the secret `{name}` was not looked for: it may stand in these files, which only you can read"
            ));
        }
        let configured = self.configured.telling.keys();
        let mut telling: Vec<_> = configured.map(|field| format!("{INDEX}: {field}")).collect();
        telling.extend(self.telling.keys().cloned());
        if !telling.is_empty() {
            let fields: Vec<_> = telling
                .iter()
                .take(MOST_NAMED)
                .map(|field| clean(field))
                .collect();
            let more = match telling.len().saturating_sub(MOST_NAMED) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            ui.warn(&format!(
                "fields whose names tell of secrets are exported as they are: `{}`{more}; look at them, or leave them out with `--redact FIELD`",
                fields.join("`, `")
            ));
        }
    }
}

fn why_missing(stored: &Stored) -> String {
    match stored.ended.as_ref().map(|ended| &ended.data) {
        Some(StoredData::LeftOut { why }) => format!("it was not kept: {why}"),
        _ => "what is kept of it is damaged".to_owned(),
    }
}

/// Returns the name of a provider's file, which no other has.
fn file_name(plugin: &str, names: &mut BTreeSet<String>) -> String {
    let tame = tame(plugin);
    let name = (1..)
        .map(|n| match n {
            1 => format!("{tame}{DATA}"),
            n => format!("{tame}-{n}{DATA}"),
        })
        .find(|name| !names.contains(name))
        .unwrap_or_default();
    names.insert(name.clone());
    name
}

fn text_of(query: &Exporting, index: &ExportedRun, made: &Made, columns: u16) -> String {
    let bytes = |file: &str| {
        let mut files = made.files.iter();
        files
            .find(|(name, _)| name == file)
            .map_or(0, |(_, text)| text.len())
    };
    let row = |provider: &ExportedProvider| {
        let status = provider.step.as_ref().map_or("-", |step| step.status.word());
        let cause = match (&provider.missing, &provider.step) {
            (Some(why), _) => why.clone(),
            (None, None) => "had not ended".to_owned(),
            (None, Some(step)) if step.status != Status::Clean => cause_of(step),
            _ => String::new(),
        };
        vec![
            clean(&provider.plugin),
            status.to_owned(),
            provider.file.clone().unwrap_or_else(|| "-".to_owned()),
            provider
                .file
                .as_deref()
                .map_or(String::new(), |file| size(bytes(file) as u64)),
            cause,
        ]
    };
    let rows = index.providers.iter().map(row).collect();
    let mut text = table(&["provider", "status", "file", "size", "cause"], rows, columns);
    let redacted = index.providers.iter().flat_map(|provider| {
        let file = provider.file.clone().unwrap_or_default();
        provider
            .redacted
            .iter()
            .map(move |field| vec![file.clone(), clean(&field.field), field.times.to_string()])
    });
    let configured = made.configured.hidden.iter();
    let configured = configured.map(|(field, n)| vec![INDEX.to_owned(), clean(field), n.to_string()]);
    let redacted: Vec<_> = redacted.chain(configured).collect();
    if !redacted.is_empty() {
        text.push('\n');
        text.push_str(&table(&["file", "redacted field", "times"], redacted, columns));
    }
    text.push_str(&format!(
        "\nrun {} is exported to {}; `opsbox run --replay {}` runs on it\n",
        index.run,
        clean(&query.folder.display().to_string()),
        clean(&query.folder.display().to_string())
    ));
    text
}

//! The secrets that must not be in what is exported: what the run was configured with, as far as today's configuration still says it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::cli::host::{self, Own};
use crate::cli::request::{Exporting, RunFlags};
use crate::cli::{deliver, dispatch, run, schemas};
use crate::config::own::of_rego_checks;
use crate::config::{FieldReport, Project, Resolution, SECRET};
use crate::error::{Failure, Fault, Kind};
use crate::plugin::launch;
use crate::redact::{Redactor, can_be_found, userinfo_within};
use crate::store::shape::{StoredField, StoredRun};
use crate::ui::Ui;

/// What is looked for.
pub(super) struct Sought {
    /// Finds the secrets.
    pub(super) redactor: Redactor,
    /// The secrets that are not known, and that somebody wants to do without; sorted.
    pub(super) accepted: Vec<String>,
    /// The secret fields, by plugin and name: those that were secret when the run began, and those that are now.
    fields: BTreeSet<(String, String)>,
}

impl Sought {
    /// Returns whether the value of a field must not be shown.
    pub(super) fn is_secret(&self, field: &StoredField) -> bool {
        field.secret || self.fields.contains(&(field.plugin.clone(), field.field.clone()))
    }
}

/// A secret that cannot be looked for.
struct Unknown {
    /// `plugin.field`, or the name of a variable.
    name: String,
    fault: Fault,
}

/// Resolves today's configuration of the plugins of a run.
///
/// # Errors
/// A usage failure that names every secret of the run that is not known now, unless `--accept-unknown` names it.
pub(super) async fn sought(
    own: &Own,
    ui: &Arc<Ui>,
    query: &Exporting,
    run: &StoredRun,
) -> Result<Sought, Failure> {
    let mut flags = query.flags.clone();
    if flags.plugin_dirs.is_empty() {
        flags.plugin_dirs.clone_from(&run.plugin_dirs);
    }
    let catalog = host::catalog(own, &flags)?;
    let ctx = host::session_context(own, ui, &catalog, &flags);
    let names: BTreeSet<&str> = run
        .steps
        .iter()
        .map(|step| step.plugin.as_str())
        .chain(run.config.iter().map(|field| field.plugin.as_str()))
        .collect();
    let manifests: Vec<_> = names
        .into_iter()
        .filter_map(|name| catalog.find(name).ok())
        .collect();
    let schemas = schemas::schemas(&own.environ, ui, &ctx, &catalog, &manifests).await?;
    let mut wanted = dispatch::wanted(&manifests, &schemas);
    wanted.push(of_rego_checks());
    let mut settings = settings(own, &flags, run)?;
    settings.hide(deliver::secrets_of(&run.config));
    let mut resolution = settings.resolve(&wanted);
    for warning in &resolution.warnings {
        ui.warn(warning);
    }
    let mut variables = launch::seen_by(manifests.iter().map(Arc::as_ref), &ctx);
    for name in &run.secret_variables {
        if let Some(value) = own.environ.filled(name) {
            variables.insert(name.clone(), value.to_owned());
        }
    }
    let of_fields = run.config.iter().filter_map(|field| of_field(field, &resolution));
    let of_variables = run
        .secret_variables
        .iter()
        .filter(|name| !variables.contains_key(*name))
        .map(|name| of_variable(name));
    let unknown: Vec<_> = of_fields.chain(of_variables).collect();
    let fields = take_secrets(run, &mut resolution);
    Ok(Sought {
        fields,
        redactor: Redactor::of_run(
            &resolution.plugins,
            variables
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
        accepted: accepted(unknown, query, run, &resolution)?,
    })
}

/// Reads the sources of configuration that the run had: those of its own project, wherever the user is now.
fn settings(own: &Own, flags: &RunFlags, run: &StoredRun) -> Result<crate::config::Settings, Failure> {
    let project = match &run.project {
        Some(path) if path.is_file() => Some(Project::read(path)?),
        _ => None,
    };
    let known = |name: &&String| {
        project
            .as_ref()
            .is_some_and(|project| project.pipelines.contains_key(*name))
    };
    let name = run.name.as_ref().filter(known);
    run::load(own, flags, project.as_ref(), name.map(String::as_str))
}

/// Has the value that the run stored of a field that was no secret then, and is one now, looked for as well. Returns all fields that are
/// secrets, to which belong those that were.
fn take_secrets(run: &StoredRun, resolution: &mut Resolution) -> BTreeSet<(String, String)> {
    let mut secret = BTreeSet::new();
    for plugin in &mut resolution.plugins {
        let mut stored = Vec::new();
        for now in plugin.fields.iter().filter(|now| now.secret) {
            let is_it = |was: &&StoredField| was.plugin == now.plugin && was.field == now.name;
            let was = run.config.iter().filter(is_it);
            stored.extend(was.filter_map(|was| was.value.clone()).map(|value| FieldReport {
                value: Some(value),
                ..now.clone()
            }));
            secret.insert((now.plugin.clone(), now.name.clone()));
        }
        plugin.fields.extend(stored);
    }
    secret
}

/// Returns the names of unknown secrets that somebody wants to do without.
fn accepted(
    unknown: Vec<Unknown>,
    query: &Exporting,
    run: &StoredRun,
    resolution: &Resolution,
) -> Result<Vec<String>, Failure> {
    let wants = |name: &str| {
        let field = name.split_once('.').map_or(name, |(_, field)| field);
        query
            .accept_unknown
            .iter()
            .any(|accepted| accepted == name || accepted == field)
    };
    let (accepted, refused): (Vec<_>, Vec<_>) = unknown.into_iter().partition(|one| wants(&one.name));
    if refused.is_empty() {
        let names: BTreeSet<_> = accepted.into_iter().map(|one| one.name).collect();
        return Ok(names.into_iter().collect());
    }
    let mut faults: Vec<_> = refused
        .into_iter()
        .map(|one| {
            let Fault { message, mut hints } = one.fault;
            hints.push(format!(
                "`--accept-unknown {}` exports without looking for it",
                one.name
            ));
            Fault {
                message: format!("run `{}`: {message}", run.run),
                hints,
            }
        })
        .collect();
    // What is wrong with today's configuration may be why.
    faults.extend(resolution.faults.iter().cloned());
    Err(Failure {
        kind: Kind::Usage,
        faults,
    })
}

/// Returns why the secret in a field is not known; `None` where it is, or where there was none.
fn of_field(was: &StoredField, resolution: &Resolution) -> Option<Unknown> {
    let mut fields = resolution.plugins.iter().flat_map(|plugin| &plugin.fields);
    let now = fields.find(|now| now.plugin == was.plugin && now.name == was.field);
    let value = now.and_then(|now| now.value.as_ref());
    let is_secret = now.is_some_and(|now| now.secret);
    let short = || "is so short that it cannot be told from other text".to_owned();
    let why = match (was.secret, value) {
        (true, Some(value)) if can_be_found(value) => return None,
        (true, Some(_)) => short(),
        (false, _) if is_secret && was.value.as_ref().is_some_and(|value| !can_be_found(value)) => short(),
        (false, _) if !was.value.as_ref().is_some_and(holds_userinfo) => return None,
        (false, Some(value)) if was.value.as_ref() == Some(&userinfo_within(value)) => return None,
        (false, Some(_)) => "held a password of a URL, and is another URL now".to_owned(),
        (_, None) => unset(was, now),
    };
    let name = format!("{}.{}", was.plugin, was.field);
    let message = format!("the secret `{name}` {why}, so it cannot be looked for in the data");
    let hint = format!(
        "give it as the run had it: set `OPSBOX_SET_{}`, or name its file with `--config`",
        was.field.to_uppercase()
    );
    Some(Unknown {
        name,
        fault: Fault::new(message).hint(hint),
    })
}

fn unset(was: &StoredField, now: Option<&FieldReport>) -> String {
    let origin = was.origin.as_deref().unwrap_or("its configuration");
    match now {
        Some(_) => format!("was set by {origin}, and is not set now"),
        None => format!(
            "was set by {origin}, and `{}` cannot be asked for it now",
            was.plugin
        ),
    }
}

fn of_variable(name: &str) -> Unknown {
    let message = format!(
        "plugins saw the variable `{name}`, which is not set now, so its value cannot be looked for in the data"
    );
    Unknown {
        name: name.to_owned(),
        fault: Fault::new(message).hint(format!("set `{name}` as it was")),
    }
}

/// Returns whether a URL in a stored value had a name or a password.
fn holds_userinfo(value: &Value) -> bool {
    value.to_string().contains(&format!("://{SECRET}@"))
}

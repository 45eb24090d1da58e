//! From a request to its answer and the exit code.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::host::{self, Own};
use crate::cli::request::{
    Answer, ConfigQuery, ConfigWhat, PluginsQuery, PluginsWhat, Request, RunFlags, Shown,
};
use crate::cli::run::{self, Prepared};
use crate::cli::{
    args, call, check, config, deliver, demo, diagnosis, doctor, export, new, packages, plan, plugins, prove,
    published, runs, schemas, signals, wire,
};
use crate::config::own::of_rego_checks;
use crate::config::{Resolution, Settings, Wanted};
use crate::discover::Catalog;
use crate::error::Failure;
use crate::manifest::Manifest;
use crate::plugin::SessionContext;
use crate::python;
use crate::store::{Limits, Store};
use crate::ui::Ui;

const PLAIN_COLUMNS: u16 = 80;

/// Does what was asked and returns the exit code.
///
/// # Errors
/// What kept it from being done.
pub async fn answer(own: &Own, ui: &Arc<Ui>, request: Request) -> Result<u8, Failure> {
    signals::survive_size_limits();
    match &own.homeless.refused {
        // An installation would be gone with this command.
        Some(fault) if matches!(request, Request::Packages(_)) => return Err(Failure::usage(fault.clone())),
        Some(fault) => ui.warn(&format!(
            "{}; nothing is kept: {}",
            fault.message,
            fault.hints.join("; ")
        )),
        None => {}
    }
    let code = act(own, ui, request).await?;
    host::ended(ui, code)
}

async fn act(own: &Own, ui: &Arc<Ui>, request: Request) -> Result<u8, Failure> {
    match request {
        Request::Run(flags) => run::run(own, ui, &flags, false).await,
        Request::Demo(flags) => demo::demo(own, ui, flags).await,
        Request::Plan(Shown { query, json }) => {
            let planned = Planned::of(own, ui, &query).await?;
            let resolution = planned.resolution();
            let Prepared { plan, catalog, .. } = &planned.prepared;
            Ok(show(
                ui,
                &plan::answer(plan, catalog, &resolution, columns(own, ui)),
                json,
            ))
        }
        Request::Arguments(flags) => {
            let planned = Planned::of(own, ui, &flags).await?;
            let resolution = planned.resolution();
            let answer = config::arguments(&flags.pipeline, &resolution, columns(own, ui));
            Ok(show(ui, &answer, false))
        }
        Request::Plugins(Shown { query, json }) => {
            Ok(show(ui, &plugins_answer(own, ui, &query).await?, json))
        }
        Request::Packages(Shown { query, json }) => {
            Ok(show(ui, &packages::change(own, ui, &query.change)?, json))
        }
        Request::Config(Shown { query, json }) => Ok(show(ui, &config_answer(own, ui, &query).await?, json)),
        Request::Runs(Shown { query, json }) => {
            Ok(show(ui, &runs::answer(own, &query.what, columns(own, ui))?, json))
        }
        Request::Export(Shown { query, json }) => Ok(show(
            ui,
            &export::export(own, ui, &query, columns(own, ui)).await?,
            json,
        )),
        Request::Deliver(delivering) => deliver::deliver(own, ui, &delivering).await,
        Request::CheckEval(Shown { query, json }) => check::eval(own, ui, &query, json).await,
        Request::CheckTest(Shown { query, json }) => check::test(own, ui, &query, json).await,
        Request::TraceShow(Shown { query, json }) => {
            Ok(show(ui, &wire::trace(own, &query, columns(own, ui))?, json))
        }
        Request::Replay(Shown { query, json }) => Ok(show(
            ui,
            &wire::replay(own, ui, &query, columns(own, ui)).await?,
            json,
        )),
        Request::New(Shown { query, json }) => Ok(show(ui, &new::new(own, ui, &query)?, json)),
        Request::PluginTest(shown) => prove::prove(own, ui, &shown, columns(own, ui)).await,
        Request::Call(call) => call::call(own, ui, &call).await,
        Request::Schemas(Shown { query, json }) => {
            Ok(show(ui, &published::answer(own, &query, columns(own, ui))?, json))
        }
        Request::Completions(shell) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut args::command(), "opsbox", &mut script);
            ui.write(&String::from_utf8_lossy(&script));
            Ok(0)
        }
        Request::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            let facts = json!({"opsbox": version, "protocol": opsbox_protocol::VERSION});
            ui.results(&if json {
                format!("{facts:#}\n")
            } else {
                format!("opsbox {version}\n")
            });
            Ok(0)
        }
    }
}

/// Returns how wide tables may be: the terminal's width, else what COLUMNS says.
fn columns(own: &Own, ui: &Ui) -> u16 {
    let said = || own.environ.var("COLUMNS")?.trim().parse().ok();
    let terminal = ui.terminal().map(|terminal| terminal.columns);
    let wide = terminal.or_else(said).filter(|columns| *columns > 0);
    wide.unwrap_or(PLAIN_COLUMNS)
}

fn show(ui: &Ui, answer: &Answer, json: bool) -> u8 {
    match json {
        true => ui.json(&format!("{:#}\n", answer.json)),
        false => ui.results(&answer.text),
    }
    answer.code
}

/// A plan with the schemas of its plugins, and nothing started that need not be.
struct Planned {
    prepared: Prepared,
    manifests: Vec<Arc<Manifest>>,
    schemas: Vec<Value>,
}

impl Planned {
    async fn of(own: &Own, ui: &Arc<Ui>, flags: &RunFlags) -> Result<Self, Failure> {
        let prepared = run::prepare(own, flags)?;
        let ctx = host::session_context(own, ui, &prepared.catalog, flags);
        let manifests = prepared.plan.plugins();
        let schemas = schemas::schemas(&own.environ, ui, &ctx, &prepared.catalog, &manifests).await?;
        Ok(Self {
            prepared,
            manifests,
            schemas,
        })
    }

    fn wanted(&self) -> Vec<Wanted<'_>> {
        let handler = self.prepared.plan.has_rego_checks().then(of_rego_checks);
        wanted(&self.manifests, &self.schemas)
            .into_iter()
            .chain(handler)
            .collect()
    }

    fn resolution(&self) -> Resolution {
        self.prepared.settings.survey(&self.wanted())
    }
}

pub(super) fn wanted<'a>(manifests: &'a [Arc<Manifest>], schemas: &'a [Value]) -> Vec<Wanted<'a>> {
    let wanted = |(manifest, schema): (&'a Arc<Manifest>, &'a Value)| Wanted {
        plugin: &manifest.name,
        schema,
        legacy: manifest.legacy,
    };
    manifests.iter().zip(schemas).map(wanted).collect()
}

/// What a command needs that asks about single plugins.
pub(super) struct Looked {
    pub(super) catalog: Catalog,
    pub(super) ctx: SessionContext,
    pub(super) settings: Settings,
}

pub(super) fn look(own: &Own, ui: &Ui, flags: &RunFlags) -> Result<Looked, Failure> {
    let catalog = host::catalog(own, flags)?;
    for warning in &catalog.warnings {
        ui.warn(warning);
    }
    let ctx = host::session_context(own, ui, &catalog, flags);
    let settings = run::settings(own, flags)?;
    Ok(Looked {
        catalog,
        ctx,
        settings,
    })
}

async fn plugins_answer(own: &Own, ui: &Arc<Ui>, query: &PluginsQuery) -> Result<Answer, Failure> {
    let catalog = host::catalog(own, &query.flags)?;
    match &query.what {
        PluginsWhat::List => plugins::list(&catalog, None, columns(own, ui)),
        PluginsWhat::OfType(kind) => plugins::list(&catalog, Some(kind), columns(own, ui)),
        PluginsWhat::Doctor => {
            let run = host::prober(own);
            let diagnoses = diagnosis::diagnose(&catalog, &own.environ.cache_dir, &run);
            let unparsed = check::unparsed(own, ui, &catalog, &query.flags).await;
            Ok(doctor::doctor(&catalog, &own.environ, &diagnoses, unparsed))
        }
        PluginsWhat::Show(name) => {
            let schema = schema_of(own, ui, &catalog, &query.flags, name).await?;
            plugins::show(&catalog, name, Some(&schema), columns(own, ui))
        }
    }
}

/// Returns the plugins that are asked where no pipeline names any: what only lies in the working folder starts nothing.
fn asked_unnamed(ui: &Ui, catalog: &Catalog) -> Vec<Arc<Manifest>> {
    let only_lies_there = |plugin: &Arc<Manifest>| {
        let own = plugin.origin.interpreter();
        plugin.config_schema.is_none() && own.is_some_and(|python| python.why == python::FOLDER)
    };
    let (left, asked): (Vec<_>, Vec<_>) = catalog.plugins.iter().cloned().partition(only_lies_there);
    if !left.is_empty() {
        let names: Vec<&str> = left.iter().map(|plugin| plugin.name.as_str()).collect();
        ui.note(&format!(
            "note: plugins of `./{}` are asked for their fields only where a pipeline names them, as in `opsbox config explain FIELD PIPELINE`: {}",
            python::FOLDER,
            names.join(", ")
        ));
    }
    asked
}

async fn schema_of(
    own: &Own,
    ui: &Arc<Ui>,
    catalog: &Catalog,
    flags: &RunFlags,
    name: &str,
) -> Result<Value, Failure> {
    let manifest = catalog.find(name).map_err(Failure::usage)?;
    let ctx = host::session_context(own, ui, catalog, flags);
    let mut schemas = schemas::schemas(&own.environ, ui, &ctx, catalog, &[manifest]).await?;
    Ok(schemas.pop().unwrap_or_default())
}

async fn config_answer(own: &Own, ui: &Arc<Ui>, query: &ConfigQuery) -> Result<Answer, Failure> {
    match &query.what {
        ConfigWhat::Show => {
            let planned = Planned::of(own, ui, &query.flags).await?;
            let limits = Limits::of(&own.environ, planned.prepared.project.as_ref())?;
            let store = Store::at(&own.environ.state_dir);
            let answer = config::show(&planned.resolution(), columns(own, ui));
            Ok(config::with_runs(answer, &store, &limits, columns(own, ui)))
        }
        ConfigWhat::Schema(name) => {
            let catalog = host::catalog(own, &query.flags)?;
            Ok(config::schema(
                &schema_of(own, ui, &catalog, &query.flags, name).await?,
            ))
        }
        ConfigWhat::Explain(field) if query.flags.pipeline.is_empty() => {
            let Looked {
                catalog,
                ctx,
                settings,
            } = look(own, ui, &query.flags)?;
            let asked = asked_unnamed(ui, &catalog);
            let schemas = schemas::schemas(&own.environ, ui, &ctx, &catalog, &asked).await?;
            let mut wanted = wanted(&asked, &schemas);
            wanted.push(of_rego_checks());
            config::explain(&settings, &wanted, field, columns(own, ui))
        }
        ConfigWhat::Explain(field) => {
            let planned = Planned::of(own, ui, &query.flags).await?;
            config::explain(
                &planned.prepared.settings,
                &planned.wanted(),
                field,
                columns(own, ui),
            )
        }
    }
}

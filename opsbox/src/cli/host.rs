//! What every subcommand starts from: the catalog of plugins, and what sessions share.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::cli::homeless::{self, Homeless};
use crate::cli::request::{Request, RunFlags};
use crate::config::Settings;
use crate::discover::{BundledManifest, Catalog, Search};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::manifest::{Launch, Manifest};
use crate::plugin::SessionContext;
use crate::plugin::guardian::Guardian;
use crate::plugin::tool::{self, Tool};
use crate::python;
use crate::redact::Secrets;
use crate::trace::{Hidden, Keep, Traces};
use crate::ui::Ui;

/// The process's own facts, as only `main` knows them.
pub struct Own {
    /// This binary.
    pub executable: PathBuf,
    /// Variables, folders and the time.
    pub environ: Environ,
    /// What stands in for a home where there is none.
    pub homeless: Homeless,
}

impl Own {
    /// Takes the facts; where there is no home, what stands in for it is made or replaced, unless the request needs none.
    ///
    /// # Errors
    /// A fault where nothing can stand in for a home.
    pub fn new(executable: PathBuf, mut environ: Environ, request: &Request) -> Result<Self, Failure> {
        let homeless = match request {
            Request::Version { .. } | Request::Completions(_) => Homeless::default(),
            _ => homeless::settle(&mut environ)?,
        };
        Ok(Self {
            executable,
            environ,
            homeless,
        })
    }
}

/// Finds all plugins.
///
/// # Errors
/// Where an interpreter that somebody named cannot be used.
pub fn catalog(own: &Own, flags: &RunFlags) -> Result<Catalog, Failure> {
    let bundled: Vec<_> = opsbox_plugins::BUNDLED
        .iter()
        .map(|plugin| BundledManifest {
            name: plugin.name,
            manifest: plugin.manifest,
            rego: plugin.rego,
        })
        .collect();
    let run = prober(own);
    Search {
        environ: &own.environ,
        bundled: &bundled,
        plugin_dirs: &flags.plugin_dirs,
        python: flags.python.as_deref(),
        files: python::bridge_files(),
        run: &run,
    }
    .catalog()
}

/// Returns what asks an interpreter about its environment: it has a deadline, and ends with this program.
pub(super) fn prober(
    own: &Own,
) -> impl Fn(&std::ffi::OsStr, &[std::ffi::OsString]) -> std::io::Result<std::process::Output> + '_ {
    let variables = probe_variables(&own.environ);
    move |program, args| {
        // Without a guardian the probe still has its deadline.
        let guardian = Guardian::start(&own.executable, &run_id(&own.environ)).ok();
        let probe = Tool {
            program,
            args,
            env: &variables,
            limit: tool::LIMIT,
        };
        probe.output(guardian.as_ref())
    }
}

/// Returns what an interpreter sees that is asked for its version: the common variables, and those that a shim chooses by.
fn probe_variables(environ: &Environ) -> std::collections::BTreeMap<std::ffi::OsString, std::ffi::OsString> {
    let passes = |name: &str| {
        crate::environ::is_common(name) || crate::environ::matches(name, &python::SHIM_VARIABLES)
    };
    environ
        .vars()
        .filter(|(name, _)| name.to_str().is_some_and(passes))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Makes what sessions share.
pub fn session_context(own: &Own, ui: &Ui, catalog: &Catalog, flags: &RunFlags) -> SessionContext {
    let environ = &own.environ;
    let interpreter = catalog.python.clone().ok_or_else(|| {
        catalog
            .python_fault
            .clone()
            .unwrap_or_else(|| Fault::new("no Python interpreter was found"))
    });
    // Only a Python plugin needs the bridge, so what goes wrong here is told when one is started.
    let bridge = match &interpreter {
        Ok(_) => python::bridge(&environ.cache_dir),
        Err(_) => Err("there is no Python interpreter".into()),
    };
    let wants = |plugin: &Arc<Manifest>| matches!(plugin.launch, Launch::Python { .. });
    if let Some(warning) = bridge.as_ref().ok().and_then(|bridge| bridge.warning.as_ref())
        && catalog.plugins.iter().any(wants)
    {
        ui.warn(warning);
    }
    SessionContext {
        executable: own.executable.clone(),
        variables: environ
            .vars()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        cwd: environ.cwd.clone(),
        run_id: run_id(environ),
        interpreter,
        bridge,
        hook_total: flags.timeout,
        max_line: flags.max_line,
        max_memory: flags.max_memory,
        max_cpu: flags.max_cpu,
        restarts: flags.restarts,
        meter: Arc::default(),
        log_level: ui.log_level(),
        terminal: ui.terminal(),
        legacy_environment: !flags.no_legacy_env,
        no_zygote: flags.no_zygote || is_on(environ, "OPSBOX_NO_ZYGOTE"),
        zygotes: None,
        secrets: Secrets::default(),
        guardian: None,
        traces: None,
    }
}

/// Returns whether a variable that stands for a flag is set, for the grammar and the commands that do not have the flag.
fn is_on(environ: &Environ, name: &str) -> bool {
    let off = ["0", "no", "off", "false"];
    environ
        .filled(name)
        .is_some_and(|value| !off.contains(&value.to_ascii_lowercase().as_str()))
}

/// Begins the traces that `--trace` asks for.
///
/// # Errors
/// A usage failure where the folder cannot be made.
pub(super) fn traces(
    own: &Own,
    ctx: &SessionContext,
    flags: &RunFlags,
    settings: &Settings,
) -> Result<Option<Arc<Traces>>, Failure> {
    let Some(folder) = &flags.trace else {
        return Ok(None);
    };
    let keep = Keep {
        folder: own.environ.absolute(folder),
        whole_bytes: flags.trace_line,
    };
    let early = Hidden::early(settings.given(), &ctx.variables);
    let begun = Traces::begin(keep, ctx.run_id.clone(), &ctx.cwd, early);
    let fault = |error| Fault::new(format!("cannot write to `--trace {}`: {error}", folder.display()));
    begun
        .map(|traces| Some(Arc::new(traces)))
        .map_err(|error| Failure::usage(fault(error)))
}

/// Returns an id that no other run has: the time, and a number by chance, since containers share process ids and state folders.
pub(super) fn run_id(environ: &Environ) -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // The keys of a `RandomState` are random, which is all that is wanted.
    let chance = RandomState::new().build_hasher().finish() & 0xff_ffff;
    format!(
        "{}-{chance:06x}",
        environ.now.timestamp().strftime("%Y%m%dT%H%M%SZ")
    )
}

/// Returns the schema of a bundled plugin, which needs no process.
pub fn bundled_schema(name: &str) -> Option<Value> {
    let plugin = opsbox_plugins::BUNDLED
        .iter()
        .find(|plugin| plugin.name == name)?;
    plugin.schema.map(|schema| schema())
}

/// Returns what went wrong on stdout, once; a closed pipe is nothing.
pub fn stdout_fault(ui: &Ui) -> Option<Fault> {
    let error = ui.stdout_error()?;
    Some(Fault::new(format!("cannot write to stdout: {error}")))
}

/// Returns the exit code of a command that is done, unless stdout did not take what it said.
///
/// # Errors
/// A failure of the run that says what went wrong on stdout.
pub fn ended(ui: &Ui, code: u8) -> Result<u8, Failure> {
    stdout_fault(ui).map_or(Ok(code), |fault| Err(Failure::run(fault)))
}

//! What every subcommand starts from: the catalog of plugins, and what sessions share.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::request::RunFlags;
use crate::discover::{BundledManifest, Catalog, Search};
use crate::environ::Environ;
use crate::error::{Failure, Fault};
use crate::plugin::{SessionContext, tool};
use crate::python;
use crate::ui::Ui;

/// The process's own facts, as only `main` knows them.
pub struct Own {
    /// This binary.
    pub executable: PathBuf,
    /// Variables, folders and the time.
    pub environ: Environ,
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
    let variables = probe_variables(&own.environ);
    let run =
        |program: &std::ffi::OsStr, args: &[std::ffi::OsString]| tool::output(program, args, &variables);
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
        Ok(_) => python::materialise(&environ.cache_dir)
            .map_err(|error| format!("cannot write to `{}`: {error}", environ.cache_dir.display())),
        Err(_) => Err("there is no Python interpreter".into()),
    };
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
        log_level: ui.log_level(),
        terminal: ui.terminal(),
        legacy_environment: !flags.no_legacy_env,
        guardian: None,
    }
}

/// Returns an id that no other run of this user has: the time and the process.
fn run_id(environ: &Environ) -> String {
    format!(
        "{}-{}",
        environ.now.timestamp().strftime("%Y%m%dT%H%M%SZ"),
        std::process::id()
    )
}

/// Returns the schema of a bundled plugin, which needs no process.
pub fn bundled_schema(name: &str) -> Option<Value> {
    let plugin = opsbox_plugins::BUNDLED
        .iter()
        .find(|plugin| plugin.name == name)?;
    plugin.schema.map(|schema| schema())
}

/// Looks whether a file can be written, before the work whose result it is to hold.
///
/// # Errors
/// A fault that names the file.
pub fn check_writable(path: &Path) -> Result<(), Fault> {
    tempfile::NamedTempFile::new_in(folder_of(path))
        .map(drop)
        .map_err(|error| {
            let why = std::io::Error::from(error.kind());
            Fault::new(format!("cannot write `{}`: {why}", path.display()))
                .hint("name a file in a folder that is there and that you may write to")
        })
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// A fault that names the file.
pub fn write_atomically(path: &Path, text: &str) -> Result<(), Fault> {
    use std::io::Write;
    let folder = folder_of(path);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| Fault::new(format!("cannot write `{}`: {error}", path.display())))
}

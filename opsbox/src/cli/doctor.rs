//! `opsbox plugins doctor`: which Python was chosen and why, what each plugin lacks, and the command that mends it.

use std::path::Path;

use serde_json::{Value, json};

use super::diagnosis::{Diagnosis, faults_of, notes_of};
use super::plugins::{notes, replaced_json, unusable_json};
use super::request::Answer;
use super::table::{clean, faults_json, faults_text, path_json};
use crate::discover::Catalog;
use crate::environ::Environ;
use crate::error::Fault;
use crate::managed::{LOCK_FILE, normal};
use crate::manifest::{Launch, Manifest};
use crate::plugin::tool;
use crate::python::Interpreter;

/// Says what is wrong and what to do; `unparsed` is what is wrong with policies. The exit code is 2 where a plugin cannot be used.
pub fn doctor(catalog: &Catalog, environ: &Environ, diagnoses: &[Diagnosis], unparsed: Vec<Fault>) -> Answer {
    let mut text = String::from("python:\n");
    match (&catalog.python, &catalog.python_fault) {
        (Some(python), _) => text.push_str(&interpreter(python, diagnoses)),
        (None, Some(fault)) => text.push_str(&faults_text(std::slice::from_ref(fault), "  ")),
        (None, None) => text.push_str("  was not looked for\n"),
    }
    text.push_str(&managed(catalog, diagnoses));
    text.push_str(&format!("places:\n  {}\n", catalog.sources.join("\n  ")));
    let mut faults = doubled(catalog);
    faults.extend(without_program(catalog, environ));
    faults.extend(crate::plan::faults_of_all(catalog));
    faults.extend(without_python(catalog));
    faults.extend(faults_of(catalog, diagnoses));
    faults.extend(unparsed);
    let said = notes_of(catalog, diagnoses);
    let code = if faults.is_empty() && catalog.unusable.is_empty() && catalog.warnings.is_empty() {
        0
    } else {
        2
    };
    text.push_str(&notes(catalog));
    if !faults.is_empty() {
        text.push_str(&format!("\nproblems:\n{}", faults_text(&faults, "  ")));
    }
    if !said.is_empty() {
        text.push_str(&format!("\nnotes:\n{}", faults_text(&said, "  ")));
    }
    if code == 0 {
        text.push_str(&format!("\nall {} plugins can be used\n", catalog.plugins.len()));
    }
    let json = json!({
        "python": catalog.python.as_ref().map(|python| json!({
            "path": path_json(&python.path), "version": python.version_text(), "from": python.why, "packages": python.packages,
        })),
        "python_fault": catalog.python_fault.as_ref().map(|fault| json!({"message": fault.message, "hints": fault.hints})),
        "managed": managed_json(catalog),
        "environments": diagnoses.iter().map(Diagnosis::to_json).collect::<Vec<_>>(),
        "sources": catalog.sources,
        "plugins": catalog.plugins.len(),
        "unusable": catalog.unusable.iter().map(unusable_json).collect::<Vec<_>>(),
        "replaced": replaced_json(catalog),
        "warnings": catalog.warnings,
        "plugin_warnings": catalog.plugins.iter().flat_map(|manifest| &manifest.warnings).collect::<Vec<_>>(),
        "faults": faults_json(&faults),
        "notes": faults_json(&said),
    });
    Answer { text, json, code }
}

/// Says which interpreter was chosen and why, and what of the packages that plugins import without saying so is not there.
fn interpreter(python: &Interpreter, diagnoses: &[Diagnosis]) -> String {
    let mut text = format!(
        "  {} {} at {} (from {}{})\n",
        python.implementation,
        python.version_text(),
        python.path.display(),
        python.why,
        reason(&python.why)
    );
    text.push_str(&opsbox_of(python, diagnoses));
    // What has a stand-in, or only belongs to the original, is missed by nobody.
    let needed = |name: &&str| ["pydantic", "yaml", "loguru", "rich"].contains(name);
    let missing: Vec<&str> = python
        .packages
        .iter()
        .filter(|(_, there)| !**there)
        .map(|(name, _)| name.as_str())
        .filter(needed)
        .collect();
    if !missing.is_empty() {
        text.push_str(&format!(
            "  not installed there: {} (needed only by plugins that import them)\n",
            missing.join(", ")
        ));
    }
    text
}

fn reason(why: &str) -> &'static str {
    match why {
        "PATH" => {
            ": there is no `--python` and no OPSBOX_PYTHON, and neither VIRTUAL_ENV nor `./.venv` has an interpreter"
        }
        "VIRTUAL_ENV" => ": this environment is active, and there is no `--python` and no OPSBOX_PYTHON",
        ".venv" => {
            ": of this folder; there is no `--python` and no OPSBOX_PYTHON, and VIRTUAL_ENV has no interpreter"
        }
        crate::python::MANAGED => ": no other Python was found",
        _ => "",
    }
}

/// Says which `opsbox` is installed in an environment.
fn opsbox_of(python: &Interpreter, diagnoses: &[Diagnosis]) -> String {
    let known = diagnoses
        .iter()
        .find(|diagnosis| diagnosis.python.path == python.path);
    let Some(Ok(seen)) = known.map(|diagnosis| &diagnosis.seen) else {
        return String::new();
    };
    let said = match &seen.opsbox {
        Some(opsbox) if opsbox.kind == "original" => format!(
            "the original `opsbox` {} is in it; plugins get the names of this program, and from the original what those lack",
            opsbox.version
        ),
        Some(opsbox) => format!("`opsbox` {} is in it", opsbox.version),
        None => "no `opsbox` is in it, and none is needed: its names are part of this program".to_owned(),
    };
    format!("  {}\n", clean(&said))
}

fn managed(catalog: &Catalog, diagnoses: &[Diagnosis]) -> String {
    let mut text = String::from("managed environment:\n");
    let Some(managed) = &catalog.managed else {
        text.push_str("  none; `opsbox plugins add NAME` makes one\n");
        return text;
    };
    match &managed.python {
        Ok(python) => {
            text.push_str(&format!(
                "  {} {} at {}\n",
                python.implementation,
                python.version_text(),
                python.path.display()
            ));
            text.push_str(&opsbox_of(python, diagnoses));
        }
        Err(fault) => text.push_str(&faults_text(std::slice::from_ref(fault), "  ")),
    }
    match &managed.lock {
        Ok(lock) => {
            let asked = lock.requested.iter().map(|asked| {
                let version = lock.package(&asked.name).map(|package| package.version.as_str());
                format!("{} {}", asked.name, version.unwrap_or_default())
            });
            let asked: Vec<String> = asked.collect();
            text.push_str(&format!(
                "  {} packages by {}; added: {}\n  lock file: {}\n",
                lock.packages.len(),
                lock.installer,
                clean(&asked.join(", ")),
                managed.active.folder.join(LOCK_FILE).display()
            ));
        }
        Err(fault) => text.push_str(&faults_text(std::slice::from_ref(fault), "  ")),
    }
    text
}

fn managed_json(catalog: &Catalog) -> Option<Value> {
    let managed = catalog.managed.as_ref()?;
    let lock = managed.lock.as_ref().ok();
    Some(json!({
        "folder": path_json(&managed.active.folder),
        "python": managed.python.as_ref().ok().map(|python| json!({"path": path_json(&python.path), "version": python.version_text()})),
        "python_fault": managed.python.as_ref().err().map(|fault| &fault.message),
        "lock_file": path_json(&managed.active.folder.join(LOCK_FILE)),
        "requested": lock.map(|lock| &lock.requested),
        "packages": lock.map(|lock| lock.packages.iter().map(|package| json!({
            "name": package.name, "version": package.version, "source": package.source,
            "requested": lock.requested.iter().any(|asked| asked.name == normal(&package.name)),
        })).collect::<Vec<_>>()),
    }))
}

fn doubled(catalog: &Catalog) -> Vec<Fault> {
    let mut names: Vec<&str> = catalog.names(None).collect();
    names.sort_unstable();
    let mut twice: Vec<&str> = names
        .windows(2)
        .filter(|pair| pair[0] == pair[1])
        .map(|pair| pair[0])
        .collect();
    twice.dedup();
    twice
        .into_iter()
        .filter_map(|name| catalog.find(name).err())
        .collect()
}

/// Names the plugins that need Python where there is none.
fn without_python(catalog: &Catalog) -> Option<Fault> {
    let needs = |manifest: &&std::sync::Arc<Manifest>| matches!(manifest.launch, Launch::Python { .. });
    let names: Vec<_> = catalog
        .plugins
        .iter()
        .filter(needs)
        .map(|manifest| manifest.name.as_str())
        .collect();
    if catalog.python.is_some() || names.is_empty() {
        return None;
    }
    Some(
        Fault::new(format!(
            "these plugins need a Python interpreter: {}",
            names.join(", ")
        ))
        .hint("install Python 3.9 or newer, or name one with `--python PATH`"),
    )
}

fn without_program(catalog: &Catalog, environ: &Environ) -> Vec<Fault> {
    let mut faults = Vec::new();
    for manifest in &catalog.plugins {
        let Launch::Command { argv } = &manifest.launch else {
            continue;
        };
        let program = Path::new(&argv[0]);
        let beside = Some(manifest.home.join(program)).filter(|beside| beside.is_file());
        let named = program.components().count() == 1;
        let on_path = || which::which_in(program, environ.var_os("PATH"), &environ.cwd).ok();
        let found = beside.or_else(|| on_path().filter(|_| named));
        if let Some(why) = found.as_deref().and_then(tool::refusal) {
            let fault = Fault::new(format!("plugin `{}`: `{}` {why}", manifest.name, argv[0]));
            faults.push(fault.hint(format!("correct it, or `command` in `{}`", manifest.origin)));
        } else if found.is_none() {
            let place = if named {
                "beside the manifest or on `PATH`"
            } else {
                "there"
            };
            faults.push(
                Fault::new(format!(
                    "plugin `{}`: program `{}` is not {place}",
                    manifest.name, argv[0]
                ))
                .hint(format!(
                    "install it, or correct `command` in `{}`",
                    manifest.origin
                )),
            );
        }
    }
    faults
}

//! What the Python plugins of each environment lack, asked of its interpreter, which reads their sources and imports none of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::table::path_json;
use crate::discover::Catalog;
use crate::error::Fault;
use crate::manifest::{Launch, Manifest, Origin};
use crate::python::{self, Interpreter, MANAGED, Runner};

/// How many plugins are asked about at once: they stand on a command line.
const AT_ONCE: usize = 100;

/// What one interpreter says about its plugins.
#[derive(Debug)]
pub struct Diagnosis {
    /// The interpreter.
    pub python: Arc<Interpreter>,
    /// What it says, or why it says nothing.
    pub seen: Result<Seen, String>,
}

/// What is in an environment, and what its plugins lack.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The installed distribution `opsbox`.
    pub opsbox: Option<Opsbox>,
    /// By the plugins' names.
    pub plugins: BTreeMap<String, Lacks>,
}

/// The distribution `opsbox` of an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Opsbox {
    /// Its version.
    pub version: String,
    /// `original`, `light`, or `this`: a whole one of this program.
    pub kind: String,
}

/// What one plugin lacks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lacks {
    /// Why its source could not be looked at.
    fault: Option<String>,
    /// Modules that are not there.
    imports: Vec<Import>,
    /// Names that this program's modules do not have.
    names: Vec<Name>,
    /// Files that this version of Python cannot read.
    syntax: Vec<Syntax>,
    /// The class that the manifest names, where its module has none of that name.
    class: Option<NoClass>,
    /// Whether pip refuses to install into this Python, because the system's packages own it.
    sealed: bool,
    /// What its package demands of Python, where that is not met.
    python: Option<String>,
    /// What its package needs and does not have.
    requires: Vec<Need>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Import {
    module: String,
    distribution: String,
    file: String,
    line: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Name {
    module: String,
    name: String,
    file: String,
    line: u32,
    message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Syntax {
    file: String,
    line: u32,
    message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct NoClass {
    message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Need {
    requirement: String,
    there: Option<String>,
}

impl Diagnosis {
    /// Returns it for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "python": path_json(&self.python.path),
            "version": self.python.version_text(),
            "from": self.python.why,
            "seen": self.seen.as_ref().ok(),
            "fault": self.seen.as_ref().err(),
        })
    }
}

/// Asks each interpreter about its plugins, the chosen and the managed one also where they have none.
pub fn diagnose(catalog: &Catalog, cache_dir: &Path, run: Runner<'_>) -> Vec<Diagnosis> {
    let mut found: Vec<(Arc<Interpreter>, Vec<&Manifest>)> = Vec::new();
    let managed = catalog
        .managed
        .as_ref()
        .and_then(|managed| managed.python.as_ref().ok());
    for python in catalog.python.iter().chain(managed) {
        if found.iter().all(|(known, _)| known.path != python.path) {
            found.push((Arc::clone(python), Vec::new()));
        }
    }
    for manifest in &catalog.plugins {
        let Some(python) = catalog.interpreter_of(manifest) else {
            continue;
        };
        match found.iter_mut().find(|(known, _)| known.path == python.path) {
            Some((_, plugins)) => plugins.push(manifest),
            None => found.push((Arc::clone(python), vec![manifest])),
        }
    }
    let ask = |(python, plugins): (Arc<Interpreter>, Vec<&Manifest>)| {
        let seen = ask(&python, &plugins, cache_dir, run);
        Diagnosis { python, seen }
    };
    found.into_iter().map(ask).collect()
}

fn ask(
    python: &Interpreter,
    plugins: &[&Manifest],
    cache_dir: &Path,
    run: Runner<'_>,
) -> Result<Seen, String> {
    let bridge = python::bridge(cache_dir)?;
    let mut all = Seen::default();
    // One question with no plugin still says which `opsbox` is there.
    let parts: Vec<&[&Manifest]> = match plugins {
        [] => vec![&[]],
        _ => plugins.chunks(AT_ONCE).collect(),
    };
    for part in parts {
        let question: Vec<Value> = part.iter().map(|manifest| question(manifest)).collect();
        let mut argv = python::script_argv(python, &bridge.folder, "diagnose.py");
        argv.push(OsString::from(Value::from(question).to_string()));
        let output = run(&argv[0], &argv[1..]).map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout);
        let answer = said
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str::<Seen>(line).ok());
        let Some(answer) = answer else {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it said nothing");
            return Err(format!("it ended with {} and: {last}", output.status));
        };
        all.opsbox = answer.opsbox;
        all.plugins.extend(answer.plugins);
    }
    Ok(all)
}

fn question(manifest: &Manifest) -> Value {
    let (module, class_name, source) = match &manifest.launch {
        Launch::Python {
            module,
            class_name,
            entry_point,
        } => (
            module.as_str(),
            class_name.as_str(),
            if *entry_point { "entry_point" } else { "directory" },
        ),
        _ => ("", "", "directory"),
    };
    json!({
        "name": manifest.name, "module": module, "class_name": class_name, "folder": manifest.home.to_string_lossy(), "source": source,
        "distribution": distribution(manifest),
    })
}

fn distribution(manifest: &Manifest) -> Option<&str> {
    match &manifest.origin {
        Origin::EntryPoint { distribution, .. } => Some(distribution),
        _ => None,
    }
}

/// Returns what keeps plugins from running, each with the command that mends it.
pub fn faults_of(catalog: &Catalog, diagnoses: &[Diagnosis]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (python, manifest, lacks) in each(catalog, diagnoses) {
        let name = &manifest.name;
        let version = python.version_text();
        if !lacks.imports.is_empty() {
            let mut modules: Vec<String> = Vec::new();
            let mut wanted: Vec<&str> = Vec::new();
            for import in &lacks.imports {
                modules.push(format!(
                    "`{}` ({})",
                    import.module,
                    place(&import.file, import.line)
                ));
                if !wanted.contains(&import.distribution.as_str()) {
                    wanted.push(&import.distribution);
                }
            }
            let fault = Fault::new(format!(
                "plugin `{name}` imports what is not in the environment of Python {version}: {}",
                modules.join(", ")
            ));
            faults.push(fault.hint(format!(
                "install it: {}",
                command(python, manifest, &wanted.join(" "), lacks.sealed)
            )));
        }
        for syntax in &lacks.syntax {
            let fault = Fault::new(format!(
                "plugin `{name}` cannot be read by Python {version}: {} in {}",
                syntax.message,
                place(&syntax.file, syntax.line)
            ));
            faults.push(fault.hint(match distribution(manifest) {
                Some(package) => format!(
                    "try another version: `opsbox plugins add {package} --any-python --python python3.12`"
                ),
                None => "correct it, or run it with another version: `--python PATH`".to_owned(),
            }));
        }
        if let Some(class) = &lacks.class {
            let fault = Fault::new(format!("plugin `{name}`: {}", class.message));
            faults.push(fault.hint(format!("correct `class_name` in `{}`", manifest.origin)));
        }
        for wanted in &lacks.names {
            let fault = Fault::new(format!(
                "plugin `{name}` takes `{}` from `{}` ({}), which is not there: {}",
                wanted.name,
                wanted.module,
                place(&wanted.file, wanted.line),
                wanted.message
            ));
            faults.push(fault.hint(if python.why == MANAGED {
                "run it in an environment of your own that has the original `opsbox`: `--python PATH`"
                    .to_owned()
            } else {
                format!(
                    "install the original beside it: `{} -m pip install 'opsbox<1'`",
                    python.path.display()
                )
            }));
        }
    }
    faults
}

/// Returns what is odd about plugins but need not keep them from running.
pub fn notes_of(catalog: &Catalog, diagnoses: &[Diagnosis]) -> Vec<Fault> {
    let mut notes: Vec<Fault> = Vec::new();
    for diagnosis in diagnoses {
        if let Err(why) = &diagnosis.seen {
            let path = diagnosis.python.path.display();
            notes.push(Fault::new(format!(
                "the plugins of Python `{path}` could not be looked at: {why}"
            )));
        }
    }
    for (python, manifest, lacks) in each(catalog, diagnoses) {
        let version = python.version_text();
        if let Some(fault) = &lacks.fault {
            notes.push(Fault::new(format!(
                "plugin `{}` could not be looked at: {fault}",
                manifest.name
            )));
        }
        let Some(package) = distribution(manifest) else {
            continue;
        };
        if let Some(demand) = &lacks.python {
            notes.push(
                Fault::new(format!(
                    "package {package} demands Python {demand}, and it runs with {version}"
                ))
                .hint(format!(
                    "`opsbox plugins add {package}` makes an environment with one that it accepts"
                )),
            );
        }
        for need in &lacks.requires {
            let there = need
                .there
                .as_ref()
                .map_or("is not there".to_owned(), |there| format!("is there as {there}"));
            let requirement = format!("'{}'", need.requirement);
            notes.push(
                Fault::new(format!(
                    "package {package} needs {}, which {there}",
                    need.requirement
                ))
                .hint(format!(
                    "install it: {}",
                    command(python, manifest, &requirement, lacks.sealed)
                )),
            );
        }
    }
    // Several plugins of one package say the same.
    let mut seen: Vec<Fault> = Vec::new();
    notes.retain(|note| {
        let is_new = !seen.contains(note);
        seen.push(note.clone());
        is_new
    });
    notes
}

/// Returns each plugin that an interpreter said something about.
fn each<'a>(
    catalog: &'a Catalog,
    diagnoses: &'a [Diagnosis],
) -> impl Iterator<Item = (&'a Interpreter, &'a Manifest, &'a Lacks)> {
    diagnoses.iter().flat_map(move |diagnosis| {
        let seen = diagnosis.seen.as_ref().ok();
        catalog.plugins.iter().filter_map(move |manifest| {
            let own = catalog.interpreter_of(manifest)?;
            let lacks = seen?.plugins.get(&manifest.name)?;
            (own.path == diagnosis.python.path).then_some((
                diagnosis.python.as_ref(),
                manifest.as_ref(),
                lacks,
            ))
        })
    })
}

/// Returns the command that brings packages into an environment.
fn command(python: &Interpreter, manifest: &Manifest, wanted: &str, sealed: bool) -> String {
    if python.why == MANAGED {
        return format!("`opsbox plugins add {wanted}`");
    }
    let path = python.path.display();
    let pip = if sealed {
        format!(
            "make an environment with `{path} -m venv ENV`, since this Python belongs to the system, then `ENV/bin/pip install {wanted}`, and run with OPSBOX_PYTHON=ENV"
        )
    } else {
        format!("`{path} -m pip install {wanted}`")
    };
    match distribution(manifest) {
        Some(package) => format!("{pip}; or have the plugin managed: `opsbox plugins add {package}`"),
        None => pip,
    }
}

fn place(file: &str, line: u32) -> String {
    format!("{file}:{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_of_the_system_is_not_told_to_install_what_it_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.toml");
        std::fs::write(folder.path().join("a.py"), "").unwrap();
        std::fs::write(
            &path,
            "[info]\nname='a'\nmodule='a'\nclass_name='A'\ntype='input'\n",
        )
        .unwrap();
        let manifest = Manifest::from_file(&path).unwrap();
        let python = Interpreter::unknown(Path::new("/usr/bin/python3"));
        let said = |sealed| command(&python, &manifest, "pydantic", sealed);
        assert_eq!(said(false), "`/usr/bin/python3 -m pip install pydantic`");
        assert!(
            said(true).contains("`ENV/bin/pip install pydantic`") && !said(true).contains("-m pip"),
            "{}",
            said(true)
        );
    }
}

//! Entry points of group `opsbox.plugins`, read from the metadata of a Python environment; no package is imported.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Unusable, repair};
use crate::bounded;
use crate::error::Fault;
use crate::manifest::{BadManifest, EntryPointFacts, Launch, Manifest};
use crate::python::Interpreter;

const GROUP: &str = "opsbox.plugins";

/// A file of a distribution's metadata is no larger than this.
const MOST: u64 = 8 << 20;

/// A distribution that has plugins.
#[derive(Debug)]
struct Distribution {
    name: String,
    version: String,
    metadata: PathBuf,
    /// Name and value of each entry point, in the order of the file.
    points: Vec<(String, String)>,
}

/// What was found in an environment.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) unusable: Vec<Unusable>,
}

/// Reads the entry points of an interpreter's environment.
pub(crate) fn find(python: &Arc<Interpreter>) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for distribution in distributions(&python.sys_path) {
        for (name, value) in &distribution.points {
            match manifest(python, &distribution, name, value) {
                Ok(manifest) => {
                    if seen.insert((manifest.name.clone(), manifest.home.clone(), value.clone())) {
                        found.manifests.push(manifest);
                    }
                }
                Err(bad) => found.unusable.push(Unusable {
                    name: bad.name.or_else(|| Some(name.clone())),
                    place: distribution.metadata.join("entry_points.txt"),
                    distribution: Some(distribution.name.clone()),
                    faults: bad.faults,
                }),
            }
        }
    }
    found
}

/// Returns the distributions with plugins; of one name the first on the path counts, as for Python itself.
fn distributions(sys_path: &[PathBuf]) -> Vec<Distribution> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for folder in sys_path {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names.iter().filter_map(|name| name.to_str()) {
            let Some(stem) = name
                .strip_suffix(".dist-info")
                .or_else(|| name.strip_suffix(".egg-info"))
            else {
                continue;
            };
            let (project, version) = stem.split_once('-').unwrap_or((stem, ""));
            if !seen.insert(project.to_lowercase().replace(['-', '.'], "_")) {
                continue;
            }
            let metadata = folder.join(name);
            let Ok((text, _)) = bounded::read_text(&metadata.join("entry_points.txt"), MOST) else {
                continue;
            };
            let points = entry_points(&text);
            if points.is_empty() {
                continue;
            }
            let headers = headers(&metadata);
            found.push(Distribution {
                name: headers.0.unwrap_or_else(|| project.to_owned()),
                version: headers.1.unwrap_or_else(|| version.to_owned()),
                metadata,
                points,
            });
        }
    }
    found
}

/// Returns the entry points of the group; the file is an INI file without interpolation.
pub(crate) fn entry_points(text: &str) -> Vec<(String, String)> {
    let mut inside = false;
    let mut points = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            inside = section
                .strip_suffix(']')
                .is_some_and(|section| section.trim() == GROUP);
        } else if inside
            && !line.starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once('=')
        {
            points.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    points
}

/// Returns name and version of a distribution's metadata.
fn headers(metadata: &Path) -> (Option<String>, Option<String>) {
    let text = ["METADATA", "PKG-INFO"]
        .iter()
        .find_map(|name| bounded::read_text(&metadata.join(name), MOST).ok());
    let text = text.map_or_else(String::new, |(text, _)| text);
    (header(&text, "Name"), header(&text, "Version"))
}

/// Returns the value of one header of a distribution's metadata, whose body stands after an empty line.
pub(crate) fn header(text: &str, wanted: &str) -> Option<String> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.trim().to_owned())
}

fn manifest(
    python: &Arc<Interpreter>,
    distribution: &Distribution,
    name: &str,
    value: &str,
) -> Result<Manifest, BadManifest> {
    let Distribution {
        name: package,
        version,
        ..
    } = distribution;
    let bad = |cause: String, hint: String| BadManifest {
        name: None,
        faults: vec![
            Fault::new(format!(
                "entry point `{name} = {value}` of package {package} {version}: {cause}"
            ))
            .hint(hint),
        ],
    };
    let reinstall = format!(
        "reinstall it: `{} -m pip install --force-reinstall {package}`",
        python.path.display()
    );
    let Some((module, class)) = value.split_once(':') else {
        return Err(bad(
            "it names no class".to_owned(),
            format!("write it as `{name} = \"module:Class\"`"),
        ));
    };
    let module = module.trim();
    let class = class.split('[').next().unwrap_or(class).trim();
    let about = format!("entry point `{name}` of package {package} {version}");
    let mut warnings = Vec::new();
    // Where Python does not find the module, the package's own list of files may.
    let (folder, code) = match locate(python, module) {
        Ok(folder) => (folder, None),
        Err(cause) => {
            let code = repair::code_file(&repair::files(&distribution.metadata), module, class);
            let Some(folder) = code.as_deref().and_then(Path::parent) else {
                return Err(bad(cause, reinstall));
            };
            let path = folder.join(format!("{}.py", module.rsplit('.').next().unwrap_or(module)));
            warnings.push(format!(
                "{about}: it names module `{module}`, but {cause}; `{}` of the same package was taken for it",
                path.display()
            ));
            (folder.to_owned(), code)
        }
    };
    let mut path = folder.join("manifest.toml");
    if !path.is_file() {
        let elsewhere = (code.is_none()).then(|| manifest_elsewhere(distribution, &folder, module, class));
        let Some(found) = elsewhere.flatten() else {
            let hint = "put `manifest.toml` beside the module and list it as package data".to_owned();
            return Err(bad(format!("there is no manifest `{}`", path.display()), hint));
        };
        warnings.push(format!(
            "{about}: there is no manifest `{}`; `{}` of the same package was taken",
            path.display(),
            found.display()
        ));
        path = found;
    }
    let facts = EntryPointFacts {
        distribution: package,
        version,
        value,
        interpreter: python,
    };
    let mut manifest = Manifest::from_entry_point(&path, facts)?;
    manifest.warnings.splice(0..0, warnings);
    let last = module.rsplit('.').next().unwrap_or(module);
    if let (Some(_), Launch::Python { entry_point, .. }) = (&code, &mut manifest.launch) {
        // The module's name leads Python elsewhere, so the file beside the manifest is loaded as from a folder.
        *entry_point = false;
    }
    let source = code.unwrap_or_else(|| match folder.join(format!("{last}.py")) {
        file if file.is_file() => file,
        _ => folder.join("__init__.py"),
    });
    let has_core = python.packages.get("core").is_some_and(|there| *there);
    repair::source(&mut manifest, &source, &about, has_core);
    Ok(manifest)
}

/// Looks for a manifest that is not beside the module: in the package's own files or, where they are not listed, below the module's folder.
fn manifest_elsewhere(
    distribution: &Distribution,
    folder: &Path,
    module: &str,
    class: &str,
) -> Option<PathBuf> {
    let listed = repair::files(&distribution.metadata);
    repair::manifest_file(&listed, module, class)
        .or_else(|| repair::manifest_file(&repair::below(folder), module, class))
}

/// Returns the folder that holds a module's file, found the way Python's path finder does.
fn locate(python: &Interpreter, module: &str) -> Result<PathBuf, String> {
    let mut parts = module.split('.');
    let top = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let valid = |part: &&str| !part.is_empty() && !part.contains(['/', '\\', '\0']);
    if !std::iter::once(&top).chain(&rest).all(valid) {
        return Err(format!("`{module}` is no name of a module"));
    }
    let mut tried = None;
    if let Some(place) = python.editable.get(top) {
        let folder = if place.is_dir() { Some(place.clone()) } else { None };
        match folder {
            Some(folder) => match below(&folder, &rest) {
                Some(found) => return Ok(found),
                None => tried = Some(folder),
            },
            None if rest.is_empty() => return Ok(place.parent().unwrap_or(place).to_owned()),
            None => tried = Some(place.clone()),
        }
    }
    for root in &python.sys_path {
        let package = root.join(top);
        let is_package = package.join("__init__.py").is_file();
        if !is_package && is_module(root, top) {
            if rest.is_empty() {
                return Ok(root.clone());
            }
            // A plain module hides folders of its name, and nothing is below it.
            tried.get_or_insert(root.join(format!("{top}.py")));
            break;
        }
        if package.is_dir() {
            if let Some(found) = below(&package, &rest) {
                return Ok(found);
            }
            // A package without `__init__.py` may go on in another folder; a whole one hides those behind it.
            tried.get_or_insert(package);
            if is_package {
                break;
            }
        }
    }
    Err(match tried {
        Some(place) => format!(
            "Python finds `{top}` at `{}`, which has no module `{module}`",
            place.display()
        ),
        None => format!("module `{module}` is not there"),
    })
}

fn below(package: &Path, rest: &[&str]) -> Option<PathBuf> {
    let Some((last, between)) = rest.split_last() else {
        return Some(package.to_owned());
    };
    let folder = between
        .iter()
        .fold(package.to_owned(), |folder, part| folder.join(part));
    let inner = folder.join(last);
    if inner.join("__init__.py").is_file() {
        return Some(inner);
    }
    if is_module(&folder, last) {
        Some(folder)
    } else {
        Some(inner).filter(|inner| inner.is_dir())
    }
}

fn is_module(folder: &Path, name: &str) -> bool {
    if folder.join(format!("{name}.py")).is_file() {
        return true;
    }
    // Compiled modules carry a tag: `name.cpython-311-x86_64-linux-gnu.so`.
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    let compiled = |file: &str| {
        file.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.') && (rest.ends_with(".so") || rest.ends_with(".pyc")))
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_str().is_some_and(compiled))
}
